/** The map: sources and layers in their order, opacity, marks, and what lies under a point. */

import { getTileSource } from "./api.js";
import { prefersReducedMotion } from "./dom.js";
import { bothFilters, classFilter } from "./filter.js";
import { graticule } from "./geometry.js";
import { keyHeaders } from "./key.js";
import { fetchLabels, loadGlyphs } from "./labels.js";
import { fillColor, FONT, PAPER, RANK, labelLayer, sourceId, styleLayers } from "./map-style.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").LayerState} LayerState */

const EMPTY = { type: "FeatureCollection", features: [] };
const TOUCH_PX = 6;

export class MapView {
  /**
   * @param {HTMLElement} container
   * @param {{view: import("./types.js").View|null, bounds: import("./types.js").Bounds|null, padding: object}} start
   * @throws when the browser cannot draw (no WebGL)
   */
  constructor(container, start) {
    const maplibregl = /** @type {any} */ (window).maplibregl;
    const { view, bounds, padding } = start;
    this.map = new maplibregl.Map({
      container,
      style: { version: 8, sources: {}, layers: [{ id: "background", type: "background", paint: { "background-color": PAPER } }] },
      transformRequest: (url) => ({ url, headers: keyHeaders(url) }),
      attributionControl: false,
      localIdeographFontFamily: FONT,
      renderWorldCopies: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      minZoom: 2,
      maxZoom: 17,
      ...(view ? { center: [view.lon, view.lat], zoom: view.zoom } : {}),
      ...(!view && bounds ? { bounds, fitBoundsOptions: { padding } } : {}),
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibregl.ScaleControl({ maxWidth: 110, unit: "metric" }), "bottom-right");
    /** @type {Map<string, number>} */
    this.ranks = new Map([["background", RANK.background]]);
    /** @type {Map<string, {meta: LayerMeta, styles: ReturnType<typeof styleLayers>}>} */
    this.added = new Map();
    /** @type {Map<string, Promise<void>>} */
    this.adding = new Map();
    /** @type {Map<string, object>} outline by division code */
    this.outlines = new Map();
    this.loaded = new Promise((resolve) => this.map.once("load", resolve));
  }

  /** Lines of longitude and latitude, and the layers that mark a chosen feature and a clicked point. */
  async prepare() {
    await Promise.all([this.loaded, loadGlyphs("0123456789.°EWNS")]);
    for (const name of ["graticule", "chosen", "clicked"]) this.map.addSource(name, { type: "geojson", data: EMPTY });
    this.insert({ id: "graticule", type: "line", source: "graticule", paint: { "line-color": "#dadfd8", "line-width": 0.8 } }, RANK.graticule);
    this.insert({
      id: "graticule-text", type: "symbol", source: "graticule",
      layout: { "symbol-placement": "line", "symbol-spacing": 420, "text-field": ["get", "label"], "text-font": [FONT], "text-size": 10 },
      paint: { "text-color": "#75807b", "text-halo-color": PAPER, "text-halo-width": 2 },
    }, RANK.graticule + 1);
    const chosen = { source: "chosen", layout: { "line-join": "round" } };
    this.insert({ id: "chosen-casing", type: "line", ...chosen, paint: { "line-color": "#ffffff", "line-width": 6, "line-opacity": 0.9 } }, RANK.mark);
    this.insert({ id: "chosen", type: "line", ...chosen, paint: { "line-color": "#16302f", "line-width": 2.6 } }, RANK.mark + 1);
    const ring = { "circle-radius": 7, "circle-color": "rgba(255,255,255,0)", "circle-stroke-color": "#16302f", "circle-stroke-width": 2.6 };
    this.insert({ id: "chosen-point", type: "circle", source: "chosen", filter: ["==", ["geometry-type"], "Point"], paint: { ...ring, "circle-radius": 10 } }, RANK.mark + 2);
    this.insert({ id: "clicked-casing", type: "circle", source: "clicked", paint: { ...ring, "circle-stroke-color": "#ffffff", "circle-stroke-width": 5 } }, RANK.mark + 3);
    this.insert({ id: "clicked", type: "circle", source: "clicked", paint: ring }, RANK.mark + 4);
    const redraw = () => this.map.getSource("graticule")?.setData(graticule(this.map.getBounds().toArray().flat()));
    this.map.on("moveend", redraw);
    redraw();
  }

  /**
   * Add a style layer below everything of a higher rank.
   *
   * @param {any} spec
   * @param {number} rank
   */
  insert(spec, rank) {
    const above = this.map.getStyle().layers.find((layer) => (this.ranks.get(layer.id) ?? 0) > rank);
    this.ranks.set(spec.id, rank);
    this.map.addLayer(spec, above?.id);
  }

  /**
   * Bring the map in line with the state of one layer. Tiles are asked for when a layer is first switched on.
   *
   * @param {LayerState} layer
   * @param {number} height place in the catalogue, higher is nearer the top
   * @returns {Promise<void>}
   */
  async show(layer, height) {
    const { id } = layer.meta;
    if (!this.added.has(id)) {
      if (!layer.visible) return;
      if (!this.adding.has(id)) this.adding.set(id, this.add(layer.meta, height).finally(() => this.adding.delete(id)));
      await this.adding.get(id);
    }
    const classes = classFilter(layer.meta, layer.hidden);
    for (const style of this.added.get(id)?.styles ?? []) {
      this.map.setFilter(style.spec.id, bothFilters(style.spec.filter, classes));
      this.map.setLayoutProperty(style.spec.id, "visibility", layer.visible ? "visible" : "none");
      if (style.spec.type === "fill" && style.fades.length > 0) {
        this.map.setPaintProperty(style.spec.id, "fill-color", fillColor(layer.meta.legend, classes === null));
      }
      for (const property of style.fades) this.map.setPaintProperty(style.spec.id, property, layer.opacity);
    }
    const labels = `${sourceId(id)}/labels`;
    if (!this.map.getLayer(labels)) return;
    this.map.setLayoutProperty(labels, "visibility", layer.visible ? "visible" : "none");
    this.map.setFilter(labels, classes);
  }

  /**
   * @param {LayerMeta} meta
   * @param {number} height
   */
  async add(meta, height) {
    const source = await getTileSource(meta.id);
    this.map.addSource(sourceId(meta.id), { type: "vector", ...source });
    const styles = styleLayers(meta);
    for (const { spec, rank } of styles) this.insert(spec, rank + height);
    this.added.set(meta.id, { meta, styles });
  }

  /**
   * Write the names of a layer, once.
   *
   * @param {LayerState} layer
   */
  async label(layer) {
    const { meta } = layer;
    const source = `${sourceId(meta.id)}/names`;
    if (!meta.label_field || this.map.getSource(source)) return;
    this.map.addSource(source, { type: "geojson", data: EMPTY });
    try {
      const data = await fetchLabels(meta);
      if (!data) return;
      for (const [code, geometry] of data.outlines) this.outlines.set(code, geometry);
      this.map.getSource(source).setData(data.names);
      const spec = /** @type {any} */ (labelLayer(`${sourceId(meta.id)}/labels`, source, meta.group));
      spec.layout.visibility = layer.visible ? "visible" : "none";
      const classes = classFilter(meta, layer.hidden);
      if (classes) spec.filter = classes;
      this.insert(spec, RANK.label + (meta.group === "boundaries" ? 0 : 1));
    } catch (error) {
      this.map.removeSource(source);
      throw error;
    }
  }

  /**
   * All features drawn at a point, each once.
   *
   * @param {{x: number, y: number}} point pixels
   * @returns {import("./types.js").Hit[]}
   */
  hits(point) {
    const hits = new Map();
    for (const { meta, styles } of this.added.values()) {
      for (const style of styles) {
        if (!style.hit || this.map.getLayoutProperty(style.spec.id, "visibility") === "none") continue;
        const reach = style.spec.type === "fill" ? 0 : TOUCH_PX;
        const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
        for (const feature of this.map.queryRenderedFeatures(reach ? box : [point.x, point.y], { layers: [style.spec.id] })) {
          const key = `${meta.id}\n${feature.id}`;
          if (!hits.has(key)) hits.set(key, { meta, properties: { fid: feature.id, ...feature.properties } });
        }
      }
    }
    return [...hits.values()];
  }

  /** @param {object|null} geometry GeoJSON geometry to mark */
  choose(geometry) {
    this.map.getSource("chosen")?.setData(geometry ? { type: "Feature", properties: {}, geometry } : EMPTY);
  }

  /** @param {{lng: number, lat: number}|null} place */
  click(place) {
    const geometry = place && { type: "Point", coordinates: [place.lng, place.lat] };
    this.map.getSource("clicked")?.setData(geometry ? { type: "Feature", properties: {}, geometry } : EMPTY);
  }

  /**
   * @param {import("./types.js").Bounds} bounds
   * @param {object} padding
   */
  fit(bounds, padding) {
    this.map.fitBounds(bounds, { padding, maxZoom: 13, duration: prefersReducedMotion() ? 0 : 700 });
  }

  /**
   * Bring an area into sight, unless all of it is.
   *
   * @param {import("./types.js").Bounds} bounds
   * @param {{top: number, right: number, bottom: number, left: number}} padding what covers the map
   */
  reveal([west, south, east, north], padding) {
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    const [a, b] = [this.map.project([west, north]), this.map.project([east, south])];
    const inside = a.x >= padding.left && a.y >= padding.top && b.x <= width - padding.right && b.y <= height - padding.bottom;
    const tiny = b.x - a.x < 24 && b.y - a.y < 24;
    if (!inside || tiny) this.fit([west, south, east, north], padding);
  }

  /** Ask for all tiles again, after the service failed. */
  reload() {
    for (const id of this.added.keys()) {
      const source = this.map.getSource(sourceId(id));
      if (source) source.setTiles([...source.tiles]);
    }
  }
}
