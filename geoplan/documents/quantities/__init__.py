"""Figures of plan prose: number, unit, bound, period, and what they measure."""

from geoplan.documents.quantities.amount import Amount
from geoplan.documents.quantities.cells import read_cell
from geoplan.documents.quantities.find import find_amounts
from geoplan.documents.quantities.periods import Period, find_periods

__all__ = ["Amount", "Period", "find_amounts", "find_periods", "read_cell"]
