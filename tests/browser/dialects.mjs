// Draws points by the heat maps that pages have, in Chromium, as raw straight RGBA.
//
//   `npm ci && node dialects.mjs POINTS.js FOLDER`
//
// POINTS.js holds an object: {size, points: [{x, y, lon, lat, value}], heatmapJs, simpleheat,
// heatcanvas, maplibre}, each of the last four the options of its map. FOLDER gets heatmap.js.rgba,
// simpleheat.rgba, heatcanvas.rgba and maplibre.rgba. HeatCanvas is no package: its picture is
// drawn by its formula and its colours.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { browserPath, FLAGS } from "./browser.mjs";

const [input, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node dialects.mjs POINTS.js FOLDER");
  process.exit(2);
}
const modules = join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const ORIGIN = "http://dialects.test";
const FILES = {
  "/heatmap.js": ["heatmap.js/build/heatmap.js", "text/javascript"],
  "/simpleheat.js": ["simpleheat/simpleheat.js", "text/javascript"],
};

/** In the page: a canvas's pixels, straight RGBA, as base64. */
function pixels(canvas) {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return btoa(text);
}

const DRAW = {
  "heatmap.js": ({ size, points, heatmapJs }) => {
    const container = document.body.appendChild(document.createElement("div"));
    container.style.cssText = `width:${size}px;height:${size}px`;
    const map = h337.create({ ...heatmapJs.options, container });
    map.setData({ ...heatmapJs.data, data: points.map(({ x, y, value }) => ({ x: Math.floor(x), y: Math.floor(y), value })) });
    return pixels(container.querySelector("canvas"));
  },
  simpleheat: ({ size, points, simpleheat: options }) => {
    const canvas = document.body.appendChild(document.createElement("canvas"));
    canvas.width = canvas.height = size;
    const heat = simpleheat(canvas).data(points.map(({ x, y, value }) => [Math.floor(x), Math.floor(y), value]));
    heat.max(options.max).radius(options.radius, options.blur).draw(options.minOpacity);
    return pixels(canvas);
  },
  heatcanvas: ({ size, points, heatcanvas: { step, degree } }) => {
    const values = new Float32Array(size * size);
    for (const { x, y, value } of points) {
      const reach = Math.floor((value / step) ** (1 / degree));
      const [column, row] = [Math.floor(x), Math.floor(y)];
      for (let i = Math.max(0, row - reach); i <= Math.min(size - 1, row + reach); i++)
        for (let j = Math.max(0, column - reach); j <= Math.min(size - 1, column + reach); j++)
          values[i * size + j] += Math.max(0, value / step - Math.hypot(i - row, j - column) ** degree);
    }
    const most = values.reduce((most, v) => Math.max(most, v), 0);
    const canvas = document.body.appendChild(document.createElement("canvas"));
    canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    values.forEach((value, i) => {
      if (value === 0) return;
      const v = value / most;
      context.fillStyle = `hsl(${(1 - v) * 360} 80% ${60 * v}%)`;
      context.fillRect(i % size, Math.floor(i / size), 1, 1);
    });
    return pixels(canvas);
  },
  maplibre: async ({ size, points, maplibre: { layer, zoom } }) => {
    const { Map } = await import("/maplibre-gl.mjs");
    const container = document.body.appendChild(document.createElement("div"));
    container.style.cssText = `width:${size}px;height:${size}px`;
    const feature = ({ lon, lat, value }) => ({
      type: "Feature", properties: { value }, geometry: { type: "Point", coordinates: [lon, lat] },
    });
    const data = { type: "FeatureCollection", features: points.map(feature) };
    const map = new Map({
      container, center: [0, 0], zoom, fadeDuration: 0, attributionControl: false, interactive: false,
      canvasContextAttributes: { preserveDrawingBuffer: true },
      style: {
        version: 8, sources: { points: { type: "geojson", data, maxzoom: 4, tolerance: 0 } },
        layers: [{ id: "heat", type: "heatmap", source: "points", ...layer }],
      },
    });
    map.on("error", (event) => console.error(event.error?.message ?? event));
    await new Promise((done) => map.once("idle", done));
    return pixels(map.getCanvas());
  },
};

const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 1024, height: 1024 } });
  page.on("console", (message) => console.log(message.text()));
  page.on("pageerror", (error) => console.log(error.message));
  await page.route(`${ORIGIN}/**`, (route) => {
    const path = new URL(route.request().url()).pathname;
    if (path === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html><body style='margin:0'>" });
    const [file, contentType] = FILES[path] ?? [`maplibre-gl/dist${path}`, "text/javascript"];
    return route.fulfill({ contentType, body: readFileSync(join(modules, file)) });
  });
  await page.goto(`${ORIGIN}/`);
  for (const script of ["/heatmap.js", "/simpleheat.js"]) await page.addScriptTag({ url: ORIGIN + script });
  await page.addScriptTag({ content: `${pixels}` });
  const points = readFileSync(input, "utf8");
  for (const [name, draw] of Object.entries(DRAW)) {
    const base64 = await page.evaluate(`(${draw})(${points})`);
    writeFileSync(join(folder, `${name}.rgba`), Buffer.from(base64, "base64"));
  }
} finally {
  await browser.close();
}
