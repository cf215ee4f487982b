/** What is drawn at a point, and the facts that have no point: both are lists of cards in the panel. */

import { ApiError, getAllItems, getItem } from "./api.js";
import { announce, el } from "./dom.js";
import { factCard } from "./fact-card.js";
import { BATCH, factSections } from "./fact-list.js";
import { formatPosition } from "./geometry.js";
import { groupHits, plainGroup, shareOut } from "./groups.js";
import { number, pick, t } from "./i18n.js";
import { Stops } from "./stops.js";
import { coverageCard, isCoverage, unitLine } from "./unit-card.js";

/** @typedef {import("./types.js").Hit} Hit */
/** @typedef {import("./types.js").Entry} Entry */
/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./groups.js").LayerGroup} LayerGroup */
/** @typedef {import("./groups.js").Part} Part */

export class Identify {
  /**
   * @param {import("./map-view.js").MapView|null} view null when the browser cannot draw; the lists work all the same
   * @param {import("./panel.js").Panel} panel
   * @param {{id: string, title: string}[]} plans
   * @param {(geometry: object) => void} onReveal bring a marked shape into sight
   * @param {(cite: import("./types.js").Cite) => void} onCite open a citation
   */
  constructor(view, panel, plans, onReveal, onCite) {
    this.view = view;
    this.panel = panel;
    this.planTitles = new Map(plans.map((plan) => [plan.id, plan.title]));
    this.onCite = onCite;
    this.controller = new AbortController();
    /** @type {{lng: number, lat: number}|null} the point that the panel tells about */
    this.place = null;
    this.show = view && ((geometry) => {
      view.choose(geometry);
      onReveal(geometry);
    });
    this.stops = new Stops({ onShow: this.show });
  }

  /** Forget what is being read; its answer no longer matters. */
  cancel() {
    this.controller.abort();
    this.controller = new AbortController();
    return this.controller.signal;
  }

  /** The panel was closed. */
  leave() {
    this.cancel();
    this.place = null;
    this.view?.click(null);
    this.view?.choose(null);
  }

  /** Ask once more at the same point, after the map began to draw other things there. */
  again() {
    if (this.place && this.view && this.panel.isOpen) this.at(this.view.map.project(this.place), this.place, false);
  }

  /**
   * @param {{x: number, y: number}} pixel
   * @param {{lng: number, lat: number}} place
   * @param {boolean} [fresh] false when only the answer changes, not the question
   */
  async at(pixel, place, fresh = true) {
    const hits = this.view?.hits(pixel) ?? [];
    const signal = this.cancel();
    this.place = place;
    this.view?.click(place);
    this.view?.choose(null);
    const boundaries = hits.filter((hit) => hit.meta.group === "boundaries");
    const groups = groupHits(hits.filter((hit) => hit.meta.group !== "boundaries"));
    const page = { title: t("identifyTitle"), subtitle: formatPosition(place.lng, place.lat), redraw: () => {} };
    if (fresh && hits.length > 0) this.panel.show({ ...page, content: [el("p", { class: "empty", role: "status" }, t("loadingItems", { n: hits.length }))] });
    const open = groups.flatMap((group) => group.parts).filter((part) => part.open);
    const shares = shareOut(open.map((part) => part.count), BATCH);
    const [units] = await Promise.all([this.read(boundaries, signal), ...open.map((part, index) => this.load(part, shares[index], signal))]);
    if (signal.aborted) return;
    const draw = (focus) => this.panel.show({
      ...page, title: t("identifyTitle"), focus, content: this.content(units.reverse(), groups, signal), redraw: () => draw(false),
    });
    draw(fresh && hits.length === 0);
    announce(t("identifyCount", { n: total(groups) }));
  }

  /**
   * @param {Entry[]} boundaries
   * @param {LayerGroup[]} groups
   * @param {AbortSignal} signal
   */
  content(boundaries, groups, signal) {
    const units = boundaries.filter((entry) => !isCoverage(entry.properties));
    const summaries = boundaries.filter((entry) => isCoverage(entry.properties));
    const n = total(groups);
    return [
      units.length > 0 && el("section", { class: "units" }, el("h3", { class: "visually-hidden" }, t("divisions")), el("ul", {}, units.map((entry) => unitLine(entry.properties)))),
      n === 0 && summaries.length === 0 && el("p", { class: "empty" }, t(units.length ? "identifyOnlyUnits" : "identifyNothing")),
      n > 0 && el("p", { class: "count" }, t("identifyCount", { n: number(n) })),
      ...summaries.map((entry) => el("section", { class: "facts", "data-layer": entry.meta.id },
        el("h3", {}, el("span", {}, pick(entry.meta.title))), coverageCard(entry.properties, this.planTitles, this.onCite))),
      ...this.sections(groups, signal),
    ];
  }

  /**
   * @param {LayerGroup[]} groups
   * @param {AbortSignal} signal
   */
  sections(groups, signal) {
    const byRecord = (id) => groups.flatMap((group) => group.parts).flatMap((part) => part.entries).find((entry) => entry.properties.record === id)?.properties;
    return factSections(groups, {
      load: (part, n) => this.load(part, n, signal),
      card: (entry, redraw) => factCard(entry.properties, {
        byRecord,
        onCite: this.onCite,
        stops: this.stops.block(entry.properties),
        onShow: entry.geometry && this.show ? () => this.show?.(entry.geometry) : null,
        onRetry: entry.failed ? async () => {
          Object.assign(entry, (await this.read([entry], signal))[0]);
          redraw();
        } : null,
      }),
    });
  }

  /**
   * Read the next facts of a part.
   *
   * @param {Part} part
   * @param {number} n
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} false when the panel has moved on meanwhile
   */
  async load(part, n, signal) {
    const next = await this.read(part.rest.slice(0, n), signal);
    if (signal.aborted) return false;
    part.entries.push(...next);
    part.rest = part.rest.slice(n);
    return true;
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
   * The facts of a layer that are known by name only.
   *
   * @param {LayerMeta} meta
   */
  async unplaced(meta) {
    this.leave();
    const { signal } = this.controller;
    const page = (content, redraw, focus = false) => this.panel.show({ title: t("unplacedTitle"), content, redraw, focus });
    const again = () => this.unplaced(meta);
    page([el("p", { class: "empty", role: "status" }, t("loadingItems", { n: meta.unplaced }))], again, true);
    let features;
    try {
      features = (await getAllItems(meta.id)).filter((feature) => !feature.geometry);
    } catch (error) {
      if (signal.aborted) return;
      const text = error instanceof ApiError && error.status ? t("serviceError", { status: error.status }) : t("serviceDown");
      page([el("p", { class: "failed" }, text), el("button", { type: "button", class: "button", on: { click: again } }, t("retry"))], again);
      return;
    }
    const group = plainGroup(meta, features.map((feature) => ({ meta, properties: { fid: feature.id, ...feature.properties } })));
    if (!await this.load(group.parts[0], BATCH, signal)) return;
    const draw = () => page([el("p", { class: "intro" }, t("unplacedIntro")), ...this.sections([group], signal)], draw);
    draw();
  }
}

/** @param {LayerGroup[]} groups */
function total(groups) {
  return groups.reduce((sum, group) => sum + group.count, 0);
}
