// @ts-check
// The radius: a slider and a number, in pixels or in metres on the ground; or the layer's own table
// by zoom.

import { choose, el, onTyped } from "./dom.js";
import { paced } from "./map.js";
import { restyle, state } from "./state.js";
import { words } from "./strings.js";
import { hasRadius, ownStyle, styleOf } from "./style.js";

const slider = el("input", { id: "radius", type: "range", min: "0", max: "1000", step: "1" });
const number = el("input", { id: "radius-number", type: "number", step: "any", min: "0", "aria-label": words.radiusNumber });
const unit = el("select", { id: "radius-unit", "aria-label": words.radiusUnit });

/** The reach of the slider in each unit; it is logarithmic. @type {Record<string, [number, number]>} */
const REACH = { px: [1, 128], m: [10, 1000], km: [1, 1000] };
/** What the grammar allows. @type {Record<string, [number, number]>} */
const LEGAL = { px: [0.5, 128], m: [0.01, 5e6], km: [1e-5, 5000] };

/** A length and its unit; `undefined` for a table by zoom. @param {string} text */
export function parseRadius(text) {
  const found = /^\s*([\d.]+(?:e\d+)?)\s*(px|km|m)?\s*$/.exec(text);
  return found ? { length: Number(found[1]), unit: found[2] ?? "px" } : undefined;
}

/** @param {number} length @param {string} of */
function sliderPlace(length, of) {
  const [low, high] = REACH[of];
  return Math.round((1000 * Math.log(Math.max(length, low) / low)) / Math.log(high / low));
}
/** @param {number} place @param {string} of */
function sliderLength(place, of) {
  const [low, high] = REACH[of];
  const length = low * (high / low) ** (place / 1000);
  return of === "px" || length < 100 ? Number(length.toFixed(length < 10 ? 1 : 0)) : Number(length.toPrecision(3));
}

export function radiusControls() {
  // A moving slider passes many radii: a map that can't draw them all draws the one where it rests.
  const settle = paced(() => restyle({ radius: `${number.value}${unit.value}` }), 140);
  slider.addEventListener("input", () => {
    if (unit.value === "zoom") unit.value = "px";
    number.value = String(sliderLength(slider.valueAsNumber, unit.value));
    settle();
  });
  slider.addEventListener("keydown", (event) => {
    // A key changes the radius by one of its unit, not by a step of the logarithmic slider.
    const step = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 })[event.key];
    if (!step || unit.value === "zoom") return;
    event.preventDefault();
    const [low, high] = REACH[unit.value];
    number.value = String(Math.min(high, Math.max(low, Math.round(Number(number.value) + step))));
    slider.value = String(sliderPlace(Number(number.value), unit.value));
    settle();
  });
  const typed = () => {
    const of = unit.value === "zoom" ? "px" : unit.value;
    const [low, high] = LEGAL[of];
    number.min = String(low);
    number.max = String(high);
    if (number.value !== "" && number.reportValidity()) restyle({ radius: `${number.value}${of}` });
  };
  onTyped(number, typed, 400);
  unit.addEventListener("change", () => {
    if (unit.value === "zoom") return restyle({ radius: undefined });
    const start = { px: "16", m: "500", km: "10" }[unit.value];
    restyle({ radius: `${start}${unit.value}` });
  });
  return el("div", { className: "field" },
    el("label", { htmlFor: "radius" }, words.radius), el("div", { className: "measured" }, slider, number, unit));
}

/** Shows the active entry's radius. */
export function drawRadius() {
  const style = styleOf(state.active);
  const plain = parseRadius(style.radius);
  const ownTable = !parseRadius(ownStyle(state.active.layer).radius);
  unit.replaceChildren(new Option("px", "px"), new Option("m", "m"), new Option("km", "km"));
  if (ownTable || !plain) unit.add(new Option(words.byZoom, "zoom"));
  choose(unit, plain?.unit ?? "zoom");
  unit.title = plain ? "" : style.radius;
  number.title = plain ? "" : style.radius;
  if (document.activeElement !== number) number.value = plain ? String(plain.length) : "";
  slider.value = String(plain ? sliderPlace(plain.length, plain.unit) : sliderPlace(16, "px"));
  slider.setAttribute("aria-valuetext", hasRadius(style) ? style.radius : words.noRadius);
  for (const control of [slider, number, unit]) control.disabled = !hasRadius(style);
}
