"""Years and five-year periods of plan prose, and whether the text says what has been or what shall be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from geoplan.documents.quantities.numbers import FOLD
from geoplan.terms import Status

DEFAULT_BASE_YEAR = 2020
"""Last year before the fourteenth five-year period: plans of other periods pass their own."""

_YEAR = r"(?:19|20)[0-9]{2}|[二一][〇零○Ｏ０一二三四五六七八九]{3}"
_DASH = r"(?:-|—|–|－|~|～|至|到|－)"
_PLAN = r"[“\"”]?(?:十[一二三四五六七八九]?|二十)五[”\"“]?"
_PERIOD = re.compile(
    rf"(?P<before>截至目前|截至到|截止到|截至|截止|比|较|以|相比|到|至|从|自|由|早在)?"
    rf"(?:(?P<first>(?<![0-9.]){_YEAR})年?{_DASH}{{1,2}}(?P<last>{_YEAR})年"
    rf"|(?P<year>(?<![0-9.]){_YEAR})年(?P<end>年?底|末|初)?"
    rf"|(?P<plan>{_PLAN})(?P<part>期间|时期|以来|期末|末期|末|期|初|规划期)?)"
    rf"(?P<after>起|开始|以来|以后|之后|以前|前)?",
)
_WRITTEN = str.maketrans("〇零○Ｏ０一二三四五六七八九", "00000123456789")
_FIFTH = {
    "十": 10,
    "十一": 11,
    "十二": 12,
    "十三": 13,
    "十四": 14,
    "十五": 15,
    "十六": 16,
    "十七": 17,
    "十八": 18,
    "十九": 19,
}
_ENDS = {"末", "期末", "末期"}
_REFERENCE = {"比", "较", "以", "相比"}
_SINCE = {"起", "开始", "以来", "以后", "之后"}


@dataclass(frozen=True, slots=True)
class Period:
    """A year or a run of years as it stands in a passage.

    Attributes
    ----------
    start, end
        Its characters, with the words that belong to it (到2025年, “十四五”期间).
    first, last
        First and last year.
    kind
        ``at`` for one point in time, ``range`` for what is done over the years.
    status
        Baseline or target where the wording says so (截至, 到), else None.
    reference
        True where figures are only compared with it (比2015年).
    """

    start: int
    end: int
    first: int
    last: int
    kind: Literal["at", "range"]
    status: Status | None = None
    reference: bool = False

    @property
    def text(self) -> str:
        """As records write it: ``2025`` or ``2021-2025``."""
        return str(self.last) if self.kind == "at" or self.first == self.last else f"{self.first}-{self.last}"


def find_periods(text: str) -> list[Period]:
    """The periods of a passage, in order.

    >>> [period.text for period in find_periods("“十四五”期间新建，到2025年达到")]
    ['2021-2025', '2025']
    """
    folded = text.translate(FOLD)
    if "年" not in folded and "五" not in folded:
        return []
    return [found for match in _PERIOD.finditer(folded) if (found := _read(match, folded))]


def _read(match: re.Match[str], text: str) -> Period | None:
    years = _years(match, text)
    if years is None:
        return None
    first, last = years
    before = match["before"] or ""
    start = match.start()
    if before in {"以", "至", "从", "自", "由", "到"} and start and text[start - 1] in "予可所难加给得直甚乃截达":
        before = ""
    point = bool(match["year"]) or (match["part"] or "") in _ENDS
    reference = before in _REFERENCE or _compared(match, text)
    status = _status(before, match["after"] or "", point=point)
    return Period(start, match.end(), first, last, "at" if point else "range", status, reference)


def _years(match: re.Match[str], text: str) -> tuple[int, int] | None:
    if match["plan"]:
        bare = match["plan"].strip('“”"')
        number = _FIFTH.get(bare.removesuffix("五"))
        quoted = len(bare) != len(match["plan"])
        # 二十五 and 十五 are numbers unless quoted or followed by a word of time.
        if number is None or not (quoted or match["part"]) or (not quoted and number == 10):
            return None
        if match.start("plan") and text[match.start("plan") - 1] in "〇零一二三四五六七八九十百第":
            return None
        last = number * 5 + 1955
        return (last, last) if match["part"] in _ENDS else (last - 4, last)
    if match["first"]:
        first, last = _year(match["first"]), _year(match["last"])
        return (first, last) if 1900 <= first < last <= 2100 else None
    year = _year(match["year"])
    return (year, year) if 1900 <= year <= 2100 else None


def _year(text: str) -> int:
    return int(text.translate(_WRITTEN))


def _compared(match: re.Match[str], text: str) -> bool:
    """Whether a bare year is what growth is measured from: 2015年相比, 在2020年基础上."""
    return text.startswith(("相比", "基础上", "的基础上", "水平", "基期", "度相比"), match.end())


def _status(before: str, after: str, *, point: bool) -> Status | None:
    if before.startswith(("截", "早")) or after == "以来" or after.endswith("前"):
        return Status.BASELINE
    if before in {"到", "至"} and point:
        return Status.TARGET
    if after in _SINCE:
        return Status.TARGET
    return None
