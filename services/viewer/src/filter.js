/** Which classes of a layer are drawn. Pure: the legend, the map, the counts and the URL all ask here. */

/** @typedef {import("./types.js").LayerMeta} LayerMeta */

/** Key of the features that have no class. */
export const UNCLASSED = "none";

/** Class of a feature in the tiles; -1 where there is none. */
const CLASS = ["to-number", ["get", "class"], -1];

/**
 * A line of the legend. `key` names it in the URL: the category or the lower end of the class, which a new build keeps
 * more often than its number.
 *
 * @typedef {{key: string, index: number, entry: import("./types.js").LegendEntry|null, count: number}} LegendRow
 */

/**
 * The lines of a legend, with one more for features without a class if the layer has such features.
 *
 * @param {LayerMeta} meta
 * @returns {LegendRow[]} `index` is the `class` of the features; the line without an `entry` has no colour of its own
 */
export function legendRows(meta) {
  const { entries = [], other = null } = meta.legend;
  const rows = entries.map((entry, index) => ({ key: keyOf(entry), index, entry, count: entry.count ?? 0 }));
  const rest = meta.legend.unclassed ?? 0;
  if (other) rows.push({ key: UNCLASSED, index: -1, entry: other, count: other.count ?? 0 });
  else if (rest > 0) rows.push({ key: UNCLASSED, index: -1, entry: null, count: rest });
  return rows;
}

/** @param {import("./types.js").LegendEntry} entry */
function keyOf(entry) {
  return String(entry.value ?? entry.min ?? "other");
}

/**
 * @param {LayerMeta} meta
 * @returns {boolean} whether there is anything to choose between
 */
export function canFilter(meta) {
  return legendRows(meta).length > 1;
}

/**
 * @param {LayerMeta} meta
 * @param {ReadonlySet<string>} hidden keys of the lines that are not drawn
 * @returns {any[]|null} MapLibre filter on `class`; null when all are drawn
 */
export function classFilter(meta, hidden) {
  const indices = legendRows(meta).filter((row) => hidden.has(row.key)).map((row) => row.index);
  return indices.length === 0 ? null : ["!", ["in", CLASS, ["literal", indices]]];
}

/**
 * @param {any[]|null|undefined} base the filter a style layer has anyway
 * @param {any[]|null} more
 * @returns {any[]|null}
 */
export function bothFilters(base, more) {
  if (!base || !more) return base ?? more ?? null;
  return ["all", base, more];
}

/**
 * @param {LayerMeta} meta
 * @param {ReadonlySet<string>} hidden
 * @returns {number} features of the lines that are drawn
 */
export function shownCount(meta, hidden) {
  if (hidden.size === 0) return meta.count ?? 0;
  return legendRows(meta).reduce((sum, row) => (hidden.has(row.key) ? sum : sum + row.count), 0);
}

/**
 * @param {LayerMeta} meta
 * @param {string} key
 * @returns {Set<string>} what to hide so that only one line is drawn
 */
export function allBut(meta, key) {
  return new Set(legendRows(meta).map((row) => row.key).filter((other) => other !== key));
}

/**
 * For the URL: the shorter of "only these" and "all but these".
 *
 * @param {LayerMeta} meta
 * @param {ReadonlySet<string>} hidden
 * @returns {import("./types.js").ClassChoice|null} null when all are drawn
 */
export function toChoice(meta, hidden) {
  if (hidden.size === 0) return null;
  const keys = legendRows(meta).map((row) => row.key);
  const shown = keys.filter((key) => !hidden.has(key));
  return shown.length <= hidden.size ? { mode: "only", keys: shown } : { mode: "hide", keys: keys.filter((key) => hidden.has(key)) };
}

/**
 * Names that the legend does not have are passed over; when "only these" knows none of its names, all are drawn.
 *
 * @param {LayerMeta} meta
 * @param {import("./types.js").ClassChoice|null|undefined} choice
 * @returns {Set<string>} keys to hide
 */
export function fromChoice(meta, choice) {
  if (!choice || !canFilter(meta)) return new Set();
  const keys = legendRows(meta).map((row) => row.key);
  const named = new Set(choice.keys);
  const known = keys.filter((key) => named.has(key));
  if (choice.mode === "hide") return new Set(known);
  if (known.length === 0 && named.size > 0) return new Set();
  return new Set(keys.filter((key) => !named.has(key)));
}
