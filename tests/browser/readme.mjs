// Opens the Leaflet page of README.md in Chromium, as a reader would, and uses its filter, legend
// and values.
//
//   `npm ci && node readme.mjs http://127.0.0.1:3000`
//
// The server has examples/incidents.csv. Leaflet comes from node_modules instead of its CDN. Prints
// a line per check; the exit status is 1 if one failed.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { browserPath, FLAGS } from "./browser.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [base] = process.argv.slice(2);
if (!base) {
  console.error("usage: node readme.mjs BASE_URL");
  process.exit(2);
}

let failures = 0;
/** @param {string} what @param {boolean} holds @param {unknown} [seen] shown when it does not hold */
function check(what, holds, seen) {
  if (!holds) failures += 1;
  console.log(`${holds ? "ok  " : "FAIL"} ${what}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
}

const [, html] = /```html\n([^]*?)```/.exec(readFileSync(join(here, "../../README.md"), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "heatsplat-readme-"));
const file = join(folder, "page.html");
writeFileSync(file, html.replaceAll("http://127.0.0.1:3000", base));

const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS });
try {
  const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
  const complaints = [];
  const answers = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => {
    if (response.url().startsWith(base)) answers.push([response.status(), decodeURIComponent(response.url())]);
  });
  await page.route("https://unpkg.com/leaflet@*/**", (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^\/leaflet@[^/]*/, "");
    return route.fulfill({ path: join(here, "node_modules/leaflet", path) });
  });
  // The ground needs the network.
  await page.route("https://tile.openstreetmap.org/**", (route) => route.abort());

  /** Until a condition holds, or for ten seconds. */
  const until = async (holds) => {
    for (let turn = 0; turn < 200 && !(await holds()); turn += 1) await page.waitForTimeout(50);
    return holds();
  };
  const tiles = (kind) => answers.filter(([, url]) => url.includes(".png") && url.includes(`kind = '${kind}'`));
  await page.goto(pathToFileURL(file).href);
  check("tiles of the first kind are drawn", await until(() => tiles("theft").length > 3), answers);
  const width = () => page.evaluate(() => document.getElementById("legend").naturalWidth);
  check("the legend is shown", await until(async () => (await width()) > 100), await width());

  await page.selectOption("#kind", "fraud");
  check("the filter asks for other tiles", await until(() => tiles("fraud").length > 3), answers);

  await page.mouse.click(450, 420);
  const value = Number(await page.locator(".leaflet-popup-content").textContent());
  check("a click shows the value there", Number.isFinite(value) && value >= 0, value);
  check("every answer is well", answers.every(([status]) => status === 200), answers);
  check("the page has no error", complaints.length === 0, complaints);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
process.exit(failures ? 1 : 0);
