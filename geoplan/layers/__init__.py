"""Declared layers: records and boundaries joined into frames with a schema, a legend, sources and a join report."""
