"""The application. `geoplan serve` runs it; by hand: ``uvicorn --factory services.api.app:create``."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

import geoplan
from geoplan.access.settings import AccessSettings, find_access
from geoplan.errors import SettingsError
from geoplan.pack.warm import one_by_one
from geoplan.pack.warm import warm as warm_pack
from geoplan.query.warm import warm as warm_query
from geoplan.settings import Settings, find_settings
from geoplan.tiles.warm import warm as warm_tiles
from services.api import (
    errors,
    routes_analysis,
    routes_archives,
    routes_health,
    routes_layers,
    routes_ogc,
    routes_places,
    routes_plans,
    routes_processes,
    routes_tiles,
)  # fmt: skip
from services.api.access import Access
from services.api.catalog import Builds
from services.api.cors import cors
from services.api.errors import CatchErrors
from services.api.front import CACHE_BYTES, Front
from services.api.http_cache import HttpCache
from services.api.limits import Limits
from services.api.live import LiveLayers, find_live
from services.api.prompt import Prompt
from services.api.security import Security
from services.api.static import static_router

AUDIT_LOG = "audit.jsonl"
PACKS = "GEOPLAN_PACKS"
"""Environment variable with further packs to serve, parted as a search path."""


CACHE = "GEOPLAN_TILE_CACHE_MIB"
"""Environment variable with the memory of each worker for tiles that are kept."""
MOST_CACHE_MIB = 1 << 20


class Service(FastAPI):
    """A FastAPI application behind a raw front and whatever guards both."""

    outer: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.outer is None:
            await self.behind(scope, receive, send)
        else:
            await self.outer(scope, receive, send)

    @property
    def prompt(self) -> Prompt | None:
        """What answers requests that can be answered at once (`services.api.prompt`), if anything does."""
        return getattr(self.outer, "prompt", None)

    async def behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request past the front."""
        await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    access: AccessSettings | None = None,
    packs: Iterable[Path] = (),
    cache_bytes: int = CACHE_BYTES,
    live: LiveLayers | None = None,
) -> Service:
    """The application over the builds in ``settings.build_dir``.

    Nothing is read before the first request; without a build every data route answers 503.

    Parameters
    ----------
    settings
        Where the builds and the web page are.
    access
        Who may do what; None leaves the application without guards (for tests of what lies behind them).
    packs
        Further packs to serve, by their folders.
    cache_bytes
        Memory of each process for tiles that are kept; 0 keeps none.
    live
        Layers that are read from databases at every request.
    """
    app = Service(
        title="geoplan",
        version=geoplan.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_closing,
        # The outermost first.
        middleware=[Middleware(Security), Middleware(HttpCache), Middleware(CatchErrors)],
    )
    app.state.builds = Builds(settings.build_dir, extra=packs, live=live.collections if live else None)
    app.state.settings = settings
    app.state.live = live
    errors.install(app)
    modules = (routes_layers, routes_tiles, routes_ogc, routes_places, routes_plans, routes_processes, routes_health)
    for module in (*modules, routes_analysis, routes_archives):
        app.include_router(module.router)
    app.include_router(static_router(settings.viewer_dir))
    guards = [] if access is None else [*cors(access), Middleware(Access, access)]
    # The front bounds its own work; bodies and slow answers are those of the application behind it.
    behind = app.behind if access is None else Limits(app.behind)
    app.outer = wrapped(Front(behind, lambda: app.state.builds, cache_bytes), guards)
    return app


@asynccontextmanager
async def _closing(app: FastAPI) -> AsyncIterator[None]:
    """The connections of live layers are closed when the service stops."""
    yield
    if app.state.live is not None:
        await asyncio.to_thread(app.state.live.close)


def wrapped(app: ASGIApp, guards: Sequence[Middleware]) -> ASGIApp:
    """An application within middleware, the outermost first."""
    for guard in reversed(guards):
        app = guard.cls(app, *guard.args, **guard.kwargs)
    return app


def create() -> Service:
    """The application for the environment and the working folder (uvicorn's factory), its kernels compiled.

    Raises
    ------
    GeoplanError
        If a setting cannot be used.
    """
    app = _declared()
    warm()
    app.state.builds.watch()
    # What is there now stays until the end: without this every full collection would walk through all of it.
    gc.collect()
    gc.freeze()
    return app


def check() -> None:
    """Make an application and forget it: what it refuses is said once, before workers start. Compiles as well."""
    app = _declared()
    if app.state.live is not None:
        app.state.live.close()
    warm()


def _declared() -> Service:
    """The application that the environment asks for; nothing is connected, and nothing compiled."""
    settings = find_settings(os.environ, Path.cwd())
    packs = [Path(text) for text in os.environ.get(PACKS, "").split(os.pathsep) if text]
    access = find_access(os.environ, settings.build_dir / AUDIT_LOG)
    cache = os.environ.get(CACHE, str(CACHE_BYTES >> 20))
    if not cache.isdecimal() or int(cache) > MOST_CACHE_MIB:
        raise SettingsError(f"{CACHE}={cache[:20]!r} is no size in MiB; use a number from 0 to {MOST_CACHE_MIB}.")
    return create_app(settings, access, packs, int(cache) << 20, find_live(os.environ))


def warm() -> None:
    """Compile the kernels, or read them from the cache, before the first request waits for them."""
    one_by_one(warm_pack, warm_query, warm_tiles)
