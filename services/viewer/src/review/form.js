/** The fields of a fact: to read, and to correct. */

import { byId, el, fill } from "../dom.js";
import { lang, t, vocabulary, word } from "./words.js";

/** @typedef {import("./types.js").Cells} Cells */
/** @typedef {import("./types.js").Figure} Figure */
/** @typedef {import("./types.js").Fault} Fault */

const FIELDS = ["kind", "theme", "name", "places", "status", "period", "region", "note"];
/** What stands below the figures in the form: it is seldom changed. */
const LAST_FIELDS = ["region", "note"];
const FIGURE_FIELDS = ["measure", "value", "unit", "qualifier", "change", "per", "period", "status"];
const FAMILIES = { kind: "kinds", theme: "themes", status: "status", measure: "measure", qualifier: "qualifier", change: "change", per: "per" };
const HINTS = { places: "hint.places", period: "hint.period", value: "hint.value" };
const TYPING_MS = 400;

/**
 * @param {Figure} figure
 * @returns {string} the figure as a planner writes it
 */
export function figureText(figure) {
  const value = `${figure.value.replace("..", "–")}${figure.unit === "%" ? "%" : ` ${figure.unit}`}`;
  const bound = figure.qualifier && !["exact", "range"].includes(figure.qualifier) ? `${word("qualifier", figure.qualifier)} ` : "";
  return `${bound}${value}`;
}

/**
 * @param {string} cell places as in a record file
 * @returns {string} the same without its signs
 */
export function placesInWords(cell) {
  return cell.split(";").map((item) => item.trim()).filter(Boolean).map((item) => {
    const [path, written] = item.split("=");
    const sign = /(^|\/)([?~])[^/]*$/.exec(path)?.[2];
    const notes = [sign === "~" ? t("place.unlistedSign") : "", sign === "?" ? t("place.ambiguousSign") : "", written ? t("place.written", { written }) : ""];
    return path.replace(/(^|\/)[?~]/, "$1") + notes.join("");
  }).join(t("place.separator"));
}

/**
 * The fields to read; a corrected one with what was drafted.
 *
 * @param {import("./types.js").Detail} detail
 * @param {() => void} onEdit
 */
export function drawFields(detail, onEdit) {
  const { now, drafted } = detail;
  const shown = (name, cells) => {
    if (name === "places") return placesInWords(cells.places);
    return name in FAMILIES ? word(FAMILIES[name], cells[name]) : cells[name];
  };
  const rows = FIELDS.filter((name) => now[name] || drafted[name]).flatMap((name) => [
    el("dt", {}, t(`field.${name}`)),
    el("dd", { "data-shown": name }, shown(name, now) || "—",
      now[name] === drafted[name] ? null : el("span", { class: "was" }, t("review.wasDrafted", { value: shown(name, drafted) || "—" }))),
  ]);
  const figures = now.figures.map((figure) => el("li", {},
    el("strong", {}, figureText(figure)),
    el("span", { class: "hint" }, ["measure", "change", "per", "status"].map((name) => (figure[name] ? word(FAMILIES[name], figure[name]) : "")).concat(figure.period).filter(Boolean).join(" · "))));
  const same = JSON.stringify(now.figures) === JSON.stringify(drafted.figures);
  fill(byId("fields-body"),
    el("div", { class: "fields-head" }, el("button", { type: "button", class: "button", id: "edit-fields", on: { click: onEdit } }, `${t("review.edit")} E`)),
    el("dl", { class: "field-rows" }, ...rows,
      el("dt", {}, t("field.figures")),
      el("dd", {}, figures.length ? el("ul", { class: "figure-list" }, ...figures) : el("span", { class: "hint" }, t("figure.none")),
        same ? null : el("span", { class: "was" }, t("review.wasDrafted", { value: drafted.figures.map(figureText).join("；") || "—" })))));
}

/** The form in which a fact is corrected. */
export class FactForm {
  /**
   * @param {Cells} cells
   * @param {{onSave: (values: Object<string, any>) => void, onCancel: () => void, onPlaces: (places: string, region: string) => void}} handlers
   */
  constructor(cells, handlers) {
    this.cells = cells;
    this.handlers = handlers;
    /** @type {Figure[]} */
    this.figures = cells.figures.map((figure) => ({ ...figure }));
    this.form = el("form", { class: "fact-form", id: "fact-form", novalidate: true, on: { submit: (event) => { event.preventDefault(); this.save(); } } });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        handlers.onCancel();
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.save();
      }
    });
    this.values = Object.fromEntries(FIELDS.map((name) => [name, cells[name]]));
    this.draw();
  }

  draw() {
    fill(this.form,
      el("div", { class: "form-grid" }, ...FIELDS.filter((name) => !LAST_FIELDS.includes(name)).map((name) => this.field(name, this.values[name], null))),
      ...this.figures.map((figure, index) => this.figure(figure, index)),
      el("button", { type: "button", class: "button add-figure", on: { click: () => this.addFigure() } }, t("figure.add")),
      el("div", { class: "form-grid" }, ...LAST_FIELDS.map((name) => this.field(name, this.values[name], null))),
      el("div", { class: "form-actions" },
        el("button", { type: "submit", class: "button primary" }, t("review.save")),
        el("button", { type: "button", class: "button", on: { click: this.handlers.onCancel } }, t("review.cancel"))));
    fill(byId("fields-body"), this.form);
  }

  /**
   * @param {Figure} figure
   * @param {number} index
   */
  figure(figure, index) {
    return el("fieldset", { class: "figure-set" }, el("legend", {}, t("figure.n", { n: index + 1 })),
      el("div", { class: "form-grid figures" }, ...FIGURE_FIELDS.map((name) => this.field(name, figure[name], index))),
      el("button", {
        type: "button", class: "link remove", "aria-label": t("figure.remove", { n: index + 1 }),
        on: { click: () => { this.read(); this.figures.splice(index, 1); this.draw(); } },
      }, t("figure.remove", { n: index + 1 })));
  }

  /**
   * @param {string} name
   * @param {string} value
   * @param {number|null} index number of the figure
   */
  field(name, value, index) {
    const id = index === null ? `f-${name}` : `f-${index}-${name}`;
    const common = { id, name: id, "data-field": name, "data-figure": index, "aria-describedby": `${id}-fault` };
    const control = FAMILIES[name] ? this.choice(name, value, index, common) : el(name === "places" || name === "note" ? "textarea" : "input", {
      ...common, ...(name === "places" || name === "note" ? { rows: 2 } : { type: "text" }), autocomplete: "off", spellcheck: "false",
      placeholder: HINTS[name] ? t(HINTS[name]) : false, title: HINTS[name] ? t(HINTS[name]) : false,
    });
    /** @type {any} */ (control).value = value ?? "";
    if (index === null && ["places", "region"].includes(name)) this.preview(control);
    return el("div", { class: `field field-${name}` }, el("label", { for: id }, t(`field.${name}`)), control, el("p", { class: "fault", id: `${id}-fault`, hidden: true }));
  }

  /**
   * @param {string} name
   * @param {string} value
   * @param {number|null} index
   * @param {Object<string, any>} common
   */
  choice(name, value, index, common) {
    const none = name === "qualifier" ? t("option.exact") : index !== null && name === "status" ? "—" : t("option.unsaid");
    const codes = Object.keys(vocabulary(FAMILIES[name])).filter((code) => code !== "exact");
    if (value && !codes.includes(value)) codes.push(value);
    const optional = index !== null && name !== "measure";
    return el("select", common, optional || !value ? el("option", { value: "" }, optional ? none : "—") : null,
      ...codes.map((code) => el("option", { value: code, selected: code === value }, word(FAMILIES[name], code))));
  }

  /** @param {HTMLElement} control where places change, the map follows */
  preview(control) {
    let timer = 0;
    control.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        this.read();
        if (this.form.isConnected) this.handlers.onPlaces(this.values.places, this.values.region);
      }, TYPING_MS);
    });
  }

  addFigure() {
    this.read();
    const { line, span } = this.cells;
    this.figures.push({ measure: "", value: "", unit: "", qualifier: "", change: "", per: "", status: "", period: "", line, span });
    this.draw();
    this.control("measure", this.figures.length - 1)?.focus();
  }

  /** Take over what stands in the controls. */
  read() {
    for (const control of this.form.querySelectorAll("[data-field]")) {
      const { field, figure } = /** @type {HTMLElement} */ (control).dataset;
      const value = /** @type {HTMLInputElement} */ (control).value.trim();
      if (figure === undefined) this.values[field ?? ""] = value;
      else this.figures[Number(figure)][field ?? ""] = value;
    }
  }

  save() {
    this.read();
    this.handlers.onSave({ ...this.values, figures: this.figures });
  }

  /**
   * @param {string} name
   * @param {number|null} index
   * @returns {HTMLElement|null}
   */
  control(name, index) {
    return document.getElementById(index === null ? `f-${name}` : `f-${index}-${name}`);
  }

  focus() {
    this.control("kind", null)?.focus();
  }

  /**
   * Say at each field what is wrong with it, and go to the first.
   *
   * @param {Fault[]} faults
   */
  tell(faults) {
    for (const node of this.form.querySelectorAll(".fault")) /** @type {HTMLElement} */ (node).hidden = true;
    for (const node of this.form.querySelectorAll("[aria-invalid]")) node.removeAttribute("aria-invalid");
    /** @type {HTMLElement|null} */
    let first = null;
    for (const { field, figure, message } of faults) {
      const control = this.control(field, figure);
      const note = control && document.getElementById(`${control.id}-fault`);
      if (!control || !note) continue;
      const chinese = t(`fault.${field}`);
      note.textContent = lang() === "zh" && chinese ? chinese : message;
      note.hidden = false;
      control.setAttribute("aria-invalid", "true");
      if (!first || first.compareDocumentPosition(control) & Node.DOCUMENT_POSITION_PRECEDING) first = control;
    }
    first?.focus({ preventScroll: true });
    first?.closest(".field")?.scrollIntoView({ block: "center" });
  }
}
