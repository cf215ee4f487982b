/** One fact of a plan, in words: what it says, how much, by when, where that stands in the plan, and how well its place is known. */

import { el } from "./dom.js";
import { lang, number, rounded, t, word } from "./i18n.js";
import { parseCite } from "./url-state.js";
import { flagWords, otherRecord, percent, recordParts, recordWords } from "./wording.js";

/** @typedef {Object<string, any>} Properties */

/**
 * @typedef {object} CardContext
 * @property {(() => void)|null} [onShow]
 * @property {(() => void)|null} [onRetry]
 * @property {(id: string) => Properties|undefined} [byRecord] another fact that is at hand
 * @property {HTMLElement|null} [stops] what a route's card says of its stops
 * @property {((cite: import("./types.js").Cite) => void)|null} [onCite] open a citation
 */

/**
 * @param {Properties} p
 * @param {CardContext} [context]
 * @returns {HTMLElement}
 */
export function factCard(p, { onShow = null, onRetry = null, byRecord = () => undefined, stops = null, onCite = null } = {}) {
  const schematic = p.geometry_source === "schematic";
  return el("article", { class: "fact", "data-fid": p.fid },
    el("div", { class: "fact-head" },
      el("h5", { class: "fact-name" }, p.name || p.division_name || "—"),
      schematic && el("span", { class: "mark mark-schematic" }, t("schematic")),
      onShow && el("button", { type: "button", class: "link show", "aria-label": `${t("showOnMap")}：${p.name ?? ""}`, on: { click: onShow } }, t("showOnMap"))),
    figure(p),
    onRetry && el("p", { class: "failed" }, `${t("itemFailed")} `, el("button", { type: "button", class: "link", on: { click: onRetry } }, t("retry"))),
    el("dl", { class: "fact-rows" }, rows(p, byRecord, onCite)),
    p.duplicate_of && el("p", { class: "mark-line mark-duplicate" }, recordLink(p.duplicate_of, byRecord(p.duplicate_of), duplicate(p.duplicate_of, byRecord(p.duplicate_of)), onCite)),
    flags(p).map((flag) => el("p", { class: "mark-line" }, flag)),
    candidates(p),
    stops,
    quantities(p, onCite),
    p.note && el("p", { class: "fact-note", lang: /[\u4e00-\u9fff]/.test(p.note) ? null : "en" }, p.note));
}

/**
 * @param {string} id record this one repeats
 * @param {Properties|undefined} original that record, if it is at hand
 */
function duplicate(id, original) {
  return t(original?.name ? "duplicateNamed" : "duplicate", { id: recordWords(id), name: original?.name ?? "" });
}

/**
 * The value as the plan writes it, and in SI.
 *
 * @param {Properties} p
 */
function figure(p) {
  const written = p.value_text || withUnit(number, p.value, p.unit);
  if (!written) return el("p", { class: "figure figure-none" }, t("noValue"));
  const words = [p.per === "each" && word("per", p.per), p.qualifier && word("qualifier", p.qualifier, p.qualifier_zh)];
  const qualifier = words.filter((text) => text && !written.includes(text)).join(" ");
  const si = lang() === "zh" && p.value_si_text ? p.value_si_text : withUnit(rounded, p.value_si, p.unit_si) || p.value_si_text || "";
  return el("p", { class: "figure" },
    qualifier && el("span", { class: "qualifier" }, `${qualifier} `),
    el("strong", {}, written),
    p.shared_by && lang() === "en" && el("span", { class: "qualifier" }, t("sharedBy", { n: p.shared_by })),
    si && si !== written && el("span", { class: "si" }, t("valueSi", { value: si })));
}

/**
 * @param {(value: number|string) => string} format
 * @param {number|string|null|undefined} value
 * @param {string|null|undefined} unit `one` is the SI unit of a count and is not written
 */
function withUnit(format, value, unit) {
  return value === null || value === undefined ? "" : `${format(value)} ${unit === "one" ? "" : unit ?? ""}`.trim();
}

/**
 * @param {Properties} p
 * @param {(id: string) => Properties|undefined} byRecord
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 */
function rows(p, byRecord, onCite) {
  const row = (label, ...value) => (value.some(Boolean) ? [el("dt", {}, label), el("dd", {}, ...value)] : []);
  const kind = [word("kind", p.kind, p.kind_zh), word("theme", p.theme, p.theme_zh)].filter(Boolean).join(" · ");
  const when = [p.status && word("status", p.status, p.status_zh), p.period].filter(Boolean).join(" · ");
  const precision = p.precision ? t("precisionTo", { level: word("precision", p.precision, p.precision_zh) }) : "";
  const drawn = p.geometry_source === "schematic" ? t("schematicNote") : word("geometry_source", p.geometry_source, p.geometry_source_zh);
  const places = names(p.places);
  const share = percent(p.cultivated_share);
  const retained = p.cultivated_share_qualifier ? word("qualifier", p.cultivated_share_qualifier) : "";
  return [
    row(t("cite"), ...citation(p, onCite)),
    p.quote ? row("", el("q", {}, p.quote)) : [],
    row(t("partOf"), p.part_of && recordLink(p.part_of, byRecord(p.part_of), otherRecord(p.part_of, byRecord(p.part_of)), onCite),
      p.kind === "attraction" && typeof p.seq === "number" && el("span", { class: "second" }, t("stopNo", { n: p.seq }))),
    row(t("areaShare"), percent(p.area_share)),
    row(t("cultivatedShare"), share && [retained, share].filter(Boolean).join(" "),
      share && p.cultivated_record && el("span", { class: "second" }, recordLink(p.cultivated_record, byRecord(p.cultivated_record), t("restsOn", { record: otherRecord(p.cultivated_record, byRecord(p.cultivated_record)) }), onCite))),
    row(t("status"), when),
    row(t("kind"), kind),
    row(t("accuracy"), [precision, drawn].filter(Boolean).join(lang() === "zh" ? "；" : "; ")),
    places && places !== p.name ? row(t("placesNamed"), places) : [],
    row(t("region"), p.region && p.region !== p.name ? p.region : ""),
  ].flat();
}

/**
 * @param {Properties} p
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 * @returns {Array<string|HTMLElement>} plan title, chapter and line
 */
function citation(p, onCite) {
  const title = p.plan_title || p.plan || "";
  const line = p.line === null || p.line === undefined ? null : lineLink(parseCite(p.plan, p.line, p.span), p.line, onCite);
  const quoted = lang() === "zh" ? `「${title}」` : `“${title}”${p.chapter || line ? ", " : ""}`;
  return [title && quoted, p.chapter && el("span", { lang: "zh-CN" }, `${p.chapter}${lang() === "zh" ? "，" : ", "}`), line].filter(Boolean);
}

/**
 * A line number that opens its sentence.
 *
 * @param {import("./types.js").Cite|null} cite null where nothing can be opened
 * @param {number|string} line
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 */
export function lineLink(cite, line, onCite) {
  const words = t("lineNo", { line });
  if (!cite || !onCite) return el("span", { class: "whole" }, words);
  return el("button", { type: "button", class: "link whole cite", "aria-label": t("openCitation", { line: words }), title: t("openCitation", { line: words }), on: { click: () => onCite(cite) } }, words);
}

/**
 * @param {any} places list of names or of places with a parent
 * @returns {string}
 */
function names(places) {
  return (Array.isArray(places) ? places : []).map(placeName).filter(Boolean).join("、");
}

/** @param {any} place */
function placeName(place) {
  if (typeof place !== "object" || place === null) return place === null || place === undefined ? "" : String(place);
  const level = place.level ? word("level", place.level) : "";
  const inside = [place.parent, level, place.code].filter(Boolean).join(" ");
  return inside ? `${place.name}（${inside}）` : String(place.name ?? "");
}

/**
 * Words that name another record, and lead to its line.
 *
 * @param {string} id
 * @param {Properties|undefined} record that record, if it is at hand
 * @param {string} words
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 */
function recordLink(id, record, words, onCite) {
  const parts = recordParts(id);
  const cite = parts && parseCite(parts.plan, parts.line, record?.span ?? null);
  if (!cite || !onCite) return el("span", {}, words);
  return el("button", { type: "button", class: "link cite", on: { click: () => onCite(cite) } }, words);
}

/** @param {Properties} p */
function candidates(p) {
  if (!Array.isArray(p.candidates) || p.candidates.length === 0) return null;
  return el("div", { class: "candidates" },
    el("p", { class: "mark-line mark-ambiguous" }, t("candidates")),
    el("ul", {}, p.candidates.map((place) => el("li", {}, placeName(place)))));
}

/**
 * @param {Properties} p
 * @returns {string[]} in words
 */
function flags(p) {
  return (Array.isArray(p.flags) ? p.flags : [p.flags]).map(flagWords).filter(Boolean);
}

/**
 * @param {Properties} p
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 */
function quantities(p, onCite) {
  const list = Array.isArray(p.quantities) ? p.quantities : [];
  if (list.length < 2) return null;
  const written = (q) => [q.per === "each" && word("per", q.per), q.change && word("change", q.change, q.change_zh), q.qualifier && word("qualifier", q.qualifier), q.text || withUnit(number, q.value, q.unit)].filter(Boolean).join(" ");
  const si = (q) => (lang() === "zh" && q.si_text) || (q.value_si ? withUnit(rounded, Number(q.value_si), q.unit_si) : "");
  return el("details", { class: "quantities" },
    el("summary", {}, t("quantities", { n: list.length })),
    el("table", {},
      el("thead", {}, el("tr", {}, [t("measure"), t("asWritten"), t("siValue")].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, list.map((q) => el("tr", {},
        el("td", {}, word("measure", q.measure, q.measure_zh), q.line !== null && q.line !== undefined && el("span", { class: "line-no" }, lineLink(parseCite(p.plan, q.line, q.span), q.line, onCite))),
        el("td", {}, written(q)),
        el("td", {}, si(q)))))));
}
