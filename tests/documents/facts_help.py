"""Extraction of sentences made for a test, in a form that a test can write down."""

from __future__ import annotations

from geoplan.documents.document import Document
from geoplan.documents.facts.area import find_area
from geoplan.documents.facts.draft import Draft
from geoplan.documents.facts.extract import Area, Extraction, extract_facts
from geoplan.documents.places import PlaceFinder, load_finder
from geoplan.documents.reading import document_from_text
from geoplan.gazetteer import Gazetteer

XINZHOU = "山西省/忻州市"
Brief = tuple[str, list[str], list[str]]
"""Kind, official names of the places (of the area in angle brackets, where there is none) and figures of a draft."""


class Reader:
    """Extraction from texts, with the finders of the areas that were asked for before."""

    def __init__(self, names: Gazetteer) -> None:
        self.names = names
        self.finders: dict[str, PlaceFinder] = {}

    def __repr__(self) -> str:
        return "Reader"  # else hypothesis prints the gazetteer

    def read(self, text: str, area: str = XINZHOU) -> tuple[Document, Extraction]:
        document = document_from_text(text, "trial")
        own = self.area(document, area)
        return document, extract_facts(document, self.finder(own.code), own)

    def area(self, document: Document, given: str = "") -> Area:
        return find_area(document, self.names, given)

    def finder(self, code: str) -> PlaceFinder:
        if code not in self.finders:
            self.finders[code] = load_finder(self.names, code)
        return self.finders[code]

    def drafts(self, text: str, area: str = XINZHOU) -> tuple[Draft, ...]:
        return self.read(text, area)[1].drafts

    def facts(self, text: str, area: str = XINZHOU) -> list[Brief]:
        return [brief(draft) for draft in self.drafts(text, area)]

    def one(self, text: str, area: str = XINZHOU) -> Draft:
        (draft,) = self.drafts(text, area)
        return draft


def brief(draft: Draft) -> Brief:
    places = [place.mention.name for place in draft.places] or [f"<{draft.scope}>"]
    return draft.kind.value, places, [quantity.text for quantity in draft.quantities]


def stacked(title: str, *rows: list[str]) -> str:
    """A table as a text export prints it: one cell a line behind a tab, a blank line after each row."""
    cells = [line for row in rows for line in [*("\t" + cell for cell in row), ""]]
    return "\n".join([title, "", *cells, "", "第二章 保障措施", ""])
