"""Extraction measured against hand-marked passages."""
