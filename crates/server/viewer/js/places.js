// @ts-check
// Names of countries and cities over the heat, and finer coasts and borders under it, which are
// loaded only where the map is near enough to show them.

import { LABELS } from "./ground.js";
import { awaited } from "./map.js";
import { address } from "./server.js";

/** @typedef {import("maplibre-gl").Map} GlMap */
/** @typedef {[zoom: number, names: string[], places: number[]][]} Names */

/** The zoom from which on the coast of the first view is too coarse. */
const NEAR = 5;

/** @type {Map<string, Promise<any>>} */
const files = new Map();
/** A file of the base map, loaded once. @param {"labels" | "detail"} name */
function file(name) {
  const asked = files.get(name)
    ?? fetch(address(document.body.dataset[name] ?? "")).then((response) => response.json());
  files.set(name, asked);
  // What has failed is asked for again the next time.
  asked.catch(() => files.delete(name));
  return asked;
}

/** @param {import("geojson").Geometry} geometry @param {Record<string, any>} properties */
const feature = (geometry, properties) => ({ type: /** @type {const} */ ("Feature"), properties, geometry });

/** @param {import("geojson").Feature[]} features */
const collection = (features) => ({ type: /** @type {const} */ ("FeatureCollection"), features });

/** The names of a file; the first of each zoom are the most important. @param {{ countries?: Names, cities: Names }} file */
function namesOf({ countries = [], cities }) {
  const points = (/** @type {Names} */ groups, /** @type {string} */ kind) =>
    groups.flatMap(([zoom, names, at]) => names.map((name, i) =>
      feature({ type: "Point", coordinates: [at[2 * i], at[2 * i + 1]] }, { kind, name, zoom, rank: zoom * 1e4 + i })));
  return [...points(countries, "country"), ...points(cities, "city")];
}

/** Corners from the steps between them. @param {number[]} steps @param {number} factor */
function corners(steps, factor) {
  let [x, y] = [0, 0];
  const line = [];
  for (let i = 0; i + 1 < steps.length; i += 2) {
    x += steps[i];
    y += steps[i + 1];
    line.push([x / factor, y / factor]);
  }
  return line;
}

/** Land and borders of the file for near views. @param {{ factor: number, land: number[][][], borders: number[][] }} file */
function coastOf({ factor, land, borders }) {
  const line = (/** @type {number[]} */ steps) => corners(steps, factor);
  return collection([
    feature({ type: "MultiPolygon", coordinates: land.map((rings) => rings.map(line)) }, { kind: "land" }),
    feature({ type: "MultiLineString", coordinates: borders.map(line) }, { kind: "border" }),
  ]);
}

/** Shows names on a map, and more of all where it is near. A map without them is still a map: a file that can't
 *  be loaded is asked for again with the next move. @param {GlMap} map */
export function showPlaces(map) {
  let [hasNames, hasDetail] = [false, false];
  const set = (/** @type {string} */ id, /** @type {import("geojson").GeoJSON} */ data) =>
    /** @type {import("maplibre-gl").GeoJSONSource | undefined} */ (map.getSource(id))?.setData(data);
  const show = async () => {
    const isNear = map.getZoom() >= NEAR;
    if ((hasNames && !isNear) || hasDetail) return;
    try {
      const first = await awaited(file("labels"));
      const detail = isNear && await awaited(file("detail"));
      if (hasDetail || (hasNames && !detail)) return;
      hasNames = true;
      set(LABELS, collection([...namesOf(first), ...(detail ? namesOf(detail) : [])]));
      if (!detail) return;
      hasDetail = true;
      set("land", coastOf(detail));
    } catch {
      // The next move asks again.
    }
  };
  map.on("moveend", show);
  show();
}
