"""`geoplan boundaries`: bring one's own official boundaries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from geoplan.cli.console import progress_bar, settings_here

boundaries_app = typer.Typer(help="Import official boundaries in place of the embedded ones.", no_args_is_help=True)


@boundaries_app.command(
    "import", epilog="Example: geoplan boundaries import XZQ.shp --level township --crs EPSG:4490 --as-of 2024-12-31"
)
def import_(  # noqa: PLR0917 - one parameter an option
    file: Annotated[Path, typer.Argument(help="shp, gpkg, geojson or gdb.")],
    level: Annotated[Literal["county", "township"], typer.Option(help="Level of the divisions.")],
    crs: Annotated[str | None, typer.Option(help="CRS of a file that states none, e.g. EPSG:4490.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a file that has several.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a .dbf, e.g. GB18030.")] = None,
    accept_gcj02: Annotated[bool, typer.Option(help="Convert coordinates found to be GCJ-02.")] = False,
    edge_tolerance: Annotated[
        float, typer.Option(min=0, help="Metres that an edge may lie off the default layer's.")
    ] = 3000.0,
    as_of: Annotated[str | None, typer.Option(help="Date the boundaries stand for.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published them.")] = None,
    licence: Annotated[str | None, typer.Option(help="Terms they may be used under.")] = None,
) -> None:
    """Check a boundary file and put it into the project; a refused file changes nothing."""
    import pandas as pd

    from geoplan.boundaries.importer import import_boundaries
    from geoplan.layers.store import open_build, read_boundaries

    settings = settings_here()
    build = open_build(settings.build_dir)
    with progress_bar("Importing") as progress:
        report = import_boundaries(
            file,
            level=level,
            store=settings.imports_dir,
            reference=read_boundaries(build, "counties"),
            names=pd.read_parquet(build.path / "gazetteer" / "names.parquet"),
            aliases=pd.read_parquet(build.path / "gazetteer" / "aliases.parquet"),
            crs=crs,
            layer=layer,
            encoding=encoding,
            accept_gcj02=accept_gcj02,
            edge_tolerance_m=edge_tolerance,
            as_of=as_of,
            publisher=publisher,
            licence=licence,
            progress=progress,
        )
    for warning in report.warnings:
        print(f"note: {warning}")
    print(f"{report.count} divisions imported as {report.import_id}; run `geoplan build` to use them.")


@boundaries_app.command("list", epilog="Example: geoplan boundaries list")
def list_() -> None:
    """List the imported boundary files."""
    from geoplan.boundaries.importer import list_imports

    table = Table("import", "level", "divisions", "file")
    for stored in list_imports(settings_here().imports_dir):
        table.add_row(stored.import_id, str(stored.level), str(stored.count), str(stored.provenance["file"]))
    Console().print(table)


@boundaries_app.command("remove", epilog="Example: geoplan boundaries remove township-0123456789ab")
def remove(import_id: Annotated[str, typer.Argument(help="Import to take out.")]) -> None:
    """Take an import out again."""
    from geoplan.boundaries.importer import remove_import

    remove_import(settings_here().imports_dir, import_id)
    print(f"{import_id} removed; run `geoplan build`.")
