"""Facts that statements make: what is promised or stated, where, how much, by when."""
