"""The gazetteer: every division with the names it goes by, ready to be looked up.

On disk it is three Parquet tables (``names``, ``aliases``, ``villages``) that the build writes. Divisions down to
the township are held in dictionaries; the country's 620,000 villages stay a columnar table that is scanned.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geoplan.codes import is_inside, prefix
from geoplan.errors import BuildError
from geoplan.terms import Level

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("names", "aliases", "villages")
_SHARED = ["township", "township_name", "county", "as_of"]

ETHNIC = (
    "壮|回|满|维吾尔|苗|彝|土家|藏|蒙古|蒙古族|侗|布依|瑶|白|朝鲜|哈尼|黎|哈萨克|傣|畲|傈僳|东乡|仡佬|拉祜|佤|水|纳西|羌|土|仫佬|锡伯|"
    "柯尔克孜|景颇|达斡尔|撒拉|布朗|毛南|塔吉克|普米|阿昌|怒|鄂温克|京|基诺|德昂|保安|俄罗斯|裕固|乌孜别克|门巴|鄂伦春|独龙|赫哲|高山|珞巴|塔塔尔|各"
)
_AUTONOMOUS = re.compile(rf"(?:(?:{ETHNIC})族?)*(?:自治区|自治州|自治县|自治旗)$")
_SUFFIXES = {
    Level.PROVINCE.value: re.compile(r"(省|市|特别行政区)$"),
    Level.CITY.value: re.compile(r"(市|地区|盟)$"),
    Level.COUNTY.value: re.compile(r"(市|县|区|旗|林区|特区|矿区)$"),
    Level.TOWNSHIP.value: re.compile(r"(街道办事处|街道|镇|民族乡|乡|苏木)$"),
    Level.VILLAGE.value: re.compile(r"(村|社区)$"),
}


class Division(NamedTuple):
    """One administrative division, or a zone that the statistics list as one.

    `members` holds the township codes of a zone and is empty for a division.
    """

    code: str
    name: str
    level: Level
    parent: str
    code_system: str
    as_of: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alias:
    """Another name of a division, and its kind: former_name, abbreviation, misprint, spelling."""

    alias: str
    kind: str
    code: str


@dataclass(frozen=True)
class Gazetteer:
    """Divisions by code and by the names they go by. Built by `load_gazetteer`."""

    divisions: dict[str, Division]
    aliases: tuple[Alias, ...]
    villages: pa.Table
    pinyin: dict[str, tuple[str, str]] = field(repr=False)

    @cached_property
    def by_name(self) -> dict[str, list[str]]:
        """Codes by full name."""
        found: dict[str, list[str]] = {}
        for code, division in self.divisions.items():
            found.setdefault(division.name, []).append(code)
        return found

    @cached_property
    def by_short(self) -> dict[str, list[str]]:
        """Codes by the name without its suffix (平定 for 平定县), where two characters are left."""
        found: dict[str, list[str]] = {}
        for code, division in self.divisions.items():
            for short in short_names(division.name, division.level):
                found.setdefault(short, []).append(code)
        return found

    @cached_property
    def by_alias(self) -> dict[str, list[Alias]]:
        """Aliases by their text."""
        found: dict[str, list[Alias]] = {}
        for alias in self.aliases:
            found.setdefault(alias.alias, []).append(alias)
        return found

    @cached_property
    def longest(self) -> int:
        """Length of the longest name."""
        return max(map(len, [*self.by_name, *self.by_alias]), default=0)

    def path(self, code: str) -> tuple[str, ...]:
        """Names from the province down to the division itself."""
        names: list[str] = []
        while code in self.divisions:
            division = self.divisions[code]
            names.append(division.name)
            code = division.parent
        return tuple(reversed(names))

    def contains(self, ancestor: str, code: str) -> bool:
        """Whether `code` lies in the division or zone `ancestor` (or is it)."""
        division = self.divisions.get(ancestor)
        if division is not None and division.members:
            return code == ancestor or any(is_inside(code, member) for member in division.members)
        while code != ancestor:
            if code not in self.divisions:
                return False
            code = self.divisions[code].parent
        return True

    @cached_property
    def _village_counties(self) -> list[str]:
        """County of every village, rising: the table is sorted by it."""
        counties: list[str] = self.villages["county"].to_pylist()
        return counties

    def _villages_near(self, within: str | None) -> pa.Table:
        """The part of the village table that can lie in a division; all of it for a zone, whose members may be far."""
        if within is None or self.divisions[within].members:
            return self.villages
        inside = prefix(within)[:6]
        start, end = (bisect_left(self._village_counties, bound) for bound in (inside, inside + "\uffff"))
        return self.villages.slice(start, end - start)

    def find_villages(self, name: str, within: str | None) -> list[Division]:
        """Villages called `name`, with or without 村 or 社区, inside the division `within`."""
        stem = _SUFFIXES[Level.VILLAGE.value].sub("", name) if len(name) > 2 else name
        table = self._villages_near(within)
        mask = pc.or_(pc.equal(table["name"], name), pc.equal(table["stem"], stem))
        found = []
        for row in table.filter(mask).to_pylist():
            parent = row["township"] or row["county"]
            if within is None or self.contains(within, parent):
                found.append(Division(row["code"], row["name"], Level.VILLAGE, parent, "NBS", row["as_of"]))
        exact = [village for village in found if village.name == name]
        # 南庄 asks for 南庄村 as well, but 南庄村 does not ask for 南庄社区.
        return exact or [village for village in found if name in {stem, village.name}]


def short_names(name: str, level: Level) -> list[str]:
    """The ways `name` is shortened by leaving out its suffix; none when one character would be left.

    >>> short_names("平定县", Level.COUNTY), short_names("祁县", Level.COUNTY)
    (['平定'], [])
    """
    found = []
    for pattern in (_AUTONOMOUS, _SUFFIXES[level.value]):
        short = pattern.sub("", name)
        if short != name and len(short) >= 2 and short not in found:
            found.append(short)
    return found


def save_gazetteer(folder: Path, names: pd.DataFrame, aliases: pd.DataFrame, villages: pd.DataFrame) -> list[Path]:
    """Write the three tables; the same frames give the same bytes."""
    paths = []
    for table, frame in zip(TABLES, (names, aliases, villages), strict=True):
        path = folder / f"{table}.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, compression="zstd")
        paths.append(path)
    return paths


def load_gazetteer(folder: Path) -> Gazetteer:
    """The gazetteer that a build wrote into `folder`.

    Raises
    ------
    BuildError
        If a table is missing.
    """
    missing = [table for table in TABLES if not (folder / f"{table}.parquet").is_file()]
    if missing:
        raise BuildError(f"the build has no {', '.join(missing)} table; run `geoplan build`.")
    columns = pq.ParquetFile(folder / "names.parquet").read().to_pydict()
    levels = {level.value: level for level in Level}
    wanted = [columns[name] for name in ("code", "name", "level", "parent", "code_system", "as_of", "members")]
    divisions = {
        code: Division(code, name, levels[level], parent, system, as_of, tuple(members.split()) if members else ())
        for code, name, level, parent, system, as_of, members in zip(*wanted, strict=True)
    }
    named = pq.ParquetFile(folder / "aliases.parquet").read().to_pydict()
    aliases = tuple(map(Alias, named["alias"], named["alias_kind"], named["target_code"]))
    pinyin = dict(zip(columns["code"], zip(columns["pinyin"], columns["initials"], strict=True), strict=True))
    # What many villages share is kept once: a third of the table's memory.
    path = folder / "villages.parquet"
    shared = [column for column in _SHARED if column in pq.read_schema(path).names]
    villages = pq.ParquetFile(path, read_dictionary=shared).read()
    return Gazetteer(divisions, aliases, villages, pinyin)
