/** The search box: places of the service and layers of the catalogue, as a combobox with a list. */

import { findPlaces } from "./api.js";
import { announce, byId, el, fill } from "./dom.js";
import { pick, t, word } from "./i18n.js";

/** @typedef {import("./types.js").Candidate} Candidate */
/** @typedef {import("./types.js").LayerState} LayerState */

const WAIT_MS = 220;

export class Search {
  /**
   * @param {{layers: () => LayerState[], onPlace: (place: Candidate) => void, onLayer: (layer: LayerState) => void}} options
   */
  constructor(options) {
    this.options = options;
    this.root = byId("search");
    this.controller = new AbortController();
    /** @type {Array<() => void>} what choosing each option does */
    this.actions = [];
    this.active = -1;
    /** Enter was pressed before the answer was there: a single one is chosen when it comes. */
    this.awaited = false;
    this.timer = 0;
    this.render();
    document.addEventListener("pointerdown", (event) => {
      if (!this.root.contains(/** @type {Node} */ (event.target))) this.close();
    });
  }

  render() {
    const text = this.input?.value ?? "";
    this.input = /** @type {HTMLInputElement} */ (el("input", {
      type: "search", id: "search-input", role: "combobox", autocomplete: "off", spellcheck: "false", maxlength: 60,
      placeholder: t("searchPlaceholder"), "aria-label": t("searchLabel"), "aria-expanded": "false", "aria-controls": "search-list", "aria-autocomplete": "list",
      on: {
        input: () => this.later(),
        keydown: (event) => this.key(event),
        focus: () => this.input.value.trim() && this.later(),
      },
    }));
    this.input.value = text;
    this.message = el("p", { class: "search-message", role: "status", hidden: true });
    this.list = el("ul", { class: "search-list", id: "search-list", role: "listbox", "aria-label": t("searchLabel") });
    this.popup = el("div", { class: "search-popup", hidden: true }, this.message, this.list);
    fill(this.root, this.input, this.popup);
  }

  later() {
    this.awaited = false;
    clearTimeout(this.timer);
    this.controller.abort();
    if (!this.input.value.trim()) this.close();
    else this.timer = window.setTimeout(() => this.run(), WAIT_MS);
  }

  /** Ask the service and show the answer. */
  async run() {
    clearTimeout(this.timer);
    const text = this.input.value.trim();
    if (!text) return;
    this.controller.abort();
    this.controller = new AbortController();
    const { signal } = this.controller;
    const wanted = text.toLowerCase();
    const layers = this.options.layers().filter(({ meta }) => [meta.title.zh, meta.title.en].some((title) => title?.toLowerCase().includes(wanted)));
    this.show(t("searching"), [], layers);
    try {
      const answer = await findPlaces(text, signal);
      const places = answer.candidates ?? [];
      let message = "";
      if (places.length === 0 && layers.length === 0) message = t("searchUnknown", { q: text });
      else if (answer.status === "ambiguous" && places.length > 1) message = t("searchAmbiguous", { n: places.length });
      this.show(message, places, layers);
      if (this.awaited && this.actions.length === 1) this.choose(0);
      this.awaited = false;
    } catch {
      if (!signal.aborted) this.show(t("searchFailed"), [], layers);
    }
  }

  /**
   * @param {string} message
   * @param {Candidate[]} places
   * @param {LayerState[]} layers
   */
  show(message, places, layers) {
    this.message.textContent = message;
    this.message.hidden = !message;
    this.actions = [];
    this.active = -1;
    const option = (action, ...content) => {
      const index = this.actions.push(action) - 1;
      return el("li", {
        role: "option", id: `search-option-${index}`, "aria-selected": "false", class: "search-option",
        on: { pointerdown: (event) => event.preventDefault(), click: () => this.choose(index) },
      }, ...content);
    };
    fill(this.list,
      ...places.map((place) => option(() => this.options.onPlace(place),
        el("span", { class: "option-name" }, place.name),
        el("span", { class: "option-facts" }, [place.parent, word("level", place.level), place.code, place.as_of && t("asOf", { date: place.as_of }), place.via === "alias" && t("viaAlias")].filter(Boolean).join(" · ")),
        !place.bounds && el("span", { class: "option-mark" }, t("searchNoGeometry")))),
      ...layers.map((layer) => option(() => this.options.onLayer(layer),
        el("span", { class: "option-name" }, pick(layer.meta.title)),
        el("span", { class: "option-facts" }, t("searchLayers")))));
    this.popup.hidden = false;
    this.input.setAttribute("aria-expanded", String(this.actions.length > 0));
    this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      if (this.popup.hidden && !this.input.value) return;
      event.preventDefault();
      if (this.popup.hidden) this.input.value = "";
      this.close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.popup.hidden) this.run();
      else this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!this.popup.hidden && this.active >= 0) this.choose(this.active);
      else if (!this.popup.hidden && this.actions.length === 1) this.choose(0);
      else {
        this.awaited = true;
        this.run();
      }
    }
  }

  /** @param {number} step */
  move(step) {
    if (this.actions.length === 0) return;
    const options = this.list.querySelectorAll("[role=option]");
    options[this.active]?.setAttribute("aria-selected", "false");
    this.active = this.active < 0 ? (step > 0 ? 0 : options.length - 1) : (this.active + step + options.length) % options.length;
    options[this.active].setAttribute("aria-selected", "true");
    options[this.active].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", options[this.active].id);
  }

  /** @param {number} index */
  choose(index) {
    const action = this.actions[index];
    this.close();
    action?.();
  }

  close() {
    this.awaited = false;
    clearTimeout(this.timer);
    this.controller.abort();
    this.popup.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  /** @param {string} text said below the box, and read out */
  tell(text) {
    this.show(text, [], []);
    announce(text);
  }

  /** @param {Candidate} place a place that has no boundary */
  tellNoBounds(place) {
    const text = t("searchNoBounds", { name: [place.parent, place.name].filter(Boolean).join(" ") });
    this.tell(text);
  }
}
