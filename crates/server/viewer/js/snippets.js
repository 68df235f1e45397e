// @ts-check
// Code that shows an entry in other programs.

import { maps } from "./map.js";
import { address } from "./server.js";
import { layerPath, parameters, sharedTiles, styleOf, written } from "./style.js";

/** @typedef {import("./state.js").Entry} Entry */

const quoted = (/** @type {string} */ text) => JSON.stringify(text);
/** A word for a POSIX shell. @param {string} text */
const shellWord = (text) => (/^[\w./:=,%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);

/** The snippets for an entry. @param {Entry} entry @returns {{ name: string, text: string }[]} */
export function snippets(entry) {
  const tiles = sharedTiles(entry);
  const { lat, lng } = maps.main.getCenter().wrap();
  const zoom = maps.main.getZoom();
  const near = (/** @type {number} */ n) => Number(n.toFixed(4));
  const place = { lat: near(lat), lng: near(lng), zoom: Number(zoom.toFixed(1)), whole: Math.round(zoom + 1) };
  const credit = entry.about.attribution ?? "";
  const size = entry.about.tileSize ?? 256;
  const all = [
    { name: "Leaflet", text: leaflet(tiles, credit, place, size) },
    { name: "MapLibre", text: maplibre(tiles, credit, size) },
    { name: "OpenLayers", text: openlayers(tiles, credit, size) },
    { name: "QGIS", text: qgis(entry, tiles) },
    { name: "Python", text: python(entry, tiles, credit, place) },
  ];
  if (entry.layer.stored) return all;
  return [...all, { name: "heatsplat render", text: render(entry) }, { name: "heatsplat.toml", text: config(entry) }];
}

/** @typedef {{ lat: number, lng: number, zoom: number, whole: number }} Place */

/** @param {string} tiles @param {string} credit @param {Place} place @param {number} size */
const leaflet = (tiles, credit, { lat, lng, whole }, size) =>
  `const map = L.map("map").setView([${lat}, ${lng}], ${whole});
L.tileLayer("https://tile.openstreetmap.org/{z}/{x}/{y}.png", {
  attribution: "© OpenStreetMap",
}).addTo(map);
L.tileLayer(${quoted(tiles)}, {
  attribution: ${quoted(credit)},${size === 512 ? "\n  tileSize: 512,\n  zoomOffset: -1," : ""}
}).addTo(map);
`;

/** @param {string} tiles @param {string} credit @param {number} size */
const maplibre = (tiles, credit, size) =>
  `map.addSource("heat", {
  type: "raster",
  tiles: [${quoted(tiles)}],
  tileSize: ${size},
  attribution: ${quoted(credit)},
});
map.addLayer({ id: "heat", type: "raster", source: "heat" });
`;

/** @param {string} tiles @param {string} credit @param {number} size */
const openlayers = (tiles, credit, size) =>
  `import TileLayer from "ol/layer/Tile.js";
import XYZ from "ol/source/XYZ.js";

map.addLayer(new TileLayer({
  source: new XYZ({
    url: ${quoted(tiles)},
    attributions: ${quoted(credit)},${size === 512 ? "\n    tileSize: 512," : ""}
  }),
}));
`;

/** @param {Entry} entry @param {string} tiles */
function qgis(entry, tiles) {
  const xyz = `Layer > Add Layer > Add XYZ Layer, with the URL\n${tiles}\n`;
  if (entry.layer.stored) return xyz;
  const query = parameters(entry, { all: true });
  query.set("data", "float32");
  return `${xyz}\nThe values themselves: Layer > Add Layer > Add Raster Layer,\nProtocol: HTTP(S), with the URI\n${
    address(layerPath(entry, `gdal.xml${written(query)}`))}\n`;
}

/** @param {Entry} entry @param {string} tiles @param {string} credit @param {Place} place */
const python = (entry, tiles, credit, { lat, lng, whole }) =>
  `import folium

map = folium.Map([${lat}, ${lng}], zoom_start=${whole})
folium.TileLayer(
    ${quoted(tiles)},
    attr=${quoted(credit || "heatsplat")},
    name=${quoted(entry.layer.name ?? entry.layer.id)},
    overlay=True,
).add_to(map)
map.save("map.html")
`;

/** The style as flags, without what is the default anyway. @param {Entry} entry */
function flags(entry) {
  const query = parameters(entry, { all: true });
  query.delete("reverse");
  const words = [...query].flatMap(([name, value]) => [`--${name}`, shellWord(value)]);
  if (styleOf(entry).reverse === "true") words.push("--reverse");
  return words;
}

/** @param {Entry} entry */
function render(entry) {
  const bounds = maps.main.getBounds();
  const { clientWidth, clientHeight } = maps.main.getContainer();
  const edges = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  const width = edges[2] - edges[0];
  // A view wider than the world is the whole world.
  const box = width >= 360 ? [-180, edges[1], 180, edges[3]] : edges;
  const lines = [
    "heatsplat render FILE", "-o map.png", `--bbox=${box.map((edge) => Number(edge.toFixed(4))).join(",")}`,
    `--size ${clientWidth}x${clientHeight}`,
  ];
  const style = flags(entry);
  for (let i = 0; i < style.length; i += 2) lines.push(style.slice(i, i + 2).join(" "));
  return `${lines.join(" \\\n  ")}\n`;
}

/** @param {Entry} entry */
function config(entry) {
  const query = parameters(entry, { all: true });
  const filter = query.get("filter");
  query.delete("filter");
  const value = (/** @type {string} */ name, /** @type {string} */ text) =>
    ["reverse", "steps", "isolines"].includes(name) ? text : quoted(text);
  return `[[layers]]
name = ${quoted(entry.layer.name ?? entry.layer.id)}
file = "FILE"
${filter ? `filter = ${quoted(filter)}\n` : ""}
[layers.style]
${[...query].map(([name, text]) => `${name} = ${value(name, text)}`).join("\n")}
`;
}
