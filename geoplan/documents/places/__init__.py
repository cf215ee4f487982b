"""Places that plan prose names: divisions, informal regions and sites, with the codes they stand for."""

from geoplan.documents.places.find import PlaceFinder, find_mentions, load_finder

__all__ = ["PlaceFinder", "find_mentions", "load_finder"]
