/** The review service. The token comes with the address (after `#`, so that it is sent to no one) and goes with every request. */

import { address, ApiError } from "../api.js";

const TOKEN_KEY = "geoplan-review-token";

/** @returns {string} the token of this page's address, kept for a reload of the tab */
function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) sessionStorage.setItem(TOKEN_KEY, given);
  return given ?? sessionStorage.getItem(TOKEN_KEY) ?? "";
}

/** A decision that the service did not take; `errors` are the wrong fields. */
export class Refused extends ApiError {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {{field: string, figure: number|null, message: string}[]} errors
   */
  constructor(status, detail, errors) {
    super("http", status, detail);
    this.errors = errors;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
async function ask(path, options = {}) {
  const headers = { Accept: "application/json", "X-Geoplan-Token": token(), ...options.headers };
  let response;
  try {
    response = await fetch(address(path), { ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("network", 0, "");
  }
  let body = null;
  try {
    body = await response.json();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    if (response.ok) throw new ApiError("format", response.status, "");
  }
  if (!response.ok) throw new Refused(response.status, String(body?.detail ?? ""), Array.isArray(body?.errors) ? body.errors : []);
  return body;
}

/** @returns {Promise<any>} what is reviewed and how far it is */
export function getSession() {
  return ask("review/session");
}

/**
 * @param {{state: string, kind: string, q: string, order: string}} filter
 * @param {number} offset
 * @param {number} limit
 * @returns {Promise<{matched: number, offset: number, items: import("./types.js").Item[], counts: Object<string, number>}>}
 */
export function listDrafts(filter, offset, limit) {
  const query = new URLSearchParams({ ...filter, offset: String(offset), limit: String(limit) });
  return ask(`review/drafts?${query}`);
}

/**
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Detail>}
 */
export function getDraft(id, signal) {
  return ask(`review/drafts/${encodeURIComponent(id)}`, { signal });
}

/**
 * @param {string} places a cell as in a record file
 * @param {AbortSignal} [signal]
 * @returns {Promise<{features: import("../types.js").Feature[]}>}
 */
export function getPlaces(places, signal) {
  return ask(`review/places?${new URLSearchParams({ places })}`, { signal });
}

/**
 * @param {{action: string, draft: string, version: string, set?: Object<string, any>}} decision
 * @returns {Promise<{counts: Object<string, number>, item: import("./types.js").Item, draft: import("./types.js").Detail}>}
 */
export function postDecision(decision) {
  return ask("review/decisions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(decision) });
}
