"""Administrative divisions: where their polygons and names come from, and how they are checked."""
