"""Reports in words: what was built, what was not joined and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoplan.pipeline import BuildResult

_SHOWN_ROWS = 200


def build_summary(result: BuildResult) -> str:
    """One line on a build: what was built, what was not joined, where to look."""
    totals = result.totals
    what = f"built {len(result.rebuilt)} parts" if result.changed else "nothing changed"
    return (
        f"{what} in {result.seconds:.1f} s: {totals['records']} records, {totals['selected']} rows selected, "
        f"{totals['joined']} joined, {totals['unmatched']} not joined, {totals['undrawn']} known by their city only; "
        f"why: `geoplan layers report LAYER`, {result.build.path}/reports"
    )


def join_summary(layer: str, report: dict[str, Any], cite: Callable[[dict[str, Any]], str] | None = None) -> str:
    """The join report of a layer as text, every row that is not drawn with its reason.

    Parameters
    ----------
    cite
        Words for where a row stands in its plan, with its sentence where that is at hand; else ``plan:line``.
    """
    sums = f"{report['selected']} selected = {report['joined']} joined + {report['unmatched']} unmatched"
    lines = [f"{layer}: {sums}; {report['drawn']} drawn, {report['undrawn']} joined but not drawn"]
    lines += [f"  {count:>4} {reason}" for reason, count in report["reasons"].items()]
    rows = report["rows"]
    for row in rows[:_SHOWN_ROWS]:
        cited = f"{row['plan']}:{row['line']} " if row.get("plan") else ""
        lines.append(f"    {cited}{row['name']}: {row['reason']}")
        if cite is not None and row.get("plan"):
            lines += [f"      {line}" for line in cite(row).splitlines()]
    if len(rows) > _SHOWN_ROWS:
        lines.append(f"    and {len(rows) - _SHOWN_ROWS} more; --format json lists them all")
    return "\n".join(lines)
