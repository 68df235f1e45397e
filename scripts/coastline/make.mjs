// Natural Earth and GeoNames → the viewer's base map: `land.geojson` for the first view, `labels.json` with
// names of countries and large cities, and `detail.json` for higher zooms.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { names } from "./names.mjs";
import { world } from "./world.mjs";

/** The last zoom of MapLibre for which `land.geojson` and `labels.json` suffice. */
const FIRST = 5;

const [cities, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: make.mjs CITIES.csv.gz FOLDER");
  process.exit(2);
}
const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`);

// 0.01° is half a pixel at zoom 5; more digits would only be bytes.
const coarse = world("countries-50m.json", { corner: 0.007, ring: 0.005, decimals: 2 });
const feature = (kind, type, coordinates) => ({ type: "Feature", properties: { kind }, geometry: { type, coordinates } });
write("land.geojson", {
  type: "FeatureCollection",
  features: [feature("land", "MultiPolygon", coarse.land), feature("border", "MultiLineString", coarse.borders)],
});

// Steps from corner to corner are small numbers, which pack into half the bytes.
const FACTOR = 1000;
function steps(line) {
  let [lastX, lastY] = [0, 0];
  return line.flatMap(([longitude, latitude]) => {
    const [x, y] = [Math.round(longitude * FACTOR), Math.round(latitude * FACTOR)];
    const step = [x - lastX, y - lastY];
    [lastX, lastY] = [x, y];
    return step;
  });
}
const fine = world("countries-10m.json", { corner: 0.0004, ring: 0.0005, decimals: 3 });
const { first, more } = names(cities, FIRST);
write("labels.json", first);
write("detail.json", { factor: FACTOR, land: fine.land.map((rings) => rings.map(steps)), borders: fine.borders.map(steps), ...more });
