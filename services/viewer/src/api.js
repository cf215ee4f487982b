/** The service, as functions. Every request goes to the origin that served the page. */

import { keyHeaders, refused } from "./key.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").Feature} Feature */

const TIMEOUT_MS = 20000;
const PAGE_SIZE = 200;
const UNAUTHORIZED = 401;
let knowsKeys = false;

/** @returns {boolean} whether the service answers by who asks, so that a key is of use */
export function takesKeys() {
  return knowsKeys;
}

/** A request that gave no usable answer. */
export class ApiError extends Error {
  /**
   * @param {"network"|"timeout"|"http"|"format"} kind
   * @param {number} status HTTP status, 0 when there was no answer
   * @param {string} detail what the service said, may be empty
   */
  constructor(kind, status, detail) {
    super(detail || kind);
    this.name = "ApiError";
    this.kind = kind;
    this.status = status;
    this.detail = detail;
  }
}

/**
 * @param {string} path relative to the page, so the page also works behind a path prefix
 * @returns {string}
 */
export function address(path) {
  return new URL(path, document.baseURI).href;
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function getJson(path, signal) {
  const timer = new AbortController();
  const stop = () => timer.abort();
  const clock = setTimeout(stop, TIMEOUT_MS);
  signal?.addEventListener("abort", stop);
  let response;
  try {
    const url = address(path);
    response = await fetch(url, { signal: timer.signal, headers: { Accept: "application/json, application/geo+json", ...keyHeaders(url) } });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(timer.signal.aborted ? "timeout" : "network", 0, "");
  } finally {
    clearTimeout(clock);
    signal?.removeEventListener("abort", stop);
  }
  knowsKeys ||= response.status === UNAUTHORIZED || /x-api-key/i.test(response.headers.get("Vary") ?? "");
  let body = null;
  try {
    body = await response.json();
  } catch {
    if (response.ok) throw new ApiError("format", response.status, "");
  }
  if (response.status === UNAUTHORIZED) refused();
  if (!response.ok) throw new ApiError("http", response.status, String(body?.detail || body?.title || ""));
  return body;
}

/**
 * @returns {Promise<{layers: LayerMeta[], build: {version: string}, plans: {id: string, title: string}[],
 *   terms?: Object<string, Object<string, import("./types.js").Bilingual>>}>}
 */
export async function getLayers() {
  const body = await getJson("layers");
  if (!Array.isArray(body?.layers)) throw new ApiError("format", 200, "");
  return body;
}

/**
 * Zoom range and bounds of a layer's tiles. The tile address is always made here, for the own origin,
 * whatever host name the document was written for; only its query (the build version) is kept.
 *
 * @param {string} id
 * @returns {Promise<{tiles: string[], minzoom: number, maxzoom: number, bounds?: number[]}>}
 */
export async function getTileSource(id) {
  const document_ = await getJson(`tiles/${encodeURIComponent(id)}.json`);
  const stated = String(document_?.tiles?.[0] ?? "");
  const query = stated.includes("?") ? stated.slice(stated.indexOf("?")) : "";
  const source = {
    tiles: [`${address(`tiles/${encodeURIComponent(id)}/`)}{z}/{x}/{y}.mvt${query}`],
    minzoom: Number(document_?.minzoom ?? 0),
    maxzoom: Number(document_?.maxzoom ?? 14),
  };
  return Array.isArray(document_?.bounds) ? { ...source, bounds: document_.bounds } : source;
}

/**
 * @param {string} id layer
 * @param {string} fid feature
 * @param {AbortSignal} [signal]
 * @returns {Promise<Feature>}
 */
export function getItem(id, fid, signal) {
  return getJson(`layers/${encodeURIComponent(id)}/items/${encodeURIComponent(fid)}`, signal);
}

/**
 * All features of a layer, page after page.
 *
 * @param {string} id
 * @returns {Promise<Feature[]>}
 */
export async function getAllItems(id) {
  /** @type {Feature[]} */
  const features = [];
  for (;;) {
    const page = await getJson(`layers/${encodeURIComponent(id)}/items?limit=${PAGE_SIZE}&offset=${features.length}`);
    if (!Array.isArray(page?.features)) throw new ApiError("format", 200, "");
    features.push(...page.features);
    if (page.features.length === 0 || features.length >= Number(page.numberMatched ?? 0)) return features;
  }
}

/**
 * @param {string} id plan
 * @returns {Promise<import("./types.js").Plan>}
 */
export function getPlan(id) {
  return getJson(`plans/${encodeURIComponent(id)}`);
}

/**
 * The cited line with what stands around it; only where the service has a copy of the plan.
 *
 * @param {import("./types.js").Cite} cite
 * @returns {Promise<import("./types.js").CitedText>}
 */
export function getCited({ plan, line, start, end }) {
  const span = end > start ? `?start=${start}&end=${end}` : "";
  return getJson(`plans/${encodeURIComponent(plan)}/lines/${line}${span}`);
}

/**
 * @param {string} text
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").PlaceAnswer>}
 */
export function findPlaces(text, signal) {
  return getJson(`places?q=${encodeURIComponent(text)}&limit=8`, signal);
}

/**
 * @param {string} code
 * @returns {Promise<any>} the drawn township, or undefined
 */
export async function getTownship(code) {
  const page = await getJson(`layers/townships/items?within=${encodeURIComponent(code)}&limit=1`);
  return page.features?.[0];
}
