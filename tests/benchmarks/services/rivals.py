"""The rivals: TiPG on PostGIS, DuckDB behind an application of its own, nginx with files."""

from __future__ import annotations

import getpass
import gzip
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely

from tests.benchmarks.services.servers import WORKERS, Server, Workspace, needed, read_through, running

POSTGRES_PORT = 5499
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
shared_buffers = 2GB
effective_cache_size = 8GB
work_mem = 64MB
maintenance_work_mem = 1GB
max_wal_size = 8GB
random_page_cost = 1.1
effective_io_concurrency = 200
synchronous_commit = off
jit = off
"""
TYPES = {pa.int64(): "bigint", pa.float64(): "double precision"}
INDEXES = {
    "counties": ("using gist (geom)", "(adcode)"),
    "parcels": ("using gist (geom)", "(parcel_no)", "(dlbm)", "(dlbm, year)"),
}
SHAPES = {"counties": "MultiPolygon", "parcels": "Polygon"}
TIPG = {
    "POSTGRES_USER": "geo", "POSTGRES_PASS": "geo", "POSTGRES_HOST": "127.0.0.1", "POSTGRES_DBNAME": "geo",
    "POSTGRES_PORT": str(POSTGRES_PORT),
    # Every feature of a tile and the buffer that geoplan has; no time lost on what is not asked for.
    "TIPG_TILE_BUFFER": "64", "TIPG_MAX_FEATURES_PER_TILE": "1000000", "TIPG_DB_SPATIAL_EXTENT": "false",
    "TIPG_DB_FUNCTIONS": "[]", "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public"]',
    "TIPG_TABLE_CONFIG": '{"public_parcels":{"pk":"fid"},"public_counties":{"pk":"fid"}}',
}  # fmt: skip
NGINX = """
{user}
worker_processes {workers};
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  open_file_cache max=20000;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      root {folder}/tiles;
      default_type application/vnd.mapbox-vector-tile;
      add_header Content-Encoding gzip;
    }}
  }}
}}
"""


def postgres(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL as its own user, which it asks for where we are root."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    command = [needed(program, *map(str, places)), *arguments]
    if os.geteuid() == 0:
        command = [needed("runuser"), "-u", "postgres", "--", *command]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", env=os.environ | {"LC_ALL": "C.UTF-8"})


def sql(*statements: str, user: str = "geo", database: str = "geo", rows: Iterable[bytes] = ()) -> str:
    """Run statements with psql; `rows` are what a ``COPY ... FROM STDIN`` reads."""
    command = [needed("psql"), "-qAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(POSTGRES_PORT)]
    command += ["-U", user, "-d", database, *(part for text in statements for part in ("-c", text))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        for piece in rows:
            process.stdin.write(piece)
        process.stdin.close()
        answer = process.stdout.read().decode()
    if process.returncode:
        raise SystemExit(f"psql failed at: {statements[-1][:200]}")
    return answer.strip()


def csv_pieces(path: Path) -> Iterator[bytes]:
    """A GeoParquet file as CSV, its geometry as EWKB in hex."""
    options = pyarrow.csv.WriteOptions(include_header=False)
    for batch in pq.ParquetFile(path).iter_batches(50_000):
        table = pa.Table.from_batches([batch])
        shapes = shapely.set_srid(shapely.from_wkb(table["geometry"].to_numpy()), 4326)
        text = pa.array(shapely.to_wkb(shapes, hex=True, include_srid=True), pa.large_string())
        sink = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table.drop_columns("geometry").append_column("geom", text), sink, options)
        yield sink.getvalue().to_pybytes()


def load_table(path: Path, table: str) -> None:
    """Load a file as a table with its indexes."""
    schema = pq.read_schema(path)
    fields = [f'"{field.name}" {TYPES.get(field.type, "text")}' for field in schema if field.name != "geometry"]
    columns = ", ".join([*fields, f"geom geometry({SHAPES[table]}, 4326)"])
    sql(f"create table {table} ({columns})", f"copy {table} from stdin with (format csv)", rows=csv_pieces(path))
    sql(f"alter table {table} add primary key (fid)", *(f"create index on {table} {index}" for index in INDEXES[table]))
    sql(f"vacuum analyze {table}")


def prewarm() -> None:
    """Bring tables and indexes into the database's own memory, which holds them all."""
    sql("set client_min_messages = warning", "create extension if not exists pg_prewarm")
    relations = "from pg_class where relowner = 'geo'::regrole and relkind in ('r', 'i', 't')"
    sql("select sum(pg_prewarm(oid::regclass)) " + relations)


@contextmanager
def postgis(work: Workspace) -> Iterator[int]:
    """PostgreSQL with the data loaded; yields its first process."""
    folder = work.root.resolve() / "pg"
    if not (folder / "PG_VERSION").exists():
        folder.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        postgres("initdb", "-D", str(folder), "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust")
        with (folder / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(port=POSTGRES_PORT, folder=folder))
    postgres("pg_ctl", "-D", str(folder), "-l", str(folder / "log"), "-w", "start")
    try:
        # The rights of the cluster's own first user are those of the operating system's.
        first = "postgres" if os.geteuid() == 0 else getpass.getuser()
        if not sql("select 1 from pg_database where datname = 'geo'", user=first, database="postgres"):
            sql("create role geo login superuser", "create database geo owner geo", user=first, database="postgres")
            sql("create extension postgis")
        for table in SHAPES:
            if sql(f"select to_regclass('{table}')") != table:
                load_table(work.source(table), table)
        yield int((folder / "postmaster.pid").read_text().split()[0])
    finally:
        postgres("pg_ctl", "-D", str(folder), "-m", "fast", "-w", "stop")


def uvicorn(work: Workspace, application: str, port: int) -> list[str]:
    """The command of an application in Python."""
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]
    return [work.rival("uvicorn"), application, *options, "--no-access-log", "--log-level", "warning"]


@contextmanager
def tipg(work: Workspace, port: int) -> Iterator[Server]:
    """TiPG with PostGIS behind it, every feature in the tiles."""
    with postgis(work) as database:
        command, log = uvicorn(work, "tipg.main:app", port), work.root / "logs" / "tipg.log"
        with running("TiPG", port, command, log=log, env=os.environ | TIPG, cwd=work.root) as server:
            yield replace(server, roots=(*server.roots, database), warm=prewarm)


@contextmanager
def duckdb(work: Workspace, port: int) -> Iterator[Server]:
    """DuckDB, one connection a worker, behind a bare application."""
    database, application = work.root / "parcels.duckdb", Path(__file__).with_name("duck.py")
    if not database.exists():
        subprocess.run([work.rival("python"), application, work.source("parcels"), database], check=True)
    env = os.environ | {"DUCK_DATABASE": str(database.resolve())}
    command, log = uvicorn(work, "duck:app", port), work.root / "logs" / "duckdb.log"
    with running("DuckDB", port, command, log=log, env=env, cwd=application.parent) as server:
        yield replace(server, warm=lambda: read_through(database))


def store_answers(folder: Path, port: int, paths: Sequence[str], names: Sequence[str]) -> None:
    """Keep what a server answers to `paths`, as it is sent, as files of these names."""
    with httpx.Client(headers={"Accept-Encoding": "gzip"}, timeout=120) as client:
        for path, name in zip(paths, names, strict=True):
            with client.stream("GET", f"http://127.0.0.1:{port}{path}") as answer:
                body = b"".join(answer.iter_raw())
                packed = answer.headers.get("Content-Encoding") == "gzip"
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(body if packed else gzip.compress(body))


@contextmanager
def nginx(work: Workspace, port: int) -> Iterator[Server]:
    """nginx with the files under ``nginx/tiles``, which are sent as they lie there, as gzip."""
    folder = work.root.resolve() / "nginx"
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, workers=WORKERS, folder=folder, port=port)
    (folder / "nginx.conf").write_text(text, "utf-8")
    command = [needed("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with running("nginx", port, command, log=work.root / "logs" / "nginx.log", cache="files") as server:
        yield replace(server, warm=lambda: read_through(folder / "tiles"))
