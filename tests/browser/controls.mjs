// Uses each control of the viewer in Chromium. The server needs two layers, `cities` with the kept
// columns country and population, and `quakes`.
//
//   `node controls.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base, check, difference, glimpse, open, run, settled, shoot } from "./page.mjs";

const VIEW = { viewport: { width: 1280, height: 800 } };

/** Waits until a change has reached the map. */
async function after(page, action) {
  await action();
  await page.waitForTimeout(700);
  await settled(page);
}

const parameter = (url, name) => new URL(url).searchParams.get(name);

async function styleControls(page, tiles) {
  await page.click("#more summary");
  for (const [id, value, name = id] of [
    ["#normalize", "mass"], ["#overlap", "cover"], ["#kernel", "quartic"], ["#domain", "p99"],
  ]) {
    await after(page, () => page.selectOption(id, value));
    check(`tiles carry ${name.slice(1)}`, parameter(tiles().at(-1), name.slice(1)) === value, tiles().at(-1));
  }
  await after(page, () => page.selectOption("#overlap", "add"));
  for (const [id, value] of [["steps", "7"], ["isolines", "5"]]) {
    await after(page, () => page.fill(`#${id}`, value));
    check(`tiles carry ${id}`, parameter(tiles().at(-1), id) === value, tiles().at(-1));
  }
  await shoot(page, "more of the look");
  const classes = await page.locator(".bar").evaluate((bar) => bar.style.backgroundImage);
  check("the legend has the classes as boxes", (classes.match(/rgb/g) ?? []).length === 14, classes);
  for (const id of ["steps", "isolines"]) await after(page, () => page.fill(`#${id}`, ""));
  check("an empty field takes them away", !/steps|isolines/.test(tiles().at(-1)), tiles().at(-1));

  await after(page, () => page.selectOption("#radius-unit", "km"));
  await after(page, () => page.fill("#radius-number", "150"));
  check("a radius may be on the ground", parameter(tiles().at(-1), "radius") === "150km", tiles().at(-1));
  await after(page, () => page.selectOption("#radius-unit", "px"));
  await after(page, () => page.selectOption("#scale", "power"));
  await after(page, () => page.fill("#exponent", "0.3"));
  check("a scale may be a power", parameter(tiles().at(-1), "scale") === "power:0.3", tiles().at(-1));
  await after(page, () => page.selectOption("#domain", "custom"));
  await after(page, () => page.fill("#high", "1000"));
  check("a domain may be two numbers", /^0,1000$/.test(parameter(tiles().at(-1), "domain") ?? ""), tiles().at(-1));
  await after(page, () => page.click("#reset"));
}

async function filterControls(page, tiles) {
  await page.click("#filter summary");
  const all = await glimpse(page);
  await after(page, () => page.locator(".choices .check").first().click());
  const filter = () => parameter(tiles().at(-1), "filter");
  check("a value of a text column is a condition", /^"country" in \('[A-Z]{2}'\)$/.test(filter() ?? ""), filter());
  check("only those points are drawn", (await difference(page, all, await glimpse(page))) > 0.01);
  check("the section shows that it filters", (await page.locator("#filter-mark").textContent()) === "1");
  const bars = await page.locator(".histogram i").count();
  check("numbers have a histogram", bars >= 10, bars);
  await page.focus(".sliders .low");
  await after(page, async () => {
    for (let i = 0; i < 4; i += 1) await page.keyboard.press("PageUp");
  });
  check("the lower end of a range is another", /" in \(.*\) and "population" >= [\d.e+]+$/.test(filter() ?? ""), filter());
  await after(page, async () => {
    await page.fill(".column .pair .high", "2000000");
    await page.keyboard.press("Tab");
  });
  check("both ends are a range", /"population" between [\d.e+]+ and 2000000$/.test(filter() ?? ""), filter());
  await after(page, () => page.fill("#condition", "country <> 'US' or population > 5e6"));
  check("a condition may be written", (filter() ?? "").endsWith("and (country <> 'US' or population > 5e6)"), filter());
  await shoot(page, "filter");

  // The address follows a change a little later than the map does.
  await page.waitForFunction(() => location.hash.includes("5e6"));
  const link = page.url();
  const again = await open(page.context().browser(), link, VIEW);
  const restored = await again.page.evaluate(() => ({
    free: document.querySelector("#condition").value,
    boxes: document.querySelectorAll(".choices :checked").length,
    high: document.querySelector(".column .pair .high").value,
  }));
  const whole = restored.free.startsWith("country <>") && restored.boxes === 1 && restored.high === "2000000";
  check("a link brings the filter's controls back", whole, { link, restored });
  await again.context.close();

  await page.fill("#condition", "no_such_column = 1");
  await page.waitForSelector(".notice");
  const problem = await page.locator(".notice").first().textContent();
  check("a wrong condition is refused in the server's words", problem.includes("no_such_column"), problem);
  await shoot(page, "wrong condition");
  await page.fill("#condition", "");
  await page.waitForTimeout(1500);
  await settled(page);
  check("the problem goes once it is mended", (await page.locator(".notice").count()) === 0);
  await after(page, () => page.click("#clear-filter"));
  check("the filter can be cleared", filter() === null, tiles().at(-1));
  await page.click("#filter summary");
}

async function layerControls(page, tiles) {
  await page.selectOption("#add-layer", "quakes");
  await page.waitForFunction(() => document.querySelectorAll(".block").length === 2);
  await settled(page);
  check("two layers have two legends", (await page.locator(".block .bar").count()) === 2);
  const both = await glimpse(page);
  await shoot(page, "two layers");
  await after(page, () => page.locator("#layers li").first().locator(".icon").click());
  check("a layer is removed", (await page.locator("#layers li").count()) === 1);
  check("its heat goes with it", (await difference(page, both, await glimpse(page))) > 0.01);
  await after(page, () => page.selectOption("#add-layer", "quakes"));
  await after(page, () => page.selectOption("#measure", "count"));
  check("the style belongs to the chosen layer", tiles().at(-1).includes("/quakes/"), tiles().at(-1));
  await after(page, () => page.locator("#layers input").last().uncheck());
  check("a hidden layer has no legend", (await page.locator(".block").count()) === 1);
  await after(page, () => page.locator("#layers input").last().check());
  const link = page.url();
  check("a link has all layers", link.includes("also=quakes"), link);
  const again = await open(page.context().browser(), link, VIEW);
  check("and brings them back", (await again.page.locator(".block .bar").count()) === 2);
  await again.context.close();

  await after(page, () => page.locator("label:has(#compare)").click());
  await page.waitForTimeout(800);
  await settled(page);
  const middle = await glimpse(page);
  await shoot(page, "comparison");
  await page.focus("#divider");
  await after(page, () => page.keyboard.press("Home"));
  const right = await glimpse(page);
  await after(page, () => page.keyboard.press("End"));
  const left = await glimpse(page);
  const differ = await Promise.all([difference(page, left, right), difference(page, left, middle)]);
  check("the divider shows the one or the other", differ.every((share) => share > 0.005) && differ[0] > differ[1], differ);
  check("a link has the comparison", page.url().includes("compare=0,1,1"), page.url());
  await after(page, () => page.locator("label:has(#compare)").click());
  check("a comparison ends", !(await page.locator("#divider").isVisible()));
}

async function mapTools(page) {
  await page.click("#go-to");
  await page.fill("#place", "north pole");
  await page.keyboard.press("Enter");
  const refused = await page.locator("#place").evaluate((input) => input.validationMessage);
  check("a wrong place is refused with an example", refused.includes("48.86"), refused);
  for (const [text, place] of [
    ["48.8566, 2.3522", "48.85660/2.35220"], ["48°51'24\"N 2°21'8\"E", "48.85667/2.35222"], ["2.3522E 48.8566N", "48.85660/2.35220"],
    ["#map=9/-33.9/18.4", "-33.90000/18.40000"], ["geo:-33.9,18.4", "-33.90000/18.40000"],
  ]) {
    if (!(await page.locator("#place").isVisible())) await page.click("#go-to");
    await page.fill("#place", text);
    await after(page, () => page.keyboard.press("Enter"));
    const [, lat, lng] = /map=[\d.]+\/([-\d.]+)\/([-\d.]+)/.exec(page.url()) ?? [];
    const near = Math.abs(lat - place.split("/")[0]) < 1e-3 && Math.abs(lng - place.split("/")[1]) < 1e-3;
    check(`the map goes to ${text}`, near, page.url());
  }
  const before = page.url();
  await after(page, () => page.click("#fit"));
  await page.waitForTimeout(1500);
  await settled(page);
  check("all data are shown again", Number(/map=([\d.]+)/.exec(page.url())[1]) < 3, [before, page.url()]);
  await page.keyboard.press("Escape");
}

async function sharing(page, context) {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => {});
  await page.click("#share summary");
  const pasted = () => page.evaluate(() => navigator.clipboard.readText());
  await page.selectOption("#scale", "sqrt");
  await page.waitForTimeout(300);
  for (const [kind, pieces] of Object.entries({
    Leaflet: ["L.tileLayer(", "scale=sqrt", "{z}/{x}/{y}"],
    MapLibre: ["addSource(", "scale=sqrt"],
    OpenLayers: ["new XYZ(", "scale=sqrt"],
    QGIS: ["XYZ", "gdal.xml", "data=float32"],
    Python: ["folium.TileLayer(", "scale=sqrt"],
    "heatsplat render": ["heatsplat render FILE", "--scale sqrt", "--bbox="],
    "heatsplat.toml": ["[[layers]]", 'scale = "sqrt"'],
  })) {
    await page.selectOption("#snippet-kind", kind);
    await page.click("#copy-snippet");
    const text = await pasted();
    check(`the snippet for ${kind} is copied`, pieces.every((piece) => text.includes(piece)), text);
  }
  await page.click("#copy-link");
  const link = await pasted();
  check("the link has view and style", link.startsWith(base) && link.includes("map=") && link.includes("scale%3Dsqrt"), link);
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#save-picture")]);
  const picture = readFileSync(await file.path());
  const size = [picture.readUInt32BE(16), picture.readUInt32BE(20)];
  check("a picture of the view is saved", file.suggestedFilename().endsWith(".png") && size.join("x") === "1280x800", size);
  await shoot(page, "sharing");
}

/** A file of the user's own, shown without the server. */
async function ownFiles(browser) {
  const { page, context, log } = await open(browser, base, VIEW);
  const folder = mkdtempSync(join(tmpdir(), "heatsplat-files-"));
  const write = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const rows = Array.from({ length: 5000 }, (_, i) => `"Row; ${i}";${10 + (i % 100) / 20};${50 + Math.floor(i / 100) / 20}`);
  const csv = write("mine.csv", `name;Longitude;Latitude\n${rows.join("\n")}\n"nowhere";;\n`);
  const show = async (file) => {
    await page.setInputFiles("#file", file);
    await page.waitForTimeout(1500);
    await settled(page);
  };
  await show(csv);
  const note = await page.locator("#preview-note").textContent();
  check("a CSV is read in the browser", note.includes("5,000 rows") && note.includes("1 row without"), note);
  const heat = await glimpse(page);
  await shoot(page, "own file");
  await page.click("#preview-note button");
  await page.waitForTimeout(800);
  await settled(page);
  await page.locator("#layers input").first().uncheck();
  await page.waitForTimeout(800);
  check("its heat goes with it", (await difference(page, heat, await glimpse(page))) > 0.01);
  const feature = (coordinates) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates } });
  await show(write("mine.geojson", JSON.stringify({ type: "FeatureCollection", features: [feature([2, 48]), feature([3, 49])] })));
  check("GeoJSON too", (await page.locator("#preview-note").textContent()).includes("2 rows"));
  await show(write("wrong.csv", "a,b\n1,2\n"));
  const problem = await page.locator(".notice").textContent();
  check("another file is refused with what is expected", problem.includes("wrong.csv") && problem.includes("longitude"), problem);
  const sent = log.requests.filter((url) => url.includes("mine"));
  check("nothing is sent", sent.length === 0 && log.complaints.length === 0, [sent, log.complaints]);
  rmSync(folder, { recursive: true });
  await context.close();
}

await run(async (browser) => {
  const { page, context, log } = await open(browser, base, { ...VIEW, acceptDownloads: true });
  const tiles = () => log.requests.filter((url) => /\/\d+\/\d+\/\d+(@2x)?\.png/.test(url));
  await styleControls(page, tiles);
  await filterControls(page, tiles);
  await layerControls(page, tiles);
  await mapTools(page);
  await sharing(page, context);
  // A busy server may refuse a tile, which is asked for again.
  const complaints = log.complaints.filter((text) => !/status of (400|503)/.test(text));
  check("the console is quiet but for refusals", complaints.length === 0, complaints.slice(0, 3));

  await ownFiles(browser);

  const unknown = await open(browser, `${base}#layer=gone&map=1/2/x`, VIEW);
  const words = (await unknown.page.locator(".notice").allTextContents()).join(" ");
  check("a link to a layer that is gone says so", words.includes("gone"), words);
  check("and shows another layer", (await unknown.page.locator(".block .bar").count()) === 1);
  await unknown.context.close();

  const bright = await open(browser, base, { ...VIEW, colorScheme: "light" });
  const ground = await bright.page.evaluate(() => document.documentElement.dataset.map);
  const suited = bright.log.requests.filter((url) => url.includes(".png"));
  check("the ground follows the system", ground === "light", ground);
  check("on a light ground a ramp for it is drawn", suited.every((url) => url.includes("ramp=dusk")), suited[0]);
});
