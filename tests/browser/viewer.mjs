// Uses the viewer as a person would, in Chromium, and checks what can be seen and heard of it.
//
//   `npm ci && node viewer.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`
//
// Prints a line per check; the exit status is 1 if one failed. CHROMIUM names the browser.

import { base, check, countColours, difference, glimpse, open, otherRamp, run, settled, shoot, slide } from "./page.mjs";

/**
 * Runs in the page: a map whose only layer is MapLibre's color-relief over the layer's values, and
 * `colourFrom(share)`, which paints values red from a share of the peak's on, lower ones blue, and tells
 * the colours at the peak and where nothing is.
 */
async function colourValues(base) {
  // The page's own copy, which knows its worker already.
  const { Map: GlMap } = await import("maplibre-gl");
  const get = async (path) => (await fetch(new URL(path, base))).json();
  const [layer] = (await get("catalog")).layers;
  const look = "measure=count&radius=30&domain=0,9";
  const relief = await get(`${layer.id}/dem.json?${look}`);
  const [lon, lat] = [2.35, 48.86];
  // Zoom 5 of MapLibre's tiles of 512 pixels is zoom 6 of those of 256.
  const { value } = await get(`${layer.id}/value?lon=${lon}&lat=${lat}&z=6&${look}`);
  document.body.replaceChildren();
  const container = document.createElement("div");
  container.style.cssText = "position:fixed;inset:0;background:white";
  document.body.append(container);
  const map = new GlMap({
    container,
    center: [lon, lat],
    zoom: 5,
    fadeDuration: 0,
    attributionControl: false,
    canvasContextAttributes: { preserveDrawingBuffer: true },
    style: { version: 8, sources: {}, layers: [] },
  });
  await map.once("load");
  map.addSource("heat", relief.source);
  map.addLayer({ id: "heat", type: "color-relief", source: "heat", paint: relief.paint });
  globalThis.colourFrom = async (share) => {
    const [edge, soft] = [value * share, value * 0.01];
    const stops = [relief.nothing, "#0000", 0, "#0000", soft, "#00f", edge - soft, "#00f", edge, "#f00"];
    map.setPaintProperty("heat", "color-relief-color", ["interpolate", ["linear"], ["elevation"], ...stops]);
    await map.once("idle");
    const canvas = map.getCanvas();
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const at = ({ x, y }) => [...copy.getImageData(Math.round(x), Math.round(y), 1, 1).data];
    // In the Atlantic, far from any city.
    return { value, peak: at(map.project([lon, lat])), empty: at(map.project([-7.2, 46.5])) };
  };
}

/** Runs in the page before its own code: keeps a copy of the first picture, cut as `glimpse` cuts the map, and whether
 *  the map was ready before it. The page waits for the picture for 1.5 seconds at the most, which a busy machine may
 *  need for the tiles alone: here it waits for a minute. */
function watchFirstPicture() {
  const { setTimeout } = globalThis;
  const wait = (run, time, ...rest) => setTimeout(run, time === 1500 ? 60_000 : time, ...rest);
  globalThis.setTimeout = /** @type {any} */ (wait);
  new MutationObserver(() => {
    const picture = document.getElementById("first-picture");
    if (!(picture instanceof HTMLCanvasElement) || globalThis.early) return;
    const copy = new OffscreenCanvas(840, 520);
    copy.getContext("2d").drawImage(picture, -340, -120);
    globalThis.early = { wasReady: "ready" in document.documentElement.dataset, copy };
  }).observe(document, { childList: true, subtree: true });
}

/** Compares the picture that the page begins with to the map that replaces it. */
async function compareFirstPicture(browser) {
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(watchFirstPicture);
  await page.goto(base);
  await settled(page);
  const early = await page.evaluate(async () => {
    if (!globalThis.early) return undefined;
    const { wasReady, copy } = globalThis.early;
    const bytes = new Uint8Array(await (await copy.convertToBlob({ type: "image/png" })).arrayBuffer());
    return { wasReady, png: btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), "")) };
  });
  check("a picture is there before the map", early?.wasReady === false);
  check("the map replaces it", (await page.locator("#first-picture").count()) === 0);
  if (early) {
    const unlike = await difference(page, Buffer.from(early.png, "base64"), await glimpse(page));
    check("it is the picture that the map shows", unlike < 0.15, unlike);
  }
  await page.goto("about:blank");
  await page.goto(`${base}#map=4/48/2`);
  await settled(page);
  check("a link to another view begins without it", (await page.evaluate(() => globalThis.early)) === undefined);
  await context.close();
}

/** The map does not wait for a picture whose parts take too long. */
async function beginWithoutPicture(browser) {
  const context = await browser.newContext({ colorScheme: "dark", viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  let land = 0;
  await page.route(/land.*json/, async (route) => {
    land += 1;
    // Longer than the page's patience.
    await new Promise((done) => setTimeout(done, 4000));
    await route.continue().catch(() => {});
  });
  await page.goto(base);
  await page.waitForSelector(".maplibregl-canvas", { timeout: 60_000 });
  check("a picture that is late is not waited for", land > 0 && (await page.locator("#first-picture").count()) === 0, land);
  await settled(page);
  check("the map comes without it", (await page.locator("#first-picture").count()) === 0);
  await context.close();
}

await run(async (browser) => {
  await compareFirstPicture(browser);
  await beginWithoutPicture(browser);
  const { page, context, log } = await open(browser, base, { viewport: { width: 1280, height: 800 } });
  await shoot(page, "start");

  const tiles = () => log.requests.filter((url) => /\/\d+\/\d+\/\d+(@2x)?\.png/.test(url));
  check("tiles are asked for", tiles().length > 0);
  check("on a plain screen, tiles have plain pixels", tiles().every((url) => !url.includes("@2x")), tiles()[0]);
  const ticks = await page.locator(".ticks span").allTextContents();
  check("the legend shows numbers", ticks.filter((text) => /\d/.test(text)).length >= 2, ticks);
  const about = await page.locator("#about").textContent();
  check("the panel shows how many points there are", /\d point/.test(about), about);
  check("the sources are named", (await page.locator(".maplibregl-ctrl-attrib").textContent()).includes("Natural Earth"));

  const shown = await glimpse(page);
  await slide(page, "#opacity", "Home");
  const bare = await glimpse(page);
  await shoot(page, "bare map");
  const heat = await difference(page, shown, bare);
  check("there is heat on the map", heat > 0.005, heat);
  await slide(page, "#opacity", "End");
  const again = await difference(page, shown, await glimpse(page));
  check("the heat comes back as it was", again < 0.001, again);
  const colours = await countColours(page, bare);
  check("the bare map has land and sea", colours >= 2, colours);

  const before = await page.locator(".detail").textContent();
  for (const [x, y] of [[700, 300], [760, 340], [820, 300], [640, 420], [900, 380], [1060, 360], [1010, 400]]) {
    await page.mouse.move(x, y, { steps: 3 });
    await page.waitForTimeout(250);
    if (/[1-9]/.test(await page.locator(".value").textContent())) break;
  }
  const value = await page.locator(".value").textContent();
  const detail = await page.locator(".detail").textContent();
  check("the mouse reads a value", /[1-9]/.test(value) && /[1-9]\d* point/.test(detail), { before, value, detail });
  await shoot(page, "value");
  await page.mouse.move(150, 30);
  await page.waitForTimeout(300);
  check("away from the map there is none", (await page.locator(".value").textContent()) === "");

  const ramp = await otherRamp(page);
  const recoloured = await difference(page, shown, await glimpse(page));
  check("another ramp is another picture", recoloured > 0.005, recoloured);
  check("the tiles carry the ramp", tiles().at(-1).includes(`ramp=${ramp}`), tiles().at(-1));
  await shoot(page, `ramp ${ramp}`);

  await slide(page, "#radius", "ArrowRight", 12);
  const radius = await page.inputValue("#radius-number");
  check("the tiles carry the radius", tiles().at(-1).includes(`radius=${radius}px`), [radius, tiles().at(-1)]);
  await page.selectOption("#scale", "sqrt");
  await page.waitForTimeout(300);
  await settled(page);
  const rescaled = await page.locator(".ticks span").evaluateAll((marks) => marks.map((mark) => mark.style.left));
  check("another scale is another legend", rescaled.length >= 2 && tiles().at(-1).includes("scale=sqrt"), rescaled);

  const kernel = await page.inputValue("#kernel");
  const choose = async (kernel) => {
    await page.selectOption("#kernel", kernel);
    await page.waitForTimeout(300);
    await settled(page);
  };
  await choose("pixel");
  const stuck = await page.locator("#radius").isDisabled();
  const counted = tiles().at(-1);
  check("a kernel of one pixel has no radius", stuck && counted.includes("kernel=pixel") && !counted.includes("radius="), counted);
  await choose(kernel);
  const freed = await page.locator("#radius").isEnabled();
  check("with another kernel the radius is as it was", freed && tiles().at(-1).includes(`radius=${radius}px`), tiles().at(-1));

  await page.selectOption("#measure", "mean");
  await page.waitForTimeout(300);
  await settled(page);
  check("another measure is another picture", tiles().at(-1).includes("measure=mean"), tiles().at(-1));
  await shoot(page, "mean");
  await page.selectOption("#measure", "sum");
  await page.waitForTimeout(300);
  await settled(page);

  await page.focus("#map canvas");
  await page.keyboard.press("+");
  await page.waitForTimeout(700);
  await settled(page);
  const styled = await glimpse(page);
  await page.click("#theme");
  await page.waitForTimeout(500);
  await settled(page);
  const light = await difference(page, styled, await glimpse(page));
  check("the light map is another picture", light > 0.02, light);
  await shoot(page, "light");

  await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => {});
  await page.click("#copy");
  const copied = await page.evaluate(() => navigator.clipboard.readText()).catch(String);
  const complete = ["{z}/{x}/{y}", "kernel=", `ramp=${ramp}`, "scale=sqrt", "domain="].every((piece) => copied.includes(piece));
  check("the copied address is a template with the style", complete && copied.startsWith(new URL(base).origin), copied);

  await page.waitForTimeout(400);
  const link = page.url();
  const last = await glimpse(page);
  const second = await open(browser, link, { viewport: { width: 1280, height: 800 } });
  await second.page.mouse.move(150, 30);
  const restored = await difference(page, last, await glimpse(second.page));
  check("the address brings view and style back", restored < 0.002 && link.includes(`ramp=${ramp}`), { restored, link });
  await second.context.close();

  await page.click("#reset");
  await page.waitForTimeout(300);
  await settled(page);
  const own = new URL(tiles().at(-1)).search;
  // The ground is still light, and the layer's own ramp is for a dark one.
  check("reset gives the layer's own style back", own === "?ramp=dusk", own);

  const unnamed = await page.locator("#panel :is(button, select, input):visible").evaluateAll((controls) =>
    controls
      .filter((control) => !control.labels?.length && !control.ariaLabel && !control.textContent.trim())
      .map((control) => control.outerHTML.slice(0, 80)));
  check("every control has a name", unnamed.length === 0, unnamed);

  const phone = await open(browser, base, { viewport: { width: 375, height: 700 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await shoot(phone.page, "phone");
  // Not innerWidth: a phone zooms out until a page that is too wide fits.
  const wide = await phone.page.evaluate(() => Math.max(innerWidth, document.documentElement.scrollWidth));
  check("the page fits a phone", wide === 375, wide);
  const sharp = phone.log.requests.filter((url) => /\/\d+\/\d+\/\d+[@.]/.test(url));
  check("on a sharp screen, tiles are sharp", sharp.length > 0 && sharp.every((url) => url.includes("@2x.png")), sharp[0]);
  const folded = await phone.page.locator("#controls").isVisible();
  await phone.page.tap("#fold");
  const unfolded = await phone.page.locator("#copy").isVisible();
  check("on a phone the settings unfold", !folded && unfolded, { folded, unfolded });
  await shoot(phone.page, "phone settings");

  // A map on a page of the server: values are coloured in the browser, without another request.
  const relief = await open(browser, base, { viewport: { width: 900, height: 700 } });
  const asked = () => relief.log.requests.filter((url) => url.includes(".dem.png")).length;
  await relief.page.evaluate(colourValues, new URL(base).href);
  const reliefs = [];
  for (const share of [0.5, 2]) {
    const before = asked();
    const seen = await relief.page.evaluate((share) => globalThis.colourFrom(share), share);
    reliefs.push({ ...seen, asked: asked() - before });
  }
  check("tiles of values are asked for", asked() > 0, relief.log.requests.slice(-3));
  const [below, above] = reliefs;
  check("a value above the colours' step is red", below.peak[0] > 200 && below.peak[2] < 60, below);
  check("the same value below it is blue, and no tile is asked for again",
    above.peak[2] > 200 && above.peak[0] < 60 && above.asked === 0, above);
  check("where nothing is there is no colour", below.empty[3] === 0 && above.empty[3] === 0, reliefs);
  await shoot(relief.page, "relief");

  const logs = [log, second.log, phone.log, relief.log];
  const outside = logs.flatMap((one) => one.requests).filter((url) => /^https?:/.test(url) && new URL(url).host !== new URL(base).host);
  check("nothing is asked of other hosts", outside.length === 0, outside.slice(0, 3));
  const failed = logs.flatMap((one) => one.failed);
  check("no request fails", failed.length === 0, failed.slice(0, 3));
  const complaints = logs.flatMap((one) => one.complaints);
  check("the console is quiet", complaints.length === 0, complaints.slice(0, 3));

  // Last, since it makes the server complain on purpose.
  const wrong = await open(browser, `${base}#ramp=no-such-ramp&radius=20px`, { viewport: { width: 1280, height: 800 } });
  const notice = wrong.page.locator("#problems .notice p");
  const problem = await notice.textContent({ timeout: 5000 }).catch(() => "");
  check("a bad link is mended with the server's words", problem.includes("no-such-ramp"), problem);
  const drawn = wrong.log.requests.filter((url) => url.includes(".png"));
  check("its good parts are shown", drawn.length > 0 && drawn.every((url) => url.includes("radius=20px")), drawn[0]);
  await wrong.page.waitForTimeout(5000);
  check("the problem stays until it is sent away", (await notice.count()) === 1);
  await shoot(wrong.page, "mistake");
  await wrong.page.click(".notice button");
  check("it can be sent away", (await notice.count()) === 0);
});
