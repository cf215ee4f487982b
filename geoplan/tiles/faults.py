"""Whether a shape that was valid before it was cut is valid still, its cut edges having been rounded.

Rounding moves the end of a cut edge by up to half a unit along the border. As long as no vertex lies in the
narrow triangle that the edge has swept and no other edge crosses it, the outline has only been bent. The
test is on the safe side: a shape that it doubts may be valid.
"""

from __future__ import annotations

from geoplan.tiles.compiled import inner, int64
from geoplan.tiles.frame import Frame
from geoplan.tiles.shape import RINGS, VERTICES, Shape

_MOST_EFFORT = 4_000_000
"""So many comparisons at most."""


@inner
def _side_of(shape: Shape, v: int, frame: Frame) -> int:
    """Bits of the border lines that a border vertex lies on; 0 for any other vertex."""
    vertex = shape.vertices[v]
    if vertex.border == 0:
        return 0
    x, y = vertex.x, vertex.y
    return int64((x == frame.west) + 2 * (x == frame.east) + 4 * (y == frame.south) + 8 * (y == frame.north))


@inner
def _is_cut(shape: Shape, v: int, w: int, frame: Frame) -> bool:
    """Whether an edge has been moved by rounding: it ends on the border and does not run along it."""
    if shape.vertices[v].border + shape.vertices[w].border == 0:
        return False
    return _side_of(shape, v, frame) & _side_of(shape, w, frame) == 0


@inner
def _meets(shape: Shape, v: int, w: int, v_ring: int, other: int) -> bool:
    """Whether the edge from `v` to `w` of a ring has a vertex of another in reach, or is crossed by it."""
    at = shape.vertices
    vx, vy, wx, wy = at[v].x, at[v].y, at[w].x, at[w].y
    dx, dy = float(wx - vx), float(wy - vy)
    low_x, high_x, low_y, high_y = min(vx, wx), max(vx, wx), min(vy, wy), max(vy, wy)
    reach = 0.5 * max(abs(dx), abs(dy))
    last = shape.rings[other + 1].start - 1
    p = last
    px, py = at[p].x, at[p].y
    p_side = dx * float(py - vy) - dy * float(px - vx)
    for q in range(shape.rings[other].start, last + 1):
        qx, qy = at[q].x, at[q].y
        q_side = dx * float(qy - vy) - dy * float(qx - vx)
        own = q == v or q == w  # noqa: PLR1714 - compiles faster
        if not own and abs(q_side) <= reach and low_x <= qx <= high_x and low_y <= qy <= high_y:
            # Two rings may touch in a point of the border (`geoplan.tiles.clip` parts a ring that does).
            at_v, at_w = qx == vx and qy == vy, qx == wx and qy == wy
            if v_ring == other or at[q].border == 0 or not (at_v or at_w):
                return True
        if (p_side > 0.0) != (q_side > 0.0) and not own and p != v and p != w:  # noqa: PLR1714
            v_side = float(qx - px) * float(vy - py) - float(qy - py) * float(vx - px)
            w_side = float(qx - px) * float(wy - py) - float(qy - py) * float(wx - px)
            # An end on the other edge has been looked at above, as a vertex in reach of a cut edge.
            if (v_side < 0.0 and w_side > 0.0) or (v_side > 0.0 and w_side < 0.0):
                return True
            if v_side == 0.0 or w_side == 0.0:
                shared = (at[p].border or at[q].border) and v_ring != other
                if not shared:
                    return True
        p, px, py, p_side = q, qx, qy, q_side
    return False


@inner
def _edge_is_free(shape: Shape, v: int, w: int, v_ring: int) -> bool:
    for ring in range(shape.counts[RINGS]):  # noqa: SIM110 - compiled
        if _meets(shape, v, w, v_ring, ring):
            return False
    return True


@inner
def sound(shape: Shape, frame: Frame) -> bool:
    """Whether no cut edge of the shape can have met another part of it."""
    effort = 0
    for ring in range(shape.counts[RINGS]):
        v = shape.rings[ring + 1].start - 1
        for w in range(shape.rings[ring].start, shape.rings[ring + 1].start):
            if _is_cut(shape, v, w, frame):
                effort += shape.counts[VERTICES]
                if effort > _MOST_EFFORT or not _edge_is_free(shape, v, w, ring):
                    return False
            v = w
    return True
