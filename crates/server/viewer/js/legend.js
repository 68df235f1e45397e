// @ts-check
// The legend: a block for each layer that is shown, with the value under the cursor.

import { el } from "./dom.js";
import { awaited, reloadEntry, tileZoom } from "./map.js";
import { complain, mended } from "./notices.js";
import { listenToReadings, pointed, readings } from "./reading.js";
import { AnswerError, ask, latest } from "./server.js";
import { entryName, on, shown } from "./state.js";
import { exact, figure, words } from "./strings.js";
import { layerPath, parameters } from "./style.js";

/**
 * @typedef {import("./state.js").Entry} Entry
 * @typedef {{ value: number, position: number, label: string }} Tick
 * @typedef {{ title?: string, unit?: string, stops: { value: number, position: number, color: string }[],
 *             ticks: Tick[], classes?: { color: string }[], categories?: { name: string, color: string }[],
 *             domain: number[] }} Legend
 * @typedef {{ box: HTMLElement, title: HTMLElement, value: HTMLElement, detail: HTMLElement, body: HTMLElement,
 *             newest: () => AbortSignal, asked: string, failed: boolean, legend?: Legend }} Block
 */

const HOVERS = matchMedia("(hover: hover)").matches;
const card = el("section", { id: "legend", className: "card", tabIndex: 0, "aria-label": words.legend });
const hint = el("p", { id: "read-hint" }, words.pointAt(HOVERS));
/** @type {Map<Entry, Block>} */
const blocks = new Map();

/** @returns {Block} */
function newBlock() {
  const parts = {
    title: el("h2", { className: "legend-title" }),
    value: el("output", { className: "value" }),
    detail: el("p", { className: "detail" }),
    body: el("div", { className: "legend-body" }),
  };
  const box = el("div", { className: "block" }, parts.title, el("p", { className: "read" }, parts.value), parts.detail, parts.body);
  return { box, ...parts, newest: latest(), asked: "", failed: false };
}

/** Shows a block for each entry on the map, the topmost first, and asks for legends that are out of date. */
function refresh() {
  const entries = shown().toReversed();
  for (const entry of blocks.keys()) if (!entries.includes(entry)) blocks.delete(entry);
  for (const entry of entries) {
    const block = blocks.get(entry) ?? newBlock();
    blocks.set(entry, block);
    drawTitle(entry, block);
    request(entry, block);
  }
  card.hidden = entries.length === 0;
  // Tiles that were drawn before have no values.
  hint.hidden = entries.every((entry) => entry.layer.stored);
  card.replaceChildren(...entries.map((entry) => /** @type {Block} */ (blocks.get(entry)).box), hint);
  drawReadings();
}

/** @param {Entry} entry @param {Block} block */
async function request(entry, block) {
  const z = tileZoom();
  if (entry.layer.stored) return drawStored(entry, block, z);
  const query = parameters(entry);
  query.set("z", String(z));
  const path = layerPath(entry, `legend.json?${query}`);
  if (path === block.asked) return;
  block.asked = path;
  const subject = `legend ${entry.key}`;
  try {
    block.legend = await awaited(ask(path, block.newest()));
    mended(subject);
    if (block.failed) reloadEntry(entry);
    block.failed = false;
    drawLegend(entry, block);
  } catch (problem) {
    complain(subject, problem);
    // A server that is away comes back; a request that it refuses stays wrong.
    const passes = problem instanceof AnswerError && (problem.status === 0 || problem.status >= 500);
    if (!passes) return;
    block.asked = "";
    block.failed = true;
    setTimeout(refresh, 3000);
  }
}

/** An archive of ours has its legends with it. @param {Entry} entry @param {Block} block @param {number} z */
function drawStored(entry, block, z) {
  const legends = entry.about.legends ?? {};
  const zooms = Object.keys(legends).map(Number).sort((a, b) => a - b);
  // Larger tiles have lower zooms.
  const zoom = z - (entry.about.tileSize === 512 ? 1 : 0);
  block.legend = legends[zooms.filter((other) => other <= zoom).at(-1) ?? zooms[0]];
  if (block.legend) return drawLegend(entry, block);
  block.body.replaceChildren(el("p", { className: "detail" }, words.drawnBefore));
}

/** The bar's colours as a background. @param {Legend} legend */
export function barColors(legend) {
  const percent = (/** @type {number} */ position) => `${(position * 100).toFixed(2)}%`;
  const stops = legend.classes?.length
    ? legend.classes.map(({ color }, i) =>
      `${color} ${percent(legend.ticks[i].position)} ${percent(legend.ticks[i + 1].position)}`)
    : legend.stops.map((stop) => `${stop.color} ${percent(stop.position)}`);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** The ticks to label: the ends first, then those between them. @param {Legend} legend */
export function labelled(legend) {
  const [low, high] = legend.domain;
  const ends = [{ value: low, position: 0, label: figure(low) }, { value: high, position: 1, label: figure(high) }];
  const at = (/** @type {number} */ position) => legend.ticks.find((tick) => tick.position === position);
  const inner = legend.ticks.filter((tick) => tick.position > 0 && tick.position < 1);
  return [...ends.map((end) => at(end.position) ?? end), ...inner];
}

/** @param {Entry} entry @param {Block} block */
function drawTitle(entry, { title, legend }) {
  title.replaceChildren(entryName(entry), ...(legend?.unit ? [el("small", {}, ` ${legend.unit}`)] : []));
}

/** @param {Entry} entry @param {Block} block */
function drawLegend(entry, block) {
  const { legend } = block;
  if (!legend) return;
  drawTitle(entry, block);
  if (legend.categories?.length) {
    const rows = legend.categories.map(({ name, color }) => {
      const swatch = el("i", { className: "dot" });
      swatch.style.backgroundColor = color;
      return el("li", {}, swatch, name);
    });
    block.body.replaceChildren(el("ul", { className: "categories" }, ...rows));
    return drawReadings();
  }
  const bar = el("div", { className: "bar swatch" });
  bar.style.backgroundImage = barColors(legend);
  const needle = el("i", { className: "needle", hidden: true });
  const ticks = el("div", { className: "ticks" });
  block.body.replaceChildren(el("div", { className: "scale-bar" }, bar, needle), ticks);
  // Labels are placed by their widths, which are only known while the card is shown.
  new ResizeObserver(() => drawTicks(ticks, labelled(legend))).observe(ticks);
  drawReadings();
}

/** Labels that would overlap earlier ones are left out. @param {HTMLElement} place @param {Tick[]} ticks */
function drawTicks(place, ticks) {
  place.replaceChildren();
  /** @type {DOMRect[]} */
  const taken = [];
  for (const tick of ticks) {
    const mark = el("span", { className: tick.position < 0.04 ? "first" : tick.position > 0.96 ? "last" : "" }, tick.label);
    mark.style.left = `${tick.position * 100}%`;
    place.append(mark);
    const box = mark.getBoundingClientRect();
    if (taken.some((other) => box.left < other.right + 7 && other.left < box.right + 7)) mark.remove();
    else taken.push(box);
  }
}

/** Where a value lies on a legend's bar, 0 to 1. @param {Legend} legend @param {number} value */
function positionOf(legend, value) {
  const { stops } = legend;
  const after = stops.findIndex((stop) => stop.value >= value);
  if (after <= 0) return after === 0 ? 0 : 1;
  const [a, b] = [stops[after - 1], stops[after]];
  return a.position + ((b.position - a.position) * (value - a.value)) / (b.value - a.value || 1);
}

function drawReadings() {
  const place = pointed();
  hint.textContent = place && readings.size > 0
    ? `${place.lat.toFixed(4)}, ${(((((place.lng + 180) % 360) + 360) % 360) - 180).toFixed(4)}`
    : words.pointAt(HOVERS);
  for (const [entry, block] of blocks) {
    const reading = readings.get(entry);
    const needle = block.body.querySelector(".needle");
    if (needle instanceof HTMLElement) {
      needle.hidden = !(reading?.value && block.legend);
      if (reading && block.legend) needle.style.left = `${positionOf(block.legend, reading.value ?? 0) * 100}%`;
    }
    block.value.textContent = !reading ? "" : reading.value === null ? words.noValue : figure(reading.value);
    block.value.title = reading && reading.value !== null ? exact(reading.value) : "";
    block.detail.textContent = reading ? describe(reading, block.legend) : "";
  }
}

/** All that is known of a value. @param {import("./reading.js").Reading} reading @param {Legend} [legend] */
function describe(reading, legend) {
  const unit = reading.unit ?? legend?.unit;
  const own = unit === legend?.unit ? "" : unit;
  const mean = reading.count > 1 && typeof reading.mean === "number" && reading.mean !== 1 ? words.mean(figure(reading.mean)) : "";
  const above = typeof reading.percentile === "number" && reading.count > 0 ? words.above(Math.floor(reading.percentile)) : "";
  return [own, words.points(reading.count), mean, above].filter(Boolean).join(" · ");
}

/** The legend of an entry, once it has come. @param {Entry} entry */
export const legendOf = (entry) => blocks.get(entry)?.legend;

/** The card of all legends. */
export function legendCard() {
  on(["style", "entries", "compare", "ground", "moved"], refresh);
  listenToReadings(drawReadings);
  return card;
}
export { refresh as refreshLegends };
