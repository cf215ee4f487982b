"""Places in plan prose: real names in sentences of our own."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from geoplan.documents.places import PlaceFinder, find_mentions, load_finder
from geoplan.documents.places.abbreviations import abbreviations
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.errors import DocumentError
from geoplan.gazetteer import Gazetteer
from geoplan.layers.store import Build, gazetteer

Finder = Callable[[str], PlaceFinder]
PIECES = [
    "平定县巨城镇", "、", "石门口乡", "，", "郊区", "西南舁乡", "；", "盂县", "东梁", "西烟", "等乡镇", "。", "和平",
    "平鲁区", "建设", "长治久安", "城区道路", "《阳泉市规划》", "“平定", "”",
    "山西", "农业大学", "滹沱河流域", "东部山区",
    "桃林沟", "批发市场", "有限公司", " ", "10万亩", "甘泉井村",
]  # fmt: skip


@pytest.fixture(scope="module")
def known(build: Build) -> Gazetteer:
    return gazetteer(build)


@pytest.fixture(scope="module")
def finder(known: Gazetteer) -> Finder:
    loaded: dict[str, PlaceFinder] = {}

    def load(area: str) -> PlaceFinder:
        if area not in loaded:
            loaded[area] = load_finder(known, area, {"忻定原": ("140902", "140921", "140981")})
        return loaded[area]

    return load


def divisions(mentions: tuple[Mention, ...]) -> list[str]:
    return [m.text for m in mentions if m.level not in {PlaceLevel.REGION, PlaceLevel.SITE}]


@pytest.mark.parametrize(
    ("area", "text", "found"),
    [
        ("140300", "在平定县巨城镇、锁簧镇，郊区西南舁乡种植谷子。", "平定县 巨城镇 锁簧镇 郊区 西南舁乡"),
        ("140300", "以盂县东梁、西烟、苌池等乡镇为重点。", "盂县 东梁 西烟 苌池"),
        ("140900", "建设宁武静乐莜麦产区。", "宁武 静乐"),
        ("140900", "在忻、定、原建种猪场。", "忻 定 原"),
        ("140600", "发展平鲁红山荞麦、怀仁绿豆、右玉燕麦。", "平鲁 怀仁 右玉"),
        ("140600", "苜蓿和平鲁区的燕麦草，包括朔城区。", "平鲁区 朔城区"),
        ("140900", "项目位于山西省忻州市五台县阳白乡阳白村。", "山西省 忻州市 五台县 阳白乡 阳白村"),
        ("140300", "将城区、矿区、郊区确定为先行区。", "城区 矿区 郊区"),
        ("652800", "其中尉犁县、库尔勒市、轮台县和且末县面积较大。", "尉犁县 库尔勒市 轮台县 且末县"),
        ("330100", "串联西湖区转塘街道、双浦镇，萧山区党湾镇。", "西湖区 转塘街道 双浦镇 萧山区 党湾镇"),
        ("640300", "打造同心枸杞、盐池滩羊、青铜峡葡萄产区。", "同心 盐池 青铜峡"),
        ("140321", "以东回镇、岔口乡甘泉井村为核心。", "东回镇 岔口乡 甘泉井村"),
        ("520000", "三都县、荔波和威宁县种刺梨，黔东南州也种。", "三都县 荔波 威宁县 黔东南州"),
        ("152200", "科右中旗、科右前旗养牛。", "科右中旗 科右前旗"),
        ("150800", "乌拉特中旗、乌前旗、杭后旗种向日葵。", "乌拉特中旗 乌前旗 杭后旗"),
        ("222400", "延边州的延吉市、图们各建1处。", "延边州 延吉市 图们"),
        ("653100", "喀什市、喀什地区与疏勒县。", "喀什市 喀什地区 疏勒县"),
        ("620000", "临夏州积石山县、东乡县。", "临夏州 积石山县 东乡县"),
        ("469007", "布局在大田、板桥、四更等乡镇。", "大田 板桥 四更"),
        ("530581", "布局在荷花、明光、和顺等乡镇。", "荷花 明光 和顺"),
        ("520328", "高台镇的陶仪、河坎上;马山镇的清江、新建、工农。", "高台镇 陶仪 河坎上 马山镇 清江 新建 工农"),
        ("433122", "带动附近的永兴场乡、达岚镇。", "永兴场乡 达岚镇"),
        ("320900", "射阳县、响水新建冷库；东台发展蚕桑。", "射阳县 响水 东台"),
        ("460000", "以海棠为核心，辐射龙华区、秀英等区。", "海棠 龙华区 秀英"),
        ("450900", "建设兴业、陆川县等油茶基地。", "兴业 陆川县"),
        ("420922", "高店、新城镇和东新乡新建冷库。", "高店 新城镇 东新乡"),
        ("522623", "施秉马溪乡、牛大场镇。", "施秉 马溪乡 牛大场镇"),
        ("130900", "泊头鸭梨、献县枣各5万亩。", "泊头 献县"),
        ("330600", "以上虞为核心,辐射诸暨。", "上虞 诸暨"),
        ("140300", "名单:甘泉井村 七亘村 桃林沟村", "甘泉井村 七亘村 桃林沟村"),
    ],
)  # fmt: skip
def test_divisions_are_found_level_by_level(finder: Finder, area: str, text: str, found: str) -> None:
    assert divisions(find_mentions(finder(area), text)) == found.split()


@pytest.mark.parametrize(
    ("area", "text"),
    [
        ("140400", "确保国家长治久安。"),
        ("140300", "改造老城区和城区道路，治理煤矿区，发展城郊区域。"),
        ("140000", "打响“平遥牛肉”品牌，推广陇薯7号、广灵驴和晋南牛。"),
        ("140000", "依据《山西省农业规划》，由山西农业大学牵头。"),
        ("140900", "由忻州市农业农村局、忻州市人民政府组织。"),
        ("140300", "全面推进乡村振兴，建设中心村、示范村和新农村，坚持和平发展。"),
        ("210600", "推进乡村振兴，改善生产条件。"),
        ("360100", "新建日光温室，新建冷库。"),
        ("511300", "加强南部山区水源保护，扩大城镇公共服务。"),
        ("610600", "延长产业链，提升价值链。"),
        ("371100", "这里日照充足，昼夜温差大。"),
        ("511500", "提高县域经济水平。"),
        ("360000", "提高城乡居民收入，打通城乡要素流动。"),
        ("140900", "面向北京、天津市场，学习浙江经验。"),
        ("530800", "普洱茶价格回升，滇红走俏。"),
        ("350000", "考亭书院开放，鄱阳湖优质大米产业园。"),
        ("410000", "种植豫花9号、中原牡丹系列。"),
        ("450300", "加强水资源保护，资源利用率提高。"),
        ("360100", "以仓储为中心，新时代农村和平发展。"),
        ("431100", "它是湖南省最大的单个茶园。"),
        ("530000", "由云南省发改委批准。"),
        ("500110", "通惠食品工业园:面积10平方公里。"),
        ("350000", "优化大田蔬菜品种。"),
        ("140900", "在恒山和五台山区域种药材。"),
    ],
)
def test_what_only_looks_like_a_place_is_none(finder: Finder, area: str, text: str) -> None:
    assert divisions(find_mentions(finder(area), text)) == []


@pytest.mark.parametrize(
    ("area", "text", "name", "code", "flags"),
    [
        ("140300", "以平定东回镇为主", "东回镇", "140321104", ()),
        ("140300", "围绕锁簧镇、巨镇种植基地", "巨镇", "140321107", (Flag.MISPRINT,)),
        ("140600", "平鲁为主", "平鲁", "140603", (Flag.SHORT,)),
        ("140700", "建设太谷县基地", "太谷县", "140703", (Flag.OLD_NAME,)),
        ("350000", "漳浦、东山海水养殖", "东山", "350626", (Flag.SHORT,)),
        ("210000", "鞍山市立山区、铁西区", "铁西区", "210303", ()),
        ("210000", "沈阳市和平区、铁西区", "铁西区", "210106", ()),
        ("520328", "兴隆镇的龙凤、太平", "太平", "520328108207", (Flag.SHORT,)),
        ("150000", "科左后旗养牛", "科左后旗", "150522", ()),
    ],
)
def test_names_resolve_to_codes(
    finder: Finder, area: str, text: str, name: str, code: str, flags: tuple[Flag, ...]
) -> None:
    mention = next(m for m in find_mentions(finder(area), text) if m.text == name)
    assert mention.code == code
    assert set(flags) <= set(mention.flags)


def test_the_county_is_inherited_over_a_list_and_told(finder: Finder) -> None:
    mentions = find_mentions(finder("140300"), "平定县巨城镇、石门口乡、锁簧镇")
    assert [m.parent for m in mentions] == ["140300", "140321", "140321", "140321"]
    assert [Flag.INHERITED in m.flags for m in mentions] == [False, False, True, True]
    assert mentions[2].path == ("山西省", "阳泉市", "平定县", "石门口乡")


def test_one_name_of_several_villages_is_ambiguous_until_its_township_is_named(finder: Finder) -> None:
    (mention,) = [m for m in find_mentions(finder("140300"), "支持甘泉井村、辛庄村、七亘村发展") if m.text == "辛庄村"]
    assert mention.code == ""
    assert len(mention.candidates) > 1
    assert Flag.AMBIGUOUS in mention.flags
    (named,) = [m for m in find_mentions(finder("140300"), "郊区荫营镇辛庄村") if m.text == "辛庄村"]
    assert named.code.startswith("140311")


def test_a_list_of_villages_makes_its_unknown_items_villages_in_order(finder: Finder) -> None:
    text = "重点旅游村：骆驼道、黄树岩、吉古堂、石家塔、将军峪、七亘、甘泉井、东麻河驿等。"
    mentions = find_mentions(finder("140300"), text)
    assert [m.text for m in mentions] == [
        "骆驼道",
        "黄树岩",
        "吉古堂",
        "石家塔",
        "将军峪",
        "七亘",
        "甘泉井",
        "东麻河驿",
    ]
    assert {m.level for m in mentions} == {PlaceLevel.VILLAGE}
    assert [m.text for m in mentions if Flag.UNLISTED in m.flags] == ["骆驼道", "吉古堂", "将军峪"]


def test_a_list_of_crops_makes_no_villages(finder: Finder) -> None:
    assert (
        divisions(find_mentions(finder("370000"), "发展玉米、谷子、高粱、红枣、黄芪等产业，保护黄河、长城、太行。"))
        == []
    )


@pytest.mark.parametrize(
    ("text", "region", "members"),
    [
        ("在晋西北布局胡麻", "晋西北", ()), ("依托雁门关农牧交错带发展草业", "雁门关农牧交错带", ()),
        ("建设忻定原示范区", "忻定原", ("140902", "140921", "140981")), ("以忻定盆地为主", "忻定盆地", ()),
        ("滹沱河沿线绿化", "滹沱河沿线", ()), ("在太行山区种植连翘", "太行山区", ()),
    ],
)  # fmt: skip
def test_regions(finder: Finder, text: str, region: str, members: tuple[str, ...]) -> None:
    (mention,) = find_mentions(finder("140900"), text)
    assert (mention.text, mention.level, mention.members) == (region, PlaceLevel.REGION, members)


@pytest.mark.parametrize(
    ("area", "text", "found"),
    [
        ("150000", "在西辽河和河套平原种玉米", "西辽河 河套平原"),
        ("150000", "阴山南北麓与大兴安岭地区", "阴山南北麓 大兴安岭"),
        ("640000", "抢抓黄河流域机遇，推进温河灌区改造", "黄河流域 温河灌区"),
        ("130000", "环京津蔬菜", "环京津"),
        ("230000", "三江平原水稻，七星农场", "三江平原 七星农场"),
        ("420500", "三峡翻坝物流园，努力将华北奕丰生态园建成样板", "三峡翻坝物流园 华北奕丰生态园"),
        ("500110", "通惠食品工业园", "通惠食品工业园"),
        ("530000", "5个省级高原特色示范园，推动高原特色农业，人才资源产业园，油茶综合产业园", ""),
        ("410000", "1000万亩重要农产品生产保护区，国家级水产种质资源保护区，农业主题公园", ""),
    ],
)
def test_regions_and_sites_begin_with_their_own_name(finder: Finder, area: str, text: str, found: str) -> None:
    assert [m.text for m in find_mentions(finder(area), text)] == found.split()


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("积石山保安族东乡族撒拉族自治县", ("积石山县",)),
        ("东乡族自治县", ("东乡县",)),
        ("管城回族区", ("管城区",)),
        ("察哈尔右翼前旗", ("察右前旗",)),
        ("喀喇沁左翼蒙古族自治县", ("喀喇沁左翼县", "喀左县")),
        ("西乌珠穆沁旗", ("西乌旗",)),
        ("阿荣旗", ()),
        ("平定县", ()),
    ],
)
def test_short_names_that_keep_a_suffix(name: str, short: tuple[str, ...]) -> None:
    assert abbreviations(name) == short


def test_a_part_of_a_division_by_its_terrain_knows_the_division(finder: Finder) -> None:
    county, part = find_mentions(finder("140600"), "怀仁市平川区")
    assert (county.text, part.text, part.parent) == ("怀仁市", "平川区", "140681")
    assert Flag.TERRAIN in part.flags


def test_a_site_keeps_its_whole_name_behind_the_village_that_leads_it(finder: Finder) -> None:
    village, site = find_mentions(finder("140300"), "以桃林沟批发市场为龙头")
    assert (village.text, village.level) == ("桃林沟", PlaceLevel.VILLAGE)
    assert (site.text, site.name, site.level) == ("批发市场", "桃林沟批发市场", PlaceLevel.SITE)
    assert site.parent == village.code


def test_the_place_of_the_table_row_decides(finder: Finder) -> None:
    (mention,) = find_mentions(finder("140300"), "南庄村", within="140321107")
    assert mention.code == "140321107221"


def test_the_area_must_be_a_county_or_more(known: Gazetteer) -> None:
    for code in ("140321107", "999999", ""):
        with pytest.raises(DocumentError, match="no code of a province"):
            load_finder(known, code)


@settings(max_examples=150)
@given(parts=st.lists(st.sampled_from(PIECES), max_size=25))
def test_spans_are_exact_sorted_apart_and_the_same_each_time(finder: Finder, parts: list[str]) -> None:
    text = "".join(parts)
    mentions = find_mentions(finder("140300"), text)
    assert all(text[m.start : m.end] == m.text for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))
    assert mentions == find_mentions(finder("140300"), text)


@settings(max_examples=60)
@given(text=st.text(alphabet="平定县巨城镇、，。以在和村乡盂郊区“”《》（） 原", max_size=60))
def test_any_text_is_read(finder: Finder, text: str) -> None:
    assert all(text[m.start : m.end] == m.text for m in find_mentions(finder("140300"), text))


def test_sentences_around_a_text_change_nothing_in_it(finder: Finder) -> None:
    text = "在平定县巨城镇、石门口乡，盂县东梁、西烟等乡镇种植谷子。"
    alone = find_mentions(finder("140300"), text)
    before = "加强农业科技服务，提高产量。"
    around = find_mentions(finder("140300"), before + text + "完善冷链物流体系。")
    assert [(m.start - len(before), m.end - len(before), m.code, m.flags) for m in around] == [
        (m.start, m.end, m.code, m.flags) for m in alone
    ]


@pytest.mark.parametrize("piece", ["发展现代农业", "平定县、", "“", "《", "和平", "丘陵山地", "宁武静乐、"])
def test_the_time_grows_with_the_text_and_not_faster(finder: Finder, piece: str) -> None:
    loaded = finder("140300")
    times = []
    for length in (20_000, 160_000):
        text = piece * (length // len(piece))
        started = time.process_time()
        find_mentions(loaded, text)
        times.append(time.process_time() - started)
    assert times[1] < 8 * 3 * times[0] + 0.5
