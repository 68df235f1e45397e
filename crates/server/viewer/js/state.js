// @ts-check
// The state of the page: the entries of the layer list, and what the map lies on. Modules change it
// and announce the change; those that show it listen.

/**
 * A layer in the list. Keys of `style` are the parameters that differ from the layer's own style.
 * @typedef {{ key: number, layer: import("./server.js").Layer, about: import("./server.js").TileJson,
 *             style: Record<string, string>, filter: string, time: string, visible: boolean }} Entry
 * @typedef {"style" | "entries" | "ground" | "compare" | "moved"} Change
 */

export const state = {
  catalog: /** @type {import("./server.js").Catalog} */ (/** @type {unknown} */ (undefined)),
  /** From the lowest layer of the map to the topmost. */
  entries: /** @type {Entry[]} */ ([]),
  /** The entry whose style the panel shows. */
  active: /** @type {Entry} */ (/** @type {unknown} */ (undefined)),
  ground: /** @type {"dark" | "light"} */ ("dark"),
  /** True once the ground was chosen by hand or by a link; before, it follows the system. */
  groundChosen: false,
  basemap: true,
  /** True if the map has names of places. */
  labels: true,
  /** The two entries that are compared, and the place of the divider, 0 to 1. */
  compare: /** @type {{ left: Entry, right: Entry, at: number } | undefined} */ (undefined),
};

/** @type {Map<Change, ((entry?: Entry) => void)[]>} */
const listeners = new Map();

/** @param {Change[]} changes @param {(entry?: Entry) => void} action */
export function on(changes, action) {
  for (const change of changes) listeners.set(change, [...(listeners.get(change) ?? []), action]);
}

/** @param {Change} change @param {Entry} [entry] the one that has changed; all if left out */
export function announce(change, entry) {
  for (const action of listeners.get(change) ?? []) action(entry);
}

let lastKey = 0;

/** Makes an entry, without putting it in the list. @param {import("./server.js").Layer} layer
 *  @param {import("./server.js").TileJson} about @param {Partial<Entry>} [more] @returns {Entry} */
export function newEntry(layer, about, more = {}) {
  lastKey += 1;
  return { key: lastKey, layer, about, style: {}, filter: "", time: "", visible: true, ...more };
}

/** The entries on the map, from the lowest to the topmost. */
export function shown() {
  if (state.compare) return [state.compare.left, state.compare.right];
  return state.entries.filter((entry) => entry.visible);
}

/** Changes parameters of the active entry's style; `undefined` gives the layer's own back.
 *  @param {Record<string, string | undefined>} wish */
export function restyle(wish) {
  const { active } = state;
  for (const [name, value] of Object.entries(wish)) {
    if (value === undefined || value === "") delete active.style[name];
    else active.style[name] = value;
  }
  announce("style", active);
}

/** The name of an entry; several entries of one layer are numbered. @param {Entry} entry */
export function entryName(entry) {
  const name = entry.layer.name ?? entry.layer.id;
  const alike = state.entries.filter((other) => other.layer.id === entry.layer.id);
  return alike.length > 1 ? `${name} (${alike.indexOf(entry) + 1})` : name;
}
