"""Where a fact comes from: document, line, span; and the hash of the bytes it was read from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Citation:
    """The words of a plan that state a fact.

    Attributes
    ----------
    plan
        Id of the plan document, as in ``layers/plans.toml``.
    line
        Line of the plan's text, counted from 1.
    start, end
        Characters ``[start, end)`` within that line.
    """

    plan: str
    line: int
    start: int
    end: int

    def __post_init__(self) -> None:
        if self.line < 1 or not 0 <= self.start < self.end:
            raise ValueError(f"not a citation: line {self.line}, span {self.start}-{self.end}")

    @property
    def span(self) -> str:
        """The span as ``start-end``, as it is written in a record file."""
        return f"{self.start}-{self.end}"


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_parts(*parts: str) -> str:
    """SHA-256 over several texts; moving a boundary between two texts changes the result."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()
