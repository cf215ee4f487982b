"""Names and codes of divisions: townships and above from the ministry's list, villages from the statistics.

The two lists differ: statistical township codes name another township in 83 places of Shanxi alone, so
villages are joined to townships by (county, name), never by code. Units that only the statistics list
(development zones, scenic areas, farms) are kept as *zones* with their member townships.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import geopandas as gpd
import pandas as pd
from pypinyin import lazy_pinyin

from geoplan.boundaries.sources import Source
from geoplan.codes import is_inside
from geoplan.errors import SourceError
from geoplan.terms import Level

NAME_COLUMNS = ["code", "name", "level", "parent", "code_system", "as_of", "pinyin", "initials", "members"]
VILLAGE_COLUMNS = ["code", "name", "stem", "township", "township_name", "county"]

_LEVELS = {1: Level.PROVINCE, 2: Level.CITY, 3: Level.COUNTY, 4: Level.TOWNSHIP}
_COMMITTEE = re.compile(r"(村民委员会|村委会|居民委员会|居委会|委员会|委会)$")


def read_table(path: Path, *columns: str) -> pd.DataFrame:
    """A table of the project (``aliases.csv`` and its like) with these columns, every cell as text.

    Raises
    ------
    SourceError
        If the file is missing, is no table, or lacks a column.
    """
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name} cannot be read ({error}); take it from the repository again.") from None
    if missing := [column for column in columns if column not in rows]:
        raise SourceError(
            f"{path.name}, row 1: the column {missing[0]!r} is missing; it has {', '.join(map(str, rows.columns))}."
        )
    return rows


def read_names(path: Path, source: Source) -> pd.DataFrame:
    """Divisions from province to township of the ministry's list.

    Returns
    -------
    DataFrame
        ``code, name, level, parent, code_system, as_of``, sorted by code.
    """
    rows = json.loads(path.read_text("utf-8"))["divisions"]
    frame = pd.DataFrame(rows, columns=["level", "code", "parent", "name"])
    frame["level"] = [_LEVELS[level].value for level in frame["level"]]
    frame["code_system"], frame["as_of"] = "MCA", source.as_of
    return frame.sort_values("code", ignore_index=True)


def take_listed_codes(counties: gpd.GeoDataFrame, listed: pd.DataFrame) -> gpd.GeoDataFrame:
    """`counties` with the ministry's code where it lists the same name in the same city under another one.

    The polygons are of an older edition: 米林市 is 540422 there and 540481 in the list.
    """
    known = set(listed["code"])
    rows = listed[listed["level"].eq(Level.COUNTY.value)]
    by_name = dict(zip(rows["parent"] + "/" + rows["name"], rows["code"], strict=True))
    keys = counties["parent"] + "/" + counties["name"]
    codes = [
        code if code in known else by_name.get(key, code) for code, key in zip(counties["code"], keys, strict=True)
    ]
    return counties.assign(code=codes).sort_values("code", ignore_index=True)


def add_drawn_units(names: pd.DataFrame, polygons: list[gpd.GeoDataFrame]) -> pd.DataFrame:
    """`names` with the units that have a polygon but no row in the ministry's list.

    Taiwan, Hong Kong, Macau, and units of an older edition; their code system is that of the polygons.
    """
    frames = [names]
    known = set(names["code"])
    for frame in polygons:
        extra = frame[~frame["code"].isin(known)]
        known |= set(extra["code"])
        rows = pd.DataFrame(extra[["code", "name", "level", "parent", "as_of"]])
        frames.append(rows.assign(code_system="GB/T 2260"))
    return pd.concat(frames, ignore_index=True).sort_values("code", ignore_index=True)


def read_villages(villages: Path, townships: Path, names: pd.DataFrame, aliases: pd.DataFrame) -> pd.DataFrame:
    """Villages and communities of the statistics, each with the ministry's township where the names agree.

    Parameters
    ----------
    names
        Divisions as `read_names` gives them.
    aliases
        Alias table; its rows of kind ``spelling`` join townships that the two lists spell differently.

    Returns
    -------
    DataFrame
        `VILLAGE_COLUMNS`, sorted by county and code. `township` is empty where no township of the county has the name;
        `township_name` is then what the statistics call it. `stem` is the name without 村 or 社区.
    """
    rows = pd.read_csv(villages, dtype=str, usecols=["code", "name", "streetCode"], engine="pyarrow")
    streets = match_townships(townships, names, aliases).set_index("code")
    rows["name"] = _village_names(rows["name"])
    rows["stem"] = rows["name"].str.replace(r"(?<=..)(村|社区)$", "", regex=True)
    rows["township"] = rows["streetCode"].map(streets["township"]).fillna("")
    rows["township_name"] = rows["streetCode"].map(streets["name"]).fillna("")
    own = rows["streetCode"].map(streets["county"]).fillna(rows["code"].str[:6])
    rows["county"] = rows["township"].str[:6].where(rows["township"].ne(""), own)
    return rows[VILLAGE_COLUMNS].sort_values(["county", "code"], ignore_index=True)


def match_townships(path: Path, names: pd.DataFrame, aliases: pd.DataFrame) -> pd.DataFrame:
    """Statistical townships with the ministry's code of the same unit, or an empty one.

    Within the same county by name; a statistical county that the ministry does not list (a zone) looks for its
    townships in the whole city, where the name must be unique.

    Returns
    -------
    DataFrame
        ``code, name, county, township``: the statistical code, name and county, the ministry's code.
    """
    rows = pd.read_csv(path, dtype=str, usecols=["code", "name", "areaCode"], engine="pyarrow")
    known = names[names["level"].eq(Level.TOWNSHIP.value)]
    keys = known["parent"] + "/" + known["name"]
    by_county = dict(zip(keys, known["code"], strict=True))
    spelling = aliases[aliases["alias_kind"].eq("spelling") & aliases["target_code"].str.len().eq(9)]
    for alias, code in zip(spelling["alias"], spelling["target_code"], strict=True):
        by_county.setdefault(f"{code[:6]}/{alias}", code)
    city_keys = pd.Series(known["code"].to_numpy(), index=known["code"].str[:4] + "/" + known["name"])
    by_city = city_keys[~city_keys.index.duplicated(keep=False)]
    counties = set(names["code"])
    matched = [
        by_county.get(f"{county}/{name}", "") if county in counties else by_city.get(f"{county[:4]}/{name}", "")
        for county, name in zip(rows["areaCode"], rows["name"], strict=True)
    ]
    return pd.DataFrame({"code": rows["code"], "name": rows["name"], "county": rows["areaCode"], "township": matched})


def read_zones(counties: Path, aliases: pd.DataFrame, names: pd.DataFrame, source: Source) -> pd.DataFrame:
    """Units that the statistics list at county level and the ministry does not, as the alias table places them.

    Parameters
    ----------
    aliases
        Alias table; its rows of kind ``zone`` name the divisions that a zone lies in.

    Returns
    -------
    DataFrame
        As `read_names`, and ``members``: codes of the divisions a zone lies in, joined by spaces. Zones that the
        alias table does not place are left out.
    """
    rows = pd.read_csv(counties, dtype=str, usecols=["code", "name", "cityCode"], engine="pyarrow")
    zones = rows[~rows["code"].isin(set(names["code"])) & ~rows["name"].isin({"市辖区", "县"})]
    placed = (
        aliases[aliases["alias_kind"].eq("zone")].groupby("alias")["target_code"].agg(lambda c: " ".join(sorted(c)))
    )
    frame = pd.DataFrame(
        {
            "code": zones["code"],
            "name": zones["name"],
            "level": Level.COUNTY.value,
            "parent": zones["cityCode"] + "00",
            "code_system": "NBS",
            "as_of": source.as_of,
            "members": zones["name"].map(placed),
        }
    )
    return frame.dropna(subset=["members"]).sort_values("code", ignore_index=True)


def read_aliases(path: Path, names: pd.DataFrame) -> pd.DataFrame:
    """The alias table, checked against the list of divisions.

    Returns
    -------
    DataFrame
        ``alias, alias_kind, target_code, as_of, source``, sorted by alias and code.

    Raises
    ------
    SourceError
        If a row names a division that is not in `names`, with its row.
    """
    rows = read_table(path, "alias", "alias_kind", "target_code", "as_of", "source")
    known = set(names["code"])
    for number, (alias, code) in enumerate(zip(rows["alias"], rows["target_code"], strict=True), start=2):
        if code not in known:
            raise SourceError(f"{path.name}, row {number}: {alias!r} stands for {code!r}, which is no listed division.")
    columns = ["alias", "alias_kind", "target_code", "as_of", "source"]
    return rows[columns].sort_values(["alias", "target_code"], ignore_index=True)


def point_to_zones(aliases: pd.DataFrame, zones: pd.DataFrame) -> pd.DataFrame:
    """`aliases` with the members of a zone replaced by the zone itself, where the statistics list it.

    A short form of a zone's name (五台山风景区) is an alias of the zone that has the same members.
    """
    by_members = dict(zip(zones["members"], zones["code"], strict=True))
    is_zone = aliases["alias_kind"].eq("zone")
    members = aliases[is_zone].groupby("alias")["target_code"].agg(lambda codes: " ".join(sorted(codes)))
    known = members.map(by_members).dropna()
    listed = is_zone & aliases["alias"].isin(known.index)
    pointing = aliases[listed].drop_duplicates("alias")
    pointing = pointing.assign(target_code=pointing["alias"].map(known))
    pointing = pointing[~pointing["alias"].isin(set(zones["name"]))]
    return pd.concat([aliases[~listed], pointing]).sort_values(["alias", "target_code"], ignore_index=True)


def read_readings(path: Path, names: pd.DataFrame) -> pd.DataFrame:
    """The table of local readings, its division paths turned into codes.

    Returns
    -------
    DataFrame
        ``name, code, reading``; ``code`` is empty where the reading holds everywhere.

    Raises
    ------
    SourceError
        If a path is not in `names`, with its row.
    """
    rows = read_table(path, "name", "within", "reading")
    paths = division_paths(names)
    codes = []
    for number, (name, within) in enumerate(zip(rows["name"], rows["within"], strict=True), start=2):
        if within and within not in paths:
            raise SourceError(f"{path.name}, row {number}: {name!r} is read so in {within!r}, which is no division.")
        codes.append(paths.get(within, ""))
    return rows.assign(code=codes)[["name", "code", "reading"]]


def division_paths(names: pd.DataFrame) -> dict[str, str]:
    """Code of every division by its path of names from the province, joined by ``/``."""
    parents = dict(zip(names["code"], names["parent"], strict=True))
    own = dict(zip(names["code"], names["name"], strict=True))

    def path(code: str) -> str:
        above = parents.get(code, "")
        return f"{path(above)}/{own[code]}" if above in own else own[code]

    return {path(code): code for code in own}


def division_code(names: pd.DataFrame, text: str) -> str:
    """Code of the division that a path of names (``山西省/忻州市``) or a name of its own (``忻州市``) means.

    Raises
    ------
    SourceError
        If there is none, or a bare name is that of several.
    """
    code = division_paths(names).get(text)
    if code is not None:
        return code
    found = names.loc[names["name"].eq(text) & names["level"].ne(Level.TOWNSHIP.value), "code"]
    if len(found) == 1:
        return str(found.iloc[0])
    fault = "there is no such division" if found.empty else f"{len(found)} divisions are called so"
    raise SourceError(f"{text!r}: {fault}; write the path of official names, e.g. 山西省/忻州市.")


def add_readings(names: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """`names` with full pinyin and initials, local readings (洪洞 hongtong) in place of the general ones.

    Parameters
    ----------
    readings
        ``name`` (the characters that are read locally), ``code`` (division they are read so in, or empty for
        everywhere), ``reading`` (syllables without tones, joined by spaces).
    """
    local: dict[str, list[tuple[str, list[str]]]] = {}
    for stem, code, reading in zip(readings["name"], readings["code"], readings["reading"], strict=True):
        local.setdefault(stem, []).append((code, reading.split()))
    lengths = sorted({len(stem) for stem in local}, reverse=True)

    def spell(name: str, code: str) -> list[str]:
        for length in lengths:
            for unit, syllables in local.get(name[:length], ()):
                if not unit or is_inside(code, unit):
                    return [*syllables, *lazy_pinyin(name[length:], errors="ignore")]
        return lazy_pinyin(name, errors="ignore")

    spelled = [spell(name, code) for name, code in zip(names["name"], names["code"], strict=True)]
    return names.assign(
        pinyin=["".join(syllables) for syllables in spelled],
        initials=["".join(syllable[0] for syllable in syllables) for syllables in spelled],
    )


def _village_names(official: pd.Series[str]) -> pd.Series[str]:
    """甘泉井村委会 → 甘泉井村, 城南社区居委会 → 城南社区."""
    is_village = official.str.endswith(("村民委员会", "村委会"))
    bare = official.str.replace(_COMMITTEE, "", regex=True)
    return bare.where(~is_village, bare.str.replace(r"村$", "", regex=True) + "村")
