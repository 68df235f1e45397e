// @ts-check
// The part of the world in sight: all data, or a place.

import { maps } from "./map.js";
import { state } from "./state.js";

const NARROW = matchMedia("(max-width: 640px)");
const SMALL = matchMedia("(max-width: 640px), (max-height: 480px)");
/** True on phones, whichever way they are held. */
export const isSmall = () => SMALL.matches;

/** Room that the cards leave free. */
export function padding() {
  const size = (/** @type {string} */ id) => document.getElementById(id)?.getBoundingClientRect();
  const [panel, legend] = [size("panel"), size("legend")];
  if (!NARROW.matches) return { top: 28, right: 64, bottom: 48, left: (panel?.width ?? 0) + 40 };
  return { top: 76, right: 20, bottom: (legend?.height ?? 0) + 56, left: 20 };
}

/** A box of degrees that is fit for a map. @param {number[] | undefined} bounds
 *  @returns {[number, number, number, number]} */
function box(bounds) {
  if (bounds?.length !== 4 || !bounds.every(Number.isFinite)) return [-180, -60, 180, 75];
  const [west, south, east, north] = bounds;
  // A box with its east beyond 180 lies across ±180°.
  return [west, Math.max(south, -85), east < west ? east + 360 : east, Math.min(north, 85)];
}

/** The smallest box of several, each turned around the world as is best.
 *  @param {[number, number, number, number][]} boxes @returns {[number, number, number, number]} */
export function union(boxes) {
  return boxes.reduce((all, [w, s, e, n]) => {
    const turned = [-360, 0, 360].map((by) => [Math.min(all[0], w + by), Math.max(all[2], e + by)]);
    const [west, east] = turned.reduce((a, b) => (b[1] - b[0] < a[1] - a[0] ? b : a));
    return [west, Math.min(all[1], s), east, Math.max(all[3], n)];
  });
}

/** The box of layers. @param {import("./state.js").Entry[]} entries @param {"view" | "bounds"} which of each */
function boundsOf(entries, which) {
  const boxes = entries.map(({ layer }) => box(layer[which] ?? layer.bounds));
  return boxes.length > 0 ? union(boxes) : box(undefined);
}

/** The view in which a map begins: nearly all heat, without what lies far away.
 *  @param {import("./state.js").Entry[]} entries */
export const firstView = (entries) => ({
  bounds: boundsOf(entries, "view"), fitBoundsOptions: { padding: padding(), maxZoom: 12 },
});

/** Moves the map to the data of the entries that are shown. */
export function fitData() {
  const visible = state.entries.filter((entry) => entry.visible);
  maps.main.fitBounds(boundsOf(visible.length > 0 ? visible : state.entries, "bounds"), { padding: padding(), maxZoom: 12 });
}
