import assert from "node:assert/strict";
import { test } from "node:test";

import { boundsOf, extentSize, formatPosition, graticule, labelPoint, shiftFor } from "../src/geometry.js";

const square = (x, y, side) => [[[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]];

test("a name is written inside the largest part", () => {
  const [x, y] = labelPoint({ type: "MultiPolygon", coordinates: [square(0, 0, 1), square(10, 10, 4)] });
  assert.ok(x > 10 && x < 14 && y > 10 && y < 14);
});

test("a name is written inside a bent shape, not at its centre", () => {
  const bent = { type: "Polygon", coordinates: [[[0, 0], [10, 0], [10, 10], [9, 10], [9, 1], [0, 1], [0, 0]]] };
  const [x, y] = labelPoint(bent);
  assert.ok((x > 9 && x < 10) || (y > 0 && y < 1), `${x}, ${y}`);
});

test("nothing to draw gives no point, no bounds and the largest size", () => {
  assert.equal(labelPoint(null), null);
  assert.equal(boundsOf(null), null);
  assert.equal(extentSize(null), Infinity);
  assert.deepEqual(boundsOf({ type: "LineString", coordinates: [[3, 4], [1, 9]] }), [1, 4, 3, 9]);
});

test("meridians and parallels carry their degrees", () => {
  const labels = graticule([110, 34, 115, 41]).features.map((feature) => feature.properties.label);
  assert.ok(labels.includes("112°E") && labels.includes("37°N"));
});

test("positions carry their hemisphere", () => {
  assert.equal(formatPosition(112.5, -3.25), "112.5000°E  3.2500°S");
});

test("the map moves only as far as a point or the whole area is covered", () => {
  const screen = { width: 1400, height: 900, padding: { top: 28, right: 464, bottom: 52, left: 372 } };
  assert.deepEqual(shiftFor({ x: 700, y: 400 }, screen), [0, 0]);
  assert.deepEqual(shiftFor({ x: 1200, y: 890 }, screen), [300, 78]);
  assert.deepEqual(shiftFor({ x: 380, y: 30 }, screen), [-28, -34]);
  assert.deepEqual(shiftFor({ x: 700, y: 400 }, screen, [600, 1036]), [100, 0]);
  assert.deepEqual(shiftFor({ x: 700, y: 400 }, screen, [400, 1300]), [28, 0]);
  assert.deepEqual(shiftFor({ x: 700, y: 400 }, screen, [-200, 2000]), [0, 0]);
});
