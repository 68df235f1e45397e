// @ts-check
// The map for other programs: addresses and snippets to copy, and a picture.

import { choose, copyText, el, fill } from "./dom.js";
import { complain, mended, say } from "./notices.js";
import { viewLink } from "./permalink.js";
import { savePicture } from "./picture.js";
import { snippets } from "./snippets.js";
import { on, state } from "./state.js";
import { words } from "./strings.js";
import { sharedTiles } from "./style.js";

const kind = el("select", { id: "snippet-kind", "aria-label": words.snippet });
const code = el("textarea", { id: "snippet", readOnly: true, rows: 7, spellcheck: false, "aria-label": words.snippet });
const details = el("details", { id: "share" });

/** @param {string} text @param {string} done what is said then */
async function copy(text, done) {
  say((await copyText(text)) ? done : words.notCopied);
}

/** @param {string} id @param {string} name @param {() => void} click @param {string} [className] */
const button = (id, name, click, className) => el("button", { id, type: "button", className: className ?? "", on: { click } }, name);

/** The section of the panel. */
export function shareSection() {
  const save = async () => {
    try {
      await savePicture();
      mended("picture");
    } catch (problem) {
      complain("picture", problem);
    }
  };
  kind.addEventListener("change", draw);
  details.append(el("summary", {}, words.share),
    el("div", { className: "pair" },
      button("copy-link", words.copyLink, () => copy(viewLink(), words.linkCopied)),
      button("save-picture", words.savePicture, save)),
    el("div", { className: "actions" }, kind, button("copy-snippet", words.copy, () => copy(code.value, words.copied))),
    code);
  details.addEventListener("toggle", draw);
  on(["style", "entries", "ground", "moved"], draw);
  return details;
}

/** The main button of the panel. */
export const copyTiles = () => button("copy", words.copyTiles, () => copy(sharedTiles(state.active), words.tilesCopied));

function draw() {
  if (!details.open) return;
  const all = snippets(state.active);
  const before = kind.value;
  fill(kind, all.map(({ name }) => [name, name]));
  choose(kind, all.some(({ name }) => name === before) ? before : all[0].name);
  code.value = all.find(({ name }) => name === kind.value)?.text ?? "";
}
