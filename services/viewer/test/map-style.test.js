import assert from "node:assert/strict";
import { test } from "node:test";

import { classColor, contrast, edgeOf, inkOf, styleLayers } from "../src/map-style.js";

const entry = (color) => ({ label: { zh: "", en: "" }, color, count: 1 });
const legend = { type: "classes", field: "value", title: { zh: "", en: "" }, unit: null, entries: [entry("#edf4d5"), entry("#2f7a3c")], other: entry("#d8d8d8") };
const meta = { id: "quota", group: "farmland", geometry: "polygon", legend, fill_levels: ["county"] };
const rgb = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

test("the fill draws the legend's own colours, class by class", () => {
  assert.deepEqual(classColor(legend), ["match", ["to-number", ["get", "class"], -1], 0, "#edf4d5", 1, "#2f7a3c", "#d8d8d8"]);
  const fill = styleLayers(meta).find((style) => style.spec.type === "fill" && !style.hit);
  assert.deepEqual(fill?.spec.paint["fill-color"], classColor(legend));
});

test("without an entry for them, features without a class are not filled", () => {
  const fill = styleLayers({ ...meta, legend: { ...legend, other: null } })[0];
  assert.equal(fill.spec.paint["fill-color"].at(-1), "rgba(0,0,0,0)");
});

test("a legend of one entry is one colour", () => {
  assert.equal(classColor({ ...legend, type: "single", other: null }), "#edf4d5");
});

test("outlines stand out from paper, edges from their own fill", () => {
  for (const color of ["#edf4d5", "#ffffff", "#ffff00", "#2f7a3c"]) {
    assert.ok(contrast(rgb(inkOf(color)), rgb("#f2f4f0")) >= 3, color);
    assert.ok(contrast(rgb(edgeOf(color)), rgb(color)) >= 1.9, color);
  }
});

test("schematic outlines are dashed, others are not, and every polygon answers a click", () => {
  const styles = styleLayers(meta);
  const dashed = styles.filter((style) => style.spec.paint["line-dasharray"]).map((style) => style.spec.id);
  assert.deepEqual(dashed, ["layer:quota/outline-schematic", "layer:quota/line-schematic"]);
  assert.equal(styles.find((style) => style.spec.id === "layer:quota/area")?.hit, true);
});
