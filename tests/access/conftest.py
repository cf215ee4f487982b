"""A clock, a key file, and an identity provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.identity_provider import Provider, running_provider
from tests.key_files import Clock, write_keys


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    return partial(write_keys, tmp_path / "keys.json")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as made:
        yield made
