"""The layer file: what a layer selects, measures, joins and how it is drawn (``layers/<id>.toml``)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from geoplan.errors import LayerError, UnitError
from geoplan.terms import THEMES, Change, Kind, Level, Measure, Precision
from geoplan.units import check_dimension, parse_unit

SCHEMA_VERSION = 1
Zoom = Annotated[int, Field(strict=True, ge=0, le=22)]
Statistic = Literal["sum", "mean", "min", "max", "first-if-equal", "count"]
"""What a merged shape says of a column (`geoplan.pack.statistics.Statistic`, which is slow to import)."""
_COLOUR = r"#[0-9a-f]{6}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Part):
    """A text in Chinese and English."""

    zh: str
    en: str


class SelectDivisions(_Part):
    """Divisions of one level inside the named ones."""

    source: Literal["divisions"]
    level: Literal[Level.PROVINCE, Level.CITY, Level.COUNTY, Level.TOWNSHIP]
    within: tuple[str, ...]


class SelectRecords(_Part):
    """Facts of some kinds, narrowed by `themes`.

    `shape` says what becomes a feature: every place of a fact (``places``), a fact with its places dissolved
    (``union``), or a route with the counties of its stops (``extent``).
    """

    source: Literal["records"]
    kinds: tuple[Kind, ...]
    themes: tuple[str, ...] = ()
    shape: Literal["places", "union", "extent"] = "places"

    @field_validator("themes")
    @classmethod
    def _known(cls, themes: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(themes) - set(THEMES)):
            raise ValueError(f"unknown themes: {', '.join(unknown)}")
        return themes


class SelectCoverage(_Part):
    """Divisions of one level with the number of facts that each plan states about them."""

    source: Literal["coverage"]
    level: Literal[Level.COUNTY, Level.TOWNSHIP]
    within: tuple[str, ...]


class MeasureSpec(_Part):
    """The figure that a layer shows: which measure, in which unit, and whether it adds up over places.

    The classes of the legend compare only figures of `change` and `themes`, where these are given. `shares` adds
    the columns of `geoplan.layers.shares`. A fact without a figure of this measure shows its first figure instead,
    unless `only` is set.
    """

    name: Measure
    unit: str
    extensive: bool
    change: Change | None = None
    themes: tuple[str, ...] = ()
    shares: bool = False
    only: bool = False

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        try:
            check_dimension(self.name, parse_unit(self.unit))
        except UnitError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self


class Style(_Part):
    """How a layer is drawn.

    ``single`` draws one colour; ``categories`` one for every value of `field`; ``breaks`` classes of `field` between
    the given breaks; every other scheme is a classifier of mapclassify with `k` classes. `palette` gives the
    colours in order; `fill_levels` the precisions that are filled, all others are outlined.
    """

    scheme: Literal["single", "categories", "breaks", "quantiles", "fisher_jenks"]
    field: str = ""
    k: int = Field(default=5, ge=2, le=9)
    breaks: tuple[float, ...] = ()
    palette: tuple[Annotated[str, Field(pattern=_COLOUR)], ...] = Field(min_length=1)
    fill_levels: tuple[Precision, ...]
    visible: bool = False
    title: Text | None = None
    unit: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.scheme == "single") == bool(self.field):
            raise ValueError("a style needs a field, unless its scheme is 'single'")
        if (self.scheme == "breaks") != bool(self.breaks):
            raise ValueError("breaks belong to the scheme 'breaks'")
        if list(self.breaks) != sorted(set(self.breaks)):
            raise ValueError("breaks must rise")
        return self


class Levels(_Part):
    """How a layer of polygons is drawn at low zooms (`geoplan.pack.levels.LevelRule`); without: by its weight.

    Up to `max_zoom`, neighbours are merged that agree in the columns of `dissolve` and in how they are drawn. A merged
    shape has these columns, its number of features (``count``), and of each column of `statistics` the statistic, as
    ``<column>_<statistic>`` (``first-if-equal``: the common value, under the column's own name). Tiles carry the named
    columns at all zooms.

    `min_zoom` is the lowest zoom of the layer's tiles. Without `max_zoom`, shapes are merged where complete tiles would
    go beyond `tile_bytes` (gzip); -1 merges none. From `complete_zoom` on (10, or what follows `max_zoom`) every
    feature is drawn, from `simplify_below` on with all its vertices.
    """

    min_zoom: Zoom = 0
    max_zoom: Annotated[int, Field(strict=True, ge=-1, le=19)] | None = None
    dissolve: tuple[str, ...] = ()
    statistics: dict[str, Statistic] = Field(default_factory=dict)
    complete_zoom: Zoom | None = None
    simplify_below: Zoom = 12
    tile_bytes: Annotated[int, Field(strict=True, ge=10_000, le=100_000_000)] = 300_000

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_zoom is not None and self.complete_zoom is not None and self.max_zoom >= self.complete_zoom:
            raise ValueError(
                f"max_zoom {self.max_zoom} is not below complete_zoom {self.complete_zoom}, from which on nothing is "
                "merged; lower the one or raise the other"
            )
        if self.max_zoom is not None and 0 <= self.max_zoom < self.min_zoom:
            raise ValueError(f"min_zoom {self.min_zoom} is above max_zoom {self.max_zoom}; exchange them")
        if twice := sorted(set(self.dissolve) & set(self.statistics)):
            raise ValueError(f"{twice[0]!r} is kept apart by dissolve and needs no statistic; take it out of one")
        return self


class LayerDefinition(_Part):
    """A declared layer. `sources` are ids of boundary sources; the plans follow from the records."""

    id: str = Field(pattern=r"[a-z][a-z0-9_]*")
    schema_version: Literal[1]
    order: int
    group: Literal["boundaries", "farmland", "production", "tourism", "projects"]
    title: Text
    description: Text
    geometry: Literal["polygon", "line", "point"]
    select: Annotated[SelectDivisions | SelectRecords | SelectCoverage, Field(discriminator="source")]
    measure: MeasureSpec | None = None
    style: Style
    levels: Levels | None = None
    sources: tuple[str, ...]
    unmatched: Literal["report", "refuse"] = "report"

    @model_validator(mode="after")
    def _levels_of_polygons(self) -> Self:
        if self.levels is not None and self.geometry != "polygon":
            raise ValueError(f"levels: a layer of geometry {self.geometry!r} has none; take the table out")
        return self


def load_definition(path: Path) -> LayerDefinition:
    """The layer that a file declares.

    Raises
    ------
    LayerError
        With every fault of the file: its key, what is wrong with it, and what may stand there.
    """
    try:
        definition = LayerDefinition(**tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LayerError(f"layers/{path.name}: not a TOML file: {error}.") from None
    except ValidationError as error:
        raise LayerError("\n".join(_faults(path, error))) from None
    if definition.id != path.stem:
        raise LayerError(f"layers/{path.name}: id: {definition.id!r} is not the name of the file.")
    return definition


def load_definitions(folder: Path) -> list[LayerDefinition]:
    """All declared layers of a folder (``plans.toml`` apart), in their drawing order."""
    paths = sorted(path for path in folder.glob("*.toml") if path.name != "plans.toml")
    if not paths:
        raise LayerError(f"no layer file in {folder.name}/.")
    return sorted((load_definition(path) for path in paths), key=lambda layer: (layer.order, layer.id))


def _faults(path: Path, error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        # The discriminator's own name is no key of the file.
        key = ".".join(str(part) for part in fault["loc"] if part not in {"divisions", "records", "coverage"})
        if fault["type"] == "extra_forbidden":
            lines.append(f"layers/{path.name}: {key}: there is no such key; take it out or correct its name.")
        else:
            message = re.sub(r"<\w+\.\w+: ('\w+')>", r"\1", str(fault["msg"]).removeprefix("Value error, "))
            lines.append(f"layers/{path.name}: {key or 'layer'}: {message}.")
    return lines
