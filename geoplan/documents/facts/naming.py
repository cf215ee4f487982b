"""Short labels for drafted facts, cut from the words that state them."""

from __future__ import annotations

import re

MAX_NAME = 25
_LONGEST = 200
_LEADING = re.compile(
    r"^(?:[比较][^，。；]{0,10}(?:末|年|期|初)|由.{0,4}$|[（(]?[\d一二三四五六七八九十]{1,3}[）).．]|[①-⑳]|[、，,。：:；“”\s（）()]|到?“?十[四五]五”?(?:末|期间|时期)?|到?20\d\d年(?:底|末|前)?|其中|并|且|和|与|及|在|对|以|为|的|将|把|"
    r"力争|争取|积极|大力|重点|着力|加快|加强|逐步|进一步|继续|全面|努力|规划|计划|稳步|深入|扎实|全力|统筹|"
    r"(?:全|我|本)(?:省|市|县|区|州|旗)|每年|年均|再|等(?:地|县|乡镇|村|县区|镇|乡)?|"
    r"建设|建成|已建成|打造|建立|新建|新增|新(?=[^品型兴鲜])|改造|扩建|改扩建|发展|培育|创建|布局|构建|形成|推进|推动|实施|完成|支持|推广|扩大|实现|增加|现有|已有|分别|各(?=建|新|发展|打造|种|培)|"
    r"确保|使|达到|累计|认定|开展|引进|提升|提高|至少有|有|为重点|为主|为核心|地区|区域)+"
)
_TRAILING = re.compile(
    r"(?:由[\d.零]+[万亿]?[头只羽亩吨]?|连续.年|[、，,。：:；“\s（(]|达到|达|为|到|由|从|约|近|突破|超过|稳定在|保持在|控制在|不低于|不少于|不超过|增加到|增长到|提高到|提升到|"
    r"发展到|扩大到|力争|总数|数量|累计|在|至|的|建设|分别|均|各|有|完成|以上|左右|实现|新增|增加|共计|共|合计|总计)++$"
)
_BREAK = re.compile(r"[，。；：,;:！？]")


_CHANGE = re.compile(r"(?:年均|同比|平均|累计|递增|净)*(?:增长|增加|提高|提升|下降|降低|减少|递增|扩大|缩小)率?")


def is_change(name: str) -> bool:
    """Whether a name only says that something rose or fell, not what."""
    return bool(_CHANGE.fullmatch(name))


def short_name(*phrases: str) -> str:
    """A label of at most `MAX_NAME` characters from the first phrase that leaves one; empty when none does.

    Verbs and time words at the ends are cut off; of a long phrase the last words stay, since the head of a Chinese
    noun phrase is its end.
    """
    for phrase in phrases:
        piece = _BREAK.split(phrase)[-1][-_LONGEST:]
        name = _TRAILING.sub("", _LEADING.sub("", piece)).strip("“”《》、 \u3000\t")
        if len(name) >= 2:
            return name[-MAX_NAME:]
    return ""
