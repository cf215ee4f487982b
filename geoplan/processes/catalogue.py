"""The processes that can be run; a new one is a model of its inputs, a function, and a line here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from geoplan.errors import QueryError
from geoplan.processes.model import Context, Inputs, Output, Process
from geoplan.processes.work import export, overlap, seed

Collection = Annotated[str, Field(min_length=1, max_length=100, description="Id of a collection.")]
Zoom = Annotated[int, Field(ge=0, le=22)]


class UnknownProcessError(QueryError):
    """There is no process of the id that was asked for."""


class ExportInputs(Inputs):
    """Which features, as which file."""

    collection: Collection
    format: Literal["geojson", "csv", "parquet", "gpkg"] = "geojson"
    filter: Annotated[
        str | None, Field(default=None, max_length=16_000, description="CQL2 text; all features without it.")
    ]

    def collections(self) -> tuple[str, ...]:
        """Ids of the collections that the process reads."""
        return (self.collection,)

    def copied(self) -> tuple[str, ...]:
        """Ids of those whose features its outputs hold."""
        return (self.collection,)


class SeedInputs(Inputs):
    """Which tiles."""

    collection: Collection
    min_zoom: Annotated[Zoom, Field(description="First zoom.")] = 0
    max_zoom: Annotated[Zoom, Field(description="Last zoom.")] = 12

    def collections(self) -> tuple[str, ...]:
        """Ids of the collections that the process reads."""
        return (self.collection,)

    def copied(self) -> tuple[str, ...]:
        """Ids of those whose features its outputs hold."""
        return (self.collection,)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_zoom > self.max_zoom:
            raise ValueError("min_zoom is above max_zoom")
        return self


class OverlapInputs(Inputs):
    """Which two layers."""

    first: Collection
    second: Collection
    first_class: Annotated[str | None, Field(default=None, max_length=100, description="Property to add up by.")]
    second_class: Annotated[str | None, Field(default=None, max_length=100, description="Property to add up by.")]

    def collections(self) -> tuple[str, ...]:
        """Ids of the collections that the process reads."""
        return self.first, self.second


def _export(inputs: ExportInputs, context: Context) -> dict[str, Output]:
    return export(inputs.collection, inputs.format, inputs.filter, context)


def _seed(inputs: SeedInputs, context: Context) -> dict[str, Output]:
    return seed(inputs.collection, (inputs.min_zoom, inputs.max_zoom), context)


def _overlap(inputs: OverlapInputs, context: Context) -> dict[str, Output]:
    layers = (inputs.first, inputs.second)
    return overlap(layers, (inputs.first_class, inputs.second_class), context)


_ALL = (
    Process(
        "export",
        "1.0.0",
        "Export a collection",
        "All features of a collection, or those that meet a filter, as one file.",
        ExportInputs,
        {"file": "application/octet-stream"},
        _export,
    ),
    Process(
        "seed",
        "1.0.0",
        "Vector tiles as an archive",
        "All vector tiles of a collection between two zooms as one PMTiles archive.",
        SeedInputs,
        {"archive": "application/vnd.pmtiles"},
        _seed,
    ),
    Process(
        "overlap",
        "1.0.0",
        "Overlap of two collections",
        "How much of each class of one collection lies in each class of another, in square metres on the ellipsoid.",
        OverlapInputs,
        {"matrix": "text/csv", "summary": "application/json"},
        _overlap,
    ),
)
PROCESSES: dict[str, Process] = {process.id: process for process in _ALL}


def find_process(process_id: Any) -> Process:
    """The process of an id; raises `UnknownProcessError`."""
    found = PROCESSES.get(process_id)
    if found is None:
        raise UnknownProcessError(f"there is no process {str(process_id)[:100]!r}; they are {', '.join(PROCESSES)}")
    return found
