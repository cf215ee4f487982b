"""What stands around a name: edges where a name may begin or end, and words that only look like one."""

from __future__ import annotations

import re

from geoplan.documents.places.cue_words import (
    ACTIONS,
    AFTER_WORDS,
    BEFORE_WORDS,
    COUNTY_WORDS,
    PRODUCTS,
    TOWN_PARTS,
)
from geoplan.documents.places.words import NAME_WORDS, PROSE_WORDS

MARKS = frozenset("、，。；：！？,.;:!?（）()《》〈〉“”‘’\"'【】[]—-－~·…|/>→\n\t \u3000")
_BEFORE = MARKS | frozenset(
    "在以对和与及或由从向到把为是将使含除按至于自跟经①②③④⑤⑥⑦⑧⑨⑩0123456789省市州盟县区旗镇乡村个的了等即指"
)
_AFTER = MARKS | frozenset("和与及等或为以在两三四五六七八九十0123456789县市区旗州盟的是有则将至到境全各段片大要由")
_GENERIC_BEFORE = re.compile(r"[老新主近远城中全该本进向大各煤采工乡县]$|中心$")
_GENERIC_AFTER = re.compile(
    r"域|道路|居民|周边|建成|学校|公园|绿|人口|环境|污水|管网|改造|范围|附近|供|生活|建设(?:[，。；、和与]|用地|规划|管理|水平|发展|品质|步伐|$)|外|内"
)
_PHRASES = re.compile(
    r"长治久安|和平共|大同小异|世界大同|安全|公安[局部机厅]|平安建|平安乡|平安农|治安|合作[社化经]|资源|通道|城镇化|新城镇|农村|"
    r"行政村|自然村|中心村|示范村|重点村|新型|全村|各村|建制村|贫困村|脱贫村|移民村|古村|乡村|集镇|小城镇|中心镇|重点镇|一村|多村|"
    r"建制镇|特色镇|特色小镇|大镇|强镇|名镇|乡镇|城乡|下乡|返乡|入乡|回乡|兴乡|千年|百年|老城区|城郊|市区|县区|城市|都市|"
    r"主城区|中心城区|工作|新区|新农|美丽|新中国|新乡贤|扩大城镇|集中|日照[充时强长]|来宾|比如|保定[量级]|固定|稳定|确定|特定|"
    r"和平发展|平安建设|为中心|为核心|产业开发区|技术开发区|经济开发区|地方|文明村|朝阳产业|大方向|八方|多方|各方|东南亚|亚洲|西部大开发|中部崛起|东部沿海|万元|亿元"
)


def has_edge(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether a name may begin at `start` and may end at `end`, judged by what stands there."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    left = not before or before[-1] in _BEFORE or before in BEFORE_WORDS or before in PROSE_WORDS
    right = not after or after[0] in _AFTER or after in AFTER_WORDS or after in PRODUCTS or after in PROSE_WORDS
    if text[start - 1 : start] == "以" and after[:1] == "为":
        return True, True
    # 提高平均: the name's first character ends a word, its last one begins another.
    if before[-1:] + text[start] in PROSE_WORDS:
        left = False
    if text[end - 1] + after[:1] in PROSE_WORDS:
        right = False
        left = left and (not before or before[-1] in MARKS)
    return left, right


_LEAD = re.compile(
    rf"{'|'.join(sorted(BEFORE_WORDS))}|[0-9一二三四五六七八九十两百千万亿]+[余多]?(?:个|座|处|条|家|片|批|亩|公里)|"
    r"(?:国家|省|市|县|区)级|[个座处批]|[的在与和及为等以将把被对是由向从到于]|[^\u4e00-\u9fff]"
)


def proper_start(text: str, low: int, end: int) -> int:
    """Where a site's or region's own name begins: behind the last verb, measure or particle (推进|温河灌区)."""
    start = low
    for match in _LEAD.finditer(text, low, end):
        start = match.end()
    return start


def is_closed(text: str, end: int) -> bool:
    """Whether a name that ends here is followed by a mark or a joint."""
    return end >= len(text) or text[end] in MARKS or text[end] in "和与及等为"


def before_product(text: str, end: int) -> bool:
    """Whether a crop or animal follows: 同心枸杞."""
    return text[end : end + 2] in PRODUCTS


def acts(text: str, start: int, end: int) -> bool:
    """Whether a name at the head of a clause is followed by what is done there: 新建冷库."""
    return (start == 0 or text[start - 1] in MARKS) and text[end : end + 2] in ACTIONS


def is_led(text: str, start: int) -> bool:
    """Whether a mark, a joint or a verb that leads to places is right before a name."""
    return (
        start == 0
        or text[start - 1] in MARKS
        or text[start - 1] in "在以于为和与及括含的"
        or text[start - 2 : start] in BEFORE_WORDS
    )


def is_generic(text: str, start: int, end: int) -> bool:
    """Whether the stretch is a word for a part of any town (城区, 郊区)."""
    return text[start:end] in TOWN_PARTS


def is_part_of_town(text: str, start: int, end: int) -> bool:
    """Whether such a word means the part of a town here (老城区, 城区道路) and not the district of that name."""
    return bool(_GENERIC_BEFORE.search(text[max(start - 2, 0) : start]) or _GENERIC_AFTER.match(text, end))


def is_word(word: str, *, high: bool) -> bool:
    """Whether a name, without its suffix, is a word of the language; `high` for counties and above."""
    if high:
        return word in COUNTY_WORDS
    halves = len(word) == 4 and word[:2] in PROSE_WORDS and word[2:] in PROSE_WORDS
    return word in NAME_WORDS or halves


def starts_word(text: str, start: int, end: int) -> bool:
    """Whether all but the first character is a word of its own (高|城乡) and nothing says that a name begins."""
    if text[start + 1 : end] not in PROSE_WORDS:
        return False
    if text[start] in "为在把将对以":
        return True
    if start == 0 or text[start - 1] in MARKS:
        return False
    if text[start - 2 : start] in BEFORE_WORDS and text[start] not in "和与及":
        return False
    return text[start - 1] not in _BEFORE or text[start] in "和与及"


def is_phrase(word: str) -> bool:
    """Whether a name is a set phrase as a whole (新城镇)."""
    return _PHRASES.fullmatch(word) is not None


def in_phrase(text: str, start: int, end: int) -> bool:
    """Whether the stretch is part of a set phrase (长治久安) that is not part of it, or is one."""
    low = max(start - 3, 0)
    for match in _PHRASES.finditer(text, low, min(end + 3, len(text))):
        inside = start <= match.start() and match.end() <= end
        if match.start() < end and start < match.end() and not (inside and match.end() - match.start() < end - start):
            return True
    return False
