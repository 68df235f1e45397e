// Uses the window of time in Chromium. The server needs one layer with a column of times.
//
//   `node times.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`

import { base, check, difference, glimpse, open, run, settled, shoot, slide } from "./page.mjs";

const VIEW = { viewport: { width: 1280, height: 800 } };

await run(async (browser) => {
  const { page, context, log } = await open(browser, base, VIEW);
  const windows = () => log.requests.filter((url) => /\/\d+\/\d+\/\d+/.test(url))
    .map((url) => new URL(url).searchParams.get("time"));
  const all = await glimpse(page);
  check("without a window all times are shown", windows().every((time) => time === null), windows());
  await page.click("#time summary");
  await page.waitForFunction(() => document.querySelector("#time-window").textContent !== "");
  check("an opened section asks for no window yet", windows().every((time) => time === null), windows());
  await slide(page, "#time-start", "ArrowRight", 2);
  const window = windows().at(-1);
  check("tiles carry the window", /^\d{4}-\d\d-\d\dT[\d:]+Z\/\d{4}-\d\d-\d\dT[\d:]+Z$/.test(window ?? ""), window);
  check("only its points are drawn", (await difference(page, all, await glimpse(page))) > 0.01);
  const legend = log.requests.filter((url) => url.includes("legend.json")).at(-1);
  check("the legend is the window's", new URL(legend).searchParams.get("time") === window, legend);
  await slide(page, "#time-length", "ArrowRight", 1);
  const longer = windows().at(-1);
  check("the window can be stretched", longer !== window && longer.split("/")[0] === window.split("/")[0], longer);
  await shoot(page, "window");

  const before = new Set(windows()).size;
  await page.click("#time-play");
  await page.waitForFunction((from) => document.querySelector("#time-start").value - from >= 3,
    Number(await page.locator("#time-start").inputValue()));
  await page.click("#time-play");
  check("it plays", new Set(windows()).size >= before + 3, windows().slice(-5));
  await page.waitForTimeout(500);
  await settled(page);

  const link = page.url();
  const again = await open(browser, link, VIEW);
  const played = windows().at(-1);
  const restored = again.log.requests.filter((url) => /\/\d+\/\d+\/\d+/.test(url));
  check("a link brings the window back",
    restored.every((url) => new URL(url).searchParams.get("time") === played), { link, restored });
  await again.context.close();

  const last = await open(browser, `${base}#time=P7D/latest`, VIEW);
  await last.page.waitForFunction(() => document.querySelector("#time-window").textContent !== "");
  const label = await last.page.locator("#time-window").textContent();
  const begins = Number(await last.page.locator("#time-start").inputValue());
  const ends = begins + Number(await last.page.locator("#time-length").inputValue());
  const bars = Number(await last.page.locator("#time-length").getAttribute("max"));
  check("a link in other words shows the window that is drawn", begins > 0 && ends === bars, { label, begins, ends, bars });
  await last.context.close();

  await page.click("#time-all");
  await page.waitForTimeout(500);
  await settled(page);
  check("all times come back", windows().at(-1) === null || (await difference(page, all, await glimpse(page))) < 0.001);
  check("the page complains of nothing", log.complaints.length === 0 && log.failed.length === 0, log);
  await context.close();
});
