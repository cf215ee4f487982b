/** Puts the parts together: reads the layers, builds the page, keeps map, catalogue and URL in step. */

import { getLayers, getTownship, takesKeys } from "./api.js";
import { Catalogue } from "./catalogue.js";
import {
  coveredPadding, drawFoot, drawTools, explain, hideNotice, replaceMap, setSheet, showNotice, showPosition, translatePage, wireBusy, wireFoot,
  wireSide,
} from "./chrome.js";
import { announce, byId, el, fill, isNarrow, prefersReducedMotion } from "./dom.js";
import { toChoice } from "./filter.js";
import { boundsOf, shiftFor } from "./geometry.js";
import { lang, onLang, pick, setLang, setTerms, t } from "./i18n.js";
import { Identify } from "./identify.js";
import { getKey, onRefused, refused } from "./key.js";
import { KeyForm } from "./key-form.js";
import { MapView } from "./map-view.js";
import { Panel } from "./panel.js";
import { Reader } from "./reader.js";
import { Search } from "./search.js";
import { LayerStore } from "./store.js";
import { formatHash, parseHash, parseOpacity } from "./url-state.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").LayerState} LayerState */

/**
 * The area of the map: the counties if there are any, else everything that has an extent.
 *
 * @param {LayerMeta[]} metas
 * @returns {import("./types.js").Bounds|null}
 */
function areaOf(metas) {
  const counties = metas.find((meta) => meta.id === "counties" && meta.bounds);
  if (counties) return counties.bounds;
  const boxes = metas.flatMap((meta) => (meta.bounds ? [meta.bounds] : []));
  if (boxes.length === 0) return null;
  const side = (index, choose) => choose(...boxes.map((box) => box[index]));
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

/**
 * @param {import("./types.js").UrlState} url
 * @param {import("./types.js").Bounds|null} area
 * @returns {MapView|null} null when the browser cannot draw a map
 */
function makeView(url, area) {
  try {
    return new MapView(byId("map"), { view: url.view, bounds: area ?? [73, 18, 135, 54], padding: coveredPadding() });
  } catch (error) {
    console.warn("no map:", error);
    replaceMap(t("noWebgl"));
    return null;
  }
}

/** Read the catalogue; on failure say so and offer to try again. */
async function start() {
  hideNotice();
  const body = byId("catalogue-body");
  body.setAttribute("aria-busy", "true");
  fill(body, el("p", { class: "empty" }, t("loadingLayers")));
  let answer;
  try {
    answer = await getLayers();
  } catch (error) {
    const { text, hint } = explain(error);
    body.setAttribute("aria-busy", "false");
    fill(body, el("div", { class: "failed", role: "alert" }, el("p", {}, el("strong", {}, text)), hint && el("p", {}, hint),
      takesKeys() && el("button", { type: "button", class: "button", on: { click: () => keyForm.open() } }, t("keyGive")),
      el("button", { type: "button", class: "button", on: { click: start } }, t("retry"))));
    document.body.dataset.state = "error";
    setSheet(true);
    return;
  }
  delete document.body.dataset.state;
  if (document.body.dataset.sheet === "open") setSheet(false);
  await build(answer);
}

/** @param {Awaited<ReturnType<typeof getLayers>>} answer */
async function build({ layers: metas, build: { version }, plans, terms }) {
  setTerms(terms);
  const url = parseHash(location.hash);
  const store = new LayerStore(metas, parseOpacity(location.search));
  store.apply(url.layers, url.classes);
  const area = areaOf(metas);
  const view = makeView(url, area);
  const map = view?.map ?? null;
  const panel = new Panel({ onClose: () => identify.leave() });
  const identify = new Identify(view, panel, plans ?? [], (geometry) => {
    const bounds = boundsOf(geometry);
    if (bounds) view?.reveal(bounds, coveredPadding());
  }, (cite) => reader.open(cite));
  const reader = new Reader({ plans: plans ?? [], onChange });

  const catalogue = new Catalogue(store, {
    version,
    onUnplaced: (layer) => { setSheet(false); identify.unplaced(layer.meta); },
  });
  const search = new Search({ layers: () => store.layers, onPlace: goTo, onLayer: switchOn });

  /** @param {import("./types.js").Candidate} place */
  function goTo(place) {
    if (!place.bounds) {
      search.tellNoBounds(place);
      return;
    }
    setSheet(false);
    view?.fit(place.bounds, coveredPadding());
    const name = [place.parent, place.name].filter(Boolean).join(" ");
    view?.choose(view.outlines.get(String(place.code)) ?? null);
    if (place.level !== "township") {
      announce(t("zoomedTo", { name }));
      return;
    }
    // No outline of a township is kept at hand: it is asked for, and named as what it is.
    getTownship(place.code).then((feature) => {
      if (!feature) return;
      view?.choose(feature.geometry);
      if (feature.properties.geometry_source === "schematic") search.tell(t("townshipShown", { name }));
    }).catch(() => announce(t("zoomedTo", { name })));
  }

  /** @param {LayerState} layer */
  function switchOn(layer) {
    store.set(layer.meta.id, { visible: true });
    if (isNarrow()) setSheet(true);
    catalogue.reveal(layer);
  }

  /** @param {LayerState} layer */
  async function draw(layer) {
    if (!view) return;
    try {
      await view.show(layer, store.layers.length - store.layers.indexOf(layer));
      if (layer.visible) await view.label(layer);
    } catch {
      showNotice({ text: t("layerFailed", { name: pick(layer.meta.title) }), hint: t("serviceDownHint"), onRetry: () => draw(layer) });
    }
  }

  function writeUrl() {
    const centre = map?.getCenter();
    const state = {
      view: map && centre ? { zoom: map.getZoom(), lat: centre.lat, lon: centre.lng } : url.view,
      layers: new Map(store.visible().map((layer) => [layer.meta.id, layer.opacity])),
      classes: new Map(store.layers.flatMap((layer) => {
        const choice = toChoice(layer.meta, layer.hidden);
        return choice ? [[layer.meta.id, choice]] : [];
      })),
      lang: lang() === "zh" ? null : lang(),
      cite: reader.cite,
    };
    history.replaceState(history.state, "", formatHash(state));
  }

  /** The point that the panel tells of stays in sight when the reading pane opens below it. */
  function onChange() {
    writeUrl();
    if (map && reader.cite && identify.place) keepVisible(map, map.project(identify.place), area);
  }

  let asking = false;
  /** What the open panel tells of a point changes with what is drawn there. */
  function askAgain() {
    if (asking || !map || document.body.dataset.ready !== "true") return;
    asking = true;
    map.once("idle", () => { asking = false; identify.again(); });
    map.triggerRepaint();
  }

  const tools = () => drawTools({
    onZoom: (step) => (step > 0 ? map?.zoomIn() : map?.zoomOut()),
    onHome: () => area && view?.fit(area, coveredPadding()),
    onKey: takesKeys() || getKey() !== null ? () => keyForm.open() : null,
  });
  const foot = () => drawFoot(store.visible());
  tools();
  foot();
  store.addEventListener("change", (event) => {
    const { layer, switched, filtered } = /** @type {CustomEvent} */ (event).detail;
    const drawn = draw(layer);
    if (switched) foot();
    if (switched || filtered) drawn.then(askAgain);
    writeUrl();
  });
  onLang(() => {
    catalogue.render();
    search.render();
    tools();
    foot();
    panel.redraw?.();
    reader.draw();
    map?.getCanvas().setAttribute("aria-label", t("mapLabel"));
    writeUrl();
  });
  window.addEventListener("hashchange", () => {
    const next = parseHash(location.hash);
    setLang(next.lang ?? "zh");
    store.apply(next.layers, next.classes);
    if (next.view) map?.jumpTo({ center: [next.view.lon, next.view.lat], zoom: next.view.zoom });
    if (next.cite) reader.open(next.cite);
    else reader.close();
  });
  if (url.cite) reader.open(url.cite);
  if (!view) return;
  wireMap(view, identify, area, writeUrl);
  await view.prepare();
  await Promise.all(store.visible().map(draw));
  writeUrl();
  map.once("idle", () => { document.body.dataset.ready = "true"; });
  map.triggerRepaint();
}

/**
 * @param {MapView} view
 * @param {Identify} identify
 * @param {import("./types.js").Bounds|null} area
 * @param {() => void} writeUrl
 */
function wireMap(view, identify, area, writeUrl) {
  const { map } = view;
  /** @type {any} */ (window).geoplanMap = map;
  map.getCanvas().setAttribute("aria-label", t("mapLabel"));
  wireBusy(map);
  map.on("moveend", writeUrl);
  map.on("mousemove", (event) => showPosition(event.lngLat));
  map.on("move", () => { if (isNarrow()) showPosition(map.getCenter()); });
  showPosition(map.getCenter());
  map.on("error", ({ sourceId, error }) => {
    console.warn("map:", error?.message ?? error);
    if (error?.status === 401) refused();
    else if (String(sourceId ?? "").startsWith("layer:")) showNotice({ text: t("tilesFailed"), onRetry: () => view.reload() });
  });
  const ask = async (pixel, place) => {
    setSheet(false);
    const answer = identify.at(pixel, place);
    keepVisible(map, pixel, area);
    await answer;
    keepVisible(map, map.project(place), area);
  };
  map.on("click", (event) => ask(event.point, event.lngLat));
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const centre = map.getCenter();
    ask(map.project(centre), centre);
  });
}

/**
 * Move the map if the panel now lies over the point, or over the east of the area while there is room in the west.
 *
 * @param {any} map
 * @param {{x: number, y: number}} pixel
 * @param {import("./types.js").Bounds|null} area
 */
function keepVisible(map, pixel, area) {
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const span = area && !isNarrow() ? [map.project([area[0], area[1]]).x, map.project([area[2], area[1]]).x] : null;
  const [dx, dy] = shiftFor(pixel, { width, height, padding: coveredPadding() }, span);
  if (dx || dy) map.panBy([dx, dy], { duration: prefersReducedMotion() ? 0 : 300 });
}

setLang(parseHash(location.hash).lang ?? "zh");
const keyForm = new KeyForm(() => {
  // What is on the page was made for who asked before: it is made anew.
  if (document.body.dataset.state === "error") start();
  else location.reload();
});
onRefused(() => keyForm.ask());
translatePage();
onLang(translatePage);
wireSide();
wireFoot();
byId("language").addEventListener("click", () => setLang(lang() === "zh" ? "en" : "zh"));
start();
