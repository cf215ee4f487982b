/** The reading pane: a plan's text at a cited line, its span marked; without a copy, where the line stands in the plan. */

import { getCited, getPlan } from "./api.js";
import { explain } from "./chrome.js";
import { announce, byId, el, fill } from "./dom.js";
import { lang, t } from "./i18n.js";
import { formatCite } from "./url-state.js";

/** @typedef {import("./types.js").Cite} Cite */
/** @typedef {import("./types.js").Plan} Plan */
/** @typedef {import("./types.js").CitedText} CitedText */
/** @typedef {import("./types.js").TextLine} TextLine */

/**
 * The numbers of the chapter and section that a line stands in.
 *
 * @param {{line: number, chapter: string}[]|undefined} outline by rising line
 * @param {number} line
 * @returns {string} empty above the first chapter, or where the outline is not known
 */
export function chapterAt(outline, line) {
  return (outline ?? []).findLast((entry) => entry.line <= line)?.chapter ?? "";
}

export class Reader {
  /** @param {{plans: {id: string, title: string}[], onChange: () => void}} options `onChange` when it opens, grows or closes */
  constructor({ plans, onChange }) {
    this.node = byId("reader");
    this.titles = new Map(plans.map((plan) => [plan.id, plan.title]));
    this.onChange = onChange;
    /** @type {Cite|null} the citation that is open */
    this.cite = null;
    /** @type {Plan|null} */
    this.plan = null;
    /** @type {CitedText|null} */
    this.text = null;
    /** @type {{text: string, hint: string}|null} */
    this.fault = null;
    /** @type {HTMLElement|null} */
    this.opener = null;
    // Before the panel hears of it: the pane on top is closed first.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !this.cite) return;
      event.preventDefault();
      this.close();
    }, { capture: true });
  }

  /** @param {Cite} cite */
  async open(cite) {
    if (!this.cite) this.opener = /** @type {HTMLElement} */ (document.activeElement);
    Object.assign(this, { cite, plan: null, text: null, fault: null });
    this.node.hidden = false;
    document.body.dataset.reader = "open";
    this.draw();
    /** @type {HTMLElement|null} */ (this.node.querySelector("h2"))?.focus({ preventScroll: true });
    this.onChange();
    await this.read(cite);
    if (this.cite !== cite) return;
    this.draw();
    this.onChange();
    announce(this.words());
  }

  /** @param {Cite} cite */
  async read(cite) {
    if (!this.titles.has(cite.plan)) {
      this.fault = { text: t("readerUnknown", { plan: cite.plan }), hint: "" };
      return;
    }
    try {
      const plan = await getPlan(cite.plan);
      if (this.cite === cite) this.plan = plan;
      if (plan.lines && cite.line > plan.lines) {
        this.fault = { text: t("readerNoLine", { line: cite.line, lines: plan.lines }), hint: "" };
        return;
      }
      const text = plan.copy ? await getCited(cite) : null;
      if (this.cite === cite) this.text = text;
    } catch (error) {
      if (this.cite === cite) this.fault = { text: t("readerFailed"), hint: explain(error).hint };
    }
  }

  close() {
    if (!this.cite) return;
    this.cite = null;
    this.node.hidden = true;
    this.node.replaceChildren();
    delete document.body.dataset.reader;
    this.onChange();
    const back = this.opener?.isConnected ? this.opener : document.querySelector("#map canvas");
    /** @type {HTMLElement|null} */ (back)?.focus({ preventScroll: true });
    this.opener = null;
  }

  /** Address that leads to this citation, whatever map is shown. */
  get address() {
    return this.cite ? `${location.href.split("#")[0]}#${formatCite(this.cite)}` : "";
  }

  /** @returns {string} plan, chapter, line and span */
  words() {
    if (!this.cite) return "";
    const { plan, line, start, end } = this.cite;
    const title = this.plan?.title ?? this.titles.get(plan) ?? plan;
    const place = [chapterAt(this.plan?.outline, line), t("lineNo", { line }), end > start ? t("readerSpan", { from: start + 1, to: end }) : ""];
    return `${lang() === "zh" ? `「${title}」` : `“${title}” `}${place.filter(Boolean).join(lang() === "zh" ? "，" : ", ")}`;
  }

  /** Draw what is known, also after a change of language. */
  draw() {
    if (!this.cite) return;
    const hadFocus = this.node.contains(document.activeElement);
    const heading = el("h2", { id: "reader-title", tabindex: "-1" }, t("readerTitle"));
    fill(this.node,
      el("header", { class: "reader-head" },
        el("div", { class: "reader-names" }, heading, el("p", { class: "reader-where" }, this.words()), this.headings()),
        el("button", { type: "button", class: "button quiet", on: { click: () => this.copyAddress() } }, t("copyAddress")),
        el("button", { type: "button", class: "button quiet close", "aria-label": t("close"), on: { click: () => this.close() } }, "✕")),
      el("div", { class: "reader-body", tabindex: "0", lang: this.text ? "zh-CN" : null }, this.body()));
    if (hadFocus) heading.focus({ preventScroll: true });
    const body = /** @type {HTMLElement} */ (this.node.querySelector(".reader-body"));
    const mark = /** @type {HTMLElement|null} */ (body.querySelector("mark") ?? body.querySelector(".cited"));
    if (mark) body.scrollTop = mark.offsetTop - body.clientHeight / 3;
  }

  /** The headings above the line, and the table and cell that it is in. */
  headings() {
    const names = [...(this.text?.headings ?? []).map((heading) => heading.text.trim()), ...(this.text?.cell ?? [])];
    return names.length > 0 && el("ul", { class: "reader-headings", lang: "zh-CN", "aria-label": t("readerHeadings") }, names.map((name) => el("li", {}, name)));
  }

  /** @returns {Array<Node|null|false>} */
  body() {
    if (this.fault) {
      return [el("p", { class: "failed", role: "alert" }, el("strong", {}, this.fault.text), this.fault.hint && ` ${this.fault.hint}`),
        this.fault.hint && el("button", { type: "button", class: "button", on: { click: () => this.cite && this.open(this.cite) } }, t("retry"))];
    }
    if (this.text) return this.lines(this.text);
    if (!this.plan) return [el("p", { class: "empty", role: "status" }, t("readerLoading"))];
    return [
      el("p", { class: "reader-none" }, t("readerNoCopy")),
      el("p", { class: "reader-hint" }, t("readerAdd")),
      el("code", { class: "reader-command" }, `geoplan plans add ${t("readerFile")}`),
    ];
  }

  /** @param {CitedText} text */
  lines(text) {
    const plain = (/** @type {TextLine} */ one) => el("li", { class: "reader-line" },
      el("span", { class: "reader-no" }, one.line), el("p", {}, one.text, one.cut && "…"));
    return [
      el("ol", { class: "reader-lines" },
        text.above.map(plain),
        el("li", { class: "reader-line cited", "aria-current": "true" },
          el("span", { class: "reader-no" }, text.line),
          el("p", {}, text.cut_before && "…", text.before.trimStart(), text.marked && el("mark", {}, text.marked), text.after, text.cut_after && "…")),
        text.below.map(plain)),
    ];
  }

  async copyAddress() {
    try {
      await navigator.clipboard.writeText(this.address);
      announce(t("addressCopied"));
    } catch {
      // Without the right to the clipboard (another host over plain http) the address is shown, ready to be copied.
      const field = /** @type {HTMLInputElement} */ (el("input", { class: "reader-address", readonly: true, value: this.address, "aria-label": t("addressLabel") }));
      this.node.querySelector(".reader-address")?.remove();
      this.node.querySelector(".reader-head")?.append(field);
      field.focus();
      field.select();
    }
  }
}
