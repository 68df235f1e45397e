// @ts-check
// The window of time of the active layer: a histogram with a window on it, which can be moved,
// stretched and played.

import { el, iconButton } from "./dom.js";
import { paced } from "./map.js";
import { complain, mended } from "./notices.js";
import { ask } from "./server.js";
import { announce, on, state } from "./state.js";
import { layerPath, parameters, written } from "./style.js";
import { words } from "./strings.js";

/**
 * @typedef {import("./state.js").Entry} Entry
 * @typedef {{ extent: string, histogram: { step: string, starts: number[], count: number[] } }} Times
 */

const PLAY = "M6 4v12l10-6z";
const PAUSE = "M6 4h3v12H6zM12 4h3v12h-3z";
/** Milliseconds from one window to the next while they play; a window whose tiles aren't there yet stays longer. */
const FRAME = 400;

const bars = el("canvas", { className: "time-bars", "aria-hidden": "true" });
const first = el("input", { type: "range", id: "time-start", min: "0", step: "1", "aria-label": words.windowStart });
const length = el("input", { type: "range", id: "time-length", min: "1", step: "1", "aria-label": words.windowLength });
const shownWindow = el("output", { id: "time-window" });
const play = iconButton(words.play, PLAY, { id: "time-play", "aria-pressed": "false" });
const all = el("button", { type: "button", id: "time-all", className: "quiet" }, words.allTimes);
const details = el("details", { id: "time" }, el("summary", {}, words.time), bars,
  el("label", { className: "field" }, words.windowStart, first),
  el("label", { className: "field" }, words.windowLength, length),
  el("div", { className: "actions" }, play, shownWindow, all));

/** What the server says of the times of each layer. @type {Map<string, Promise<Times>>} */
const known = new Map();
/** The times that the controls show. @type {Times | undefined} */
let times;
let timer = 0;

/** Bars' borders in milliseconds since 1970: where each begins, and where the last one ends. @param {Times} of */
const borders = ({ extent, histogram }) =>
  [...histogram.starts.map((second) => second * 1000), Date.parse(extent.split("/")[1])];

/** An instant as the server writes it. @param {number} at milliseconds since 1970 */
const instant = (at) => new Date(at).toISOString().replace(".000Z", "Z");

export function timeSection() {
  const move = paced(apply, 80);
  for (const input of [first, length]) input.addEventListener("input", () => {
    draw();
    move();
  });
  play.addEventListener("click", () => setPlaying(timer === 0));
  all.addEventListener("click", () => {
    setPlaying(false);
    state.active.time = "";
    announce("style", state.active);
  });
  details.addEventListener("toggle", follow);
  on(["style", "entries"], follow);
  follow();
  return details;
}

/** Shows the window of the active entry. */
async function follow() {
  const { layer } = state.active;
  details.hidden = !layer.time;
  if (!layer.time) return setPlaying(false);
  if (state.active.time) details.open = true;
  if (!details.open) return;
  const asked = known.get(layer.id) ?? ask(layerPath(state.active, "time.json"));
  known.set(layer.id, asked);
  try {
    const found = await asked;
    mended("time");
    if (state.active.layer !== layer) return;
    if (times !== found) setTimes(found);
    const { time } = state.active;
    const drawn = time && !isInterval(time) ? await askWindow(state.active) : time;
    if (state.active.layer === layer && state.active.time === time) place(drawn);
  } catch (problem) {
    known.delete(layer.id);
    complain("time", problem);
  }
}

/** @param {Times} found */
function setTimes(found) {
  times = found;
  const count = found.histogram.starts.length;
  first.max = String(count - 1);
  length.max = String(count);
}

/** True for a window with both its ends, as these controls write it. @param {string} time */
const isInterval = (time) => /^\d{4}-\d\d-\d\dT[^/]+Z\/\d{4}-\d\d-\d\dT[^/]+Z$/.test(time);

/** The ends of a window that a link has in other words, such as `P7D/latest`. @param {Entry} entry
 *  @returns {Promise<string>} */
const askWindow = async (entry) => (await ask(`${layerPath(entry, "legend.json")}${written(parameters(entry))}`)).time;

/** Puts the controls on a window, `start/end`; on about a tenth of all times if it is empty. @param {string} time */
function place(time) {
  if (!times) return;
  const ends = borders(times);
  const [start, end] = time.split("/").map((text) => Date.parse(text));
  const last = ends.length - 1;
  if (Number.isFinite(start) && Number.isFinite(end)) {
    const begins = Math.max(0, ends.findLastIndex((border) => border <= start));
    const stops = ends.findIndex((border) => border >= end);
    first.value = String(begins);
    length.value = String(Math.max(1, (stops < 0 ? last : stops) - begins));
  } else if (!time) {
    first.value = "0";
    length.value = String(Math.max(1, Math.round(last / 10)));
  }
  draw();
}

/** The window on the controls, as numbers of borders. */
function chosen() {
  const count = times?.histogram.starts.length ?? 1;
  const begins = Number(first.value);
  return [begins, Math.min(count, begins + Number(length.value))];
}

/** Shows the window that the controls have on the map. */
function apply() {
  if (!times) return;
  const ends = borders(times);
  const [begins, stops] = chosen();
  state.active.time = `${instant(ends[begins])}/${instant(ends[stops])}`;
  announce("style", state.active);
}

/** Draws the histogram and the window on it. */
function draw() {
  if (!times) return;
  const { count } = times.histogram;
  const ends = borders(times);
  const [begins, stops] = chosen();
  all.hidden = !state.active.time;
  const day = (/** @type {number} */ at) => instant(at).replace("T00:00:00Z", "").replace(/:00Z$/, "").replace("T", " ");
  shownWindow.textContent = `${day(ends[begins])} – ${day(ends[stops])}`;
  const pen = bars.getContext("2d");
  if (!pen) return;
  const [width, height] = [bars.clientWidth || 268, 44];
  const fine = devicePixelRatio || 1;
  Object.assign(bars, { width: width * fine, height: height * fine });
  pen.scale(fine, fine);
  const style = getComputedStyle(bars);
  const most = Math.max(1, ...count);
  const each = width / count.length;
  for (const [i, points] of count.entries()) {
    pen.fillStyle = i >= begins && i < stops ? style.getPropertyValue("--accent") : style.getPropertyValue("--soft");
    const tall = points === 0 ? 0 : Math.max(1, (points / most) * height);
    pen.fillRect(i * each, height - tall, Math.max(1, each - (each > 3 ? 1 : 0)), tall);
  }
}

/** @param {boolean} wish */
function setPlaying(wish) {
  clearInterval(timer);
  timer = wish ? window.setInterval(next, FRAME) : 0;
  play.setAttribute("aria-pressed", String(wish));
  play.setAttribute("aria-label", wish ? words.pause : words.play);
  play.querySelector("path")?.setAttribute("d", wish ? PAUSE : PLAY);
}

/** Moves the window by one bar, once the tiles of the last one are there. */
function next() {
  if (!times || document.documentElement.dataset.ready !== "true") return;
  const [begins, stops] = chosen();
  first.value = String(stops >= times.histogram.starts.length ? 0 : begins + 1);
  draw();
  apply();
}
