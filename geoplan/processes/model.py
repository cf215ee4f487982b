"""What a process is: a description, a model of its inputs, and a function that writes its outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class Inputs(BaseModel):
    """Inputs of a process; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def collections(self) -> tuple[str, ...]:
        """Ids of the collections that the process reads."""
        return ()

    def copied(self) -> tuple[str, ...]:
        """Ids of those whose features its outputs hold, so that these grow as large as they are."""
        return ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a run may use.

    Attributes
    ----------
    folder
        Its own folder; outputs are written here and nowhere else.
    packs
        Folder of the pack by collection id.
    progress
        Called with the step, how many steps are done, and how many there are.
    """

    folder: Path
    packs: dict[str, Path]
    progress: Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a run: a file of its folder, or a small JSON value."""

    media_type: str
    file: str | None = None
    value: Any = None


class Run(Protocol):
    """The work of a process."""

    def __call__(self, inputs: Any, context: Context) -> dict[str, Output]:
        """Run with checked inputs; returns the outputs by name."""
        ...


@dataclass(frozen=True, slots=True)
class Process:
    """One process, in the words of OGC API - Processes.

    Attributes
    ----------
    outputs
        Media type of each output by its name.
    """

    id: str
    version: str
    title: str
    description: str
    inputs: type[Inputs]
    outputs: dict[str, str]
    run: Run
