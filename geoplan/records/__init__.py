"""The records of a plan: frozen, validated, cited facts, kept as CSV a planner can edit."""

from geoplan.records.model import Mark, PlaceRef, PlanRecord, Quantity
from geoplan.records.table import COLUMNS, read_records, write_records

__all__ = ["COLUMNS", "Mark", "PlaceRef", "PlanRecord", "Quantity", "read_records", "write_records"]
