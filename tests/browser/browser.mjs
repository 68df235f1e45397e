// Which browser the tests drive, and how.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The browser to run: CHROMIUM, or the first of its usual names on the PATH. */
export function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // The next one.
      }
    }
  }
  throw new Error("no Chromium on the PATH; name one in CHROMIUM");
}

// A graphics card drawn by software: the same picture on every machine.
export const FLAGS = [
  "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
