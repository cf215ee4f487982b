/** A list of facts in the panel: a section for each layer, in it a fold for each precision, in that the cards. */

import { el, fill } from "./dom.js";
import { number, pick, t } from "./i18n.js";

/** @typedef {import("./types.js").Entry} Entry */
/** @typedef {import("./groups.js").Part} Part */
/** @typedef {import("./groups.js").LayerGroup} LayerGroup */

/**
 * @typedef {object} ListActions
 * @property {(part: Part, n: number) => Promise<boolean>} load read the next n facts of a part; false when that no longer matters
 * @property {(entry: Entry, redraw: () => void) => HTMLElement} card
 */

/** Facts read at once when a reader asks for more. */
export const BATCH = 24;

/**
 * @param {LayerGroup[]} groups
 * @param {ListActions} actions
 * @returns {HTMLElement[]}
 */
export function factSections(groups, actions) {
  return groups.map(({ meta, count, parts }) => el("section", { class: "facts", "data-layer": meta.id },
    el("h3", {}, el("span", {}, pick(meta.title)), el("span", { class: "layer-count" }, number(count))),
    parts.map((part) => partNode(part, actions))));
}

/**
 * @param {Part} part
 * @param {ListActions} actions
 */
function partNode(part, actions) {
  const body = el("div", { class: "part-body" });
  let loading = false;
  const draw = () => fill(body,
    ...part.entries.map((entry) => actions.card(entry, draw)),
    loading && el("p", { class: "empty", role: "status" }, t("loadingItems", { n: Math.min(BATCH, part.rest.length) })),
    !loading && part.rest.length > 0 && el("button", { type: "button", class: "button more", on: { click: () => more(true) } },
      t("more", { n: Math.min(BATCH, part.rest.length) })));
  /** @param {boolean} focus on the first new card, because the button is gone */
  const more = async (focus) => {
    if (loading) return;
    const before = part.entries.length;
    loading = true;
    draw();
    const wanted = await actions.load(part, BATCH);
    loading = false;
    if (!wanted) return;
    draw();
    if (!focus) return;
    const first = /** @type {HTMLElement|undefined} */ (body.children[before]);
    first?.setAttribute("tabindex", "-1");
    first?.focus({ preventScroll: true });
  };
  draw();
  if (part.precision === null) return body;
  const onToggle = (event) => {
    part.open = event.target.open;
    if (part.open && part.entries.length === 0) more(false);
  };
  return el("details", { class: "part", "data-precision": part.precision, open: part.open, on: { toggle: onToggle } },
    el("summary", {}, el("h4", {}, t(`part.${part.precision}`)), el("span", { class: "layer-count" }, number(part.count))),
    body);
}
