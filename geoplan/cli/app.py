"""Commands of `geoplan`: they parse, call and print; all the work is done below.

Heavy modules are imported inside the commands, so that ``geoplan --help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from geoplan import __version__
from geoplan.cli.boundaries import boundaries_app
from geoplan.cli.console import progress_bar, settings_here, write_new
from geoplan.cli.diff import diff
from geoplan.cli.extract import extract
from geoplan.cli.interrupts import keep_out_of_callbacks
from geoplan.cli.keys import keys_app
from geoplan.cli.pack import pack_app
from geoplan.cli.plans import plans_app
from geoplan.cli.postgis import postgis_app
from geoplan.cli.review import review
from geoplan.cli.seed import seed
from geoplan.errors import GeoplanError
from geoplan.settings import Settings

app = typer.Typer(
    help="Boundaries joined with what regional plans promise: layers, maps, tiles, queries.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
layers_app = typer.Typer(help="List and export built layers.", no_args_is_help=True)
places_app = typer.Typer(help="Resolve and search place names.", no_args_is_help=True)
app.add_typer(layers_app, name="layers")
app.add_typer(places_app, name="places")
app.add_typer(boundaries_app, name="boundaries")
app.add_typer(plans_app, name="plans")
app.add_typer(pack_app, name="pack")
app.add_typer(postgis_app, name="postgis")
app.add_typer(keys_app, name="keys")
app.command(epilog="Example: geoplan seed build/packs/parcels -o parcels.pmtiles --max-zoom 14")(seed)
app.command(epilog="Example: geoplan extract plan.docx --area 山西省/长治市 -o draft.csv")(extract)
app.command(epilog="Example: geoplan review draft.csv --plan plan.docx")(review)
app.command(epilog="Example: geoplan diff 2021.csv 2025.csv -o changes.csv --map changes.html")(diff)

Format = Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")]
console = Console()


def main() -> None:
    """Run the command; faults of the input end it with one message and status 1."""
    keep_out_of_callbacks()
    try:
        app()
    except GeoplanError as error:
        print(f"geoplan: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        print(f"geoplan: the package {error.name} is missing; pip install 'geoplan[all]'.", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"geoplan: {where}{error.strerror or error}. What was finished before is still in use.", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command(epilog="Example: geoplan build --force")
def build(force: Annotated[bool, typer.Option(help="Build everything anew.")] = False) -> None:
    """Build what changed in sources, records and layer files, and switch to the result."""
    from geoplan.pipeline import run_build
    from geoplan.reports import build_summary

    with progress_bar("Building") as progress:
        result = run_build(settings_here(), force=force, progress=progress)
    print(build_summary(result))


@app.command(epilog="Example: geoplan serve --port 8080 --workers 4 --pack parcels/")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8000).")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer; one that dies is replaced.")] = 1,
    pack: Annotated[list[Path] | None, typer.Option(help="Folder of a pack to serve as well; may be repeated.")] = None,
    insecure_open: Annotated[bool, typer.Option(help="Let other machines read without a key.")] = False,
) -> None:
    """Serve the current build and the published packs: the map at /, the API at /api."""
    from importlib import import_module
    from importlib.util import find_spec

    from geoplan.access.exposure import check_exposure

    settings = settings_here(host=host, port=port)
    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        raise GeoplanError("the service needs the extra 'serve': pip install 'geoplan[serve]'.")
    if find_spec("services") is None:
        raise GeoplanError("the service is in services/ of a clone of the project; run `make run` there.")
    check_exposure(settings.host, auth_configured=bool(os.environ.get("GEOPLAN_AUTH")), allow_open=insecure_open)
    packs = [_checked_pack(folder) for folder in pack or ()]
    if not packs:
        _check_served(settings)
    # The workers read their settings from the environment.
    os.environ |= {"GEOPLAN_PROJECT": str(settings.root), "GEOPLAN_BUILD": str(settings.build_dir)}
    os.environ |= {"GEOPLAN_PACKS": os.pathsep.join(packs)} if packs else {}
    os.environ |= {"GEOPLAN_INSECURE_OPEN": "1"} if insecure_open else {}
    print("Preparing the service (half a minute the first time) ...", flush=True)
    import_module("services.api.app").check()
    print(f"The map is at http://{settings.host}:{settings.port}/ (stop with Ctrl-C).", flush=True)
    import_module("services.api.server").run(settings.host, settings.port, workers)


def _checked_pack(folder: Path) -> str:
    """The absolute path of a pack that can be opened; raises `PackError`."""
    from geoplan.pack.open import open_pack

    open_pack(folder)
    return str(folder.absolute())


def _check_served(settings: Settings) -> None:
    """Raise `BuildError` when there is neither a build nor a published pack."""
    from geoplan.layers.store import open_build

    if not any((settings.build_dir / "packs").glob("*/current/pack.json")):
        open_build(settings.build_dir)


@app.command(epilog="Example: geoplan check --texts ~/plans")
def check(
    texts: Annotated[Path | None, typer.Option(help="Folder with your own copies of the plan texts.")] = None,
    format_: Format = "table",
) -> None:
    """Check every record and layer file; report each bad cell by file, row and column."""
    from geoplan.layers.store import gazetteer, open_build
    from geoplan.pipeline import check_project

    settings = settings_here()
    findings = check_project(settings, gazetteer(open_build(settings.build_dir)), texts)
    if format_ == "json":
        lists = {"problems": findings.problems, "notes": findings.notes}
        rows = {key: [asdict(problem) for problem in found] for key, found in lists.items()}
        print(json.dumps({"records": findings.records, **rows}, ensure_ascii=False, indent=1))
    else:
        for note in findings.notes:
            print(f"note: {note}")
        for problem in findings.problems:
            print(problem)
        compared = f", compared with the texts of {', '.join(findings.compared) or 'no plan'}" if texts else ""
        print(
            f"{findings.records} records read{compared}: {len(findings.problems)} faults, {len(findings.notes)} notes."
        )
    if findings.problems:
        raise typer.Exit(1)


@app.command("map", epilog="Example: geoplan map -o map.html --layer farmland --layer parks")
def map_(
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")],
    layer: Annotated[list[str] | None, typer.Option(help="Layer to show; may be repeated.")] = None,
) -> None:
    """Write one HTML file with the layers, which opens without network."""
    from geoplan.layers.store import open_build
    from geoplan.maps import layered_map

    settings = settings_here()
    shown = layer or ["counties", "farmland", "bases", "parks"]
    with progress_bar("Drawing") as progress:
        html = layered_map(open_build(settings.build_dir), shown, settings.viewer_dir, progress=progress)
    write_new(output, html.encode())
    print(f"{output}: {', '.join(shown)} ({len(html) / 1e6:.1f} MB).")


@app.command(epilog="Example: geoplan elevation dem.tif --within 忻州市 -o elevation.csv")
def elevation(
    raster: Annotated[Path, typer.Argument(help="Elevation raster in metres (GeoTIFF or the like).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file to write.")],
    within: Annotated[str | None, typer.Option(help="Division whose counties are taken; the whole country.")] = None,
) -> None:
    """Least, mean and greatest elevation of each county, from an elevation raster of your own."""
    from geoplan.codes import is_inside
    from geoplan.gazetteer import resolve_place
    from geoplan.layers.store import gazetteer, open_build, read_boundaries
    from geoplan.terrain import elevation_of

    build = open_build(settings_here().build_dir)
    counties = read_boundaries(build, "counties")
    if within:
        area = resolve_place(gazetteer(build), within).one.code
        counties = counties[[is_inside(code, area) for code in counties["code"]]]
    table = elevation_of(raster, counties)
    write_new(output, table.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig"))
    covered = int(table["covered_share"].gt(0).sum())
    print(f"{output}: {len(table)} counties, {covered} of them under the raster.")


@layers_app.command("list", epilog="Example: geoplan layers list --format json")
def layers_list(format_: Format = "table") -> None:
    """List the layers of the current build with their counts."""
    from geoplan.layers.store import layer_ids, layer_metadata, open_build

    build = open_build(settings_here().build_dir)
    layers = [layer_metadata(build, layer_id) for layer_id in layer_ids(build)]
    if format_ == "json":
        print(json.dumps(layers, ensure_ascii=False, indent=1))
        return
    table = Table("id", "title", "features", "joined", "unmatched", "not drawn")
    for layer in layers:
        report = layer["report"]
        numbers = (layer["count"], report["joined"], report["unmatched"], layer["unplaced"])
        table.add_row(layer["id"], layer["title"]["zh"], *map(str, numbers))
    console.print(table)


@layers_app.command("report", epilog="Example: geoplan layers report stops")
def layers_report(layer: Annotated[str, typer.Argument(help="Layer id.")], format_: Format = "table") -> None:
    """Print the join report of a layer: what is not drawn, and why."""
    from geoplan.layers.store import layer_report, open_build
    from geoplan.reports import join_summary
    from geoplan.reports.citations import row_citer

    settings = settings_here()
    build = open_build(settings.build_dir)
    report = layer_report(build, layer)
    if format_ == "json":
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        print(join_summary(layer, report, row_citer(settings, build)))


@layers_app.command("export", epilog="Example: geoplan layers export farmland --format geojson -o farmland.geojson")
def layers_export(
    layer: Annotated[str, typer.Argument(help="Layer id.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    format_: Annotated[Literal["geojson", "parquet", "csv"], typer.Option("--format", help="File format.")] = "geojson",
) -> None:
    """Export a layer as GeoJSON (RFC 7946), GeoParquet (EPSG:4490) or CSV without geometry."""
    from geoplan.layers.export import export_layer
    from geoplan.layers.store import layer_metadata, open_build, read_layer_frame

    build = open_build(settings_here().build_dir)
    frame = read_layer_frame(build, layer)
    write_new(output, export_layer(frame, layer_metadata(build, layer), format_))
    print(f"{output}: {len(frame)} features of {layer}.")


@places_app.command("resolve", epilog="Example: geoplan places resolve 平定东回 --format json")
def places_resolve(
    text: Annotated[str, typer.Argument(help="Name or code.")],
    within: Annotated[str | None, typer.Option(help="Division to look in.")] = None,
    format_: Format = "table",
) -> None:
    """Say which division a name means: one, several, or none."""
    from geoplan.gazetteer import resolve_place
    from geoplan.layers.store import gazetteer, open_build

    resolution = resolve_place(gazetteer(open_build(settings_here().build_dir)), text, within)
    _print_candidates(str(resolution.status), list(resolution.candidates), format_)


@places_app.command("search", epilog="Example: geoplan places search hongtong")
def places_search(
    text: Annotated[str, typer.Argument(help="Characters, pinyin, initials or a code.")],
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    format_: Format = "table",
) -> None:
    """Find places as they are typed, misprints included."""
    from geoplan.gazetteer import search_places
    from geoplan.layers.store import gazetteer, open_build

    found = search_places(gazetteer(open_build(settings_here().build_dir)), text, limit=limit)
    _print_candidates("found" if found else "unknown", found, format_)


def _print_candidates(status: str, candidates: list[Any], format_: str) -> None:
    keys = ("name", "code", "level", "parent", "as_of", "code_system", "via")
    rows = [{key: str(getattr(candidate, key)) for key in keys} for candidate in candidates]
    if format_ == "json":
        print(json.dumps({"status": status, "candidates": rows}, ensure_ascii=False, indent=1))
        return
    table = Table(*keys, title=status)
    for row in rows:
        table.add_row(*row.values())
    console.print(table)
