// Changes the style of the map in Chromium, and counts what that costs: requests, work of the
// server, and pictures of the map.
//
//   `node restyle.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`

import { base, check, open, run, settled } from "./page.mjs";

/** Runs in the page: changes a control, and tells what was done until the map shows the change. */
async function cost({ id, value, event }) {
  const { maps } = await import("./viewer/js/map.js");
  let pictures = 0;
  const count = () => {
    pictures += 1;
  };
  maps.main.on("render", count);
  performance.clearResourceTimings();
  const control = document.querySelector(id);
  if (control.type === "radio") control.checked = true;
  else control.value = value;
  const root = document.documentElement;
  const settled = new Promise((done) => {
    new MutationObserver((_, observer) => {
      if (!("ready" in root.dataset)) return;
      observer.disconnect();
      done();
    }).observe(root, { attributes: true, attributeFilter: ["data-ready"] });
  });
  control.dispatchEvent(new Event(event, { bubbles: true }));
  const begins = "ready" in root.dataset;
  await settled;
  maps.main.off("render", count);
  const tiles = performance.getEntriesByType("resource").filter(({ name }) => /\/\d+\/\d+\/\d+\.png/.test(name));
  // The server keeps no density of a tile on which nothing is, and encodes no picture of it.
  const filled = tiles.map(({ serverTiming }) => serverTiming.map(({ name }) => name)).filter((steps) => steps.includes("encode"));
  const different = new Set(tiles.map(({ name }) => name)).size;
  return { asked: tiles.length, different, filled: filled.length, steps: [...new Set(filled.flat())], pictures, begins };
}

await run(async (browser) => {
  const { page, context, log } = await open(browser, base, { viewport: { width: 1280, height: 800 } });
  const change = async (id, value, event = "change") => {
    const done = await page.evaluate(cost, { id, value, event });
    await settled(page);
    return done;
  };
  await page.click("#ramps summary");
  for (const ramp of ["viridis", "magma"]) {
    const colours = await change(`#ramp-list input[value="${ramp}"]`, ramp);
    check(`${ramp}: tiles are asked for at once`, !colours.begins && colours.asked > 8, colours);
    check("each once", colours.asked === colours.different, colours);
    check("the server colours the densities that it has", colours.filled > 5 &&
      !["find", "deposit", "convolve"].some((step) => colours.steps.includes(step)), colours);
    check("the map isn't drawn for each tile", colours.pictures < colours.asked / 2, colours);
  }
  const radius = await change("#radius", "300", "input");
  check("a slider's map doesn't wait for it to rest", !radius.begins, radius);
  check("another radius is another density", radius.steps.some((step) => ["find", "deposit", "convolve"].includes(step)), radius);
  check("the map isn't drawn for each tile of it", radius.pictures < radius.asked / 2, radius);

  // Styles that follow each other: the last one counts, whichever answer comes last.
  await page.evaluate(async () => {
    for (const value of ["cbrt", "sqrt", "linear", "log", "sqrt"]) {
      const scale = document.querySelector("#scale");
      scale.value = value;
      scale.dispatchEvent(new Event("change"));
      await new Promise((done) => setTimeout(done, 15));
    }
  });
  await page.waitForTimeout(300);
  await settled(page);
  const shown = await page.evaluate(async () => {
    const { maps } = await import("./viewer/js/map.js");
    return { quiet: maps.main.areTilesLoaded(), scale: document.querySelector("#scale").value };
  });
  check("hasty changes end in the last one", shown.quiet && shown.scale === "sqrt" &&
    log.requests.filter((url) => url.includes(".png")).at(-1).includes("scale=sqrt"), shown);

  const opacity = await change("#opacity", "0.5", "input");
  check("opacity needs no tile", opacity.asked === 0, opacity);
  check("and shows at once", opacity.pictures <= 2, opacity);
  check("the console is quiet", log.complaints.length === 0, log.complaints.slice(0, 3));
  check("no request fails", log.failed.length === 0, log.failed.slice(0, 3));
  await context.close();
});
