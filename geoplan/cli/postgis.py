"""`geoplan postgis`: tables of a PostGIS database as layers."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from geoplan.cli.console import progress_bar, settings_here
from geoplan.errors import SettingsError

if TYPE_CHECKING:
    from geoplan.pack.build import PackOptions
    from geoplan.sources.postgis.address import Address
    from geoplan.sources.postgis.relation import Wanted

postgis_app = typer.Typer(help="Layers from a PostGIS database.", no_args_is_help=True)
console = Console()
_FILE = "GEOPLAN_POSTGIS"

Database = Annotated[
    str | None,
    typer.Option(help="Environment variable that holds postgresql://user:password@host/database."),
]
TableName = Annotated[str | None, typer.Option("--table", help="table or schema.table.")]
IdColumn = Annotated[str | None, typer.Option(help="Column of whole numbers that is the id; the primary key.")]
Geometry = Annotated[str | None, typer.Option(help="Geometry column of a table that has several.")]
Srid = Annotated[int | None, typer.Option(help="SRID of a column that states none, e.g. 4490.")]


@postgis_app.command("pull", epilog="Example: geoplan postgis pull parcels --database LAND_DATABASE --table parcels")
def pull_(
    layer: Annotated[str, typer.Argument(help="Id of the layer.")],
    database: Database = None,
    table: TableName = None,
    id_column: IdColumn = None,
    geometry: Geometry = None,
    srid: Srid = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="New folder for the pack.")] = None,
) -> None:
    """Copy a table, as it is at one moment, into a pack. Without --table the layer is declared in GEOPLAN_POSTGIS."""
    from geoplan.pack.build import build_pack
    from geoplan.pack.open import open_pack
    from geoplan.sources.postgis.pull import open_table, options_of, pull

    where, wanted, options = _asked(layer, database, table, (id_column, geometry, srid))
    with progress_bar("Pulling") as report:
        if output is None:
            path = pull(where, wanted, settings_here().build_dir / "packs", options, progress=report)
        else:
            with open_table(where, wanted) as (source, relation):
                build_pack(source, output, options_of(options, relation, wanted), progress=report)
            path = output
    manifest = open_pack(path).manifest
    print(f"{layer} {manifest.version}: {manifest.count} features of {wanted.shown} in {path}")


@postgis_app.command("show", epilog="Example: geoplan postgis show parcels --database LAND_DATABASE --table parcels")
def show(
    layer: Annotated[str, typer.Argument(help="Id of the layer.")],
    database: Database = None,
    table: TableName = None,
    id_column: IdColumn = None,
    geometry: Geometry = None,
    srid: Srid = None,
) -> None:
    """What a table offers: columns and their types, ids, CRS, and how many rows it has."""
    where, wanted, _ = _asked(layer, database, table, (id_column, geometry, srid))
    from geoplan.sources.postgis.address import CONNECT_TIMEOUT_S, connect, explained, failures
    from geoplan.sources.postgis.relation import Relation, describe

    async def described() -> Relation:
        connection = await connect(where, CONNECT_TIMEOUT_S)
        try:
            return await describe(connection, wanted)
        finally:
            connection.terminate()

    try:
        relation = asyncio.run(described())
    except failures() as error:
        raise explained(error, where, wanted.shown, detail=True) from None
    ids = relation.id_column or "none: rows are numbered, and the table can only be pulled"
    print(f"{wanted.shown} in {where}: about {relation.rows} rows, EPSG:{relation.srid}, ids: {ids}")
    columns = Table("column", "type")
    for column in relation.columns:
        columns.add_row(column.name, column.type)
    for name in relation.left_out:
        columns.add_row(name, "left out: no type that a feature can carry")
    console.print(columns)


def _asked(
    layer: str, database: str | None, table: str | None, more: tuple[str | None, str | None, int | None]
) -> tuple[Address, Wanted, PackOptions]:
    """Where to read what, from the options or from the declaration."""
    from geoplan.pack.build import PackOptions
    from geoplan.sources.postgis.address import address
    from geoplan.sources.postgis.declaration import read_declaration
    from geoplan.sources.postgis.relation import Wanted

    if table is not None and database is not None:
        id_column, geometry, srid = more
        wanted = Wanted(table=table, id_column=id_column, geometry=geometry, srid=srid)
        return address(database), wanted, PackOptions(id=layer)
    if table is not None or database is not None or any(value is not None for value in more):
        raise SettingsError("--database and --table belong together; give both, or neither for a declared layer.")
    file = os.environ.get(_FILE)
    if not file:
        raise SettingsError(f"set {_FILE} to the file that declares layer {layer!r}, or give --database and --table.")
    declared = read_declaration(Path(file))
    entry = declared.entry(layer)
    options = PackOptions(
        id=entry.id, title=entry.title.model_dump(), description=entry.description, min_zoom=entry.min_zoom
    )
    return declared.address(entry, os.environ), entry.wanted, options
