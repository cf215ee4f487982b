"""The packs of a build: every layer in the form in which tiles and queries read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan.errors import LayerError, PackError
from geoplan.layers.build import LIST_COLUMNS
from geoplan.layers.definition import Levels
from geoplan.pack.build import PackOptions, build_pack
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.format import Approximate
from geoplan.pack.levels import LevelRule, build_levels
from geoplan.terms import GeometrySource

if TYPE_CHECKING:
    import geopandas as gpd

    from geoplan.pack.build import Progress
    from geoplan.pack.part import Part

ID = "fid"
PACKS = "packs"
"""Folder of a build with a pack for each layer, by its id."""
TILE_COLUMNS = (
    "name",
    "division_name",
    "division_code",
    "precision",
    "geometry_source",
    "class",
    "fill",
    "plan",
    "line",
    "theme",
    "status",
    "period",
    "value",
    "unit",
    "value_si",
    "unit_si",
    "qualifier",
)
"""Columns that tiles carry; the whole record is behind ``/collections/{id}/items/{fid}``."""
DRAWN_BY = ("class", "fill", "precision", "geometry_source")
"""Columns that say how a feature is drawn: shapes that differ in one are not merged at low zooms."""
_APPROXIMATE = Approximate(column="geometry_source", values=(GeometrySource.SCHEMATIC.value,))


def write_layer_pack(
    frame: gpd.GeoDataFrame, metadata: dict[str, Any], target: Path, levels: Levels | None = None
) -> None:
    """Write the pack of a layer's frame (EPSG:4490, in drawing order) into the folder `target`.

    Schematic shapes are marked: they answer no question about a point.

    Parameters
    ----------
    levels
        How the layer file wants low zooms to be drawn.

    Raises
    ------
    LayerError
        If `levels` names a column that the layer has not, or one that cannot be used like this.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    file = f"layers/{metadata['id']}.toml"
    names = [name for name in frame.columns if name not in (frame.geometry.name, ID)]
    declared = levels or Levels()
    for key, asked in (("dissolve", declared.dissolve), ("statistics", tuple(declared.statistics))):
        if unknown := [name for name in asked if name not in names]:
            raise LayerError(
                f"{file}: levels.{key}: there is no column {unknown[0]!r}; there are {', '.join(sorted(names))}."
            )
    shown = {*TILE_COLUMNS, *declared.dissolve, *declared.statistics}
    columns = [ColumnSpec(name, "json" if name in LIST_COLUMNS else None, in_tiles=name in shown) for name in names]

    def prepared(
        part: Part, /, *, notes: dict[str, Any] | None, progress: Progress | None
    ) -> Iterator[tuple[str, Part]]:
        try:
            yield from build_levels(part, _rule(declared, names), notes=notes, progress=progress)
        except PackError as error:
            raise LayerError(f"{file}: levels: {str(error).removeprefix('level rule: ')}") from None

    build_pack(
        frame,
        target,
        PackOptions(
            id=metadata["id"],
            title=metadata["title"],
            description=metadata["description"].get("zh", "") if metadata.get("description") else "",
            columns=columns,
            id_column=ID,
            ordered=True,
            approximate=_APPROXIMATE if "geometry_source" in frame.columns else None,
            min_zoom=declared.min_zoom,
            sources=metadata["sources"],
        ),
        levels=prepared,
    )


def _rule(declared: Levels, names: list[str]) -> LevelRule:
    drawn_by = (name for name in DRAWN_BY if name in names and name not in declared.statistics)
    follows = max(LevelRule().complete_zoom, 1 + (declared.max_zoom or 0))
    return LevelRule(
        complete_zoom=follows if declared.complete_zoom is None else declared.complete_zoom,
        max_zoom=declared.max_zoom,
        dissolve=tuple(dict.fromkeys((*declared.dissolve, *drawn_by))),
        statistics=declared.statistics,
        tile_bytes=declared.tile_bytes,
        simplify_below=declared.simplify_below,
    )
