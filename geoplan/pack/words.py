"""Memory in compiled code: eight bytes at once, where numba's own indexing goes byte by byte, and asking ahead.

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

_PREFETCH = "llvm.prefetch.p0i8"


def _address(context: Any, builder: Any, array_type: Any, array: Any, position: Any, bits: int) -> Any:
    """Pointer to a word of `bits` at a byte of a uint8 array."""
    data = context.make_array(array_type)(context, builder, array).data
    start = builder.gep(data, [position], inbounds=True)
    return builder.bitcast(start, ir.IntType(bits).as_pointer())


def _prefetch(_: Any, array: Any, place: Any) -> Any:  # noqa: ARG001 - numba looks at the number of arguments
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.globals.get(_PREFETCH) or ir.Function(builder.module, kind, _PREFETCH)
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), byte)
        read, keep, is_data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [pointer, read, keep, is_data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


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


def _copy(_: Any, buffer: Any, position: Any, text: Any, start: Any) -> Any:  # noqa: ARG001 - numba looks at the number of arguments
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), CHUNK).as_pointer()
        places = []
        for array_type, array, place in ((signature.args[0], *args[:2]), (signature.args[2], *args[2:])):
            data = context.make_array(array_type)(context, builder, array).data
            places.append(builder.bitcast(builder.gep(data, [place], inbounds=True), kind))
        loaded = builder.load(places[1])
        loaded.align = 1
        builder.store(loaded, places[0]).align = 1
        return context.get_dummy_value()

    return types.void(buffer, types.intp, text, types.intp), generate


CHUNK = 32
"""Bytes that `copy_chunk` copies."""
copy_chunk = cast("Callable[[Any, Any, Any, Any], None]", intrinsic(_copy))
"""``copy_chunk(buffer, position, text, start)``: 32 bytes at once."""
store_word = cast("Callable[[Any, Any, Any], None]", intrinsic(_store(types.uint64, 64)))
"""``store_word(buffer, position, value)``: eight bytes, the lowest first."""
store_half = cast("Callable[[Any, Any, Any], None]", intrinsic(_store(types.uint32, 32)))
"""``store_half(buffer, position, value)``: four bytes, the lowest first."""
load_word = cast("Callable[[Any, Any], np.uint64]", intrinsic(_load))
"""``load_word(text, position)``: eight bytes as a uint64, the lowest first."""
prefetch = cast("Callable[[Any, Any], None]", intrinsic(_prefetch))
"""``prefetch(array, place)``: ask for the memory of an element, counted through all axes, without waiting for it."""
