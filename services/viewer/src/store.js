/** Which layers are on, how opaque they are, which of their classes are hidden. The one place that knows; everything else listens. */

import { fromChoice } from "./filter.js";

/** @typedef {import("./types.js").LayerMeta} LayerMeta */
/** @typedef {import("./types.js").LayerState} LayerState */

/** Order of the catalogue, which is also the drawing order: what stands higher lies on top. */
export const GROUPS = ["farmland", "production", "tourism", "projects", "boundaries"];

/** Fills of facts let the county names and lines beneath show through; boundaries are solid. */
const DEFAULT_OPACITY = { boundaries: 1, other: 0.85 };

export class LayerStore extends EventTarget {
  /**
   * @param {LayerMeta[]} metas
   * @param {number|null} opacity start opacity for all layers, from `?opacity=`
   */
  constructor(metas, opacity = null) {
    super();
    const place = (meta) => (GROUPS.indexOf(meta.group) + GROUPS.length + 1) % (GROUPS.length + 1);
    /** @type {LayerState[]} top of the catalogue first */
    this.layers = metas
      .map((meta, index) => ({ meta, index }))
      .sort((a, b) => place(a.meta) - place(b.meta) || a.index - b.index)
      .map(({ meta }) => ({
        meta,
        visible: Boolean(meta.visible),
        opacity: opacity ?? DEFAULT_OPACITY[meta.group] ?? DEFAULT_OPACITY.other,
        hidden: new Set(),
      }));
  }

  /**
   * @param {string} id
   * @returns {LayerState|undefined}
   */
  get(id) {
    return this.layers.find((layer) => layer.meta.id === id);
  }

  /** @returns {LayerState[]} */
  visible() {
    return this.layers.filter((layer) => layer.visible);
  }

  /**
   * @param {string} id
   * @param {{visible?: boolean, opacity?: number, hidden?: ReadonlySet<string>}} change
   */
  set(id, change) {
    const layer = this.get(id);
    if (!layer) return;
    const visible = change.visible ?? layer.visible;
    const opacity = Math.min(1, Math.max(0, change.opacity ?? layer.opacity));
    const hidden = change.hidden ?? layer.hidden;
    const switched = visible !== layer.visible;
    const filtered = hidden.size !== layer.hidden.size || [...hidden].some((key) => !layer.hidden.has(key));
    if (!switched && !filtered && opacity === layer.opacity) return;
    Object.assign(layer, { visible, opacity, hidden });
    this.dispatchEvent(new CustomEvent("change", { detail: { layer, switched, filtered } }));
  }

  /**
   * Take over the layers of a URL. Unknown names are passed over: the build may have changed since.
   *
   * @param {Map<string, number>|null} wanted null leaves the layers as they are
   * @param {Map<string, import("./types.js").ClassChoice>} [classes]
   */
  apply(wanted, classes = new Map()) {
    for (const { meta } of this.layers) {
      const opacity = wanted?.get(meta.id);
      const hidden = fromChoice(meta, classes.get(meta.id));
      if (!wanted) this.set(meta.id, { hidden });
      else this.set(meta.id, opacity === undefined ? { visible: false, hidden } : { visible: true, opacity, hidden });
    }
  }
}
