// @ts-check
// Messages of the page. A hint goes by itself. A problem stays until it is mended, or sent away.

import { el, iconButton } from "./dom.js";
import { isAbort } from "./server.js";
import { words } from "./strings.js";

const list = el("div", { id: "notices" });
const hint = el("p", { id: "toast" });
/** What assistive technology reads out: problems at once, hints in turn. */
const problems = el("div", { id: "problems", role: "alert" });
const hints = el("div", { role: "status" }, hint);
list.append(problems, hints);

let timer = 0;

export const noticeList = list;

/** Shows a hint for a moment. @param {string} text */
export function say(text) {
  hint.textContent = text;
  hint.classList.add("shown");
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    hint.classList.remove("shown");
    hint.textContent = "";
  }, 4000);
}

/** @type {Map<string, HTMLElement>} */
const open = new Map();

/** Shows a problem until `mended` is called with its subject, or until the user sends it away.
 *  @param {string} subject @param {unknown} problem */
export function complain(subject, problem) {
  if (isAbort(problem)) return;
  const text = problem instanceof Error ? problem.message : String(problem);
  const there = open.get(subject);
  if (there) {
    const line = there.firstElementChild;
    if (line && line.textContent !== text) line.textContent = text;
    return;
  }
  const close = iconButton(words.dismiss, "m5 5 10 10M15 5 5 15", { on: { click: () => mended(subject) } });
  const notice = el("div", { className: "notice" }, el("p", {}, text), close);
  open.set(subject, notice);
  problems.append(notice);
}

/** @param {string} subject */
export function mended(subject) {
  open.get(subject)?.remove();
  open.delete(subject);
}
