"""The map services against their peers: ``python -m tests.benchmarks.services --help``.

`data` makes the two data sets and `lists` the requests, `load` walks one list against one server,
`rivals` and `servers` start what is compared, `measures` says what is compared and what is expected,
`rounds` runs it in turn, and `report` writes the table.
"""
