// @ts-check
// A PNG of the view: the map as it is seen, with title, legends, scale and credits.

import { download } from "./dom.js";
import { labelled, legendOf } from "./legend.js";
import { maps } from "./map.js";
import { entryName, shown, state } from "./state.js";
import { words } from "./strings.js";

const INK = {
  dark: { text: "#eceff5", soft: "#a3adbf", card: "rgb(19 23 32 / 92%)" },
  light: { text: "#1a2130", soft: "#4d586b", card: "rgb(255 255 255 / 94%)" },
};
const FACE = "system-ui, sans-serif";

/** Lets the browser keep a PNG of the view. */
export async function savePicture() {
  const canvas = drawPicture();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const name = shown().map((entry) => entry.layer.id).join("-") || "map";
  download(/** @type {Blob} */ (blob), `${name}.png`);
}

/** The view on a canvas. */
export function drawPicture() {
  const source = maps.main.getCanvas();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: source.width, height: source.height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(source, 0, 0);
  const ratio = source.width / source.clientWidth;
  if (maps.right && state.compare) {
    const at = Math.round(source.width * state.compare.at);
    context.drawImage(maps.right.getCanvas(), at, 0, source.width - at, source.height, at, 0, source.width - at, source.height);
    context.fillStyle = INK[state.ground].text;
    context.fillRect(at - ratio, 0, 2 * ratio, source.height);
  }
  context.scale(ratio, ratio);
  drawLegends(context, source.clientHeight);
  drawCredits(context, source.clientWidth, source.clientHeight);
  return canvas;
}

/** The height that a legend takes. @param {import("./legend.js").Legend} legend */
const heightOf = (legend) => (legend.categories?.length ? 30 + 18 * legend.categories.length : 66);

/** @param {CanvasRenderingContext2D} context @param {number} height */
function drawLegends(context, height) {
  const blocks = shown().toReversed().map((entry) => ({ entry, legend: legendOf(entry) }));
  const known = blocks.flatMap(({ entry, legend }) => (legend ? [{ entry, legend }] : []));
  if (known.length === 0) return;
  const ink = INK[state.ground];
  const [width, total] = [300, known.reduce((sum, { legend }) => sum + heightOf(legend), 14)];
  let top = height - total - 16;
  context.fillStyle = ink.card;
  context.beginPath();
  context.roundRect(16, top, width, total, 10);
  context.fill();
  top += 12;
  for (const { entry, legend } of known) {
    write(context, 30, top + 13, entryName(entry), ink.text, `600 14px ${FACE}`);
    const title = context.measureText(entryName(entry)).width;
    if (legend.unit) write(context, 38 + title, top + 13, legend.unit, ink.soft, `12px ${FACE}`);
    if (legend.categories?.length) drawCategories(context, top + 24, legend.categories, ink);
    else drawBar(context, top + 22, width - 28, legend, ink);
    top += heightOf(legend);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} top @param {number} width
 *  @param {import("./legend.js").Legend} legend @param {typeof INK.dark} ink */
function drawBar(context, top, width, legend, ink) {
  const left = 30;
  const gradient = context.createLinearGradient(left, 0, left + width, 0);
  if (legend.classes?.length) {
    for (const [i, { color }] of legend.classes.entries()) {
      gradient.addColorStop(legend.ticks[i].position, color);
      gradient.addColorStop(legend.ticks[i + 1].position, color);
    }
  } else for (const { position, color } of legend.stops) gradient.addColorStop(position, color);
  context.fillStyle = gradient;
  context.fillRect(left, top, width, 12);
  context.font = `11px ${FACE}`;
  /** @type {[number, number][]} */
  const taken = [];
  for (const { position, label } of labelled(legend)) {
    const size = context.measureText(label).width;
    const start = left + position * width - (position < 0.04 ? 0 : position > 0.96 ? size : size / 2);
    if (taken.some(([from, to]) => start < to + 7 && from < start + size + 7)) continue;
    taken.push([start, start + size]);
    context.fillStyle = ink.soft;
    context.fillRect(left + position * (width - 1), top + 12, 1, 4);
    context.fillText(label, start, top + 27);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} top @param {{ name: string, color: string }[]} categories
 *  @param {typeof INK.dark} ink */
function drawCategories(context, top, categories, ink) {
  for (const [i, { name, color }] of categories.entries()) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(36, top + 9 + 18 * i, 5, 0, 2 * Math.PI);
    context.fill();
    write(context, 48, top + 13 + 18 * i, name, ink.text, `12px ${FACE}`);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
function drawCredits(context, width, height) {
  const ink = INK[state.ground];
  const own = shown().map((entry) => entry.about.attribution ?? "");
  const base = state.catalog.basemap && state.basemap ? state.catalog.basemap.attribution ?? "" : "";
  const parts = new Set([...own, base, words.credits].filter(Boolean));
  // Credits may be HTML; its words are enough.
  const text = [...parts].map((part) => new DOMParser().parseFromString(part, "text/html").body.textContent).join(" | ");
  context.font = `11px ${FACE}`;
  const size = context.measureText(text).width;
  context.fillStyle = ink.card;
  context.fillRect(width - size - 16, height - 20, size + 16, 20);
  write(context, width - size - 8, height - 6, text, ink.soft, `11px ${FACE}`);
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {string} text
 *  @param {string} color @param {string} font */
function write(context, x, y, text, color, font) {
  Object.assign(context, { font, fillStyle: color });
  context.fillText(text, x, y);
}
