"""`geoplan diff`: what changed between two versions of a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoplan.cli.console import settings_here, write_new
from geoplan.errors import GeoplanError

if TYPE_CHECKING:
    from geoplan.documents.diff import Difference
    from geoplan.layers.changes import ChangeLayer


def diff(
    old: Annotated[Path, typer.Argument(help="Records or draft of the old version (csv, jsonl).")],
    new: Annotated[Path, typer.Argument(help="Records or draft of the new version.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="CSV file for the table.")] = None,
    geojson: Annotated[Path | None, typer.Option(help="GeoJSON file for the changed places.")] = None,
    map_: Annotated[Path | None, typer.Option("--map", help="HTML file for a map of them.")] = None,
    area: Annotated[str | None, typer.Option(help="The plan's area (山西省/忻州市), if it is not registered.")] = None,
) -> None:
    """Say what moved, rose, fell, was dropped, added or is repeated between two versions of a plan."""
    from geoplan.documents.diff import compare
    from geoplan.documents.versions import read_version
    from geoplan.reports.differences import difference_summary, difference_table

    _check_outputs([old, new], [path for path in (output, geojson, map_) if path is not None])
    before, after = read_version(old), read_version(new)
    differences = compare(before.records, after.records)
    if output is not None:
        write_new(output, difference_table(differences).encode("utf-8-sig"))
    print(difference_summary(differences, old.name, new.name))
    if geojson is None and map_ is None:
        return
    title = f"规划变化：{old.name} → {new.name}"
    layer = _layer(differences, after.plan, area, title)
    if geojson is not None:
        write_new(geojson, _geojson(layer))
    if map_ is not None:
        from geoplan.maps import map_of_layers

        write_new(map_, map_of_layers([(layer.metadata, layer.frame)], settings_here().viewer_dir).encode())
    undrawn = layer.undrawn
    print(f"图层：{len(layer.frame) - len(undrawn)} 处已落图，{len(undrawn)} 处未落图。")
    for row in undrawn:
        print(f"  未落图  {row['change_zh']}  {row['name']}（{row['place']}）：{row['reason']}")


def _check_outputs(inputs: list[Path], outputs: list[Path]) -> None:
    """No version that is compared is written over, and no output by another."""
    taken = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in taken:
            raise GeoplanError(f"{path} is already one of the other files. Give each output a name of its own.")
        if path.is_file() or not path.exists():  # a pipe may take several
            taken.add(path.resolve())


def _layer(differences: list[Difference], plan: str, area: str | None, title: str) -> ChangeLayer:
    from geoplan.documents.plans import load_plans
    from geoplan.errors import PlaceError, RecordError
    from geoplan.gazetteer import read_regions, resolve_place
    from geoplan.layers.changes import change_layer, read_ground
    from geoplan.layers.store import gazetteer, layer_metadata, open_build

    settings = settings_here()
    build = open_build(settings.build_dir)
    registered = load_plans(settings.layers_dir / "plans.toml").get(plan)
    if area is None and registered is None:
        raise RecordError(f"the plan {plan!r} is not registered; give its area for a map: --area 山西省/忻州市.")
    path = area or (registered.area if registered else "")
    names = gazetteer(build)
    try:
        found = resolve_place(names, path).one
    except PlaceError as error:
        raise RecordError(f"--area: {error}") from None
    regions = read_regions(settings.boundaries_dir / "regions.csv", names)
    ground = read_ground(build, regions, f"{found.parent}/{found.name}".strip("/"))
    sources = [source for source in layer_metadata(build, "counties")["sources"] if source["kind"] == "boundary"]
    return change_layer(differences, ground, {"zh": title, "en": title}, sources)


def _geojson(layer: ChangeLayer) -> bytes:
    """RFC 7946 with two members more: the legend, and what is not drawn."""
    import json

    from geoplan.layers.export import export_layer

    collection = json.loads(export_layer(layer.frame, layer.metadata, "geojson"))
    collection |= {"legend": layer.metadata["legend"], "unplaced": layer.undrawn}
    return (json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
