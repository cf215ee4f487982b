/**
 * Names on the map. Glyphs are drawn by the browser from the local font, and MapLibre keeps the first drawing it gets:
 * the font slices that hold the characters must have arrived before a name is handed over.
 */

import { getAllItems } from "./api.js";
import { labelPoint, extentSize } from "./geometry.js";
import { FONT } from "./map-style.js";

/** More names than this are not fetched: they would not fit on the map anyway. */
const MOST_LABELS = 3000;

/**
 * Wait for the slices of the font that hold these characters.
 *
 * @param {string} text
 */
export async function loadGlyphs(text) {
  const characters = [...new Set(text)].join("");
  if (!characters) return;
  await document.fonts.load(`24px "${FONT}"`, characters);
}

/**
 * @param {string|null|undefined} siting what the place of a unit rests on
 * @returns {boolean} whether its name is drawn lighter, because the place is not known
 */
export function isWeak(siting) {
  return siting === "unknown";
}

/**
 * @param {import("./types.js").LayerMeta} meta
 * @returns {Promise<{names: object, outlines: Map<string, object>}|null>} GeoJSON points with a `label`, and the outline of
 *   each division by its code; null when the layer has no names to draw
 */
export async function fetchLabels(meta) {
  if (!meta.label_field || meta.count > MOST_LABELS) return null;
  const features = [];
  const outlines = new Map();
  for (const feature of await getAllItems(meta.id)) {
    const { [meta.label_field]: label, division_code: code, class: index = -1, siting } = feature.properties ?? {};
    if (code && feature.geometry && meta.group === "boundaries") outlines.set(String(code), feature.geometry);
    const point = label ? labelPoint(feature.geometry) : null;
    if (!point) continue;
    const order = -extentSize(feature.geometry);
    features.push({
      type: "Feature",
      properties: { label: String(label), order: Number.isFinite(order) ? order : 0, class: index, weak: isWeak(siting ?? meta.legend.entries[index]?.value) },
      geometry: { type: "Point", coordinates: point },
    });
  }
  await loadGlyphs(features.map((feature) => feature.properties.label).join(""));
  return { names: { type: "FeatureCollection", features }, outlines };
}
