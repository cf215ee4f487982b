/** Small geometry for drawing: extent of a feature, a point to write its name at. Degrees in, degrees out; no areas are reported. */

/** @typedef {import("./types.js").Bounds} Bounds */

/**
 * @param {any} geometry GeoJSON
 * @yields {number[]}
 */
export function* positions(geometry) {
  if (!geometry) return;
  if (geometry.type === "GeometryCollection") {
    for (const part of geometry.geometries) yield* positions(part);
    return;
  }
  /** @type {any[]} */
  const stack = [geometry.coordinates];
  while (stack.length) {
    const item = stack.pop();
    if (typeof item?.[0] === "number") yield item;
    else if (Array.isArray(item)) stack.push(...item);
  }
}

/**
 * @param {any} geometry
 * @returns {Bounds|null}
 */
export function boundsOf(geometry) {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positions(geometry)) {
    west = Math.min(west, x);
    south = Math.min(south, y);
    east = Math.max(east, x);
    north = Math.max(north, y);
  }
  return west === Infinity ? null : [west, south, east, north];
}

/**
 * Size of the extent, only to put small things before large ones.
 *
 * @param {any} geometry
 * @returns {number}
 */
export function extentSize(geometry) {
  const box = boundsOf(geometry);
  return box ? (box[2] - box[0]) * (box[3] - box[1]) : Infinity;
}

/**
 * @param {number[][]} ring
 * @returns {number} twice the area in square degrees
 */
function ringSize(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) sum += ring[j][0] * ring[i][1] - ring[i][0] * ring[j][1];
  return Math.abs(sum);
}

/**
 * Distance from a point to the rings, negative outside.
 *
 * @param {number} x
 * @param {number} y
 * @param {number[][][]} rings
 * @returns {number}
 */
function signedDistance(x, y, rings) {
  let inside = false;
  let nearest = Infinity;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [ax, ay] = ring[i];
      const [bx, by] = ring[j];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      const [dx, dy] = [bx - ax, by - ay];
      const length = dx * dx + dy * dy;
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
      nearest = Math.min(nearest, (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2);
    }
  }
  return (inside ? 1 : -1) * Math.sqrt(nearest);
}

/**
 * The point farthest from the outline (pole of inaccessibility), by halving grid cells.
 *
 * @param {number[][][]} rings
 * @returns {number[]}
 */
function pole(rings) {
  const [west, south, east, north] = boundsOf({ type: "Polygon", coordinates: rings }) ?? [0, 0, 0, 0];
  const side = Math.min(east - west, north - south);
  if (side === 0) return [west, south];
  const cell = (x, y, half) => {
    const distance = signedDistance(x, y, rings);
    return { x, y, half, distance, best: distance + half * Math.SQRT2 };
  };
  const cells = [];
  for (let x = west + side / 4; x < east; x += side / 2) for (let y = south + side / 4; y < north; y += side / 2) cells.push(cell(x, y, side / 4));
  let top = cell((west + east) / 2, (south + north) / 2, 0);
  while (cells.length) {
    cells.sort((a, b) => a.best - b.best);
    const next = cells.pop();
    if (!next) break;
    if (next.distance > top.distance) top = next;
    if (next.best - top.distance < side / 40) continue;
    const h = next.half / 2;
    for (const [dx, dy] of [[-h, -h], [h, -h], [-h, h], [h, h]]) cells.push(cell(next.x + dx, next.y + dy, h));
  }
  return [top.x, top.y];
}

/**
 * Where to write the name of a feature.
 *
 * @param {any} geometry
 * @returns {number[]|null}
 */
export function labelPoint(geometry) {
  switch (geometry?.type) {
    case "Point":
      return geometry.coordinates;
    case "LineString":
      return geometry.coordinates[Math.floor(geometry.coordinates.length / 2)] ?? null;
    case "Polygon":
      return pole(geometry.coordinates);
    case "MultiPolygon": {
      const parts = [...geometry.coordinates].sort((a, b) => ringSize(b[0]) - ringSize(a[0]));
      return parts.length ? pole(parts[0]) : null;
    }
    case "MultiPoint":
    case "MultiLineString":
      return positions(geometry).next().value ?? null;
    default:
      return null;
  }
}

/**
 * Meridians and parallels across a view, at a step that suits its width.
 *
 * @param {Bounds} bounds
 * @returns {object} GeoJSON lines with a `label`
 */
export function graticule([west, south, east, north]) {
  const steps = [20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
  const step = steps.find((candidate) => (east - west) / candidate >= 4) ?? 0.01;
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  const features = [];
  const line = (coordinates, label) => features.push({ type: "Feature", properties: { label }, geometry: { type: "LineString", coordinates } });
  const pad = (east - west) / 2;
  for (let x = Math.ceil((west - pad) / step); x * step <= Math.min(180, east + pad); x += 1) {
    const lon = Number((x * step).toFixed(2));
    line([[lon, Math.max(-85, south - pad)], [lon, Math.min(85, north + pad)]], `${Math.abs(lon).toFixed(digits)}°${lon < 0 ? "W" : "E"}`);
  }
  for (let y = Math.ceil((south - pad) / step); y * step <= Math.min(85, north + pad); y += 1) {
    const lat = Number((y * step).toFixed(2));
    line([[Math.max(-180, west - pad), lat], [Math.min(180, east + pad), lat]], `${Math.abs(lat).toFixed(digits)}°${lat < 0 ? "S" : "N"}`);
  }
  return { type: "FeatureCollection", features };
}

/**
 * @param {number} lon
 * @param {number} lat
 * @returns {string} degrees with hemisphere
 */
export function formatPosition(lon, lat) {
  return `${Math.abs(lon).toFixed(4)}°${lon < 0 ? "W" : "E"}  ${Math.abs(lat).toFixed(4)}°${lat < 0 ? "S" : "N"}`;
}

/** Room around a clicked point, so that it is seen with what lies about it. */
const ROOM_PX = 36;

/**
 * How far to move the map, in pixels, so that a point is not covered.
 *
 * @param {{x: number, y: number}} point
 * @param {{width: number, height: number, padding: {top: number, right: number, bottom: number, left: number}}} screen
 *   `padding` is what covers the map at its edges
 * @param {number[]|null} span west and east end of the whole area; a covered east end is moved out as far as the west end stays
 * @returns {[number, number]} to the east and to the south
 */
export function shiftFor({ x, y }, { width, height, padding }, span = null) {
  const past = (at, low, high) => Math.max(0, at - (high - ROOM_PX)) - Math.max(0, low + ROOM_PX - at);
  let dx = past(x, padding.left, width - padding.right);
  if (span) {
    const covered = span[1] - (width - padding.right);
    const spare = span[0] - padding.left;
    if (covered > 0 && spare > 0) dx = Math.max(dx, Math.min(covered, spare));
  }
  return [dx, past(y, padding.top, height - padding.bottom)];
}
