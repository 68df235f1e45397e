// A page of the viewer in Chromium, and what the tests of it share.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { browserPath, FLAGS } from "./browser.mjs";

const [address, pictures] = process.argv.slice(2);
if (!address) {
  console.error(`usage: node ${process.argv[1]} BASE_URL [FOLDER FOR SCREENSHOTS]`);
  process.exit(2);
}
export const base = new URL(address).href;
if (pictures) mkdirSync(pictures, { recursive: true });

/** The checks that failed, with what was seen. They are repeated at the end of the output. */
const failures = [];
/** @param {string} what @param {boolean} holds @param {unknown} [seen] shown when it does not hold */
export function check(what, holds, seen) {
  const line = `${what}${holds || seen === undefined ? "" : `: ${JSON.stringify(seen)}`}`;
  if (!holds) failures.push(line);
  console.log(`${holds ? "ok  " : "FAIL"} ${line}`);
}

/** A page and all that it complained of or asked for. */
export async function open(browser, url, options) {
  // The ground follows the system's preference, so every test has one.
  const context = await browser.newContext({ colorScheme: "dark", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const log = { complaints: [], requests: [], failed: [] };
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) log.complaints.push(message.text());
  });
  page.on("pageerror", (error) => log.complaints.push(error.stack ?? error.message));
  page.on("request", (request) => log.requests.push(request.url()));
  page.on("requestfailed", (request) => {
    // The page itself gives up on answers that it no longer needs.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") log.failed.push(request.url());
  });
  page.on("response", (response) => {
    if (response.status() >= 400) log.failed.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  await settled(page);
  return { page, context, log };
}

/** Until every tile is drawn and the legend belongs to them. */
export const settled = (page) => page.waitForSelector("html[data-ready]", { timeout: 60_000 });

let taken = 0;
export async function shoot(page, name) {
  taken += 1;
  if (pictures) await page.screenshot({ path: join(pictures, `${String(taken).padStart(2, "0")}-${name}.png`) });
}

/** The middle of the map, where no card lies, as raw PNG bytes. */
export const glimpse = (page) => page.screenshot({ clip: { x: 340, y: 120, width: 840, height: 520 } });

/** Runs in the page, which can read PNG: the pixels of each picture, straight RGBA. */
function decode(pictures) {
  return Promise.all(
    pictures.map(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
      context.drawImage(bitmap, 0, 0);
      return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
    }),
  );
}
const inPage = (page, read, ...pictures) =>
  page.evaluate(`(${decode})(${JSON.stringify(pictures.map((picture) => picture.toString("base64")))}).then(${read})`);

/** Share of pixels in which two pictures differ visibly. */
export const difference = (page, a, b) =>
  inPage(page, ([p, q]) => {
    let differing = 0;
    for (let i = 0; i < p.length; i += 4) {
      if (Math.abs(p[i] - q[i]) + Math.abs(p[i + 1] - q[i + 1]) + Math.abs(p[i + 2] - q[i + 2]) > 24) differing += 1;
    }
    return differing / (p.length / 4);
  }, a, b);

export const countColours = (page, picture) => inPage(page, ([pixels]) => new Set(new Uint32Array(pixels.buffer)).size, picture);

/** Moves a slider as a keyboard does. */
export async function slide(page, id, key, times = 1) {
  await page.focus(id);
  for (let i = 0; i < times; i += 1) await page.keyboard.press(key);
  await page.waitForTimeout(300);
  await settled(page);
}

/** Picks a ramp other than the present one, and returns its name. */
export async function otherRamp(page) {
  if (!(await page.locator("#ramps").evaluate((details) => details.open))) await page.click("#ramps summary");
  const other = page.locator("#ramp-list input:not(:checked)").first();
  const name = await other.inputValue();
  // The circle of the button is hidden behind its swatch: a person clicks on that.
  await page.locator(`#ramp-list label:has(input[value="${name}"])`).click();
  await page.waitForTimeout(300);
  await settled(page);
  return name;
}

/** Runs a test in a browser of its own, prints the result and ends the program. */
export async function run(test) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
  try {
    await test(browser);
  } catch (error) {
    check("the test runs to its end", false, String(error).split("\n").slice(0, 3).join(" "));
  } finally {
    await browser.close();
  }
  console.log(failures.length === 0 ? "all is well" : `${failures.length} failed:\n${failures.join("\n")}`);
  process.exit(failures.length === 0 ? 0 : 1);
}
