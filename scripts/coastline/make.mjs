// Natural Earth land and country borders → one small GeoJSON for the viewer's base map.
//
// Land and borders come from one topology and are simplified together, so that a border
// still ends exactly on the coast it ended on before.

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import { feature, mesh } from "topojson-client";
import { filter, filterWeight, presimplify, simplify } from "topojson-simplify";

/** A corner is kept when the triangle it makes weighs more (square degrees at the equator). */
const SMALLEST_CORNER = 0.007;
/** Islands that weigh less are dropped. */
const SMALLEST_RING = 0.005;
/** 0.01° is a pixel at zoom 6; more digits would only be bytes. */
const DECIMALS = 2;

const [output] = process.argv.slice(2);
if (!output) {
  console.error("usage: make.mjs OUTPUT.geojson");
  process.exit(2);
}

/** Degrees of longitude shrink towards the poles: weights are true areas, or fjords would eat the bytes. */
const thrift = (latitude) => Math.cos((latitude * Math.PI) / 180);
function area(ring) {
  let twice = 0;
  ring.forEach(([x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    twice += x * nextY - nextX * y;
  });
  return twice / 2;
}
function weight(triangle) {
  return Math.abs(area(triangle)) * thrift(triangle[1][1]);
}

const atlas = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
const weighted = presimplify(JSON.parse(readFileSync(atlas, "utf8")), weight);
const corners = simplify(weighted, SMALLEST_CORNER);
const topology = filter(corners, filterWeight(corners, SMALLEST_RING, (ring) => Math.abs(area(ring)) * thrift(ring[0][1])));

// On the sphere the rings around ±180° and the pole are whole. Projecting cuts them there;
// taking the coordinates as they are would draw streaks right across the map.
const plate = geoEquirectangular()
  .scale(180 / Math.PI)
  .translate([0, 0])
  .reflectY(true)
  .precision(0);

const land = geoProject(feature(topology, topology.objects.land).features[0].geometry, plate);
// A line that two countries share, so that no coast is drawn twice.
const borders = geoProject(mesh(topology, topology.objects.countries, (a, b) => a !== b), plate);

const factor = 10 ** DECIMALS;
const round = ([x, y]) => [Math.round(x * factor) / factor + 0, Math.round(y * factor) / factor + 0];
const tidy = (line) =>
  line.map(round).filter((p, i, all) => i === 0 || p[0] !== all[i - 1][0] || p[1] !== all[i - 1][1]);

const polygons = land.coordinates
  .map((rings) => rings.map(tidy).filter((ring) => ring.length >= 4))
  .filter((rings) => rings.length > 0);
const lines = borders.coordinates.map(tidy).filter((line) => line.length >= 2);

const collection = {
  type: "FeatureCollection",
  features: [
    { type: "Feature", properties: { kind: "land" }, geometry: { type: "MultiPolygon", coordinates: polygons } },
    { type: "Feature", properties: { kind: "border" }, geometry: { type: "MultiLineString", coordinates: lines } },
  ],
};
writeFileSync(output, `${JSON.stringify(collection)}\n`);
