"""PostGIS as a source: a table pulled into a layer pack, or served live while others edit it.

Both ways give the same answers, because both make the same arrays of the same rows: pulling
streams a consistent snapshot of the table into `geoplan.pack.build_pack`, a live layer reads the
rows of the asked area and makes a part in memory, which the same kernels then encode.
"""
