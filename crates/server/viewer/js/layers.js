// @ts-check
// The list of layers: which are on the map, in which order, and whose settings the panel shows.

import { el, fill, iconButton } from "./dom.js";
import { complain, mended } from "./notices.js";
import { ask } from "./server.js";
import { announce, entryName, newEntry, on, state } from "./state.js";
import { words } from "./strings.js";
import { gradient, rampNamed, styleOf } from "./style.js";

/** @typedef {import("./state.js").Entry} Entry */

const list = el("ul", { id: "layers", "aria-label": words.layers });
const add = el("select", { id: "add-layer", "aria-label": words.addLayer });

/** The entry of a layer, with what the server says about the layer.
 *  @param {import("./server.js").Layer} layer @param {Partial<Entry>} [more] */
export async function makeEntry(layer, more) {
  return newEntry(layer, await ask(encodeURIComponent(layer.id)), more);
}

/** @param {string} id */
async function addLayer(id) {
  const layer = state.catalog.layers.find((candidate) => candidate.id === id);
  if (!layer) return;
  try {
    const entry = await makeEntry(layer);
    state.entries.push(entry);
    state.active = entry;
    mended("layer");
    announce("entries");
  } catch (problem) {
    complain("layer", problem);
  }
}

/** @param {Entry} entry */
function remove(entry) {
  const at = state.entries.indexOf(entry);
  state.entries.splice(at, 1);
  if (state.active === entry) state.active = state.entries[Math.max(0, at - 1)];
  announce("entries");
}

/** @param {Entry} entry */
function raise(entry) {
  const at = state.entries.indexOf(entry);
  state.entries.splice(at, 1);
  state.entries.splice(at + 1, 0, entry);
  announce("entries");
}

/** Redraws the list, and gives the focus back to the control that had it. */
function draw() {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.focus : undefined;
  // The topmost layer of the map is the first of the list.
  list.replaceChildren(...state.entries.toReversed().map(row));
  if (focused) list.querySelector(/** @type {"button"} */ (`[data-focus="${focused}"]`))?.focus();
  for (const option of add.options) option.disabled = option.value === "";
}

/** @param {Entry} entry */
function row(entry) {
  const name = entryName(entry);
  const visible = el("input", {
    type: "checkbox", checked: entry.visible, "aria-label": words.showLayer(name), data: { focus: `show ${entry.key}` },
    on: {
      change: () => {
        entry.visible = visible.checked;
        announce("entries");
      },
    },
  });
  const swatch = el("i", { className: "swatch" });
  const style = styleOf(entry);
  swatch.style.backgroundImage = gradient(rampNamed(style.ramp), style.reverse === "true");
  const edit = el("button", {
    type: "button", className: "name", "aria-pressed": String(entry === state.active), title: words.editLayer(name),
    data: { focus: `edit ${entry.key}` },
    on: {
      click: () => {
        state.active = entry;
        announce("entries");
      },
    },
  }, el("span", {}, name), !entry.layer.stored && swatch);
  const isTop = entry === state.entries.at(-1);
  return el("li", {},
    el("label", { className: "tick" }, visible), edit,
    !isTop && iconButton(words.raiseLayer(name), "m5 11 5-5 5 5M10 6v9", {
      data: { focus: `raise ${entry.key}` }, on: { click: () => raise(entry) },
    }),
    state.entries.length > 1 && iconButton(words.removeLayer(name), "m5 5 10 10M15 5 5 15", {
      on: { click: () => remove(entry) },
    }));
}

/** The section of the panel with the list. */
export function layerSection() {
  fill(add, [["", words.addLayer], ...state.catalog.layers.map(
    ({ id, name }) => /** @type {[string, string]} */ ([id, name ?? id]),
  )]);
  add.addEventListener("change", () => {
    addLayer(add.value);
    add.value = "";
  });
  on(["entries", "ground", "style"], draw);
  draw();
  return el("div", { id: "layer-list" }, list, add);
}
