"""How answers across layers name the layers they used, and the classes of their features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Column, Part
from geoplan.query.answer import Manifest
from geoplan.query.columns import take
from geoplan.query.scopes import place_of

Rows = NDArray[np.int64]
Label = Any
"""The value of a class; None where it is missing."""


class SourcedManifest(Manifest, Protocol):
    """What analyses read of a pack's manifest."""

    @property
    def id(self) -> str:
        """Id of the layer."""

    @property
    def title(self) -> Mapping[str, str]:
        """Title by language."""

    @property
    def version(self) -> str:
        """Hash of the pack's content."""

    @property
    def sources(self) -> Sequence[Mapping[str, Any]]:
        """Where the layer comes from."""


class Pack(Protocol):
    """What analyses read of a pack."""

    @property
    def source(self) -> Part:
        """The part with full detail."""

    @property
    def manifest(self) -> SourcedManifest:
        """Description of the pack."""


@dataclass(frozen=True, slots=True)
class LayerUse:
    """A layer as an answer used it.

    Attributes
    ----------
    id, version, sources
        Which layer, which state of it, and where it comes from.
    features
        How many features were looked at.
    excluded_approximate
        How many were left out because they are drawn only approximately.
    without_area
        How many were left out because they are no polygons.
    """

    id: str
    version: str
    sources: tuple[Mapping[str, Any], ...]
    features: int
    excluded_approximate: int = 0
    without_area: int = 0


def layer_use(pack: Pack, features: int, excluded: int = 0, without_area: int = 0) -> LayerUse:
    """A layer as an answer used it."""
    about = pack.manifest
    return LayerUse(about.id, about.version, tuple(about.sources), features, excluded, without_area)


def classes_of(part: Part, rows: Rows, name: str | None) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """The classes of the rows, ascending, the missing one last; and the place of each row's class."""
    if name is None:
        return ((None,) if len(rows) else ()), np.zeros(len(rows), np.int64)
    return group_rows(class_column(part, name), rows)


def class_column(part: Part, name: str) -> Column:
    """The column of a property with classes; raises `QueryError`."""
    known = [column.name for column in part.columns if column.type != "json"]
    if name not in known:
        raise QueryError(f"there is no property {name[:80]!r} of classes; there are: {', '.join(known)}.")
    return part.columns[place_of(part, name)]


def group_rows(column: Column, rows: Rows) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """The values of the rows, ascending, the missing one last; and the place of each row's value."""
    array, missing = take(column, rows)
    there = array[~missing]
    values, places = np.unique(there.astype(str) if column.type == "string" else there, return_inverse=True)
    found = np.full(len(rows), len(values), np.int64)
    found[~missing] = places
    labels: list[Label] = [_plain(column.type, value) for value in values.tolist()]
    if missing.any():
        labels.append(None)
    return tuple(labels), found


def _plain(kind: str, value: Any) -> Any:
    """A value as JSON has it: dates and times as text."""
    if kind == "date":
        return str(np.datetime64(value, "us").astype("datetime64[D]"))
    if kind == "datetime":
        return f"{np.datetime64(value, 'us').astype('datetime64[s]')}Z"
    return value
