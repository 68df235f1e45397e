// Checks by axe-core, in Chromium, that the viewer can be used by everyone: in dark and light, on a
// large screen and on a phone held both ways, with all sections open. Targets have at least 24 × 24
// px.
//
//   `node access.mjs http://127.0.0.1:3000/ [FOLDER FOR SCREENSHOTS]`

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { base, check, open, run, settled, shoot } from "./page.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The violations that axe finds, each with its rule and first place. */
const violations = (page) =>
  page.evaluate(async (source) => {
    // The page forbids scripts that are not its own, so the test brings its own function.
    if (!globalThis.axe) new Function("module", "define", source)(undefined, undefined);
    const options = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
    const { violations: found } = await globalThis.axe.run(document, options);
    return found.map(({ id, nodes }) => `${id} (${nodes.length}): ${nodes[0].html.slice(0, 120)} ${nodes[0].failureSummary.slice(0, 160)}`);
  }, axe);

/** Controls that are smaller than 24 px either way. A box or circle in a label counts with its label. */
const small = (page) =>
  page.locator(":is(button, select, input, textarea, summary, label:has(input)):visible").evaluateAll((controls) =>
    controls
      .filter((control) => !(control.matches("input:is([type=checkbox], [type=radio])") && control.closest("label")))
      .map((control) => [control.getBoundingClientRect(), control.outerHTML.slice(0, 90)])
      .filter(([{ width, height }]) => width > 0 && (width < 24 || height < 24))
      .map(([{ width, height }, html]) => `${Math.round(width)}×${Math.round(height)} ${html}`));

const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
  "phone on its side": { viewport: { width: 844, height: 390 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

await run(async (browser) => {
  for (const [screen, options] of Object.entries(SCREENS)) {
    for (const colorScheme of ["dark", "light"]) {
      const name = `${screen}, ${colorScheme}`;
      // What the policy forbids to pages is allowed to the test.
      const { page, context } = await open(browser, base, { ...options, colorScheme, bypassCSP: true });
      check(`${name}: axe finds nothing`, (await violations(page)).length === 0, await violations(page));
      await shoot(page, name);
      const wide = await page.evaluate(() => Math.max(innerWidth, document.documentElement.scrollWidth));
      check(`${name}: the page is as wide as the screen`, wide === options.viewport.width, wide);
      if (await page.locator("#controls").isHidden()) await page.click("#fold");
      for (const section of ["#ramps", "#more", "#filter", "#share"]) {
        await page.locator(section).evaluate((details) => (details.open = true));
      }
      await page.locator("label:has(#compare)").click();
      await page.click("#go-to");
      await page.waitForTimeout(600);
      await settled(page);
      const found = await violations(page);
      check(`${name}: axe finds nothing with all sections open`, found.length === 0, found);
      const tiny = await small(page);
      check(`${name}: no target is under 24 px`, tiny.length === 0, tiny);
      await shoot(page, `${name} open`);
      await context.close();
    }
  }

  // The whole panel by keyboard: every control is reached, and the focus is seen.
  const { page } = await open(browser, base, SCREENS.desktop);
  const reached = new Set();
  for (let i = 0; i < 90; i += 1) {
    await page.keyboard.press("Tab");
    const id = await page.evaluate(() => {
      const { activeElement: at } = document;
      const seen = at && getComputedStyle(at).outlineStyle !== "none";
      return seen || at?.id === "divider" ? at.id || at.className : "";
    });
    reached.add(id);
  }
  const wanted = ["theme", "fold", "add-layer", "compare", "radius", "opacity", "measure", "scale", "kernel", "domain", "copy", "reset", "fit", "go-to"];
  const missing = wanted.filter((id) => !reached.has(id));
  check("the keyboard reaches every control", missing.length === 0, missing);
});
