"""Ctrl-C while a function is being compiled: the command stops, and nothing is printed of it."""

from __future__ import annotations

import signal
import subprocess
import sys

COMPILING = """
import signal, sys, time
from numba import njit
from geoplan.cli.interrupts import keep_out_of_callbacks

def interrupt(frame, event, _argument):
    if event == "call" and frame.f_code.co_name == "_raw_object_cache_notify":
        sys.setprofile(None)
        signal.raise_signal(signal.SIGINT)

if sys.argv[1] == "kept":
    keep_out_of_callbacks()
try:
    sys.setprofile(interrupt)
    njit(lambda number: number + 1)(1)
    time.sleep(3)
    print("went on")
except KeyboardInterrupt:
    print("stopped")
"""
ANYWHERE = """
import signal
from geoplan.cli.interrupts import keep_out_of_callbacks

keep_out_of_callbacks()
try:
    signal.raise_signal(signal.SIGINT)
    print("went on")
except KeyboardInterrupt:
    print("stopped")
"""


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_interrupt_in_a_callback_stops_the_command_a_moment_later() -> None:
    done = run(COMPILING, "kept")
    assert (done.stdout, done.stderr, done.returncode) == ("stopped\n", "", 0)


def test_without_it_the_interrupt_is_printed_and_lost() -> None:
    done = run(COMPILING, "lost")
    assert "Exception ignored" in done.stderr
    assert "stopped" not in done.stdout


def test_an_interrupt_anywhere_else_stops_it_at_once() -> None:
    assert run(ANYWHERE).stdout == "stopped\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
