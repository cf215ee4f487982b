import assert from "node:assert/strict";
import { test } from "node:test";

import { formatHash, parseHash, parseOpacity } from "../src/url-state.js";

test("a hash that was written reads back the same", () => {
  const state = { view: { zoom: 8.125, lat: 37.5, lon: -112.25 }, layers: new Map([["hsf_quota", 0.85], ["counties", 1], ["routes", 0]]), classes: new Map(), lang: "en" };
  assert.deepEqual(parseHash(formatHash(state)), state);
});

test("no layers in the hash means the defaults, an empty list means none", () => {
  assert.equal(parseHash("#view=8/37/112").layers, null);
  assert.equal(parseHash("#on=").layers?.size, 0);
});

test("a view that cannot be is passed over", () => {
  for (const text of ["", "8/37", "8/95/112", "x/37/112", "8//112", "99/37/112", "8/37/112/1"]) assert.equal(parseHash(`#view=${text}`).view, null, text);
});

test("opacity is kept within 0 and 1, and may be left out", () => {
  assert.deepEqual([...(parseHash("#on=a,b:250,c:-3,d:x").layers ?? [])], [["a", 1], ["b", 1], ["c", 0], ["d", 1]]);
  assert.equal(parseOpacity("?opacity=1"), 1);
  assert.equal(parseOpacity("?opacity=7"), 1);
  assert.equal(parseOpacity("?opacity="), null);
  assert.equal(parseOpacity("?opacity=full"), null);
});

test("drawn classes are kept, whatever characters their names have", () => {
  const classes = new Map([
    ["bases", { mode: "only", keys: ["herbs", "maize"] }],
    ["counties", { mode: "only", keys: ["忻州市"] }],
    ["odd", { mode: "hide", keys: ["a~b,c:d&e=f+g%", "0.5"] }],
    ["parks", { mode: "only", keys: [] }],
  ]);
  const hash = formatHash({ view: null, layers: null, classes, lang: null });
  assert.deepEqual(parseHash(hash).classes, classes);
  assert.match(hash, /only=bases:herbs~maize,/);
  assert.deepEqual(parseHash("#only=x:%E0%A4~b").classes.get("x"), { mode: "only", keys: ["%E0%A4", "b"] });
});
