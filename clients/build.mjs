// Makes the files of each package that browsers load: a module and a plain script, without imports
// of each other.
//
//   node clients/build.mjs        writes clients/*/dist

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const NOTE = "// Made by clients/build.mjs of heatsplat. MIT OR Apache-2.0\n";

/** The text of a module without its imports and exports, after those that it imports. */
function inlined(file) {
  const text = readFileSync(join(here, file), "utf8");
  const before = [...text.matchAll(/^import .* from "\.\.\/(.*)";$/gm)].map(([, path]) => inlined(path));
  return before.join("") + text.replace(/^import .*;\n/gm, "").replace(/^export .*;\n/gm, "");
}

/** Writes the files of a package: `module` and `script` make them from the joined text. */
function write(name, module, script) {
  const folder = join(here, name, "dist");
  mkdirSync(folder, { recursive: true });
  const text = inlined(`${name}/${name}.mjs`);
  writeFileSync(join(folder, `heatsplat-${name}.mjs`), NOTE + module(text));
  writeFileSync(join(folder, `heatsplat-${name}.js`), `${NOTE}(() => {\n"use strict";\n${script(text)}})();\n`);
}

/** The server that a script's element names, like data-server="https://heat.example.org". */
const SERVER = "const server = document.currentScript?.dataset.server ?? location.origin;\n";

write(
  "leaflet",
  (text) => `import * as L from "leaflet";\n${text}
export { extend };
export const { Heatsplat, HeatsplatLegend, HeatLayer, heatsplat, heatLayer } = extend(L);\n`,
  (text) => `${SERVER}${text}Object.assign(globalThis.L, extend(globalThis.L, server));\n`,
);

write(
  "maplibre",
  (text) => `${text}
export { addHeatsplat, addHeatPoints };\n`,
  (text) => `${SERVER}${text}globalThis.heatsplat = {
  addHeatsplat, addHeatPoints: (map, points, options) => addHeatPoints(map, points, { server, ...options }),
};\n`,
);

write(
  "openlayers",
  (text) => `import TileLayer from "ol/layer/Tile.js";
import XYZ from "ol/source/XYZ.js";
import Control from "ol/control/Control.js";
import Overlay from "ol/Overlay.js";
import { toLonLat } from "ol/proj.js";
${text}
export const { Heatsplat } = extend({ TileLayer, XYZ, Control, Overlay, toLonLat });\n`,
  (text) => `${text}const { layer, source, control, Overlay, proj } = globalThis.ol;
globalThis.heatsplat = extend({
  TileLayer: layer.Tile, XYZ: source.XYZ, Control: control.Control, Overlay, toLonLat: proj.toLonLat,
});\n`,
);

write(
  "heatmapjs",
  (text) => `${text}
export { Heatmap, create };
export default { create };\n`,
  (text) => `${SERVER}${text}globalThis.h337 = { create: (config) => create({ server, ...config }) };\n`,
);
