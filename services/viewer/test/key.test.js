import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { forgetKey, getKey, keepKey, keyHeaders, keyIn, onRefused, refused } from "../src/key.js";

const PAGE = "https://planning.test/maps/";

class Storage {
  constructor() { this.kept = new Map(); }
  getItem(name) { return this.kept.get(name) ?? null; }
  setItem(name, value) { this.kept.set(name, value); }
  removeItem(name) { this.kept.delete(name); }
}

afterEach(() => { forgetKey(); delete globalThis.sessionStorage; });

test("a key is sent to the page's own origin only", () => {
  globalThis.sessionStorage = new Storage();
  assert.deepEqual(keyHeaders("layers", PAGE), {});
  keepKey("gp_a");
  const sent = { "X-API-Key": "gp_a" };
  for (const url of ["layers", "/tiles/a/1/0/0.mvt", "https://planning.test/x"]) assert.deepEqual(keyHeaders(url, PAGE), sent, url);
  for (const url of ["http://planning.test/x", "https://planning.test:8443/x", "//other.test/x", "https://planning.test.other.test/", "data:,x", "blob:null/1"]) {
    assert.deepEqual(keyHeaders(url, PAGE), {}, url);
  }
  forgetKey();
  assert.deepEqual(keyHeaders("layers", PAGE), {});
  assert.equal(globalThis.sessionStorage.kept.size, 0);
});

test("without a storage the key is kept by the page", () => {
  assert.equal(getKey(), null);
  keepKey("gp_a");
  assert.equal(getKey(), "gp_a");
  forgetKey();
  assert.equal(getKey(), null);
});

test("what cannot be sent is no key", () => {
  assert.equal(keyIn("  gp_a-b_c\n"), "gp_a-b_c");
  for (const text of ["", "  ", "gp_a b", "密钥", "gp_\u0000", "a\nb", "x".repeat(5000)]) assert.equal(keyIn(text), null, text);
});

test("who listens is told that a key is wanted", () => {
  let told = 0;
  onRefused(() => { told += 1; });
  refused();
  assert.equal(told, 1);
});
