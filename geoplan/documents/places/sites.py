"""Sites with a name of their own: parks, markets, scenic spots, reservoirs, companies of a project's table row."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from geoplan.documents.places.cue_words import AFTER_WORDS, PRODUCTS
from geoplan.documents.places.cues import has_edge, proper_start
from geoplan.documents.places.mention import Mention, PlaceLevel
from geoplan.documents.places.words import PROSE_WORDS

_NOUN = (
    r"(?:批发市场|产地市场|交易市场|专业市场|农贸市场|物流园区?|物流中心|产业园区?|工业园区?|示范园区?|科技园区?|创业园|融合园|工业园区?|加工园区?|生态园|"
    r"农业园|文化园|植物园|采摘园|风景名胜区|风景区|旅游景区|景区|度假区|森林公园|湿地公园|地质公园|国家公园|遗址公园|农业公园|公园|博物馆|纪念馆|"
    r"自然保护区|保护区|水库|灌区|古村落|古村|古镇|古城|民俗村|温泉|遗址|书院|[农林牧茶]场|纪念园|田园综合体|产业园区|园区|小镇)"
)
_WORD = r"[\u4e00-\u9fffA-Za-z0-9·（）]"
_NO = (
    r"建设|发展|打造|推进|实施|新建|培育|支持|引进|组建|扶持|依托|布局|推广|加快|开展|成立|鼓励|完善|推动|规划|创建|一批|"
    r"[的和与及在为等以]"
)
_LED = re.compile(rf"((?:(?!{_NO}){_WORD}){{0,12}}?){_NOUN}(?![内外里])")
_FREE = re.compile(_NOUN.replace("|园区|小镇", "") + r"(?![内外里]|建(?!成))")
_GENERIC = re.compile(
    r"疗养|养生|运动|度假|国家|省级|市级|县级|重点|现代|农业|农产品|农副产品|产业|示范|科技|加工|物流|冷链|综合|特色|优势|高标准|标准化|生态|循环|绿色|有机|休闲|观光|旅游|"
    r"创新|创业|融合|蔬菜|水果|瓜果|果品|粮食|粮油|杂粮|畜牧|畜禽|养殖|种植|种业|中药材|药材|食品|精深|仓储|电商|商贸|交易|专业|产地|大型|中小型|"
    r"区域|农村|乡村|文化|红色|康养|特优|设施|数字|智慧|返乡|扶贫|园艺|农资|水产|奶业|肉类|茶叶|花卉|林业|国际|中心|田园|历史|传统|名|级|新|大|个|各|"
    r"工业|集聚|优质|高效|高新技术|技术|经济|开发|一二三产|三产|县域|乡镇|镇村|[0-9]+|[一二三四五六七八九十两多]+[个座处大级批]"
)
_WHOLE = re.compile(r"书院|水库|灌区|遗址|博物馆|纪念馆|古城|[农林牧茶]场")
_COMPANY = re.compile(
    r"[\u4e00-\u9fffA-Za-z0-9（）]{2,24}?(?:有限责任公司|股份有限公司|有限公司|集团公司|专业合作社|合作社|家庭农场|养殖场)(?![^（）]{0,20}(?:公司|合作社))"
)
_SCENIC = re.compile(r"(?:景区|景点|景观|名胜)(?:[：:]|包括|主要有|有)(?=[\u4e00-\u9fff]{2,14}、)")
_ITEM = re.compile(r"[^、，。；：\n]{2,20}")
_SHORT_PASSAGE = 70
_BODY = 14
_NOUNS = (
    (PROSE_WORDS - {"山地"})
    | PRODUCTS
    | AFTER_WORDS
    | frozenset(("牛羊", "资源", "农副", "保鲜", "种质", "高科", "万亩", "千亩", "百亩"))
)
_FULL_STOP = re.compile(r"[。；\n]")
_SUPPORT = re.compile(rf"((?:(?!{_NO})[\u4e00-\u9fff]){{0,8}}?)(?:{_NOUN}|资源富集区|产业集聚区)")


def names_site(text: str, start: int, end: int, *, led: bool = False) -> bool:
    """Whether a short name leads the name of a site (桃林沟 | 批发市场); `led` where its parent is before it."""
    match = _SUPPORT.match(text, end)
    if match is None or _GENERIC.sub("", match.group(1)) or _WHOLE.match(text, end):
        return False
    return led or has_edge(text, start, end)[0]


def scenic_spots(text: str) -> list[tuple[int, int]]:
    """The items of lists that are headed as scenic spots."""
    found = []
    for head in _SCENIC.finditer(text):
        stop = _FULL_STOP.search(text, head.end())
        end = stop.start() if stop else len(text)
        for match in _ITEM.finditer(text, head.end(), end):
            word = match.group()
            cut = word.find("等", 1)
            found.append((match.start(), match.start() + cut if cut > 0 else match.end()))
    return found


def find_sites(text: str, mentions: list[Mention], spots: list[tuple[int, int]]) -> list[Mention]:
    """The sites in a text that overlap none of the mentions.

    A division that leads a site's name is a mention of its own; the site's span begins behind it, its name with it.
    """
    starts = [mention.start for mention in mentions]
    found: list[Mention] = []
    taken = 0
    for start, end, lead in sorted(_candidates(text, mentions, spots), key=lambda c: (c[0], -c[1])):
        following = bisect_right(starts, start)
        clear = (following >= len(starts) or starts[following] >= end) and start >= taken
        if not clear or (following and mentions[following - 1].end > start):
            continue
        taken = end
        word = text[start:end]
        name = text[lead.start : end] if lead else word
        parent = (lead.code or lead.parent) if lead else ""
        path = (*lead.path, name) if lead else (name,)
        found.append(Mention(start, end, word, PlaceLevel.SITE, name, path=path, parent=parent))
    return found


def _candidates(
    text: str, mentions: list[Mention], spots: list[tuple[int, int]]
) -> Iterator[tuple[int, int, Mention | None]]:
    for start, end in spots:
        yield start, end, None
    taken = 0
    for mention in mentions:
        match = _LED.match(text, mention.end)
        if match is None and len(text) <= _SHORT_PASSAGE:
            match = _COMPANY.match(text, mention.end)
        if match is not None and match.group()[0].isdigit():
            continue
        if match is not None and mention.level not in {PlaceLevel.REGION, PlaceLevel.PROVINCE}:
            yield match.start(), match.end(), mention
    for match in _FREE.finditer(text):
        low = max(match.start() - _BODY, taken)
        start = proper_start(text, low, match.start())
        taken = match.end()
        if has_proper_part(text[start : match.start()]) and has_edge(text, start, match.end())[0]:
            yield start, match.end(), None


def has_proper_part(word: str) -> bool:
    """Whether a word has two characters that are no common noun: 三峡翻坝, not 人才资源."""
    rest = _GENERIC.sub(" ", word)
    left = 0
    position = 0
    while position < len(rest):
        if rest[position : position + 2] in _NOUNS:
            position += 2
            continue
        left += rest[position] != " "
        position += 1
    return left > 1
