// Names of places and finer coasts on the viewer's own base map, in Chromium.
//
//   `node places.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`

import { base, check, difference, glimpse, open, run, settled, shoot } from "./page.mjs";

/** Runs in the page: the names on the map, and the number of corners of the coast. */
async function ground() {
  const { maps } = await import("./viewer/js/map.js");
  const map = maps.main;
  const names = (kind) => map.queryRenderedFeatures({ layers: [`labels-${kind}`] }).map(({ properties }) => properties.name);
  const coast = map.querySourceFeatures("land", { filter: ["==", ["get", "kind"], "land"] });
  const corners = JSON.stringify(coast.map(({ geometry }) => geometry.coordinates)).split(",").length / 2;
  const layers = map.getStyle().layers.map(({ id }) => id);
  const heat = layers.findLastIndex((id) => id.startsWith("heat-"));
  return { countries: names("country"), cities: names("city"), corners, isOver: layers.slice(heat + 1).every((id) => id.startsWith("labels")) };
}

await run(async (browser) => {
  const size = { viewport: { width: 1280, height: 800 } };
  const { page, context, log } = await open(browser, `${base}#map=3.5/48/10`, size);
  const far = await page.evaluate(ground);
  check("countries are named", ["GERMANY", "FRANCE"].every((name) => far.countries.some((one) => one.toUpperCase() === name)), far);
  check("large cities are named", ["Paris", "Istanbul"].every((name) => far.cities.includes(name)), far);
  check("names lie over the heat", far.isOver, far);
  check("details are not loaded", !log.requests.some((url) => url.includes("detail")), log.requests);
  await shoot(page, "names");

  const named = await glimpse(page);
  await page.click("#labels");
  await page.waitForTimeout(400);
  await settled(page);
  const bare = await page.evaluate(ground);
  check("names can be switched off", bare.countries.length === 0 && bare.cities.length === 0, bare);
  const unlike = await difference(page, named, await glimpse(page));
  check("that is seen", unlike > 0.003, unlike);
  check("a link knows that", page.url().includes("labels=off"), page.url());
  const again = await open(browser, page.url(), size);
  check("and brings it back", (await again.page.evaluate(ground)).cities.length === 0);
  check("the button shows it", (await again.page.getAttribute("#labels", "aria-pressed")) === "false");
  await again.context.close();
  await page.click("#theme");
  await page.click("#labels");
  await page.waitForTimeout(400);
  await settled(page);
  await shoot(page, "names on light ground");
  check("on light ground they come back", (await page.evaluate(ground)).cities.length > 3);

  const near = await open(browser, `${base}#map=7/47/8`, size);
  check("near, details are loaded", near.log.requests.filter((url) => url.includes("detail")).length === 1);
  const fine = await near.page.evaluate(ground);
  check("smaller cities are named", ["Bern", "Luzern"].every((name) => fine.cities.includes(name)), fine);
  await shoot(near.page, "near");
  const coast = await open(browser, `${base}#map=4.9/60/8`, size);
  const coarse = (await coast.page.evaluate(ground)).corners;
  await coast.page.evaluate(async () => (await import("./viewer/js/map.js")).maps.main.jumpTo({ zoom: 5.1 }));
  await coast.page.waitForTimeout(1500);
  await settled(coast.page);
  const finer = (await coast.page.evaluate(ground)).corners;
  check("near, the coast has more corners", finer > 2 * coarse, { coarse, finer });
  await shoot(coast.page, "fjords");
  for (const one of [log, near.log, coast.log]) {
    check("the console is quiet", one.complaints.length === 0, one.complaints.slice(0, 3));
    check("no request fails", one.failed.length === 0, one.failed.slice(0, 3));
  }
  await context.close();
});
