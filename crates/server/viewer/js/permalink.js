// @ts-check
// The address of the page has view and layers, so that a link shows what its sender saw. What can't
// be shown of a link is left out, with a word about it.

import { debounce } from "./dom.js";
import { preferredGround } from "./ground.js";
import { makeEntry } from "./layers.js";
import { maps } from "./map.js";
import { complain, mended } from "./notices.js";
import { AnswerError, ask } from "./server.js";
import { announce, on, state } from "./state.js";
import { words } from "./strings.js";
import { PARAMETERS } from "./style.js";

/** @typedef {import("./state.js").Entry} Entry */

/** The parameters of an entry. @param {Entry} entry */
function chosen(entry) {
  const query = new URLSearchParams(entry.style);
  if (entry.filter) query.set("filter", entry.filter);
  if (entry.time) query.set("time", entry.time);
  if (!entry.visible) query.set("hidden", "true");
  return query;
}

/** The address of the present view. */
export function viewLink() {
  const { lng, lat } = maps.main.getCenter().wrap();
  const zoom = maps.main.getZoom();
  const digits = Math.max(2, Math.ceil(zoom / 3) + 1);
  const hash = new URLSearchParams({ map: `${Number(zoom.toFixed(4))}/${lat.toFixed(digits)}/${lng.toFixed(digits)}` });
  const { catalog, entries, active, compare } = state;
  const [first, ...others] = entries;
  if (catalog.layers.length > 1) hash.set("layer", first.layer.id);
  if (state.groundChosen) hash.set("ground", state.ground);
  if (catalog.basemap && !state.basemap) hash.set("basemap", "off");
  if (!state.labels) hash.set("labels", "off");
  for (const [name, value] of chosen(first)) hash.set(name, value);
  for (const entry of others) {
    const query = chosen(entry);
    hash.append("also", query.size > 0 ? `${entry.layer.id}?${query}` : entry.layer.id);
  }
  if (active !== first) hash.set("active", String(entries.indexOf(active)));
  if (compare) hash.set("compare", `${entries.indexOf(compare.left)},${entries.indexOf(compare.right)},${compare.at}`);
  return new URL(`#${hash}`.replaceAll("%2F", "/").replaceAll("%2C", ",").replaceAll("%3A", ":"), location.href).href;
}

let written = "";
const remember = debounce(() => {
  written = viewLink();
  history.replaceState(null, "", written);
}, 200);

/** Keeps the address up to date, and follows it when it is changed by hand or by going back. */
export function followAddress() {
  on(["style", "entries", "ground", "compare", "moved"], remember);
  addEventListener("hashchange", async () => {
    if (location.href === written) return;
    const view = await recall();
    for (const change of /** @type {const} */ (["compare", "ground", "entries"])) announce(change);
    if (view) maps.main.jumpTo(view);
  });
}

/** Takes the state from the address; returns the view in it, if there is one. */
export async function recall() {
  const hash = new URLSearchParams(location.hash.slice(1));
  for (const part of ["layer", "style", "place"]) mended(`link ${part}`);
  const ground = hash.get("ground");
  state.groundChosen = ground === "light" || ground === "dark";
  state.ground = state.groundChosen ? /** @type {"light" | "dark"} */ (ground) : preferredGround();
  state.basemap = hash.get("basemap") !== "off";
  state.labels = hash.get("labels") !== "off";
  state.compare = undefined;
  const others = await Promise.all(hash.getAll("also").map((text) => {
    const [id, query] = [text.split("?")[0], text.split("?").slice(1).join("?")];
    return readEntry(id, new URLSearchParams(query));
  }));
  const first = await firstEntry(hash);
  state.entries = [first, ...others.filter((entry) => entry !== undefined)];
  state.active = state.entries[Number(hash.get("active") ?? 0)] ?? first;
  const [left, right, at] = (hash.get("compare") ?? "").split(",").map(Number);
  if (state.entries[left] && state.entries[right]) {
    state.compare = { left: state.entries[left], right: state.entries[right], at: at >= 0 && at <= 1 ? at : 0.5 };
  }
  return readView(hash.get("map"));
}

/** The entry of the bare parameters. A layer that isn't here is replaced by the first. @param {URLSearchParams} hash */
async function firstEntry(hash) {
  const { layers } = state.catalog;
  const id = hash.get("layer") ?? layers[0].id;
  if (layers.some((layer) => layer.id === id)) return /** @type {Entry} */ (await readEntry(id, hash));
  complain("link layer", words.unknownLayer(id, layers[0].name ?? layers[0].id));
  return makeEntry(layers[0]);
}

/** @param {string} id @param {URLSearchParams} query @returns {Promise<Entry | undefined>} */
async function readEntry(id, query) {
  const layer = state.catalog.layers.find((candidate) => candidate.id === id);
  if (!layer) {
    complain("link layer", words.unknownLayerLeftOut(id));
    return undefined;
  }
  let wish = [...query].filter(([name]) => PARAMETERS.includes(name) || name === "filter" || name === "time");
  if (layer.stored) wish = [];
  try {
    if (wish.length > 0) await check(id, wish);
  } catch (problem) {
    if (!(problem instanceof AnswerError) || problem.status !== 400) throw problem;
    wish = await legal(id, wish, problem.message);
  }
  const { filter = "", time = "", ...style } = Object.fromEntries(wish);
  return makeEntry(layer, { style, filter, time, visible: query.get("hidden") !== "true" });
}

/** @param {string} id @param {string[][]} wish */
const check = (id, wish) => ask(`${encodeURIComponent(id)}?${new URLSearchParams(wish)}`);

/** Those parameters that the server takes, each by itself and together.
 *  @param {string} id @param {[string, string][]} wish @param {string} problem the server's words on all of them */
async function legal(id, wish, problem) {
  let said = problem;
  /** @type {[string, string][]} */
  const taken = [];
  for (const pair of wish) {
    try {
      await check(id, [...taken, pair]);
      taken.push(pair);
    } catch (refusal) {
      if (refusal instanceof AnswerError) said = refusal.message;
    }
  }
  complain("link style", words.leftOut(said));
  return taken;
}

/** @param {string | null} text zoom/latitude/longitude */
function readView(text) {
  if (text === null) return undefined;
  const [zoom, lat, lng] = text.split("/").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if ([zoom, lat, lng].every(Number.isFinite) && Math.abs(lat) <= 90 && zoom >= 0 && zoom <= 24) {
    return { zoom, center: /** @type {[number, number]} */ ([lng, Math.max(-85, Math.min(85, lat))]) };
  }
  complain("link place", words.badView(text));
  return undefined;
}
