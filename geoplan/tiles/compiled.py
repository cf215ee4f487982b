"""How the kernels are compiled: without numba's reference counts, for they allocate nothing.

The arrays that a kernel works on belong to its caller for as long as it runs. Counting references to them, an
atomic step at each use of an array of a tuple, would take half of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., Any])

_compile = cast("Callable[..., Any]", njit)
outer = cast("Callable[[_Function], _Function]", _compile(cache=True, nogil=True, _nrt=False))
"""A compiled function that Python calls."""
inner = cast(
    "Callable[[_Function], _Function]",
    _compile(cache=True, nogil=True, _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True),
)
"""A compiled function that only compiled functions call: without the wrappers it compiles several times faster."""

int64 = cast("Callable[[Any], int]", np.int64)
"""A whole number of 64 bits, whatever it was: so that a function is compiled for one type only."""
