"""Precision, recall and F1 of the extraction against hand-marked passages.

``python -m tests.benchmarks.extraction.score [--misses] [FOLDER_OF_PLANS]`` prints a table a gold file. The plans' own
lines are read from copies of the plans (their text is not in this repository): from FOLDER_OF_PLANS, or from those
that `geoplan plans add` keeps.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geoplan.documents.facts.area import find_area
from geoplan.documents.facts.extract import extract_facts
from geoplan.documents.facts.output import draft_record, mention_lines
from geoplan.documents.places import load_finder
from geoplan.documents.plans import load_plans
from geoplan.documents.reading import document_from_text, read_document
from geoplan.gazetteer import Gazetteer
from geoplan.layers.store import gazetteer, open_build
from geoplan.settings import Settings, find_settings
from geoplan.terms import Kind

GOLD = Path(__file__).parent / "gold"
ADMINISTRATIVE = frozenset({"province", "city", "county", "township", "village"})
Row = dict[str, Any]


@dataclass
class Score:
    """Counts of one comparison: what both have, what only the extraction has, what only the gold has."""

    right: int = 0
    extra: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, found: Iterable[Any], gold: Iterable[Any], where: str) -> None:
        """Compare two multisets."""
        have, want = Counter(found), Counter(gold)
        self.right += (have & want).total()
        self.extra += [f"{where}: {item}" for item in (have - want).elements()]
        self.missed += [f"{where}: {item}" for item in (want - have).elements()]

    @property
    def precision(self) -> float:
        """Share of what was found that is right."""
        return self.right / max(self.right + len(self.extra), 1)

    @property
    def recall(self) -> float:
        """Share of the gold that was found."""
        return self.right / max(self.right + len(self.missed), 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + len(self.extra) + len(self.missed), 1)


@dataclass
class Result:
    """All comparisons over one gold file."""

    mentions: Score = field(default_factory=Score)
    codes: Score = field(default_factory=Score)
    quantities: Score = field(default_factory=Score)
    facts: Score = field(default_factory=Score)
    facts_without_kind: Score = field(default_factory=Score)
    passages: int = 0
    negatives: int = 0
    false_facts: int = 0


def score_passages(rows: Iterable[Row], names: Gazetteer) -> Result:
    """Score passages that carry their own text and area."""
    result = Result()
    for row in rows:
        document = document_from_text(row["text"], row["id"])
        area = find_area(document, names, row["area"])
        found = extract_facts(document, load_finder(names, area.code), area)
        drafts = [draft_record(document, draft, "x", ["x"] * len(found.drafts), names) for draft in found.drafts]
        mentions = [json.loads(line) for line in mention_lines(document, found.mentions)]
        _compare(row, drafts, mentions, result, row["area"].split("/")[-1])
    return result


def score_lines(rows: Iterable[Row], plans: dict[str, Path], names: Gazetteer, settings: Settings) -> Result:
    """Score lines of whole plans: each plan is extracted once."""
    result = Result()
    registered = load_plans(settings.layers_dir / "plans.toml")
    extracted: dict[str, tuple[list[Row], list[Row], str]] = {}
    for row in rows:
        plan = row["doc"]
        if plan not in plans:
            continue
        if plan not in extracted:
            document = read_document(plans[plan], plan)
            area = find_area(document, names, "", registered.values())
            found = extract_facts(document, load_finder(names, area.code), area)
            ids = [str(i) for i in range(len(found.drafts))]
            drafts = [draft_record(document, draft, i, ids, names) for i, draft in zip(ids, found.drafts, strict=True)]
            extracted[plan] = (drafts, [json.loads(m) for m in mention_lines(document, found.mentions)], area.name)
        drafts, mentions, area_name = extracted[plan]
        lines = set(row.get("lines") or [row["line"]])
        here = [draft for draft in drafts if draft["line"] in lines]
        _compare(row, here, [m for m in mentions if m["line"] in lines], result, area_name)
    return result


def _compare(row: Row, drafts: list[Row], mentions: list[Row], result: Result, area: str) -> None:
    where = str(row.get("id") or f"{row['doc']}:{row['line']}")
    result.passages += 1
    gold = {_place(row, m): m for m in row["mentions"] if m["level"] in ADMINISTRATIVE}
    found = {_place(row, m): m for m in mentions if m["level"] in ADMINISTRATIVE}
    free = {_place(row, m) for m in row["mentions"] if m.get("optional")}
    wanted = [key for key in gold if key not in free]
    result.mentions.add((key for key in found if key not in free), wanted, where)
    coded = [key for key in wanted if key in found and gold[key]["code"]]
    result.codes.add(((*key, found[key]["code"]) for key in coded), ((*key, gold[key]["code"]) for key in coded), where)
    figures = {(q["line"], *q["span"]): q for draft in drafts for q in draft["quantities"]}
    score_figures(list(figures.values()), row["quantities"], result.quantities, where)
    score_facts(drafts, row, area, result, where)
    if row.get("negative"):
        result.negatives += 1
        result.false_facts += len(drafts)


def _place(row: Row, mention: Row) -> tuple[int, int, int, str]:
    return mention.get("line", row.get("line", 1)), mention["start"], mention["end"], mention["text"]


def score_figures(found: list[Row], gold: list[Row], score: Score, where: str) -> None:
    """Figures by value, unit and qualifier; an optional one counts for nothing, found or not."""
    left = [_figure(figure) for figure in found]
    for figure in sorted(gold, key=lambda figure: bool(figure.get("optional"))):
        also = figure.get("qualifier_also") or []
        readings = [
            _figure(figure | {"qualifier": q})
            for q in (figure["qualifier"], *([also] if isinstance(also, str) else also))
        ]
        hit = next((reading for reading in readings if reading in left), None)
        if hit is not None:
            left.remove(hit)
        if figure.get("optional"):
            continue
        if hit is not None:
            score.right += 1
        else:
            score.missed.append(f"{where}: {readings[0]}")
    score.extra += [f"{where}: {reading}" for reading in left]


def _figure(quantity: Row) -> tuple[str, str, str, str]:
    return str(quantity["value"]), str(quantity.get("value_max") or ""), quantity["unit"], quantity["qualifier"]


Atom = tuple[str, frozenset[str], str]


@dataclass(frozen=True)
class Wanted:
    """One atom of the gold: the readings that are right, and those of the whole list that it is one of."""

    label: str
    readings: tuple[Atom, ...]
    shared: tuple[Atom, ...]
    optional: bool


def score_facts(drafts: list[Row], row: Row, area: str, result: Result, where: str) -> None:
    """Facts as (kind, place set, value): one atom a figure, one for a fact without a figure."""
    left = [atom for draft in drafts for atom in _atoms(draft, area)]
    if not row.get("negative"):
        # What is promised for the whole area without a figure is not marked.
        left = [atom for atom in left if atom[2] or atom[1] != {area}]
    loose = {atom[1:] for atom in left}
    used: set[Atom] = set()
    for wanted in sorted(_wanted(row, area), key=lambda wanted: wanted.optional):
        hit = next((atom for atom in wanted.readings if atom in left), None)
        whole = next((atom for atom in wanted.shared if atom in left or atom in used), None)
        if hit is not None:
            left.remove(hit)
        elif whole is not None:
            used.add(whole)
            left = [atom for atom in left if atom != whole]
        if not wanted.optional:
            _count(result.facts, hit or whole, f"{where}: {wanted.label}")
            _count(result.facts_without_kind, any(a[1:] in loose for a in (*wanted.readings, *wanted.shared)), "")
    result.facts.extra += [f"{where}: {kind} {sorted(places)} {value}" for kind, places, value in left]


def _wanted(row: Row, area: str) -> Iterator[Wanted]:
    """The atoms of a row's facts; optional ones take up what is found and count neither way."""
    levels = {name: mention["level"] for mention in row["mentions"] for name in (mention["name"], mention["text"])}

    def named(places: list[str]) -> frozenset[str]:
        """The divisions among the names, all of them where there is none."""
        divisions = [place for place in places if levels.get(place, "site") in ADMINISTRATIVE]
        return _set(divisions or places, area)

    groups: dict[Any, frozenset[str]] = {}
    for fact in row["facts"]:
        groups[fact.get("group")] = groups.get(fact.get("group"), frozenset()) | named(fact["places"])
    for fact in row["facts"]:
        kinds = [fact["kind"], *fact.get("also", ())]
        sets = [named(fact["places"]), *(named(places) for places in fact.get("places_also", ()))]
        whole = [groups[fact["group"]]] if fact.get("group") else []
        figures = [f"{q['value']}{q['unit']}" for q in fact["quantities"] if not q.get("optional")]
        spare = [f"{q['value']}{q['unit']}" for q in fact["quantities"] if q.get("optional")]
        optional = bool(fact.get("optional"))
        for value in figures or [""]:
            values = [value] if value else ["", *spare]
            readings = tuple((kind, places, v) for kind in kinds for places in sets for v in values)
            shared = tuple((kind, places, value) for kind in kinds for places in whole)
            yield Wanted(f"{fact['kind']} {sorted(sets[0])} {value}", readings, shared, optional)
        for value in spare:
            readings = tuple((kind.value, places, value) for kind in Kind for places in sets)
            yield Wanted("", readings, (), optional=True)


def _count(score: Score, hit: object, missed: str) -> None:
    if hit:
        score.right += 1
    else:
        score.missed.append(missed)


def _set(places: Iterable[str], area: str) -> frozenset[str]:
    return frozenset(places) or frozenset({area})


def _atoms(draft: Row, area: str) -> Iterator[Atom]:
    # A name that is left open is compared as it is written.
    names = {id(p): p["name"] if p["code"] else p["text"] for p in draft["places"]}
    divisions = [names[id(p)] for p in draft["places"] if p["level"] in ADMINISTRATIVE]
    places = _set(divisions or [names[id(p)] for p in draft["places"]], area)
    for quantity in draft["quantities"] or [{"value": "", "unit": ""}]:
        yield draft["kind"], places, f"{quantity['value']}{quantity['unit']}"


def _table(title: str, result: Result) -> str:
    rows = [f"{title}: {result.passages} passages, {result.negatives} negative with {result.false_facts} false facts"]
    for name in ("mentions", "codes", "quantities", "facts", "facts_without_kind"):
        score: Score = getattr(result, name)
        rows.append(
            f"  {name:20} P {score.precision:.3f}  R {score.recall:.3f}  F1 {score.f1:.3f}  ({score.right} right)"
        )
    return "\n".join(rows)


def read_gold(path: Path) -> list[Row]:
    """Rows of a gold file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def main(arguments: list[str]) -> None:
    """Print the scores, with ``--misses`` every difference."""
    show = "--misses" in arguments
    paths = [Path(argument) for argument in arguments if not argument.startswith("--")]
    settings = find_settings(os.environ, Path.cwd())
    names = gazetteer(open_build(settings.build_dir))
    folder = next((path for path in paths if path.is_dir()), None)
    for path in [path for path in paths if path.is_file()] or sorted(GOLD.glob("*.jsonl")):
        rows = read_gold(path)
        if "doc" in rows[0]:
            plans = {p.stem: p for p in sorted(folder.glob("*.txt"))} if folder else {}
            result = score_lines(rows, plans, names, settings)
        else:
            result = score_passages(rows, names)
        print(_table(path.stem, result))
        for name in ("mentions", "codes", "quantities", "facts") if show else ():
            score: Score = getattr(result, name)
            for sign, items in (("+", score.extra), ("-", score.missed)):
                for item in items:
                    print(f"    {name} {sign} {item}")


if __name__ == "__main__":
    main(sys.argv[1:])
