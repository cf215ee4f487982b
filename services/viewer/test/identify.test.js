import assert from "node:assert/strict";
import { test } from "node:test";

import { byLayer, smallFirst } from "../src/identify.js";
import { LayerStore } from "../src/store.js";

const hit = (id, fid, precision) => ({ meta: { id }, properties: { fid, precision } });

test("what is known most exactly comes first, and each layer stands where its first fact does", () => {
  const hits = smallFirst([hit("a", "a-10", "county"), hit("b", "b-1", "village"), hit("a", "a-2", "county"), hit("a", "a-1", "province"), hit("b", "b-2", "?")]);
  assert.deepEqual(hits.map(({ properties }) => properties.fid), ["b-1", "a-2", "a-10", "a-1", "b-2"]);
  assert.deepEqual(byLayer(hits).map(({ meta, entries }) => [meta.id, entries.length]), [["b", 2], ["a", 3]]);
});

test("the layers of a URL replace the defaults; unknown names are passed over", () => {
  const metas = [{ id: "counties", group: "boundaries", visible: true }, { id: "quota", group: "farmland", visible: true }, { id: "new", group: "other", visible: false }];
  const store = new LayerStore(metas);
  assert.deepEqual(store.layers.map(({ meta }) => meta.id).slice(0, 2), ["quota", "counties"]);
  store.apply(new Map([["quota", 0.4], ["gone", 1]]));
  assert.deepEqual(store.visible().map(({ meta, opacity }) => [meta.id, opacity]), [["quota", 0.4]]);
});
