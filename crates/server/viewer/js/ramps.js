// @ts-check
// The choice of a ramp.

import { el } from "./dom.js";
import { RAMP_GROUP } from "./ground.js";
import { barColors, legendOf } from "./legend.js";
import { restyle, state } from "./state.js";
import { words } from "./strings.js";
import { gradient, rampNamed, styleOf } from "./style.js";

const name = el("b", { id: "ramp-name" });
const swatch = el("i", { id: "ramp-swatch", className: "swatch" });
const list = el("div", { id: "ramp-list" });
const details = el("details", { id: "ramps" }, el("summary", {}, el("span", {}, words.ramp), name, swatch), list);
const hint = el("div", { id: "hint" });
const reverse = el("input", { id: "reverse", type: "checkbox" });

/** The controls of the ramp. */
export function rampControls() {
  list.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement) restyle({ ramp: target.value });
  });
  reverse.addEventListener("change", () => restyle({ reverse: String(reverse.checked) }));
  return el("div", { className: "group" }, details, hint, el("label", { className: "check" }, reverse, words.reverse));
}

/** Lists the ramps; those made for this ground come first. */
export function buildRamps() {
  const { catalog, ground } = state;
  const groups = [...new Set(catalog.ramps.map((ramp) => ramp.group))];
  const rank = (/** @type {string} */ group) => (group === RAMP_GROUP[ground] ? 0 : group.endsWith(" map") ? 2 : 1);
  groups.sort((a, b) => rank(a) - rank(b));
  list.replaceChildren(...groups.map((group) => {
    const ramps = catalog.ramps.filter((ramp) => ramp.group === group);
    return el("fieldset", {}, el("legend", {}, words.rampGroup(group)), ...ramps.map((ramp) => {
      const picture = el("i", { className: "swatch" });
      picture.style.backgroundImage = gradient(ramp);
      const input = el("input", { type: "radio", name: "ramp", value: ramp.name });
      return el("label", {}, input, picture, el("span", {}, ramp.name));
    }));
  }));
  const suitable = catalog.ramps.filter((ramp) => ramp.group === RAMP_GROUP[ground]).slice(0, 4);
  hint.replaceChildren(el("span", {}, words.forGround(ground)), ...suitable.map((ramp) => {
    const button = el("button", {
      type: "button", className: "swatch", title: ramp.name, "aria-label": words.rampNamed(ramp.name),
      on: { click: () => restyle({ ramp: ramp.name }) },
    });
    button.style.backgroundImage = gradient(ramp);
    return button;
  }));
}

/** Shows the active entry's ramp. */
export function drawRamp() {
  const style = styleOf(state.active);
  const ramp = rampNamed(style.ramp);
  const legend = legendOf(state.active);
  name.textContent = style.ramp;
  // The colours of a ramp outside the collection come from the legend.
  swatch.style.backgroundImage = ramp || !legend ? gradient(ramp, style.reverse === "true") : barColors(legend);
  reverse.checked = style.reverse === "true";
  for (const input of list.querySelectorAll("input")) input.checked = input.value === style.ramp;
  // The hint is shown only with ramps of the other ground.
  const other = RAMP_GROUP[state.ground === "dark" ? "light" : "dark"];
  hint.hidden = ramp?.group !== other;
}
