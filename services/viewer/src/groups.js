/** The order of a list of facts: by layer, in it by how exactly the place is known, fine to coarse. Pure. */

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").Hit} Hit */
/** @typedef {import("./types.js").Entry} Entry */

const PRECISION = ["site", "village", "township", "county", "city", "region", "province"];
/** What holds for a whole prefecture or more is folded: it is said of every point in it. */
const COARSE = new Set(["city", "region", "province"]);

/**
 * Facts of one layer and one precision.
 *
 * @typedef {object} Part
 * @property {string|null} precision null: a list without headings
 * @property {number} count
 * @property {boolean} open
 * @property {Entry[]} entries those that are read
 * @property {Hit[]} rest those still to read
 */

/** @typedef {{meta: LayerMeta, count: number, parts: Part[]}} LayerGroup */

/** @param {string} precision */
function rank(precision) {
  const at = PRECISION.indexOf(precision);
  return at < 0 ? PRECISION.length : at;
}

/**
 * Finest first; of equal precision first what lies in one division, then as the plan has them.
 *
 * @param {Hit[]} hits
 * @returns {Hit[]}
 */
export function smallFirst(hits) {
  const many = ({ properties }) => (properties.division_code ? 0 : 1);
  return [...hits].sort((a, b) => rank(a.properties.precision) - rank(b.properties.precision)
    || many(a) - many(b)
    || String(a.properties.fid).localeCompare(String(b.properties.fid), "en", { numeric: true }));
}

/**
 * Parts with county precision and finer are open; the others are folded, unless there is nothing finer at all.
 *
 * @param {Hit[]} hits
 * @returns {LayerGroup[]} in the order of each layer's finest fact
 */
export function groupHits(hits) {
  /** @type {Map<string, LayerGroup>} */
  const layers = new Map();
  for (const hit of smallFirst(hits)) {
    const { id } = hit.meta;
    const layer = layers.get(id) ?? { meta: hit.meta, count: 0, parts: [] };
    layers.set(id, layer);
    const precision = PRECISION.includes(hit.properties.precision) ? hit.properties.precision : "unknown";
    let part = layer.parts.find((other) => other.precision === precision);
    if (!part) {
      part = { precision, count: 0, open: !COARSE.has(precision), entries: [], rest: [] };
      layer.parts.push(part);
    }
    part.rest.push(hit);
    part.count += 1;
    layer.count += 1;
  }
  const groups = [...layers.values()];
  const parts = groups.flatMap((group) => group.parts);
  if (parts.length > 0 && !parts.some((part) => part.open)) parts[0].open = true;
  return groups;
}

/**
 * One list without headings.
 *
 * @param {LayerMeta} meta
 * @param {Hit[]} hits
 * @returns {LayerGroup}
 */
export function plainGroup(meta, hits) {
  return { meta, count: hits.length, parts: [{ precision: null, count: hits.length, open: true, entries: [], rest: hits }] };
}

/**
 * How many facts of each open part to read at once: a few of each, and the rest of the budget from the top.
 *
 * @param {number[]} counts
 * @param {number} budget
 * @param {number} [least] of each part, also when that is more than the budget
 * @returns {number[]}
 */
export function shareOut(counts, budget, least = 3) {
  const shares = counts.map((count) => Math.min(count, least));
  let left = budget - shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share, index) => {
    const more = Math.max(0, Math.min(left, counts[index] - share));
    left -= more;
    return share + more;
  });
}
