"""Citations in words: where a fact stands in its plan, and its sentence where the user keeps a copy of the plan."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from geoplan.documents import PlanDocument
from geoplan.documents.citing import CitedText, citation_words, cited_text, open_copy
from geoplan.documents.outline import Outline
from geoplan.errors import BuildError, DocumentError
from geoplan.layers import store
from geoplan.provenance import Citation
from geoplan.settings import Settings

_END = re.compile(r"[。！？；]")
_HINT = "这里没有这份规划的文本；有文本的话：geoplan plans add 规划文本.txt"


@dataclass(frozen=True, slots=True)
class OpenedCitation:
    """A citation with its plan, the chapter it stands in and, where there is a copy, the cited text."""

    plan: PlanDocument
    where: str
    citation: Citation
    text: CitedText | None

    @property
    def words(self) -> str:
        """Plan, chapter, line and characters in Chinese."""
        return citation_words(self.plan.title, self.where, self.citation.line, self.citation.span)

    @property
    def sentence(self) -> str:
        """The sentence with the cited words in 【 and 】, in a table with its cell's heads; empty without a copy."""
        if self.text is None:
            return ""
        before, after = _sentence_around(self.text)
        cell = f"{' › '.join(self.text.cell)}：" if self.text.cell else ""
        return f"{cell}{before}【{self.text.marked.strip()}】{after}".strip()

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.words, self.sentence)))

    def _repr_html_(self) -> str:
        """For notebooks: headings, the sentence with the span marked, and the citation; all text escaped."""
        cite = f'<div style="font-size:smaller;opacity:.75">{html.escape(self.words)}</div>'
        if self.text is None:
            return f'<div lang="zh-CN">{cite}<div style="font-size:smaller">{html.escape(_HINT)}</div></div>'
        names = [*(heading.text.strip() for heading in self.text.headings), *self.text.cell]
        above = f'<div style="font-size:smaller;opacity:.75">{html.escape(" › ".join(names))}</div>' if names else ""
        before, marked, after = (html.escape(part) for part in (self.text.before, self.text.marked, self.text.after))
        quote = f'<blockquote style="margin:.4em 1em">{before}<mark>{marked}</mark>{after}</blockquote>'
        return f'<div lang="zh-CN">{above}{quote}{cite}</div>'


def open_citation(settings: Settings, build: store.Build, citation: Citation) -> OpenedCitation:
    """A citation of one of the build's plans, opened in the user's copy where there is one.

    Raises
    ------
    DocumentError
        If the plan is not known, or its text has no such line or span.
    BuildError
        If the build was made before plans carried the hash of their text.
    """
    stored = next((plan for plan in store.plans(build) if plan["id"] == citation.plan), None)
    if stored is None:
        raise DocumentError(f"there is no plan {citation.plan!r}; `geoplan plans list` names them.")
    if "sha256" not in stored:
        raise BuildError("the build does not know the texts of its plans; run `geoplan build`.")
    plan = PlanDocument(**stored)
    document = open_copy(settings, plan)
    text = None if document is None else cited_text(document, citation.line, (citation.start, citation.end))
    where = store.outlines(build).get(plan.id, Outline()).at(citation.line)
    return OpenedCitation(plan, where, citation, text)


def row_citer(settings: Settings, build: store.Build) -> Callable[[dict[str, Any]], str]:
    """A function that cites a row of a join report (plan, line, span); empty for a row that cites nothing."""

    def cite(row: dict[str, Any]) -> str:
        start, _, end = str(row.get("span") or "").partition("-")
        if not end:
            return ""
        try:
            return str(open_citation(settings, build, Citation(row["plan"], int(row["line"]), int(start), int(end))))
        except (DocumentError, BuildError):
            return ""

    return cite


def _sentence_around(text: CitedText) -> tuple[str, str]:
    """What stands before and after the span in its sentence."""
    begin = max((match.end() for match in _END.finditer(text.before)), default=0)
    end = _END.search(text.after)
    return text.before[begin:].lstrip(), text.after[: end.end()] if end else text.after.rstrip()
