"""The layer pack: a layer in the form in which tiles and queries read it, memory-mapped from plain Arrow files."""
