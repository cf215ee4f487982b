import assert from "node:assert/strict";
import { test } from "node:test";

import { LayerStore } from "../src/store.js";

const entry = (value, count) => ({ value, count, color: "#000000", label: { zh: "", en: "" } });

test("the layers of a URL replace the defaults; unknown names are passed over", () => {
  const metas = [{ id: "counties", group: "boundaries", visible: true, legend: {} }, { id: "quota", group: "farmland", visible: true, count: 9, legend: { entries: [entry("a", 4), entry("b", 5)] } }, { id: "new", group: "other", visible: false, legend: {} }];
  const store = new LayerStore(metas);
  assert.deepEqual(store.layers.map(({ meta }) => meta.id).slice(0, 2), ["quota", "counties"]);
  store.apply(new Map([["quota", 0.4], ["gone", 1]]));
  assert.deepEqual(store.visible().map(({ meta, opacity }) => [meta.id, opacity]), [["quota", 0.4]]);
  store.apply(null, new Map([["quota", { mode: "only", keys: ["b"] }]]));
  assert.deepEqual([[...store.get("quota").hidden], store.get("quota").visible], [["a"], true]);
  store.apply(new Map([["quota", 1]]));
  assert.equal(store.get("quota").hidden.size, 0);
});

test("a change is told once, with what changed", () => {
  const store = new LayerStore([{ id: "quota", group: "farmland", visible: true, count: 9, legend: { entries: [entry("a", 4), entry("b", 5)] } }]);
  const told = [];
  store.addEventListener("change", ({ detail: { switched, filtered } }) => told.push([switched, filtered]));
  store.set("quota", { hidden: new Set(["a"]) });
  store.set("quota", { hidden: new Set(["a"]) });
  store.set("quota", { hidden: new Set(["b"]) });
  store.set("quota", { visible: false });
  assert.deepEqual(told, [[false, true], [false, true], [true, false]]);
});
