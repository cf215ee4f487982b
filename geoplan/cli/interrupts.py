"""Ctrl-C that is not lost in the compiler of the loops."""

from __future__ import annotations

import signal
from types import FrameType

_AGAIN_S = 0.02
_CALLBACKS = ("_raw_object_cache_notify", "_raw_object_cache_getbuffer")
"""Functions of llvmlite that LLVM calls while it makes machine code."""


def keep_out_of_callbacks() -> None:
    """Let Ctrl-C stop the command a moment later when LLVM has just called back.

    No exception can pass LLVM: one that is raised there is printed and lost, and what was being compiled is missing.
    Where there are no timers (Windows) Ctrl-C stays as it is.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_name in _CALLBACKS:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
            return
        frame = frame.f_back
    raise KeyboardInterrupt
