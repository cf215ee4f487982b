import assert from "node:assert/strict";
import { test } from "node:test";

import { groupHits, plainGroup, shareOut, smallFirst } from "../src/groups.js";

const hit = (id, fid, precision, code = "1") => ({ meta: { id }, properties: { fid, precision, division_code: code } });

test("what is known most exactly comes first, one division before several, then the order of the plan", () => {
  const hits = smallFirst([hit("a", 10, "county"), hit("b", 1, "village"), hit("a", 3, "county", null), hit("a", 4, "county"), hit("a", 1, "province"), hit("b", 2, "?")]);
  assert.deepEqual(hits.map(({ properties }) => properties.fid), [1, 4, 10, 3, 1, 2]);
});

test("each layer stands where its finest fact does, and is parted by precision", () => {
  const groups = groupHits([hit("a", 1, "city"), hit("a", 2, "county"), hit("b", 1, "village"), hit("a", 3, "province"), hit("a", 4, "county"), hit("b", 9, "region")]);
  assert.deepEqual(groups.map(({ meta, count }) => [meta.id, count]), [["b", 2], ["a", 4]]);
  assert.deepEqual(groups[1].parts.map(({ precision, count, open }) => [precision, count, open]), [["county", 2, true], ["city", 1, false], ["province", 1, false]]);
  assert.deepEqual(groups[0].parts.map(({ precision, open }) => [precision, open]), [["village", true], ["region", false]]);
});

test("with nothing finer the first coarse part is open", () => {
  const groups = groupHits([hit("a", 1, "province"), hit("b", 2, "city")]);
  assert.deepEqual(groups.flatMap(({ parts }) => parts.map(({ open }) => open)), [true, false]);
  assert.deepEqual(groupHits([]), []);
});

test("facts without a place stand in one list without headings", () => {
  const { count, parts } = plainGroup({ id: "a" }, [hit("a", 1, "city"), hit("a", 2, "county")]);
  assert.deepEqual([count, parts.length, parts[0].precision, parts[0].rest.length], [2, 1, null, 2]);
});

test("a few of each part are read, the rest of the budget from the top", () => {
  assert.deepEqual(shareOut([30, 2, 10], 24), [19, 2, 3]);
  assert.deepEqual(shareOut([4, 4], 24), [4, 4]);
  assert.deepEqual(shareOut([9, 9, 9], 6), [3, 3, 3]);
  assert.deepEqual(shareOut([], 24), []);
});
