"""Which of the places of one name is meant: the parent in front of it, then the one that the list or sentence set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.places.names import Name, Names
from geoplan.documents.places.segment import HIGH, Reading

_SENTENCE = re.compile(r"[。！？\n]")
_TURN = re.compile(r"[；;]")
_DEPTH = {level: i for i, level in enumerate(PlaceLevel)}


@dataclass(slots=True)
class Context:
    """Codes that hold at a point of the text: of the table row or headings, of the sentence, of the last township."""

    within: str
    county: str = ""
    township: str = ""
    last_end: int = 0
    last_code: str = ""
    named: dict[str, str] = field(default_factory=dict)


def resolve(
    names: Names, text: str, chosen: list[Reading], levels: dict[int, PlaceLevel], within: str
) -> list[Mention]:
    """Mentions of the chosen readings, in order; `levels` are those that their lists give, by their start."""
    context = Context(within)
    found = []
    for reading in chosen:
        between = text[context.last_end : reading.start]
        if _SENTENCE.search(between):
            context.county = context.township = ""
        elif _TURN.search(between):
            context.township = ""
        adjacent = context.last_code if context.last_end == reading.start else ""
        mention = _meant(names, text, reading, context, adjacent, levels.get(reading.start))
        if mention is None:
            continue
        found.append(mention)
        _remember(names, context, mention)
    return found


def _meant(
    names: Names, text: str, reading: Reading, context: Context, adjacent: str, level: PlaceLevel | None
) -> Mention | None:
    current = [name for name in reading.names if name.form is not Flag.OLD_NAME]
    options = current or list(reading.names)
    low = level in {PlaceLevel.TOWNSHIP, PlaceLevel.VILLAGE}
    direct = [name for name in options if adjacent and adjacent != name.code and adjacent in names.lineage(name.code)]
    inherited = False
    if direct:
        options = direct
    elif level is not None and any(name.level is level for name in options):
        options = [name for name in options if name.level is level]
    elif any(name.level in HIGH and not names.outside(name.code) for name in options) and not low:
        options = [name for name in options if name.level in HIGH]
    narrowed = options
    for scope in (context.township, *_around(names, context.county), context.within):
        if scope and not direct:
            inner = [name for name in options if scope in names.lineage(name.code) and name.code != scope]
            if inner:
                narrowed = inner
                inherited = scope != context.within
                break
    again = [name for name in options if name.code == context.named.get(text[reading.start : reading.end])]
    options = again or _best(names, narrowed)
    codes = sorted({name.code for name in options})
    first = options[0]
    complete = first.form is Flag.SHORT and names.official(codes[0]) == text[reading.start : reading.end]
    flags = [first.form] if first.form is not None and not complete else []
    parent = _parent(names, codes, adjacent or context.county or context.within or names.area)
    fine = first.level in {PlaceLevel.TOWNSHIP, PlaceLevel.VILLAGE}
    if inherited and fine:
        flags.append(Flag.INHERITED)
    if len(codes) > 1:
        flags.append(Flag.AMBIGUOUS)
        name = names.official(codes[0])
        path = (*names.gazetteer.path(parent), name) if parent in names.gazetteer.divisions else (name,)
        return Mention(
            reading.start, reading.end, text[reading.start : reading.end], first.level, name,
            path=path, parent=parent, candidates=tuple(codes), flags=tuple(flags),
        )  # fmt: skip
    code = codes[0]
    if names.outside(code):
        flags.append(Flag.OUTSIDE)
    lineage = names.lineage(code)
    return Mention(
        reading.start, reading.end, text[reading.start : reading.end], first.level, names.official(code), code=code,
        path=tuple(names.official(above) for above in reversed(lineage)),
        parent=lineage[1] if len(lineage) > 1 else "", flags=tuple(flags),
    )  # fmt: skip


def _around(names: Names, code: str) -> tuple[str, ...]:
    """A county and the city it lies in, but not the document's own area: what was named last is near."""
    lineage = names.lineage(code) if code else ()
    return tuple(above for above in lineage if above not in names.above)


def _best(names: Names, options: list[Name]) -> list[Name]:
    """The counties and what is above them, those of the area first; then the highest ones, those named most fully."""

    def rank(name: Name) -> tuple[int, int, int, int, int]:
        low = int(name.level not in HIGH)
        written = 0 if name.form is None else 1
        # A short name is a village's before it is a neighbourhood's.
        urban = int(bool(written) and name.level is PlaceLevel.VILLAGE and names.official(name.code).endswith("社区"))
        return low, int(names.outside(name.code)), _DEPTH[name.level], written, urban

    top = min(map(rank, options))
    return [name for name in options if rank(name) == top]


def _parent(names: Names, codes: list[str], near: str) -> str:
    """The finest division that all candidates lie in."""
    common = [code for code in names.lineage(codes[0])[1:] if all(code in names.lineage(other) for other in codes)]
    return common[0] if common else near


def _remember(names: Names, context: Context, mention: Mention) -> None:
    context.last_end = mention.end
    context.last_code = mention.code
    if mention.code:
        context.named.setdefault(mention.text, mention.code)
    if not mention.code or Flag.OUTSIDE in mention.flags:
        return
    if mention.level in HIGH:
        context.county = mention.code
        context.township = ""
    elif mention.level is PlaceLevel.TOWNSHIP:
        context.township = mention.code
        context.county = names.lineage(mention.code)[1]
