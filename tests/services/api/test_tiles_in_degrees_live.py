"""Tiles of CGCS2000Quad of a table that is read live: those of a pack that was pulled of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import mapbox_vector_tile
import pytest

from geoplan.pack.build import PackOptions
from geoplan.sources.postgis.pull import pull
from geoplan.sources.postgis.relation import Wanted
from tests.postgis_land import Land
from tests.services.api.live_service import serving, tile_features
from tests.sources.declared import declared

PLACES = [(112.02, 37.02), (112.0005, 37.0005), (112.05, 37.05)]


@pytest.fixture(scope="module")
def client(land: Land, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with a table live, and as a pack that was pulled of it."""
    folder = tmp_path_factory.mktemp("live")
    packs = [pull(land.address, Wanted(table="parcels"), folder, PackOptions(id="pulled-parcels"))]
    with serving(folder, declared(live_parcels={"table": "parcels", "min_zoom": 13}), land, packs) as found:
        yield found


def address(longitude: float, latitude: float, level: int) -> str:
    span = 360 / 2**level
    return f"CGCS2000Quad/{level}/{int((90 - latitude) / span)}/{int((longitude + 180) / span)}"


@pytest.mark.parametrize("form", ["mvt", "geojson"])
@pytest.mark.parametrize("query", ["", "&filter=year > 2010", "&buffer=0&extent=512"])
def test_tiles_are_those_of_a_pulled_pack(client: httpx.Client, form: str, query: str) -> None:
    shown = 0
    for tile in dict.fromkeys(address(*place, level) for place in PLACES for level in (13, 15, 18, 20)):
        live, pulled = (
            client.get(f"/collections/{id_}/tiles/{tile}?f={form}{query}") for id_ in ("live-parcels", "pulled-parcels")
        )
        assert live.status_code == pulled.status_code
        if live.status_code == 200:
            assert tile_features(live, form) == tile_features(pulled, form)
            shown += len(tile_features(live, form))
    assert shown > 50


def test_a_tile_that_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    url = f"/collections/live-parcels/tiles/{address(*PLACES[0], 14)}"
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_below_its_first_zoom_a_layer_has_no_tiles(client: httpx.Client) -> None:
    assert client.get(f"/collections/live-parcels/tiles/{address(*PLACES[0], 12)}").status_code == 204
    limits = client.get("/collections/live-parcels/tiles/CGCS2000Quad?f=json").json()["tileMatrixSetLimits"]
    assert [limit["tileMatrix"] for limit in limits] == [str(level) for level in range(13, 21)]


def test_a_tile_of_several_layers_has_live_ones_among_them(client: httpx.Client) -> None:
    tile = client.get(f"/tiles/{address(*PLACES[0], 14)}?collections=live-parcels,pulled-parcels&f=mvt")
    assert set(mapbox_vector_tile.decode(tile.content)) == {"live-parcels", "pulled-parcels"}
