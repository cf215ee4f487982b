/**
 * View, visible layers, drawn classes, language and the open citation in the URL hash, so that opening the URL gives
 * the same picture: `#view=8.200/37.50000/112.30000&on=bases:85,counties:100&only=bases:herbs~maize&lang=en`;
 * `#plan=xinzhou&line=377&span=0-2` alone leads to a sentence of a plan.
 */

/** @typedef {import("./types.js").UrlState} UrlState */

/**
 * @param {string} hash with or without `#`
 * @returns {UrlState}
 */
export function parseHash(hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const lang = params.get("lang");
  return {
    view: parseView(params.get("view")),
    layers: params.has("on") ? parseLayers(params.get("on") ?? "") : null,
    classes: parseClasses(hash),
    lang: lang === "en" || lang === "zh" ? lang : null,
    cite: parseCite(params.get("plan"), params.get("line"), params.get("span")),
  };
}

/**
 * @param {string|null} text `zoom/lat/lon`
 * @returns {import("./types.js").View|null}
 */
function parseView(text) {
  const parts = (text ?? "").split("/");
  const [zoom, lat, lon] = parts.map(Number);
  if (parts.length !== 3 || parts.some((part) => part.trim() === "") || ![zoom, lat, lon].every(Number.isFinite)) return null;
  if (zoom < 0 || zoom > 24 || Math.abs(lat) > 85 || Math.abs(lon) > 180) return null;
  return { zoom, lat, lon };
}

/**
 * @param {string|null|undefined} plan
 * @param {string|number|null|undefined} line counted from 1
 * @param {string|null|undefined} span `start-end`; left out or broken, the line as a whole is meant
 * @returns {import("./types.js").Cite|null}
 */
export function parseCite(plan, line, span) {
  if (!plan || plan.length > 100 || !/^[1-9]\d{0,6}$/.test(String(line ?? ""))) return null;
  const [, start, end] = (/^(\d{1,7})-(\d{1,7})$/.exec(span ?? "") ?? ["", "0", "0"]).map(Number);
  return { plan, line: Number(line), ...(start < end ? { start, end } : { start: 0, end: 0 }) };
}

/**
 * @param {import("./types.js").Cite} cite
 * @returns {string} `plan=xinzhou&line=377&span=0-2`
 */
export function formatCite({ plan, line, start, end }) {
  return `plan=${encodeURIComponent(plan)}&line=${line}${end > start ? `&span=${start}-${end}` : ""}`;
}

/**
 * @param {string} text `id:percent,id:percent`
 * @returns {Map<string, number>}
 */
function parseLayers(text) {
  const layers = new Map();
  for (const part of text.split(",").filter(Boolean)) {
    const [id, percent] = part.split(":");
    const value = percent === undefined || percent === "" ? 100 : Number(percent);
    layers.set(id, Number.isFinite(value) ? Math.min(100, Math.max(0, value)) / 100 : 1);
  }
  return layers;
}

/**
 * `only=id:key~key,id:key` and `hide=…`. Keys may hold any character, so they are split before they are decoded.
 *
 * @param {string} hash
 * @returns {Map<string, import("./types.js").ClassChoice>}
 */
function parseClasses(hash) {
  const classes = new Map();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const match = /^(only|hide)=(.*)$/.exec(part);
    if (!match) continue;
    for (const layer of match[2].split(",").filter(Boolean)) {
      const [id, keys = ""] = layer.split(":");
      classes.set(decode(id), { mode: match[1], keys: keys.split("~").filter(Boolean).map(decode) });
    }
  }
  return classes;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} text */
function encode(text) {
  return encodeURIComponent(text).replaceAll("~", "%7E");
}

/**
 * @param {Map<string, import("./types.js").ClassChoice>} classes
 * @param {"only"|"hide"} mode
 * @returns {string[]}
 */
function formatClasses(classes, mode) {
  const layers = [...classes].filter(([, choice]) => choice.mode === mode).map(([id, { keys }]) => `${encode(id)}:${keys.map(encode).join("~")}`);
  return layers.length ? [`${mode}=${layers.join(",")}`] : [];
}

/**
 * @param {UrlState} state
 * @returns {string} with `#`
 */
export function formatHash(state) {
  const parts = [];
  if (state.view) {
    const { zoom, lat, lon } = state.view;
    parts.push(`view=${zoom.toFixed(3)}/${lat.toFixed(5)}/${lon.toFixed(5)}`);
  }
  if (state.layers) {
    const layers = [...state.layers].map(([id, opacity]) => `${encodeURIComponent(id)}:${Math.round(opacity * 100)}`);
    parts.push(`on=${layers.join(",")}`);
  }
  parts.push(...formatClasses(state.classes, "only"), ...formatClasses(state.classes, "hide"));
  if (state.lang) parts.push(`lang=${state.lang}`);
  if (state.cite) parts.push(formatCite(state.cite));
  return `#${parts.join("&")}`;
}

/**
 * `?opacity=1` starts all layers at that opacity.
 *
 * @param {string} search query of the page
 * @returns {number|null}
 */
export function parseOpacity(search) {
  const text = new URLSearchParams(search).get("opacity");
  const value = Number(text);
  return text === null || text === "" || !Number.isFinite(value) ? null : Math.min(1, Math.max(0, value));
}
