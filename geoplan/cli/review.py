"""``geoplan review``: the page on which a draft is accepted, corrected or rejected, and the records that come of it."""

from __future__ import annotations

import importlib
import secrets
import socket
import threading
import webbrowser
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from geoplan.cli.console import settings_here, write_new
from geoplan.errors import BuildError, DocumentError, GeoplanError, LayerError

if TYPE_CHECKING:
    from geoplan.documents import PlanDocument
    from geoplan.documents.document import Document
    from geoplan.documents.review.store import ReviewSummary
    from geoplan.layers.store import Build
    from geoplan.settings import Settings

_SHOWN = 20
_DEFAULT_PORT = 8010


def review(
    draft: Annotated[Path, typer.Argument(help="Draft that `geoplan extract --format csv` wrote.")],
    *,
    plan: Annotated[Path | None, typer.Option(help="The plan's file; without it no sentences are shown.")] = None,
    area: Annotated[str | None, typer.Option(help="The plan's own area, e.g. 山西省/长治市.")] = None,
    adopt: Annotated[
        Path | None, typer.Option(help="Record file made elsewhere: note the decisions that make it of the draft.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the reviewed records instead.")] = False,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Record file that --apply writes.")] = None,
    undecided: Annotated[
        Literal["keep", "drop"] | None,
        typer.Option(help="Drafts without a decision, for --apply; else those of confidence below 0.5 are dropped."),
    ] = None,
    by: Annotated[str, typer.Option(help="Your name, kept with every decision.")] = "",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on (8010, or a free one).")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
) -> None:
    """Review drafted facts in the browser, or write the records that the decisions make."""
    if adopt is not None:
        _adopt(draft, adopt, by)
        if not apply:
            return
    if apply:
        if output is None:
            raise GeoplanError("--apply needs -o FILE, the record file to write.")
        _apply(draft, output, undecided)
        return
    if output is not None or undecided is not None:
        raise GeoplanError("-o and --undecided belong to --apply.")
    _serve(draft, plan, area, by, port, opens=not no_browser)


def _apply(draft: Path, output: Path, undecided: Literal["keep", "drop"] | None) -> None:
    from geoplan.documents.review.decisions import decisions_path, read_decisions
    from geoplan.documents.review.store import read_drafts, record_file, summarise

    if output.resolve() in {draft.resolve(), decisions_path(draft).resolve()}:
        raise GeoplanError(f"{output} is the draft or its decisions; give the records a file of their own.")
    file = read_drafts(draft)
    kept = read_decisions(decisions_path(draft))
    summary = summarise(file.drafts, kept.decisions, undecided)
    # Problems of one draft tell their row; the file is known here.
    made = (replace(one, file=draft.name) if one.row and not one.file else one for one in summary.problems)
    problems = [*file.problems, *kept.problems, *made]
    write_new(output, record_file(summary.records))
    for problem in problems[:_SHOWN]:
        print(f"note: {problem}")
    if len(problems) > _SHOWN:
        print(f"note: and {len(problems) - _SHOWN} more.")
    print(_summary_text(summary, output))
    plans = {record.plan for record in summary.records}
    if plans and output.stem not in plans:
        print(f"note: record files are named for their plan; `geoplan check` will read {plans.pop()}.csv only.")


def _adopt(draft: Path, reviewed: Path, by: str) -> None:
    from datetime import UTC, datetime

    from geoplan.documents.review.adopt import adopt_records, is_label_only
    from geoplan.documents.review.decisions import Action, append_decisions, decisions_path
    from geoplan.documents.review.store import read_drafts
    from geoplan.records import read_records

    path = decisions_path(draft)
    if path.exists():
        raise GeoplanError(f"{path} has decisions already; they are not mixed with others. Move it away first.")
    drafts = read_drafts(draft).drafts
    records = read_records(reviewed)
    if records.problems:
        raise GeoplanError(f"{reviewed} has wrong cells; mend them first. The first: {records.problems[0]}")
    made = adopt_records(drafts, records.records, datetime.now(UTC).isoformat(timespec="seconds"), by)
    append_decisions(path, made)
    corrected = [one for one in made if one.action is Action.CORRECT]
    labels = sum(map(is_label_only, corrected))
    rejected = sum(one.action is Action.REJECT for one in made)
    added = sum(one.action is Action.ADD for one in made)
    print(
        f"{path}: {len(made)} decisions on {len(drafts)} drafts for {len(records.records)} records: "
        f"{len(drafts) - len(corrected) - rejected} drafts right as they are, {labels} with another label or span, "
        f"{len(corrected) - labels} corrected, {rejected} rejected; {added} records added."
    )


def _summary_text(summary: ReviewSummary, output: Path) -> str:
    made = ", ".join(f"{count} {action}" for action, count in summary.decisions.items()) or "none"
    undone = f", {summary.undone} changed or undone" if summary.undone else ""
    lines = [
        f"{output}: {len(summary.records)} records of {summary.drafts} drafts.",
        f"Decisions: {sum(summary.decisions.values())} ({made}{undone}).",
        f"Without a decision: {summary.unchecked} kept as drafted, {summary.dropped} dropped.",
    ]
    return "\n".join(lines)


def _serve(draft: Path, plan: Path | None, area: str | None, by: str, port: int | None, *, opens: bool) -> None:
    settings = settings_here()
    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        raise GeoplanError("the review needs the extra 'serve': pip install 'geoplan[serve]'.")
    if find_spec("services") is None:
        raise GeoplanError("the review is in services/ of a clone of the project; run it there.")
    from geoplan.documents.outline import load_outline
    from geoplan.documents.review.context import plan_text
    from geoplan.documents.review.store import read_drafts

    drafts = read_drafts(draft).drafts
    doc = drafts[0].id.partition("-")[0] if drafts else ""
    registered = _registered(settings, doc)
    document = _document(settings, registered, plan)
    text = plan_text(document) if document is not None else None
    outline = load_outline(settings.layers_dir / "outlines" / f"{doc}.csv") if doc else None
    build = _build(settings)
    if area is None:
        area = registered.area if registered else _own_area(document, build)
    token = secrets.token_urlsafe(24)
    # By name: the library does not import its services.
    create: Any = importlib.import_module("services.review.app").create_review_app
    application = create(draft, text, build, token, viewer_dir=settings.viewer_dir, area=area, by=by, outline=outline)
    if text is None:
        print(f"The sentences are not shown: give the plan with --plan FILE, or keep it once with {_KEEP}.")
    if build is None:
        print("Nothing is drawn: there is no build yet; `geoplan build` makes one.")
    elif not area:
        print("Places are looked up in the whole country: give the plan's own area with --area, e.g. 山西省/长治市.")
    with _listening(port) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/#token={token}"
        print(f"The review of {draft.name} ({len(drafts)} drafts) is at {address} (stop with Ctrl-C).", flush=True)
        threading.Thread(target=application.state.prepare, daemon=True).start()
        if opens:
            webbrowser.open(address)
        import uvicorn

        uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listener])


_KEEP = "`geoplan plans add FILE`"


def _listening(port: int | None) -> socket.socket:
    """A socket on this machine only; without a port 8010, or a free one where that is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port or _DEFAULT_PORT))
    except OSError:
        if port is not None:
            listener.close()
            raise GeoplanError(f"port {port} is taken; choose another with --port.") from None
        listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


def _document(settings: Settings, registered: PlanDocument | None, plan: Path | None) -> Document | None:
    """The plan as read: the file that was named, or the copy that the user keeps."""
    from geoplan.documents.library import find_copy
    from geoplan.documents.reading import read_document

    if plan is None:
        kept = find_copy(settings, registered.sha256) if registered else None
        return read_document(kept) if kept is not None else None
    document = read_document(plan)
    if registered is not None and document.sha256 != registered.sha256:
        print(f"note: {plan.name} is not the registered copy of '{registered.id}' (sha256); lines may differ.")
    return document


def _own_area(document: Document | None, build: Build | None) -> str:
    """Area that the text of a plan tells; empty when nothing tells it."""
    if document is None or build is None:
        return ""
    from geoplan.documents.facts.area import find_area
    from geoplan.layers.store import gazetteer

    names = gazetteer(build)
    try:
        return "/".join(names.path(find_area(document, names).code))
    except DocumentError:
        return ""


def _build(settings: Settings) -> Build | None:
    from geoplan.layers.store import open_build

    try:
        return open_build(settings.build_dir)
    except BuildError:
        return None


def _registered(settings: Settings, doc: str) -> PlanDocument | None:
    """The plan with that id, where the project lists it."""
    from geoplan.documents import load_plans

    try:
        return load_plans(settings.layers_dir / "plans.toml").get(doc)
    except LayerError:
        return None
