"""Packs and builds that are cut short or altered: refused by name, and what was served before is served on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from geoplan.layers import store
from geoplan.pack.build import pack_frame
from geoplan.pack.publish import publish_pack
from tests.services.faults import grids
from tests.services.faults.service import Service, serving

SEEN_S = 8.0
FILES = (
    "pack.json", "full/geometry.arrow", "full/tree.arrow", "full/features.arrow", "full/fragments.arrow", "full/index.arrow",  # noqa: E501
    "full/counts.arrow", "full/repairs.arrow",
)  # fmt: skip


def cut(path: Path) -> None:
    """Take the last third of a file away."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def emptied(path: Path) -> None:
    """Leave a file of no bytes."""
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    """Alter one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def removed(path: Path) -> None:
    """Remove a file."""
    path.unlink()


DAMAGES: dict[str, Callable[[Path], None]] = {"cut": cut, "emptied": emptied, "flipped": flipped, "removed": removed}


def name_of(damage: str, file: str) -> str:
    """Id of the pack with this damage."""
    return f"{damage}-{Path(file).stem}"


def logged(service: Service, *words: str) -> bool:
    """Whether one line of the log has all these words, within some seconds."""
    deadline = time.monotonic() + SEEN_S
    while time.monotonic() < deadline:
        service.ask("/collections")
        if any(all(word in line for word in words) for line in service.log.splitlines()):
            return True
        time.sleep(0.3)
    return False


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Packs of two versions."""
    folder = tmp_path_factory.mktemp("good")
    for version in (1, 2):
        pack_frame(grids.plots(version), folder / str(version), grids.options("plots"))
    return {version: folder / str(version) for version in (1, 2)}


def put(packs: Path, id_: str, source: Path, version: str, damage: Callable[[], None] | None = None) -> Path:
    """A copy of a pack put in use under an id, as `geoplan pack build` does it, after `damage`."""
    target = packs / id_ / version
    shutil.copytree(source, target)
    if damage is not None:
        damage()
    link = packs / id_ / ".new"
    link.symlink_to(version)
    link.replace(packs / id_ / "current")
    return target


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory, builds: dict[str, Path], good: dict[int, Path]) -> Path:
    """One good pack for each damage to come, and packs that are damaged from the start."""
    folder = tmp_path_factory.mktemp("damaged") / "build"
    grids.switch(folder, builds["v1"])
    publish_pack(grids.plots(1), folder / "packs", grids.options("plots"))
    for damage, make in DAMAGES.items():
        for file in FILES:
            put(folder / "packs", name_of(damage, file), good[1], "one")
        target = put(folder / "packs", f"start-{damage}", good[1], "one")
        make(target / "full/geometry.arrow")
    return folder


@pytest.fixture(scope="module")
def service(build_dir: Path, good: dict[int, Path]) -> Iterator[Service]:
    """A service that has served version 1 of all packs, and was then given a damaged version 2 of each."""
    with serving(build_dir, build_dir.with_name("service.log")) as running:
        asked = [running.ask("/collections").status for _ in range(40)]  # both workers have opened all packs
        assert asked == [200] * 40
        for damage, make in DAMAGES.items():
            for file in FILES:
                id_ = name_of(damage, file)
                target = build_dir / "packs" / id_ / "two"
                put(build_dir / "packs", id_, good[2], "two", partial(make, target / file))
        time.sleep(2)
        yield running


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_pack_is_refused_at_a_switch(service: Service, damage: str, file: str) -> None:
    id_ = name_of(damage, file)
    name = "pack" if damage == "removed" and file == "pack.json" else Path(file).name

    for _ in range(4):  # of both workers
        answer = service.ask(f"/collections/{id_}/items?limit=1000")
        assert answer.status == 200, answer
        features = json.loads(answer.body)["features"]
        assert {feature["properties"]["version"] for feature in features} == {1}
        assert len(features) == len(grids.plots(1))
        assert service.ask(f"/tiles/{id_}/8/207/98.mvt").status == 200
    assert logged(service, id_, name), service.log[-2000:]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_pack_that_is_damaged_at_the_start_is_refused(service: Service, damage: str) -> None:
    assert service.ask(f"/collections/start-{damage}/items").status in {404, 503}
    assert service.ask("/collections/plots/items/1").status == 200
    assert logged(service, f"start-{damage}", "geometry.arrow"), service.log[-2000:]


BUILD_FILES = (store.MANIFEST, "layers/places.json", "packs/places/pack.json", "packs/places/full/geometry.arrow")


@pytest.mark.parametrize("file", BUILD_FILES)
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_build_is_refused_at_a_switch(
    service: Service, build_dir: Path, builds: dict[str, Path], tmp_path: Path, damage: str, file: str
) -> None:
    if damage == "flipped" and file in {store.MANIFEST, "layers/places.json"}:
        pytest.skip("these have no checksum")
    folder = tmp_path / f"broken-{damage}-{Path(file).stem}"
    shutil.copytree(builds["v2"], folder)
    DAMAGES[damage](folder / file)
    grids.switch(build_dir, folder)
    time.sleep(1.5)
    try:
        for _ in range(6):
            for path in (
                "/collections/places/items?limit=1000",
                "/collections/plots/items/1",
                "/layers",
                "/collections",
            ):
                answer = service.ask(path)
                assert answer.status == 200, (path, answer)
            features = json.loads(service.ask("/collections/places/items?limit=1000").body)["features"]
            assert {feature["properties"]["version"] for feature in features} == {1}
        assert logged(service, folder.name), service.log[-2000:]
    finally:
        grids.switch(build_dir, builds["v1"])


def test_no_worker_died_of_it(service: Service) -> None:
    assert "Traceback" not in service.log, service.log[-4000:]
    created = [worker.create_time() for worker in service.workers()]
    assert max(created) - min(created) < 5, "a worker was replaced"


def test_a_worker_that_returns_serves_what_the_others_serve(service: Service) -> None:
    for worker in service.workers():
        worker.kill()
        worker.wait(20)
        assert len(service.await_ready(60)) == 2
    id_ = name_of("cut", "full/geometry.arrow")
    assert service.ask("/collections/plots/items/1").status == 200
    assert {service.ask(f"/collections/{id_}/items/1").status for _ in range(20)} == {200}
