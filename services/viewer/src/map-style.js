/** From the description of a layer to MapLibre style layers. Pure: no map, no page. */

/** @typedef {import("./types.js").LayerMeta} LayerMeta */

export const PAPER = "#f2f4f0";
export const INK = "#1e2a2b";
/** Names of boundaries; the weaker one is for units whose place is not known. */
const BOUNDARY_INK = "#33403f";
export const WEAK_INK = "#6b7571";
export const FONT = "Noto Sans SC Variable";
export const MISSING = "#8b9490";

const POLYGON = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];
const LINE = ["in", ["geometry-type"], ["literal", ["LineString", "MultiLineString"]]];
const POINT = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]];
/** `fill` of a division with facts of several classes. */
const SEVERAL = -2;
const SCHEMATIC = ["==", ["get", "geometry_source"], "schematic"];

/** What lies above what: all fills, then all lines, then all points. */
export const RANK = { background: 0, graticule: 1, fill: 1000, hit: 2000, outline: 3000, line: 4000, point: 5000, mark: 6000, label: 7000 };

/**
 * Colour by `class`, exactly the colours of the legend.
 *
 * @param {import("./types.js").Legend} legend
 * @param {(color: string) => string} [change] applied to every colour
 * @param {string} [missing] for features without a class when the legend has no entry for them
 * @returns {any} expression
 */
export function classColor(legend, change = (color) => color, missing = MISSING) {
  const entries = legend.entries ?? [];
  if (legend.type === "single") return change(entries[0]?.color ?? missing);
  const other = legend.other ? change(legend.other.color) : missing;
  if (entries.length === 0) return other;
  const cases = entries.flatMap((entry, index) => [index, change(entry.color)]);
  return ["match", ["to-number", ["get", "class"], -1], ...cases, other];
}

/**
 * Fill of the areas. While all classes are drawn the property `fill` says it: one fill for each division, of the colour
 * "several" where facts of different classes share it. A choice of classes is filled class by class.
 *
 * @param {import("./types.js").Legend} legend
 * @param {boolean} all whether all classes are drawn
 * @returns {any} expression
 */
export function fillColor(legend, all) {
  const none = "rgba(0,0,0,0)";
  if (!all || !legend.several) return classColor(legend, undefined, none);
  const cases = (legend.entries ?? []).flatMap((entry, index) => [index, entry.color]);
  return ["match", ["to-number", ["get", "fill"], -1], SEVERAL, legend.several.color, ...cases, none];
}

/**
 * The same hue, dark enough for a thin line on paper (contrast 3:1 or more).
 *
 * @param {string} color `#rrggbb`
 * @returns {string}
 */
export function inkOf(color) {
  let rgb = parseHex(color);
  if (!rgb) return color;
  for (let step = 0; step < 20 && contrast(rgb, parseHex(PAPER)) < 3.2; step += 1) rgb = rgb.map((channel) => channel * 0.92);
  return toHex(rgb);
}

/**
 * The edge of a filled area: dark enough to part two neighbours of the same colour, no darker.
 *
 * @param {string} color `#rrggbb`
 * @returns {string}
 */
export function edgeOf(color) {
  const ground = parseHex(color);
  if (!ground) return color;
  let rgb = ground;
  for (let step = 0; step < 20 && contrast(rgb, ground) < 2; step += 1) rgb = rgb.map((channel) => channel * 0.9);
  return toHex(rgb);
}

/** @param {number[]} rgb */
function toHex(rgb) {
  return `#${rgb.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * @param {string} color
 * @returns {number[]|null}
 */
function parseHex(color) {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  return match ? match.slice(1).map((part) => parseInt(part, 16)) : null;
}

/** @param {number[]} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * WCAG contrast of two colours.
 *
 * @param {number[]} a
 * @param {number[]} b
 * @returns {number}
 */
export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/**
 * The style layers of one layer, each with its place in the stack and the paint properties its opacity slider moves.
 *
 * @param {LayerMeta} meta
 * @returns {{spec: object, rank: number, fades: string[], hit: boolean}[]}
 */
export function styleLayers(meta) {
  const source = { source: sourceId(meta.id), "source-layer": meta.id };
  const filled = ["in", ["get", "precision"], ["literal", meta.fill_levels ?? []]];
  const ink = classColor(meta.legend, inkOf);
  const boundary = meta.group === "boundaries";
  const outline = {
    "line-color": boundary ? ["match", ["get", "precision"], ["province", "city"], "#5b6966", "#8f9a95"] : ["case", filled, classColor(meta.legend, edgeOf), ink],
    "line-width": boundary
      ? ["interpolate", ["linear"], ["zoom"],
        5, ["match", ["get", "precision"], ["province", "city"], 0.9, 0.35],
        9, ["match", ["get", "precision"], ["province", "city"], 1.6, 0.9]]
      : ["case", filled, 0.8, 2],
  };
  const route = { "line-color": classColor(meta.legend), "line-width": ["interpolate", ["linear"], ["zoom"], 5, 2, 10, 3.5] };
  const round = { "line-join": "round" };
  const add = (name, rank, fades, spec, hit = false) => ({ spec: { id: `${sourceId(meta.id)}/${name}`, ...source, ...spec }, rank, fades, hit });
  return [
    add("fill", RANK.fill, ["fill-opacity"], {
      type: "fill",
      filter: ["all", POLYGON, filled],
      paint: { "fill-color": fillColor(meta.legend, true), "fill-antialias": true },
    }),
    // Outlines have no inside to click on: this layer draws nothing and answers for the area.
    add("area", RANK.hit, [], { type: "fill", filter: POLYGON, paint: { "fill-color": "#000000", "fill-opacity": 0 } }, true),
    add("outline", RANK.outline, ["line-opacity"], {
      type: "line", filter: ["all", POLYGON, ["!", SCHEMATIC]], layout: round, paint: outline,
    }),
    add("outline-schematic", RANK.outline, ["line-opacity"], {
      type: "line", filter: ["all", POLYGON, SCHEMATIC], layout: round, // Inset, so that the dashes of neighbours lie side by side and never close up to a solid line.
      paint: { ...outline, "line-width": 1.2, "line-offset": 1.2, "line-dasharray": [4, 3] },
    }),
    add("line", RANK.line, ["line-opacity"], {
      type: "line", filter: ["all", LINE, ["!", SCHEMATIC]], layout: { ...round, "line-cap": "round" }, paint: route,
    }, true),
    add("line-schematic", RANK.line, ["line-opacity"], {
      type: "line", filter: ["all", LINE, SCHEMATIC], layout: round, paint: { ...route, "line-dasharray": [2.2, 1.4] },
    }, true),
    add("point", RANK.point, ["circle-opacity", "circle-stroke-opacity"], {
      type: "circle",
      filter: POINT,
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 5, 4, 10, 7],
        "circle-color": ["case", filled, classColor(meta.legend), "#ffffff"],
        "circle-stroke-color": ["case", filled, "#ffffff", ink],
        "circle-stroke-width": ["case", filled, 1.2, 2],
      },
    }, true),
  ];
}

/**
 * @param {string} id
 * @returns {string} name of the map source of a layer
 */
export function sourceId(id) {
  return `layer:${id}`;
}

/**
 * Names on the map, drawn with the local font.
 *
 * @param {string} id style layer
 * @param {string} source
 * @param {string} group
 * @returns {object}
 */
export function labelLayer(id, source, group) {
  const boundary = group === "boundaries";
  return {
    id,
    type: "symbol",
    source,
    layout: {
      "text-field": ["get", "label"],
      "text-font": [FONT],
      "text-size": ["interpolate", ["linear"], ["zoom"], 5, boundary ? 10 : 10.5, 8, boundary ? 12 : 12.5, 11, 15],
      "text-max-width": 9,
      "text-padding": 3,
      "text-anchor": boundary ? "center" : "top",
      "text-offset": boundary ? [0, 0] : [0, 0.7],
      "symbol-sort-key": ["get", "order"],
    },
    paint: { "text-color": ["case", ["boolean", ["get", "weak"], false], WEAK_INK, boundary ? BOUNDARY_INK : INK], "text-halo-color": "rgba(255,255,255,0.9)", "text-halo-width": 1.5 },
  };
}
