// @ts-check
// A file of the user's own, dropped on the map or chosen, as a preview that the browser draws.
// Nothing is sent to the server.

import { el, iconButton } from "./dom.js";
import { maps } from "./map.js";
import { complain, mended, say } from "./notices.js";
import { MOST_ROWS, readPoints } from "./points-file.js";
import { previewBounds, refreshPreview, removePreview, showPreview } from "./preview.js";
import { announce, on, state } from "./state.js";
import { words } from "./strings.js";
import { padding } from "./view.js";

const note = el("div", { id: "preview-note", hidden: true });
const veil = el("div", { id: "drop-veil", hidden: true }, el("p", { className: "card" }, words.dropHere));

/** The control in the panel; dropping works on the whole page. */
export function dropControls() {
  const input = el("input", {
    id: "file", type: "file", accept: ".csv,.tsv,.txt,.geojson,.json,.geojsonl,.ndjson,.gz", "aria-label": words.openFile,
    on: { change: () => input.files?.[0] && show(input.files[0]) },
  });
  document.getElementById("stage")?.append(veil);
  addEventListener("dragover", (event) => {
    if (![...event.dataTransfer?.types ?? []].includes("Files")) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) show(file);
  });
  on(["ground"], refreshPreview);
  return el("div", {}, el("label", { className: "check open-file" }, words.openFile, input), note);
}

/** @param {File} file */
async function show(file) {
  mended("file");
  try {
    const found = await readPoints(file, (rows) => say(words.reading(file.name, rows)));
    if (!found || found.points.length === 0) throw new Error(words.notReadable(file.name));
    showPreview(found.points);
    maps.main.fitBounds(previewBounds(), { padding: padding(), maxZoom: 12, animate: false });
    // The layers of the server would cover it.
    for (const entry of state.entries) entry.visible = false;
    state.compare = undefined;
    announce("entries");
    announce("compare");
    describe(file.name, found);
    say(words.previewShown);
  } catch (problem) {
    complain("file", problem);
  }
}

/** @param {string} name @param {import("./points-file.js").Positions} found */
function describe(name, { points, skipped, isCut }) {
  const close = iconButton(words.removePreview, "m5 5 10 10M15 5 5 15", { on: { click: remove } });
  note.replaceChildren(el("div", {}, el("div", { className: "preview-head" }, el("b", {}, name), close),
    el("p", {}, words.previewNote(points.length)),
    isCut && el("p", {}, words.onlyFirst(MOST_ROWS)), skipped > 0 && el("p", {}, words.skipped(skipped)),
    el("p", {}, words.trueMap, el("code", {}, `heatsplat serve ${name.includes(" ") ? `'${name}'` : name}`))));
  note.hidden = false;
}

function remove() {
  note.hidden = true;
  removePreview();
  if (state.entries.some((entry) => entry.visible)) return;
  state.active.visible = true;
  announce("entries");
}
