/** Puts the review together: the list, the sentence, the map, the fields, the keys. */

import { announce, byId, el, fill } from "../dom.js";
import { getDraft, getSession, postDecision } from "./api.js";
import { drawFields, FactForm } from "./form.js";
import { DraftList } from "./list.js";
import { PlaceMap } from "./map.js";
import { drawPassage } from "./passage.js";
import { drawProgress, explain, hideNotice, showNotice, translatePage } from "./frame.js";
import { lang, onLang, setLang, setTerms, t } from "./words.js";

/** @typedef {import("./types.js").Detail} Detail */

const map = new PlaceMap();
const list = new DraftList({ onChoose: choose, onFail: fail, onCounts: (counts) => { session.counts = counts; drawProgress(session); } });
/** @type {any} */
let session = { counts: {} };
/** @type {Detail|null} */
let detail = null;
/** @type {FactForm|null} */
let form = null;
/** @type {AbortController|null} */
let reading = null;
let busy = false;
/** @type {string[]} drafts decided in this sitting, for undo */
const history_ = [];

/** @param {unknown} error */
function fail(error) {
  showNotice(explain(error));
}

/** @param {string} id */
async function choose(id) {
  if (!id) return;
  form = null;
  list.choose(id);
  reading?.abort();
  reading = new AbortController();
  const { signal } = reading;
  delete document.body.dataset.shown;
  try {
    const found = await getDraft(id, signal);
    if (!signal.aborted) show(found);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

/** @param {Detail} next */
function show(next) {
  detail = next;
  form = null;
  delete document.body.dataset.editing;
  drawPassage(next, session.has_text);
  drawFields(next, edit);
  drawActions();
  map.show(next.now.places, next.now.region);
  document.body.dataset.shown = next.id;
}

function drawActions() {
  const action = (name, key, run, kind = "") => el("button", {
    type: "button", class: `button action ${kind}`, id: `do-${name}`, "aria-keyshortcuts": key, "aria-disabled": String(!detail), on: { click: run },
  }, t(`review.${name}`), el("kbd", { "aria-hidden": "true" }, key));
  const bar = byId("actions");
  bar.setAttribute("aria-label", t("review.actions"));
  fill(bar, action("accept", "A", () => decide("accept"), "primary"), action("reject", "R", () => decide("reject"), "danger"), action("edit", "E", edit),
    action("undo", "U", undo, "quiet"), el("span", { class: "gap" }), action("previous", "K", () => step(-1), "quiet"), action("next", "J", () => step(1), "quiet"));
}

/** @param {1|-1} direction */
async function step(direction) {
  try {
    const id = await list.neighbour(direction);
    if (id) await choose(id);
  } catch (error) {
    fail(error);
  }
}

function edit() {
  if (!detail) return;
  const { now } = detail;
  document.body.dataset.editing = "true";
  form = new FactForm(now, {
    onSave: (values) => decide("correct", values),
    onCancel: leave,
    onPlaces: (places, region) => map.show(places, region),
  });
  if (detail.faults.length) form.tell(detail.faults);
  else form.focus();
}

function leave() {
  if (!detail) return;
  form = null;
  delete document.body.dataset.editing;
  hideNotice();
  drawFields(detail, edit);
  map.show(detail.now.places, detail.now.region);
  byId("edit-fields").focus();
}

/**
 * @param {"accept"|"reject"|"correct"} action
 * @param {Object<string, any>} [values]
 */
async function decide(action, values) {
  if (!detail || busy) return;
  if (action === "accept" && detail.state === "corrected") {
    await forward();
    return;
  }
  const { id, version } = detail;
  const answer = await send({ action, draft: id, version, ...(values ? { set: values } : {}) });
  if (!answer) return;
  history_.push(id);
  announce(t(`done.${answer.decision.action}`, { name: answer.item.name }));
  await forward();
}

async function undo() {
  if (busy) return;
  const id = history_.pop() ?? (detail?.decision ? detail.id : null);
  if (!id) {
    announce(t("review.nothingToUndo"));
    return;
  }
  try {
    const found = id === detail?.id ? detail : await getDraft(id);
    const answer = await send({ action: "undo", draft: id, version: found.version });
    if (!answer) return;
    announce(t("done.undo", { name: answer.item.name }));
    list.choose(id);
    show(answer.draft);
  } catch (error) {
    fail(error);
  }
}

/**
 * @param {{action: string, draft: string, version: string, set?: Object<string, any>}} decision
 * @returns {Promise<any>} null when it was not taken; the page says why
 */
async function send(decision) {
  busy = true;
  hideNotice();
  try {
    const answer = await postDecision(decision);
    session.counts = answer.counts;
    drawProgress(session);
    list.update(answer.item);
    return answer;
  } catch (error) {
    await refused(error, decision.draft);
    return null;
  } finally {
    busy = false;
  }
}

/**
 * @param {any} error
 * @param {string} id
 */
async function refused(error, id) {
  if (error?.status === 409) {
    await choose(id);
    showNotice(t("review.conflict"));
  } else if (error?.status === 422 && error.errors.length) {
    if (!form) edit();
    form?.tell(error.errors);
    showNotice(t("review.wrongFields", { n: error.errors.length }));
  } else fail(error);
}

/** On to the next draft that is undecided; without one the decided draft is shown as it now is. */
async function forward() {
  const id = await list.neighbour(1, true);
  if (id) {
    await choose(id);
    return;
  }
  await choose(list.chosen);
  showNotice(t("review.allDone"));
}

const KEYS = { a: () => decide("accept"), r: () => decide("reject"), e: edit, u: undo, j: () => step(1), k: () => step(-1), "/": () => byId("review-search").focus() };

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("input, select, textarea")) {
    if (event.key === "Escape" && target.id === "review-search") byId("items").focus();
    return;
  }
  const arrows = target.id === "items" ? { ArrowDown: KEYS.j, ArrowUp: KEYS.k } : {};
  const run = KEYS[event.key.toLowerCase()] ?? arrows[event.key];
  if (!run) return;
  event.preventDefault();
  run();
}

async function start() {
  translatePage();
  try {
    session = await getSession();
  } catch (error) {
    fail(error);
    document.body.dataset.ready = "true";
    return;
  }
  setTerms(session.terms);
  list.kinds = session.kinds;
  list.drawFilters();
  drawProgress(session);
  byId("draft-name").textContent = session.draft;
  drawActions();
  const drawn = map.prepare().catch(fail);
  try {
    await list.load();
    if (!list.items.length && session.counts.total) list.set("state", "all");
    else if (list.items.length) await choose(list.items[0].id);
    else fill(byId("passage"), el("p", { class: "empty" }, t("review.empty")));
  } catch (error) {
    fail(error);
  }
  if (session.misfits) showNotice(t("review.misfits", { n: session.misfits }));
  await drawn;
  document.body.dataset.ready = "true";
}

onLang(() => {
  translatePage();
  drawProgress(session);
  list.redraw();
  drawActions();
  if (!detail) return;
  drawPassage(detail, session.has_text);
  if (form) edit();
  else drawFields(detail, edit);
  map.list();
});
byId("language").addEventListener("click", () => setLang(lang() === "zh" ? "en" : "zh"));
document.addEventListener("keydown", onKey);
start();
