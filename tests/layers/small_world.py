"""A country of one city, made in code: two counties, two schematic townships in one of them, a zone, a village.

::

    +-----------+-----------+
    | 丙镇      |           |
    | (示意)    |   乙县    |
    +-----------+  (no town-|
    | 丁镇      |   ships)  |
    | (示意)    |           |
    +-----------+-----------+
         甲县
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from shapely import box

from geoplan.boundaries.load import Divisions
from geoplan.boundaries.names import NAME_COLUMNS, VILLAGE_COLUMNS
from geoplan.boundaries.sources import Source
from geoplan.crs import STORAGE
from geoplan.documents import PlanDocument
from geoplan.errors import Problem
from geoplan.gazetteer import Gazetteer, load_gazetteer, save_gazetteer
from geoplan.layers.build import Layer, build_layer
from geoplan.layers.definition import LayerDefinition
from geoplan.layers.facts import Facts
from geoplan.layers.placement import Located, Shapes, division_shapes, locate
from geoplan.provenance import Citation
from geoplan.records import PlaceRef, PlanRecord, Quantity

SHAPES = {
    "140000": box(112, 37, 114, 39),
    "140100": box(112, 37, 114, 39),
    "140101": box(112, 37, 113, 39),
    "140102": box(113, 37, 114, 39),
    "140101001": box(112, 38, 113, 39),
    "140101002": box(112, 37, 113, 38),
}
PLAN = PlanDocument(id="plan", title="甲规划", issuer="", area="省/市", lines=99, sha256="")
SOURCE = Source(
    id="map", title="图", publisher="", registry="pypi", package="", version="", as_of="2024", licence="", notice="",
    files=(),
)  # fmt: skip
_NAMES = [
    ("140000", "省", "province", ""),
    ("140100", "市", "city", "140000"),
    ("140101", "甲县", "county", "140100"),
    ("140102", "乙县", "county", "140100"),
    ("140101001", "丙镇", "township", "140101"),
    ("140101002", "丁镇", "township", "140101"),
    ("140102001", "丁镇", "township", "140102"),
]
# The statistics number the village in a township 140101002; it lies in 丙镇, which the ministry numbers 140101001.
_VILLAGES = [("140101002201", "戊村", "戊", "140101001", "丙镇", "140101")]


def divisions() -> Divisions:
    """The boundaries; township cells are schematic, all else is generalised."""

    def frame(level: str, codes: list[str]) -> gpd.GeoDataFrame:
        names = {code: (name, parent) for code, name, _, parent in _NAMES}
        columns = {
            "code": codes, "name": [names[code][0] for code in codes], "level": level,
            "parent": [names[code][1] for code in codes],
            "geometry_source": "schematic" if level == "township" else "generalised",
            "source": "map", "as_of": "2024", "datum": "CGCS2000",
        }  # fmt: skip
        return gpd.GeoDataFrame(columns, geometry=[SHAPES[code] for code in codes], crs=STORAGE)

    names = pd.DataFrame(_NAMES, columns=["code", "name", "level", "parent"])
    zone = pd.DataFrame([("140171", "新区", "county", "140100")], columns=names.columns)
    names = pd.concat([names, zone], ignore_index=True).assign(
        code_system="MCA", as_of="2024", pinyin="", initials="", members=""
    )
    names.loc[names["code"].eq("140171"), "members"] = "140101001 140102"
    aliases = pd.DataFrame({name: pd.Series(dtype=str) for name in ("alias", "alias_kind", "target_code")})
    return Divisions(
        frame("province", ["140000"]), frame("city", ["140100"]), frame("county", ["140101", "140102"]),
        frame("township", ["140101001", "140101002"]), names[NAME_COLUMNS], aliases,
        pd.DataFrame(_VILLAGES, columns=VILLAGE_COLUMNS).assign(as_of="2023"),
    )  # fmt: skip


def gazetteer(folder: Path) -> Gazetteer:
    """The names, through the files a build writes."""
    world = divisions()
    save_gazetteer(folder, world.names, world.aliases, world.villages)
    return load_gazetteer(folder)


def shapes() -> Shapes:
    return division_shapes(divisions())


def record(line: int, places: str = "", figure: str = "", **more: Any) -> PlanRecord:
    """A fact: places as in a record file; the figure as ``area 30 万亩``, or ``count 2-3 个``."""
    quantities = []
    cited = Citation("plan", line, 0, 5)
    if figure:
        measure, number, unit = figure.split()
        low, _, high = number.partition("-")
        values = {"value": Decimal(low), "value_max": Decimal(high) if high else None}
        terms = {name: more.pop(name) for name in ("qualifier", "change", "per") if name in more}
        terms = ({"qualifier": "range"} if high else {}) | terms
        quantities.append(Quantity(measure=measure, unit=unit, citation=cited, **values, **terms))  # type: ignore[arg-type]
    values = {"id": f"plan-{line}-01", "kind": "farmland", "theme": "high_standard_farmland", "name": f"事{line}"}
    values |= {"status": "target", "citation": cited, "quantities": tuple(quantities)}
    values |= {"places": tuple(PlaceRef.parse(place) for place in places.split(";") if place)}
    return PlanRecord(**(values | more))  # type: ignore[arg-type]


def facts(names: Gazetteer, *records: PlanRecord, regions: dict[str, tuple[str, ...]] | None = None) -> Facts:
    """The records with their places looked up; all must resolve."""
    located: dict[str, tuple[Located, ...]] = {}
    for one in records:
        found = [locate(names, PLAN.area, ref, "plan.csv", 2) for ref in one.places]
        assert not [place for place in found if isinstance(place, Problem)], found
        located[one.id] = tuple(place for place in found if isinstance(place, Located))
    return Facts({"plan": PLAN}, records, located, regions or {})


def definition(**changes: Any) -> LayerDefinition:
    """A layer of farmland figures; `changes` replace whole keys."""
    keys: dict[str, Any] = {
        "id": "farmland", "schema_version": 1, "order": 1, "group": "farmland", "title": {"zh": "田", "en": "land"},
        "description": {"zh": "", "en": ""}, "geometry": "polygon", "sources": ["map"],
        "select": {"source": "records", "kinds": ["farmland"]},
        "measure": {"name": "area", "unit": "万亩", "extensive": True},
        "style": {
            "scheme": "breaks", "field": "measure_value", "breaks": [0, 10],
            "palette": ["#111111", "#222222", "#333333"], "fill_levels": ["county"],
        },
    }  # fmt: skip
    return LayerDefinition(**(keys | changes))


def layer(names: Gazetteer, stated: Facts, **changes: Any) -> Layer:
    """The layer that `definition` makes of the facts."""
    return build_layer(definition(**changes), divisions(), shapes(), stated, names, {"map": SOURCE})
