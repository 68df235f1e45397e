// @ts-check
// Styles of entries, and the addresses that carry them.

import { address } from "./server.js";
import { state } from "./state.js";

/** @typedef {import("./state.js").Entry} Entry */

/** The values of parameters that a layer's own style doesn't list. @type {Record<string, string>} */
const DEFAULTS = {
  measure: "sum", kernel: "gaussian", radius: "16px", normalize: "peak", overlap: "add", scale: "log",
  domain: "auto", ramp: "inferno", reverse: "false", opacity: "1", steps: "none", isolines: "none",
};
export const PARAMETERS = Object.keys(DEFAULTS);

/** Screens with finer pixels get tiles with as many. */
export const DENSITY = devicePixelRatio >= 1.5 ? "@2x" : "";

/** The style that the layer has of itself. @param {import("./server.js").Layer} layer */
export const ownStyle = (layer) => ({ ...DEFAULTS, ...layer.style });

/** The style that an entry is drawn in. The default ramp suits the ground; a ramp that was chosen stays.
 *  @param {Entry} entry */
export function styleOf(entry) {
  const own = ownStyle(entry.layer);
  const style = { ...own, ...entry.style };
  // The server draws means by a ramp and a scale of their own, unless others are asked for.
  if (style.measure === "mean" && own.measure !== "mean") {
    if (!entry.style.ramp && own.ramp === DEFAULTS.ramp) style.ramp = "viridis";
    if (!entry.style.scale && own.scale === DEFAULTS.scale) style.scale = "linear";
  }
  // The dark end of the default ramp would soil a light map.
  if (!entry.style.ramp && style.ramp === DEFAULTS.ramp && state.ground === "light") style.ramp = "dusk";
  return style;
}

/** False for the kernel of one pixel, which has no radius. @param {Record<string, string>} style */
export const hasRadius = (style) => style.kernel !== "pixel";

/** The style as parameters of an address: all of them, or only those that differ from the layer's own.
 *  @param {Entry} entry @param {{ all?: boolean }} [options] */
export function parameters(entry, { all = false } = {}) {
  const [style, own] = [styleOf(entry), ownStyle(entry.layer)];
  const query = new URLSearchParams();
  if (entry.layer.stored) return query;
  for (const name of PARAMETERS) {
    if (name === "radius" && !hasRadius(style)) continue;
    const silent = ["false", "none"].includes(style[name]) || (name === "opacity" && style[name] === "1");
    if (style[name] !== own[name] || (all && !silent)) query.set(name, style[name]);
  }
  if (entry.filter) query.set("filter", entry.filter);
  if (entry.time) query.set("time", entry.time);
  return query;
}

/** A query as people read it: with its commas and colons. @param {URLSearchParams} query */
export function written(query) {
  const text = String(query).replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("+", "%20");
  return text && `?${text}`;
}

/** The address of a file of the entry's layer. @param {Entry} entry @param {string} file */
export const layerPath = (entry, file) => `${encodeURIComponent(entry.layer.id)}/${file}`;

/** The tiles that the map shows. @param {Entry} entry */
export function mapTiles(entry) {
  // Tiles of an archive take no parameters.
  if (entry.layer.stored) return address(layerPath(entry, "")) + `{z}/{x}/{y}.${entry.layer.stored}`;
  const query = parameters(entry);
  // The map itself applies the opacity: at once, and without new tiles.
  if (Number.isFinite(Number(styleOf(entry).opacity))) {
    if (ownStyle(entry.layer).opacity === "1") query.delete("opacity");
    else query.set("opacity", "1");
  }
  return `${address(layerPath(entry, ""))}{z}/{x}/{y}${DENSITY}.png${written(query)}`;
}

/** The tiles for other pages, with the whole style. @param {Entry} entry */
export function sharedTiles(entry) {
  const file = entry.layer.stored ?? "png";
  return `${address(layerPath(entry, ""))}{z}/{x}/{y}.${file}${written(parameters(entry, { all: true }))}`;
}

/** Opacity that the map itself can give; a curve over the ramp is left to the server. @param {Entry} entry */
export function fade(entry) {
  const opacity = Number(styleOf(entry).opacity);
  return Number.isFinite(opacity) ? opacity : 1;
}

/** @param {string} name */
export const rampNamed = (name) => state.catalog.ramps.find((ramp) => ramp.name === name);

/** A ramp as a background. A reversed ramp keeps its fading in at the low end: colours turn, opacities stay.
 *  @param {import("./server.js").Ramp | undefined} ramp @param {boolean} [reverse] */
export function gradient(ramp, reverse = false) {
  if (!ramp) return "none";
  const { colors } = ramp;
  const turned = colors.map((color, i) => colors[colors.length - 1 - i].slice(0, 7) + color.slice(7));
  return `linear-gradient(to right, ${(reverse ? turned : colors).join(", ")})`;
}
