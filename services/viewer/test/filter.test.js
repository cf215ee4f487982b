import assert from "node:assert/strict";
import { test } from "node:test";

import { UNCLASSED, allBut, bothFilters, canFilter, classFilter, fromChoice, legendRows, shownCount, toChoice } from "../src/filter.js";

const label = { zh: "", en: "" };
const entry = (count, more) => ({ label, color: "#123456", count, ...more });
const bases = { count: 20, legend: { type: "categories", entries: [entry(9, { value: "grain" }), entry(6, { value: "herbs" }), entry(5, { value: null })], other: null } };
const quota = { count: 20, legend: { type: "classes", entries: [entry(4, { min: 0, max: 5 }), entry(2, { min: 5, max: 9 })], other: null, unclassed: 14 } };
const routes = { count: 7, legend: { type: "single", entries: [entry(7)], other: null } };
const keys = (meta) => legendRows(meta).map((row) => row.key);

test("lines are named by their value or lower end, and those without a class have one only if they exist", () => {
  assert.deepEqual(keys(bases), ["grain", "herbs", "other"]);
  assert.deepEqual(keys(quota), ["0", "5", UNCLASSED]);
  assert.deepEqual(legendRows(quota).at(-1), { key: UNCLASSED, index: -1, entry: null, count: 14 });
  assert.equal(legendRows({ count: 20, legend: { ...quota.legend, other: entry(14) } }).at(-1).entry.count, 14);
});

test("a legend of one line has nothing to choose between", () => {
  assert.deepEqual([canFilter(routes), canFilter(bases)], [false, true]);
  assert.equal(fromChoice(routes, { mode: "only", keys: [] }).size, 0);
});

test("the filter leaves out the hidden classes, and no filter draws all", () => {
  assert.equal(classFilter(bases, new Set()), null);
  assert.equal(classFilter(bases, new Set(["gone"])), null);
  assert.deepEqual(classFilter(bases, new Set(["grain", "other"])), ["!", ["in", ["to-number", ["get", "class"], -1], ["literal", [0, 2]]]]);
  assert.deepEqual(classFilter(quota, new Set([UNCLASSED])).at(-1), ["in", ["to-number", ["get", "class"], -1], ["literal", [-1]]]);
});

test("the filter of a style layer holds as well", () => {
  assert.equal(bothFilters(null, null), null);
  assert.deepEqual(bothFilters(["base"], null), ["base"]);
  assert.deepEqual(bothFilters(undefined, ["more"]), ["more"]);
  assert.deepEqual(bothFilters(["base"], ["more"]), ["all", ["base"], ["more"]]);
});

test("shown features are those of the drawn lines", () => {
  assert.equal(shownCount(bases, new Set()), 20);
  assert.equal(shownCount(bases, allBut(bases, "herbs")), 6);
  assert.equal(shownCount(quota, new Set([UNCLASSED])), 6);
});

test("the URL says the shorter of only and all but", () => {
  assert.equal(toChoice(bases, new Set()), null);
  assert.deepEqual(toChoice(bases, allBut(bases, "herbs")), { mode: "only", keys: ["herbs"] });
  assert.deepEqual(toChoice(bases, new Set(["herbs"])), { mode: "hide", keys: ["herbs"] });
  assert.deepEqual(toChoice(bases, new Set(keys(bases))), { mode: "only", keys: [] });
  for (const hidden of [[], ["herbs"], ["grain", "other"], keys(bases)]) {
    assert.deepEqual([...fromChoice(bases, toChoice(bases, new Set(hidden)))].sort(), [...hidden].sort());
  }
});

test("names the legend no longer has are passed over", () => {
  assert.deepEqual([...fromChoice(bases, { mode: "only", keys: ["gone", "herbs"] })], ["grain", "other"]);
  assert.deepEqual([...fromChoice(bases, { mode: "only", keys: ["gone"] })], []);
  assert.deepEqual([...fromChoice(bases, { mode: "hide", keys: ["gone", "herbs"] })], ["herbs"]);
});
