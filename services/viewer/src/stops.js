/** The stops of a tourism route: read on demand, listed by theme in the order of the plan. */

import { getAllItems } from "./api.js";
import { el } from "./dom.js";
import { number, t, word } from "./i18n.js";
import { flagWords } from "./wording.js";

/** @typedef {import("./types.js").Feature} Feature */
/** @typedef {{theme: string, stops: Feature[]}} Series */

/** The layer whose features say in `part_of` which route they belong to. */
const STOPS_LAYER = "stops";

/**
 * @param {Feature[]} features
 * @param {string} route record id
 * @returns {Series[]} one for each theme, in the order of its first line in the plan; stops by their number
 */
export function stopSeries(features, route) {
  /** @type {Map<string, Feature[]>} */
  const themes = new Map();
  for (const feature of features) {
    const { part_of: partOf, theme } = feature.properties;
    if (partOf !== route) continue;
    themes.set(theme, [...(themes.get(theme) ?? []), feature]);
  }
  const place = ({ properties: { seq } }) => (typeof seq === "number" ? seq : Infinity);
  const line = ({ stops }) => Math.min(...stops.map((stop) => Number(stop.properties.line ?? Infinity)));
  return [...themes]
    .map(([theme, stops]) => ({ theme, stops: [...stops].sort((a, b) => (place(a) === place(b) ? a.id - b.id : place(a) - place(b))) }))
    .sort((a, b) => line(a) - line(b));
}

export class Stops {
  /** @param {{onShow: ((geometry: object) => void)|null}} options null when there is no map */
  constructor({ onShow }) {
    this.onShow = onShow;
    /** @type {Promise<Feature[]>|null} */
    this.features = null;
    /** @type {Set<string>} routes whose list is open; kept over a change of language */
    this.open = new Set();
  }

  read() {
    this.features ??= getAllItems(STOPS_LAYER).catch((error) => {
      this.features = null;
      throw error;
    });
    return this.features;
  }

  /**
   * What a route's card says of its stops.
   *
   * @param {Object<string, any>} route properties
   * @returns {HTMLElement|null} null when the plan lists none
   */
  block(route) {
    if (!(route.stops_named > 0)) return null;
    const list = el("div", { class: "stop-list" });
    const fillIn = async () => {
      if (list.childElementCount > 0) return;
      list.replaceChildren(el("p", { class: "empty", role: "status" }, t("loadingStops")));
      try {
        const series = stopSeries(await this.read(), route.record);
        list.replaceChildren(...(series.length ? series.map((one) => this.series(one)) : [el("p", { class: "empty" }, t("noStops"))]));
      } catch {
        const retry = () => { list.replaceChildren(); fillIn(); };
        list.replaceChildren(el("p", { class: "failed" }, `${t("serviceDown")} `, el("button", { type: "button", class: "link", on: { click: retry } }, t("retry"))));
      }
    };
    const isOpen = this.open.has(route.record);
    if (isOpen) fillIn();
    return el("div", { class: "stops" },
      el("p", { class: "stops-count" }, t("stopsCount", { named: number(route.stops_named), placed: number(route.stops_placed ?? 0) })),
      el("details", {
        open: isOpen,
        on: {
          toggle: (event) => {
            if (event.target.open) { this.open.add(route.record); fillIn(); } else this.open.delete(route.record);
          },
        },
      }, el("summary", {}, t("stopList")), list));
  }

  /** @param {Series} series */
  series({ theme, stops }) {
    return el("section", { class: "stop-series", "data-theme": theme },
      el("h6", {}, el("span", {}, word("theme", theme, stops[0].properties.theme_zh)), el("span", { class: "layer-count" }, number(stops.length))),
      el("ol", {}, stops.map((stop) => this.stop(stop))));
  }

  /** @param {Feature} stop */
  stop({ geometry, properties: p }) {
    const onShow = this.onShow;
    const drawn = geometry && onShow;
    const candidates = Array.isArray(p.candidates) ? p.candidates : [];
    return el("li", { class: "stop" },
      el("span", { class: "stop-no" }, p.seq ?? "–"),
      el("div", {},
        drawn
          ? el("button", { type: "button", class: "link stop-name", "aria-label": `${t("showOnMap")}：${p.name}`, on: { click: () => onShow(geometry) } }, p.name)
          : el("span", { class: "stop-name" }, p.name),
        geometry
          ? p.precision && el("span", { class: "stop-facts" }, t("precisionTo", { level: word("precision", p.precision, p.precision_zh) }))
          : el("span", { class: "stop-mark" }, t("nameOnly")),
        !geometry && (p.flags ?? []).length > 0 && el("p", { class: "stop-note" }, p.flags.map(flagWords).join(t("listComma"))),
        !geometry && candidates.length > 0 && el("p", { class: "stop-note" }, `${t("candidatesList")}${candidates.map(String).join(t("listComma"))}`)));
  }
}
