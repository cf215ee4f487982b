"""Which fact of one version of a plan is which of another: a best assignment, the same on every run.

Facts that say the very same are paired first. What is left is paired, within a kind, so that the sum of likenesses is
greatest; a pair must be admissible (`_admissible`), so that nothing is paired only because both are left over.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from geoplan.records import PlaceRef, PlanRecord, Quantity
from geoplan.units import parse_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating]

Pairs = dict[int, int]
"""Index of the new fact by index of the old one."""

SAME_NAME = 0.85
"""Likeness from which on two names are the same name, written a little differently."""
_LIKE_NAME = 0.6
_SOME_NAME = 0.3
_WEIGHTS = {"name": 0.40, "places": 0.25, "measures": 0.10, "values": 0.10, "theme": 0.05, "status": 0.05}
_PERIOD, _ID, _ORDER = 0.05, 0.004, 0.002
# A sure pair must not be given up for two middling ones, which the plain sum of likenesses would do.
_SHARPNESS = 4
_DIVISION = re.compile(r"(?:自治县|省|市|县|区|镇|乡|街道|村)$")


def match(old: Sequence[PlanRecord], new: Sequence[PlanRecord]) -> Pairs:
    """Pairs of facts of two versions; every fact is in one pair at most."""
    pairs: Pairs = {}
    for key in (lambda record: (record.id, said(record)), said):
        _pair_equal(old, new, pairs, key)
    by_kind: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, records, taken in ((0, old, set(pairs)), (1, new, set(pairs.values()))):
        for index, record in enumerate(records):
            if index not in taken:
                by_kind[record.kind.value][side].append(index)
    for kind in sorted(by_kind):
        pairs |= _assign(old, new, *by_kind[kind])
    left = sorted(set(range(len(old))) - set(pairs)), sorted(set(range(len(new))) - set(pairs.values()))
    return pairs | _assign(old, new, *left, across_kinds=True)


def said(record: PlanRecord) -> Hashable:
    """What a fact says, apart from where it stands in the plan."""
    figures = tuple(sorted(map(str, (figure_key(quantity, record) for quantity in record.quantities))))
    places = tuple(sorted(map(str, record.places)))
    return record.kind, record.theme, plain(record.name), places, record.region, record.status, record.period, figures


def figure_key(quantity: Quantity, record: PlanRecord) -> Hashable:
    """A figure with all that it says, in converted units."""
    return (
        quantity.measure.value, quantity.unit_si, *ends(quantity), quantity.qualifier.value, quantity.change,
        quantity.per, (quantity.status or record.status).value, quantity.period or record.period,
    )  # fmt: skip


def ends(quantity: Quantity) -> tuple[str, ...]:
    """The value, of a range both ends, exactly, in the converted unit."""
    factor = parse_unit(quantity.unit).factor
    values = [quantity.value] if quantity.value_max is None else [quantity.value, quantity.value_max]
    return tuple(str(Fraction(value) * factor) for value in values)


def plain(name: str) -> str:
    """A name without marks and spaces, in one width."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name))


def place_tokens(record: PlanRecord) -> frozenset[str]:
    """Names of all divisions on the paths of a fact's places, and its region; one token that says "nowhere" else."""
    names = {name for place in record.places for name in place.path} | ({record.region} if record.region else set())
    return frozenset(names or {""})


def values_of(record: PlanRecord) -> frozenset[Hashable]:
    """The figures of a fact by measure, converted unit and value."""
    return frozenset((quantity.measure, quantity.unit_si, *ends(quantity)) for quantity in record.quantities)


def without_places(record: PlanRecord) -> str:
    """A fact's name without the names of its own places: 奶牛基地 for 应县奶牛基地."""
    text = plain(record.name)
    for place in sorted({name for ref in record.places for name in _names(ref)}, key=lambda name: (-len(name), name)):
        text = text.replace(place, "")
    return text


def _names(ref: PlaceRef) -> set[str]:
    written = {ref.written} if ref.written else set()
    return {form for name in {*ref.path, *written} for form in (name, _DIVISION.sub("", name)) if len(form) > 1}


def _pair_equal(
    old: Sequence[PlanRecord], new: Sequence[PlanRecord], pairs: Pairs, key: Callable[[PlanRecord], Hashable]
) -> None:
    """Pair what has the same key, the first with the first."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    taken = set(pairs.values())
    for index in reversed(range(len(new))):
        if index not in taken:
            waiting[key(new[index])].append(index)
    for index, record in enumerate(old):
        if index not in pairs and waiting[key(record)]:
            pairs[index] = waiting[key(record)].pop()


def _assign(
    old: Sequence[PlanRecord], new: Sequence[PlanRecord], rows: list[int], columns: list[int], *,
    across_kinds: bool = False,
) -> Pairs:  # fmt: skip
    if not rows or not columns:
        return {}
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    a, b = [old[index] for index in rows], [new[index] for index in columns]
    score, admissible = _likeness(a, b)
    if across_kinds:
        admissible &= _names_alike(a, b) >= SAME_NAME
        admissible &= _shared([place_tokens(record) for record in a], [place_tokens(record) for record in b])[0] > 0
    weight = np.where(admissible, score**_SHARPNESS, 0)
    found = zip(*linear_sum_assignment(weight, maximize=True), strict=True)
    return {rows[i]: columns[j] for i, j in found if admissible[i, j]}


def _likeness(a: Sequence[PlanRecord], b: Sequence[PlanRecord]) -> tuple[Matrix, NDArray[np.bool_]]:
    """How alike each old fact is to each new one (0 to 1 and a little), and which pairs are admissible."""
    import numpy as np

    name = _names_alike(a, b)
    base = np.maximum(name, _cdist([without_places(r) for r in a], [without_places(r) for r in b]))
    shared, places = _shared([place_tokens(r) for r in a], [place_tokens(r) for r in b])
    measures = _shared([_measures(r) for r in a], [_measures(r) for r in b])[1]
    valued = _shared([values_of(r) for r in a], [values_of(r) for r in b])
    silent = np.outer([not r.quantities for r in a], [not r.quantities for r in b])
    theme = _equal(a, b, lambda r: r.theme)
    score = _PERIOD * _equal(a, b, lambda r: r.period) + _ID * _equal(a, b, lambda r: r.id)
    parts = {"name": base, "places": places, "measures": np.maximum(measures, silent), "theme": theme}
    parts |= {"values": np.maximum(valued[1], silent), "status": _equal(a, b, lambda r: r.status)}
    for part, weight in _WEIGHTS.items():
        score = score + weight * parts[part]
    order = np.abs(np.linspace(0, 1, len(a))[:, None] - np.linspace(0, 1, len(b))[None, :])
    score += _ORDER * (1 - order)
    return score, _admissible(name, base, shared > 0, places, valued[1] == 1, theme * parts["measures"] > 0, theme > 0)


def _admissible(
    name: Matrix, base: Matrix, meets: Any, places: Matrix, same_values: Any, same_measure: Any, same_theme: Any
) -> NDArray[np.bool_]:
    """What may be one fact in two versions.

    The same name; or a like name at a common place for the same theme and measure; or, apart from the places in it,
    the same name and the same figures (it moved); or the same figures at the same places (it was renamed).
    """
    like = (base >= _LIKE_NAME) & meets & same_measure
    moved = (base >= SAME_NAME) & same_values
    renamed = (base >= _SOME_NAME) & (places == 1) & same_values & same_theme
    found: NDArray[np.bool_] = (name >= SAME_NAME) | like | moved | renamed
    return found


def _measures(record: PlanRecord) -> frozenset[Hashable]:
    return frozenset((quantity.measure, quantity.unit_si) for quantity in record.quantities)


def _names_alike(a: Sequence[PlanRecord], b: Sequence[PlanRecord]) -> Matrix:
    return _cdist([plain(record.name) for record in a], [plain(record.name) for record in b])


def _cdist(a: Sequence[str], b: Sequence[str]) -> Matrix:
    import numpy as np
    from rapidfuzz import fuzz, process

    found: Matrix = process.cdist(a, b, scorer=fuzz.ratio, dtype=np.float32)
    return found / np.float32(100)


def _shared(a: Sequence[frozenset[Any]], b: Sequence[frozenset[Any]]) -> tuple[Matrix, Matrix]:
    """For all pairs of sets the number of common members, and its share of all members (0 for two empty sets)."""
    import numpy as np

    number: dict[Any, int] = {}
    for members in (*a, *b):
        for member in members:
            number.setdefault(member, len(number))

    def table(sets: Sequence[frozenset[Any]]) -> Matrix:
        filled = np.zeros((len(sets), len(number)), dtype=np.float32)
        for row, members in enumerate(sets):
            filled[row, [number[member] for member in members]] = 1
        return filled

    left, right = table(a), table(b)
    common: Matrix = left @ right.T
    union = left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :] - common
    share: Matrix = common / np.maximum(union, 1)
    return common, share


def _equal(a: Sequence[PlanRecord], b: Sequence[PlanRecord], value: Callable[[PlanRecord], Any]) -> Matrix:
    import numpy as np

    left = np.array([str(value(record)) for record in a], dtype=object)
    right = np.array([str(value(record)) for record in b], dtype=object)
    equal: Matrix = (left[:, None] == right[None, :]).astype(np.float32)
    return equal
