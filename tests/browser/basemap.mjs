// Checks the operator's base map in Chromium. The server has `--basemap` with tiles of
// tiles.example.test, which this script answers itself.

import { deflateSync, crc32 } from "node:zlib";
import { base, check, open, run, settled, shoot } from "./page.mjs";

/** A PNG of one colour. @param {number[]} color red, green, blue */
function plainPng(color, side = 256) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body) >>> 0, 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(side * 3, Buffer.from(color))]);
  const rows = deflateSync(Buffer.concat(Array(side).fill(row)));
  const mark = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([mark, chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

await run(async (browser) => {
  const green = plainPng([150, 230, 150]);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  let asked = [];
  await context.route("https://tiles.example.test/**", (route) => {
    asked.push(route.request());
    return route.fulfill({ body: green, contentType: "image/png", headers: { "access-control-allow-origin": "*" } });
  });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  await page.goto(base);
  await settled(page);
  check("tiles of the base map are asked for", asked.some((request) => /\/\d+\/\d+\/\d+\.png$/.test(request.url())), asked.length);
  const referer = await asked[0]?.headerValue("referer");
  check("its server learns the page's origin alone", referer === base, referer);
  const credits = await page.locator(".maplibregl-ctrl-attrib").textContent();
  check("its credit is shown", credits.includes("© Example"), credits);
  const corner = async () => {
    const png = (await page.screenshot({ clip: { x: 900, y: 750, width: 1, height: 1 } })).toString("base64");
    return page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes]));
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      canvas.drawImage(bitmap, 0, 0);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    }, png);
  };
  const shown = await corner();
  check("it lies under the heat", shown[1] > shown[0] + 40 && shown[1] > shown[2] + 40, shown);
  await shoot(page, "base map");
  await page.click("#theme");
  await page.waitForTimeout(600);
  await settled(page);
  const dark = await corner();
  check("on a dark ground it is dark", Math.max(...dark.slice(0, 3)) < 140, dark);
  await shoot(page, "base map, dark");
  await page.click("#basemap");
  await page.waitForTimeout(600);
  await settled(page);
  const without = await corner();
  check("it can be switched off", Math.abs(without[1] - without[0]) < 40, without);
  check("a link knows that", page.url().includes("basemap=off"), page.url());
  check("the console is quiet", complaints.length === 0, complaints.slice(0, 3));
  await context.close();

  const other = await open(browser, `${base}#basemap=off`, {});
  const outside = other.log.requests.filter((url) => url.includes("example.test"));
  check("switched off, its server is not asked", outside.length === 0, outside.slice(0, 2));
});
