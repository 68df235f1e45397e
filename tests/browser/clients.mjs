// Opens the example pages of clients/ in Chromium, as a user would, with the server that the
// address names.
//
//   `npm ci && node clients.mjs http://127.0.0.1:3000 [FOLDER FOR SCREENSHOTS]`
//
// The server has examples/incidents.csv with its kinds and times, and takes points without a token.
// Libraries come from node_modules instead of a CDN. Prints a line per check; the exit status is 1
// if one failed.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { base as address, check, run, shoot } from "./page.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const clients = join(here, "../../clients");
const base = new URL(address).origin;
execFileSync(process.execPath, [join(clients, "build.mjs")]);

// The pages have an origin of their own, so that the server's CORS headers are tested too.
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css" };
const files = createServer((request, response) => {
  const path = normalize(new URL(request.url, "http://x").pathname);
  const modules = path.startsWith("/node_modules/");
  try {
    const bytes = readFileSync(join(modules ? here : clients, path));
    response.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream");
    response.end(extname(path) === ".html" ? String(bytes).replaceAll("http://127.0.0.1:3000", base) : bytes);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((done) => files.listen(0, "127.0.0.1", done));
const pages = `http://127.0.0.1:${files.address().port}`;

/** Until a condition holds, or for twenty seconds. */
async function until(holds) {
  for (let turn = 0; turn < 400 && !(await holds()); turn += 1) await new Promise((done) => setTimeout(done, 50));
  return holds();
}

/** A page, with all that it complains of and all answers of the server. */
async function open(browser, path) {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  const log = { complaints: [], answers: [] };
  page.on("pageerror", (error) => log.complaints.push(error.stack ?? error.message));
  page.on("response", (response) => {
    if (!response.url().startsWith(base)) return;
    const { url, method } = { url: decodeURIComponent(response.url()), method: response.request().method() };
    log.answers.push({ status: response.status(), method, url: url.slice(base.length), at: Date.now() });
  });
  await page.route("https://unpkg.com/**", (route) => {
    const [, name, rest] = /^\/([^@/]+)@[^/]+(\/.*)$/.exec(new URL(route.request().url()).pathname);
    return route.fulfill({ path: join(here, "node_modules", name, rest) });
  });
  // The ground needs the network.
  await page.route("https://tile.openstreetmap.org/**", (route) => route.abort());
  await page.goto(pages + path);
  return { page, log };
}

const tilesOf = (log, part) => log.answers.filter(({ url, status }) => /\/\d+\/\d+\/\d+(@2x)?\.png/.test(url) && url.includes(part) && status === 200);
const posts = (log) => log.answers.filter(({ url, method }) => url.startsWith("/layers") && method !== "OPTIONS");

/** The number of pixels of the tiles on the page that show heat. */
const heated = (page, selector = ".leaflet-tile-loaded") =>
  page.evaluate(async (selector) => {
    let count = 0;
    for (const image of document.querySelectorAll(selector)) {
      if (!image.naturalWidth) continue;
      const context = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
      for (let i = 3; i < data.length; i += 4) if (data[i] > 8) count += 1;
    }
    return count;
  }, selector);

async function leafletLayer(browser) {
  const { page, log } = await open(browser, "/leaflet/examples/layer.html");
  check("L.heatsplat draws tiles", await until(() => tilesOf(log, "radius=18px").length > 3), log.answers);
  const legend = () => page.evaluate(() => document.querySelector(".heatsplat-legend")?.naturalWidth ?? 0);
  check("the legend is shown", await until(async () => (await legend()) > 60), await legend());
  await page.mouse.move(450, 350);
  await page.mouse.move(452, 352);
  const value = () => page.evaluate(() => document.querySelector(".heatsplat-value")?.textContent ?? "");
  check("the value is shown", await until(async () => /\d · [\d,]+ points?/.test(await value())), await value());
  await shoot(page, "leaflet-layer");
  const before = await heated(page);
  await page.selectOption("#kind", "theft");
  check("a filter asks for other tiles", await until(() => tilesOf(log, "kind = 'theft'").length > 3));
  await until(async () => (await page.evaluate(() => document.querySelectorAll("img[src*=theft].leaflet-tile-loaded").length)) > 3);
  const after = await heated(page, "img[src*=theft].leaflet-tile-loaded");
  check("and they have less heat", after > 0 && after < before, [after, before]);
  await page.selectOption("#ramp", "viridis");
  check("a change of the style keeps the filter", await until(() => tilesOf(log, "viridis").some(({ url }) => url.includes("theft"))));
  check("the legend follows", await until(() => log.answers.some(({ url }) => url.includes("legend.svg") && url.includes("viridis"))));
  await page.fill("#month", "2010-03");
  check("a window of time asks for other tiles", await until(() => tilesOf(log, "time=2010-03").length > 3), log.answers.slice(-3));
  await shoot(page, "leaflet-layer-changed");
  check("nothing went wrong", log.complaints.length === 0 && log.answers.every(({ status }) => status < 400), [
    log.complaints, log.answers.filter(({ status }) => status >= 400),
  ]);
  await page.close();
}

async function leafletHeat(browser) {
  const { page, log } = await open(browser, "/leaflet/examples/heat.html");
  check("L.heatLayer posts its points", await until(() => posts(log)[0]?.status === 201), log.answers);
  check("and shows them", await until(async () => (await heated(page)) > 10000), await heated(page));
  await shoot(page, "leaflet-heat");
  const first = Date.now();
  await page.keyboard.down("Shift");
  for (let step = 0; step < 60; step += 1) {
    await page.mouse.move(100 + step * 5, 80);
    await page.waitForTimeout(25);
  }
  await page.keyboard.up("Shift");
  await until(() => posts(log).length > 3);
  await page.waitForTimeout(600);
  const seconds = (Date.now() - first) / 1000;
  const puts = posts(log).filter(({ method }) => method === "PUT");
  check("addLatLng replaces the rows", puts.length > 2 && puts.every(({ status }) => status === 200), puts);
  check("at most four times a second", puts.length <= 4 * seconds + 1, [puts.length, seconds]);
  // On a busy machine the last rows are posted later than this. Their tiles replace earlier ones.
  const newest = () => 1 + posts(log).filter(({ method }) => method === "PUT").length;
  check("new tiles are shown", await until(() => tilesOf(log, `v=${newest()}`).length > 3), newest());
  await shoot(page, "leaflet-heat-drawn");
  check("the layer adds no zooms to the map's", (await page.evaluate(() => map.getMaxZoom())) === 18);
  await page.evaluate(() => map.setZoom(16));
  check("zooms beyond maxZoom have tiles", await until(() => tilesOf(log, "/16/").length > 3));
  await page.evaluate(() => map.setZoom(12));
  const count = newest() + 1;
  await page.evaluate(() => heat.setOptions({ gradient: { 0.4: "black", 1: "white" } }));
  check("setOptions changes the style", await until(() => tilesOf(log, `v=${count}`).length > 3));
  await page.evaluate(() => heat.setLatLngs([]));
  check("no points are no heat", await until(async () => (await heated(page, `img[src*="v=${count + 1}"]`)) === 0 && tilesOf(log, `v=${count + 1}`).length > 3));
  await page.evaluate(() => heat.remove());
  check("a layer that is removed is deleted on the server", await until(() => posts(log).some(({ method, status }) => method === "DELETE" && status === 204)));
  check("nothing went wrong", log.complaints.length === 0, log.complaints);
  await page.evaluate(() => (window.other = L.heatLayer([[0, 0]], { token: "a token that is wrong" }).addTo(map)));
  const notice = () => page.evaluate(() => document.querySelector("[role=alert]")?.textContent ?? "");
  check("a refusal is shown", await until(async () => (await notice()).includes("Authorization")), await notice());
  await shoot(page, "leaflet-heat-refused");
  await page.close();
}

async function leaflet2(browser) {
  const page = await browser.newPage();
  await page.goto(`${pages}/core/notice.mjs`);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.setContent(`<link rel="stylesheet" href="${pages}/node_modules/leaflet2/dist/leaflet.css">
    <div id="map" style="width:600px;height:400px"></div>
    <script type="importmap">{"imports": {"leaflet": "${pages}/node_modules/leaflet2/dist/leaflet.js"}}</script>
    <script type="module">
      import * as L from "leaflet";
      import { extend } from "${pages}/leaflet/dist/heatsplat-leaflet.mjs";
      const { heatsplat, heatLayer } = extend(L, "${base}");
      const map = new L.Map("map").setView([38.72, -9.14], 12);
      heatsplat("${base}/incidents", { legend: true, tooltip: true }).addTo(map);
      heatLayer([[38.72, -9.14, 1]], { radius: 25 }).addTo(map);
    </script>`);
  const loaded = (part) => page.evaluate((part) => document.querySelectorAll(`img.leaflet-tile-loaded[src*="${part}"]`).length, part);
  check("Leaflet 2 shows a layer", await until(async () => (await loaded("incidents")) > 3), complaints);
  check("and posted points", await until(async () => (await loaded("v=1")) > 3), complaints);
  await page.mouse.move(300, 200);
  await page.mouse.move(302, 202);
  const value = () => page.evaluate(() => document.querySelector(".heatsplat-value")?.textContent ?? "");
  check("and values", await until(async () => (await value()).includes("point")), complaints);
  check("nothing went wrong", complaints.length === 0, complaints);
  await page.close();
}

/** The test of the pages of MapLibre and OpenLayers, which have the same controls. */
/** Refuses each tile of the ramp `ice` once, as a busy server does. Counts the requests for each. */
async function refuseSomeTiles(page) {
  const times = new Map();
  await page.route(/ramp=ice/, (route) => {
    const url = route.request().url();
    if (!/\/\d+\/\d+\/\d+(@2x)?\.png/.test(url)) return route.continue();
    times.set(url, (times.get(url) ?? 0) + 1);
    if (times.get(url) > 1) return route.continue();
    return route.fulfill({ status: 503, headers: { "Retry-After": "1", "Access-Control-Allow-Origin": "*" }, body: "" });
  });
  return times;
}

async function otherMap(browser, name, [x, y], at) {
  const { page, log } = await open(browser, `/${name}/examples/layer.html`);
  check(`${name} draws tiles`, await until(() => tilesOf(log, "radius=18px").length > 3), [log.answers, log.complaints]);
  const legend = () => page.evaluate(() => document.querySelector(".heatsplat-legend")?.naturalWidth ?? 0);
  check("the legend is shown", await until(async () => (await legend()) > 60), await legend());
  await page.mouse.move(x, y);
  await page.mouse.move(x + 2, y + 2);
  const value = () => page.evaluate(() => document.querySelector(".heatsplat-value")?.textContent ?? "");
  check("the value is shown", await until(async () => /\d · [\d,]+ points?/.test(await value())), await value());
  const asked = log.answers.findLast(({ url }) => url.includes("/value?"));
  const tiles = tilesOf(log, "radius=18px").map(({ url }) => Number(url.split("/")[2]));
  const z = Number(/[?&]z=(\d+)/.exec(asked?.url ?? "")?.[1]);
  check("it is that of the zoom of the tiles", tiles.includes(z), [z, tiles]);
  await page.waitForTimeout(500);
  await shoot(page, name);
  await page.selectOption("#kind", "theft");
  check("a filter asks for other tiles", await until(() => tilesOf(log, "kind = 'theft'").length > 3));
  await page.selectOption("#ramp", "viridis");
  check("a change of the style keeps the filter", await until(() => tilesOf(log, "viridis").some(({ url }) => url.includes("theft"))));
  await page.fill("#month", "2010-03");
  check("a window of time asks for other tiles", await until(() => tilesOf(log, "time=2010-03").length > 3));
  const busy = await refuseSomeTiles(page);
  await page.selectOption("#ramp", "ice");
  // A map asks for coarser tiles too while finer ones are missing, but not again once it has the
  // finer ones.
  const finest = () => [...busy].filter(([url]) => url.includes(`/${Math.max(...tiles)}/`));
  const isAsked = () => finest().length > 3 && finest().every(([, times]) => times > 1);
  check("tiles that a busy server refuses are asked for again", await until(isAsked), finest());
  await page.unroute(/ramp=ice/);
  log.answers = log.answers.filter(({ status }) => status !== 503);
  await at?.(page, log);
  check("nothing went wrong", log.complaints.length === 0 && log.answers.every(({ status }) => status < 400), [
    log.complaints, log.answers.filter(({ status }) => status >= 400),
  ]);
  await shoot(page, `${name}-changed`);
  await page.close();
}

const maplibre = (browser) =>
  otherMap(browser, "maplibre", [450, 350], async (page, log) => {
    check("points are posted", await until(() => posts(log)[0]?.status === 201));
    check("and shown", await until(() => tilesOf(log, "v=1").length > 0));
    await page.evaluate(() => points.setData({ type: "FeatureCollection", features: [
      { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [-9.14, 38.72] } },
    ] }));
    check("other points are shown", await until(() => tilesOf(log, "v=2").length > 0));
    await page.evaluate(() => points.remove());
    check("points that are removed are deleted", await until(() => posts(log).some(({ status }) => status === 204)));
  });

const openlayers = (browser) => otherMap(browser, "openlayers", [450, 350]);

async function heatmapjs(browser) {
  const { page, log } = await open(browser, "/heatmapjs/examples/heatmap.html");
  const at = (x, y) => page.evaluate(([x, y]) => map.getValueAt({ x, y }), [x, y]);
  check("h337 posts its points", await until(() => posts(log)[0]?.status === 201), log.answers);
  check("the greatest value stands where it was set", await until(async () => Math.abs((await at(320, 200)) - 100) < 0.5), await at(320, 200));
  const canvas = (x, y) => page.evaluate(([x, y]) => document.querySelector(".heatmap-canvas").getContext("2d").getImageData(x, y, 1, 1).data[3], [x, y]);
  check("and is drawn there", (await canvas(320, 200)) > 190, await canvas(320, 200));
  await shoot(page, "heatmapjs");
  await page.evaluate(() => map.setData({ max: 50, data: [{ x: 100, y: 100, value: 20 }] }));
  check("setData replaces the points", await until(async () => Math.abs((await at(100, 100)) - 20) < 0.2), await at(100, 100));
  check("and takes away the others", (await at(320, 200)) === 0 && (await canvas(320, 200)) === 0);
  check("values end at the radius", (await at(139, 100)) > 0 && (await at(142, 100)) === 0, [await at(139, 100), await at(142, 100)]);
  await page.evaluate(() => map.addData({ x: 320, y: 200, value: 50 }));
  check("addData adds one", await until(async () => Math.abs((await at(320, 200)) - 50) < 0.5), await at(320, 200));
  check("and leaves the others", Math.abs((await at(100, 100)) - 20) < 0.2);
  const kept = await page.evaluate(() => [map.getData().data.length, map.getDataURL().slice(0, 22)]);
  check("getData and getDataURL answer", kept[0] === 2 && kept[1] === "data:image/png;base64,", kept);
  await page.evaluate(() => {
    for (const type of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
  });
  const answered = (wanted) => posts(log).filter(({ status }) => status === wanted).length;
  check("a page that comes back posts its points again", await until(() => answered(204) === 1 && answered(201) === 2), posts(log));
  check("nothing went wrong", log.complaints.length === 0, log.complaints);
  await page.close();
}

for (const name of ["leaflet", "maplibre", "openlayers", "heatmapjs"]) {
  const size = gzipSync(readFileSync(join(clients, name, `dist/heatsplat-${name}.js`)), { level: 9 }).length;
  check(`${name} has at most 12 KB`, size <= 12 << 10, size);
}
await run(async (browser) => {
  for (const test of [leafletLayer, leafletHeat, leaflet2, maplibre, openlayers, heatmapjs]) await test(browser);
});
