"""The vocabulary of plans: closed lists with their Chinese and English labels.

A word that is not in one of these lists is refused by the record and layer schemas. English labels follow laws,
national standards and the official press where these have one (high-standard farmland, permanent basic farmland).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Label(NamedTuple):
    """A label in Chinese and English."""

    zh: str
    en: str


class Kind(StrEnum):
    """What sort of fact a record states."""

    BASE = "base"
    FARMLAND = "farmland"
    PARK = "park"
    ROUTE = "route"
    ATTRACTION = "attraction"
    ZONE = "zone"
    PROJECT = "project"
    INDICATOR = "indicator"


class Level(StrEnum):
    """Level of an administrative division, from the top."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"


class Precision(StrEnum):
    """How finely the evidence places a fact."""

    SITE = "site"
    VILLAGE = "village"
    TOWNSHIP = "township"
    COUNTY = "county"
    CITY = "city"
    REGION = "region"
    PROVINCE = "province"


class GeometrySource(StrEnum):
    """How much a drawn shape can be trusted."""

    SURVEYED = "surveyed"
    OFFICIAL = "official"
    GENERALISED = "generalised"
    APPROXIMATE = "approximate"
    SCHEMATIC = "schematic"
    NONE = "none"


class Status(StrEnum):
    """Whether a figure is promised or stated as already there."""

    BASELINE = "baseline"
    TARGET = "target"


class Qualifier(StrEnum):
    """How a figure is meant; a bound is not a value."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOUT = "about"
    RANGE = "range"


class Change(StrEnum):
    """Whether a figure is an amount reached (stock) or an amount added (flow)."""

    STOCK = "stock"
    FLOW = "flow"


class Per(StrEnum):
    """Whether a figure belongs to all places of a fact together or to each of them."""

    TOTAL = "total"
    EACH = "each"


class Measure(StrEnum):
    """What a figure measures."""

    AREA = "area"
    OUTPUT = "output"
    HEADCOUNT = "headcount"
    INVESTMENT = "investment"
    REVENUE = "revenue"
    COUNT = "count"
    LENGTH = "length"
    RATIO = "ratio"
    POWER = "power"
    VOLUME = "volume"


THEMES: dict[str, Label] = {
    "farmland": Label("农田", "farmland"),
    "high_standard_farmland": Label("高标准农田", "high-standard farmland"),
    "cultivated_land": Label("耕地保有量", "cultivated land to be retained"),
    "permanent_basic_farmland": Label("永久基本农田", "permanent basic farmland"),
    "grain_functional_zone": Label("粮食生产功能区", "grain production functional zone"),
    "grain": Label("粮食", "grain"),
    "coarse_grain": Label("杂粮", "coarse grain"),
    "maize": Label("玉米", "maize"),
    "potato": Label("薯类", "potato"),
    "oilseed": Label("油料", "oilseed"),
    "vegetables": Label("蔬菜", "vegetables"),
    "fruit": Label("水果", "fruit"),
    "nuts": Label("干果", "nuts and dried fruit"),
    "herbs": Label("中药材", "medicinal herbs"),
    "fungi": Label("食用菌", "edible fungi"),
    "tea": Label("药茶", "herbal tea"),
    "livestock": Label("畜牧", "livestock"),
    "pigs": Label("生猪", "pigs"),
    "cattle": Label("肉牛", "beef cattle"),
    "sheep": Label("羊", "sheep and goats"),
    "dairy": Label("奶业", "dairy"),
    "poultry": Label("家禽", "poultry"),
    "bees": Label("养蜂", "bees"),
    "fish": Label("渔业", "fish"),
    "forage": Label("饲草", "forage"),
    "seed": Label("种业", "seed"),
    "processing": Label("农产品加工", "processing"),
    "brewing": Label("酿品", "brewing and vinegar"),
    "functional_food": Label("功能食品", "functional food"),
    "logistics": Label("物流", "logistics"),
    "market": Label("市场", "market"),
    "tourism": Label("旅游", "tourism"),
    "culture": Label("文化", "culture"),
    "ecology": Label("生态", "ecology"),
    "water": Label("水利", "water works"),
    "machinery": Label("农机", "machinery"),
    "technology": Label("科技", "technology"),
    "rural": Label("乡村建设", "rural construction"),
    "poverty": Label("脱贫巩固", "poverty alleviation"),
    "general": Label("综合", "general"),
}
SITINGS: dict[str, Label] = {
    "official": Label("官方界线", "official boundary"),
    "anchored": Label("格内有同名地点", "a place of that name lies in the cell"),
    "unknown": Label("位置未知", "place unknown"),
}
"""What the place of a drawn township rests on."""

LABELS: dict[StrEnum, Label] = {
    Kind.BASE: Label("生产基地", "production base"),
    Kind.FARMLAND: Label("农田指标", "farmland quota"),
    Kind.PARK: Label("园区与市场", "park or market"),
    Kind.ROUTE: Label("旅游线路", "tourism route"),
    Kind.ATTRACTION: Label("旅游点", "stop"),
    Kind.ZONE: Label("片区与产业带", "zone or belt"),
    Kind.PROJECT: Label("项目", "project"),
    Kind.INDICATOR: Label("指标", "indicator"),
    Level.PROVINCE: Label("省级", "province"),
    Level.CITY: Label("地级", "prefecture-level city"),
    Level.COUNTY: Label("县级", "county"),
    Level.TOWNSHIP: Label("乡级", "township"),
    Level.VILLAGE: Label("村级", "village"),
    Precision.SITE: Label("具体地点", "site"),
    Precision.VILLAGE: Label("村", "village"),
    Precision.TOWNSHIP: Label("乡镇", "township"),
    Precision.COUNTY: Label("县（市、区）", "county"),
    Precision.CITY: Label("地级市", "city"),
    Precision.REGION: Label("区域", "region"),
    Precision.PROVINCE: Label("省", "province"),
    GeometrySource.SURVEYED: Label("实测", "surveyed"),
    GeometrySource.OFFICIAL: Label("官方界线", "official"),
    GeometrySource.GENERALISED: Label("概化界线", "generalised"),
    GeometrySource.APPROXIMATE: Label("近似", "approximate"),
    GeometrySource.SCHEMATIC: Label("示意（非实际界线）", "schematic, not a real boundary"),
    GeometrySource.NONE: Label("仅知名称，无图形", "name only, not drawn"),
    Status.BASELINE: Label("现状", "baseline"),
    Status.TARGET: Label("目标", "target"),
    Qualifier.EXACT: Label("", ""),
    Qualifier.AT_LEAST: Label("不低于", "at least"),
    Qualifier.AT_MOST: Label("不超过", "at most"),
    Qualifier.ABOUT: Label("约", "about"),
    Qualifier.RANGE: Label("区间", "range"),
    Change.STOCK: Label("达到", "reached"),
    Change.FLOW: Label("新增", "new"),
    Per.TOTAL: Label("合计", "total"),
    Per.EACH: Label("每处", "each"),
    Measure.AREA: Label("面积", "area"),
    Measure.OUTPUT: Label("产量", "output"),
    Measure.HEADCOUNT: Label("头数", "headcount"),
    Measure.INVESTMENT: Label("投资", "investment"),
    Measure.REVENUE: Label("收入", "revenue"),
    Measure.COUNT: Label("数量", "count"),
    Measure.LENGTH: Label("长度", "length"),
    Measure.RATIO: Label("比例", "ratio"),
    Measure.POWER: Label("功率", "power"),
    Measure.VOLUME: Label("体积", "volume"),
}


def label(term: StrEnum | str) -> Label:
    """Label of a vocabulary term; a theme is given by its plain name.

    >>> label(Kind.BASE).en
    'production base'
    >>> label("dairy").zh
    '奶业'
    """
    if isinstance(term, StrEnum):
        return LABELS[term]
    return THEMES[term]
