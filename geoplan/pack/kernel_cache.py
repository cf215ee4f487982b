"""What numba keeps on the disk is thrown away when any kernel's source has changed.

numba looks at the file of a compiled function only, not at the files of the functions that were compiled into it: after
an update of one of those it would go on with the old code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGES = ("pack", "tiles", "query")
"""Packages with kernels."""
STAMP = "kernels.stamp"


def state_of_sources(package: Path = Path(__file__).parents[1]) -> str:
    """Hash of the sizes and times of all sources that may hold kernels."""
    files = sorted(path for name in PACKAGES for path in (package / name).glob("*.py"))
    states = [(path.name, path.stat()) for path in files]
    text = repr([(name, state.st_size, state.st_mtime_ns) for name, state in states])
    return hashlib.sha256(text.encode()).hexdigest()


def discard_stale(package: Path = Path(__file__).parents[1]) -> bool:
    """Remove compiled kernels that are older than a change of the sources; whether there was one.

    Parameters
    ----------
    package
        Folder of the package `geoplan`. Where it cannot be written to, numba keeps nothing there either.
    """
    current = state_of_sources(package)
    stamp = package / PACKAGES[0] / "__pycache__" / STAMP
    try:
        if stamp.is_file() and stamp.read_text("ascii") == current:
            return False
        for name in PACKAGES:
            for compiled in (package / name / "__pycache__").glob("*.nb[ic]"):
                compiled.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(current, "ascii")
    except OSError:
        return False
    return True
