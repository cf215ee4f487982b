"""Tiles of CGCS2000Quad over HTTP: addresses, limits, forms, options, and how they are made."""

from __future__ import annotations

from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from shapely import box
from shapely.geometry import shape

from geoplan.crs import Bounds
from geoplan.errors import QueryError
from geoplan.tiles.degrees import degree_mvt
from geoplan.tiles.grid import Tile, TileAddressError
from services.api import front, tile_requests
from services.api.tile_matrix_sets import CGCS2000_QUAD, degree_limits, tile_of_set
from tests.services.api.conftest import COUNTIES

MVT = "application/vnd.mapbox-vector-tile"
TILE = "CGCS2000Quad/8/36/208"
"""Row 36, column 208: from 112.5 to 113.90625 east, from 37.96875 (below the counties' north edge) to 39.375 north."""
SOUTH = "CGCS2000Quad/8/37/208"
"""From 36.5625 to 37.96875 north."""
SPAN = 360 / 2**8


def layers(response: httpx.Response) -> dict[str, dict[int, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MVT
    decoded = mapbox_vector_tile.decode(response.content, default_options={"y_coord_down": True})
    return {
        name: {one["id"]: {**one, "geometry": shape(one["geometry"])} for one in layer["features"]}
        for name, layer in decoded.items()
    }


def test_a_tile_is_cut_where_its_degrees_are(client: httpx.Client) -> None:
    found = layers(client.get(f"/collections/counties/tiles/{SOUTH}"))["counties"]
    assert set(found) == {1, 2}
    west, north = 208 * SPAN - 180, 90 - 37 * SPAN
    assert (west, north) == (112.5, 37.96875)
    for (code, area), id_ in zip(COUNTIES.items(), (1, 2), strict=True):
        assert found[id_]["properties"]["division_code"] == code
        left, bottom, right, top = area.bounds
        exact = box(
            (left - west) / SPAN * 4096, (north - top) / SPAN * 4096,
            (right - west) / SPAN * 4096, (north - bottom) / SPAN * 4096,
        ).intersection(box(-64, -64, 4160, 4160))  # fmt: skip
        assert found[id_]["geometry"].is_valid
        assert found[id_]["geometry"].symmetric_difference(exact).area <= exact.length


def test_geojson_holds_the_same_in_degrees(client: httpx.Client) -> None:
    vector = layers(client.get(f"/collections/facts/tiles/{SOUTH}"))["facts"]
    answer = client.get(f"/collections/facts/tiles/{SOUTH}?f=geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    features = answer.json()["features"]
    assert [one["id"] for one in features] == list(vector) == [11, 12, 13]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [112.5, 37.5]}
    assert all(shape(one["geometry"]).bounds[0] > 112.47 for one in features)
    assert (
        client.get(f"/collections/facts/tiles/{SOUTH}", headers={"Accept": "application/json"}).json() == answer.json()
    )


def test_several_collections_in_a_tile(client: httpx.Client) -> None:
    found = layers(client.get(f"/tiles/{SOUTH}?collections=counties,facts"))
    assert {name: set(one) for name, one in found.items()} == {"counties": {1, 2}, "facts": {11, 12, 13}}
    assert set(layers(client.get(f"/tiles/{SOUTH}"))) == {"counties", "facts", "many"}


def test_filters_properties_buffer_and_extent(client: httpx.Client) -> None:
    url = f"/collections/facts/tiles/{SOUTH}"
    found = layers(client.get(f"{url}?filter=line>3&properties=name"))["facts"]
    assert {id_: one["properties"] for id_, one in found.items()} == {12: {"name": "线"}, 13: {"name": "园"}}
    counties = client.get(f"/collections/counties/tiles/{SOUTH}?buffer=0&extent=512")
    assert mapbox_vector_tile.decode(counties.content)["counties"]["extent"] == 512
    boxes = [one["geometry"].bounds for one in layers(counties)["counties"].values()]
    assert (min(one[0] for one in boxes), max(one[2] for one in boxes)) == (0, 512)
    for query in ("filter=nothing=1", "properties=nothing", "extent=300", "buffer=513", "v=1"):
        assert client.get(f"{url}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("8/36/208", 200),
        ("8/37/207", 200),
        ("8/35/208", 404),
        ("8/38/208", 404),
        ("8/37/206", 404),
        ("8/37/210", 404),
        ("1/0/1", 200),
        ("1/0/0", 404),
        ("1/1/1", 404),
        ("0/0/0", 404),
        ("21/0/0", 404),
        ("8/128/208", 404),
        ("8/37/256", 404),
        ("-1/0/0", 404),
        ("a/b/c", 404),
        ("8/37/" + "9" * 4000, 404),
    ],
)
def test_out_of_the_limits_there_is_nothing(client: httpx.Client, address: str, status: int) -> None:
    response = client.get(f"/collections/counties/tiles/CGCS2000Quad/{address}")
    assert response.status_code == status
    if status == 404:
        assert response.headers["content-type"] == "application/problem+json"


def test_inside_of_the_limits_an_empty_tile_is_204(client: httpx.Client) -> None:
    # Within the layer's box, beside all that is drawn in it.
    row, col = int((90 - 37.2) / 360 * 2**12), int((112.75 + 180) / 360 * 2**12)
    response = client.get(f"/collections/facts/tiles/CGCS2000Quad/12/{row}/{col}")
    assert (response.status_code, response.content) == (204, b"")


def test_the_limits_are_those_of_the_documents(client: httpx.Client) -> None:
    listed = client.get("/collections/counties/tiles").json()["tilesets"]
    assert [one["crs"].rpartition("/")[2] for one in listed] == ["3857", "4490"]
    (address,) = [link["href"] for link in listed[1]["links"] if link["rel"] == "self"]
    one = client.get(address).json()
    assert "tileMatrixSetURI" not in one
    assert [limit["tileMatrix"] for limit in one["tileMatrixSetLimits"]] == [str(level) for level in range(1, 21)]
    assert one["tileMatrixSetLimits"][7] == {
        "tileMatrix": "8", "minTileRow": 36, "maxTileRow": 37, "minTileCol": 207, "maxTileCol": 209,
    }  # fmt: skip
    limit = one["tileMatrixSetLimits"][10]
    for kind in ("mvt", "geojson"):
        (template,) = [link["href"] for link in one["links"] if f"f={kind}" in link["href"]]
        for row, col in (("minTileRow", "minTileCol"), ("maxTileRow", "maxTileCol")):
            url = template.format(tileMatrix=11, tileRow=limit[row], tileCol=limit[col])
            assert client.get(url).status_code == 200


def test_tilejson_says_which_grid_it_is(client: httpx.Client) -> None:
    found = client.get("/collections/counties/tiles/CGCS2000Quad?f=tilejson").json()
    assert (found["minzoom"], found["maxzoom"], found["tileMatrixSet"]) == (1, 20, "CGCS2000Quad")
    assert found["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    assert 1 <= found["center"][2] <= 20
    url = found["tiles"][0].replace("{z}", "8").replace("{y}", "37").replace("{x}", "208")
    assert set(layers(client.get(url))["counties"]) == {1, 2}
    assert "crs" not in client.get("/collections/counties/tiles/WebMercatorQuad?f=tilejson").json()


def test_it_is_made_in_a_thread_and_once(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made, threads = [], []
    in_thread = front.Front._in_thread

    def counted(*args: Any, **options: Any) -> bytes:
        made.append(args)
        return degree_mvt(*args, **options)

    async def noted(self: front.Front, make: Any) -> Any:
        threads.append(make)
        return await in_thread(self, make)

    monkeypatch.setattr(tile_requests, "degree_mvt", counted)
    monkeypatch.setattr(front.Front, "_in_thread", noted)
    url = f"/collections/counties/tiles/{SOUTH}"
    etags = {client.get(url).headers["etag"] for _ in range(3)}
    assert (len(made), len(threads), len(etags)) == (1, 1, 1)
    response = client.get(f"{url}?", headers={"If-None-Match": etags.pop()})
    assert (response.status_code, len(made)) == (304, 1)


def test_its_tag_is_not_that_of_another_grid(client: httpx.Client) -> None:
    urls = [f"/collections/counties/tiles/{set_}/8/99/208" for set_ in ("WebMercatorQuad", "CGCS2000Quad")]
    first, other = (client.get(url) for url in urls)
    assert (first.status_code, other.status_code) == (200, 404)
    urls = [f"/collections/many/tiles/{set_}/1/0/1" for set_ in ("WebMercatorQuad", "CGCS2000Quad")]
    tags = {client.get(url).headers["etag"] for url in urls}
    assert len(tags) == 2


def test_addresses_of_the_set() -> None:
    assert tile_of_set(CGCS2000_QUAD, 1, 0, 1) == Tile(1, 1, 0)
    assert tile_of_set("WebMercatorQuad", 1, 0, 1) == Tile(1, 1, 0)
    for address in ((1, 1, 0), (1, 0, 2), (0, 0, 0), (21, 0, 0)):
        with pytest.raises(TileAddressError):
            tile_of_set(CGCS2000_QUAD, *address)
    assert issubclass(TileAddressError, QueryError)


def test_limits_at_the_ends_of_the_world() -> None:
    assert degree_limits(Bounds(-180, -90, 180, 90), 3) == (0, 3, 0, 7)
    assert degree_limits(Bounds(45, 0, 45, 0), 3) == (1, 2, 4, 5)
