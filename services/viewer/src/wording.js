/** Codes and figures of a record in words. Pure: strings in, strings out. */

import { lang, t } from "./i18n.js";

/**
 * The plan and the line that a record id such as `xinzhou-330-01` is made of.
 *
 * @param {string|null|undefined} id
 * @returns {{plan: string, line: number}|null} null for anything else
 */
export function recordParts(id) {
  const match = /^(.+)-(\d+)-\d+$/.exec(String(id ?? ""));
  return match ? { plan: match[1], line: Number(match[2]) } : null;
}

/**
 * @param {string|null|undefined} id
 * @returns {string} "xinzhou 第 330 行"; an id of another form stays as it is
 */
export function recordWords(id) {
  const parts = recordParts(id);
  return parts ? `${parts.plan} ${t("lineNo", { line: parts.line })}` : String(id ?? "");
}

/**
 * Another record: by its name when it is at hand, else by its id.
 *
 * @param {string} id
 * @param {Object<string, any>|null|undefined} record properties of that record
 * @returns {string}
 */
export function otherRecord(id, record) {
  if (!record?.name) return recordWords(id);
  return `${record.name}${lang() === "zh" ? "，" : ", "}${t("lineNo", { line: record.line ?? recordParts(id)?.line ?? "?" })}`;
}

/**
 * @param {any} flag `unlisted: 骆驼道`, `ambiguous: 辛庄`, `written: 巨镇`
 * @returns {string} in words; what is not known stays as it is
 */
export function flagWords(flag) {
  const match = /^(unlisted|ambiguous|written):\s*(.*)$/.exec(String(flag ?? ""));
  return match ? t(`flag.${match[1]}`, { name: match[2] }) : String(flag ?? "");
}

/**
 * @param {any} share 0 to 1
 * @returns {string} "5.3 %", with more digits below one percent; empty when there is none
 */
export function percent(share) {
  if (typeof share !== "number" || !Number.isFinite(share)) return "";
  const value = share * 100;
  const digits = value >= 1 || value === 0 ? { minimumFractionDigits: 1, maximumFractionDigits: 1 } : { maximumSignificantDigits: 2 };
  return `${value.toLocaleString(lang() === "zh" ? "zh-CN" : "en-GB", digits)} %`;
}

/**
 * Lines of plans, each once with how often it is cited, in the order given.
 *
 * @param {any} citations list of `plan:line`
 * @returns {Array<{plan: string, line: string, times: number}>}
 */
export function citedLines(citations) {
  const lines = new Map();
  for (const text of Array.isArray(citations) ? citations : []) {
    const at = String(text).lastIndexOf(":");
    const cited = lines.get(text) ?? { plan: String(text).slice(0, Math.max(0, at)), line: String(text).slice(at + 1), times: 0 };
    cited.times += 1;
    lines.set(text, cited);
  }
  return [...lines.values()];
}

/**
 * @param {any} text `yangquan 112`, `生产基地 21`
 * @returns {{name: string, count: number|null}}
 */
export function nameAndCount(text) {
  const match = /^(.*\S)\s+(\d+)$/.exec(String(text));
  return match ? { name: match[1], count: Number(match[2]) } : { name: String(text), count: null };
}
