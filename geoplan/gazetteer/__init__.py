"""Place names: one function resolves every name, old or new, short or full, or code."""

from geoplan.gazetteer.index import Division, Gazetteer, load_gazetteer, save_gazetteer
from geoplan.gazetteer.regions import read_regions
from geoplan.gazetteer.resolve import Resolution, Status, resolve_place
from geoplan.gazetteer.search import search_places

__all__ = [
    "Division",
    "Gazetteer",
    "Resolution",
    "Status",
    "load_gazetteer",
    "read_regions",
    "resolve_place",
    "save_gazetteer",
    "search_places",
]
