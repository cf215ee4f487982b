/** The legend of one layer: the very colours the map draws, with counts. */

import { el } from "./dom.js";
import { number, pick, t } from "./i18n.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */

/**
 * A colour sample on map paper. It takes the opacity of the layer, so that it always looks like the map.
 *
 * @param {string} color
 * @param {LayerMeta["geometry"]} geometry
 * @param {number} opacity
 * @returns {HTMLElement}
 */
function swatch(color, geometry, opacity) {
  return el("span", { class: `swatch swatch-${geometry}`, "aria-hidden": "true" },
    el("span", { class: "swatch-color", "data-color": color, style: { "background-color": color, opacity: String(opacity) } }));
}

/**
 * @param {LayerMeta} meta
 * @param {number} opacity
 * @returns {HTMLElement}
 */
export function legendOf(meta, opacity) {
  const { legend } = meta;
  const entries = legend.other ? [...legend.entries, legend.other] : legend.entries;
  const title = [pick(legend.title), legend.unit && t("unitIn", { unit: legend.unit })].filter(Boolean);
  return el("div", { class: "legend" },
    legend.type !== "single" && title.length > 0 && el("p", { class: "legend-title" }, el("span", {}, title[0]), title[1] && el("span", { class: "legend-unit" }, title[1])),
    el("ul", { class: "legend-entries" },
      entries.map((entry) => el("li", { class: entry.count === 0 ? "legend-entry none" : "legend-entry" },
        swatch(entry.color, meta.geometry, opacity),
        el("span", { class: "legend-label" }, pick(entry.label)),
        el("span", { class: "legend-count" }, number(entry.count ?? 0))))));
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
