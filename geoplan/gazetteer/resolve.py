"""From the text of a place to the division it means, to several candidates, or to none.

The text may be a code, a full or short name (平定县, 平定), an old name or misprint of the alias table (太谷县),
several names run together from the top down (平定东回, 山西省忻州市五台县), or an explicit path (平定县/巨城镇).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from geoplan.errors import PlaceError
from geoplan.gazetteer.index import Division, Gazetteer
from geoplan.terms import Level

MAX_LENGTH = 100
_ADMINISTRATIVE = frozenset({Level.PROVINCE, Level.CITY, Level.COUNTY})


class Status(StrEnum):
    """Outcome of a resolution."""

    UNIQUE = "unique"
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A division that a text may mean.

    `parent` is the path of names above it, joined by ``/``, and `parent_code` the code of the division it ends in;
    `via` says how it was found: code, full, alias, short.
    """

    name: str
    code: str
    level: Level
    parent: str
    as_of: str
    code_system: str
    via: str
    members: tuple[str, ...] = ()
    parent_code: str = ""

    @property
    def drawn_code(self) -> str:
        """Code of the division that stands for it on a map: a village's township, or county.

        The statistics number villages by townships of their own, so a village's code does not begin with it.
        """
        return self.parent_code if self.level is Level.VILLAGE else self.code


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text means: one candidate (unique), several (ambiguous) or none (unknown)."""

    text: str
    status: Status
    candidates: tuple[Candidate, ...]

    @property
    def one(self) -> Candidate:
        """The candidate of a unique resolution.

        Raises
        ------
        PlaceError
            If there is none or more than one.
        """
        if self.status is Status.UNIQUE:
            return self.candidates[0]
        if self.status is Status.UNKNOWN:
            raise PlaceError(f"no place is called {self.text!r}. Write the official name, or add an alias for it.")
        shown = "; ".join(f"{c.parent}/{c.name}" for c in self.candidates[:8])
        more = f" and {len(self.candidates) - 8} more" if len(self.candidates) > 8 else ""
        raise PlaceError(f"{self.text!r} may be any of: {shown}{more}. Name the division it lies in.")


# (division, how it was found, sum of the ranks of the names used: 0 full, 1 alias, 2 short)
_Match = tuple[Division, str, int]
_RANKS = {"full": 0, "alias": 1, "short": 2}


def resolve_place(gazetteer: Gazetteer, text: str, within: str | None = None) -> Resolution:
    """Resolve `text`, inside the division that `within` names if that is given.

    Full names win over aliases, aliases over short names; divisions down to the county win over townships and
    these over villages. What is left after that is the answer: one division is unique, several are ambiguous.

    Raises
    ------
    PlaceError
        If `within` itself is not one division, or the text is longer than `MAX_LENGTH` characters.
    """
    if len(text) > MAX_LENGTH:
        raise PlaceError(f"a place name has at most {MAX_LENGTH} characters; this text has {len(text)}.")
    scope = resolve_place(gazetteer, within).one.code if within else None
    clean = "".join(unicodedata.normalize("NFKC", text).split())
    if clean.isdecimal():
        found = gazetteer.divisions.get(clean)
        matches = [(found, "code", 0)] if found and _in_scope(gazetteer, clean, scope) else []
    elif "/" in clean.strip("/"):
        matches = _match_path(gazetteer, [part for part in clean.split("/") if part], scope)
    else:
        matches = _match_text(gazetteer, clean, scope)
    best = _best(matches)
    status = Status.UNKNOWN if not best else Status.UNIQUE if len(best) == 1 else Status.AMBIGUOUS
    return Resolution(text, status, tuple(_candidate(gazetteer, match) for match in best))


def _match_path(gazetteer: Gazetteer, parts: list[str], scope: str | None) -> list[_Match]:
    """Matches of a path: every name is looked up directly in the division before it."""
    matches: list[_Match] = []
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        scopes = [match[0].code for match in matches] if i else [scope]
        matches = []
        for inner in scopes:
            named = _named(gazetteer, part, inner)
            if not named and last:
                named = [(village, "full", 0) for village in gazetteer.find_villages(part, inner)]
            matches += _best(named)
    return matches


def _match_text(gazetteer: Gazetteer, text: str, scope: str | None) -> list[_Match]:
    """Matches of names run together: a first name, and what follows inside that division."""
    matches = _named(gazetteer, text, scope)
    for end in range(min(len(text) - 1, gazetteer.longest), 1, -1):
        for division, _via, rank in _named(gazetteer, text[:end], scope):
            if division.level is Level.TOWNSHIP:
                inner = [(v, "full", 0) for v in gazetteer.find_villages(text[end:], division.code)]
            else:
                inner = _best(_match_text(gazetteer, text[end:], division.code))
            matches += [(found, via, rank + rest) for found, via, rest in inner]
    if not matches and text:
        matches = [(village, "full", 0) for village in gazetteer.find_villages(text, scope)]
    return matches


def _named(gazetteer: Gazetteer, name: str, scope: str | None) -> list[_Match]:
    """Divisions above the village that go by exactly `name`, inside `scope`."""
    found: list[tuple[str, str]] = [(code, "full") for code in gazetteer.by_name.get(name, ())]
    found += [(alias.code, "alias") for alias in gazetteer.by_alias.get(name, ())]
    found += [(code, "short") for code in gazetteer.by_short.get(name, ())]
    return [
        (gazetteer.divisions[code], via, _RANKS[via])
        for code, via in found
        if code in gazetteer.divisions and code != scope and _in_scope(gazetteer, code, scope)
    ]


def _in_scope(gazetteer: Gazetteer, code: str, scope: str | None) -> bool:
    return scope is None or gazetteer.contains(scope, code)


def _best(matches: Iterable[_Match]) -> list[_Match]:
    """The matches that nothing outranks, one a division, by code."""
    ranked = sorted(matches, key=lambda match: (match[2], match[0].code))
    if not ranked:
        return []
    ranked = [match for match in ranked if match[2] == ranked[0][2]]
    tier = min(_tier(match[0].level) for match in ranked)
    unique = {match[0].code: match for match in reversed(ranked) if _tier(match[0].level) == tier}
    return [unique[code] for code in sorted(unique)]


def _tier(level: Level) -> int:
    return 0 if level in _ADMINISTRATIVE else 1 if level is Level.TOWNSHIP else 2


def _candidate(gazetteer: Gazetteer, match: _Match) -> Candidate:
    division, via, _ = match
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
