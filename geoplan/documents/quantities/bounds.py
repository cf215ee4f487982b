"""Words that bound a figure: before it (不低于, 近) and after it (以上, 左右)."""

from __future__ import annotations

import re

from geoplan.terms import Qualifier

_BEFORE: dict[Qualifier, str] = {
    Qualifier.AT_LEAST: (
        "不低于|不得低于|不少于|不得少于|不小于|不下于|不下|达到或超过|达到或高于|达到或者高于|达到并超过|超过|超出|超|突破|高于|"
        "大于等于|大于|多于|至少|最少|最低|不亚于|逾|≥|>=|>|≧|跨越|跃上|冲破|迈上|站上"
    ),
    Qualifier.AT_MOST: (
        "不超过|不得超过|不超|不高于|不得高于|不多于|不大于|不突破|控制在|低于|少于|小于等于|小于|最多|至多|最高|压减到|≤|<=|<|≦|"
        "不足|不到|未超过"
    ),
    Qualifier.ABOUT: "大约|约为|约占|约|接近|将近|大概|大致|近|左右|几近",
}
_AFTER: dict[Qualifier, str] = {
    Qualifier.AT_LEAST: "及其以上|及以上|（含）以上|以上|开外|之上",
    Qualifier.AT_MOST: "及以下|以下|以内|之内|之下",
    Qualifier.ABOUT: "左右|上下",
}
# 最近, 制约, 赶超 end in a bound's character and are none.
_NO_BOUND = re.compile(r"(?:[最附临靠邻亲就远相]近|[节集制公预签合条违履契特守邀解隐纽简]约|赶超)$")
_BETWEEN = "(?:到|达到|达|了|在|为|占地|占|有|需|全国|全省|全市)?"


def _union(table: dict[Qualifier, str]) -> str:
    return "|".join(
        f"(?P<{qualifier.name}>{'|'.join(sorted(words.split('|'), key=len, reverse=True))})"
        for qualifier, words in table.items()
    )


_BEFORE_END = re.compile(rf"(?:{_union(_BEFORE)}){_BETWEEN}\s?$")
_AFTER_START = re.compile(rf"\s?(?:{_union(_AFTER)})")
_LONGEST = 9
_DISTANT = re.compile(
    r"(?:(?P<AT_LEAST>不低于|不少于|不得低于|不得少于|至少)|(?P<AT_MOST>不超过|不高于|不得超过|不得高于|最多))[^，。；、：！？\n]{1,30}$"
)
_AT_LEAST_ONE = re.compile(r"(?:至少|最少)[^，。；、：！？\n0-9]{1,6}$")
_FLOOR = re.compile(r"的?(?:耕地|基本农田|永久基本农田|耕地保护|生态保护)?红线")


def bound_before(text: str, start: int) -> tuple[int, Qualifier] | None:
    """The bound that ends right before `start`: where it starts, and which it is."""
    window = text[max(0, start - _LONGEST) : start]
    match = _BEFORE_END.search(window)
    if match is None or match.lastgroup is None:
        return None
    if _NO_BOUND.search(window[: match.end(match.lastgroup)]):
        return None
    at = start - len(window) + match.start()
    return at, Qualifier[match.lastgroup]


def bound_after(text: str, end: int) -> tuple[int, Qualifier] | None:
    """The bound that starts right after `end`: where it ends, and which it is."""
    match = _AFTER_START.match(text, end)
    if match is None or match.lastgroup is None:
        return None
    return match.end(), Qualifier[match.lastgroup]


def distant_bound(text: str, start: int, end: int, *, share: bool) -> Qualifier | None:
    """A bound that stands a few words before the figure: 至少建立1个; for shares also 不低于总量的5%."""
    if _AT_LEAST_ONE.search(text, start, end):
        return Qualifier.AT_LEAST
    match = _DISTANT.search(text, start, end) if share else None
    return Qualifier[match.lastgroup] if match and match.lastgroup else None


def floor_after(text: str, end: int) -> Qualifier | None:
    """A red line is a floor: 18亿亩耕地红线."""
    return Qualifier.AT_LEAST if _FLOOR.match(text, end) else None
