/** The panel beside the map: a title, a close button, and whatever is put in. One panel, used by identify and by the lists. */

import { byId, el, fill } from "./dom.js";
import { t } from "./i18n.js";

export class Panel {
  /** @param {{onClose: () => void}} options */
  constructor({ onClose }) {
    this.node = byId("panel");
    this.onClose = onClose;
    /** @type {(() => void)|null} draws the present content again, for a change of language */
    this.redraw = null;
    /** @type {HTMLElement|null} */
    this.opener = null;
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.close();
    });
  }

  /** @returns {boolean} */
  get isOpen() {
    return !this.node.hidden;
  }

  /**
   * @param {{title: string, subtitle?: string, content: Array<Node|null|false>, redraw: () => void, focus?: boolean}} page
   */
  show({ title, subtitle = "", content, redraw, focus = true }) {
    if (!this.isOpen) this.opener = /** @type {HTMLElement} */ (document.activeElement);
    const heldFocus = this.node.contains(document.activeElement);
    const scrolled = this.node.querySelector(".panel-body")?.scrollTop ?? 0;
    this.redraw = redraw;
    const heading = el("h2", { id: "panel-title", tabindex: "-1" }, title);
    fill(this.node,
      el("header", { class: "panel-head" },
        el("div", {}, heading, subtitle && el("p", { class: "panel-subtitle" }, subtitle)),
        el("button", { type: "button", class: "button quiet close", "aria-label": t("close"), on: { click: () => this.close() } }, "✕")),
      el("div", { class: "panel-body", tabindex: "0" }, content));
    this.node.hidden = false;
    document.body.dataset.panel = "open";
    if (focus || heldFocus) heading.focus({ preventScroll: true });
    if (!focus) /** @type {HTMLElement} */ (this.node.querySelector(".panel-body")).scrollTop = scrolled;
  }

  close() {
    if (!this.isOpen) return;
    this.node.hidden = true;
    this.redraw = null;
    delete document.body.dataset.panel;
    this.onClose();
    const back = this.opener && this.opener.offsetParent !== null ? this.opener : document.querySelector("#map canvas");
    /** @type {HTMLElement|null} */ (back)?.focus({ preventScroll: true });
    this.opener = null;
  }
}
