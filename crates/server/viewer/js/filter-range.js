// @ts-check
// A range of numbers or times: a histogram, two sliders over it, and two fields.

import { el } from "./dom.js";
import { words } from "./strings.js";

/**
 * @typedef {import("./server.js").Attribute} Attribute
 * @typedef {{ low?: string, high?: string }} Ends
 */

const STEPS = 1000;

/** Turns values to numbers and back, as a column's kind asks. @param {Attribute["type"]} type */
function notation(type) {
  if (type !== "time") return { parse: Number, write: (/** @type {number} */ n) => String(Number(n.toPrecision(4))) };
  // Fields of times have no seconds and no zone; these are UTC.
  return {
    parse: (/** @type {any} */ text) => Date.parse(/Z|[+-]\d\d:?\d\d$/.test(String(text)) ? text : `${text}Z`),
    write: (/** @type {number} */ n) => `${new Date(n).toISOString().slice(0, 16)}Z`,
  };
}

/** @param {Attribute} attribute @param {Ends} ends @param {(ends: Ends) => void} change */
export function rangeControl({ name, type, range, histogram }, ends, change) {
  const { parse, write } = notation(type);
  const [least, greatest] = histogram?.range ?? /** @type {[any, any]} */ (range).map(parse);
  const exponent = histogram?.exponent ?? 1;
  const span = greatest - least || 1;
  const place = (/** @type {number} */ n) => STEPS * Math.min(1, Math.max(0, (n - least) / span)) ** exponent;
  const value = (/** @type {number} */ at) => least + span * (at / STEPS) ** (1 / exponent);

  const sliders = ["low", "high"].map((end) => el("input", {
    type: "range", min: "0", max: String(STEPS), className: end,
    "aria-label": end === "low" ? words.least(name) : words.most(name),
  }));
  const fields = ["low", "high"].map((end) => el("input", {
    type: type === "time" ? "datetime-local" : "number", step: "any", className: end,
    "aria-label": end === "low" ? words.least(name) : words.most(name),
  }));
  const [low, high] = sliders;
  const bars = (histogram?.counts ?? []).map(() => el("i"));
  const most = Math.max(1, ...(histogram?.counts ?? []));
  for (const [i, count] of (histogram?.counts ?? []).entries()) {
    bars[i].style.height = `${count > 0 ? 6 + 94 * Math.sqrt(count / most) : 0}%`;
  }
  const now = { ...ends };
  /** The least or the greatest value, as a field shows it. @param {0 | 1} end */
  const written = (end) => (range ? String(range[end]) : write(end ? greatest : least));

  /** @param {HTMLInputElement} [typing] a field that must stay as it is */
  function show(typing) {
    const [from, to] = [now.low ?? written(0), now.high ?? written(1)];
    low.value = now.low === undefined ? "0" : String(place(parse(from)));
    high.value = now.high === undefined ? String(STEPS) : String(place(parse(to)));
    const asField = (/** @type {string} */ text) => (type === "time" ? write(parse(text)).slice(0, 16) : text);
    if (typing !== fields[0]) fields[0].value = asField(from);
    if (typing !== fields[1]) fields[1].value = asField(to);
    for (const [slider, text] of /** @type {const} */ ([[low, from], [high, to]])) slider.setAttribute("aria-valuetext", text);
    for (const [i, bar] of bars.entries()) {
      const middle = ((i + 0.5) / bars.length) * STEPS;
      bar.className = middle >= Number(low.value) && middle <= Number(high.value) ? "in" : "";
    }
  }
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      // The ends don't pass each other.
      if (low.valueAsNumber > high.valueAsNumber) slider.value = slider === low ? high.value : low.value;
      now.low = low.valueAsNumber <= 0 ? undefined : write(value(low.valueAsNumber));
      now.high = high.valueAsNumber >= STEPS ? undefined : write(value(high.valueAsNumber));
      show();
      change({ ...now });
    });
  }
  for (const [i, field] of fields.entries()) {
    field.addEventListener("change", () => {
      const number = parse(field.value);
      const text = field.value === "" || !Number.isFinite(number) ? undefined : type === "time" ? write(number) : field.value;
      const other = i === 0 ? now.high : now.low;
      const isCrossed = text !== undefined && other !== undefined && (i === 0) === parse(text) > parse(other);
      field.setCustomValidity(isCrossed && parse(text) !== parse(other) ? words.endsInOrder : "");
      if (!field.reportValidity()) return;
      now[i === 0 ? "low" : "high"] = text;
      show(field);
      change({ ...now });
    });
  }
  show();
  return el("fieldset", { className: "column" }, el("legend", {}, name),
    bars.length > 0 && el("div", { className: "histogram", "aria-hidden": "true" }, ...bars),
    el("div", { className: "sliders" }, ...sliders), el("div", { className: "pair" }, ...fields));
}
