"""What changed between two versions of a plan, as a table for a spreadsheet and as a summary."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from geoplan.documents.diff import CLASS_LABELS, Class, Difference, count_classes
from geoplan.records import PlanRecord, Quantity
from geoplan.terms import LABELS, THEMES, Qualifier

COLUMNS = (
    "变化", "名称", "类型", "门类", "指标", "原值", "新值", "原限定", "新限定", "增减",
    "换算单位", "原换算值", "新换算值", "原地点", "新地点", "原行", "新行", "原编号", "新编号", "与何重复", "说明",
)  # fmt: skip
_SHOWN = 40


def difference_table(differences: Sequence[Difference]) -> str:
    """CSV text: one row a changed figure, one a fact whose figures are the same. Unchanged facts are left out.

    The ``增减`` of a figure is the change in percent of the old value; with two bounds, of the bounds.
    """
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\r\n", restval="")
    writer.writeheader()
    for difference in differences:
        if difference.classes != (Class.SAME,):
            writer.writerows(_rows(difference))
    return stream.getvalue()


def difference_summary(differences: Sequence[Difference], old: str, new: str) -> str:
    """Counts of all classes, and the first differences in words, class by class.

    Parameters
    ----------
    old, new
        Names of the two versions.
    """
    counts = count_classes(differences)
    both = [sum(getattr(difference, side) is not None for difference in differences) for side in ("old", "new")]
    words = "，".join(f"{CLASS_LABELS[item].zh} {number}" for item, number in counts.items() if number)
    lines = [f"{old}：{both[0]} 条；{new}：{both[1]} 条。{words or '没有内容'}。"]
    order = list(Class)
    changed = [difference for difference in differences if difference.classes != (Class.SAME,)]
    changed.sort(key=lambda difference: order.index(difference.classes[0]))
    for difference in changed[:_SHOWN]:
        details = f"：{'；'.join(difference.details)}" if difference.details else ""
        lines.append(f"  {class_words(difference)}  {difference.record.id} {difference.record.name}{details}")
    if len(changed) > _SHOWN:
        lines.append(f"  另有 {len(changed) - _SHOWN} 条，见表（-o）。")
    return "\n".join(lines)


def class_words(difference: Difference) -> str:
    """The classes of a difference in Chinese, joined: 移位、上调."""
    return "、".join(CLASS_LABELS[item].zh for item in difference.classes)


def _rows(difference: Difference) -> list[dict[str, object]]:
    old, new, record = difference.old, difference.new, difference.record
    row: dict[str, object] = {
        "变化": class_words(difference), "名称": record.name, "类型": LABELS[record.kind].zh,
        "门类": THEMES[record.theme].zh, "原地点": _places(old), "新地点": _places(new),
        "原行": old.citation.line if old else "", "新行": new.citation.line if new else "",
        "原编号": old.id if old else "", "新编号": new.id if new else "", "与何重复": difference.repeats,
        "说明": "；".join(difference.details),
    }  # fmt: skip
    if difference.figures:
        return [row | _figure(change.old, change.new, change.share) for change in difference.figures]
    figures = record.quantities if old is None or new is None else ()
    sides = [(None, figure) if old is None else (figure, None) for figure in figures]
    return [row | _figure(before, after, None) for before, after in sides] or [row]


def _figure(old: Quantity | None, new: Quantity | None, share: object) -> dict[str, object]:
    figure = new or old
    row: dict[str, object] = {
        "指标": LABELS[figure.measure].zh if figure else "", "换算单位": figure.unit_si if figure else "",
        "增减": "" if share is None else f"{float(share) * 100:.4g}%",  # type: ignore[arg-type]
    }  # fmt: skip
    for side, quantity in (("原", old), ("新", new)):
        if quantity is not None:
            exact = quantity.qualifier is Qualifier.EXACT
            row[f"{side}值"] = quantity.text
            row[f"{side}限定"] = "确数" if exact else LABELS[quantity.qualifier].zh
            row[f"{side}换算值"] = f"{quantity.value_si:f}"
    return row


def _places(record: PlanRecord | None) -> str:
    if record is None:
        return ""
    return "；".join([*("/".join(place.path) for place in record.places), *filter(None, [record.region])])
