// @ts-check
// The map: its layers follow the state, and its events reach the other modules.

import { AttributionControl, FullscreenControl, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import { drawGround, groundStyle } from "./ground.js";
import { firstPicture, removeFirstPicture } from "./first-picture.js";
import { complain, mended } from "./notices.js";
import { on, announce, shown, state } from "./state.js";
import { words } from "./strings.js";
import { fade, mapTiles } from "./style.js";

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
    attributionControl: false, style: groundStyle(),
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
    syncMaps();
  });
  return map;
}

/** Sources whose tiles are asked for again in a moment, and those that were already. @type {Map<string, boolean>} */
const retries = new Map();

/** Shows why tiles failed. A server that is busy or away is asked again first. @param {any} event */
async function failed({ error, sourceId }) {
  const { status, body } = error ?? {};
  const passes = sourceId?.startsWith("heat-") && (status === undefined || status >= 500);
  if (passes && !retries.has(sourceId)) {
    retries.set(sourceId, false);
    setTimeout(() => {
      retries.set(sourceId, true);
      reloadTiles(sourceId);
      setTimeout(() => retries.delete(sourceId), 5000);
    }, 1500);
  }
  if (passes && !retries.get(sourceId)) return;
  // The body of a refused tile has the error message.
  const answer = body instanceof Blob ? await body.text().then(JSON.parse).catch(() => undefined) : undefined;
  complain(subjectOf(sourceId), answer?.error ?? error);
}

/** @param {string | undefined} source */
const subjectOf = (source) => `tiles ${source ?? ""}`;

/** @param {any} view @param {(place: { lng: number, lat: number } | undefined) => void} point */
export function createMap(view, point) {
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
}

/** The maps that take layers already. @type {WeakSet<GlMap>} */
const isStyled = new WeakSet();
/** The tiles of each source of a map; the library knows them only once a source is loaded.
 *  @type {WeakMap<GlMap, Map<string, string>>} */
const tilesOf = new WeakMap();

/** @param {GlMap} map @param {Entry[]} entries */
function sync(map, entries) {
  if (!isStyled.has(map)) return;
  const wanted = entries.map((entry) => `heat-${entry.key}`);
  const present = map.getStyle().layers.map(({ id }) => id).filter((id) => id.startsWith("heat-"));
  for (const id of present) if (!wanted.includes(id)) map.removeLayer(id).removeSource(id);
  const known = tilesOf.get(map) ?? new Map();
  tilesOf.set(map, known);
  for (const [i, entry] of entries.entries()) {
    const id = wanted[i];
    const tiles = mapTiles(entry);
    const source = /** @type {import("maplibre-gl").RasterTileSource | undefined} */ (map.getSource(id));
    if (!source) {
      map.addSource(id, heatSource(entry, tiles));
      map.addLayer({ id, type: "raster", source: id, paint: { "raster-opacity": fade(entry), "raster-fade-duration": 0 } });
    } else if (known.get(id) !== tiles) {
      // The old tiles stay until the new ones are loaded, and these replace them at once.
      map.setPaintProperty(id, "raster-fade-duration", 0);
      mended(subjectOf(id));
      source.setTiles([tiles]);
    }
    known.set(id, tiles);
    map.setPaintProperty(id, "raster-opacity", fade(entry));
    map.moveLayer(id);
  }
  if (map.getLayer("preview")) map.moveLayer("preview");
}

/** @param {Entry} entry @param {string} tiles @returns {import("maplibre-gl").RasterSourceSpecification} */
function heatSource({ about }, tiles) {
  // The source has no bounds, since heat reaches further than its points.
  return {
    type: "raster", tileSize: about.tileSize ?? 256, tiles: [tiles],
    minzoom: about.minzoom ?? 0, maxzoom: about.maxzoom ?? 24, attribution: about.attribution ?? "",
  };
}

/** Asks for the tiles of a source again, after some have failed. @param {string} id */
function reloadTiles(id) {
  for (const map of allMaps()) {
    const source = /** @type {import("maplibre-gl").RasterTileSource | undefined} */ (map.getSource(id));
    const tiles = tilesOf.get(map)?.get(id);
    if (source && tiles) source.setTiles([tiles]);
  }
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

/** Sets the page ready once every tile is drawn and all legends belong to them. */
export function settle() {
  const still = allMaps().every((map) => map?.loaded() && map.areTilesLoaded() && !map.isMoving());
  if (maps.main && still && pending === 0) root.dataset.ready = "true";
}
