"""Classes of a layer and their colours: the legend that the map, the page and the print all draw from."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geoplan.errors import LayerError
from geoplan.layers.definition import LayerDefinition
from geoplan.terms import SITINGS, THEMES

OTHER_COLOUR = "#b8b8b8"

SEVERAL = -2
"""Fill of a division that holds facts of several categories."""
SEVERAL_COLOUR = "#cdbfa6"

Legend = dict[str, Any]


def classify(frame: gpd.GeoDataFrame, definition: LayerDefinition) -> tuple[NDArray[np.int64], Legend]:
    """Class of every row (-1 for none) and the legend.

    A classifier that finds fewer distinct classes than asked for gives fewer; a class is never empty. Only rows
    that are drawn, whose precision is filled and that repeat no other row are classed by value; the rest keeps -1.

    Returns
    -------
    classes, legend
        The legend is ``{"type", "field", "title", "unit", "entries", "other"}``; the entry at index i is class i,
        with the number of features in it. Class intervals are [min, max), the last one closed.
    """
    style = definition.style
    title = style.title or definition.title
    legend: Legend = {"field": style.field or None, "title": title.model_dump(), "unit": style.unit, "other": None}
    if style.scheme == "single":
        entry = {"label": definition.title.model_dump(), "color": style.palette[0], "count": len(frame)}
        return np.zeros(len(frame), dtype=np.int64), legend | {"type": "single", "entries": [entry]}
    if style.field not in frame.columns:
        raise LayerError(f"layers/{definition.id}.toml: style.field: the layer has no column {style.field!r}.")
    values = frame[style.field]
    if style.scheme == "categories":
        fits = values.map(lambda value: isinstance(value, str)) | values.isna()
    else:
        fits = pd.to_numeric(values.astype(object), errors="coerce").notna() | values.isna()
    if not bool(fits.all()):
        raise LayerError(
            f"layers/{definition.id}.toml: style.field: {style.field!r} cannot be drawn in {style.scheme}."
        )
    if style.scheme == "categories":
        return _categories(frame, definition, legend)
    return _intervals(frame, definition, legend)


def fill_classes(frame: gpd.GeoDataFrame, legend: Legend) -> NDArray[np.int64]:
    """What each feature is filled with when all classes are shown: its class, -1 for nothing, or `SEVERAL`.

    Facts of one division, and villages of one township, lie on the very same shape, where the last one drawn would
    hide the others. So only the first of them is filled: with their class if they agree, else with a colour of its
    own, which is then entered into `legend` as ``several`` with the number of such shapes.
    """
    classes: NDArray[np.int64] = frame["class"].to_numpy(dtype=np.int64)
    if legend["type"] != "categories":
        return classes
    drawn = frame.assign(place=range(len(frame)), shape=frame.geometry.to_wkb())[~frame.geometry.isna()]
    fill: NDArray[np.int64] = classes.copy()
    several = 0
    for _, group in drawn.groupby("shape", sort=False):
        places = group["place"].to_numpy()
        kinds = set(classes[places].tolist()) - {-1}
        fill[places] = -1
        fill[places[0]] = SEVERAL if len(kinds) > 1 else next(iter(kinds), -1)
        several += len(kinds) > 1
    if several:
        label = {"zh": "多类并存", "en": "several"}
        legend["several"] = {"label": label, "color": SEVERAL_COLOUR, "count": several}
    return fill


def _categories(
    frame: gpd.GeoDataFrame, definition: LayerDefinition, legend: Legend
) -> tuple[NDArray[np.int64], Legend]:
    """The most frequent values get a colour each; what is left over shares one."""
    values = frame[definition.style.field]
    palette = definition.style.palette
    # What repeats another fact, or is not drawn, is in no count.
    counted = values[~frame.geometry.isna() & (frame["duplicate_of"].isna() if "duplicate_of" in frame else True)]
    counts = counted.value_counts()
    ordered = sorted(counts.index, key=lambda value: (-int(counts[value]), str(value)))
    shown = ordered[: len(palette)]
    index = {value: i for i, value in enumerate(shown)}
    entries = [
        {"label": _category_label(value), "color": palette[i], "count": int(counts[value]), "value": value}
        for value, i in index.items()
    ]
    classes = values.map(index)
    rest = sum(int(counts[value]) for value in ordered[len(palette) :])
    if bool((classes.isna() & values.notna() & ~frame.geometry.isna()).any()):
        # The last entry stands for all the others, so that every drawn colour is in the legend.
        entries.append({"label": {"zh": "其他", "en": "other"}, "color": OTHER_COLOUR, "count": rest, "value": None})
        classes = classes.where(values.isna(), classes.fillna(len(shown)))
    return classes.fillna(-1).to_numpy(dtype=np.int64), legend | {"type": "categories", "entries": entries}


def _intervals(
    frame: gpd.GeoDataFrame, definition: LayerDefinition, legend: Legend
) -> tuple[NDArray[np.int64], Legend]:
    style = definition.style
    values = frame[style.field].astype("float64").where(_classed(frame, definition))
    known = values.dropna()
    if known.empty:
        return np.full(len(frame), -1, dtype=np.int64), legend | {"type": "classes", "entries": []}
    edges = _edges(known.to_numpy(), definition)
    classes = np.digitize(values.fillna(-np.inf), edges[1:-1]).astype(np.int64)
    classes[values.isna().to_numpy()] = -1
    used = sorted(set(classes[classes >= 0].tolist()))
    palette = style.palette
    entries = []
    for new, old in enumerate(used):
        low, high = float(edges[old]), float(edges[old + 1])
        text = _interval(low, high, is_last=old == used[-1], integral=bool((known % 1 == 0).all()))
        count = int((classes == old).sum())
        colour = palette[round(new * (len(palette) - 1) / max(len(used) - 1, 1))]
        entries.append({"label": {"zh": text, "en": text}, "color": colour, "count": count, "min": low, "max": high})
    renumber = {old: new for new, old in enumerate(used)} | {-1: -1}
    return np.array([renumber[c] for c in classes.tolist()], dtype=np.int64), legend | {
        "type": "classes",
        "entries": entries,
    }


def _interval(low: float, high: float, *, is_last: bool, integral: bool) -> str:
    """A class in words: ``5 – <10``, the last one ``20 – 30``; of whole numbers ``5 – 9`` or ``0``."""
    if not integral:
        return f"{_number(low)} – {'' if is_last else '<'}{_number(high)}"
    top = high if is_last else high - 1
    return _number(low) if top == low else f"{_number(low)} – {_number(top)}"


def _classed(frame: gpd.GeoDataFrame, definition: LayerDefinition) -> NDArray[np.bool_]:
    """Rows whose value the classes compare: filled, not a repetition, and of the measured change and themes."""
    levels = [level.value for level in definition.style.fill_levels]
    mask = frame["precision"].isin(levels) & ~frame.geometry.isna()
    if "duplicate_of" in frame:
        mask &= frame["duplicate_of"].isna()
    measure = definition.measure
    if measure is not None and measure.change is not None:
        mask &= frame["change"].eq(measure.change.value)
    if measure is not None and measure.themes:
        mask &= frame["theme"].isin(measure.themes)
    if measure is not None:
        mask &= frame["measure"].eq(measure.name.value)
    selected: NDArray[np.bool_] = mask.to_numpy(dtype=np.bool_)
    return selected


def _edges(values: NDArray[np.float64], definition: LayerDefinition) -> NDArray[np.float64]:
    """Rising class limits from the least to the greatest value."""
    style = definition.style
    low, high = float(values.min()), float(values.max())
    if style.scheme == "breaks":
        return np.array([min(low, style.breaks[0]), *style.breaks, max(high, style.breaks[-1])])
    import mapclassify

    k = min(style.k, len(np.unique(values)))
    if k < 2:
        return np.array([low, high])
    classifier = {"quantiles": mapclassify.Quantiles, "fisher_jenks": mapclassify.FisherJenks}[style.scheme]
    with warnings.catch_warnings():
        # mapclassify warns of fewer classes than asked for, which is meant, and of slowness that is not felt here.
        warnings.simplefilter("ignore", UserWarning)
        uppers = classifier(values, k=k).bins
    # mapclassify closes a class above, the legend below: the next value that occurs begins the next class.
    begins = [float(values[values > upper].min()) for upper in uppers if (values > upper).any()]
    return np.array([low, *sorted(set(begins)), high])


def _category_label(value: object) -> dict[str, str]:
    known = THEMES.get(str(value)) or SITINGS.get(str(value))
    return {"zh": known.zh, "en": known.en} if known else {"zh": str(value), "en": str(value)}


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"
