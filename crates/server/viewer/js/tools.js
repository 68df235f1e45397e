// @ts-check
// Tools on the map: all data, a place by its coordinates, names of places, the operator's base map.

import { el, iconButton } from "./dom.js";
import { maps } from "./map.js";
import { parsePlace } from "./place.js";
import { point } from "./reading.js";
import { announce, on, state } from "./state.js";
import { words } from "./strings.js";
import { boundsOf, padding } from "./view.js";

/** Buttons in the corner of the map. */
export function addTools() {
  const fit = iconButton(words.fit, "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4", { id: "fit", on: { click: fitData } });
  const tools = el("div", { className: "maplibregl-ctrl maplibregl-ctrl-group tools" }, fit, placeTool());
  tools.append(groundTool("labels", words.labels, "M4 5V4h12v1M10 4v12M7.5 16h5"));
  if (state.catalog.basemap) tools.append(groundTool("basemap", words.basemap, "m3 6 4-2 6 2 4-2v10l-4 2-6-2-4 2zM7 4v10M13 6v10"));
  maps.main.addControl({ onAdd: () => tools, onRemove: () => tools.remove() }, "top-right");
}

/** Moves the map to the data of the entries that are shown. */
function fitData() {
  const visible = state.entries.filter((entry) => entry.visible);
  const layers = (visible.length > 0 ? visible : state.entries).map(({ layer }) => layer);
  maps.main.fitBounds(boundsOf(layers, "bounds"), { padding: padding(), maxZoom: 12 });
}

/** A button that opens a field for coordinates. */
function placeTool() {
  const input = el("input", {
    id: "place", type: "text", placeholder: words.placeHint, "aria-label": words.place, autocomplete: "off", spellcheck: false,
  });
  const form = el("form", { id: "place-form", className: "card", hidden: true }, input,
    el("button", { type: "submit" }, words.go));
  const toggle = iconButton(words.goTo, "m16 16-3.5-3.5M8.5 3a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11z", {
    id: "go-to", "aria-expanded": "false", "aria-controls": "place-form",
  });
  const open = (/** @type {boolean} */ wish) => {
    form.hidden = !wish;
    toggle.setAttribute("aria-expanded", String(wish));
    if (wish) input.focus();
    else toggle.focus();
  };
  toggle.addEventListener("click", () => open(form.hidden));
  form.addEventListener("keydown", (event) => event.key === "Escape" && open(false));
  input.addEventListener("input", () => input.setCustomValidity(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const place = parsePlace(input.value);
    input.setCustomValidity(place ? "" : words.badPlace);
    if (!place) return input.reportValidity();
    const zoom = place.zoom ?? Math.max(maps.main.getZoom(), 9);
    maps.main.once("moveend", () => point(place));
    maps.main.jumpTo({ center: [place.lng, Math.max(-85, Math.min(85, place.lat))], zoom });
    open(false);
  });
  return el("div", { className: "place-tool" }, toggle, form);
}

/** A button for a part of the ground, pressed while it is shown. @param {"labels" | "basemap"} part
 *  @param {string} name @param {string} path */
function groundTool(part, name, path) {
  const draw = () => button.setAttribute("aria-pressed", String(state[part]));
  const button = iconButton(name, path, {
    id: part,
    on: {
      click: () => {
        state[part] = !state[part];
        announce("ground");
      },
    },
  });
  on(["ground"], draw);
  draw();
  return button;
}
