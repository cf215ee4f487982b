/** Building elements. Text always goes in as text: nothing here parses HTML. */

/**
 * Create an element.
 *
 * @param {string} tag
 * @param {Object<string, any>} [props] `class`, `on: {event: handler}`, `style: {name: value}`, anything else an attribute;
 *   `false`, `null` and `undefined` leave the attribute out
 * @param {...(Node|string|number|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    } else if (name === "style") {
      for (const [key, entry] of Object.entries(value)) node.style.setProperty(key, entry);
    } else {
      node.setAttribute(name === "class" ? "class" : name, value === true ? "" : String(value));
    }
  }
  append(node, children);
  return node;
}

/**
 * @param {Node} node
 * @param {Array<Node|string|number|null|undefined|false>} children
 */
export function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Replace all children of a node.
 *
 * @param {Node} node
 * @param {...(Node|string|null|undefined|false)} children
 */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`index.html has no element with id "${id}"`);
  return node;
}

/**
 * Say something to screen readers without moving the focus.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** @returns {boolean} */
export function prefersReducedMotion() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @returns {boolean} true when the page is laid out for a narrow screen (same width as in style.css) */
export function isNarrow() {
  return window.matchMedia("(max-width: 760px)").matches;
}
