/** The reader's key for a service that asks for one: kept for this tab only, and sent to the origin of the page only. */

const STORED = "geoplan-key";
/** @type {string|null} the key where the browser keeps nothing for the page */
let unkept = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** @returns {string|null} */
export function getKey() {
  try {
    return sessionStorage.getItem(STORED) ?? unkept;
  } catch {
    return unkept;
  }
}

/** @param {string} key */
export function keepKey(key) {
  try {
    sessionStorage.setItem(STORED, key);
    unkept = null;
  } catch {
    unkept = key;
  }
}

export function forgetKey() {
  unkept = null;
  try {
    sessionStorage.removeItem(STORED);
  } catch {
    // Nothing was kept.
  }
}

/**
 * @param {string} text as it was typed or pasted
 * @returns {string|null} the key in it; null when it cannot be one
 */
export function keyIn(text) {
  const key = text.trim();
  return /^[\x21-\x7e]{1,4096}$/.test(key) ? key : null;
}

/**
 * @param {string} url
 * @param {string} [page] address of the page
 * @returns {Object<string, string>} headers that a request carries the key in; none for another origin
 */
export function keyHeaders(url, page = document.baseURI) {
  const key = getKey();
  if (key === null) return {};
  const { origin } = new URL(page);
  return new URL(url, page).origin === origin ? { "X-API-Key": key } : {};
}

/** Tell the page that the service wants a key, or another one. */
export function refused() {
  for (const listener of listeners) listener();
}

/** @param {() => void} listener called when the service answered that it wants a key */
export function onRefused(listener) {
  listeners.add(listener);
}
