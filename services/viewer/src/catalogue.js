/** The layer catalogue: groups of layers, each with its switch, legend, opacity and notes. */

import { announce, byId, el, fill } from "./dom.js";
import { shownCount } from "./filter.js";
import { number, pick, t } from "./i18n.js";
import { drawingKey, fadeLegend, legendOf, updateLegend } from "./legend.js";
import { GROUPS } from "./store.js";

/** @typedef {import("./types.js").LayerState} LayerState */
/** @typedef {import("./store.js").LayerStore} LayerStore */

export class Catalogue {
  /**
   * @param {LayerStore} store
   * @param {{version: string, onUnplaced: (layer: LayerState) => void}} options
   */
  constructor(store, options) {
    this.store = store;
    this.options = options;
    this.body = byId("catalogue-body");
    /** @type {Set<string>} layers whose notes are open; kept over a change of language */
    this.open = new Set();
    store.addEventListener("change", (event) => this.update(/** @type {CustomEvent} */ (event).detail));
    this.render();
  }

  render() {
    this.body.setAttribute("aria-busy", "false");
    if (this.store.layers.length === 0) {
      fill(this.body, el("p", { class: "empty" }, t("noLayers")));
      return;
    }
    const known = GROUPS.filter((group) => this.store.layers.some((layer) => layer.meta.group === group));
    const unknown = this.store.layers.filter((layer) => !GROUPS.includes(layer.meta.group));
    fill(this.body,
      ...known.map((group) => this.group(group, this.store.layers.filter((layer) => layer.meta.group === group))),
      unknown.length > 0 && this.group("other", unknown),
      drawingKey(),
      el("p", { class: "version" }, t("version", { version: this.options.version })));
  }

  /**
   * @param {string} group
   * @param {LayerState[]} layers
   */
  group(group, layers) {
    return el("section", { class: "group", "aria-labelledby": `group-${group}` },
      el("h3", { id: `group-${group}` }, t(`group.${group}`)),
      el("ul", { class: "layers" }, layers.map((layer) => this.row(layer))));
  }

  /** @param {LayerState} layer */
  row(layer) {
    const { meta } = layer;
    const checkbox = el("input", {
      type: "checkbox", id: `on-${meta.id}`, checked: layer.visible,
      on: { change: (event) => this.store.set(meta.id, { visible: event.target.checked }) },
    });
    return el("li", { class: layer.visible ? "layer on" : "layer", "data-layer": meta.id },
      el("label", { class: "layer-head", for: `on-${meta.id}` },
        checkbox,
        el("span", { class: "layer-title" }, pick(meta.title)),
        el("span", { class: "layer-count" }, countText(layer))),
      layer.visible && this.detail(layer));
  }

  /** @param {LayerState} layer */
  detail(layer) {
    const { meta } = layer;
    return el("div", { class: "layer-detail" },
      meta.count ? legendOf(layer, (hidden) => this.hide(layer, hidden)) : el("p", { class: "empty" }, t("emptyLayer")),
      meta.unplaced > 0 && el("button", { type: "button", class: "button unplaced", on: { click: () => this.options.onUnplaced(layer) } },
        t("unplacedButton", { n: number(meta.unplaced) })),
      this.slider(layer),
      this.notes(layer));
  }

  /**
   * @param {LayerState} layer
   * @param {Set<string>} hidden
   */
  hide(layer, hidden) {
    this.store.set(layer.meta.id, { hidden });
    announce(t("shownNow", { name: pick(layer.meta.title), shown: number(shownCount(layer.meta, layer.hidden)), n: number(layer.meta.count) }));
  }

  /** @param {LayerState} layer */
  slider(layer) {
    const { meta } = layer;
    const percent = () => `${Math.round(layer.opacity * 100)}%`;
    const output = el("output", { class: "slider-value", for: `opacity-${meta.id}` }, percent());
    const input = el("input", {
      type: "range", id: `opacity-${meta.id}`, min: 0, max: 100, step: 5, value: Math.round(layer.opacity * 100), "aria-valuetext": percent(),
      on: { input: (event) => this.store.set(meta.id, { opacity: Number(event.target.value) / 100 }) },
    });
    return el("div", { class: "slider" },
      el("label", { for: `opacity-${meta.id}` }, t("opacity"), el("span", { class: "visually-hidden" }, ` ${pick(meta.title)}`)), input, output);
  }

  /** @param {LayerState} layer */
  notes(layer) {
    const { meta } = layer;
    const { report } = meta;
    const reasons = Object.entries(report?.reasons ?? {});
    return el("details", {
      class: "notes", open: this.open.has(meta.id),
      on: { toggle: (event) => (event.target.open ? this.open.add(meta.id) : this.open.delete(meta.id)) },
    },
    el("summary", {}, t("about")),
    pick(meta.description) && el("p", {}, pick(meta.description)),
    report?.selected > 0 && el("p", {}, t("joinReport", { selected: number(report.selected), joined: number(report.joined), unmatched: number(report.unmatched) })),
    reasons.length > 0 && el("ul", { class: "reasons" }, reasons.map(([reason, n]) => el("li", {}, el("span", {}, reason), el("span", {}, number(n))))),
    el("ul", { class: "source-list" }, (meta.sources ?? []).map((source) => el("li", {}, sourceText(source)))));
  }

  /** @param {{layer: LayerState, switched: boolean}} change */
  update({ layer, switched }) {
    const row = this.body.querySelector(`[data-layer="${CSS.escape(layer.meta.id)}"]`);
    if (!row) return;
    const count = row.querySelector(".layer-count");
    if (count) count.textContent = countText(layer);
    if (!switched) {
      updateLegend(/** @type {HTMLElement} */ (row), layer);
      fadeLegend(/** @type {HTMLElement} */ (row), layer.opacity);
      const input = /** @type {HTMLInputElement} */ (row.querySelector("input[type=range]"));
      const percent = `${Math.round(layer.opacity * 100)}%`;
      if (!input) return;
      input.value = String(Math.round(layer.opacity * 100));
      input.setAttribute("aria-valuetext", percent);
      const output = row.querySelector("output");
      if (output) output.textContent = percent;
      return;
    }
    // Only the part below the switch is made anew, so that the keyboard focus stays on the switch.
    row.classList.toggle("on", layer.visible);
    /** @type {HTMLInputElement} */ (row.querySelector("input[type=checkbox]")).checked = layer.visible;
    row.querySelector(".layer-detail")?.remove();
    if (layer.visible) row.appendChild(this.detail(layer));
  }

  /**
   * Bring a layer into sight after the search switched it on.
   *
   * @param {LayerState} layer
   */
  reveal(layer) {
    const row = this.body.querySelector(`[data-layer="${CSS.escape(layer.meta.id)}"]`);
    row?.scrollIntoView({ block: "nearest" });
    announce(t("layerShown", { name: pick(layer.meta.title) }));
  }
}

/**
 * @param {LayerState} layer
 * @returns {string} how many features the layer has, and how many of them are in the lines that are drawn
 */
function countText({ meta, visible, hidden }) {
  const n = number(meta.count ?? 0);
  const counted = visible && hidden.size > 0 ? t("shownOf", { shown: number(shownCount(meta, hidden)), n }) : n;
  return t(meta.group === "boundaries" ? "countUnits" : "countFeatures", { n: counted });
}

/**
 * @param {import("./types.js").Source} source
 * @returns {string}
 */
export function sourceText(source) {
  return [source.title, source.detail].filter(Boolean).join("，");
}
