"""Features over OGC API: pages, boxes, systems, filters, order, places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
MERCATOR = (12467782.9686, 4439106.7872, 12690422.7131, 4579425.8128)
"""112,37,114,38 in EPSG:3857, by EPSG guidance note 7-2."""


def found(client: httpx.Client, query: str, collection: str = "facts") -> list[int]:
    response = client.get(f"/collections/{collection}/items?{query}")
    assert response.status_code == 200, response.text
    return [feature["id"] for feature in response.json()["features"]]


def test_a_page_of_features(client: httpx.Client) -> None:
    response = client.get("/collections/facts/items?limit=2")
    answer = response.json()
    assert response.headers["content-type"] == "application/geo+json"
    assert (answer["type"], answer["numberMatched"], answer["numberReturned"]) == ("FeatureCollection", 4, 2)
    assert answer["timeStamp"].endswith("Z")
    assert "excludedApproximate" not in answer
    assert {"self", "alternate", "collection", "next"} == {link["rel"] for link in answer["links"]}


def test_pages_survive_a_new_build_between_them(
    client: httpx.Client, switch: Callable[[str], None], clock: Any
) -> None:
    url, seen = "/collections/many/items?limit=150&bbox=111,36,114,39&properties=name", []
    while url:
        answer = client.get(url).json()
        seen += [feature["id"] for feature in answer["features"]]
        assert answer["numberMatched"] == 400
        assert set(answer["features"][0]["properties"]) == {"name"}
        url = next((link["href"] for link in answer["links"] if link["rel"] == "next"), "")
        switch("v2")
        clock.now += 2
    assert seen == list(range(400))


@pytest.mark.parametrize(("limit", "returned"), [("1", 1), ("400", 400), ("10001", 400), ("9" * 18, 400)])
def test_a_limit_above_the_most_is_the_most(client: httpx.Client, limit: str, returned: int) -> None:
    assert client.get(f"/collections/many/items?limit={limit}").json()["numberReturned"] == returned


def test_a_box_in_every_system_and_order_of_axes(client: httpx.Client) -> None:
    # Features without a shape belong to every box (OGC 17-069r4, fc-bbox-response C).
    assert found(client, "bbox=112.05,37.05,112.2,37.2") == [12, 14]
    assert found(client, "bbox=112.05,37.05,0,112.2,37.2,9") == [12, 14]
    assert found(client, f"bbox=37.05,112.05,37.2,112.2&bbox-crs={EPSG}4326") == [12, 14]
    assert found(client, f"bbox=37.05,112.05,37.2,112.2&bbox-crs={EPSG}4490") == [12, 14]
    box = ",".join(map(str, MERCATOR))
    assert found(client, f"bbox={box}&bbox-crs={EPSG}3857", "counties") == [1, 2]
    assert found(client, "bbox=170,37,112.2,38") == [12, 14]


def test_positions_in_every_system(client: httpx.Client) -> None:
    def positions(query: str) -> tuple[Any, str]:
        response = client.get(f"/collections/facts/items/11?{query}")
        return response.json()["geometry"]["coordinates"], response.headers["content-crs"]

    assert positions("") == ([112.5, 37.5], "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>")
    assert positions(f"crs={EPSG}4326") == ([37.5, 112.5], f"<{EPSG}4326>")
    assert positions(f"crs={EPSG}4490") == ([37.5, 112.5], f"<{EPSG}4490>")
    (x, y), crs = positions(f"crs={EPSG}3857")
    assert crs == f"<{EPSG}3857>"
    assert (x, y) == (pytest.approx(12523442.714243, abs=0.01), pytest.approx(4509031.393099, abs=0.01))


def test_filters_in_both_encodings(client: httpx.Client) -> None:
    assert found(client, "filter=value>1.6") == [13]
    assert found(client, "filter=name='线' OR line=3") == [11, 12]
    assert found(client, 'filter-lang=cql2-json&filter={"op":"=","args":[{"property":"line"},4]}') == [12]
    assert found(client, "filter=S_INTERSECTS(geometry,POINT(112.5 37.5))") == [11, 12, 13]
    assert found(client, f"filter-crs={EPSG}4326&filter=S_INTERSECTS(geometry,POINT(37.5 112.5))") == [11, 12, 13]


def test_properties_by_value_and_order(client: httpx.Client) -> None:
    assert found(client, "name=线") == [12]
    assert found(client, "line=5&plan=shanxi") == [13]
    assert found(client, "sortby=-line") == [14, 13, 12, 11]
    assert found(client, "sortby=precision,-line") == [14, 12, 13, 11]
    assert found(client, "ids=13,11,99") == [11, 13]


def test_places_leave_schematic_shapes_out_and_count_them(client: httpx.Client) -> None:
    answer = client.get("/collections/facts/items?point=112.5,37.5").json()
    assert ([f["id"] for f in answer["features"]], answer["excludedApproximate"]) == ([11, 12], 1)
    answer = client.get("/collections/facts/items?near=112.5,37.501&radius=200").json()
    assert ([f["id"] for f in answer["features"]], answer["excludedApproximate"]) == ([11, 12], 1)
    # A thousandth of a degree of latitude on the ellipsoid; the line is nearer.
    assert answer["distancesM"][0] == pytest.approx(110.99, abs=0.05)
    assert answer["distancesM"][1] == pytest.approx(69.1, abs=0.3)
    answer = client.get("/collections/many/items?near=112.5,37.5&nearest=3").json()
    assert answer["numberReturned"] == 3
    answer = client.get("/collections/facts/items?within=140321").json()
    assert ([f["id"] for f in answer["features"]], answer["excludedApproximate"]) == ([11, 12], 1)


def test_shapes_and_properties_can_be_left_out(client: httpx.Client) -> None:
    answer = client.get("/collections/facts/items?skipGeometry=true&properties=line,name").json()
    assert all(feature["geometry"] is None for feature in answer["features"])
    assert all(set(feature["properties"]) == {"name", "line"} for feature in answer["features"])
    assert client.get("/collections/facts/items?properties=").json()["features"][0]["properties"] == {}


def test_one_feature_has_its_links(client: httpx.Client) -> None:
    response = client.get("/collections/counties/items/2")
    feature = response.json()
    assert (feature["type"], feature["id"], feature["properties"]["name"]) == ("Feature", 2, "盂县")
    hrefs = {link["rel"]: link["href"] for link in feature["links"]}
    assert hrefs["self"] == "http://planning.test/collections/counties/items/2"
    assert hrefs["collection"] == "http://planning.test/collections/counties"
    assert response.headers["etag"].startswith('"')


def test_a_page_is_not_sent_again_to_whom_it_is_known(client: httpx.Client) -> None:
    first = client.get("/collections/many/items?limit=5")
    # It tells the time at which it was made, so two of them are the same in sense, not in bytes.
    assert first.headers["etag"].startswith('W/"')
    again = client.get("/collections/many/items?limit=5", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/collections/many/items?limit=6", headers={"If-None-Match": first.headers["etag"]}).is_success


@pytest.mark.parametrize(
    ("url", "status", "word"),
    [
        ("none/items", 404, "'none'"),
        ("none/items/1", 404, "'none'"),
        ("facts/items/99", 404, "99"),
        ("facts/items/x", 404, "whole number"),
        ("facts/items/-1", 404, "whole number"),
        ("facts/items/" + "9" * 30, 404, "whole number"),
        ("facts/items?bbox=1,2,3", 400, "bbox"),
        ("facts/items?bbox=NaN,NaN,NaN,NaN", 400, "bbox"),
        ("facts/items?bbox=112,39,113,38", 400, "bbox"),
        ("facts/items?bbox=1,2,3,4&bbox-crs=EPSG:4326", 400, "bbox-crs"),
        ("facts/items?crs=http://example.com/crs", 400, "crs"),
        ("facts/items?limit=0", 400, "limit"),
        ("facts/items?limit=-1", 400, "limit"),
        ("facts/items?limit=abc", 400, "limit"),
        ("facts/items?limit=１", 400, "limit"),
        ("facts/items?datetime=yesterday", 400, "yesterday"),
        ("facts/items?filter=nothing=1", 400, "nothing"),
        ("facts/items?filter=name", 400, "filter"),
        ("facts/items?filter=" + "(" * 2000, 400, "nested"),
        ("facts/items?filter=" + "x" * 4001, 400, "longer"),
        ("facts/items?filter-lang=sql", 400, "filter-lang"),
        ("facts/items?sortby=places", 400, "sortby"),
        ("facts/items?sortby=nothing", 400, "sortby"),
        ("facts/items?properties=nothing", 400, "nothing"),
        ("facts/items?line=abc", 400, "line"),
        ("facts/items?cursor=x", 400, ""),
        ("facts/items?point=37,112", 400, "longitude comes first"),
        ("facts/items?near=112,37", 400, "radius"),
        ("facts/items?radius=5", 400, "near"),
        ("facts/items?near=112,37&radius=0", 400, "radius"),
        ("facts/items?near=112,37&nearest=0", 400, "nearest"),
        ("facts/items?within=nowhere", 400, "nowhere"),
        ("facts/items?ids=a", 400, "ids"),
        ("facts/items?skipGeometry=1", 400, "skipGeometry"),
        ("facts/items?f=xml", 400, "f:"),
        ("facts/items?BBOX=1,1,2,2", 400, "BBOX"),
        ("facts/items?limit=1&limit=2", 400, "2 times"),
        ("facts/items?" + "&".join(f"a{n}=1" for n in range(60)), 400, ""),
        ("facts/items?name=%ff", 400, "UTF-8"),
    ],
)
def test_refusals_are_problem_details(client: httpx.Client, url: str, status: int, word: str) -> None:
    response = client.get(f"/collections/{url}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert word in problem["detail"]


def test_a_datetime_with_a_duration_is_an_interval(client: httpx.Client) -> None:
    for value in ("2024-01-31/P1M", "2024-01-01T00:00:00Z/P2D", "../2024-01-01", "2024-01-01"):
        # The layer has no time, so every feature belongs to any.
        assert len(found(client, f"datetime={value}")) == 4
