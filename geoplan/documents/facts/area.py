"""The area a document is made for: told, registered, read from its head, or inferred from the places it names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from geoplan.documents.document import Document
from geoplan.documents.facts.extract import Area
from geoplan.documents.plans import PlanDocument
from geoplan.errors import DocumentError
from geoplan.gazetteer import Gazetteer, resolve_place
from geoplan.terms import Level

_HEAD_LINES = 60
_SAMPLE = 200_000
_ABOVE_TOWNSHIP = (Level.PROVINCE, Level.CITY, Level.COUNTY)
_TITLE = re.compile(r"规划|方案|意见|纲要|计划|行动|办法|通知|报告|要点|布局")
_BEFORE_NAME = re.compile(r"^(?:[《“\s]|[^《]{0,30}关于印发|中共|“?十[一二三四五六七]五”?|20\d\d年|关于)*")
_OFFICE = re.compile(r"人民政府|办公室|委员会|农业农村局|农业农村厅|管委会")
_SCOPE_LEVELS = {
    Level.PROVINCE: re.compile(r"(?:全|我)(?:省|自治区)"),
    Level.CITY: re.compile(r"(?:全|我)(?:市|州|盟)"),
    Level.COUNTY: re.compile(r"(?:全|我)(?:县|区|旗)"),
}


def find_area(document: Document, gazetteer: Gazetteer, given: str = "", plans: Iterable[PlanDocument] = ()) -> Area:
    """The document's own area.

    In this order: the one that is `given`; that of the registered plan with the same SHA-256; the one that the title
    or the issuer names in the first lines; the one most of its places lie in.

    Raises
    ------
    PlaceError
        If `given` is not one division.
    DocumentError
        If nothing tells the area.
    """
    if given:
        return _area(gazetteer, resolve_place(gazetteer, given).one.code)
    for plan in plans:
        if plan.sha256 == document.sha256:
            return _area(gazetteer, resolve_place(gazetteer, plan.area).one.code)
    code = _from_head(document, gazetteer) or _from_places(document, gazetteer)
    if not code:
        raise DocumentError(
            f"{document.id}: neither the title nor the text tells what area the plan is for. "
            "Name it with --area, e.g. --area 山西省/长治市."
        )
    return _area(gazetteer, code)


def _area(gazetteer: Gazetteer, code: str) -> Area:
    division = gazetteer.divisions.get(code)
    if division is None or division.level not in _ABOVE_TOWNSHIP:
        raise DocumentError(
            "a plan's area is a province, a city or a county, not a township or a village. Name the county it lies in."
        )
    return Area(code, division.name, division.level)


def _from_head(document: Document, gazetteer: Gazetteer) -> str:
    """Code of the finest division that a title-like line among the first ones begins with or names as issuer."""
    head = [line.strip() for line in (document.title, *document.lines[:400]) if line.strip()][:_HEAD_LINES]
    for line in head:
        # A line that ends like a sentence is one, whatever place it begins with.
        if len(line) > 80 or line[-1] in "。；！？，：" or not (_TITLE.search(line) or _OFFICE.search(line)):
            continue
        found = _leading_division(line, gazetteer)
        if found:
            return found
    return ""


def _leading_division(line: str, gazetteer: Gazetteer) -> str:
    """Code of the chain of full names at the start of `line`, after quotes, 中共, “十四五” and 关于印发."""
    text = _BEFORE_NAME.sub("", line)
    code = ""
    while True:
        names = [text[:end] for end in range(min(len(text), gazetteer.longest), 1, -1)]
        inside = [
            other
            for name in names
            for other in gazetteer.by_name.get(name, ())
            if gazetteer.divisions[other].level in _ABOVE_TOWNSHIP and (not code or gazetteer.contains(code, other))
        ]
        if len(inside) != 1:
            # A name that several divisions have, without one above it, tells nothing.
            return code
        code = inside[0]
        text = text[len(gazetteer.divisions[code].name) :]


def _from_places(document: Document, gazetteer: Gazetteer) -> str:
    """Code of the division of the level that scope words speak of, or above, which holds most named places."""
    text = "\n".join(document.lines)[:_SAMPLE]
    counts = Counter(_named(text, gazetteer))
    if not counts:
        return ""
    scopes = {level: len(pattern.findall(text)) for level, pattern in _SCOPE_LEVELS.items()}
    level = max(scopes, key=lambda key: scopes[key]) if any(scopes.values()) else Level.COUNTY
    votes: Counter[str] = Counter()
    for code, count in counts.items():
        for above in _chain(code, gazetteer):
            if gazetteer.divisions[above].level is level:
                votes[above] += count
    if not votes:
        return ""
    best, most = min(votes.items(), key=lambda item: (-item[1], item[0]))
    return best if most > sum(votes.values()) / 2 else ""


def _chain(code: str, gazetteer: Gazetteer) -> list[str]:
    chain = []
    while code in gazetteer.divisions:
        chain.append(code)
        code = gazetteer.divisions[code].parent
    return chain


def _named(text: str, gazetteer: Gazetteer) -> list[str]:
    """Codes of the divisions above the township whose full name, known of one only, stands in `text`."""
    import ahocorasick

    names = ahocorasick.Automaton()
    for name, codes in gazetteer.by_name.items():
        above = [code for code in codes if gazetteer.divisions[code].level in _ABOVE_TOWNSHIP]
        if len(above) == 1 and len(name) > 2:
            names.add_word(name, above[0])
    names.make_automaton()
    return [code for _, code in names.iter_long(text)]
