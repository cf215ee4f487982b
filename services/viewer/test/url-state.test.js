import assert from "node:assert/strict";
import { test } from "node:test";

import { formatCite, formatHash, parseCite, parseHash, parseOpacity } from "../src/url-state.js";

test("a hash that was written reads back the same", () => {
  const state = { view: { zoom: 8.125, lat: 37.5, lon: -112.25 }, layers: new Map([["hsf_quota", 0.85], ["counties", 1], ["routes", 0]]), classes: new Map(), lang: "en", cite: { plan: "xinzhou", line: 377, start: 1, end: 3 } };
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
  const hash = formatHash({ view: null, layers: null, classes, lang: null, cite: null });
  assert.deepEqual(parseHash(hash).classes, classes);
  assert.match(hash, /only=bases:herbs~maize,/);
  assert.deepEqual(parseHash("#only=x:%E0%A4~b").classes.get("x"), { mode: "only", keys: ["%E0%A4", "b"] });
});

test("a citation is an address, with or without a span", () => {
  assert.equal(formatCite({ plan: "xinzhou", line: 377, start: 0, end: 2 }), "plan=xinzhou&line=377&span=0-2");
  assert.deepEqual(parseHash("#plan=xinzhou&line=377&span=0-2").cite, { plan: "xinzhou", line: 377, start: 0, end: 2 });
  assert.deepEqual(parseHash("#plan=a%26b&line=1").cite, { plan: "a&b", line: 1, start: 0, end: 0 });
  assert.equal(formatCite({ plan: "a&b", line: 1, start: 0, end: 0 }), "plan=a%26b&line=1");
});

test("what cites no line is no citation, a broken span is none", () => {
  for (const [plan, line] of [["", "1"], [null, 1], ["a", ""], ["a", null], ["a", "0"], ["a", "-1"], ["a", "1e9"], ["a", "99999999"], ["a".repeat(101), "1"]]) assert.equal(parseCite(plan, line, "0-2"), null);
  for (const span of [null, "", "2-1", "x", "0", "0-", "-1-2", "0-99999999"]) assert.deepEqual(parseCite("a", "7", span), { plan: "a", line: 7, start: 0, end: 0 });
});
