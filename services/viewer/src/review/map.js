/** The places of a draft on the map: filled where they are known, dashed where the shape is schematic. */

import { getLayers } from "../api.js";
import { byId, el, fill } from "../dom.js";
import { labelPoint } from "../geometry.js";
import { t, word } from "./words.js";
import { loadGlyphs } from "../labels.js";
import { FONT, RANK } from "../map-style.js";
import { MapView } from "../map-view.js";
import { getPlaces } from "./api.js";

const EMPTY = { type: "FeatureCollection", features: [] };
const POLYGON = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];
const SCHEMATIC = ["==", ["get", "geometry_source"], "schematic"];
/** The place is known to lie somewhere inside the shape: outline only, as on the map's page. */
const VAGUE = ["boolean", ["get", "vague"], false];
const COLOR = "#b3541e";
const PADDING = { top: 28, right: 28, bottom: 28, left: 28 };

export class PlaceMap {
  constructor() {
    /** @type {MapView|null} */
    this.view = null;
    /** @type {AbortController|null} */
    this.asking = null;
    /** @type {{features: any[]}} */
    this.shown = EMPTY;
    this.region = "";
  }

  /** Draw the counties as ground. Without WebGL or without a build it says so. */
  async prepare() {
    const box = byId("review-map");
    let area;
    let metas = [];
    try {
      ({ layers: metas } = await getLayers());
      area = metas.find((meta) => meta.id === "counties")?.bounds;
    } catch {
      fill(box, el("p", { class: "map-message" }, t("review.noBuild")));
      return;
    }
    try {
      this.view = new MapView(box, { view: null, bounds: area ?? [73, 18, 135, 54], padding: PADDING });
    } catch (error) {
      console.info("no map:", error);
      fill(box, el("p", { class: "map-message" }, t("review.noMap")));
      return;
    }
    const { map } = this.view;
    /** @type {any} */ (window).geoplanMap = map;
    map.getCanvas().setAttribute("aria-label", t("review.map"));
    await this.view.prepare();
    this.addLayers(map);
    for (const meta of metas.filter(({ id }) => id === "counties")) {
      const layer = { meta: { ...meta, fill_levels: [] }, visible: true, opacity: 1, hidden: new Set() };
      await this.view.show(layer, 1);
      await this.view.label(layer);
    }
    this.draw();
  }

  /** @param {any} map */
  addLayers(map) {
    map.addSource("draft-places", { type: "geojson", data: EMPTY });
    map.addSource("draft-names", { type: "geojson", data: EMPTY });
    const source = { source: "draft-places" };
    const line = { "line-color": COLOR, "line-width": 2 };
    this.view?.insert({ id: "draft-fill", type: "fill", ...source, filter: POLYGON, paint: { "fill-color": COLOR, "fill-opacity": ["case", VAGUE, 0, SCHEMATIC, 0.1, 0.22] } }, RANK.fill);
    this.view?.insert({ id: "draft-line", type: "line", ...source, filter: ["!", SCHEMATIC], layout: { "line-join": "round" }, paint: line }, RANK.mark);
    this.view?.insert({ id: "draft-line-schematic", type: "line", ...source, filter: SCHEMATIC, layout: { "line-join": "round" }, paint: { ...line, "line-dasharray": [3, 2] } }, RANK.mark);
    this.view?.insert({
      id: "draft-names", type: "symbol", source: "draft-names",
      layout: { "text-field": ["get", "label"], "text-font": [FONT], "text-size": 13, "text-max-width": 9, "text-allow-overlap": false },
      paint: { "text-color": "#6f2f0d", "text-halo-color": "#ffffff", "text-halo-width": 2 },
    }, RANK.label + 5);
  }

  /**
   * @param {string} places cell as in a record file
   * @param {string} region
   */
  async show(places, region) {
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.region = region;
    fill(byId("place-list"), el("li", { class: "hint" }, t("review.loading")));
    try {
      this.shown = places ? await getPlaces(places, signal) : EMPTY;
    } catch {
      if (signal.aborted) return;
      this.shown = EMPTY;
    }
    if (signal.aborted) return;
    this.list();
    this.draw();
  }

  draw() {
    const map = this.view?.map;
    if (!map?.getSource("draft-places")) return;
    const drawn = this.shown.features.filter((feature) => feature.geometry);
    for (const { properties } of drawn) properties.vague = (properties.flags ?? []).some((flag) => /^(unlisted|ambiguous)/.test(flag));
    map.getSource("draft-places").setData({ type: "FeatureCollection", features: drawn });
    const names = drawn.filter((feature) => !feature.properties.vague).map((feature) => ({
      type: "Feature", properties: { label: feature.properties.name }, geometry: { type: "Point", coordinates: labelPoint(feature.geometry) ?? [0, 0] },
    }));
    loadGlyphs(names.map((feature) => feature.properties.label).join("")).then(() => {
      map.getSource("draft-names")?.setData({ type: "FeatureCollection", features: names });
    });
    const boxes = drawn.map((feature) => feature.properties.bounds);
    if (!boxes.length) return;
    const side = (index, choose) => choose(...boxes.map((box) => box[index]));
    map.fitBounds([side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)], { padding: PADDING, maxZoom: 9, duration: 0 });
  }

  /** The places in words, under the map. */
  list() {
    const rows = this.shown.features.map((feature) => placeRow(feature.properties, Boolean(feature.geometry)));
    if (this.region) rows.push(el("li", {}, t("place.region", { name: this.region })));
    fill(byId("place-list"), ...(rows.length ? rows : [el("li", { class: "hint" }, t("place.none"))]));
  }
}

/**
 * @param {Object<string, any>} place
 * @param {boolean} drawn
 */
function placeRow(place, drawn) {
  if (place.fault) return el("li", {}, el("strong", {}, place.name), " ", el("span", { class: "mark-line-red" }, t("place.fault")));
  const flags = place.flags ?? [];
  const unlisted = flags.some((flag) => String(flag).startsWith("unlisted"));
  return el("li", {}, el("strong", {}, place.name),
    el("span", { class: "hint" }, unlisted ? t("place.unlisted", { division: place.division }) : place.division),
    drawn ? el("span", { class: "tag" }, word("precision", place.precision)) : el("span", { class: "tag amber" }, t("place.notDrawn")),
    place.geometry_source === "schematic" ? el("span", { class: "tag dashed" }, t("place.schematic")) : null,
    place.candidates?.length ? el("span", { class: "hint" }, t("place.candidates", { list: place.candidates.join("；") })) : null);
}
