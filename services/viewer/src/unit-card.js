/** An administrative unit in one line, and what plans say about a unit altogether. */

import { el } from "./dom.js";
import { lineLink } from "./fact-card.js";
import { number, t, termOf, word } from "./i18n.js";
import { parseCite } from "./url-state.js";
import { citedLines, nameAndCount } from "./wording.js";

/** @typedef {Object<string, any>} Properties */

/** Lines of the plan that are shown before the fold. */
const LINES = 20;

/**
 * @param {Properties} p
 * @returns {HTMLElement}
 */
export function unitLine(p) {
  const facts = [p.precision && word("precision", p.precision, p.precision_zh), p.division_code,
    p.geometry_source && word("geometry_source", p.geometry_source, p.geometry_source_zh), p.as_of && t("asOf", { date: p.as_of })];
  const siting = p.siting === "anchored" || p.siting === "unknown" ? t(`siting.${p.siting}`) : "";
  const schematic = p.geometry_source === "schematic";
  return el("li", { class: "unit" },
    // A schematic cell holds the point by its drawing only: it says nothing of the township the point lies in.
    schematic && el("span", { class: "mark mark-schematic" }, t("schematicCell")),
    el("span", { class: "unit-name" }, p.name || p.division_name),
    el("span", { class: "unit-facts" }, facts.filter(Boolean).join(" · ")),
    siting && el("span", { class: `unit-siting unit-siting-${p.siting}` }, siting));
}

/**
 * @param {Properties} p
 * @returns {boolean} whether these are the totals of a unit, not the unit itself
 */
export function isCoverage(p) {
  return Array.isArray(p.citations) && typeof p.facts === "number";
}

/**
 * How many facts which plans state of a unit, of which kinds, and where.
 *
 * @param {Properties} p
 * @param {Map<string, string>} planTitles by plan id
 * @param {((cite: import("./types.js").Cite) => void)|null} [onCite] open a citation
 * @returns {HTMLElement}
 */
export function coverageCard(p, planTitles, onCite = null) {
  const lines = citedLines(p.citations);
  const plans = (p.plans ?? []).map(nameAndCount);
  return el("article", { class: "fact coverage", "data-fid": p.fid },
    el("div", { class: "fact-head" }, el("h5", { class: "fact-name" }, p.name || p.division_name || "—")),
    el("p", { class: p.facts > 0 ? "figure" : "figure figure-none" }, p.facts > 0 ? el("strong", {}, t("coverageFacts", { n: number(p.facts) })) : t("coverageNone")),
    el("dl", { class: "fact-rows" },
      plans.length > 0 && [el("dt", {}, t("coveragePlans")), el("dd", {}, el("ul", {}, plans.map(({ name, count }) => tally(planTitles.get(name) ?? name, count))))],
      (p.kinds ?? []).length > 0 && [el("dt", {}, t("kind")), el("dd", {}, el("ul", { class: "chips" }, p.kinds.map((text) => {
        const { name, count } = nameAndCount(text);
        return tally(word("kind", termOf("kind", name), name), count);
      })))],
      lines.length > 0 && [el("dt", {}, t("cite")), el("dd", {}, cited(lines.slice(0, LINES), plans.length > 1, onCite),
        lines.length > LINES && el("details", { class: "more-lines" }, el("summary", {}, t("moreLines", { n: number(lines.length - LINES) })), cited(lines.slice(LINES), plans.length > 1, onCite)))]));
}

/**
 * @param {string} name
 * @param {number|null} count
 */
function tally(name, count) {
  return el("li", {}, el("span", {}, name), count !== null && el("span", { class: "tally" }, ` ${t("countFeatures", { n: number(count) })}`));
}

/**
 * @param {Array<{plan: string, line: string, times: number}>} lines
 * @param {boolean} named whether to say the plan with each
 * @param {((cite: import("./types.js").Cite) => void)|null} onCite
 */
function cited(lines, named, onCite) {
  return el("ul", { class: "chips cited" }, lines.map(({ plan, line, times }) => el("li", {},
    named && `${plan} `, lineLink(parseCite(plan, line, null), line, onCite), times > 1 && el("span", { class: "tally" }, ` ×${times}`))));
}
