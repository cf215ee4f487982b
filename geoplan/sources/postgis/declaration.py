"""The file that declares which tables of which databases are layers.

::

    [database.land]
    address = "LAND_DATABASE"      # name of the environment variable that holds postgresql://...

    [[layer]]
    id = "parcels"
    title = { zh = "地块", en = "Parcels" }
    database = "land"
    table = "cadastre.parcels"     # or query = "select ..."
    mode = "live"                  # read on demand; "pull": copied into a pack by `geoplan postgis pull`

    # All of the following may be left out.
    geometry = "geom"              # where there are several geometry columns
    id_column = "gid"              # the primary key otherwise; whole numbers
    columns = ["dlbm", "name"]     # all otherwise
    srid = 4490                    # only for columns that state none
    max_rows = 20000               # rows that one live answer may read
    min_zoom = 13                  # live tiles begin here

An address holds a password and therefore is in an environment variable, not in this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from geoplan.errors import SettingsError
from geoplan.sources.postgis.address import Address, address
from geoplan.sources.postgis.live import MAX_ROWS, PostgisLayer
from geoplan.sources.postgis.relation import Wanted

MAX_BYTES = 2**20
"""Size up to which a declaration is read."""
LayerId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseEntry(_Model):
    """A database: the environment variable that holds its address."""

    address: Variable


class Title(_Model):
    """Title by language."""

    zh: Name
    en: Name


class LayerEntry(_Model):
    """A table, view or query that is a layer."""

    id: LayerId
    title: Title
    description: str = ""
    database: str
    mode: Literal["live", "pull"]
    table: Name | None = None
    query: str | None = Field(None, min_length=1, max_length=100_000)
    geometry: Name | None = None
    id_column: Name | None = None
    columns: tuple[Name, ...] = ()
    srid: int | None = Field(None, ge=1, le=998_999)
    max_rows: int = Field(MAX_ROWS, ge=1, le=200_000)
    min_zoom: int = Field(0, ge=0, le=22)

    @model_validator(mode="after")
    def _one_relation(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("name either a table or a query")
        return self

    @property
    def wanted(self) -> Wanted:
        """What is to be read."""
        return Wanted(
            table=self.table, query=self.query, geometry=self.geometry, id_column=self.id_column,
            columns=self.columns, srid=self.srid,
        )  # fmt: skip


class Declaration(_Model):
    """A whole file."""

    database: dict[str, DatabaseEntry]
    layer: tuple[LayerEntry, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        ids = [layer.id for layer in self.layer]
        for layer in self.layer:
            if layer.database not in self.database:
                raise ValueError(f"layer {layer.id}: there is no [database.{layer.database}]")
            if ids.count(layer.id) > 1:
                raise ValueError(f"two layers have the id {layer.id}")
        return self

    def entry(self, layer_id: str) -> LayerEntry:
        """The layer of an id; raises `SettingsError`."""
        for layer in self.layer:
            if layer.id == layer_id:
                return layer
        known = ", ".join(layer.id for layer in self.layer) or "none"
        raise SettingsError(f"no layer {layer_id!r} is declared; there are: {known}.")

    def address(self, layer: LayerEntry, environ: Mapping[str, str]) -> Address:
        """Where a layer's database is; raises `SettingsError` when the variable is not set."""
        return address(self.database[layer.database].address, environ)

    def live_layers(self, environ: Mapping[str, str]) -> dict[str, PostgisLayer]:
        """The layers that are read on demand, by id; nothing is connected yet."""
        return {
            layer.id: PostgisLayer(self.address(layer, environ), layer.wanted, max_rows=layer.max_rows)
            for layer in self.layer
            if layer.mode == "live"
        }


def read_declaration(path: Path) -> Declaration:
    """The declared databases and layers of a file.

    Raises
    ------
    SettingsError
        If it cannot be read or breaks its schema; the message names the first entry that does.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise SettingsError(f"{path} is larger than {MAX_BYTES >> 10} KiB; it is no declaration of sources.")
        return Declaration.model_validate(tomllib.loads(data.decode()))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML: {error}.") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the file"
        # The input is not repeated: it may be an address with its password.
        raise SettingsError(f"{path}: {where}: {fault['msg'].removeprefix('Value error, ')}.") from None
