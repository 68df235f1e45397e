// Names of countries and cities for the viewer's base map, each with the zoom from which on it has room.
//
// Zooms are those of MapLibre, whose world is 512 px wide at zoom 0.

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { area, countries } from "./world.mjs";

const WORLD = 512;
/** A country is named where the square of its area has a side of so many px. */
const ROOM_OF_COUNTRY = 42;
/** No two cities of a zoom are nearer than this, in px; names are wide and low. */
const ROOM_OF_CITY = { width: 70, height: 28 };
/** The least population of a city that is named at a zoom. */
const LEAST = { 2: 3e6, 3: 1e6, 4: 4e5, 5: 2e5, 6: 1e5, 7: 5e4 };
/** Positions have two decimals: two pixels at zoom 7. */
const DECIMALS = 100;

const mercatorX = (longitude) => longitude / 360 + 0.5;
const mercatorY = (latitude) =>
  0.5 - Math.asinh(Math.tan((Math.max(-85, Math.min(85, latitude)) * Math.PI) / 180)) / (2 * Math.PI);

/** The distance of a place from the nearest edge of a polygon; negative outside of it. */
function depth([x, y], rings) {
  let [inside, nearest] = [false, Infinity];
  for (const ring of rings) {
    ring.forEach(([ax, ay], i) => {
      const [bx, by] = ring[(i + 1) % ring.length];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
      const [dx, dy] = [bx - ax, by - ay];
      const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
      nearest = Math.min(nearest, Math.hypot(ax + t * dx - x, ay + t * dy - y));
    });
  }
  return inside ? nearest : -nearest;
}

/** The place deepest in a polygon, of a grid that is made finer around the best. */
function deepest(rings) {
  const [xs, ys] = [0, 1].map((axis) => rings[0].map((p) => p[axis]));
  let box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  let best = [box[0], box[1], -Infinity];
  for (let round = 0; round < 4; round += 1) {
    const [width, height] = [(box[2] - box[0]) / 16, (box[3] - box[1]) / 16];
    for (let i = 0; i <= 16; i += 1) {
      for (let j = 0; j <= 16; j += 1) {
        const place = [box[0] + i * width, box[1] + j * height];
        const d = depth(place, rings);
        if (d > best[2]) best = [...place, d];
      }
    }
    box = [best[0] - width, best[1] - height, best[0] + width, best[1] + height];
  }
  return best;
}

/** Countries in the order of their size: name, position, zoom. */
function namedCountries() {
  const named = countries("countries-50m.json").map(({ name, polygons }) => {
    const flat = polygons.map((rings) =>
      rings.map((ring) => ring.map(([lon, lat]) => [mercatorX(lon), mercatorY(lat)])));
    const size = (rings) => Math.abs(area(rings[0]));
    const largest = flat.reduce((a, b) => (size(b) > size(a) ? b : a));
    const [x, y] = deepest(largest);
    const zoom = Math.log2(ROOM_OF_COUNTRY / WORLD / Math.sqrt(size(largest)));
    const latitude = (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
    return { name, x: (x - 0.5) * 360, y: latitude, zoom: Math.max(1, Math.min(6, Math.round(zoom))), size: size(largest) };
  });
  return named.sort((a, b) => b.size - a.size);
}

/** Cities in the order of their population: name, position, zoom. Of those that would stand close together the
 *  largest is named first. */
function namedCities(csv) {
  const cities = gunzipSync(readFileSync(csv)).toString().trim().split("\n").slice(1).map((line) => {
    const [, name, x, y, population] = /^("(?:[^"]|"")*"|[^,]*),[^,]*,([^,]*),([^,]*),(.*)$/.exec(line);
    return { name: name.replace(/^"|"$/g, "").replaceAll('""', '"'), x: Number(x), y: Number(y), population: Number(population) };
  });
  cities.sort((a, b) => b.population - a.population || (a.name < b.name ? -1 : 1));
  const placed = [];
  for (const [zoom, least] of Object.entries(LEAST)) {
    const world = WORLD * 2 ** zoom;
    for (const city of cities) {
      if (city.population < least) break;
      if (city.zoom) continue;
      const isFree = placed.every((other) =>
        Math.abs(mercatorX(other.x) - mercatorX(city.x)) * world > ROOM_OF_CITY.width ||
        Math.abs(mercatorY(other.y) - mercatorY(city.y)) * world > ROOM_OF_CITY.height);
      if (!isFree) continue;
      city.zoom = Number(zoom);
      placed.push(city);
    }
  }
  return placed;
}

/** Names grouped by zoom, which packs best: `[zoom, names, [longitude, latitude, …]]`. */
function grouped(named) {
  const zooms = [...new Set(named.map(({ zoom }) => zoom))].sort((a, b) => a - b);
  return zooms.map((zoom) => {
    const group = named.filter((each) => each.zoom === zoom);
    const round = (n) => Math.round(n * DECIMALS) / DECIMALS + 0;
    return [zoom, group.map(({ name }) => name), group.flatMap(({ x, y }) => [round(x), round(y)])];
  });
}

/** Names for the first view, and those that only higher zooms have. */
export function names(csv, most) {
  const cities = namedCities(csv);
  return {
    first: { countries: grouped(namedCountries()), cities: grouped(cities.filter(({ zoom }) => zoom <= most)) },
    more: { cities: grouped(cities.filter(({ zoom }) => zoom > most)) },
  };
}
