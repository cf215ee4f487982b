"""Which division each feature of a foreign boundary file is.

Files name their columns in many ways and spell names in several. A feature is matched by (parent, name);
its code helps to find the parent and is compared, but alone it decides nothing: editions of the code list
give the same township code to different townships.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd
import shapely

from geoplan.codes import level_of, normalise_code
from geoplan.crs import STORAGE, require_crs
from geoplan.errors import ImportRefusedError, Problem
from geoplan.terms import LABELS, Level

CODE_COLUMNS = ("XZQDM", "XZDM", "QHDM", "PAC", "adcode", "gb", "区划码", "区划代码", "行政区代码", "乡级码", "code")
"""Names under which the code of a division is found, best first, in any case."""
NAME_COLUMNS = ("XZQMC", "XZMC", "name", "地名", "名称", "行政区名称", "乡镇名称", "乡级", "乡镇", "mc")
"""Names under which the name of a division is found, best first, in any case."""
COUNTY_COLUMNS = ("县级码", "XJDM", "county_code", "areaCode", "parent", "县级", "XJMC", "county", "县名", "区县")
"""Names of columns that say, by code or name, which county a township belongs to."""

_SUFFIX = re.compile(r"(街道办事处|街道|苏木|镇|乡)$")
_OPPOSED = frozenset("东西南北上下前后左右大小新旧一二三四五六七八九十")
_LEAST_ALIKE = 0.5


@dataclass(frozen=True, slots=True)
class Matching:
    """Result of `match_features`.

    Attributes
    ----------
    codes
        Code of the division of each matched feature; the index is the feature number.
    problems
        Features that match no division, or not exactly one.
    notes
        What was accepted but should be read: other spellings, other codes, former names.
    labels
        How to call each feature in a message: ``feature 3 (巨城镇)``.
    """

    codes: pd.Series
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    labels: Mapping[int, str]


def match_features(
    frame: gpd.GeoDataFrame,
    *,
    level: Level,
    names: pd.DataFrame,
    reference: gpd.GeoDataFrame,
    aliases: pd.DataFrame | None = None,
    file: str = "",
) -> Matching:
    """Find the division of each feature.

    Parameters
    ----------
    frame
        EPSG:4490, the index is the feature number; code and name in the columns of `CODE_COLUMNS` and
        `NAME_COLUMNS` as text. Null or invalid geometry only means that the place does not help.
    level
        ``county`` or ``township``.
    names
        ``code, name, level, parent``: the list of divisions.
    reference
        Counties, ``code, geometry`` in EPSG:4490, for features that do not say where they belong.
    aliases
        ``alias, target_code``: other names, each accepted with a note.
    file
        Name of the file, for messages.

    Raises
    ------
    ImportRefusedError
        If the file has neither a column of codes nor one of names.
    """
    require_crs(frame, STORAGE)
    require_crs(reference, STORAGE)
    code_column, name_column = _column(frame, CODE_COLUMNS), _column(frame, NAME_COLUMNS)
    if code_column is None and name_column is None:
        raise ImportRefusedError(
            f"{file}: no column holds codes ({', '.join(CODE_COLUMNS)}) or names ({', '.join(NAME_COLUMNS)}); "
            f"its columns are {', '.join(map(str, frame.columns.drop(frame.geometry.name)))}. Rename yours."
        )
    county_columns = [c for alias in COUNTY_COLUMNS if (c := _column(frame, [alias]))]
    places = _places(frame, reference)
    matcher = _Matcher(level, names, aliases, file)
    for number in frame.index:
        hints = [_text(frame.loc[number, column]) for column in county_columns]
        code, name = (_text(frame.loc[number, c]) if c is not None else "" for c in (code_column, name_column))
        matcher.add(int(number), code, name, hints, places.get(number, ""))
    return matcher.result()


def text_columns() -> tuple[str, ...]:
    """Columns that must be read as text because they may hold codes."""
    return (*CODE_COLUMNS, *NAME_COLUMNS, *COUNTY_COLUMNS)


def same_spelling(one: str, other: str) -> bool:
    """Whether two names can be spellings of one name: 阎庄镇 and 闫庄镇, but not 东关街道 and 西关街道.

    The kind of unit (镇, 乡, 街道) is left aside, half of the characters must agree, and neither a
    direction nor a number may stand against another one.
    """
    first, second = (_SUFFIX.sub("", name) or name for name in (one, other))
    comparison = difflib.SequenceMatcher(None, first, second, autojunk=False)
    for operation, a, b, c, d in comparison.get_opcodes():
        if operation == "replace" and _OPPOSED & set(first[a:b]) and _OPPOSED & set(second[c:d]):
            return False
    return bool(comparison.ratio() >= _LEAST_ALIKE)


@dataclass(slots=True)
class _Matcher:
    """The tables to look names and codes up in, and what has been found so far."""

    level: Level
    names: pd.DataFrame
    aliases: pd.DataFrame | None
    file: str
    codes: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)
    _by_name: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _counties: dict[str, tuple[str, str]] = field(default_factory=dict)
    _aliases: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Zones that only the statistics list are no divisions.
        listed = self.names
        if "code_system" in listed:
            listed = listed[listed["code_system"].ne("NBS")]
        for code, name, level, parent in zip(
            listed["code"], listed["name"], listed["level"], listed["parent"], strict=True
        ):
            if level == Level.COUNTY:
                self._counties[code] = (name, parent)
            if level == self.level:
                self._known[code] = (name, parent)
                self._by_name.setdefault((parent, name), []).append(code)
        if self.aliases is not None:
            for alias, target in zip(self.aliases["alias"], self.aliases["target_code"], strict=True):
                if target in self._known:
                    self._aliases.setdefault(alias, []).append(target)

    def result(self) -> Matching:
        """Everything found."""
        codes = pd.Series(self.codes, dtype=object, name="code").rename_axis("feature")
        return Matching(codes, tuple(self.problems), tuple(self.notes), dict(self.labels))

    def add(self, number: int, code_text: str, name: str, hints: Iterable[str], place: str) -> None:
        """Match one feature and note what there is to say about it."""
        label = self.labels[number] = f"feature {number} ({name or code_text or 'no name'})"
        code, fault = self._code(code_text)
        parent = "" if fault else self._parent(code, name, hints, place)
        if not fault and not parent:
            fault = f"nothing tells which {self._above()} it lies in"
        if not fault:
            found, fault = self._find(label, code, name, parent)
            if not fault:
                self.codes[number] = found
                return
        remedy = self._remedy(parent, name)
        self.problems.append(Problem("unknown-division", f"{label}: {fault}.", self.file, remedy=remedy))

    def _code(self, text: str) -> tuple[str, str]:
        """The normalised code, and what is wrong with it."""
        if not text:
            return "", ""
        try:
            code = normalise_code(text)
        except ValueError as exc:
            return "", str(exc)
        if level_of(code) is not self.level:
            return "", f"code {text} is that of a {level_of(code)}, not of a {self.level}"
        return code, ""

    def _above(self) -> str:
        return Level.COUNTY.value if self.level is Level.TOWNSHIP else Level.CITY.value

    def _parent(self, code: str, name: str, hints: Iterable[str], place: str) -> str:
        """Code of the parent: by the code, by a column, by the place, or because the name is unique."""
        if self.level is Level.COUNTY:
            if code in self._known:
                return self._known[code][1]
            if place in self._known:
                return self._known[place][1]
            parents = {parent for parent, known in self._by_name if known == name}
            return parents.pop() if len(parents) == 1 else ""
        if code[:6] in self._counties:
            return code[:6]
        for hint in hints:
            if (county := self._county(hint, place)) is not None:
                return county
        return place if place in self._counties else ""

    def _county(self, hint: str, place: str) -> str | None:
        """The county that a cell names by code or by name; of several the one that lies there."""
        if hint[:6] in self._counties and hint[:6].isdigit():
            return hint[:6]
        called = [code for code, (name, _) in self._counties.items() if hint and name == hint]
        if place in called:
            return place
        return called[0] if len(called) == 1 else None

    def _find(self, label: str, code: str, name: str, parent: str) -> tuple[str, str]:
        """The division's code, and what is wrong."""
        listed = self._known[code][0] if code in self._known else ""
        plain = name.removesuffix("办事处")
        for spelling in dict.fromkeys((name, plain)):
            same = self._by_name.get((parent, spelling), [])
            if code in same:
                same = [code]
            if len(same) == 1:
                if code and code != same[0]:
                    also = f", which is {listed}'s in the list" if listed else ", which is not in the list"
                    self._note(
                        "other-code", f"{label}: the file gives code {code}{also}; taken as {same[0]} by its name"
                    )
                if spelling != name:
                    self._note("spelling", f"{label}: taken as {spelling} ({same[0]})")
                return same[0], ""
            if len(same) > 1:
                return "", f"{name} is the name of {len(same)} divisions ({', '.join(same)})"
        former = [c for c in self._aliases.get(name, []) if self._known[c][1] == parent]
        if len(former) == 1:
            self._note("alias", f"{label}: taken as {self._known[former[0]][0]} ({former[0]}), the name in the list")
            return former[0], ""
        if listed and not name:
            self._note(
                "code-only", f"{label}: taken as {listed} by code {code} alone, which is unsafe between editions"
            )
            return code, ""
        if listed and same_spelling(name, listed):
            self._note("spelling", f"{label}: the list calls {code} {listed}; taken as the same")
            return code, ""
        where = self._counties.get(parent, (parent, ""))[0]
        by_code = f", and its code {code} is that of {listed}" if listed else (f", nor code {code}" if code else "")
        return "", f"{where} has no {LABELS[self.level].zh} division {name!r} in the list{by_code}"

    def _note(self, code: str, message: str) -> None:
        self.notes.append(Problem(code, f"{message}.", self.file))

    def _remedy(self, parent: str, name: str) -> str:
        if not parent:
            column = "add a column 县级码 with county codes" if self.level is Level.TOWNSHIP else "give its code"
            return f"Check code and name, or {column}."
        siblings = [known for above, known in self._by_name if above == parent]
        close = difflib.get_close_matches(name, siblings, n=3, cutoff=0.3) if name else []
        return (f"Is it {' or '.join(close)}? " if close else "") + "Correct the name in the file."


def _column(frame: gpd.GeoDataFrame, aliases: Iterable[str]) -> str | None:
    """The column with the first alias that occurs, in any case; geometry is none."""
    columns = frame.columns.drop(frame.geometry.name)
    there: dict[str, str] = {str(c).strip().lstrip("\ufeff").casefold(): c for c in columns}
    for alias in aliases:
        if alias.casefold() in there:
            return there[alias.casefold()]
    return None


def _text(value: str | float | None) -> str:
    """A cell as text without any blanks; missing is empty."""
    return "" if pd.isna(value) else re.sub(r"\s", "", str(value))


def _places(frame: gpd.GeoDataFrame, reference: gpd.GeoDataFrame) -> dict[int, str]:
    """Code of the reference county with the largest common area, for each valid polygon that meets one."""
    usable = frame.geometry[~frame.geometry.isna() & frame.geometry.is_valid & ~frame.geometry.is_empty]
    shapes, counties = usable.to_numpy(), reference.geometry.to_numpy()
    ours, theirs = shapely.STRtree(counties).query(shapes, predicate="intersects")
    common = pd.DataFrame(
        {
            "feature": usable.index.to_numpy()[ours],
            "county": reference["code"].to_numpy()[theirs],
            # Only compared with each other at one place: square degrees do.
            "size": shapely.area(shapely.intersection(shapes[ours], counties[theirs])),
        }
    )
    largest = common.sort_values(["feature", "size", "county"]).drop_duplicates("feature", keep="last")
    return dict(zip(largest["feature"], largest["county"], strict=True))
