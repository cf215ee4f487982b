import assert from "node:assert/strict";
import { test } from "node:test";

import { chapterAt } from "../src/reader.js";

test("a line stands in the chapter that begins last before it", () => {
  const outline = [{ line: 10, chapter: "第一章" }, { line: 20, chapter: "第一章 第二节" }, { line: 30, chapter: "" }];
  assert.deepEqual([1, 10, 19, 20, 29, 30, 99].map((line) => chapterAt(outline, line)), ["", "第一章", "第一章", "第一章 第二节", "第一章 第二节", "", ""]);
  assert.equal(chapterAt(undefined, 5), "");
  assert.equal(chapterAt([], 5), "");
});
