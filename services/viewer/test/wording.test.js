import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { setLang, setTerms, t, termOf, word } from "../src/i18n.js";
import { stopSeries } from "../src/stops.js";
import { STRINGS } from "../src/strings.js";
import { citedLines, flagWords, nameAndCount, otherRecord, percent, recordParts, recordWords } from "../src/wording.js";

afterEach(() => {
  setLang("zh");
  setTerms(null);
});

test("a record id is told as plan and line", () => {
  assert.deepEqual(recordParts("xin-zhou-330-01"), { plan: "xin-zhou", line: 330 });
  assert.equal(recordWords("xinzhou-330-01"), "xinzhou 第 330 行");
  assert.equal(recordWords("17"), "17");
  assert.equal(otherRecord("xinzhou-330-01", { name: "高标准农田规划任务", line: 330 }), "高标准农田规划任务，第 330 行");
  assert.equal(otherRecord("xinzhou-330-01", undefined), "xinzhou 第 330 行");
});

test("flags are told in words", () => {
  assert.deepEqual(["unlisted: 骆驼道", "ambiguous: 辛庄", "written: 巨镇", "other"].map(flagWords), ["名录中没有“骆驼道”", "“辛庄”有多处同名", "规划写作“巨镇”", "other"]);
});

test("shares are percentages, small ones with more digits, and a missing one is nothing", () => {
  assert.deepEqual([0.29097, 0.0534, 0.00046, 0, null, undefined, "0.3"].map(percent), ["29.1 %", "5.3 %", "0.046 %", "0.0 %", "", "", ""]);
});

test("cited lines stand once each, with how often", () => {
  assert.deepEqual(citedLines(["a:9", "a:317", "b:9", "a:317"]), [
    { plan: "a", line: "9", times: 1 }, { plan: "a", line: "317", times: 2 }, { plan: "b", line: "9", times: 1 },
  ]);
  assert.deepEqual(citedLines(null), []);
  assert.deepEqual(["yangquan 112", "片区 与带 18", "x"].map(nameAndCount), [{ name: "yangquan", count: 112 }, { name: "片区 与带", count: 18 }, { name: "x", count: null }]);
});

test("codes are told by the vocabulary of the service in both languages", () => {
  setTerms({ kinds: { base: { zh: "生产基地", en: "production base" } }, qualifier: { exact: { zh: "", en: "" } } });
  assert.deepEqual([word("kind", "base"), word("kind", "base", "基地"), word("kind", "new"), word("qualifier", "exact")], ["生产基地", "基地", "new", ""]);
  assert.equal(termOf("kind", "生产基地"), "base");
  setLang("en");
  assert.deepEqual([word("kind", "base", "基地"), word("kind", "new", "新"), word("kind", null)], ["production base", "新", ""]);
});

test("stops are listed by theme in the order of the plan, each by its number", () => {
  const stop = (id, theme, seq, line, partOf = "r-1-1") => ({ id, properties: { theme, seq, line, part_of: partOf } });
  const series = stopSeries([stop(1, "rural", 2, 460), stop(2, "rural", 1, 460), stop(3, "tourism", null, 450), stop(4, "tourism", 10, 450), stop(5, "tourism", 1, 450, "other")], "r-1-1");
  assert.deepEqual(series.map(({ theme, stops }) => [theme, stops.map(({ id }) => id)]), [["tourism", [4, 3]], ["rural", [2, 1]]]);
});

test("every sentence is there in both languages with the same gaps", () => {
  const gaps = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const [key, [chinese, english]] of Object.entries(STRINGS)) {
    assert.ok(chinese && english, key);
    assert.deepEqual(gaps(chinese), gaps(english), key);
  }
  assert.equal(t("lineNo", { line: 377 }), "第 377 行");
});
