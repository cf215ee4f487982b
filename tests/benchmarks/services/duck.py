"""Features by attribute from DuckDB, as an application of its own: run by uvicorn with the rivals' Python.

``uvicorn duck:app`` with ``DUCK_DATABASE``, made by ``python duck.py PARCELS.parquet DATABASE``.
The answers are those of ``/items?dlbm=&year=&limit=``: GeoJSON with the exact ``numberMatched``, gzip level 1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import duckdb
import duckdb_extension_spatial
from isal import igzip

FEATURE = """
'{"type":"Feature","id":' || fid || ',"geometry":' || ST_AsGeoJSON(geom) || ',"properties":' || to_json({
parcel_no: parcel_no, county: county, dlbm: dlbm, dlmc: dlmc, zone: zone, year: year, price: price, far: far,
area_m2: area_m2})::VARCHAR || '}'
"""
WHERE = "FROM parcels WHERE dlbm = ? AND year > ?"


def connect(database: str, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a database with the spatial extension; one thread a worker, as the load keeps all cores busy."""
    connection = duckdb.connect(database, read_only=read_only)
    connection.execute("SET threads = 1")
    extension = next(Path(duckdb_extension_spatial.__file__).parent.rglob("spatial.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    return connection


def make(parcels: str, database: str) -> None:
    """Load the parcels."""
    connection = connect(database, read_only=False)
    columns = "* EXCLUDE (geometry), geometry::GEOMETRY AS geom"
    connection.execute(f"CREATE TABLE parcels AS SELECT {columns} FROM read_parquet('{parcels}')")  # noqa: S608
    connection.close()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    connection = _opened()
    asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    headers = [(b"content-type", b"application/geo+json"), (b"content-encoding", b"gzip")]
    body = b"{}"
    if asked:
        values = [asked["dlbm"], int(asked["year"])]
        matched = connection.execute(f"SELECT count(*) {WHERE}", values).fetchone()[0]
        found = connection.execute(f"SELECT {FEATURE} {WHERE} LIMIT {int(asked['limit'])}", values).fetchall()
        features = ",".join(row[0] for row in found)
        counted = f'"numberMatched":{matched},"numberReturned":{len(found)}'
        body = f'{{"type":"FeatureCollection",{counted},"features":[{features}]}}'.encode()
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": igzip.compress(body, 1)})


_connections: list[duckdb.DuckDBPyConnection] = []


def _opened() -> duckdb.DuckDBPyConnection:
    if not _connections:
        _connections.append(connect(os.environ["DUCK_DATABASE"], read_only=True))
    return _connections[0]


if __name__ == "__main__":
    make(*sys.argv[1:])
