"""How loops are compiled: kept between runs, and run without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])
compiled = cast("Callable[[_Function], _Function]", njit(cache=True, nogil=True))
"""Compile a function, kept between runs."""
