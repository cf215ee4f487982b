/** What stands around the review: fixed words, progress, messages. */

import { byId, el, fill } from "../dom.js";
import { lang, t } from "./words.js";

/** Put the words of the present language into the fixed parts of the page. */
export function translatePage() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  document.title = `${t("review.brand")} · geoplan`;
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(/** @type {HTMLElement} */ (node).dataset.i18n ?? "");
  const language = byId("language");
  language.textContent = lang() === "zh" ? "EN" : "中文";
  language.lang = lang() === "zh" ? "en" : "zh-CN";
  language.setAttribute("aria-label", t("switchLanguage"));
  byId("review-map").setAttribute("aria-label", t("review.map"));
}

/** @param {{counts: Object<string, number>, problems?: string[]}} session */
export function drawProgress({ counts, problems = [] }) {
  const { total = 0, undecided = 0, accepted = 0, corrected = 0, rejected = 0, lost = 0 } = counts;
  const done = total - undecided;
  const part = (name, n) => el("span", { class: `bar-${name}`, style: { width: total ? `${(100 * n) / total}%` : "0" } });
  fill(byId("progress"),
    el("div", { class: "progress-words" },
      el("strong", { id: "progress-done" }, t("review.progress", { done, total })),
      el("span", { id: "progress-parts" }, t("review.progressParts", { accepted, corrected, rejected })),
      el("span", { class: "left", id: "progress-left" }, t("review.left", { n: undecided })),
      lost ? el("span", { class: "amber" }, t("review.lost", { n: lost })) : null,
      problems.length ? el("details", { class: "problem-list" }, el("summary", {}, t("review.problems", { n: problems.length })), el("ul", {}, ...problems.map((text) => el("li", {}, text)))) : null),
    el("div", { class: "bar", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": total, "aria-valuenow": done, "aria-label": t("review.progress", { done, total }) },
      part("accepted", accepted), part("corrected", corrected), part("rejected", rejected)));
}

/** @param {string} text */
export function showNotice(text) {
  const box = byId("review-notice");
  fill(box, el("span", {}, text), el("button", { type: "button", class: "button quiet", "aria-label": t("close"), on: { click: hideNotice } }, "✕"));
  box.hidden = false;
}

export function hideNotice() {
  byId("review-notice").hidden = true;
}

/**
 * @param {any} error
 * @returns {string}
 */
export function explain(error) {
  if (error?.status === 401) return t("review.token");
  if (error?.kind === "network") return t("review.offline");
  return t("review.failed", { detail: error?.detail || error?.message || String(error) });
}
