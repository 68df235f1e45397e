// @ts-check
// The map: its layers follow the state, and its events reach the other modules.

import { AttributionControl, FullscreenControl, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import { drawGround, groundStyle, LABELS } from "./ground.js";
import { firstPicture, removeFirstPicture } from "./first-picture.js";
import { complain, mended } from "./notices.js";
import { showPlaces } from "./places.js";
import { on, announce, shown, state } from "./state.js";
import { words } from "./strings.js";
import { fade, mapTiles } from "./style.js";
import { prepareTiles, setTiles, tilesOf } from "./tiles.js";

/** @typedef {import("./state.js").Entry} Entry */

const root = document.documentElement;
/** The map, and in a comparison the second one that lies over its right part. */
export const maps = {
  main: /** @type {GlMap} */ (/** @type {unknown} */ (undefined)),
  right: /** @type {GlMap | undefined} */ (undefined),
};
/** Answers that the page waits for before it is ready. */
let pending = 0;

/** The zoom of the tiles in sight: MapLibre counts zooms of 512 px and takes the nearest. */
export const tileZoom = () => Math.max(0, Math.round(maps.main.getZoom() + 1));

/** The worker of another origin is checked against its digest, then started from memory. */
export async function prepareWorker() {
  const url = import.meta.resolve("maplibre-gl/worker");
  if (new URL(url).origin === location.origin) return setWorkerUrl(url);
  const { integrity } = JSON.parse(document.querySelector("script[type=importmap]")?.textContent ?? "{}");
  const response = await fetch(url, { integrity: integrity?.[url] });
  setWorkerUrl(URL.createObjectURL(new Blob([await response.text()], { type: "text/javascript" })));
}

/** A map of the ground alone. @param {string} container @param {any} view */
export function newMap(container, view) {
  const map = new GlMap({
    container, ...view, maxZoom: 22, maxPitch: 0, dragRotate: false, pitchWithRotate: false,
    attributionControl: false, style: groundStyle(), fadeDuration: 0,
    // Pictures of the view are taken from the canvas.
    canvasContextAttributes: { preserveDrawingBuffer: true },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.on("error", (event) => failed(/** @type {any} */ (event)));
  map.on("data", (event) => {
    const { dataType, sourceId, tile } = /** @type {any} */ (event);
    if (dataType === "source" && tile?.state === "loaded") mended(subjectOf(sourceId));
  });
  map.on("idle", settle);
  // Tiles are asked for as soon as they can be, not only once the ground is there.
  map.once("style.load", () => {
    isStyled.add(map);
    showPlaces(map);
    syncMaps();
  });
  return map;
}

/** Sources whose tiles are asked for again in a moment, and those that were already. @type {Map<string, boolean>} */
const retries = new Map();

/** Shows why tiles failed. A server that is busy or away is asked again first. @param {any} event */
function failed({ error, sourceId }) {
  const { status } = error ?? {};
  const passes = sourceId?.startsWith("heat-") && (!status || status >= 500);
  if (passes && !retries.has(sourceId)) {
    retries.set(sourceId, false);
    setTimeout(() => {
      retries.set(sourceId, true);
      reloadTiles(sourceId);
      setTimeout(() => retries.delete(sourceId), 5000);
    }, 1500);
  }
  if (passes && !retries.get(sourceId)) return;
  complain(subjectOf(sourceId), error);
  // The map is at rest although nothing was drawn.
  for (const map of allMaps()) map.triggerRepaint();
}

/** @param {string | undefined} source */
const subjectOf = (source) => `tiles ${source ?? ""}`;

/** @param {any} view @param {(place: { lng: number, lat: number } | undefined) => void} point */
export function createMap(view, point) {
  prepareTiles();
  const map = newMap("map", view);
  maps.main = map;
  uncover(map);
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  if (document.fullscreenEnabled) map.addControl(new FullscreenControl({ container: document.body }), "top-right");
  map.addControl(new AttributionControl({ compact: false, customAttribution: words.credits }), "bottom-right");
  map.addControl(new ScaleControl({ maxWidth: 90 }), "bottom-right");
  map.getCanvas().setAttribute("aria-label", words.mapLabel);
  map.on("movestart", () => {
    unsettle();
    for (const each of allMaps()) setFade(each, 100);
  });
  map.on("moveend", () => announce("moved"));
  map.on("mousemove", ({ lngLat }) => point(lngLat));
  map.on("click", ({ lngLat }) => point(lngLat));
  map.on("mouseout", () => point(undefined));
  on(["style", "entries", "compare"], syncMaps);
  on(["ground"], () => {
    for (const each of allMaps()) drawGround(each);
    syncMaps();
  });
}

/** Takes the first picture away once the map shows the same, or something else. @param {GlMap} map */
function uncover(map) {
  const { view } = firstPicture;
  const { lng, lat } = map.getCenter();
  const isSame = view && Math.abs(map.getZoom() - view.zoom) < 1e-3
    && Math.abs(lng - view.center[0]) + Math.abs(lat - view.center[1]) < 1e-3;
  if (!isSame) return removeFirstPicture();
  map.once("idle", removeFirstPicture);
  map.once("movestart", removeFirstPicture);
  map.once("resize", removeFirstPicture);
  on(["style", "entries", "ground"], removeFirstPicture);
}

export const allMaps = () => [maps.main, maps.right].filter((map) => map !== undefined);

/** Shows the state's entries on the map, or one on each side of a comparison. */
export function syncMaps() {
  unsettle();
  const { compare } = state;
  sync(maps.main, compare ? [compare.left] : shown());
  if (maps.right && compare) sync(maps.right, [compare.right]);
  // A change that the maps don't show makes them draw nothing.
  settle();
}

/** The maps that take layers already. @type {WeakSet<GlMap>} */
const isStyled = new WeakSet();
/** The address of the tiles that each source of a map shows. @type {WeakMap<GlMap, Map<string, string>>} */
const shownTiles = new WeakMap();

/** @param {GlMap} map @param {Entry[]} entries */
function sync(map, entries) {
  if (!isStyled.has(map)) return;
  const wanted = entries.map((entry) => `heat-${entry.key}`);
  const present = map.getStyle().layers.map(({ id }) => id).filter((id) => id.startsWith("heat-"));
  for (const id of present) if (!wanted.includes(id)) map.removeLayer(id).removeSource(id);
  const known = shownTiles.get(map) ?? new Map();
  shownTiles.set(map, known);
  for (const [i, entry] of entries.entries()) {
    const id = wanted[i];
    const tiles = mapTiles(entry);
    setTiles(id, tiles);
    if (!map.getSource(id)) {
      map.addSource(id, heatSource(id, entry));
      map.addLayer({ id, type: "raster", source: id, paint: { "raster-opacity": fade(entry), "raster-fade-duration": 0 } });
    } else if (known.get(id) !== tiles) {
      // The old tiles stay until the new ones are here, and these replace them at once.
      mended(subjectOf(id));
      map.refreshTiles(id);
    }
    known.set(id, tiles);
    // A property that is set makes the map draw, even if it is the same.
    if (map.getPaintProperty(id, "raster-opacity") !== fade(entry)) map.setPaintProperty(id, "raster-opacity", fade(entry));
  }
  order(map, wanted);
}

/** Puts the layers of heat over the ground, below the preview of a file and below what lies over heat. Moving a layer draws the map anew, so
 *  nothing is moved that is in place. @param {GlMap} map @param {string[]} wanted */
function order(map, wanted) {
  const layers = map.getStyle().layers.map(({ id }) => id);
  const top = [...wanted, ...layers.filter((id) => id === "preview"), ...layers.filter((id) => id.startsWith(LABELS))];
  if (top.every((id, i) => id === layers[layers.length - top.length + i])) return;
  for (const id of top) map.moveLayer(id);
}

/** @param {string} id @param {Entry} entry @returns {import("maplibre-gl").RasterSourceSpecification} */
function heatSource(id, { about }) {
  // The source has no bounds, since heat reaches further than its points.
  return {
    type: "raster", tileSize: about.tileSize ?? 256, tiles: [tilesOf(id)],
    minzoom: about.minzoom ?? 0, maxzoom: about.maxzoom ?? 24, attribution: about.attribution ?? "",
  };
}

/** Asks for the tiles of a source again, after some have failed. @param {string} id */
function reloadTiles(id) {
  for (const map of allMaps()) if (map.getSource(id)) map.refreshTiles(id);
}

/** Asks for the tiles of an entry again. @param {Entry} entry */
export const reloadEntry = ({ key }) => reloadTiles(`heat-${key}`);

/** @param {GlMap} map @param {number} ms */
function setFade(map, ms) {
  for (const { id } of map.getStyle()?.layers ?? []) {
    if (id.startsWith("heat-")) map.setPaintProperty(id, "raster-fade-duration", ms);
  }
}

/** Holds the page's readiness back until a question is answered. @template T @param {Promise<T>} answer */
export async function awaited(answer) {
  pending += 1;
  try {
    return await answer;
  } finally {
    pending -= 1;
    settle();
  }
}

const unsettle = () => delete root.dataset.ready;
const isSettled = () => "ready" in root.dataset;
/** Actions that wait until the map shows what was asked for before. @type {Set<() => void>} */
const waiting = new Set();

/** An action for a slider: done at once if the map shows what was asked for before, else as soon as it does, or once
 *  the action has not been asked for during `ms`. So the map follows a slider as closely as it can, and a slow one
 *  draws only where the slider rests. @param {() => void} action @param {number} ms */
export function paced(action, ms) {
  let timer = 0;
  const act = () => {
    clearTimeout(timer);
    waiting.delete(act);
    action();
  };
  return () => {
    if (isSettled()) return act();
    clearTimeout(timer);
    timer = window.setTimeout(act, ms);
    waiting.add(act);
  };
}

/** Sets the page ready once every tile is drawn and all legends belong to them. */
export function settle() {
  const still = allMaps().every((map) => map?.loaded() && map.areTilesLoaded() && !map.isMoving());
  if (!maps.main || !still || pending > 0) return;
  root.dataset.ready = "true";
  for (const act of [...waiting]) act();
}
