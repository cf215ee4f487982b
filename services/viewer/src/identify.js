/** What is drawn at a point, and the facts that have no point: both are lists of cards in the panel. */

import { ApiError, getAllItems, getItem } from "./api.js";
import { announce, el } from "./dom.js";
import { factCard, unitLine } from "./fact-card.js";
import { extentSize, formatPosition } from "./geometry.js";
import { number, pick, t } from "./i18n.js";

/** @typedef {import("./types.js").Hit} Hit */
/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {{meta: LayerMeta, properties: Object<string, any>, geometry: object|null, failed: boolean}} Entry */

/** Small areas first: what is known most exactly stands at the top. */
const PRECISION = ["site", "village", "township", "county", "city", "region", "province"];
const BATCH = 24;

/** @param {string} precision */
function precisionRank(precision) {
  const rank = PRECISION.indexOf(precision);
  return rank < 0 ? PRECISION.length : rank;
}

/**
 * @param {Hit[]} hits
 * @returns {Hit[]}
 */
export function smallFirst(hits) {
  return [...hits].sort((a, b) => precisionRank(a.properties.precision) - precisionRank(b.properties.precision)
    || String(a.properties.fid).localeCompare(String(b.properties.fid), "en", { numeric: true }));
}

/**
 * @template T
 * @param {Array<{meta: LayerMeta} & T>} entries
 * @returns {Array<{meta: LayerMeta, entries: Array<{meta: LayerMeta} & T>}>} in the order of each layer's first entry
 */
export function byLayer(entries) {
  const groups = new Map();
  for (const entry of entries) {
    if (!groups.has(entry.meta.id)) groups.set(entry.meta.id, { meta: entry.meta, entries: [] });
    groups.get(entry.meta.id).entries.push(entry);
  }
  return [...groups.values()];
}

export class Identify {
  /**
   * @param {import("./map-view.js").MapView|null} view null when the browser cannot draw; the lists work all the same
   * @param {import("./panel.js").Panel} panel
   * @param {{id: string, title: string}[]} plans
   */
  constructor(view, panel, plans) {
    this.view = view;
    this.panel = panel;
    this.planTitles = new Map(plans.map((plan) => [plan.id, plan.title]));
    this.controller = new AbortController();
  }

  /** Forget what is being read; its answer no longer matters. */
  cancel() {
    this.controller.abort();
    this.controller = new AbortController();
    return this.controller.signal;
  }

  /**
   * @param {{x: number, y: number}} pixel
   * @param {{lng: number, lat: number}} place
   */
  async at(pixel, place) {
    const hits = smallFirst(this.view?.hits(pixel) ?? []);
    const signal = this.cancel();
    this.view?.click(place);
    this.view?.choose(null);
    const facts = hits.filter((hit) => hit.meta.group !== "boundaries");
    const units = hits.filter((hit) => hit.meta.group === "boundaries");
    const subtitle = formatPosition(place.lng, place.lat);
    const page = { title: t("identifyTitle"), subtitle, redraw: () => {} };
    if (hits.length > 0) this.panel.show({ ...page, content: [el("p", { class: "empty", role: "status" }, t("loadingItems", { n: hits.length }))] });
    const [readUnits, readFacts] = await Promise.all([this.read(units, signal), this.read(facts.slice(0, BATCH), signal)]);
    if (signal.aborted) return;
    const list = { units: readUnits.reverse(), facts: this.order(readFacts), rest: facts.slice(BATCH), total: facts.length };
    const draw = (focus) => this.panel.show({ title: t("identifyTitle"), subtitle, focus, content: this.content(list, signal, draw), redraw: () => draw(false) });
    draw(hits.length === 0);
    announce(t("identifyCount", { n: facts.length }));
  }

  /**
   * @param {{units: Entry[], facts: Entry[], rest: Hit[], total: number}} list
   * @param {AbortSignal} signal
   * @param {(focus: boolean) => void} draw
   */
  content(list, signal, draw) {
    const { units, facts, rest, total } = list;
    const more = async () => {
      const next = await this.read(rest.slice(0, BATCH), signal);
      if (signal.aborted) return;
      list.facts = [...facts, ...this.order(next)];
      list.rest = rest.slice(BATCH);
      draw(false);
    };
    return [
      units.length > 0 && el("section", { class: "units" }, el("h3", { class: "visually-hidden" }, t("divisions")), el("ul", {}, units.map((entry) => unitLine(entry.properties)))),
      total === 0 && el("p", { class: "empty" }, t(units.length ? "identifyOnlyUnits" : "identifyNothing")),
      total > 0 && el("p", { class: "count" }, t("identifyCount", { n: number(total) })),
      ...this.sections(facts, signal, draw),
      rest.length > 0 && el("button", { type: "button", class: "button more", on: { click: more } }, t("more", { n: Math.min(BATCH, rest.length) })),
    ];
  }

  /**
   * @param {Entry[]} entries
   * @param {AbortSignal} signal
   * @param {(focus: boolean) => void} draw
   */
  sections(entries, signal, draw) {
    return byLayer(entries).map(({ meta, entries: group }) => el("section", { class: "facts", "data-layer": meta.id },
      el("h3", {}, el("span", {}, pick(meta.title)), el("span", { class: "layer-count" }, number(group.length))),
      group.map((entry) => factCard(entry.properties, {
        original: entries.find((other) => other !== entry && other.properties.fid === entry.properties.duplicate_of)?.properties,
        onShow: entry.geometry && this.view ? () => this.view?.choose(entry.geometry) : null,
        onRetry: entry.failed ? async () => {
          Object.assign(entry, (await this.read([entry], signal))[0]);
          draw(false);
        } : null,
      }))));
  }

  /**
   * Full records; what cannot be read keeps what the tile said.
   *
   * @param {Hit[]} hits
   * @param {AbortSignal} signal
   * @returns {Promise<Entry[]>}
   */
  read(hits, signal) {
    return Promise.all(hits.map(async ({ meta, properties }) => {
      try {
        const item = await getItem(meta.id, properties.fid, signal);
        return { meta, properties: { ...properties, ...item.properties }, geometry: item.geometry, failed: false };
      } catch {
        return { meta, properties: { ...properties, plan_title: this.planTitles.get(properties.plan) }, geometry: null, failed: true };
      }
    }));
  }

  /**
   * @param {Entry[]} entries
   * @returns {Entry[]} small areas first
   */
  order(entries) {
    return entries
      .map((entry) => ({ entry, rank: precisionRank(entry.properties.precision), size: extentSize(entry.geometry) }))
      .sort((a, b) => a.rank - b.rank || (a.size === b.size ? 0 : a.size - b.size))
      .map(({ entry }) => entry);
  }

  /**
   * The facts of a layer that are known by name only.
   *
   * @param {LayerMeta} meta
   */
  async unplaced(meta) {
    const signal = this.cancel();
    this.view?.click(null);
    this.view?.choose(null);
    const page = (content, redraw, focus = false) => this.panel.show({ title: t("unplacedTitle"), content, redraw, focus });
    const again = () => this.unplaced(meta);
    page([el("p", { class: "empty", role: "status" }, t("loadingItems", { n: meta.unplaced }))], again, true);
    let items;
    try {
      items = (await getAllItems(meta.id)).filter((feature) => !feature.geometry);
    } catch (error) {
      if (signal.aborted) return;
      const text = error instanceof ApiError && error.status ? t("serviceError", { status: error.status }) : t("serviceDown");
      page([el("p", { class: "failed" }, text), el("button", { type: "button", class: "button", on: { click: again } }, t("retry"))], again);
      return;
    }
    const facts = items.map((feature) => ({ meta, properties: { fid: feature.id, ...feature.properties } }));
    const list = { entries: await this.read(facts.slice(0, BATCH), signal), rest: facts.slice(BATCH) };
    if (signal.aborted) return;
    const more = async () => {
      list.entries = [...list.entries, ...await this.read(list.rest.slice(0, BATCH), signal)];
      list.rest = list.rest.slice(BATCH);
      if (!signal.aborted) draw();
    };
    const draw = () => page([
      el("p", { class: "intro" }, t("unplacedIntro")),
      ...this.sections(list.entries, signal, draw),
      list.rest.length > 0 && el("button", { type: "button", class: "button more", on: { click: more } }, t("more", { n: Math.min(BATCH, list.rest.length) })),
    ], draw);
    draw();
  }
}
