// Draws points by deck.gl's HeatmapLayer, in Chromium, as raw straight RGBA.
//
//   `npm ci && node deck.mjs POINTS.js DECK.js PICTURE.rgba`
//
// POINTS.js holds an object: {size, zoom, points: [{lon, lat, value}], props}; DECK.js is the
// package's dist.min.js.

import { readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { browserPath, FLAGS } from "./browser.mjs";

const [input, library, output] = process.argv.slice(2);
if (!output) {
  console.error("usage: node deck.mjs POINTS.js DECK.js PICTURE.rgba");
  process.exit(2);
}

/** In the page: the layer's pixels, straight RGBA, as base64. */
async function draw({ size, zoom, points, props }) {
  const parent = document.body.appendChild(document.createElement("div"));
  parent.style.cssText = `position:relative;width:${size}px;height:${size}px`;
  const layer = new deck.HeatmapLayer({
    id: "heat", data: points, getPosition: ({ lon, lat }) => [lon, lat], getWeight: ({ value }) => value, ...props,
  });
  new deck.Deck({
    parent, width: size, height: size, useDevicePixels: false, layers: [layer],
    views: new deck.MapView(), initialViewState: { longitude: 0, latitude: 0, zoom }, controller: false,
    deviceProps: { type: "webgl", webgl: { preserveDrawingBuffer: true } },
    onError: (error) => console.error(error.message),
  });
  // Its weights are summed after a while of rest.
  await new Promise((done) => setTimeout(done, 4000));
  const canvas = parent.querySelector("canvas");
  const copy = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0, size, size);
  const { data } = copy.getImageData(0, 0, size, size);
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return btoa(text);
}

const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 1024, height: 1024 } });
  page.on("console", (message) => console.log(message.text()));
  page.on("pageerror", (error) => console.log(error.message));
  await page.setContent("<!doctype html><body style='margin:0'>");
  await page.addScriptTag({ path: library });
  const base64 = await page.evaluate(`(${draw})(${readFileSync(input, "utf8")})`);
  writeFileSync(output, Buffer.from(base64, "base64"));
} finally {
  await browser.close();
}
