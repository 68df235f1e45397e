// @ts-check
// The first picture: the view in which the map begins, drawn on a canvas from the same tiles and
// the same coastline. It covers the map until the map has drawn them itself. Starting the map
// library takes seconds on slow machines.

import { el } from "./dom.js";
import { BORDER, COLORS, preferredGround } from "./ground.js";
import { address, ask, openingCatalog } from "./server.js";
import { state } from "./state.js";
import { fade, mapTiles } from "./style.js";
import { boundsOf, fit, WORLD, worldX, worldY } from "./view.js";

/** @typedef {{ zoom: number, center: [number, number] }} View */

/** The longest time that the rest of the page waits for the picture, in ms. A choice. */
const PATIENCE = 1500;

/** The view of the picture, and the element that shows it; both `undefined` if none was drawn. */
export const firstPicture = {
  view: /** @type {View | undefined} */ (undefined),
  element: /** @type {HTMLCanvasElement | undefined} */ (undefined),
};

/** Draws the first picture, if the page begins with the first layer on the coastline. A failure is left to the map,
 *  which asks for the same things again and complains. */
export async function drawFirstPicture() {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), PATIENCE);
  const late = new Promise((done) => giveUp.signal.addEventListener("abort", done));
  try {
    // The catalog is asked for without a limit, since the map waits for it too.
    await Promise.race([draw(giveUp.signal), late]);
  } catch {
    removeFirstPicture();
  } finally {
    clearTimeout(timer);
  }
}

/** Removes the picture from the page. */
export function removeFirstPicture() {
  firstPicture.element?.remove();
  firstPicture.element = undefined;
}

/** @param {AbortSignal} signal */
async function draw(signal) {
  const land = askLand(signal);
  // An answer that isn't needed may fail unseen.
  land.catch(() => {});
  const { layers: [layer], basemap } = await openingCatalog();
  if (!layer || basemap || location.hash.length > 1) return;
  state.ground = preferredGround();
  document.documentElement.dataset.map = state.ground;
  const about = await ask(encodeURIComponent(layer.id), signal);
  const entry = { key: 0, layer, about, style: {}, filter: "", time: "", visible: true };
  const size = { width: innerWidth, height: innerHeight };
  const view = fit(boundsOf([layer], "view"), size);
  const tiles = tilesInSight(view, size, about);
  const pictures = tiles.map(({ z, x, y }) => askTile(mapTiles(entry), z, x, y, signal));
  const canvas = el("canvas", { id: "first-picture", width: size.width * devicePixelRatio, height: size.height * devicePixelRatio });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  drawLand(context, await land, view, size);
  const toScreen = screenOf(view, size);
  context.globalAlpha = fade(entry);
  for (const [i, picture] of (await Promise.all(pictures)).entries()) {
    const { left, top, side } = tiles[i];
    // Whole pixels: tiles that meet within a pixel would show a seam.
    const [x, y] = toScreen(left, top).map(Math.round);
    const [right, bottom] = toScreen(left + side, top + side).map(Math.round);
    if (picture) context.drawImage(picture, x, y, right - x, bottom - y);
  }
  if (signal.aborted) return;
  Object.assign(firstPicture, { view, element: canvas });
  document.getElementById("stage")?.append(canvas);
  await new Promise((done) => requestAnimationFrame(done));
}

/** The coastline. @param {AbortSignal} signal @returns {Promise<any>} */
const askLand = async (signal) => (await fetch(address(document.body.dataset.land ?? ""), { signal })).json();

/** The picture of a tile; `undefined` if nothing is on it. @param {string} tiles @param {number} z @param {number} x
 *  @param {number} y @param {AbortSignal} signal */
async function askTile(tiles, z, x, y, signal) {
  const url = tiles.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
  const response = await fetch(url, { signal });
  if (response.status === 204 || response.status === 404) return undefined;
  if (!response.ok) throw new Error(`status ${response.status}`);
  return createImageBitmap(await response.blob());
}

/** The tiles that the map will show: their numbers, and place and side on the map of the world, which is 1 wide.
 *  @param {View} view @param {{ width: number, height: number }} size @param {import("./server.js").TileJson} about */
function tilesInSight({ zoom, center }, size, { tileSize = 256, minzoom = 0, maxzoom = 24 }) {
  const z = Math.max(minzoom, Math.min(maxzoom, Math.round(zoom + Math.log2(WORLD / tileSize))));
  const count = 2 ** z;
  const world = WORLD * 2 ** zoom;
  const [x, y] = [worldX(center[0]), worldY(center[1])];
  const range = (/** @type {number} */ middle, /** @type {number} */ length) =>
    [middle - length / 2 / world, middle + length / 2 / world].map((edge) => Math.floor(edge * count));
  const [[west, east], [north, south]] = [range(x, size.width), range(y, size.height)];
  const tiles = [];
  for (let row = Math.max(0, north); row <= Math.min(count - 1, south); row += 1) {
    for (let column = west; column <= east; column += 1) {
      tiles.push({ z, x: ((column % count) + count) % count, y: row, left: column / count, top: row / count, side: 1 / count });
    }
  }
  return tiles;
}

/** Returns what turns a place on the map of the world into a pixel of the canvas.
 *  @param {View} view @param {{ width: number, height: number }} size */
function screenOf({ zoom, center }, { width, height }) {
  const world = WORLD * 2 ** zoom;
  const [middleX, middleY] = [worldX(center[0]), worldY(center[1])];
  return (/** @type {number} */ x, /** @type {number} */ y) =>
    [((x - middleX) * world + width / 2) * devicePixelRatio, ((y - middleY) * world + height / 2) * devicePixelRatio];
}

/** Draws sea, land and borders, in all copies of the world in sight, as `groundStyle` has them.
 *  @param {CanvasRenderingContext2D} context @param {any} land @param {View} view
 *  @param {{ width: number, height: number }} size */
function drawLand(context, land, view, size) {
  const colors = COLORS[state.ground];
  context.fillStyle = colors.sea;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  context.fillStyle = colors.land;
  context.strokeStyle = colors.border;
  const near = Math.min(1, Math.max(0, view.zoom / 6));
  context.lineWidth = (BORDER.far + near * (BORDER.near - BORDER.far)) * devicePixelRatio;
  const reach = size.width / 2 / (WORLD * 2 ** view.zoom);
  const middle = worldX(view.center[0]);
  const toScreen = screenOf(view, size);
  for (let copy = Math.floor(middle - reach); copy <= Math.floor(middle + reach); copy += 1) {
    const place = (/** @type {number[]} */ [lon, lat]) => toScreen(worldX(lon) + copy, worldY(Math.max(-85.06, Math.min(85.06, lat))));
    for (const { properties, geometry } of land.features) {
      const isLand = properties.kind === "land";
      context.beginPath();
      for (const line of isLand ? geometry.coordinates.flat() : geometry.coordinates) trace(context, line, place);
      if (isLand) context.fill("evenodd");
      else context.stroke();
    }
  }
}

/** Adds a line of positions to the canvas' path. @param {CanvasRenderingContext2D} context @param {number[][]} line
 *  @param {(position: number[]) => number[]} place */
function trace(context, line, place) {
  for (const [i, position] of line.entries()) {
    const [x, y] = place(position);
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
}
