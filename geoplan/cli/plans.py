"""`geoplan plans`: one's own copies of plan texts, which citations are opened in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from geoplan.cli.console import settings_here, write_new

plans_app = typer.Typer(
    help="Keep your own copies of plans, so that citations open at their sentence.", no_args_is_help=True
)


@plans_app.command("add", epilog="Example: geoplan plans add xinzhou.txt")
def add(file: Annotated[Path, typer.Argument(help="Text of a plan: txt, md, html, docx or text pdf.")]) -> None:
    """Keep a copy of a plan, outside the project and for your eyes only."""
    from geoplan.documents.library import add_copy

    kept = add_copy(settings_here(), file)
    done = "kept" if kept.new else "was kept already"
    if kept.plan is None:
        print(
            f"{file.name} {done} ({kept.sha256[:12]}). It is no registered plan: no record cites it. "
            "If it should be one, its bytes differ from the registered text; `geoplan plans list` names the plans."
        )
        return
    mended = " Line ends or encoding differed; the copy has the registered form." if kept.mended else ""
    print(f"{kept.plan.id} {done}: {kept.plan.title}.{mended}")


@plans_app.command("list", epilog="Example: geoplan plans list --format json")
def list_(
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """List the registered plans, which of them you have a copy of, and your other copies."""
    from geoplan.documents.library import by_hash, copies

    settings = settings_here()
    kept = {copy.sha256: copy for copy in copies(settings)}
    rows = [(plan.id, plan.title, plan.lines, sha256) for sha256, plan in by_hash(settings).items()]
    rows += [("", "", 0, sha256) for sha256, copy in kept.items() if copy.plan is None]
    if format_ == "json":
        keys = ("id", "title", "lines", "sha256")
        listed = [dict(zip(keys, row, strict=True)) | {"copy": row[3] in kept} for row in rows]
        print(json.dumps({"folder": str(settings.plans_dir), "plans": listed}, ensure_ascii=False, indent=1))
        return
    table = Table("id", "title", "lines", "sha256", "copy")
    for plan_id, title, lines, sha256 in rows:
        name = plan_id or "(not registered)"
        table.add_row(name, title, str(lines or ""), sha256[:12], "yes" if sha256 in kept else "no")
    Console().print(table)
    print(f"Copies are in {settings.plans_dir}.")


@plans_app.command("remove", epilog="Example: geoplan plans remove xinzhou")
def remove(name: Annotated[str, typer.Argument(help="Id of the plan, or the beginning of the copy's sha256.")]) -> None:
    """Remove a copy again."""
    from geoplan.documents.library import remove_copy

    kept = remove_copy(settings_here(), name)
    print(f"the copy of {kept.plan.id if kept.plan else kept.sha256[:12]} is removed.")


@plans_app.command("outline", epilog="Example: geoplan plans outline xinzhou")
def outline(plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="Id of a registered plan.")]) -> None:
    """Write the chapter and section numbers of a plan by line, from your copy, into layers/outlines."""
    from geoplan.documents.citing import open_copy
    from geoplan.documents.outline import outline_of, outline_text
    from geoplan.documents.plans import load_plans
    from geoplan.errors import DocumentError

    settings = settings_here()
    plan = load_plans(settings.layers_dir / "plans.toml").get(plan_id)
    if plan is None:
        raise DocumentError(f"there is no registered plan {plan_id!r}; `geoplan plans list` names them.")
    document = open_copy(settings, plan)
    if document is None:
        raise DocumentError(f"there is no copy of {plan_id}; add one with `geoplan plans add FILE`.")
    found = outline_of(document)
    path = settings.layers_dir / "outlines" / f"{plan_id}.csv"
    path.parent.mkdir(exist_ok=True)
    write_new(path, outline_text(found).encode())
    print(f"layers/outlines/{path.name}: {len(found.lines)} headings, numbers only.")
