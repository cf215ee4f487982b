"""One HTML file with layers, made with folium, which opens without network.

Leaflet is written into the file from the installed npm package; nothing is fetched. folium takes (lat, lon) where
everything else here is (lon, lat): `_lat_lon` is the only place where they are swapped.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import shapely
from branca.element import Element

from geoplan.crs import DISPLAY, Bounds
from geoplan.errors import BuildError
from geoplan.layers.legend import SEVERAL
from geoplan.layers.store import Build, layer_metadata, read_layer_frame

_LEAFLET = Path("node_modules/leaflet/dist")
_FIELDS = {
    "name": "名称",
    "change_zh": "变化",
    "detail": "说明",
    "place": "地点",
    "old_line": "原行",
    "new_line": "新行",
    "division_name": "行政区",
    "value_text": "数值",
    "qualifier_zh": "限定",
    "value_si_text": "换算",
    "status_zh": "性质",
    "period": "时期",
    "plan_title": "规划",
    "chapter": "章节",
    "line": "行",
    "precision_zh": "精度",
    "geometry_source_zh": "图形",
}
_FILL_OPACITY = 0.7
_SIMPLIFY_DEGREES = 0.001
_NOTICE = "边界为概化示意，仅供参考；公开出版须另行审图。"


Report = Callable[[str, int, int], None]


def _silent(_step: str, _done: int, _total: int) -> None:
    """Report nothing."""


def layered_map(build: Build, layer_ids: Sequence[str], viewer_dir: Path, *, progress: Report = _silent) -> str:
    """HTML text of a map with the named layers, each with a switch, and one legend for all of them.

    Parameters
    ----------
    viewer_dir
        Folder whose ``node_modules`` holds Leaflet.

    Raises
    ------
    LayerError
        If a layer does not exist.
    BuildError
        If Leaflet is not installed.
    """
    metadata = [layer_metadata(build, layer_id) for layer_id in layer_ids]

    def layers() -> Iterator[tuple[dict[str, Any], gpd.GeoDataFrame]]:
        for number, meta in enumerate(metadata):
            progress(meta["id"], number, len(metadata))
            yield meta, read_layer_frame(build, meta["id"])

    return map_of_layers(layers(), viewer_dir)


def map_of_layers(layers: Iterable[tuple[dict[str, Any], gpd.GeoDataFrame]], viewer_dir: Path) -> str:
    """HTML text of a map with layers given as metadata and frame (EPSG:4490); errors as for `layered_map`."""
    metadata = []
    page = folium.Map(tiles=None, control_scale=True, prefer_canvas=True)
    page.default_js = [("leaflet", _inline(viewer_dir, "leaflet.js", "text/javascript"))]
    page.default_css = [("leaflet_css", _inline(viewer_dir, "leaflet.css", "text/css"))]
    for meta, frame in layers:
        metadata.append(meta)
        _add_layer(page, meta, frame)
    folium.LayerControl(collapsed=False).add_to(page)
    bounds = [Bounds(*meta["bounds"]) for meta in metadata if meta["bounds"]]
    if bounds:
        whole = shapely.union_all([shapely.box(*box) for box in bounds]).bounds
        page.fit_bounds(_lat_lon(Bounds(*whole)))
    figure: Any = page.get_root()
    figure.html.add_child(Element(_legend(metadata)))
    return str(figure.render())


def _lat_lon(bounds: Bounds) -> list[tuple[float, float]]:
    """South-west and north-east corners as folium wants them, latitude first."""
    return [(bounds.south, bounds.west), (bounds.north, bounds.east)]


def _inline(viewer_dir: Path, name: str, media_type: str) -> str:
    path = viewer_dir / _LEAFLET / name
    if not path.is_file():
        raise BuildError(f"{name} of the npm package leaflet is not installed; run `make setup`.")
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _add_layer(page: folium.Map, meta: dict[str, Any], frame: gpd.GeoDataFrame) -> None:
    drawn = frame[~frame.geometry.isna()].to_crs(DISPLAY)
    if drawn.empty:
        return
    fields = [name for name in _FIELDS if name in drawn]
    # folium writes cell text into the page as HTML, so whatever a name holds is made plain text here.
    cells = drawn[fields].astype(object).where(drawn[fields].notna(), "").map(lambda value: html.escape(str(value)))
    shapes = shapely.set_precision(drawn.geometry.simplify(_SIMPLIFY_DEGREES).array, 1e-5, mode="pointwise")
    data = gpd.GeoDataFrame(cells, geometry=list(shapes), crs=DISPLAY)
    data["colour"] = [_colour(meta, index) for index in drawn["fill"]]
    data["filled"] = drawn["precision"].isin(meta["fill_levels"]) & drawn["fill"].ne(-1)
    data["dashed"] = drawn["geometry_source"].eq("schematic")
    folium.GeoJson(
        data.to_json(drop_id=True),
        name=html.escape(meta["title"]["zh"]),
        show=meta["visible"],
        style_function=_style,
        popup=folium.GeoJsonPopup(fields=fields, aliases=[_FIELDS[name] for name in fields], max_width=420),
    ).add_to(page)


def _style(feature: dict[str, Any]) -> dict[str, Any]:
    properties = feature["properties"]
    return {
        "color": "#555555",
        "weight": 1,
        "dashArray": "4 3" if properties["dashed"] else None,
        "fillColor": properties["colour"],
        "fillOpacity": _FILL_OPACITY if properties["filled"] else 0,
    }


def _colour(meta: dict[str, Any], index: int) -> str:
    entries = meta["legend"]["entries"]
    if index == SEVERAL:
        return str(meta["legend"]["several"]["color"])
    return str(entries[index]["color"]) if 0 <= index < len(entries) else "#b8b8b8"


def _legend(metadata: Sequence[dict[str, Any]]) -> str:
    parts = []
    for meta in metadata:
        legend = meta["legend"]
        unit = f"（{legend['unit']}）" if legend.get("unit") else ""
        parts.append(
            f"<h4>{html.escape(meta['title']['zh'])}</h4><p>{html.escape(legend['title']['zh'] + unit)}</p><ul>"
        )
        several = [legend["several"]] if "several" in legend else []
        for entry in [*legend["entries"], *several]:
            text = html.escape(f"{entry['label']['zh']}（{entry['count']}）")
            parts.append(f'<li><i style="background:{html.escape(entry["color"])}"></i>{text}</li>')
        parts.append("</ul>")
    sources = {source["title"] for meta in metadata for source in meta["sources"]}
    credit = "；".join(html.escape(title) for title in sorted(sources))
    return f"{_LEGEND_STYLE}<aside id='legend'>{''.join(parts)}<p>来源：{credit}</p><p>{_NOTICE}</p></aside>"


_LEGEND_STYLE = """<style>
#legend { position: fixed; bottom: 24px; left: 12px; z-index: 1000; max-height: 60vh; width: 240px; overflow: auto;
  background: #fff; border: 1px solid #bbb; border-radius: 6px; padding: 8px 12px; font: 13px/1.5 sans-serif; }
#legend h4 { margin: 6px 0 0; } #legend p { margin: 2px 0; color: #555; }
#legend ul { list-style: none; margin: 0; padding: 0; }
#legend i { display: inline-block; width: 14px; height: 14px; margin-right: 6px; vertical-align: -2px;
  border: 1px solid #777; }
</style>"""
