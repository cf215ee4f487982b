"""Where a name only looks like a place of the plan: titles, brands, offices, companies, breeds, lines."""

from __future__ import annotations

import re

from geoplan.documents.places.cue_words import MOUNTAINS, RIVERS
from geoplan.documents.places.mention import PlaceLevel

_TITLE = re.compile(r"《[^《》]{1,80}》|〈[^〈〉]{1,60}〉")
_QUOTED = re.compile(r"[“\"‘]([^“”\"‘’]{2,14})[”\"’]")
_BODY = r"[^，。、；：:;,！？\s（）()《》“”的]"
_VERBS = r"建设|发展|打造|推进|实施|新建|培育|支持|引进|组建|扶持|依托|布局|推广|加快|开展|成立|鼓励|完善|推动"
_ORGANISATION = re.compile(
    rf"(?:(?!{_VERBS}){_BODY}){{0,16}}?"
    r"(?:人民政府|政府办|省政府|市政府|县政府|党委|人大|政协|农科院|科学院|研究院|研究所|大学|学院|中学|小学|日报|晚报|电视台|"
    r"有限公司|有限责任公司|股份公司|集团|公司|银行|信用社|联社|委员会|办公室|管委会|"
    r"(?:发改|农|经信|国资|科|教|建|卫健|文旅|扶贫|农牧)委|"
    r"(?<![格布结邮])局(?!部|面|势|限)|(?<![客大餐展])厅|海关)"
)
_OFFICE = re.compile(r"[省市州县区盟旗]?(?:委(?:员会|办|书记)?|政府)(?!托|派)")
_BREED = re.compile(
    r"(?:黄|黑|白|花|绒|山|绵|水|灰|红|大|小|草|乌|土)?(?:牛(?![蒡心肝])|羊(?!肚菌|角)|驴|马(?!铃|蹄|铃薯)|猪(?!苓)|鸡(?![枞心头爪]|血藤)|鸭(?!梨|嘴)|鹅|犬|兔|鹿|蜂(?!胶))(?![场肉奶养只头业舍圈])|老陈醋|陈醋|牛肉|"
    r"茶(?![叶园产业区旅谷乡农文树企山花庄油苗场籽])|(?:火腿|榨菜|扒鸡|烧鸡|豆瓣|香醋)(?![产园加基])"
)
_LINE = re.compile(
    r"(?:铁路|高铁|高速|客专|专线|公路|大桥|机场|火车站|河(?![道流谷沿滩])|江(?![沿])|路(?!家|村|西|东|北|南))"
)
_NATURE = frozenset((*RIVERS, *MOUNTAINS))
_CLAUSE = re.compile(r"[，。；：:,;\n（(]")
_AT = re.compile(r"[在到至][\u4e00-\u9fff、]{0,24}$")
_MARKET_BEFORE = re.compile(
    r"面向|对标|出口|销往|辐射|进军|供应|打入|学习|借鉴|引进|来自|对接|输往|走进|返销|外销|融入|承接|京津|合作|毗邻|赴|抢占|占领|直供"
)
_MARKET_AFTER = re.compile(r"[^，。；,;]{0,12}?(?:市场|经验|消费|客商|客源|口岸|等国|方向|资本|企业|模式)")


_RANGE = re.compile(r"山(?:[脉麓区上下]|风景|[\u4e00-\u9fff]{0,4}(?:区|景))")
_RANK = re.compile(r"[^，。；,;]{0,12}?(?:第[一二三四五]|最[大多早高]|首[个家位]|唯一|之[首最冠]|前列)")


def _starts_nature(text: str, start: int, end: int) -> bool:
    """Whether a name is the first part of a river's or mountain's (鄱阳|湖, 五台|山)."""
    return text[start : end + 1] in _NATURE or text[start : end + 2] in _NATURE


def is_measure(text: str, end: int) -> bool:
    """Whether a place is only what something is ranked in (全省第一 by its name)."""
    return _RANK.match(text, end) is not None


def title_spans(text: str) -> list[tuple[int, int]]:
    """Spans of document titles and of short quoted names, in order: brands, slogans, projects."""
    spans = [match.span() for match in _TITLE.finditer(text)]
    spans += [match.span(1) for match in _QUOTED.finditer(text)]
    return sorted(spans)


def belongs_to_name(text: str, start: int, end: int, level: PlaceLevel, *, full: bool) -> bool:
    """Whether a stretch that ends here is part of an office's, company's, breed's or line's proper name."""
    if _OFFICE.match(text, end):
        return True
    if not full and (_RANGE.match(text, end) or _starts_nature(text, start, end)):
        return True
    if not full and (_BREED.match(text, end) or _LINE.match(text, end)):
        return True
    match = _ORGANISATION.match(text, end)
    if match is None:
        return False
    # 五台县阳白乡…合作社: a company's county and township say where it is.
    company = match.group().endswith(("公司", "集团"))
    return not (
        company and level in {PlaceLevel.COUNTY, PlaceLevel.TOWNSHIP, PlaceLevel.VILLAGE} and full and len(text) < 60
    )


def is_market(text: str, start: int, end: int) -> bool:
    """Whether a place outside the area is named as a market or an example."""
    left = text[max(start - 24, 0) : start]
    clause = re.split(r"[，。；,;\n]", left)[-1]
    return bool(_MARKET_BEFORE.search(clause) or _MARKET_AFTER.match(text, end))


def is_planned_outside(text: str, start: int) -> bool:
    """Whether a plan puts something at a place outside its area: at the head of a passage, or in a list behind 在.

    Elsewhere such places are markets, examples and neighbours.
    """
    clause = _CLAUSE.split(text[max(start - 40, 0) : start])[-1]
    return _AT.search(clause) is not None or (start == len(clause) and len(text) < 40)


def names_other(text: str, start: int, end: int) -> bool:
    """Whether a region's name is part of a breed's name or names a market."""
    return _BREED.match(text, end) is not None or is_market(text, start, end)
