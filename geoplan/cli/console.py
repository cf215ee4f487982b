"""What the commands share: the project they run in, their progress bar, and writing without loss."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from geoplan.errors import GeoplanError
from geoplan.settings import Settings, find_settings

if TYPE_CHECKING:
    from geoplan.pipeline.progress import Progress as Report  # its package loads geopandas


def settings_here(**overrides: object) -> Settings:
    """Settings of the project that the command is run in."""
    return find_settings(os.environ, Path.cwd(), **overrides)


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A progress bar on the error stream; off a terminal one line a step."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step, done, total: console.print(
            f"{title} {min(done + 1, total)}/{total}: {step}", highlight=False
        )
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {step}", completed=done, total=total)

        yield report


def write_new(path: Path, data: bytes) -> None:
    """Write a file in one step: it is there whole, or what was there before is.

    A link is followed; a pipe or device is written to.

    Raises
    ------
    GeoplanError
        If the folder does not exist or cannot be written to.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # by its own name: a pipe behind /dev/stdout has none to resolve to
            return
        target = path.resolve()
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as stream:
            temporary = Path(stream.name)
        try:
            temporary.write_bytes(data)
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise GeoplanError(f"{path} cannot be written: {error.strerror}.") from None
