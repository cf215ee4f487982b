"""Eight bytes at once in compiled code: what numba's own indexing does byte by byte.

Nothing is checked. Whoever stores sees to it that eight (or four) bytes are free behind the position,
and whoever loads that they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _address(context: Any, builder: Any, array_type: Any, array: Any, position: Any, bits: int) -> Any:
    """Pointer to a word of `bits` at a byte of a uint8 array."""
    data = context.make_array(array_type)(context, builder, array).data
    start = builder.gep(data, [position], inbounds=True)
    return builder.bitcast(start, ir.IntType(bits).as_pointer())


def _store(value_type: Any, bits: int) -> Any:
    def typed(_: Any, buffer: Any, position: Any, value: Any) -> Any:  # noqa: ARG001 - numba looks at the number of arguments
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = _address(context, builder, signature.args[0], args[0], args[1], bits)
            builder.store(args[2], pointer).align = 1
            return context.get_dummy_value()

        return types.void(buffer, types.intp, value_type), generate

    return typed


def _load(_: Any, text: Any, position: Any) -> Any:  # noqa: ARG001 - numba looks at the number of arguments
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loaded = builder.load(_address(context, builder, signature.args[0], args[0], args[1], 64))
        loaded.align = 1
        return loaded

    return types.uint64(text, types.intp), generate


store_word = cast("Callable[[Any, Any, Any], None]", intrinsic(_store(types.uint64, 64)))
"""``store_word(buffer, position, value)``: eight bytes, the lowest first."""
store_half = cast("Callable[[Any, Any, Any], None]", intrinsic(_store(types.uint32, 32)))
"""``store_half(buffer, position, value)``: four bytes, the lowest first."""
load_word = cast("Callable[[Any, Any], np.uint64]", intrinsic(_load))
"""``load_word(text, position)``: eight bytes as a uint64, the lowest first."""
