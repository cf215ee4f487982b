/** What stands around the map: fixed words, the side panel's switches, messages, buttons, coordinates, sources. */

import { sourceText } from "./catalogue.js";
import { announce, byId, el, fill, isNarrow } from "./dom.js";
import { formatPosition } from "./geometry.js";
import { lang, t } from "./i18n.js";

/** Put the words of the present language into the fixed parts of the page. */
export function translatePage() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  document.title = `${t("brand")} · geoplan`;
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(/** @type {HTMLElement} */ (node).dataset.i18n ?? "");
  const language = byId("language");
  language.textContent = lang() === "zh" ? "EN" : "中文";
  language.lang = lang() === "zh" ? "en" : "zh-CN";
  language.setAttribute("aria-label", t("switchLanguage"));
  byId("map-tools").setAttribute("aria-label", t("tools"));
  nameSideToggle();
}

function nameSideToggle() {
  const hidden = document.body.dataset.side === "hidden";
  const toggle = byId("side-toggle");
  toggle.setAttribute("aria-expanded", String(!hidden));
  toggle.setAttribute("aria-label", t(hidden ? "showPanel" : "hidePanel"));
  toggle.title = t(hidden ? "showPanel" : "hidePanel");
}

/** @param {boolean} open the layer sheet of narrow screens */
export function setSheet(open) {
  document.body.dataset.sheet = open ? "open" : "";
  byId("sheet-toggle").setAttribute("aria-expanded", String(open));
}

/** The scale and the messages stand above the foot, whatever its height. */
export function wireFoot() {
  const foot = byId("map-foot");
  new ResizeObserver(() => document.body.style.setProperty("--foot-height", `${foot.offsetHeight}px`)).observe(foot);
}

/** Switches of the side panel: beside the map on wide screens, a sheet over it on narrow ones. */
export function wireSide() {
  byId("side-toggle").addEventListener("click", () => {
    document.body.dataset.side = document.body.dataset.side === "hidden" ? "" : "hidden";
    nameSideToggle();
  });
  byId("sheet-toggle").addEventListener("click", () => setSheet(document.body.dataset.sheet !== "open"));
  byId("side").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.body.dataset.sheet !== "open") return;
    event.preventDefault();
    setSheet(false);
    byId("sheet-toggle").focus();
  });
}

/** @returns {{top: number, right: number, bottom: number, left: number}} the part of the map that something covers */
export function coveredPadding() {
  const edge = 28;
  const panel = byId("panel");
  if (isNarrow()) {
    const sheet = !panel.hidden ? panel.offsetHeight : 0;
    return { top: 72, right: 56, bottom: Math.max(64, sheet + 14), left: 14 };
  }
  const side = document.body.dataset.side === "hidden" ? 0 : byId("side").offsetWidth;
  const reader = byId("reader");
  return { top: edge, right: edge + 40 + (panel.hidden ? 0 : panel.offsetWidth), bottom: reader.hidden ? 52 : reader.offsetHeight + 64, left: side + edge };
}

/**
 * A message over the map, with something to do about it. Also read aloud.
 *
 * @param {{text: string, hint?: string, onRetry?: () => void}} message
 */
export function showNotice({ text, hint = "", onRetry }) {
  const notice = byId("notice");
  fill(notice,
    el("p", {}, el("strong", {}, text), hint && ` ${hint}`),
    el("div", { class: "notice-actions" },
      onRetry && el("button", { type: "button", class: "button", on: { click: () => { hideNotice(); onRetry(); } } }, t("retry")),
      el("button", { type: "button", class: "button quiet", "aria-label": t("close"), on: { click: hideNotice } }, "✕")));
  notice.hidden = false;
}

export function hideNotice() {
  byId("notice").hidden = true;
}

/**
 * A failed request in plain words.
 *
 * @param {unknown} error
 * @returns {{text: string, hint: string}}
 */
export function explain(error) {
  const { kind, status, detail } = /** @type {any} */ (error) ?? {};
  if (kind === "http" && status === 401) return { text: t("keyNeeded"), hint: "" };
  if (kind === "http") return { text: t("serviceError", { status }), hint: detail || t("serviceDownHint") };
  if (kind === "format") return { text: t("serviceFormat"), hint: t("serviceDownHint") };
  return { text: t(kind === "timeout" ? "serviceSlow" : "serviceDown"), hint: t("serviceDownHint") };
}

/**
 * @param {{onZoom: (step: number) => void, onHome: () => void, onKey: (() => void)|null}} actions
 */
export function drawTools({ onZoom, onHome, onKey }) {
  const tool = (label, sign, onClick) => el("button", { type: "button", class: "tool", "aria-label": t(label), title: t(label), on: { click: onClick } }, sign);
  fill(byId("map-tools"), tool("zoomIn", "+", () => onZoom(1)), tool("zoomOut", "−", () => onZoom(-1)), tool("home", "⌂", onHome),
    onKey && el("button", { type: "button", class: "tool word", id: "key-button", title: t("keyTitle"), on: { click: onKey } }, t("keyButton")));
}

/**
 * Coordinates, the sentence every Chinese map needs, and the sources of what is shown.
 *
 * @param {import("./types.js").LayerState[]} visible
 */
export function drawFoot(visible) {
  const texts = new Set(visible.flatMap(({ meta }) => (meta.sources ?? []).map(sourceText)));
  const wasOpen = byId("map-foot").querySelector("details")?.open ?? false;
  const position = byId("map-foot").querySelector(".position")?.textContent ?? "";
  fill(byId("map-foot"),
    el("span", { class: "position", title: t("pointer") }, position),
    el("span", { class: "disclaimer" }, t("disclaimer")),
    el("details", { class: "sources", open: wasOpen },
      el("summary", {}, `${t("sources")} (${texts.size})`),
      texts.size ? el("ul", {}, [...texts].map((text) => el("li", {}, text))) : el("p", {}, t("noSources"))));
}

/** @param {{lng: number, lat: number}} place */
export function showPosition(place) {
  const node = byId("map-foot").querySelector(".position");
  if (node) node.textContent = formatPosition(place.lng, place.lat);
}

/**
 * "Drawing…" while tiles are on their way, but not for a blink.
 *
 * @param {any} map
 */
export function wireBusy(map) {
  let timer = 0;
  map.on("dataloading", () => {
    if (!timer) timer = window.setTimeout(() => { byId("busy").hidden = false; }, 400);
  });
  map.on("idle", () => {
    clearTimeout(timer);
    timer = 0;
    byId("busy").hidden = true;
  });
}

/** @param {string} text shown in place of the map when it cannot be drawn */
export function replaceMap(text) {
  fill(byId("map"), el("p", { class: "no-map", role: "alert" }, text));
  announce(text);
}
