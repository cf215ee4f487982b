"""Compiling before the first request: numba keeps what it has compiled on the disk."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path


def warm() -> None:
    """Compile everything that makes a part; at once where an earlier process has."""
    import numpy as np
    import shapely

    from geoplan.pack.assemble import memory_part
    from geoplan.pack.generalize import thin_rings
    from geoplan.pack.levels import LevelRule, build_levels

    table = {"text": ["a", None, "b"], "whole": [1, 2, None], "real": [0.5, None, 2.0], "yes": [True, None, False]}
    memory_part(table, [shapely.box(0, 0, 1, 1), None, shapely.Point(1, 1)])
    squares = memory_part({"class": ["a", "b"]}, [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    for _ in build_levels(squares, LevelRule(dissolve=("class",), max_zoom=2)):
        pass
    thin_rings(np.array([0, 4]), np.array([[0, 0], [1, 0], [0, 1], [0, 0]]), 1.0)


@cache
def compile_once() -> None:
    """`warm`, once in a process, while no other process does the same."""
    one_by_one(warm)


def one_by_one(*compilers: Callable[[], None]) -> None:
    """Run functions that compile, while no other process of the user does.

    Two processes that compile one function for different arguments at the same time can each save theirs under the
    other's name in numba's cache. Where no lock can be had (a home that is read only) there is no cache either.
    """
    with ExitStack() as stack:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "geoplan"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = stack.enter_context((folder / "compiling.lock").open("w"))
            fcntl.flock(stream, fcntl.LOCK_EX)
        except (OSError, RuntimeError):
            pass
        for compile_kernels in compilers:
            compile_kernels()
