"""The closed vocabularies: every term has its labels."""

from __future__ import annotations

import doctest
import re
from enum import StrEnum

import pytest

from geoplan import terms
from geoplan.terms import LABELS, THEMES, Label, Level, Precision, Qualifier, label

VOCABULARIES = [kind for kind in vars(terms).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
MEMBERS = [
    pytest.param(member, id=f"{kind.__name__}-{member}")
    for kind in VOCABULARIES
    if kind is not StrEnum
    for member in kind
]
HAN = re.compile(r"[\u3400-\u9fff]")


@pytest.mark.parametrize("member", MEMBERS)
def test_every_term_is_labelled_in_both_languages(member: StrEnum) -> None:
    found = label(member)
    assert found == LABELS[member]
    if member is Qualifier.EXACT:
        assert found == Label("", "")
    else:
        assert HAN.search(found.zh)
        assert found.en.isascii()
        assert found.en


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_is_an_identifier_with_labels(theme: str) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", theme)
    assert HAN.search(label(theme).zh)
    assert label(theme).en.isascii()


def test_no_two_terms_of_a_vocabulary_share_a_label() -> None:
    for kind in VOCABULARIES:
        for texts in zip(*(LABELS[member] for member in kind), strict=True):
            assert len(set(texts)) == len(texts), kind
    for texts in zip(*THEMES.values(), strict=True):
        assert len(set(texts)) == len(texts)


def test_levels_are_in_order_from_the_top() -> None:
    assert list(Level) == ["province", "city", "county", "township", "village"]
    assert set(map(str, Level)) < set(map(str, Precision))


@pytest.mark.parametrize("term", ["gold", "", "Grain", "base"])
def test_a_word_outside_the_vocabulary_has_no_label(term: str) -> None:
    with pytest.raises(KeyError):
        label(term)


def test_examples_in_the_docstrings() -> None:
    result = doctest.testmod(terms)
    assert (result.attempted > 0, result.failed) == (True, 0)
