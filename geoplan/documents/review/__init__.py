"""Review of drafted facts: decisions beside the draft, and the reviewed records they make."""

from geoplan.documents.review.apply import Reviewed, apply_decisions
from geoplan.documents.review.decisions import (
    Action,
    Anchor,
    Decision,
    append_decisions,
    decisions_path,
    read_decisions,
)
from geoplan.documents.review.matching import DraftFact
from geoplan.documents.review.store import read_drafts, record_file, summarise

__all__ = [
    "Action",
    "Anchor",
    "Decision",
    "DraftFact",
    "Reviewed",
    "append_decisions",
    "apply_decisions",
    "decisions_path",
    "read_decisions",
    "read_drafts",
    "record_file",
    "summarise",
]
