import assert from "node:assert/strict";
import { test } from "node:test";

import { figureText, placesInWords } from "../src/review/form.js";
import { placesText } from "../src/review/list.js";
import { segments } from "../src/review/passage.js";

test("a text is cut where marks begin and end, by characters, not by halves of them", () => {
  const marks = [{ start: 1, end: 4, role: "fact" }, { start: 2, end: 3, role: "place" }, { start: 2, end: 99, role: "figure" }];
  assert.deepEqual(segments("𠮷甲乙丙丁", marks), [
    { text: "𠮷", roles: [] },
    { text: "甲", roles: ["fact"] },
    { text: "乙", roles: ["fact", "place", "figure"] },
    { text: "丙", roles: ["fact", "figure"] },
    { text: "丁", roles: ["figure"] },
  ]);
  assert.deepEqual(segments("甲", []), [{ text: "甲", roles: [] }]);
  assert.deepEqual(segments("", []), []);
});

test("places are told without the signs of the file", () => {
  assert.equal(placesInWords("平定县/巨城镇=巨镇; 盂县/~某村;?辛庄"), "平定县/巨城镇（原文作 巨镇）、盂县/某村（名录没有）、辛庄（重名）");
  assert.equal(placesText("平定县/巨城镇=巨镇;盂县/~某村;?辛庄;城区"), "巨城镇、某村、辛庄…");
});

test("a figure is told with its bound and its unit", () => {
  const figure = { measure: "area", value: "2..3", unit: "万亩", qualifier: "range", change: "", per: "", status: "", period: "", line: "1", span: "0..1" };
  assert.equal(figureText(figure), "2–3 万亩");
  assert.equal(figureText({ ...figure, value: "5", unit: "%", qualifier: "" }), "5%");
});
