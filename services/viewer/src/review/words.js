/** The words of the review page: the map's way with languages, and the vocabulary as a list to choose from. */

import "./strings.js";
import { setTerms as setPageTerms } from "../i18n.js";

export { lang, onLang, setLang, t, word } from "../i18n.js";

/** @type {Object<string, Object<string, import("../types.js").Bilingual>>} */
let terms = {};

/** @param {Object<string, Object<string, import("../types.js").Bilingual>>} vocabulary_ */
export function setTerms(vocabulary_) {
  terms = vocabulary_ ?? {};
  setPageTerms(terms);
}

/**
 * @param {string} family e.g. `kinds`
 * @returns {Object<string, import("../types.js").Bilingual>} words by code
 */
export function vocabulary(family) {
  return terms[family] ?? {};
}
