"""Short forms of counties that keep a suffix: autonomous counties without their peoples, banners by characters."""

from __future__ import annotations

import re

from geoplan.gazetteer.index import ETHNIC

_AUTONOMOUS = re.compile(rf"(.{{2,}}?)(?:(?:(?:{ETHNIC})族?)+|族)?自治([县旗])$")
_ETHNIC_DISTRICT = re.compile(rf"(.{{2,}}?)(?:{ETHNIC})族区$")
_WING = re.compile(r"(.).+?([左右])翼.*?([前中后]?)([旗县])$")
_BANNER = re.compile(r"(.).+?([左右前中后]旗)$")
_SIDED = re.compile(r"([东西].)..+旗$")


def abbreviations(name: str) -> tuple[str, ...]:
    """The ways a county's full name is shortened with its suffix kept.

    >>> abbreviations("威宁彝族回族苗族自治县"), abbreviations("科尔沁右翼中旗"), abbreviations("鄂托克前旗")
    (('威宁县',), ('科右中旗',), ('鄂前旗',))
    """
    found = []
    if match := _AUTONOMOUS.match(name):
        found.append(match.group(1) + match.group(2))
    if match := _ETHNIC_DISTRICT.match(name):
        found.append(match.group(1) + "区")
    if (match := _WING.match(name)) or (match := _BANNER.match(name)):
        found.append("".join(match.groups()))
    if match := _SIDED.match(name):
        found.append(match.group(1) + "旗")
    return tuple(dict.fromkeys(found))
