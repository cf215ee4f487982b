/** The language of the page: Chinese unless the reader asks for English. */

import { STRINGS } from "./strings.js";

/** @type {"zh"|"en"} */
let language = "zh";
/** @type {Object<string, Object<string, import("./types.js").Bilingual>>} the service's vocabulary, by family and code */
let terms = {};
/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {"zh"|"en"} */
export function lang() {
  return language;
}

/** @param {"zh"|"en"} next */
export function setLang(next) {
  if (next === language) return;
  language = next;
  for (const listener of listeners) listener();
}

/** @param {() => void} listener called after every change of language */
export function onLang(listener) {
  listeners.add(listener);
}

/**
 * @param {string} key
 * @param {Object<string, string|number>} [params] values for `{name}` in the text
 * @returns {string}
 */
export function t(key, params = {}) {
  const entry = STRINGS[key];
  if (!entry) return key;
  return entry[language === "zh" ? 0 : 1].replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}

/**
 * @param {import("./types.js").Bilingual|string|null|undefined} text
 * @returns {string}
 */
export function pick(text) {
  if (!text) return "";
  if (typeof text === "string") return text;
  return text[language] || text.zh || text.en || "";
}

/** @param {Object<string, Object<string, import("./types.js").Bilingual>>|null|undefined} vocabulary `terms` of the layer list */
export function setTerms(vocabulary) {
  terms = vocabulary ?? {};
}

/** @param {string} family `kind`, `precision`: the service has it under its own name or in the plural */
function termsOf(family) {
  return terms[family] ?? terms[`${family}s`] ?? {};
}

/**
 * A code of the data in words. Beside a feature the service sends Chinese words, which may say more than the vocabulary.
 *
 * @param {string} family e.g. `precision`
 * @param {string|null|undefined} code
 * @param {string|null} [chinese] what the service sent beside the code
 * @returns {string}
 */
export function word(family, code, chinese) {
  if (language === "zh" && chinese) return chinese;
  const term = code ? termsOf(family)[code] : undefined;
  return term?.[language] ?? (chinese || code || "");
}

/**
 * @param {string} family
 * @param {string} chinese
 * @returns {string|null} the code of a Chinese word
 */
export function termOf(family, chinese) {
  return Object.entries(termsOf(family)).find(([, term]) => term.zh === chinese)?.[0] ?? null;
}

/**
 * @param {number|string} value numbers are grouped, text stays as it is written
 * @returns {string}
 */
export function number(value) {
  if (typeof value !== "number") return String(value);
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: 6 });
}

/**
 * A converted value: no more digits than a reader can use. The exact value stays in the data.
 *
 * @param {number|string} value
 * @returns {string}
 */
export function rounded(value) {
  if (typeof value !== "number") return String(value);
  const digits = Math.abs(value) >= 1 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", digits);
}
