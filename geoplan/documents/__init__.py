"""Plan documents: the registered ones that records cite, and the reading of new ones into drafted facts."""

from geoplan.documents.plans import PlanDocument, check_against_text, check_citations, load_plans

__all__ = ["PlanDocument", "check_against_text", "check_citations", "load_plans"]
