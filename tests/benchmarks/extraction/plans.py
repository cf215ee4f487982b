"""The whole path for the five plans: extract, the decisions that make the reviewed records of it, apply.

``python -m tests.benchmarks.extraction.plans FOLDER`` prints what it took a plan; FOLDER has the plans as text, which
are not in this repository. With ``--write`` the decisions of ``layers/drafts`` and the records are written anew, to be
run after a change of the extractor.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from geoplan.documents import load_plans
from geoplan.documents.facts.area import find_area
from geoplan.documents.facts.extract import extract_facts
from geoplan.documents.facts.output import draft_csv
from geoplan.documents.places import load_finder
from geoplan.documents.reading import read_document
from geoplan.documents.review import Action, append_decisions, decisions_path, read_drafts, record_file, summarise
from geoplan.documents.review.adopt import adopt_records, is_label_only
from geoplan.gazetteer import read_regions
from geoplan.layers.store import gazetteer, open_build
from geoplan.records import read_records
from geoplan.settings import Settings, find_settings

# The records were audited on this day: decisions derived from them carry its date, so that a new run gives the same.
AUDITED = datetime(2026, 11, 22, tzinfo=UTC).isoformat()


def run(folder: Path, settings: Settings, *, write: bool) -> None:
    """Print a table row a plan."""
    names = gazetteer(open_build(settings.build_dir))
    regions = read_regions(settings.boundaries_dir / "regions.csv", names)
    print("| plan | drafts | right as they are | other label or span | corrected | rejected | added | records |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for plan in load_plans(settings.layers_dir / "plans.toml").values():
        document = read_document(folder / f"{plan.id}.txt", plan.id)
        area = find_area(document, names, plan.area)
        found = extract_facts(document, load_finder(names, area.code, regions), area)
        path = settings.layers_dir / "drafts" / f"{plan.id}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(draft_csv(document, found.drafts, names.path(area.code)), "utf-8")
        drafts = read_drafts(path).drafts
        reviewed = settings.layers_dir / "records" / f"{plan.id}.csv"
        records = read_records(reviewed).records
        decisions = adopt_records(drafts, records, AUDITED)
        corrected = [one for one in decisions if one.action is Action.CORRECT]
        labels = sum(map(is_label_only, corrected))
        rejected = sum(one.action is Action.REJECT for one in decisions)
        added = sum(one.action is Action.ADD for one in decisions)
        right = len(drafts) - len(corrected) - rejected
        counts = (len(drafts), right, labels, len(corrected) - labels, rejected, added, len(records))
        print(f"| `{plan.id}` | {' | '.join(map(str, counts))} |")
        if write:
            kept = decisions_path(path)
            kept.unlink(missing_ok=True)
            append_decisions(kept, decisions)
            reviewed.write_bytes(record_file(summarise(drafts, decisions, "keep").records))


if __name__ == "__main__":
    run(Path(sys.argv[1]), find_settings(os.environ, Path.cwd()), write="--write" in sys.argv)
