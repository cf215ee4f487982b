"""How long work tells how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called when a step begins; `total` is the number of steps and may grow."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Step number `done` of `total` begins."""
        ...


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""
