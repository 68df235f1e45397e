// @ts-check
// The viewer: layers' heat on a map, and a panel beside it. This module puts the page together;
// `state.js` has what the others show and change.

import { compareControls } from "./compare.js";
import { el, icon, iconButton } from "./dom.js";
import { dropControls } from "./drop.js";
import { filterSection } from "./filter.js";
import { firstPicture } from "./first-picture.js";
import { onPreference, preferredGround } from "./ground.js";
import { layerSection } from "./layers.js";
import { legendCard, refreshLegends } from "./legend.js";
import { drawLook, lookSection } from "./look.js";
import { createMap, prepareWorker } from "./map.js";
import { complain, noticeList, say } from "./notices.js";
import { followAddress, recall } from "./permalink.js";
import { point } from "./reading.js";
import { firstCatalog } from "./server.js";
import { copyTiles, shareSection } from "./share.js";
import { announce, entryName, on, state } from "./state.js";
import { words } from "./strings.js";
import { timeSection } from "./time.js";
import { addTools } from "./tools.js";
import { boundsOf, fit, isSmall } from "./view.js";

const root = document.documentElement;
const about = el("p", { id: "about" }, "\u00a0");
const theme = el("button", {
  id: "theme", className: "icon", type: "button", role: "switch", "aria-label": words.lightMap, title: words.lightMap,
}, icon("M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13z", "M10 3.5a6.5 6.5 0 0 1 0 13z"));
const fold = iconButton(words.settings, "m5 12.5 5-5 5 5", { id: "fold", "aria-controls": "controls" });
const controls = el("div", { id: "controls" });
const actions = el("div", { id: "actions", className: "actions" });
const panel = el("aside", { id: "panel", className: "card", "aria-label": words.mapSettings },
  el("header", {}, el("span", { className: "mark", "aria-hidden": "true" }),
    el("div", { className: "title" }, el("h1", {}, "heatsplat"), about), theme, fold),
  controls, actions);

/** @param {boolean} folded */
function foldPanel(folded) {
  panel.classList.toggle("folded", folded);
  fold.setAttribute("aria-expanded", String(!folded));
}

function drawGroundOfPage() {
  root.dataset.map = state.ground;
  theme.setAttribute("aria-checked", String(state.ground === "light"));
}

/** Shows in the panel's head and in the title of the page which layer the settings are of. */
function drawHead() {
  const { active } = state;
  const { points, stored } = active.layer;
  about.textContent = [entryName(active), typeof points === "number" ? words.points(points) : ""].filter(Boolean).join(" · ");
  about.title = about.textContent;
  document.title = `${entryName(active)} · heatsplat`;
  root.toggleAttribute("data-stored", Boolean(stored));
}

function buildPanel() {
  const reset = el("button", {
    id: "reset", type: "button", className: "quiet",
    on: {
      click: () => {
        Object.assign(state.active, { style: {}, filter: "", time: "" });
        announce("style", state.active);
      },
    },
  }, words.reset);
  controls.replaceChildren(
    el("div", { className: "group" }, layerSection(), compareControls(), dropControls()),
    lookSection(), filterSection(), timeSection(), shareSection());
  actions.replaceChildren(copyTiles(), reset);
  // An opened section may lie below the panel's edge. The event doesn't bubble.
  controls.addEventListener("toggle", ({ target }) => {
    if (target instanceof HTMLDetailsElement && target.open) target.scrollIntoView({ block: "nearest" });
  }, true);
  theme.addEventListener("click", () => {
    state.ground = state.ground === "dark" ? "light" : "dark";
    state.groundChosen = true;
    announce("ground");
  });
  onPreference(() => {
    if (state.groundChosen) return;
    state.ground = preferredGround();
    announce("ground");
  });
  on(["ground"], drawGroundOfPage);
  on(["entries", "style"], drawHead);
}

/** The view of nearly all heat, without what lies far away. */
const firstView = () =>
  fit(boundsOf(state.entries.map(({ layer }) => layer), "view"), { width: innerWidth, height: innerHeight });

async function start() {
  root.lang = words.language;
  root.dataset.map = preferredGround();
  const side = el("div", { id: "side" }, panel);
  document.body.append(el("div", { id: "progress", "aria-hidden": "true" }), side, noticeList);
  foldPanel(isSmall());
  fold.addEventListener("click", () => foldPanel(!panel.classList.contains("folded")));
  try {
    [state.catalog] = await Promise.all([firstCatalog((names) => say(words.loading(names))), prepareWorker()]);
    const view = await recall();
    drawGroundOfPage();
    buildPanel();
    side.append(legendCard());
    drawHead();
    createMap(view ?? firstPicture.view ?? firstView(), point);
    addTools();
    followAddress();
    refreshLegends();
    drawLook();
    announce("compare");
  } catch (problem) {
    complain("start", problem);
  }
}

start();
