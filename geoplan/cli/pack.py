"""`geoplan pack`: a layer or parcel file in the form in which tiles and queries read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from geoplan.cli.console import progress_bar, settings_here
from geoplan.errors import PackError

if TYPE_CHECKING:
    from geoplan.pack.build import PackOptions, Progress
    from geoplan.pack.levels import LevelRule
    from geoplan.pack.open import Pack

pack_app = typer.Typer(help="Build, describe and verify layer packs.", no_args_is_help=True)
console = Console()
_ID = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_FAULTS = {
    "repaired": "invalid shapes were repaired",
    "collapsed": "invalid shapes enclosed no area and are kept without a shape",
    "unreadable": "shapes could not be read and are kept without a shape",
    "missing": "features have no shape",
}


@pack_app.command("build", epilog="Example: geoplan pack build parcels.parquet --id parcels --id-column fid")
def build(  # noqa: PLR0917 - one parameter an option
    file: Annotated[Path, typer.Argument(help="parquet (GeoParquet), gpkg, shp, geojson, fgb or gdb.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="New folder for the pack.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Id of the layer; without -o it is put in use.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a file that has several.")] = None,
    crs: Annotated[str | None, typer.Option(help="CRS of a file that states none, e.g. EPSG:4490.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of whole numbers that is the features' id.")] = None,
    columns: Annotated[str | None, typer.Option(help="Columns to keep, e.g. code,name; else all.")] = None,
    datetime: Annotated[str | None, typer.Option(help="Column with the date that a feature stands for.")] = None,
    title: Annotated[str | None, typer.Option(help="Title, Chinese.")] = None,
    title_en: Annotated[str | None, typer.Option(help="Title, English.")] = None,
    description: Annotated[str, typer.Option(help="What the layer shows.")] = "",
    min_zoom: Annotated[int, typer.Option(min=0, max=22, help="Lowest zoom of its tiles.")] = 0,
    max_zoom: Annotated[int, typer.Option(min=0, max=22, help="Highest zoom of its tiles.")] = 22,
    levels: Annotated[bool, typer.Option(help="Prepare simplified and dissolved shapes for low zooms.")] = True,
    dissolve: Annotated[
        str | None, typer.Option(help="Columns kept apart where shapes are merged, e.g. use,town; else chosen.")
    ] = None,
    dissolve_zoom: Annotated[
        int | None, typer.Option(min=-1, max=19, help="Highest zoom of merged shapes, -1 for none; else by weight.")
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(help="What merged shapes say of a column: area=sum (mean, min, max, count, first-if-equal)."),
    ] = None,
) -> None:
    """Build a pack of a file of any size; a build that was stopped goes on where it was."""
    from functools import partial

    from geoplan.pack.build import PackOptions, build_pack
    from geoplan.pack.columns import ColumnSpec
    from geoplan.pack.levels import build_levels
    from geoplan.pack.open import open_pack
    from geoplan.pack.publish import publish_pack

    if min_zoom > max_zoom:
        raise PackError(f"the lowest zoom {min_zoom} is above the highest, {max_zoom}.")
    named = None if columns is None else _listed(columns)
    options = PackOptions(
        id=_layer_id(id_, output),
        title={key: text for key, text in (("zh", title), ("en", title_en)) if text},
        description=description,
        columns=None if named is None else [ColumnSpec(name) for name in named],
        id_column=id_column,
        datetime=datetime,
        min_zoom=min_zoom,
        max_zoom=max_zoom,
    )
    rule = _level_rule(dissolve, dissolve_zoom, statistic or [], levels=levels)
    prepared = partial(build_levels, rule=rule) if levels else None
    with progress_bar("Packing") as report:
        told = _steps(report)
        if output is not None:
            build_pack(file, output, options, layer=layer, crs=crs, levels=prepared, progress=told)
            path = output
        else:
            packs = settings_here().build_dir / "packs"
            path = publish_pack(file, packs, options, layer=layer, crs=crs, levels=prepared, progress=told)
    _print_result(open_pack(path), options)


@pack_app.command("info", epilog="Example: geoplan pack info build/packs/parcels")
def info(path: Annotated[Path, typer.Argument(help="Folder of a pack.")]) -> None:
    """What a pack holds: features, extent, columns, parts, sizes."""
    from geoplan.pack.open import open_pack

    pack = open_pack(path)
    manifest = pack.manifest
    extent = "none" if manifest.bounds is None else ", ".join(f"{value:.6f}" for value in manifest.bounds)
    size = sum(entry.bytes for entry in manifest.files.values())
    head = Table("pack", manifest.id, show_edge=False)
    for name, value in (
        ("title", " / ".join(manifest.title.values()) or "-"),
        ("version", manifest.version),
        ("features", f"{manifest.count:,} ({manifest.geometry})"),
        ("west, south, east, north", extent),
        ("id", manifest.id_column or "number of the feature in its source"),
        ("size", f"{size / 1e6:,.1f} MB in {len(manifest.files)} files"),
    ):
        head.add_row(name, value)
    console.print(head)
    columns = Table("column", "type", "distinct", "missing", "in tiles")
    for name, kind, distinct, missing, shown in _columns(pack):
        columns.add_row(name, kind, distinct, missing, shown)
    console.print(columns)
    parts = Table("part", "zooms", "features", "vertices", "MB")
    for part in manifest.parts:
        size = sum(entry.bytes for name, entry in manifest.files.items() if name.startswith(f"{part.name}/"))
        zooms = f"{part.min_zoom}-{part.max_zoom}"
        parts.add_row(part.name, zooms, f"{part.count:,}", f"{part.vertices:,}", f"{size / 1e6:,.1f}")
    console.print(parts)
    _print_levels(pack)


@pack_app.command("verify", epilog="Example: geoplan pack verify build/packs/parcels")
def verify(path: Annotated[Path, typer.Argument(help="Folder of a pack.")]) -> None:
    """Check every byte and every array of a pack; a damaged file is named, and the status is 1."""
    from geoplan.pack.verify import verify_pack

    with console.status("Verifying"):
        pack = verify_pack(path)
    manifest = pack.manifest
    print(f"{manifest.id} {manifest.version}: {manifest.count} features in {len(manifest.files)} files, all sound.")


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _level_rule(dissolve: str | None, dissolve_zoom: int | None, statistics: list[str], *, levels: bool) -> LevelRule:
    """The rule for low zooms that the options of `build` give."""
    from geoplan.pack.levels import LevelRule
    from geoplan.pack.statistics import Statistic

    if not levels and (dissolve is not None or dissolve_zoom is not None or statistics):
        raise PackError(
            "--no-levels leaves nothing to merge: take it out, or --dissolve, --dissolve-zoom, --statistic."
        )
    found: dict[str, Statistic] = {}
    for text in statistics:
        column, _, name = text.rpartition("=")
        known = next((one for one in get_args(Statistic) if one == name.strip()), None)
        if known is None or not column.strip():
            raise PackError(
                f"--statistic {text!r}: write COLUMN=STATISTIC, with one of {', '.join(get_args(Statistic))}."
            )
        found[column.strip()] = known
    complete_zoom = max(LevelRule().complete_zoom, (dissolve_zoom or 0) + 1)
    return LevelRule(
        complete_zoom, dissolve_zoom, None if dissolve is None else tuple(_listed(dissolve)), statistics=found
    )


def _layer_id(given: str | None, output: Path | None) -> str:
    if given is None and output is None:
        raise PackError("say where the pack goes: --id parcels puts it in use, -o DIR only writes it.")
    found = given if given is not None else re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(str(output)).name).lstrip(".-")
    if not re.fullmatch(_ID, found):
        raise PackError(f"{found!r} is no id of a layer; use letters, digits, '_', '.' and '-': --id parcels.")
    return found


def _steps(report: Progress) -> Progress:
    """Report new steps and every twentieth of one: off a terminal each report is a line."""
    reached: dict[str, int] = {}

    def told(step: str, done: int, total: int) -> None:
        if step not in reached or done - reached[step] >= max(total, 1) / 20:
            reached[step] = done
            report(step, done, max(total, done + 1))

    return told


def _columns(pack: Pack) -> list[tuple[str, str, str, str, str]]:
    """Name, type, distinct values, missing values and whether tiles carry it, of each column."""
    found = []
    for column in pack.source.columns:
        if column.starts is not None:
            distinct, missing = f"{len(column.values):,}", int(column.starts[-1] - column.starts[-2])
        else:
            distinct, missing = "many", column.values.null_count
        found.append((column.name, column.type, distinct, f"{missing:,}", "yes" if column.in_tiles else "no"))
    return found


def _print_levels(pack: Pack) -> None:
    """What the shapes of merged levels say of the features that they stand for, and what they do not."""
    notes = pack.manifest.report.get("levels", {})
    merged = [(entry.name, part) for entry, part in zip(pack.manifest.parts, pack.parts, strict=True)]
    table = Table("merged", "kept apart", "in tiles", "on request", "nothing of")
    for name, part in merged:
        note = notes.get(name, {})
        if note.get("method") != "dissolved":
            continue
        apart = set(note["by"])
        shown, asked = (
            ", ".join(c.name for c in part.columns if c.in_tiles is wanted and c.name not in apart) or "-"
            for wanted in (True, False)
        )
        table.add_row(name, ", ".join(note["by"]) or "-", shown, asked, ", ".join(note["not_in_level"]) or "-")
    if table.row_count:
        console.print(table)


def _print_result(pack: Pack, options: PackOptions) -> None:
    manifest = pack.manifest
    print(f"{options.id} {manifest.version}: {manifest.count} features in {pack.path}")
    rows = manifest.report.get("rows", {})
    for fault, count in manifest.report.get("counts", {}).items():
        if fault == "ids-not-unique":
            print("note: the id column has missing, negative or repeated values; features are numbered instead.")
            continue
        listed = ", ".join(str(row) for row in rows.get(fault, [])[:10])
        print(f"note: {count} {_FAULTS.get(fault, fault)} (features {listed}{', ...' if count > 10 else ''}).")
