"""Long measurements, apart from the tests; run by `make bench`."""
