// @ts-check
// The values under the cursor, one of each layer that is shown.

import { debounce } from "./dom.js";
import { maps, tileZoom } from "./map.js";
import { complain, mended } from "./notices.js";
import { ask, latest } from "./server.js";
import { on, shown, state } from "./state.js";
import { layerPath, parameters } from "./style.js";

/**
 * @typedef {import("./state.js").Entry} Entry
 * @typedef {{ value: number | null, count: number, mean?: number | null, percentile?: number | null,
 *             unit?: string }} Reading
 */

/** The newest reading of each entry. @type {Map<Entry, Reading>} */
export const readings = new Map();
/** @type {{ lng: number, lat: number } | undefined} */
let pointer;
const newest = latest();
/** @type {() => void} */
let drawReadings = () => {};

/** The place that is read. */
export const pointed = () => pointer;

/** @param {{ lng: number, lat: number } | undefined} place */
export function point(place) {
  pointer = place;
  if (place) return read();
  newest();
  readings.clear();
  drawReadings();
}

const read = debounce(async () => {
  const signal = newest();
  if (!pointer || maps.main.isMoving()) return;
  // Other copies of the world show the same places.
  const lon = (((((pointer.lng + 180) % 360) + 360) % 360) - 180).toFixed(6);
  const lat = pointer.lat.toFixed(6);
  await Promise.all(readable().map(async (entry) => {
    const query = parameters(entry);
    query.delete("opacity");
    for (const [name, value] of Object.entries({ lon, lat, z: String(tileZoom()) })) query.set(name, value);
    try {
      const reading = await ask(layerPath(entry, `value?${query}`), signal);
      readings.set(entry, reading);
      mended("value");
    } catch (problem) {
      complain("value", problem);
    }
  }));
  if (!signal.aborted) drawReadings();
}, 60);

/** The entries with values at the pointer: in a comparison, those of its side. */
function readable() {
  const { compare } = state;
  const entries = shown().filter((entry) => !entry.layer.stored);
  if (!compare || !pointer) return entries;
  const right = maps.main.project([pointer.lng, pointer.lat]).x > compare.at * maps.main.getContainer().clientWidth;
  return entries.filter((entry) => entry === (right ? compare.right : compare.left));
}

/** @param {() => void} draw */
export function listenToReadings(draw) {
  drawReadings = draw;
  on(["style", "entries", "compare", "moved"], () => {
    for (const entry of [...readings.keys()]) if (!shown().includes(entry)) readings.delete(entry);
    if (pointer) read();
  });
}
