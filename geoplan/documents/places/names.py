"""The names that a document of an area may use: its own divisions and villages, those above it, and the country's.

Everything depends on the document's area. Texts are found by an Aho-Corasick automaton over all names; what a text may
mean is looked up afterwards, so that the 70,000 villages of a large province cost little to load.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from geoplan.codes import prefix
from geoplan.documents.places.abbreviations import abbreviations
from geoplan.documents.places.mention import Flag, PlaceLevel
from geoplan.errors import DocumentError
from geoplan.gazetteer import Division, Gazetteer
from geoplan.gazetteer.index import short_names
from geoplan.terms import Level

_FINE = frozenset({Level.COUNTY, Level.TOWNSHIP})
_MISPRINTS = {"misprint": Flag.MISPRINT, "former_name": Flag.OLD_NAME, "spelling": None, "zone": None}


@dataclass(frozen=True, slots=True)
class Name:
    """One division that a text may stand for; `form` says how it is named there, None for its full name."""

    code: str
    level: PlaceLevel
    form: Flag | None = None


@dataclass(frozen=True, slots=True)
class Villages:
    """The villages of the area by column, and their rows by the name without its suffix."""

    names: list[str]
    codes: list[str]
    parents: list[str]
    rows: dict[str, list[int]]
    row_of: dict[str, int]


@dataclass(frozen=True)
class Names:
    """What texts name which divisions, for documents of one area.

    Attributes
    ----------
    area
        Code of the area.
    above
        Codes of the area and of the divisions it lies in.
    divisions
        Names by text, for what is not a village.
    initials
        Counties of the area by the first character of their name, where no other begins with it.
    townships
        Codes of the area's townships by county.
    own
        Codes of the area, of those above it, and of its cities.
    famous
        Names without suffix of the country's provinces, cities and counties.
    """

    gazetteer: Gazetteer
    area: str
    above: tuple[str, ...]
    divisions: dict[str, tuple[Name, ...]]
    villages: Villages
    automaton: Any
    initials: dict[str, str]
    townships: dict[str, tuple[str, ...]]
    own: frozenset[str]
    famous: frozenset[str]
    _lineage: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def compact(self) -> bool:
        """Whether the area is small enough for a village's name to say which one it is."""
        return len(self.villages.names) < 8000

    def hits(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Every place where a name stands: start, end and the name, by their ends."""
        for last, key in self.automaton.iter(text):
            yield last + 1 - len(key), last + 1, key

    def lineage(self, code: str) -> tuple[str, ...]:
        """Codes from the division itself up to its province."""
        found = self._lineage.get(code)
        if found is None:
            row = self.villages.row_of.get(code)
            above = self.villages.parents[row] if row is not None else ""
            if row is None and code in self.gazetteer.divisions:
                above = self.gazetteer.divisions[code].parent
            found = (code, *self.lineage(above)) if above else (code,)
            self._lineage[code] = found
        return found

    def official(self, code: str) -> str:
        """Full name of a division or village."""
        row = self.villages.row_of.get(code)
        return self.villages.names[row] if row is not None else self.gazetteer.divisions[code].name

    def outside(self, code: str) -> bool:
        """Whether a division neither lies in the area nor has the area in it."""
        return code not in self.above and self.area not in self.lineage(code)


def load_names(gazetteer: Gazetteer, area: str) -> Names:
    """The names for documents of `area`, the code of a province, a city or a county.

    Raises
    ------
    DocumentError
        If the code is not one of a province, a city or a county.
    """
    division = gazetteer.divisions.get(area)
    if division is None or division.level is Level.TOWNSHIP:
        raise DocumentError(f"{area!r} is no code of a province, a city or a county.")
    above = _above(gazetteer, area)
    inside = _inside(gazetteer, area)
    found: dict[str, dict[Name, None]] = {}
    townships: dict[str, list[str]] = {}
    for code, other in gazetteer.divisions.items():
        own = code in inside
        if other.level is Level.TOWNSHIP:
            if not own:
                continue
            townships.setdefault(other.parent, []).append(code)
        _add(found, other, short=(own or other.level not in _FINE) and not other.members)
    _add_abbreviations(found, gazetteer, inside)
    _add_aliases(found, gazetteer, inside)
    villages = _villages(gazetteer, area)
    return Names(
        gazetteer,
        area,
        above,
        {text: tuple(names) for text, names in found.items()},
        villages,
        _automaton(found, villages),
        _initials(gazetteer, inside),
        {county: tuple(codes) for county, codes in townships.items()},
        frozenset(above)
        | {c for c, d in gazetteer.divisions.items() if d.level is Level.CITY and area in (c, d.parent)},
        _famous(gazetteer),
    )


def _above(gazetteer: Gazetteer, code: str) -> tuple[str, ...]:
    codes = []
    while code in gazetteer.divisions:
        codes.append(code)
        code = gazetteer.divisions[code].parent
    return tuple(codes)


def _inside(gazetteer: Gazetteer, area: str) -> frozenset[str]:
    """Codes of the area and of all divisions in it."""
    children: dict[str, list[str]] = {}
    for code, division in gazetteer.divisions.items():
        children.setdefault(division.parent, []).append(code)
    found = [area]
    for code in found:
        found += children.get(code, ())
    return frozenset(found)


def _add(found: dict[str, dict[Name, None]], division: Division, *, short: bool) -> None:
    level = PlaceLevel(division.level.value)
    if len(division.name) > 1:
        found.setdefault(division.name, {})[Name(division.code, level)] = None
    if short:
        for text in short_names(division.name, division.level):
            found.setdefault(text, {})[Name(division.code, level, Flag.SHORT)] = None


def _add_abbreviations(found: dict[str, dict[Name, None]], gazetteer: Gazetteer, inside: frozenset[str]) -> None:
    """Counties of the area by short names that keep a suffix (威宁县); they say as much as the full names do."""
    for code in sorted(inside):
        division = gazetteer.divisions[code]
        for text in abbreviations(division.name) if division.level is Level.COUNTY and not division.members else ():
            found.setdefault(text, {})[Name(code, PlaceLevel.COUNTY)] = None
            if len(text) > 2 and text[-2] not in "左右前中后":
                found.setdefault(text[:-1], {}).setdefault(Name(code, PlaceLevel.COUNTY, Flag.SHORT))


def _add_aliases(found: dict[str, dict[Name, None]], gazetteer: Gazetteer, inside: frozenset[str]) -> None:
    """Old names and misprints; single characters (晋) stand only inside other words and are left out."""
    for alias in gazetteer.aliases:
        target = gazetteer.divisions.get(alias.code)
        own = alias.code in inside
        if target is None or len(alias.alias) < 2 or (target.level is Level.TOWNSHIP and not own):
            continue
        if alias.alias.endswith("地区"):
            # 晋中地区 is read as the city and a common noun.
            continue
        form = None if alias.alias.endswith("州") else _MISPRINTS.get(alias.kind, Flag.SHORT)
        level = PlaceLevel(target.level.value)
        found.setdefault(alias.alias, {}).setdefault(Name(alias.code, level, form))
        if own and form is Flag.OLD_NAME and target.level is Level.COUNTY:
            for text in short_names(alias.alias, target.level):
                if text not in found:
                    found[text] = {Name(alias.code, level, form): None}


def _villages(gazetteer: Gazetteer, area: str) -> Villages:
    """The villages in the area: the table is sorted by county."""
    table = gazetteer.villages
    counties = table["county"]
    bounds = [_first(counties, prefix(area)[:6] + end) for end in ("", "\uffff")]
    part = table.slice(bounds[0], bounds[1] - bounds[0])
    names, codes, stems = (part[column].to_pylist() for column in ("name", "code", "stem"))
    townships, counties = part["township"].to_pylist(), part["county"].to_pylist()
    rows: dict[str, list[int]] = {}
    for row, (name, stem) in enumerate(zip(names, stems, strict=True)):
        text = stem if len(stem) > 1 else name
        if len(text) > 1 and not text[0].isascii():
            rows.setdefault(text, []).append(row)
    parents = [township or county for township, county in zip(townships, counties, strict=True)]
    return Villages(names, codes, parents, rows, {code: row for row, code in enumerate(codes)})


def _first(column: Any, bound: str) -> int:
    """Row of the first value not below `bound` in a sorted column."""
    return bisect_left(range(len(column)), bound, key=lambda row: column[row].as_py())


def _automaton(found: dict[str, dict[Name, None]], villages: Villages) -> Any:
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for text in found:
        automaton.add_word(text, text)
    for text in villages.rows:
        automaton.add_word(text, text)
    automaton.make_automaton()
    return automaton


def _famous(gazetteer: Gazetteer) -> frozenset[str]:
    return frozenset(
        division.name[:-1]
        for division in gazetteer.divisions.values()
        if division.level is not Level.TOWNSHIP and not division.members and len(division.name) > 2
    )


def _initials(gazetteer: Gazetteer, inside: frozenset[str]) -> dict[str, str]:
    own = [gazetteer.divisions[code] for code in sorted(inside)]
    counties = [division for division in own if division.level is Level.COUNTY and not division.members]
    initials: dict[str, str] = {}
    for division in counties:
        first = division.name[0]
        initials[first] = "" if first in initials else division.code
    return {first: code for first, code in initials.items() if code}
