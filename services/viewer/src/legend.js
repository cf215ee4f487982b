/** The legend of one layer: the very colours the map draws, with counts. Each line switches its class on and off. */

import { el } from "./dom.js";
import { allBut, canFilter, legendRows } from "./filter.js";
import { number, pick, t } from "./i18n.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").LayerState} LayerState */
/** @typedef {import("./filter.js").LegendRow} LegendRow */

/**
 * A colour sample on map paper. It takes the opacity of the layer, so that it always looks like the map.
 *
 * @param {LegendRow} row
 * @param {LayerState} layer
 * @returns {HTMLElement}
 */
function swatch({ entry }, { meta, opacity }) {
  if (!entry) return el("span", { class: `swatch swatch-${meta.geometry} swatch-unclassed`, "aria-hidden": "true" });
  return el("span", { class: `swatch swatch-${meta.geometry}`, "aria-hidden": "true" },
    el("span", { class: "swatch-color", "data-color": entry.color, style: { "background-color": entry.color, opacity: String(opacity) } }));
}

/**
 * @param {LegendRow} row
 * @param {LayerMeta} meta
 * @returns {string}
 */
function labelOf({ entry }, meta) {
  return entry ? pick(entry.label) : t(meta.legend.type === "categories" ? "uncategorised" : "unclassed");
}

/**
 * @param {LayerState} layer
 * @param {(hidden: Set<string>) => void} onHide
 * @returns {HTMLElement}
 */
export function legendOf(layer, onHide) {
  const { meta } = layer;
  const { legend } = meta;
  const rows = legendRows(meta);
  const filters = canFilter(meta);
  const name = pick(meta.title);
  const title = legend.type === "single" ? "" : pick(legend.title);
  return el("div", { class: "legend" },
    (title || filters) && el("div", { class: "legend-title" }, el("span", {}, title),
      legend.type !== "single" && legend.unit && el("span", { class: "legend-unit" }, t("unitIn", { unit: legend.unit })),
      filters && el("button", { type: "button", class: "link legend-all", "aria-label": t("showAll", { name }), "aria-disabled": String(layer.hidden.size === 0), on: { click: () => onHide(new Set()) } }, t("all"))),
    el("ul", { class: "legend-entries", "aria-label": filters && t("filterClasses", { name }) }, 
      rows.map((row) => (filters ? switchRow(row, layer, onHide) : plainRow(row, layer))),
      legend.several && plainRow({ key: "several", index: -2, entry: legend.several, count: legend.several.count }, layer)));
}

/**
 * @param {LegendRow} row
 * @param {LayerState} layer
 */
function plainRow(row, layer) {
  return el("li", { class: row.count === 0 ? "legend-entry none" : "legend-entry" }, el("span", { class: "legend-line" }, parts(row, layer)));
}

/**
 * @param {LegendRow} row
 * @param {LayerState} layer
 * @param {(hidden: Set<string>) => void} onHide
 */
function switchRow(row, layer, onHide) {
  const toggle = () => {
    const hidden = new Set(layer.hidden);
    if (!hidden.delete(row.key)) hidden.add(row.key);
    onHide(hidden);
  };
  const drawn = !layer.hidden.has(row.key);
  return el("li", { class: `legend-entry${row.count === 0 ? " none" : ""}${drawn ? "" : " off"}`, "data-key": row.key },
    el("button", { type: "button", class: "legend-line legend-toggle", "aria-pressed": String(drawn), on: { click: toggle } }, parts(row, layer)),
    el("button", {
      type: "button", class: "legend-only", "aria-label": t("onlyThis", { name: labelOf(row, layer.meta) }), on: { click: () => onHide(allBut(layer.meta, row.key)) },
    }, t("only")));
}

/**
 * @param {LegendRow} row
 * @param {LayerState} layer
 */
function parts(row, layer) {
  return [
    swatch(row, layer),
    el("span", { class: "legend-label" }, labelOf(row, layer.meta)),
    el("span", { class: "legend-count" }, number(row.count)),
  ];
}

/**
 * Show in place which lines are drawn, so that the keyboard focus stays where it is.
 *
 * @param {HTMLElement} legend
 * @param {LayerState} layer
 */
export function updateLegend(legend, { hidden }) {
  for (const line of legend.querySelectorAll(".legend-entry[data-key]")) {
    const drawn = !hidden.has(/** @type {HTMLElement} */ (line).dataset.key ?? "");
    line.classList.toggle("off", !drawn);
    line.querySelector(".legend-toggle")?.setAttribute("aria-pressed", String(drawn));
  }
  legend.querySelector(".legend-all")?.setAttribute("aria-disabled", String(hidden.size === 0));
}

/**
 * @param {HTMLElement} legend
 * @param {number} opacity
 */
export function fadeLegend(legend, opacity) {
  for (const sample of legend.querySelectorAll(".swatch-color")) /** @type {HTMLElement} */ (sample).style.opacity = String(opacity);
}

/** @returns {HTMLElement} what filled, outlined and dashed shapes mean */
export function drawingKey() {
  const item = (kind, text) => el("li", {}, el("span", { class: `key key-${kind}`, "aria-hidden": "true" }), el("span", {}, t(text)));
  return el("section", { class: "drawing-key", "aria-labelledby": "key-title" },
    el("h3", { id: "key-title" }, t("key")),
    el("ul", {}, item("filled", "keyFilled"), item("outline", "keyOutline"), item("schematic", "keySchematic")));
}
