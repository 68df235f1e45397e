// @ts-check
// A comparison: a second map lies over the first, cut at a divider that can be moved.

import { el, fill } from "./dom.js";
import { maps, newMap } from "./map.js";
import { announce, entryName, newEntry, on, state } from "./state.js";
import { words } from "./strings.js";

const divider = el("input", {
  id: "divider", type: "range", min: "0", max: "1", step: "0.01", hidden: true, "aria-label": words.divider,
});
const line = el("div", { id: "divider-line", hidden: true, "aria-hidden": "true" });
const names = el("div", { id: "sides", hidden: true, "aria-hidden": "true" }, el("span"), el("span"));
const toggle = el("input", { id: "compare", type: "checkbox" });
const left = el("select", { id: "compare-left", "aria-label": words.left });
const right = el("select", { id: "compare-right", "aria-label": words.right });
const sides = el("div", { className: "pair", hidden: true }, left, right);

/** The controls in the panel. */
export function compareControls() {
  document.getElementById("stage")?.append(el("div", { id: "map-right", hidden: true, "aria-hidden": "true" }), line, names, divider);
  toggle.addEventListener("change", () => {
    if (!toggle.checked) state.compare = undefined;
    else if (state.entries.length > 1) setSides(/** @type {any} */ (state.entries.at(-2)), /** @type {any} */ (state.entries.at(-1)));
    else copyOfTheOnly();
    announce("entries");
    announce("compare");
  });
  for (const side of [left, right]) {
    side.addEventListener("change", () => {
      const of = (/** @type {HTMLSelectElement} */ select) => state.entries.find(({ key }) => String(key) === select.value);
      const [a, b] = [of(left), of(right)];
      if (a && b) setSides(a, b);
      announce("compare");
    });
  }
  divider.addEventListener("input", () => place(divider.valueAsNumber));
  divider.addEventListener("change", () => announce("moved"));
  on(["entries"], () => {
    const { compare, entries } = state;
    if (compare && !(entries.includes(compare.left) && entries.includes(compare.right))) {
      state.compare = undefined;
      announce("compare");
    }
    draw();
  });
  on(["compare"], draw);
  return el("div", {}, el("label", { className: "check" }, toggle, words.compare), sides);
}

/** One layer is compared with itself in another style, or through another filter. */
function copyOfTheOnly() {
  const [only] = state.entries;
  const copy = newEntry(only.layer, only.about, { style: { ...only.style }, filter: only.filter });
  state.entries.push(copy);
  state.active = copy;
  setSides(only, copy);
}

/** @param {import("./state.js").Entry} a @param {import("./state.js").Entry} b */
function setSides(a, b) {
  state.compare = { left: a, right: b, at: state.compare?.at ?? 0.5 };
}

/** Shows the state: makes the second map when it is first needed, and removes it after. */
function draw() {
  const { compare, entries } = state;
  toggle.checked = Boolean(compare);
  for (const part of [divider, line, names, sides]) part.hidden = !compare;
  const container = /** @type {HTMLElement} */ (document.getElementById("map-right"));
  container.hidden = !compare;
  for (const select of [left, right]) {
    fill(select, entries.map((entry) => [String(entry.key), entryName(entry)]));
  }
  if (!compare) {
    maps.right?.remove();
    maps.right = undefined;
    return;
  }
  left.value = String(compare.left.key);
  right.value = String(compare.right.key);
  const [leftName, rightName] = /** @type {any} */ (names.children);
  leftName.textContent = entryName(compare.left);
  rightName.textContent = entryName(compare.right);
  place(compare.at);
  if (!maps.right && maps.main) makeRight();
}

function makeRight() {
  const { main } = maps;
  const view = { center: main.getCenter(), zoom: main.getZoom(), interactive: false };
  const map = newMap("map-right", view);
  maps.right = map;
  const follow = () => maps.right?.jumpTo({ center: main.getCenter(), zoom: main.getZoom() });
  main.on("move", follow);
  map.once("remove", () => main.off("move", follow));
}

/** Moves the divider. @param {number} at 0 to 1 */
function place(at) {
  if (!state.compare) return;
  state.compare.at = at;
  divider.value = String(at);
  const percent = `${at * 100}%`;
  line.style.left = percent;
  /** @type {HTMLElement} */ (document.getElementById("map-right")).style.clipPath = `inset(0 0 0 ${percent})`;
  /** @type {HTMLElement} */ (names.children[0]).style.right = `${100 - at * 100}%`;
  /** @type {HTMLElement} */ (names.children[1]).style.left = percent;
}
