// @ts-check
// The heat of a file of the user's own, drawn by the browser for the view: points are counted in
// pixels, blurred, and coloured on a logarithmic scale that ends at the view's maximum.

import { maps, syncMaps } from "./map.js";
import { state } from "./state.js";
import { rampNamed } from "./style.js";

/** Screen pixels for each pixel of the picture. */
const COARSE = 2;
/** The picture is larger than the view, so that a moved map has heat at once. */
const MARGIN = 1.5;
/** A gaussian of a radius of 16 px (three standard deviations), cut at four. */
const REACH = Math.ceil((4 * 16) / 3 / COARSE);
const KERNEL = Array.from({ length: 2 * REACH + 1 }, (_, i) => Math.exp(-0.5 * (((i - REACH) * 3 * COARSE) / 16) ** 2));
const TILE = 512;

/** The points, in parts of the world from west to east and from north to south. */
let [xs, ys] = [new Float64Array(), new Float64Array()];
const canvas = document.createElement("canvas");

/** Shows points until `removePreview`. @param {[number, number][]} points */
export function showPreview(points) {
  removePreview();
  xs = Float64Array.from(points, ([lon]) => (lon + 180) / 360);
  ys = Float64Array.from(points, ([, lat]) => {
    const sine = Math.sin((lat * Math.PI) / 180);
    return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  });
  const place = paint();
  maps.main.addSource("preview", { type: "canvas", canvas, animate: false, coordinates: place });
  maps.main.addLayer({ id: "preview", type: "raster", source: "preview", paint: { "raster-fade-duration": 0 } });
  syncMaps();
  maps.main.on("moveend", refreshPreview);
}

/** Draws the preview anew, for another view or ground. */
export function refreshPreview() {
  const source = /** @type {import("maplibre-gl").CanvasSource | undefined} */ (maps.main.getSource("preview"));
  if (!source) return;
  source.setCoordinates(paint());
  // A source that plays takes the canvas anew with each frame; one is enough.
  source.play();
  maps.main.once("render", () => source.pause());
}

export function removePreview() {
  if (!maps.main.getLayer("preview")) return;
  maps.main.off("moveend", refreshPreview);
  maps.main.removeLayer("preview").removeSource("preview");
}

/** The box of the points, in degrees. @returns {[number, number, number, number]} */
export function previewBounds() {
  const range = (/** @type {Float64Array} */ all) => all.reduce(([low, high], n) => [Math.min(low, n), Math.max(high, n)], [1, 0]);
  const [[west, east], [north, south]] = [range(xs), range(ys)];
  return [west * 360 - 180, latitude(south), east * 360 - 180, latitude(north)];
}

/** @param {number} y */
const latitude = (y) => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

/** Draws the view's heat, and returns the corners of the picture in degrees.
 *  @returns {[[number, number], [number, number], [number, number], [number, number]]} */
function paint() {
  const { clientWidth, clientHeight } = maps.main.getContainer();
  const [width, height] = [clientWidth, clientHeight].map((side) => Math.ceil((side * MARGIN) / COARSE));
  const world = (TILE * 2 ** maps.main.getZoom()) / COARSE;
  const { lng, lat } = maps.main.getCenter();
  const sine = Math.sin((lat * Math.PI) / 180);
  const left = ((lng + 180) / 360) * world - width / 2;
  const top = (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * world - height / 2;
  color(blurred(counted(width, height, world, left, top), width, height), width, height);
  const lon = (/** @type {number} */ x) => ((left + x) / world) * 360 - 180;
  const [north, south] = [latitude(top / world), latitude((top + height) / world)];
  return [[lon(0), north], [lon(width), north], [lon(width), south], [lon(0), south]];
}

/** The number of points in each pixel; the world repeats from west to east.
 *  @param {number} width @param {number} height @param {number} world @param {number} left @param {number} top */
function counted(width, height, world, left, top) {
  const counts = new Float32Array(width * height);
  for (let i = 0; i < xs.length; i += 1) {
    const y = Math.floor(ys[i] * world - top);
    if (y < 0 || y >= height) continue;
    let x = (xs[i] * world - left) % world;
    if (x < 0) x += world;
    for (; x < width; x += world) counts[y * width + Math.floor(x)] += 1;
  }
  return counts;
}

/** @param {Float32Array} counts @param {number} width @param {number} height */
function blurred(counts, width, height) {
  const [across, down] = [new Float32Array(counts.length), new Float32Array(counts.length)];
  // Each pixel with points gives to its row; most have none. Then whole rows are added to rows.
  for (let at = 0; at < counts.length; at += 1) {
    if (counts[at] === 0) continue;
    const x = at % width;
    const [first, last] = [Math.max(-REACH, -x), Math.min(REACH, width - 1 - x)];
    for (let by = first; by <= last; by += 1) across[at + by] += counts[at] * KERNEL[by + REACH];
  }
  for (let y = 0; y < height; y += 1) {
    for (let by = Math.max(-REACH, -y); by <= Math.min(REACH, height - 1 - y); by += 1) {
      const [from, to, share] = [(y + by) * width, y * width, KERNEL[by + REACH]];
      for (let x = 0; x < width; x += 1) down[to + x] += across[from + x] * share;
    }
  }
  return down;
}

/** @param {Float32Array} heat @param {number} width @param {number} height */
function color(heat, width, height) {
  Object.assign(canvas, { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const most = heat.reduce((a, b) => Math.max(a, b), 0) || 1;
  const colors = (rampNamed(state.ground === "light" ? "dusk" : "inferno")?.colors ?? ["#ff000000", "#ff0000ff"])
    .map((hex) => [1, 3, 5, 7].map((at) => Number.parseInt(hex.slice(at, at + 2) || "ff", 16)));
  for (let i = 0; i < heat.length; i += 1) {
    if (heat[i] < 1e-3) continue;
    const place = (Math.log1p((1000 * heat[i]) / most) / Math.log(1001)) * (colors.length - 1);
    const low = Math.min(colors.length - 2, Math.floor(place));
    for (let part = 0; part < 4; part += 1) {
      image.data[4 * i + part] = colors[low][part] + (colors[low + 1][part] - colors[low][part]) * (place - low);
    }
  }
  context.putImageData(image, 0, 0);
}
