"""The layer pack: a layer in the form in which tiles and queries read it, memory-mapped from plain Arrow files.

`build` makes one of a source of any size, `assemble` a part in memory, `open` maps one, `verify` checks it, `publish`
puts a version in use. The arrays are described in `part`, the files in `format`.
"""

from __future__ import annotations

from geoplan.pack.kernel_cache import discard_stale

discard_stale()  # before numba reads the first one
