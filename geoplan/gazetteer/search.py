"""Search as officials type: characters, full pinyin, initials, codes, old names, slight misprints."""

from __future__ import annotations

import unicodedata

from rapidfuzz import fuzz, process

from geoplan.errors import PlaceError
from geoplan.gazetteer.index import Division, Gazetteer
from geoplan.gazetteer.resolve import MAX_LENGTH, Candidate, Status, resolve_place
from geoplan.terms import Level

_LEVELS = list(Level)
_SUFFIXES_READ = frozenset({"", "sheng", "shi", "xian", "qu", "zhen", "xiang", "jiedao"})
_FUZZY_CUTOFF = 65
_FUZZY_LENGTH = 3


def search_places(gazetteer: Gazetteer, text: str, *, limit: int = 10, within: str | None = None) -> list[Candidate]:
    """Places that `text` may mean, the likeliest first, at most `limit`.

    What `resolve_place` answers leads; then names that start with the text, contain it, are read like it (pinyin or
    initials), and, when nothing else is found, names that look alike.

    Parameters
    ----------
    within
        Code of the division to search in.
    """
    clean = "".join(unicodedata.normalize("NFKC", text).split()).lower()
    if not clean:
        return []
    if len(clean) > MAX_LENGTH:
        raise PlaceError(f"a place name has at most {MAX_LENGTH} characters; this text has {len(clean)}.")
    resolution = resolve_place(gazetteer, clean, within)
    found = {candidate.code: candidate for candidate in resolution.candidates}
    scored = []
    for code, division in gazetteer.divisions.items():
        if code in found or (within and not gazetteer.contains(within, code)):
            continue
        score = _score(clean, division, *gazetteer.pinyin[code])
        if score is not None:
            scored.append((score, _LEVELS.index(division.level), code, "search"))
    if not scored and resolution.status is Status.UNKNOWN and len(clean) >= _FUZZY_LENGTH:
        scored = _look_alike(gazetteer, clean, limit, within)
    for _, _, code, via in sorted(scored)[: max(limit - len(found), 0)]:
        found[code] = _candidate(gazetteer, gazetteer.divisions[code], via)
    return list(found.values())[:limit]


def _score(text: str, division: Division, pinyin: str, initials: str) -> int | None:
    """Rank of a match, 0 the best; None when the text does not fit."""
    if division.name.startswith(text) or (text.isdecimal() and division.code.startswith(text)):
        return 0
    if text in division.name:
        return 1
    if text.isascii() and len(text) > 1:
        if pinyin.startswith(text):
            return 2 if pinyin[len(text) :] in _SUFFIXES_READ else 3
        if initials == text or (len(text) > 2 and initials.startswith(text)):
            return 4
    return None


def _look_alike(gazetteer: Gazetteer, text: str, limit: int, within: str | None) -> list[tuple[int, int, str, str]]:
    names = {code: d.name for code, d in gazetteer.divisions.items() if not within or gazetteer.contains(within, code)}
    hits = process.extract(text, names, scorer=fuzz.ratio, score_cutoff=_FUZZY_CUTOFF, limit=limit)
    return [(100 - int(score), 0, code, "similar") for _, score, code in hits]


def _candidate(gazetteer: Gazetteer, division: Division, via: str) -> Candidate:
    parent = "/".join(gazetteer.path(division.parent))
    return Candidate(
        division.name,
        division.code,
        division.level,
        parent,
        division.as_of,
        division.code_system,
        via,
        division.members,
        division.parent,
    )
