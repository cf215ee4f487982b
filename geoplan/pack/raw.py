"""Growing arrays on the disk: written piece by piece, mapped when they are complete."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_PAGE = mmap.PAGESIZE


def release_pages(values: NDArray[Any]) -> None:
    """Give back the pages that hold an array (C order), if it is mapped from a file; other memory is left alone.

    The values stay readable: who reads them again, in this or another thread, gets them from the file.
    """
    owner: Any = values
    while isinstance(owner, np.ndarray):
        owner = owner.base
    owner = owner.obj if isinstance(owner, memoryview) else owner
    if isinstance(owner, mmap.mmap) and values.size:
        begin = values.__array_interface__["data"][0] - np.frombuffer(owner, np.uint8).__array_interface__["data"][0]
        first = begin // _PAGE * _PAGE
        owner.madvise(mmap.MADV_DONTNEED, first, begin + values.nbytes - first)


class RawArrays:
    """Arrays by name in one folder.

    A process is charged for the pages of a mapped file that it has touched; `release` gives them back, so that an
    array larger than the memory can be passed through it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._streams: dict[str, BinaryIO] = {}
        self._maps: dict[str, tuple[int, mmap.mmap]] = {}

    def append(self, name: str, values: NDArray[Any]) -> None:
        """Add values to the end of an array."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = (self._folder / name).open("wb")
        # Not numpy's tofile: its message on a full disk does not say so.
        stream.write(memoryview(np.ascontiguousarray(values).view(np.uint8).data).cast("B") if values.size else b"")

    def load(self, name: str, dtype: Any, width: int = 0) -> NDArray[Any]:
        """An array as it now is, mapped: (n), or (n, width)."""
        stream = self._streams.pop(name, None)
        if stream is not None:
            stream.close()
        path = self._folder / name
        shape = (-1, width) if width else (-1,)
        if not path.is_file() or path.stat().st_size == 0:
            return np.zeros(0, dtype).reshape((0, width) if width else (0,))
        with path.open("rb") as opened:
            mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        found = np.frombuffer(mapped, dtype)
        self._maps[name] = (found.__array_interface__["data"][0], mapped)
        return found.reshape(shape)

    def release(self, address: int, size: int) -> None:
        """Give back the pages of mapped bytes; other memory is left alone."""
        for start, mapped in self._maps.values():
            if start <= address and address + size <= start + len(mapped):
                first = (address - start) // _PAGE * _PAGE
                mapped.madvise(mmap.MADV_DONTNEED, first, min(len(mapped), address - start + size) - first)

    def release_all(self) -> None:
        """Give back the pages of all mapped arrays."""
        for _, mapped in self._maps.values():
            mapped.madvise(mmap.MADV_DONTNEED)

    def remove(self, name: str) -> None:
        """Delete an array that is not needed again (its mapping, if any, lives on)."""
        (self._folder / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Close what is still open."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
