// @ts-check
// The controls of the active layer's look: ramp, radius, opacity, measure and the rest of its
// style.

import { choose, el, field, fill, onTyped } from "./dom.js";
import { legendOf } from "./legend.js";
import { drawRadius, radiusControls } from "./radius.js";
import { buildRamps, drawRamp, rampControls } from "./ramps.js";
import { announce, on, restyle, state } from "./state.js";
import { words } from "./strings.js";
import { fade, styleOf } from "./style.js";

/** @param {string} id */
const select = (id) => el("select", { id });
/** @param {string} id @param {Record<string, any>} more */
const number = (id, more) => el("input", { id, type: "number", ...more });

const opacity = el("input", { id: "opacity", type: "range", min: "0", max: "1", step: "0.05" });
const opacityValue = el("output", { id: "opacity-value", htmlFor: "opacity" });
const [measure, kernel, scale, domain] = ["measure", "kernel", "scale", "domain"].map(select);
const [normalize, overlap] = ["normalize", "overlap"].map(select);
const exponent = number("exponent", { min: "0.05", max: "10", step: "0.05", required: true });
const low = number("low", { step: "any", required: true });
const high = number("high", { step: "any", required: true });
const steps = number("steps", { min: "2", max: "64", step: "1", placeholder: words.none });
const isolines = number("isolines", { min: "1", max: "64", step: "1", placeholder: words.none });
const power = el("div", { className: "pair", hidden: true }, field(words.exponent, exponent));
const custom = el("div", { id: "custom", className: "pair", hidden: true }, field(words.from, low), field(words.to, high));

/** The panel's section of the look. */
export function lookSection() {
  const named = (/** @type {string} */ name) =>
    /** @type {[string, string]} */ ([name, words.values[name] ?? name.replaceAll("_", " ")]);
  const { catalog } = state;
  fill(measure, catalog.measures.map(named));
  fill(kernel, catalog.kernels.map(named));
  fill(scale, [...catalog.scales.map(named), ["power", words.power]]);
  fill(domain, words.domains);
  fill(normalize, catalog.normalize.map(named));
  // `reach` can't be asked for. A layer that has it gets its option from `choose`.
  fill(overlap, ["add", "set", "cover"].map(named));
  listen();
  on(["style", "entries", "ground"], draw);
  on(["ground"], () => {
    buildRamps();
    draw();
  });
  buildRamps();
  const more = el("details", { id: "more" }, el("summary", {}, words.more),
    el("div", { className: "pair" }, field(words.normalize, normalize), field(words.overlap, overlap)),
    el("div", { className: "pair" }, field(words.steps, steps), field(words.isolines, isolines)));
  return el("div", { id: "look" },
    rampControls(), radiusControls(),
    el("label", { className: "field", htmlFor: "opacity" }, words.opacity, opacityValue, opacity),
    el("div", { className: "pair" }, field(words.measure, measure), field(words.scale, scale)), power,
    el("div", { className: "pair" }, field(words.kernel, kernel), field(words.domain, domain)), custom, more);
}

function listen() {
  for (const control of [measure, kernel, normalize, overlap]) {
    control.addEventListener("change", () => restyle({ [control.id]: control.value }));
  }
  scale.addEventListener("change", () => restyle({ scale: scale.value === "power" ? "power:0.5" : scale.value }));
  onTyped(exponent, () => {
    if (exponent.reportValidity()) restyle({ scale: `power:${exponent.value}` });
  }, 400);
  opacity.addEventListener("input", () => {
    state.active.style.opacity = opacity.value;
    announce("style", state.active);
  });
  domain.addEventListener("change", () => {
    const [from, to] = legendOf(state.active)?.domain ?? [0, 1];
    const round = (/** @type {number} */ n) => Number(n.toPrecision(3));
    restyle({ domain: domain.value === "custom" ? `${round(from)},${round(to)}` : domain.value });
  });
  const bounds = () => {
    high.setCustomValidity(low.valueAsNumber >= high.valueAsNumber ? words.endsInOrder : "");
    if (low.reportValidity() && high.reportValidity()) restyle({ domain: `${low.value},${high.value}` });
  };
  for (const end of [low, high]) onTyped(end, bounds, 400);
  for (const count of [steps, isolines]) {
    onTyped(count, () => {
      if (count.reportValidity()) restyle({ [count.id]: count.value === "" ? "none" : count.value });
    }, 300);
  }
}

/** Shows the state in the controls. */
function draw() {
  const style = styleOf(state.active);
  choose(measure, style.measure);
  choose(kernel, style.kernel);
  choose(normalize, style.normalize);
  choose(overlap, style.overlap);
  const exponentOf = /^power:(.*)$/.exec(style.scale);
  choose(scale, exponentOf ? "power" : style.scale);
  power.hidden = !exponentOf;
  write(exponent, exponentOf?.[1] ?? "0.5");
  opacity.value = String(fade(state.active));
  opacityValue.textContent = words.percent(Math.round(fade(state.active) * 100));
  // Two plain numbers; a domain for each zoom is shown as it is written.
  const ends = /^([^,:;@]+),([^,:;@]+)$/.exec(style.domain);
  if (ends) {
    write(low, ends[1]);
    write(high, ends[2]);
  }
  choose(domain, ends ? "custom" : style.domain);
  custom.hidden = !ends;
  write(steps, style.steps === "none" ? "" : style.steps);
  write(isolines, style.isolines === "none" ? "" : style.isolines);
  drawRadius();
  drawRamp();
}

/** Writes a value into a field, unless it is being typed in. @param {HTMLInputElement} input @param {string} value */
function write(input, value) {
  if (document.activeElement !== input) input.value = value;
}

export { draw as drawLook };
