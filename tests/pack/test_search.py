"""Search of the packed tree against looking at every box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.pack.part import Tree
from geoplan.pack.search import count, search
from geoplan.pack.tree import EMPTY_BOX, build_tree

EVERYWHERE = (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1)
side = st.integers(-(2**33), 2**33)


def boxes_of(n: int, seed: int) -> np.ndarray:
    """Boxes scattered over the grid; some are empty."""
    rng = np.random.default_rng(seed)
    low = rng.integers(-(2**31), 2**31 - 2**26, (n, 2))
    boxes = np.hstack([low, low + rng.integers(0, 2**26, (n, 2))]).astype(np.int32)
    boxes[rng.random(n) < 0.1] = EMPTY_BOX
    return boxes


def by_hand(boxes: np.ndarray, box: tuple[int, int, int, int]) -> list[int]:
    west, north, east, south = box
    wide = boxes.astype(np.int64)
    meets = (wide[:, 0] <= east) & (wide[:, 2] >= west) & (wide[:, 1] <= south) & (wide[:, 3] >= north)
    return np.flatnonzero(meets & (wide[:, 0] <= wide[:, 2])).tolist()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0, 1, 15, 16, 17, 256, 257, 5000]), st.integers(0, 9), st.tuples(side, side, side, side))
def test_it_finds_what_looking_at_all_finds(n: int, seed: int, corners: tuple[int, int, int, int]) -> None:
    boxes = boxes_of(n, seed)
    tree = build_tree(boxes)
    box = (min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2]))
    found = search(tree, box)
    assert found.dtype == np.uint32
    assert found.tolist() == by_hand(boxes, box)
    assert count(tree, box) == len(found)


def test_touching_counts_and_the_wrong_way_round_finds_nothing() -> None:
    tree = build_tree(np.array([[0, 0, 10, 10]], np.int32))
    assert search(tree, (10, 10, 20, 20)).tolist() == [0]
    assert search(tree, (11, 0, 20, 20)).tolist() == []
    assert search(tree, (10, 10, 0, 0)).tolist() == []


def test_more_rows_than_the_first_room() -> None:
    boxes = boxes_of(100_000, 1)
    assert search(build_tree(boxes), EVERYWHERE).tolist() == by_hand(boxes, EVERYWHERE)


@pytest.mark.parametrize("box", [(2**31, 0, 2**32, 5), (-(2**40), 0, -(2**39), 5), (0, 2**31, 5, 2**32)])
def test_a_box_beyond_the_grid_finds_nothing(box: tuple[int, int, int, int]) -> None:
    assert count(build_tree(np.array([EVERYWHERE], np.int32)), box) == 0


def test_mapped_read_only_arrays_are_searched_too() -> None:
    tree = build_tree(boxes_of(500, 3))
    for array in (tree.boxes, tree.nodes, tree.starts):
        array.setflags(write=False)
    assert count(tree, EVERYWHERE) == count(Tree(tree.boxes.copy(), tree.nodes.copy(), tree.starts.copy()), EVERYWHERE)
