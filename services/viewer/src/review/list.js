/** The list of drafts: its filters, its pages, the chosen one. */

import { byId, el, fill } from "../dom.js";
import { t, word } from "./words.js";
import { listDrafts } from "./api.js";

/** @typedef {import("./types.js").Item} Item */

const PAGE = 200;
const NEAR_END_PX = 600;
const TYPING_MS = 250;
export const STATES = ["undecided", "all", "accepted", "corrected", "rejected"];
const MARKS = { undecided: "", accepted: "✓", corrected: "✎", rejected: "✕" };

export class DraftList {
  /**
   * @param {{onChoose: (id: string) => void, onFail: (error: unknown) => void, onCounts: (counts: Object<string, number>) => void}} handlers
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.filter = { state: "undecided", kind: "", q: "", order: "confidence" };
    /** @type {Item[]} */
    this.items = [];
    this.matched = 0;
    /** @type {string} */
    this.chosen = "";
    /** @type {string[]} */
    this.kinds = [];
    this.box = byId("items");
    /** counts the filters tried, so that a late answer to an old one is passed over */
    this.turn = 0;
    /** @type {Promise<void>|null} */
    this.pending = null;
    this.box.addEventListener("scroll", () => {
      if (this.box.scrollTop + this.box.clientHeight > this.box.scrollHeight - NEAR_END_PX) this.more().catch(this.handlers.onFail);
    });
    this.box.addEventListener("click", (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest("[data-id]");
      if (row) this.handlers.onChoose(/** @type {HTMLElement} */ (row).dataset.id ?? "");
    });
  }

  /** Read the first page for the present filter. */
  async load() {
    this.turn += 1;
    this.pending = null;
    this.items = [];
    this.matched = 0;
    fill(this.box, el("p", { class: "empty" }, t("review.loading")));
    await this.more(true);
    this.box.scrollTop = 0;
  }

  /**
   * Read the next page.
   *
   * @param {boolean} [first]
   * @returns {Promise<void>}
   */
  more(first = false) {
    if (!first && this.items.length >= this.matched) return Promise.resolve();
    this.pending ??= this.page(this.turn).finally(() => { this.pending = null; });
    return this.pending;
  }

  /** @param {number} turn */
  async page(turn) {
    const answer = await listDrafts(this.filter, this.items.length, PAGE);
    if (turn !== this.turn) return;
    if (this.items.length === 0) fill(this.box);
    const known = new Set(this.items.map((item) => item.id));
    const fresh = answer.items.filter((item) => !known.has(item.id));
    this.items.push(...fresh);
    // Decided drafts stay in the list until it is read anew, but are no longer counted by the service.
    this.matched = answer.items.length === 0 ? this.items.length : Math.max(answer.matched, this.items.length);
    this.box.append(...fresh.map((item) => this.row(item)));
    if (this.items.length === 0) fill(this.box, el("p", { class: "empty" }, t("review.none")));
    byId("queue-count").textContent = t("review.shown", { n: this.matched });
    this.handlers.onCounts(answer.counts);
  }

  /** @param {Item} item */
  row(item) {
    const sure = item.confidence >= 0.75 ? "high" : item.confidence >= 0.5 ? "middle" : "low";
    const chosen = item.id === this.chosen;
    return el("div", {
      class: `item state-${item.state}`, role: "option", id: `item-${item.id}`, "data-id": item.id, "aria-selected": String(chosen),
    },
    el("span", { class: "item-name" }, item.name || item.id),
    el("span", { class: "item-state", title: t(`state.${item.state}`) }, MARKS[item.state] ?? "", el("span", { class: "visually-hidden" }, t(`state.${item.state}`))),
    el("span", { class: "item-facts" }, [word("kind", item.kind), placesText(item.places), t("review.lineNo", { line: item.line })].filter(Boolean).join(" · ")),
    el("span", { class: `item-sure ${sure}`, title: t("review.confidence", { n: item.confidence.toFixed(2) }) },
      el("span", { class: "visually-hidden" }, t("review.confidence", { n: "" })), item.confidence.toFixed(2)));
  }

  /** @param {string} id */
  choose(id) {
    for (const row of this.box.querySelectorAll("[aria-selected=true]")) row.setAttribute("aria-selected", "false");
    this.chosen = id;
    const row = document.getElementById(`item-${id}`);
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    this.box.setAttribute("aria-activedescendant", row ? row.id : "");
  }

  /** @param {Item} item a draft whose state has changed */
  update(item) {
    const index = this.items.findIndex((one) => one.id === item.id);
    if (index < 0) return;
    this.items[index] = item;
    document.getElementById(`item-${item.id}`)?.replaceWith(this.row(item));
  }

  /** Draw the rows again, in the present language. */
  redraw() {
    this.drawFilters();
    if (this.items.length) fill(this.box, ...this.items.map((item) => this.row(item)));
    byId("queue-count").textContent = t("review.shown", { n: this.matched });
  }

  /**
   * The draft after or before the chosen one.
   *
   * @param {1|-1} step
   * @param {boolean} [undecided] pass over the decided ones
   * @returns {Promise<string|null>}
   */
  async neighbour(step, undecided = false) {
    let index = this.items.findIndex((item) => item.id === this.chosen) + step;
    if (step < 0 && index < -1) return null;
    for (;;) {
      if (index >= this.items.length && step > 0) {
        const before = this.items.length;
        await this.more();
        if (this.items.length === before) break;
      }
      const item = this.items[index];
      if (!item) break;
      if (!undecided || item.state === "undecided") return item.id;
      index += step;
    }
    const rest = undecided ? this.items.find((item) => item.state === "undecided" && item.id !== this.chosen) : null;
    return rest?.id ?? null;
  }

  drawFilters() {
    const choice = (name, label, options) => el("label", { class: `filter filter-${name}` }, el("span", { class: "visually-hidden" }, label),
      el("select", { name, on: { change: (event) => this.set(name, event.target.value) } },
        ...options.map(([value, text]) => el("option", { value, selected: this.filter[name] === value }, text))));
    let timer = 0;
    const search = el("input", {
      type: "search", name: "q", id: "review-search", value: this.filter.q, maxlength: 100, autocomplete: "off",
      placeholder: t("review.search"), "aria-label": t("review.search"),
      on: {
        input: (event) => {
          clearTimeout(timer);
          timer = window.setTimeout(() => this.set("q", event.target.value), TYPING_MS);
        },
      },
    });
    fill(byId("filters"), search,
      choice("state", t("review.stateFilter"), STATES.map((state) => [state, t(`state.${state}`)])),
      choice("kind", t("review.kindFilter"), [["", t("review.allKinds")], ...this.kinds.map((kind) => [kind, word("kind", kind)])]),
      choice("order", t("review.order"), ["confidence", "line"].map((order) => [order, t(`order.${order}`)])));
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  set(name, value) {
    if (this.filter[name] === value) return;
    this.filter[name] = value;
    this.load().then(() => {
      if (this.items.length && !this.items.some((item) => item.id === this.chosen)) this.handlers.onChoose(this.items[0].id);
      else this.choose(this.chosen);
    }).catch(this.handlers.onFail);
  }
}

/**
 * @param {string} cell places as in a record file
 * @returns {string} the last names, for the list
 */
export function placesText(cell) {
  const names = cell.split(";").map((item) => item.split("=")[0].split("/").pop()?.replace(/^[?~]/, "").trim() ?? "").filter(Boolean);
  return names.length > 3 ? `${names.slice(0, 3).join("、")}…` : names.join("、");
}
