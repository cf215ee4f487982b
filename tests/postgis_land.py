"""The throw-away PostGIS of a run, with seeded land and with nothing: one for all tests that ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from geoplan.sources.postgis.address import Address
from tests import postgis_server

SIDE = 60
"""Parcels along a side."""


@dataclass(frozen=True)
class Land:
    """A database of the cluster."""

    server: postgis_server.Cluster
    address: Address
    database: str = "geoplan"

    def run(self, sql: str) -> str:
        """What psql answers."""
        return self.server.run(sql, self.database)


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgis_server.Cluster]:
    """A PostGIS of this run. Without one its tests are left out; with GEOPLAN_REQUIRE_POSTGIS=1 they fail."""
    reason = postgis_server.missing()
    if reason:
        tell = pytest.fail if os.environ.get("GEOPLAN_REQUIRE_POSTGIS") == "1" else pytest.skip
        tell(reason)
    with postgis_server.cluster() as server:
        server.run("create database empty template geoplan", "postgres")
        yield server


@pytest.fixture(scope="session")
def land(cluster: postgis_server.Cluster) -> Land:
    """A database with seeded parcels and counties that no test changes."""
    from tests.sources.land import load_counties, load_parcels

    load_parcels(cluster, SIDE)
    load_counties(cluster)
    return Land(cluster, Address(cluster.dsn()))


@pytest.fixture
def scratch(cluster: postgis_server.Cluster) -> Land:
    """A database of the test's own, with PostGIS and no tables."""
    cluster.run("drop database if exists scratch with (force)", "postgres")
    cluster.run("create database scratch template empty", "postgres")
    return Land(cluster, Address(cluster.dsn("scratch")), "scratch")
