"""Damaged and hostile packs: refused, with the file named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from geoplan.errors import PackError
from geoplan.pack.arrow import write_part
from geoplan.pack.assemble import memory_part
from geoplan.pack.build import PackOptions, build_pack, pack_frame
from geoplan.pack.format import FULL, MANIFEST, PART_FILES, read_manifest, write_manifest
from geoplan.pack.open import open_pack
from geoplan.pack.part import Column, Geometry, Part, Validity
from geoplan.pack.verify import verify_pack
from tests.pack.parcels import parcels

FILES = [MANIFEST, *(f"{FULL}/{name}" for name in PART_FILES)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "whole"
    pack_frame(parcels(300), path, PackOptions(id="parcels", ordered=True))
    return path


@pytest.fixture
def pack(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "pack")


def test_a_sound_pack_is_opened(whole: Path) -> None:
    assert len(verify_pack(whole).source) == 300
    assert open_pack(whole).part_at(3) is not None
    assert open_pack(whole).part_at(25) is None


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_found(pack: Path, name: str) -> None:
    path = pack / name
    content = bytearray(path.read_bytes())
    for place in (0, 9, len(content) // 3, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 4
        path.write_bytes(damaged)
        if name == MANIFEST and json.dumps(_loaded(damaged)) == json.dumps(_loaded(content)):
            continue  # white space
        with pytest.raises(PackError, match=Path(name).name):
            verify_pack(pack)
    path.write_bytes(content)
    verify_pack(pack)


def _loaded(content: bytes | bytearray) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_found_at_once(pack: Path, name: str, share: float) -> None:
    path = pack / name
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(PackError, match=Path(name).name):
        open_pack(pack)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(pack: Path, name: str) -> None:
    (pack / name).unlink()
    with pytest.raises(PackError, match=Path(name).name):
        open_pack(pack)


def test_other_folders_and_formats_are_refused(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no pack"):
        open_pack(tmp_path / "nothing")
    manifest = json.loads((pack / MANIFEST).read_text("utf-8"))
    (pack / MANIFEST).write_text(json.dumps(manifest | {"format": "geoplan-pack/999"}), "utf-8")
    with pytest.raises(PackError, match="geoplan-pack/999"):
        open_pack(pack)
    (pack / MANIFEST).write_text("[" * 100_000, "utf-8")
    with pytest.raises(PackError, match="damaged"):
        open_pack(pack)
    (pack / MANIFEST).write_text(json.dumps(manifest | {"files": {}, "count": -1}), "utf-8")
    with pytest.raises(PackError, match="damaged"):
        open_pack(pack)


def test_names_that_lead_out_of_the_folder_are_refused(pack: Path) -> None:
    manifest = read_manifest(pack)
    part = manifest.parts[0].model_copy(update={"name": "../pack/full"})
    files = {f"../pack/{name}": entry for name, entry in manifest.files.items()}
    write_manifest(pack, manifest.model_copy(update={"parts": (part,), "files": files}).with_version())
    with pytest.raises(PackError, match="damaged"):
        open_pack(pack)


def change(array: Any, place: int, value: int) -> Any:
    """A copy with one value changed."""
    changed = np.array(array)
    changed.reshape(-1)[place] = value
    return changed


def shape(part: Part, **arrays: Any) -> Part:
    return replace(part, geometry=replace(part.geometry, **arrays))


def column(part: Part, place: int, **arrays: Any) -> Part:
    columns: list[Column] = list(part.columns)
    columns[place] = replace(columns[place], **arrays)
    return replace(part, columns=tuple(columns))


def pieces(part: Part, **arrays: Any) -> Part:
    return replace(part, fragments=replace(part.fragments, **arrays))


def repaired(part: Part, **arrays: Any) -> Part:
    empty: Geometry = part.validity.repaired
    geometry = replace(empty, kinds=np.zeros(1, np.uint8), members=np.zeros(2, np.int32))
    known = {"zooms": part.validity.zooms, "keys": np.zeros(1, np.uint64), "repaired": geometry}
    return replace(part, validity=Validity(**(known | arrays)))


FAULTS: dict[str, Callable[[Part], Part]] = {
    "members end beyond": lambda p: shape(p, members=change(p.geometry.members, -2, 10**6)),
    "members fall": lambda p: shape(p, members=change(p.geometry.members, 5, 0)),
    "rings negative": lambda p: shape(p, rings=change(p.geometry.rings, 3, -1)),
    "vertices beyond": lambda p: shape(p, vertices=change(p.geometry.vertices, 7, 2**31 - 1)),
    "unknown kind": lambda p: shape(p, kinds=change(p.geometry.kinds, 0, 9)),
    "kind of none": lambda p: shape(p, kinds=change(p.geometry.kinds, 0, 0)),
    "beyond the pole": lambda p: shape(p, degrees=change(p.geometry.degrees, 1, 910_000_000)),
    "another position": lambda p: shape(p, mercator=change(p.geometry.mercator, 0, 5)),
    "box": lambda p: replace(p, tree=replace(p.tree, boxes=change(p.tree.boxes, 0, -5))),
    "node": lambda p: replace(p, tree=replace(p.tree, nodes=change(p.tree.nodes, 0, 2**31 - 1))),
    "level": lambda p: replace(p, tree=replace(p.tree, starts=change(p.tree.starts, 1, 3))),
    "id twice": lambda p: replace(p, ids=change(p.ids, 0, int(p.ids[1]))),
    "id negative": lambda p: replace(p, ids=change(p.ids, int(p.ids_order[0]), -1)),
    "row by id": lambda p: replace(p, ids_order=change(p.ids_order, 0, 2**32 - 1)),
    "row by id twice": lambda p: replace(p, ids_order=change(p.ids_order, 0, int(p.ids_order[1]))),
    "rank": lambda p: replace(p, rank=change(p.rank, 0, -1)),
    "code": lambda p: column(p, 1, codes=change(p.columns[1].codes, 0, 255)),
    "row by value": lambda p: column(p, 1, order=change(p.columns[1].order, 0, 300)),
    "rows by value swapped": lambda p: column(p, 1, order=p.columns[1].order[::-1].copy()),
    "start": lambda p: column(p, 1, starts=change(p.columns[1].starts, 1, 10**9)),
    "start negative": lambda p: column(p, 1, starts=change(p.columns[1].starts, 1, -1)),
    "first fragment": lambda p: column(p, 1, first_fragment=10**9),
    "first fragment negative": lambda p: column(p, 1, first_fragment=-1),
    "values unsorted": lambda p: column(p, 1, values=p.columns[1].values.take(pa.array([1, 0, 2]))),
    "cell": lambda p: replace(p, cells=change(p.cells, 0, 2**32 - 1)),
    "pair": lambda p: replace(p, pairs={key: change(table, 0, 10**6) for key, table in p.pairs.items()}),
    "mvt offset": lambda p: pieces(p, mvt_offsets=change(p.fragments.mvt_offsets, 2, 10**12)),
    "mvt end": lambda p: pieces(p, mvt_offsets=change(p.fragments.mvt_offsets, -1, 1)),
    "json offset": lambda p: pieces(p, json_offsets=change(p.fragments.json_offsets, 2, -1)),
    "fragment missing": lambda p: pieces(
        p, mvt_offsets=p.fragments.mvt_offsets[:-1], json_offsets=p.fragments.json_offsets[:-1]
    ),
    "key of no row": lambda p: repaired(p, keys=np.array([300 << 5], np.uint64)),
    "keys fall": lambda p: repaired(
        p,
        keys=np.array([5, 4], np.uint64),
        repaired=replace(p.validity.repaired, kinds=np.zeros(2, np.uint8), members=np.zeros(3, np.int32)),
    ),
}


def rewritten(path: Path, part: Part) -> None:
    """A pack with other arrays and right checksums: what someone with bad intent would make."""
    manifest = read_manifest(path)
    shutil.rmtree(path / FULL)
    files = {f"{FULL}/{name}": entry for name, entry in write_part(path / FULL, part).items()}
    write_manifest(path, manifest.model_copy(update={"files": files}).with_version())


@pytest.mark.parametrize("fault", FAULTS)
def test_arrays_that_lead_outside_are_refused(pack: Path, fault: str) -> None:
    rewritten(pack, FAULTS[fault](open_pack(pack).source))
    with pytest.raises(PackError, match=r"arrow|full"):
        verify_pack(pack)


def test_an_honest_rewrite_is_sound(pack: Path) -> None:
    rewritten(pack, open_pack(pack).source)
    verify_pack(pack)
    rewritten(pack, repaired(open_pack(pack).source))
    verify_pack(pack)


def test_the_files_are_ordinary_arrow_tables(whole: Path) -> None:
    part = open_pack(whole).source
    with pa.ipc.open_file(pa.memory_map(str(whole / FULL / "features.arrow"))) as reader:
        table = reader.read_all()
    table.validate(full=True)
    frame = table.to_pandas()
    assert list(frame["feature_id"]) == list(part.ids)
    assert frame["use"].notna().all()
    assert frame["price"].isna().sum() == table["price"].null_count > 0
    with pa.ipc.open_file(pa.memory_map(str(whole / FULL / "geometry.arrow"))) as reader:
        shapes = reader.read_all()
    shapes.validate(full=True)
    assert str(shapes.schema.field("geometry").type).count("list") == 5


def test_levels_are_further_parts(tmp_path: Path) -> None:
    def levels(full: Part, **told: Any) -> list[tuple[str, Part]]:
        assert len(full) == 300
        told["notes"]["low"] = {"method": "by hand"}
        return [("low", memory_part({"use": ["耕地"]}, [shapely.box(112, 37, 113, 38)], max_zoom=9))]

    frame = parcels(300)
    options = PackOptions(id="parcels", min_zoom=2)
    manifest = build_pack(frame, tmp_path / "pack", options, levels=levels)
    pack = verify_pack(tmp_path / "pack")
    assert [(part.name, part.min_zoom, part.max_zoom) for part in manifest.parts] == [("full", 10, 22), ("low", 2, 9)]
    assert manifest.report["levels"] == {"low": {"method": "by hand"}}
    assert pack.part_at(1) is None
    low = pack.part_at(9)
    assert low is not None
    assert len(low) == 1
    assert pack.part_at(10) is pack.source
