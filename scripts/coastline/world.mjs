// Natural Earth land and country borders, simplified for a zoom.
//
// Land and borders come from one topology and are simplified together, so that a border
// still ends exactly on the coast it ended on before.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { geoEquirectangular } from "d3-geo";
import { geoProject } from "d3-geo-projection";
import { feature, mesh } from "topojson-client";
import { filter, filterWeight, presimplify, simplify } from "topojson-simplify";

/** Degrees of longitude shrink towards the poles: weights are true areas, or fjords would eat the bytes. */
const thrift = (latitude) => Math.cos((latitude * Math.PI) / 180);

/** The area of a ring in square degrees; its sign tells which way round it goes. */
export function area(ring) {
  let twice = 0;
  ring.forEach(([x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    twice += x * nextY - nextX * y;
  });
  return twice / 2;
}
const weight = (triangle) => Math.abs(area(triangle)) * thrift(triangle[1][1]);

// On the sphere the rings around ±180° and the pole are whole. Projecting cuts them there;
// taking the coordinates as they are would draw streaks right across the map.
const plate = geoEquirectangular()
  .scale(180 / Math.PI)
  .translate([0, 0])
  .reflectY(true)
  .precision(0);

/** The topology of a file of the package world-atlas. */
export function atlas(file) {
  return JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`world-atlas/${file}`), "utf8"));
}

/**
 * Polygons of land and lines of borders. A corner is kept when the triangle it makes weighs more than
 * `corner` (square degrees at the equator); islands that weigh less than `ring` are dropped.
 */
export function world(file, { corner, ring, decimals }) {
  const corners = simplify(presimplify(atlas(file), weight), corner);
  const topology = filter(corners, filterWeight(corners, ring, (each) => Math.abs(area(each)) * thrift(each[0][1])));
  const land = geoProject(feature(topology, topology.objects.land).features[0].geometry, plate);
  // A line that two countries share, so that no coast is drawn twice.
  const borders = geoProject(mesh(topology, topology.objects.countries, (a, b) => a !== b), plate);

  const factor = 10 ** decimals;
  const round = ([x, y]) => [Math.round(x * factor) / factor + 0, Math.round(y * factor) / factor + 0];
  const tidy = (line) =>
    line.map(round).filter((p, i, all) => i === 0 || p[0] !== all[i - 1][0] || p[1] !== all[i - 1][1]);
  return {
    land: land.coordinates
      .map((rings) => rings.map(tidy).filter((each) => each.length >= 4))
      .filter((rings) => rings.length > 0),
    borders: borders.coordinates.map(tidy).filter((line) => line.length >= 2),
  };
}

/** The name of each country, with its polygons. */
export function countries(file) {
  const topology = atlas(file);
  return feature(topology, topology.objects.countries).features.map(({ properties, geometry }) => {
    const { type, coordinates } = geoProject(geometry, plate);
    return { name: properties.name, polygons: type === "Polygon" ? [coordinates] : coordinates };
  });
}
