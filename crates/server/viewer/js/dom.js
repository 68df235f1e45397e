// @ts-check
// Elements of the page, made in one expression.

/**
 * Makes an element. Attributes that are properties of the element are set as such; `on` has listeners, `data`
 * the dataset, and other names become attributes. A child that is a text becomes a text node; `undefined`,
 * `null` and `false` are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string | undefined | null | false)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === "on") for (const [event, action] of Object.entries(value)) element.addEventListener(event, action);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name in element && name !== "list" && name !== "form") Object.assign(element, { [name]: value });
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** An icon of lines on a square of 20 × 20. @param {string} path @param {string} [filled] */
export function icon(path, filled) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  for (const [d, kind] of [[path, ""], [filled, "filled"]]) {
    if (!d) continue;
    const line = document.createElementNS(ns, "path");
    line.setAttribute("d", d);
    if (kind) line.setAttribute("class", kind);
    svg.append(line);
  }
  return svg;
}

/** A button with an icon and a name. @param {string} name @param {string} path @param {Record<string, any>} [more] */
export function iconButton(name, path, more = {}) {
  return el("button", { type: "button", className: "icon", "aria-label": name, title: name, ...more }, icon(path));
}

/** A control with its label over it. @param {string} name @param {Node[]} children */
export function field(name, ...children) {
  return el("label", { className: "field" }, name, ...children);
}

/** Sets the options of a select. @param {HTMLSelectElement} select @param {[string, string][]} options value, text */
export function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

/** Shows a value in a select, which gets an option for it if it has none. @param {HTMLSelectElement} select
 *  @param {string} value @param {string} [text] */
export function choose(select, value, text = value) {
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(text, value));
  select.value = value;
}

/** An action that is done once it has not been asked for during `ms`. @param {() => void} action @param {number} ms */
export function debounce(action, ms) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, ms);
  };
}

/** Calls an action while a field is typed in, once nothing was typed during `ms`, and at once when the value is final.
 *  @param {HTMLInputElement | HTMLTextAreaElement} input @param {() => void} action @param {number} ms */
export function onTyped(input, action, ms) {
  let timer = 0;
  const act = () => {
    timer = 0;
    action();
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(act, ms);
  });
  input.addEventListener("change", () => {
    if (timer === 0) return;
    clearTimeout(timer);
    act();
  });
}

/** Writes a text to the clipboard; false if that is not possible. @param {string} text */
export async function copyText(text) {
  // Pages without TLS on another host have no clipboard, but selected text can be copied.
  if (await navigator.clipboard?.writeText(text).then(() => true, () => false)) return true;
  const focused = document.activeElement;
  const area = el("textarea", { value: text, className: "unseen" });
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
}

/** Lets the browser keep a file. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
