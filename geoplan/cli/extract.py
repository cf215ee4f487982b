"""`geoplan extract`: a plan document → drafted records, place mentions and what was not read."""

from __future__ import annotations

import gc
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from geoplan.cli.console import progress_bar, settings_here, write_new
from geoplan.errors import BuildError, DocumentError, GeoplanError, Problem

if TYPE_CHECKING:
    from geoplan.gazetteer import Gazetteer
    from geoplan.settings import Settings

_ID = re.compile(r"[a-z][a-z0-9_]*")
UNSURE = 0.75
"""Below this confidence a draft is counted as one to look at."""


def extract(
    plan: Annotated[Path, typer.Argument(help="Plan document: txt, md, html, docx or a PDF with text.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write the drafted records to.")],
    doc: Annotated[str, typer.Option(help="Id of the document (letters, digits, _); its file name if not given.")] = "",
    area: Annotated[
        str, typer.Option(help="The plan's own area, e.g. 山西省/长治市; read from the text if not given.")
    ] = "",
    format_: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="File format.")] = "csv",
    mentions: Annotated[Path | None, typer.Option(help="JSON lines file for every place named in the text.")] = None,
) -> None:
    """Draft cited records from a plan's text, with a list of what was not sure."""
    from geoplan.documents.facts.area import find_area
    from geoplan.documents.facts.extract import extract_facts
    from geoplan.documents.facts.output import draft_csv, json_lines, mention_lines
    from geoplan.documents.places import load_finder
    from geoplan.documents.plans import load_plans
    from geoplan.documents.reading import read_document
    from geoplan.gazetteer import read_regions

    # A pipe or device has no place beside it for the list of what was not read.
    is_stream = output.exists() and (not output.is_file() or output.is_relative_to("/dev"))
    unread = None if is_stream else output.with_name(f"{output.stem}.unread.txt")
    _check_outputs(plan, [path for path in (output, unread, mentions) if path is not None])
    # The command makes hundreds of thousands of small objects, no cycles among them, and ends: collecting them costs
    # more than reading the plan, and grows faster than the text.
    gc.disable()
    settings = settings_here()
    document = read_document(plan, _document_id(doc, plan))
    names = _gazetteer(settings)
    own = find_area(document, names, area, load_plans(settings.layers_dir / "plans.toml").values())
    finder = load_finder(names, own.code, read_regions(settings.boundaries_dir / "regions.csv", names))
    begun = time.perf_counter()
    with progress_bar("Reading") as progress:

        def report(done: int, total: int) -> None:
            # Ten steps are enough: a plan has thousands of blocks, and each is read in a moment.
            if done * 10 // total > (done - 1) * 10 // total:
                progress(f"{done} of {total} passages and tables", done * 10 // total - 1, 10)

        found = extract_facts(document, finder, own, report)
    seconds = time.perf_counter() - begun
    if format_ == "jsonl":
        text = "".join(f"{line}\n" for line in json_lines(document, found.drafts, names))
    else:
        text = draft_csv(document, found.drafts, names.path(own.code))
    write_new(output, text.encode())
    if mentions is not None:
        write_new(mentions, "".join(f"{line}\n" for line in mention_lines(document, found.mentions)).encode())
    if unread is not None:
        write_new(unread, "".join(f"{_unread(problem)}\n" for problem in found.problems).encode())
    lines = len(document.lines) - (not document.lines[-1])  # a line break at the end opens no line
    unread_count = sum(problem.code == "unread-statement" for problem in found.problems)
    unsure = sum(draft.confidence < UNSURE for draft in found.drafts)
    print(
        f"{output}: {len(found.drafts)} drafted records of {own.name} from {lines} lines "
        f"in {seconds:.1f} s; {unsure} of them unsure (confidence below {UNSURE}). "
        f"{unread_count} statements with a place gave none, {len(found.problems) - unread_count} tables differ from "
        f"their total{f': {unread}' if unread else ''}.",
        file=sys.stdout if unread else sys.stderr,
    )


def _check_outputs(plan: Path, outputs: list[Path]) -> None:
    """Nothing is read before it is sure that everything can be written, each to a file of its own."""
    for path in outputs:
        if not path.parent.is_dir():
            raise GeoplanError(f"{path} cannot be written: there is no folder {path.parent}.")
    files = [path.resolve() for path in (plan, *outputs)]
    if len(set(files)) != len(files):
        raise GeoplanError("the plan, the records and the mentions are one file. Give each output a name of its own.")


def _gazetteer(settings: Settings) -> Gazetteer:
    """The names of the current build; the first time they are built."""
    from geoplan.layers.store import gazetteer, open_build

    try:
        return gazetteer(open_build(settings.build_dir))
    except BuildError:
        from geoplan.pipeline import run_build

        with progress_bar("Building the place names, once") as progress:
            run_build(settings, progress=progress)
        return gazetteer(open_build(settings.build_dir))


def _document_id(given: str, plan: Path) -> str:
    """The id as given, or made of the file's name."""
    if given:
        if not _ID.fullmatch(given):
            raise DocumentError(f"{given!r} is no document id; write small letters, digits and _ (changzhi_2025).")
        return given
    name = re.sub(r"[^a-z0-9]+", "_", plan.stem.lower()).strip("_")
    return name if _ID.fullmatch(name) else f"plan_{name}".rstrip("_")


def _unread(problem: Problem) -> str:
    return f"line {problem.row}: {problem.message} {problem.remedy}"
