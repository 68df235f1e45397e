// @ts-check
// The part of the world that the page shows first, and the room for it.

const NARROW = matchMedia("(max-width: 640px)");
const SMALL = matchMedia("(max-width: 640px), (max-height: 480px)");
/** True on phones, whichever way they are held. */
export const isSmall = () => SMALL.matches;

/** The room that the cards take at the edges, in px; before they are there, what they will take. */
export function padding() {
  const size = (/** @type {string} */ id) => document.getElementById(id)?.getBoundingClientRect();
  const [panel, legend] = [size("panel"), size("legend")];
  if (!NARROW.matches) return { top: 28, right: 64, bottom: 48, left: (panel?.width ?? 300) + 40 };
  return { top: 76, right: 20, bottom: (legend?.height ?? 60) + 56, left: 20 };
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

/** The box of layers. @param {import("./server.js").Layer[]} layers @param {"view" | "bounds"} which of each */
export function boundsOf(layers, which) {
  const boxes = layers.map((layer) => box(layer[which] ?? layer.bounds));
  return boxes.length > 0 ? union(boxes) : box(undefined);
}

/** The greatest zoom at which a map shows a whole box, and the place in the map's middle then. The room at the map's
 *  edges stays free. Zooms are those of MapLibre, whose world is 512 px wide at zoom 0.
 *  @param {[number, number, number, number]} bounds @param {{ width: number, height: number }} size of the map in px
 *  @returns {{ zoom: number, center: [number, number] }} */
export function fit([west, south, east, north], size, { top, right, bottom, left } = padding()) {
  const [x, width] = [worldX(west), worldX(east) - worldX(west)];
  const [y, height] = [worldY(north), worldY(south) - worldY(north)];
  const room = [size.width - left - right, size.height - top - bottom].map((px) => Math.max(1, px));
  // The world is never lower than the map.
  const least = Math.log2(size.height / WORLD);
  const fitting = Math.log2(Math.min(room[0] / (width * WORLD), room[1] / (height * WORLD)));
  const zoom = Math.max(least, Math.min(fitting, 12));
  const world = WORLD * 2 ** zoom;
  const half = size.height / 2 / world;
  const middle = y + height / 2 + (bottom - top) / 2 / world;
  return {
    zoom, center: [longitude(x + width / 2 + (right - left) / 2 / world), latitude(Math.max(half, Math.min(middle, 1 - half)))],
  };
}

/** The width of the world at zoom 0, in px. */
export const WORLD = 512;
/** The place of a longitude on the map of the world, which is 1 wide. @param {number} degrees */
export const worldX = (degrees) => degrees / 360 + 0.5;
/** The place of a latitude on the map of the world: 0 at the top, 1 at the bottom. @param {number} degrees */
export const worldY = (degrees) => 0.5 - Math.asinh(Math.tan((degrees * Math.PI) / 180)) / (2 * Math.PI);
/** @param {number} x */
const longitude = (x) => (x - 0.5) * 360;
/** @param {number} y */
const latitude = (y) => (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
