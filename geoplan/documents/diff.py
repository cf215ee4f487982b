"""What changed between two versions of a plan: what moved, rose, fell, was dropped, added, or is said twice.

Every fact of the old version is either paired with one of the new version or dropped; every fact of the new version
is either paired or added. Nothing else happens to a fact, so the counts add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from geoplan.documents.matching import (
    SAME_NAME,
    ends,
    figure_key,
    match,
    plain,
    said,
    values_of,
    without_places,
)
from geoplan.records import PlaceRef, PlanRecord, Quantity
from geoplan.terms import LABELS, THEMES, Label, Qualifier
from geoplan.units import parse_unit


class Class(StrEnum):
    """How a fact differs between two versions; several may hold at once (moved and rose)."""

    SAME = "same"
    MOVED = "moved"
    ROSE = "rose"
    FELL = "fell"
    CHANGED = "changed"
    DROPPED = "dropped"
    ADDED = "added"
    REPEATED = "repeated"


CLASS_LABELS = {
    Class.SAME: Label("未变", "same"),
    Class.MOVED: Label("移位", "moved"),
    Class.ROSE: Label("上调", "rose"),
    Class.FELL: Label("下调", "fell"),
    Class.CHANGED: Label("改动", "changed otherwise"),
    Class.DROPPED: Label("删除", "dropped"),
    Class.ADDED: Label("新增", "added"),
    Class.REPEATED: Label("重复", "repeated in the new version"),
}


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of a fact in two versions; None where one version lacks it.

    `share` is the change as a fraction of the old value, exact; None where there is nothing to compare.
    """

    old: Quantity | None
    new: Quantity | None
    share: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact in two versions.

    Attributes
    ----------
    old, new
        None where the version does not have it.
    classes
        What happened, the most telling first.
    figures
        Figures that are not the same.
    details
        What happened, in Chinese words.
    repeats
        Id of the earlier fact of the new version that says the same.
    """

    old: PlanRecord | None
    new: PlanRecord | None
    classes: tuple[Class, ...]
    figures: tuple[FigureChange, ...] = ()
    details: tuple[str, ...] = ()
    repeats: str = ""

    @property
    def record(self) -> PlanRecord:
        """The fact as the newest version that has it says it."""
        record = self.new or self.old
        if record is None:
            raise ValueError("a difference without a fact")
        return record


def compare(old: Sequence[PlanRecord], new: Sequence[PlanRecord]) -> list[Difference]:
    """Differences of two versions of a plan: the new version's facts in their order, then the dropped ones."""
    pairs = {after: before for before, after in match(old, new).items()}
    repeats = find_repeats(new)
    found = []
    for index, record in enumerate(new):
        repeated = repeats.get(index, "")
        if index in pairs:
            found.append(_paired(old[pairs[index]], record, repeated))
        else:
            classes = (Class.REPEATED,) if repeated else (Class.ADDED,)
            found.append(Difference(None, record, classes, details=_repeat_words(repeated), repeats=repeated))
    dropped = sorted(set(range(len(old))) - set(pairs.values()))
    return [*found, *(Difference(old[index], None, (Class.DROPPED,)) for index in dropped)]


def count_classes(differences: Sequence[Difference]) -> dict[Class, int]:
    """How many facts are in each class; a fact that moved and rose counts in both."""
    counts = Counter(item for difference in differences for item in difference.classes)
    return {item: counts[item] for item in Class}


def find_repeats(records: Sequence[PlanRecord]) -> dict[int, str]:
    """Facts that an earlier one of the same version says already: index, and the id of that earlier fact.

    A fact is a repetition when it is marked as one of a fact in `records`, or when name, places and figures agree
    with an earlier one's.
    """
    ids = {record.id for record in records}
    found: dict[int, str] = {}
    first_said: dict[Hashable, int] = {}
    stating: dict[tuple[str, ...], list[int]] = {}
    for index, record in enumerate(records):
        # A repetition gives a figure of the original, so only facts with that figure are looked at.
        keys = [(record.kind.value, record.theme, *figure) for figure in sorted(_timed(record))]
        others = sorted({other for key in keys for other in stating.get(key, ())})
        same = first_said.setdefault(said(record), index)
        if record.duplicate_of in ids and record.duplicate_of != record.id:
            found[index] = record.duplicate_of
        elif same != index:
            found[index] = found.get(same) or records[same].id
        else:
            other = next((other for other in others if _says_the_same(record, records[other])), None)
            if other is not None:
                found[index] = found.get(other) or records[other].id
        for key in keys:
            stating.setdefault(key, []).append(index)
    return found


def _says_the_same(record: PlanRecord, earlier: PlanRecord) -> bool:
    """Whether most figures, place, time and name of two facts of one kind and theme agree."""
    if record.region != earlier.region or not _one_place(record, earlier) or not _one_time(record, earlier):
        return False
    figures, others = values_of(record), values_of(earlier)
    return 2 * len(figures & others) > min(len(figures), len(others)) and _one_name(record, earlier)


def _one_name(record: PlanRecord, earlier: PlanRecord) -> bool:
    """The same name, apart from the places in it, or one name within the other."""
    from rapidfuzz import fuzz

    a, b = plain(record.name), plain(earlier.name)
    short, long = sorted((without_places(record), without_places(earlier)), key=len)
    alike = max(fuzz.ratio(a, b), fuzz.ratio(short, long)) >= 100 * SAME_NAME
    return alike or (len(short) >= 4 and short in long)


def _one_place(record: PlanRecord, earlier: PlanRecord) -> bool:
    """The same places, or in the one fact a place within the other's."""
    if len(record.places) != len(earlier.places):
        return False
    return all(any(_nested(a, b) for b in earlier.places) for a in record.places)


def _one_time(record: PlanRecord, earlier: PlanRecord) -> bool:
    """Whether a figure that both give holds for the fact's own time: what is there already is no promise repeated."""
    common = _timed(record) & _timed(earlier)
    return any(time == record.status.value for time, *_ in common)


def _timed(record: PlanRecord) -> set[tuple[str, ...]]:
    return {
        ((quantity.status or record.status).value, quantity.measure.value, quantity.unit_si, *ends(quantity))
        for quantity in record.quantities
    }


def _nested(a: PlaceRef, b: PlaceRef) -> bool:
    short, long = sorted((a.path, b.path), key=len)
    return long[: len(short)] == short or long[-len(short) :] == short


def _paired(old: PlanRecord, new: PlanRecord, repeated: str) -> Difference:
    classes: list[Class] = []
    details: list[str] = []
    if said(old) != said(new):
        _compare_places(old, new, classes, details)
        figures = _compare_figures(old, new, classes, details)
        _compare_words(old, new, classes, details)
    else:
        figures = ()
    if repeated:
        classes.append(Class.REPEATED)
        details += _repeat_words(repeated)
    order = list(Class)
    return Difference(
        old, new, tuple(sorted(dict.fromkeys(classes), key=order.index)) or (Class.SAME,), figures,
        tuple(details), repeated,
    )  # fmt: skip


def _compare_places(old: PlanRecord, new: PlanRecord, classes: list[Class], details: list[str]) -> None:
    gone, come = lost_places(old, new), lost_places(new, old)
    if gone or come or old.region != new.region:
        classes.append(Class.MOVED)
        details.append(f"地点：{_place_words(old)} → {_place_words(new)}")
    elif sorted(map(str, old.places)) != sorted(map(str, new.places)):
        classes.append(Class.CHANGED)
        details.append(f"地点写法：{_place_words(old)} → {_place_words(new)}")


def lost_places(old: PlanRecord, new: PlanRecord) -> tuple[PlaceRef, ...]:
    """Places of `old` that are no places of `new`; a place within one of those is still there."""
    return tuple(place for place in old.places if not any(_nested(place, other) for other in new.places))


def _compare_figures(
    old: PlanRecord, new: PlanRecord, classes: list[Class], details: list[str]
) -> tuple[FigureChange, ...]:
    changes = []
    for before, after in _pair_figures(old, new):
        if before is not None and after is not None:
            if figure_key(before, old) == figure_key(after, new):
                continue
            item, share = _direction(before, after)
            classes.append(item)
            changes.append(FigureChange(before, after, share))
        else:
            classes.append(Class.CHANGED)
            changes.append(FigureChange(before, after))
        details.append(_figure_words(old, new, changes[-1]))
    return tuple(changes)


def _pair_figures(old: PlanRecord, new: PlanRecord) -> list[tuple[Quantity | None, Quantity | None]]:
    """Figures of the same sort together: first those that agree in all, then in ever less, at last in the measure."""
    left, right = list(old.quantities), list(new.quantities)
    found: list[tuple[Quantity | None, Quantity | None]] = []
    for depth in (None, 5, 4, 3, 2):
        for before in list(left):
            key = figure_key(before, old) if depth is None else _sort(before, old)[:depth]
            same = (q for q in right if (figure_key(q, new) if depth is None else _sort(q, new)[:depth]) == key)
            after = next(same, None)
            if after is not None:
                left.remove(before)
                right.remove(after)
                found.append((before, after))
    return [*found, *((before, None) for before in left), *((None, after) for after in right)]


def _sort(quantity: Quantity, record: PlanRecord) -> tuple[object, ...]:
    """What sort of figure it is; from the first on ever less telling of the same thing."""
    status = (quantity.status or record.status).value
    return quantity.measure, quantity.unit_si, status, quantity.change, quantity.period or record.period


def _direction(before: Quantity, after: Quantity) -> tuple[Class, Fraction | None]:
    """Whether a figure rose or fell, in the converted unit; a range rises when neither end falls."""
    low, high = _bounds(before), _bounds(after)
    share = (high[0] - low[0]) / low[0] if low[0] else None
    if low == high:
        return Class.CHANGED, None
    if high[0] >= low[0] and high[1] >= low[1]:
        return Class.ROSE, share
    if high[0] <= low[0] and high[1] <= low[1]:
        return Class.FELL, share
    return Class.CHANGED, None


def _bounds(quantity: Quantity) -> tuple[Fraction, Fraction]:
    factor = parse_unit(quantity.unit).factor
    top = quantity.value if quantity.value_max is None else quantity.value_max
    return Fraction(quantity.value) * factor, Fraction(top) * factor


def _compare_words(old: PlanRecord, new: PlanRecord, classes: list[Class], details: list[str]) -> None:
    pairs = [
        ("名称", old.name, new.name, plain(old.name) != plain(new.name)),
        ("类型", LABELS[old.kind].zh, LABELS[new.kind].zh, old.kind is not new.kind),
        ("门类", THEMES[old.theme].zh, THEMES[new.theme].zh, old.theme != new.theme),
        ("性质", LABELS[old.status].zh, LABELS[new.status].zh, old.status is not new.status),
        ("时期", old.period or "未写", new.period or "未写", old.period != new.period),
    ]
    for name, before, after, differs in pairs:
        if differs:
            classes.append(Class.CHANGED)
            details.append(f"{name}：{before} → {after}")


def _figure_words(old: PlanRecord, new: PlanRecord, change: FigureChange) -> str:
    quantity = change.new or change.old
    name = LABELS[quantity.measure].zh if quantity else ""
    before = _quantity_words(change.old, old) if change.old else "未写"
    after = _quantity_words(change.new, new) if change.new else "未写"
    share = f"（{float(change.share):+.1%}）" if change.share is not None else ""
    return f"{name}：{before} → {after}{share}"


def _quantity_words(quantity: Quantity, record: PlanRecord) -> str:
    """A figure with its bound, and with status, change and share where it has them."""
    words = [LABELS[quantity.qualifier].zh if quantity.qualifier is not Qualifier.EXACT else ""]
    words += [LABELS[term].zh for term in (quantity.change, quantity.per) if term]
    time = quantity.period or record.period
    status = LABELS[quantity.status or record.status].zh
    return "".join([*words, quantity.text]) + f"〔{' '.join(filter(None, (status, time)))}〕"


def _place_words(record: PlanRecord) -> str:
    return "、".join([*("/".join(place.path) for place in record.places), *filter(None, [record.region])]) or "未写"


def _repeat_words(repeated: str) -> tuple[str, ...]:
    return (f"与新版 {repeated} 重复",) if repeated else ()
