// @ts-check
// Controls of the active layer's filter, made from the columns that the server keeps for it.

import { el, onTyped } from "./dom.js";
import { rangeControl } from "./filter-range.js";
import { readFilter, writeFilter } from "./filter-text.js";
import { paced } from "./map.js";
import { announce, on, state } from "./state.js";
import { words } from "./strings.js";

/**
 * @typedef {import("./server.js").Attribute} Attribute
 * @typedef {import("./filter-text.js").Condition} Condition
 */

const body = el("div", { id: "filter-columns" });
const free = el("textarea", { id: "condition", rows: 2, spellcheck: false });
const clear = el("button", { type: "button", id: "clear-filter", className: "quiet" }, words.clearFilter);
const details = el("details", { id: "filter" }, el("summary", {}, words.filter, el("b", { id: "filter-mark" })),
  body, el("label", { className: "field" }, words.condition, free), clear);

/** @type {Condition} */
let condition = { columns: new Map(), free: "" };
/** The entry, and its filter, that the controls show. */
let drawn = "";

export function filterSection() {
  onTyped(free, () => {
    condition.free = free.value;
    apply();
  }, 600);
  clear.addEventListener("click", () => {
    state.active.filter = "";
    drawn = "";
    announce("style", state.active);
  });
  on(["style", "entries"], draw);
  draw();
  return details;
}

/** Filters the active entry by what the controls say. */
function apply() {
  state.active.filter = writeFilter(condition);
  drawn = signature();
  mark();
  announce("style", state.active);
}
const applySoon = paced(apply, 200);

const signature = () => `${state.active.key} ${state.active.filter}`;

function mark() {
  const count = condition.columns.size + (condition.free.trim() ? 1 : 0);
  /** @type {HTMLElement} */ (details.querySelector("#filter-mark")).textContent = count > 0 ? String(count) : "";
  clear.hidden = count === 0;
}

/** Builds the controls, unless they show the state already: a control in use must stay. */
function draw() {
  const { attributes } = state.active.layer;
  details.hidden = !attributes?.length;
  if (drawn === signature()) return;
  drawn = signature();
  condition = readFilter(state.active.filter);
  free.value = condition.free;
  free.placeholder = example(attributes?.[0]);
  mark();
  body.replaceChildren(...(attributes ?? []).map((attribute) =>
    attribute.type === "number" || attribute.type === "time" ? range(attribute) : choice(attribute)));
}

/** A condition on a column, to write another like it. @param {Attribute | undefined} attribute */
function example(attribute) {
  if (!attribute) return "";
  const { name, type, range: ends, values } = attribute;
  const column = /^[a-z_]\w*$/i.test(name) ? name : `"${name}"`;
  if (ends) return `${column} < ${type === "time" ? `'${ends[1]}'` : ends[1]} ${words.orNull(column)}`;
  return type === "bool" ? `${column} = true` : `${column} <> '${values?.[0]?.value ?? ""}' ${words.orNull(column)}`;
}

/** @param {Attribute} attribute */
function range(attribute) {
  if (!attribute.range) return "";
  const { name } = attribute;
  return rangeControl(attribute, condition.columns.get(name) ?? {}, (ends) => {
    if (ends.low === undefined && ends.high === undefined) condition.columns.delete(name);
    else condition.columns.set(name, ends);
    applySoon();
  });
}

/** Boxes for the most frequent values, and a field for others. @param {Attribute} attribute */
function choice({ name, type, values }) {
  const listed = (values ?? []).map(({ value, count }) => ({ value: String(value), count }));
  const chosen = new Set(condition.columns.get(name)?.values ?? []);
  const set = () => {
    // Of a Boolean both values are no condition.
    if (chosen.size === 0 || (type === "bool" && chosen.size > 1)) condition.columns.delete(name);
    else condition.columns.set(name, { values: [...chosen] });
    applySoon();
  };
  const rest = [...chosen].filter((value) => !listed.some((other) => other.value === value));
  const boxes = [...listed, ...rest.map((value) => ({ value, count: undefined }))].map(({ value, count }) => {
    const box = el("input", {
      type: "checkbox", checked: chosen.has(value),
      on: {
        change: () => {
          if (box.checked) chosen.add(value);
          else chosen.delete(value);
          set();
        },
      },
    });
    const text = type === "bool" ? (value === "true" ? words.yes : words.no) : value;
    return el("label", { className: "check" }, box, el("span", {}, text),
      count !== undefined && el("small", {}, count.toLocaleString("en")));
  });
  const other = el("input", {
    type: "text", className: "other", placeholder: words.otherValue(name), "aria-label": words.otherValue(name),
    on: {
      change: () => {
        if (!other.value) return;
        chosen.add(other.value);
        set();
        // The new value gets a box of its own.
        drawn = "";
      },
    },
  });
  const all = type === "bool" || listed.length < 20;
  return el("fieldset", { className: "column" }, el("legend", {}, name),
    el("div", { className: "choices", tabIndex: boxes.length > 6 ? 0 : -1 }, ...boxes), !all && other);
}
