/** The form for the reader's key: shown when the service asks for one, or on the button among the map's tools. */

import { byId, el, fill } from "./dom.js";
import { onLang, t } from "./i18n.js";
import { forgetKey, getKey, keepKey, keyIn } from "./key.js";

export class KeyForm {
  /** @param {() => void} onChange called after a key was given or forgotten */
  constructor(onChange) {
    this.onChange = onChange;
    this.dialog = /** @type {HTMLDialogElement} */ (byId("key"));
    /** @type {"asked"|"wrong"|"open"} why it is shown: a key is missing, was not taken, or the reader opened it */
    this.why = "open";
    this.fault = "";
    // Escape is the form's while it is open: what lies below it neither closes nor keeps the form open.
    window.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.dialog.open) event.stopImmediatePropagation();
    }, { capture: true });
    // What was typed goes with it. The event comes a little later, when it may be open anew.
    this.dialog.addEventListener("close", () => { if (!this.dialog.open) fill(this.dialog); });
    onLang(() => { if (this.dialog.open) this.draw(this.input?.value ?? ""); });
  }

  /** The service refused: a key that was sent is not sent again. */
  ask() {
    if (this.dialog.open) return;
    this.why = getKey() === null ? "asked" : "wrong";
    forgetKey();
    this.show();
  }

  /** The reader wants to give, change or forget a key. */
  open() {
    this.why = "open";
    this.show();
  }

  show() {
    this.fault = "";
    this.draw("");
    if (!this.dialog.open) this.dialog.showModal();
    this.input?.focus();
  }

  /** @param {string} typed what stands in the field */
  draw(typed) {
    const kept = getKey() !== null;
    const said = { asked: "keyAsked", wrong: "keyWrong", open: kept ? "keyKept" : "keyNone" }[this.why];
    this.input = /** @type {HTMLInputElement} */ (el("input", {
      type: "password", id: "key-input", name: "key", autocomplete: "off", spellcheck: "false", autocapitalize: "off", maxlength: 4096, required: true,
      "aria-describedby": "key-said key-note key-fault", "aria-invalid": this.fault ? "true" : null,
    }));
    this.input.value = typed;
    fill(this.dialog, el("form", { class: "key-form", novalidate: true, on: { submit: (event) => this.submit(event) } },
      el("h2", { id: "key-title" }, t("keyTitle")),
      el("p", { id: "key-said", class: this.why === "wrong" ? "failed" : null, role: this.why === "wrong" ? "alert" : null }, t(said)),
      el("label", { for: "key-input" }, t("keyLabel")),
      this.input,
      el("p", { id: "key-fault", class: "failed", role: "alert", hidden: !this.fault }, this.fault),
      el("p", { id: "key-note", class: "key-note" }, t("keyNote")),
      el("div", { class: "key-actions" },
        el("button", { type: "submit", class: "button primary" }, t("keyUse")),
        kept && el("button", { type: "button", class: "button", id: "key-forget", on: { click: () => this.forget() } }, t("keyForget")),
        el("button", { type: "button", class: "button quiet", on: { click: () => this.dialog.close() } }, t("cancel")))));
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    const typed = this.input?.value ?? "";
    const key = keyIn(typed);
    if (key === null) {
      this.fault = t(typed.trim() ? "keyNoKey" : "keyEmpty");
      this.draw(typed);
      this.input?.focus();
      return;
    }
    keepKey(key);
    this.close();
  }

  forget() {
    forgetKey();
    this.close();
  }

  close() {
    this.dialog.close();
    this.onChange();
  }
}
