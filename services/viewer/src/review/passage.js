/** The sentence of a draft under its headings, with the marked characters, and what the extractor thought of it. */

import { byId, el, fill } from "../dom.js";
import { t, word } from "./words.js";

/** @typedef {import("./types.js").Detail} Detail */

const ROLES = ["fact", "place", "figure"];

/**
 * Cut a text where a mark begins or ends. Marks count code points, so a text with rare characters is cut right.
 *
 * @param {string} text
 * @param {import("./types.js").TextMark[]} marks
 * @returns {{text: string, roles: string[]}[]}
 */
export function segments(text, marks) {
  const characters = Array.from(text);
  const inside = marks.map((mark) => ({ ...mark, start: Math.max(0, mark.start), end: Math.min(characters.length, mark.end) }));
  const cuts = [...new Set([0, characters.length, ...inside.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  const found = [];
  for (let i = 0; i + 1 < cuts.length; i += 1) {
    const [start, end] = [cuts[i], cuts[i + 1]];
    const roles = ROLES.filter((role) => inside.some((mark) => mark.role === role && mark.start <= start && mark.end >= end));
    found.push({ text: characters.slice(start, end).join(""), roles });
  }
  return found;
}

/**
 * @param {Detail} detail
 * @param {boolean} hasText
 */
export function drawPassage(detail, hasText) {
  fill(byId("passage"),
    head(detail),
    state(detail),
    headings(detail),
    hasText ? lines(detail) : withoutText(detail),
    hasText ? legend() : null,
    reasons(detail));
  byId("passage").scrollTop = 0;
  document.querySelector(".line mark.fact")?.scrollIntoView({ block: "nearest" });
}

/** @param {Detail} detail */
function head(detail) {
  const place = `${t("review.lineNo", { line: detail.line })} · ${t("review.chars", { start: detail.start + 1, end: detail.end })}`;
  return el("header", { class: "passage-head" },
    el("h2", {}, detail.now.name || detail.id),
    el("p", { class: "passage-facts" }, [word("kind", detail.now.kind), word("theme", detail.now.theme), place, detail.id].filter(Boolean).join(" · ")));
}

/** @param {Detail} detail */
function state(detail) {
  const names = (fields) => fields.map((field) => t(`field.${field}`)).join("、");
  const { decision } = detail;
  const rows = [];
  if (detail.stale) rows.push(el("p", { class: "state-line amber" }, t("review.stale")));
  else if (decision && detail.state !== "undecided") {
    const at = new Date(decision.at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
    rows.push(el("p", { class: `state-line state-${detail.state}` },
      t("review.decidedAt", { state: t(`state.${detail.state}`), at }), decision.by ? t("review.decidedBy", { by: decision.by }) : "",
      decision.fields.length ? `　${t("review.corrected", { fields: names(decision.fields) })}` : ""));
    if (detail.changed_since.length) rows.push(el("p", { class: "state-line amber" }, t("review.changed", { fields: names(detail.changed_since) })));
  }
  if (detail.faults.length) rows.push(el("p", { class: "state-line red" }, t("review.faulty", { n: detail.faults.length })));
  return rows.length ? el("div", { class: "state-lines" }, ...rows) : null;
}

/** @param {Detail} detail */
function headings(detail) {
  if (!detail.headings.length) return null;
  return el("ol", { class: "headings" }, ...detail.headings.map((heading) => el("li", { class: heading.box ? "box" : "" }, heading.text)));
}

/** @param {Detail} detail */
function lines(detail) {
  return el("div", { class: "lines" }, ...detail.lines.map((line) => {
    const own = line.number === detail.line;
    const parts = segments(line.text, line.marks).flatMap(({ text, roles }) => (roles.length ? [el("mark", { class: roles.join(" ") }, text)] : quiet(text)));
    return el("div", { class: own || line.marks.length ? "line own" : "line" },
      el("span", { class: "line-number", "aria-label": t("review.lineNo", { line: line.number }) }, line.number),
      el("p", { class: "line-text" }, line.offset > 0 ? "…" : "", ...parts, line.cut ? "…" : ""));
  }));
}

/**
 * @param {string} text
 * @returns {(Node|string)[]} the text, what a converter left in it ([bookmark: …]) reduced to a dot
 */
function quiet(text) {
  return text.split(/(\[(?:bookmark|image):[^\]]{0,200}\])/).map((part, index) => (index % 2 ? el("span", { class: "noise", title: part }, "·") : part));
}

/** @param {Detail} detail */
function withoutText(detail) {
  return el("div", { class: "no-text" },
    el("p", {}, el("strong", {}, `${t("review.lineNo", { line: detail.line })}，${t("review.chars", { start: detail.start + 1, end: detail.end })}`)),
    el("p", {}, t("review.noText")), el("p", { class: "hint" }, t("review.noTextHow")));
}

function legend() {
  return el("p", { class: "mark-legend", "aria-label": t("review.legend") },
    ...ROLES.map((role) => el("span", { class: "mark-key" }, el("mark", { class: role }, t(`role.${role}`)))));
}

/** @param {Detail} detail */
function reasons(detail) {
  const sure = detail.confidence.toFixed(2);
  return el("section", { class: "reasons-box" },
    el("h3", {}, t("review.confidence", { n: sure })),
    el("div", { class: "meter", "aria-hidden": "true" }, el("span", { style: { width: `${Math.round(detail.confidence * 100)}%` } })),
    detail.reasons.length ? el("ul", { class: "reason-list", "aria-label": t("review.reasons") }, ...detail.reasons.map((reason) => el("li", {}, reasonText(reason)))) : null);
}

/**
 * @param {string} reason a word of the extractor (kind-noun), or free text
 * @returns {string}
 */
function reasonText(reason) {
  const key = `reason.${reason}`;
  const words = t(key);
  return words === key ? reason : words;
}
