// @ts-check
// The viewer: a layer's heat on a map, and a panel of its style parameters.
// The state is one object. `apply` updates the map, the panel, the legend and the URL to it.

import { AttributionControl, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";

/**
 * @typedef {{ measure: string, kernel: string, radius: string, normalize: string, scale: string, domain: string,
 *             ramp: string, reverse: boolean, opacity: number | string }} Style
 * @typedef {{ id: string, name?: string, points?: number, bounds?: number[], stored?: string,
 *             style?: Partial<Style> }} Layer
 * @typedef {{ name: string, group: string, colors: string[] }} Ramp
 * @typedef {{ layers: Layer[], loading?: string[], ramps: Ramp[], measures: string[], kernels: string[],
 *             scales: string[] }} Catalog
 * @typedef {{ value: number, position: number, label: string }} Tick
 * @typedef {{ value: number, position: number, color: string }} Stop
 * @typedef {{ stops: Stop[], ticks: Tick[], classes?: { color: string }[], domain: number[], unit?: string }} Legend
 * @typedef {{ value: number | null, count: number, percentile?: number | null, unit?: string }} Reading
 */

const root = document.documentElement;
const GROUNDS = {
  dark: { sea: "#0a0d13", land: "#1a202b", border: "#39455a", ramps: "dark map" },
  light: { sea: "#dfe6ec", land: "#f8f7f4", border: "#c3cad3", ramps: "light map" },
};
/** @type {Style} */
const DEFAULT_STYLE = {
  measure: "sum", kernel: "gaussian", radius: "16px", normalize: "peak", scale: "log",
  domain: "auto", ramp: "inferno", reverse: false, opacity: 1,
};
/** Screens with finer pixels get tiles with as many. */
const DENSITY = devicePixelRatio >= 1.5 ? "@2x" : "";
const NARROW = matchMedia("(max-width: 640px)");
const HOVERS = matchMedia("(hover: hover)").matches;

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function part(id, kind) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no ${kind.name} #${id}`);
}
const ui = {
  panel: part("panel", HTMLElement),
  about: part("about", HTMLElement),
  theme: part("theme", HTMLButtonElement),
  fold: part("fold", HTMLButtonElement),
  layerRow: part("layer-row", HTMLElement),
  layer: part("layer", HTMLSelectElement),
  ramps: part("ramps", HTMLDetailsElement),
  rampName: part("ramp-name", HTMLElement),
  rampSwatch: part("ramp-swatch", HTMLElement),
  rampList: part("ramp-list", HTMLElement),
  hint: part("hint", HTMLElement),
  reverse: part("reverse", HTMLInputElement),
  radius: part("radius", HTMLInputElement),
  radiusValue: part("radius-value", HTMLOutputElement),
  opacity: part("opacity", HTMLInputElement),
  opacityValue: part("opacity-value", HTMLOutputElement),
  measure: part("measure", HTMLSelectElement),
  kernel: part("kernel", HTMLSelectElement),
  scale: part("scale", HTMLSelectElement),
  domain: part("domain", HTMLSelectElement),
  custom: part("custom", HTMLElement),
  low: part("low", HTMLInputElement),
  high: part("high", HTMLInputElement),
  copy: part("copy", HTMLButtonElement),
  reset: part("reset", HTMLButtonElement),
  legend: part("legend", HTMLElement),
  bar: part("bar", HTMLElement),
  needle: part("needle", HTMLElement),
  ticks: part("ticks", HTMLElement),
  value: part("value", HTMLOutputElement),
  detail: part("detail", HTMLElement),
  toast: part("toast", HTMLElement),
};

/** @type {Catalog} */
let catalog;
/** @type {Layer} */
let layer;
/** @type {Style} */
let style = { ...DEFAULT_STYLE };
/** @type {keyof typeof GROUNDS} */
let ground = "dark";
/** @type {GlMap} */
let map;
/** @type {Legend | undefined} */
let legend;

// Requests to the server.

/** An address on this server, which may sit behind a path of a proxy. @param {string} path */
const address = (path) => new URL(path, document.baseURI).href;

/** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
async function ask(path, signal) {
  const response = await fetch(address(path), { signal });
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  throw new Error(body?.error ?? `The server answered ${response.status} to ${path}`);
}

/** The same question asked again cancels the one before. */
function latest() {
  let controller = new AbortController();
  return () => {
    controller.abort();
    controller = new AbortController();
    return controller.signal;
  };
}
/** @param {() => void} action @param {number} ms */
function debounce(action, ms) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, ms);
  };
}

/** The style a layer has of itself; the server tells it in words. @param {Layer} of @returns {Style} */
function ownStyle(of) {
  const own = { ...DEFAULT_STYLE, ...of.style };
  return { ...own, reverse: String(own.reverse) === "true" };
}

/** The pixel that a point lies in has no radius. */
const hasRadius = () => style.kernel !== "pixel";

/** The style as parameters: all of them, or only those that differ from the layer's own. @param {boolean} all */
function parameters(all) {
  const own = ownStyle(layer);
  const chosen = new URLSearchParams();
  for (const key of /** @type {(keyof Style)[]} */ (Object.keys(DEFAULT_STYLE))) {
    if (key === "radius" && !hasRadius()) continue;
    if (all ? style[key] !== false : String(style[key]) !== String(own[key])) chosen.set(key, String(style[key]));
  }
  return chosen;
}

/** The address template of the tiles. @param {{ all: boolean }} options */
function tiles({ all }) {
  // Tiles of an archive take no parameters.
  if (layer.stored) return address(`${encodeURIComponent(layer.id)}/`) + `{z}/{x}/{y}.${layer.stored}`;
  const query = parameters(all);
  // The map itself applies the opacity: at once, and without new tiles.
  if (!all) query.delete("opacity");
  const base = address(`${encodeURIComponent(layer.id)}/`);
  const search = query.size ? `?${query}`.replaceAll("%2C", ",") : "";
  return `${base}{z}/{x}/{y}${all ? "" : DENSITY}.png${search}`;
}

/** Opacity that the map itself can give; a curve over the ramp is left to the server. */
const fade = () => (Number.isFinite(Number(style.opacity)) ? Number(style.opacity) : 1);
/** The zoom of the tiles in sight: MapLibre counts zooms of 512 px and takes the nearest. */
const tileZoom = () => Math.max(0, Math.round(map.getZoom() + 1));

// Messages of the page.

const plain = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const compact = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, notation: "compact" });
/** @param {number} n */
const figure = (n) => (Math.abs(n) < 1e6 ? plain : compact).format(n);
/** @param {number} n @param {string} one */
const plural = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

let toastTimer = 0;
/** @param {string} text @param {boolean} [error] */
function say(text, error = false) {
  ui.toast.textContent = text;
  ui.toast.classList.toggle("error", error);
  ui.toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ui.toast.classList.remove("shown"), error ? 7000 : 2500);
}
/** @param {unknown} problem */
function complain(problem) {
  if (problem instanceof DOMException && problem.name === "AbortError") return;
  say(problem instanceof Error ? problem.message : String(problem), true);
}

/** @param {Ramp | undefined} ramp @param {boolean} [reverse] */
function gradient(ramp, reverse = false) {
  if (!ramp) return "none";
  return `linear-gradient(${reverse ? "to left" : "to right"}, ${ramp.colors.join(", ")})`;
}
/** A reversed ramp keeps its fading in at the low end: colours turn, opacities stay. @param {Ramp} ramp @returns {Ramp} */
function reversed(ramp) {
  const turned = ramp.colors.map((color, i) => ramp.colors[ramp.colors.length - 1 - i].slice(0, 7) + color.slice(7));
  return { ...ramp, colors: turned };
}
const chosenRamp = () => catalog.ramps.find((ramp) => ramp.name === style.ramp);

// The map.

/** The worker of another origin is checked against its digest, then started from memory. */
async function prepareWorker() {
  const url = import.meta.resolve("maplibre-gl/worker");
  if (new URL(url).origin === location.origin) return setWorkerUrl(url);
  const { integrity } = JSON.parse(document.querySelector("script[type=importmap]")?.textContent ?? "{}");
  const response = await fetch(url, { integrity: integrity?.[url] });
  setWorkerUrl(URL.createObjectURL(new Blob([await response.text()], { type: "text/javascript" })));
}

/** Room that the cards leave free. */
function padding() {
  if (!NARROW.matches) return { top: 28, right: 64, bottom: 48, left: ui.panel.offsetWidth + 40 };
  return { top: 76, right: 20, bottom: ui.legend.offsetHeight + 56, left: 20 };
}

/** @param {number[] | undefined} bounds @returns {[number, number, number, number]} */
function box(bounds) {
  if (bounds?.length !== 4 || !bounds.every(Number.isFinite)) return [-180, -60, 180, 75];
  const [west, south, east, north] = bounds;
  // A box with its east beyond 180 lies across ±180°.
  return [west, Math.max(south, -85), east < west ? east + 360 : east, Math.min(north, 85)];
}

/** @param {{ center?: [number, number], zoom?: number }} view @param {any} about the layer's TileJSON */
function createMap(view, about) {
  const colors = GROUNDS[ground];
  map = new GlMap({
    container: "map",
    ...(view.center ? view : { bounds: box(layer.bounds), fitBoundsOptions: { padding: padding(), maxZoom: 12 } }),
    maxZoom: 22,
    maxPitch: 0,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: false,
    style: {
      version: 8,
      sources: {
        land: { type: "geojson", data: address(document.body.dataset.land ?? ""), tolerance: 0.2 },
        heat: heatSource(about),
      },
      layers: [
        { id: "sea", type: "background", paint: { "background-color": colors.sea } },
        { id: "land", type: "fill", source: "land", filter: ["==", ["get", "kind"], "land"], paint: { "fill-color": colors.land } },
        {
          id: "border", type: "line", source: "land", filter: ["==", ["get", "kind"], "border"],
          paint: { "line-color": colors.border, "line-width": ["interpolate", ["linear"], ["zoom"], 0, 0.5, 6, 1.2] },
        },
        { id: "heat", type: "raster", source: "heat", paint: { "raster-opacity": fade(), "raster-fade-duration": 120 } },
      ],
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new AttributionControl({ compact: false, customAttribution: "Natural Earth · heatsplat" }), "bottom-right");
  map.addControl(new ScaleControl({ maxWidth: 90 }), "bottom-right");
  map.getCanvas().setAttribute("aria-label", "Map of the heat; arrow keys move it, plus and minus zoom");

  map.on("error", async ({ error }) => {
    // The body of a refused tile has the error message.
    const body = /** @type {any} */ (error)?.body;
    const said = body instanceof Blob ? await body.text().then(JSON.parse).catch(() => undefined) : undefined;
    complain(said?.error ?? error);
  });
  map.on("idle", settle);
  map.on("movestart", () => delete root.dataset.ready);
  map.on("moveend", () => {
    remember();
    readAgain();
    if (shownZoom !== tileZoom()) refreshLegend();
  });
  map.on("mousemove", ({ lngLat }) => point(lngLat));
  map.on("click", ({ lngLat }) => point(lngLat));
  map.on("mouseout", () => point(undefined));
}

/** @param {any} about @returns {import("maplibre-gl").RasterSourceSpecification} */
function heatSource(about) {
  // The source has no bounds, since heat reaches further than its points.
  return {
    type: "raster", tileSize: 256, tiles: [tiles({ all: false })],
    minzoom: about.minzoom ?? 0, maxzoom: about.maxzoom ?? 24, attribution: about.attribution ?? "",
  };
}

// The legend, and the value under the cursor.

let shownZoom = -1;
let waiting = 0;
const newestLegend = latest();

async function refreshLegend() {
  const signal = newestLegend();
  const z = tileZoom();
  ui.legend.hidden = Boolean(layer.stored);
  if (layer.stored) {
    shownZoom = z;
    return settle();
  }
  waiting += 1;
  try {
    const query = parameters(false);
    query.set("z", String(z));
    legend = await ask(`${encodeURIComponent(layer.id)}/legend.json?${query}`, signal);
    drawLegend();
  } catch (problem) {
    complain(problem);
  } finally {
    // The request has had its answer, maybe an error: it is not repeated.
    if (!signal.aborted) shownZoom = z;
    waiting -= 1;
    settle();
  }
}

function drawLegend() {
  if (!legend) return;
  const { ticks: borders, classes } = legend;
  const percent = (/** @type {number} */ position) => `${(position * 100).toFixed(2)}%`;
  const stops = classes
    ? classes.map(({ color }, i) => `${color} ${percent(borders[i].position)} ${percent(borders[i + 1].position)}`)
    : legend.stops.map((stop) => `${stop.color} ${percent(stop.position)}`);
  ui.bar.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  // The colors of a ramp outside the collection come from the legend.
  if (!chosenRamp()) ui.rampSwatch.style.backgroundImage = ui.bar.style.backgroundImage;
  const [low, high] = legend.domain;
  const ends = [{ value: low, position: 0, label: figure(low) }, { value: high, position: 1, label: figure(high) }];
  // The ends come first. Labels that would overlap earlier ones are left out.
  const at = (/** @type {number} */ position) => legend?.ticks.find((tick) => tick.position === position);
  const inner = legend.ticks.filter((tick) => tick.position > 0 && tick.position < 1);
  const ticks = [...ends.map((end) => at(end.position) ?? end), ...inner];
  ui.ticks.replaceChildren();
  /** @type {DOMRect[]} */
  const taken = [];
  for (const tick of ticks) {
    const mark = document.createElement("span");
    mark.textContent = tick.label;
    mark.style.left = `${tick.position * 100}%`;
    mark.className = tick.position < 0.04 ? "first" : tick.position > 0.96 ? "last" : "";
    ui.ticks.append(mark);
    const place = mark.getBoundingClientRect();
    if (taken.some((other) => place.left < other.right + 7 && other.left < place.right + 7)) mark.remove();
    else taken.push(place);
  }
  drawReading();
}

/** Where a value lies on the legend's bar, 0 to 1. @param {number} value */
function positionOf(value) {
  const stops = legend?.stops ?? [];
  const after = stops.findIndex((stop) => stop.value >= value);
  if (after <= 0) return after === 0 ? 0 : 1;
  const [a, b] = [stops[after - 1], stops[after]];
  return a.position + ((b.position - a.position) * (value - a.value)) / (b.value - a.value || 1);
}

/** @type {Reading | undefined} */
let reading;
/** @type {{ lng: number, lat: number } | undefined} */
let pointer;
const newestReading = latest();

function drawReading() {
  ui.needle.hidden = !(reading && legend && reading.value);
  if (!reading) {
    ui.value.textContent = "";
    ui.detail.textContent = `${HOVERS ? "Point at" : "Tap"} the map for its value`;
    return;
  }
  const unit = reading.unit ?? legend?.unit ?? "";
  ui.value.textContent = reading.value === null ? "no value" : figure(reading.value);
  const more = typeof reading.percentile === "number" && reading.count > 0 ? ` · > ${Math.floor(reading.percentile)} %` : "";
  ui.detail.textContent = `${unit ? `${unit} · ` : ""}${plural(reading.count, "point")}${more}`;
  ui.detail.title = ui.detail.textContent;
  ui.needle.style.left = `${positionOf(reading.value ?? 0) * 100}%`;
}

const read = debounce(async () => {
  const signal = newestReading();
  if (!pointer || layer.stored || map.isMoving()) return;
  const query = parameters(false);
  // Other copies of the world show the same places.
  query.set("lon", (((((pointer.lng + 180) % 360) + 360) % 360) - 180).toFixed(6));
  query.set("lat", pointer.lat.toFixed(6));
  query.set("z", String(tileZoom()));
  try {
    reading = await ask(`${encodeURIComponent(layer.id)}/value?${query}`, signal);
    drawReading();
  } catch (problem) {
    complain(problem);
  }
}, 60);

/** @param {{ lng: number, lat: number } | undefined} place */
function point(place) {
  pointer = place;
  if (place) return read();
  newestReading();
  reading = undefined;
  drawReading();
}
const readAgain = () => pointer && read();

// The panel.

/** @param {HTMLSelectElement} select @param {[string, string][]} options value and text */
function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}

function buildPanel() {
  fill(ui.layer, catalog.layers.map(({ id, name }) => [id, name ?? id]));
  ui.layerRow.hidden = catalog.layers.length < 2;
  fill(ui.measure, catalog.measures.map((name) => [name, name.replaceAll("_", " ").replace("km2", "km²")]));
  fill(ui.kernel, catalog.kernels.map((name) => [name, name]));
  const words = /** @type {Record<string, string>} */ ({ log: "logarithmic", sqrt: "square root", cbrt: "cube root", eq_hist: "equalised" });
  fill(ui.scale, catalog.scales.map((name) => [name, words[name] ?? name]));
}

/** The ramps made for this map come first. */
function buildRamps() {
  const groups = [...new Set(catalog.ramps.map((ramp) => ramp.group))];
  const rank = (/** @type {string} */ group) => (group === GROUNDS[ground].ramps ? 0 : group.endsWith(" map") ? 2 : 1);
  groups.sort((a, b) => rank(a) - rank(b));
  ui.rampList.replaceChildren(...groups.map((group) => {
    const set = document.createElement("fieldset");
    const title = document.createElement("legend");
    title.textContent = group.endsWith(" map") ? `for a ${group}` : group;
    set.append(title);
    for (const ramp of catalog.ramps.filter((ramp) => ramp.group === group)) {
      const label = document.createElement("label");
      const input = Object.assign(document.createElement("input"), { type: "radio", name: "ramp", value: ramp.name });
      const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
      swatch.style.backgroundImage = gradient(ramp);
      const name = document.createElement("span");
      name.textContent = ramp.name;
      label.append(input, swatch, name);
      set.append(label);
    }
    return set;
  }));
  const suitable = catalog.ramps.filter((ramp) => ramp.group === GROUNDS[ground].ramps).slice(0, 4);
  ui.hint.replaceChildren(Object.assign(document.createElement("span"), { textContent: `For a ${ground} map` }));
  for (const ramp of suitable) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "swatch", title: ramp.name });
    button.setAttribute("aria-label", `Ramp ${ramp.name}`);
    button.style.backgroundImage = gradient(ramp);
    button.addEventListener("click", () => change({ ramp: ramp.name }));
    ui.hint.append(button);
  }
}

/** Shows the state in the controls. */
function drawPanel() {
  const points = layer.points === undefined || layer.points === null ? "" : plural(layer.points, "point");
  ui.about.textContent = [catalog.layers.length < 2 ? (layer.name ?? layer.id) : "", points].filter(Boolean).join(" · ");
  document.title = `${layer.name ?? layer.id} · heatsplat`;
  ui.layer.value = layer.id;
  ui.measure.value = style.measure;
  ui.kernel.value = style.kernel;
  // For example a power that the user has chosen.
  if (![...ui.scale.options].some(({ value }) => value === style.scale)) ui.scale.add(new Option(style.scale, style.scale));
  ui.scale.value = style.scale;
  ui.reverse.checked = style.reverse;
  ui.radius.value = String(parseFloat(style.radius));
  ui.radius.disabled = !hasRadius();
  ui.radiusValue.textContent = hasRadius() ? style.radius.replace(/^([\d.]+)\s*/, "$1 ") : "none";
  ui.opacity.value = String(fade());
  ui.opacityValue.textContent = `${Math.round(fade() * 100)} %`;
  const custom = style.domain.includes(",");
  if (custom) [ui.low.value, ui.high.value] = style.domain.split(",");
  // A layer may have a domain that is not in the list, such as another percentile.
  if (!custom && ![...ui.domain.options].some(({ value }) => value === style.domain)) {
    ui.domain.add(new Option(style.domain, style.domain), 1);
  }
  ui.domain.value = custom ? "custom" : style.domain;
  ui.custom.hidden = !custom;

  const ramp = chosenRamp();
  ui.rampName.textContent = style.ramp;
  ui.rampSwatch.style.backgroundImage = gradient(ramp && style.reverse ? reversed(ramp) : ramp);
  for (const input of ui.rampList.querySelectorAll("input")) input.checked = input.value === style.ramp;
  // A hint is shown only for ramps of the other basemap.
  ui.hint.hidden = !ramp?.group.endsWith(" map") && !(ground === "light" && ramp?.group !== GROUNDS.light.ramps);
  if (ramp?.group === GROUNDS[ground].ramps) ui.hint.hidden = true;

  root.dataset.map = ground;
  root.toggleAttribute("data-stored", Boolean(layer.stored));
  ui.theme.setAttribute("aria-checked", String(ground === "light"));
}

function listen() {
  ui.theme.addEventListener("click", () => setGround(ground === "dark" ? "light" : "dark"));
  ui.fold.addEventListener("click", () => foldPanel(!ui.panel.classList.contains("folded")));
  ui.layer.addEventListener("change", () => setLayer(ui.layer.value));
  ui.rampList.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLInputElement) change({ ramp: target.value });
  });
  ui.reverse.addEventListener("change", () => change({ reverse: ui.reverse.checked }));
  ui.measure.addEventListener("change", () => change({ measure: ui.measure.value }));
  ui.kernel.addEventListener("change", () => change({ kernel: ui.kernel.value }));
  ui.scale.addEventListener("change", () => change({ scale: ui.scale.value }));
  // A moving slider passes many radii. New tiles are loaded only where it rests.
  const settleRadius = debounce(apply, 140);
  ui.radius.addEventListener("input", () => {
    style.radius = `${ui.radius.value}px`;
    drawPanel();
    settleRadius();
  });
  ui.opacity.addEventListener("input", () => {
    style.opacity = Number(ui.opacity.value);
    drawPanel();
    map.setPaintProperty("heat", "raster-opacity", fade());
    remember();
  });
  ui.opacity.addEventListener("change", () => refreshLegend());
  ui.domain.addEventListener("change", () => {
    const [low, high] = legend?.domain ?? [0, 1];
    const round = (/** @type {number} */ n) => Number(n.toPrecision(3));
    change({ domain: ui.domain.value === "custom" ? `${round(low)},${round(high)}` : ui.domain.value });
  });
  const bounds = debounce(() => {
    const [low, high] = [ui.low.valueAsNumber, ui.high.valueAsNumber];
    ui.high.setCustomValidity(low >= high ? "This must be more than the lower end." : "");
    if (ui.low.reportValidity() && ui.high.reportValidity()) change({ domain: `${low},${high}` });
  }, 400);
  ui.low.addEventListener("input", bounds);
  ui.high.addEventListener("input", bounds);
  ui.copy.addEventListener("click", () => copy(tiles({ all: true })));
  ui.reset.addEventListener("click", () => change(ownStyle(layer)));
  addEventListener("hashchange", restore);
}

/** @param {boolean} folded */
function foldPanel(folded) {
  ui.panel.classList.toggle("folded", folded);
  ui.fold.setAttribute("aria-expanded", String(!folded));
}

/** @param {string} text */
async function copy(text) {
  // Pages without TLS on another host have no clipboard, but selected text can be copied.
  const written = await navigator.clipboard?.writeText(text).then(() => true, () => false);
  if (!written) {
    const field = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    ui.copy.focus();
    if (!copied) return say(text);
  }
  say("Tile URL copied");
}

// The state.

/** @param {Partial<Style>} wish */
function change(wish) {
  style = { ...style, ...wish };
  apply();
}

function apply() {
  delete root.dataset.ready;
  drawPanel();
  const source = /** @type {import("maplibre-gl").RasterTileSource | undefined} */ (map.getSource("heat"));
  const wanted = tiles({ all: false });
  // The old tiles stay until the new ones are loaded.
  if (source && source.tiles[0] !== wanted) source.setTiles([wanted]);
  map.setPaintProperty("heat", "raster-opacity", fade());
  remember();
  refreshLegend();
  readAgain();
}

/** @param {keyof typeof GROUNDS} wish */
function setGround(wish) {
  ground = wish;
  const colors = GROUNDS[ground];
  map.setPaintProperty("sea", "background-color", colors.sea);
  map.setPaintProperty("land", "fill-color", colors.land);
  map.setPaintProperty("border", "line-color", colors.border);
  buildRamps();
  drawPanel();
  remember();
}

/** @param {string} id */
async function setLayer(id) {
  const next = catalog.layers.find((candidate) => candidate.id === id);
  if (!next || next === layer) return;
  layer = next;
  style = ownStyle(layer);
  try {
    const about = await ask(encodeURIComponent(layer.id));
    map.removeLayer("heat").removeSource("heat");
    map.addSource("heat", heatSource(about));
    map.addLayer({ id: "heat", type: "raster", source: "heat", paint: { "raster-opacity": fade(), "raster-fade-duration": 120 } });
    point(undefined);
    apply();
    map.fitBounds(box(layer.bounds), { padding: padding(), maxZoom: 12 });
  } catch (problem) {
    complain(problem);
  }
}

/** Ready: every tile is drawn and the legend belongs to them. */
function settle() {
  if (map?.loaded() && map.areTilesLoaded() && !map.isMoving() && waiting === 0 && shownZoom === tileZoom()) root.dataset.ready = "true";
}

/** Writes view and style into the address, so that it can be shared. */
const remember = debounce(() => {
  const { lng, lat } = map.getCenter().wrap();
  const zoom = map.getZoom();
  const digits = Math.max(2, Math.ceil(zoom / 3) + 1);
  const hash = new URLSearchParams({ map: `${Number(zoom.toFixed(4))}/${lat.toFixed(digits)}/${lng.toFixed(digits)}` });
  if (catalog.layers.length > 1) hash.set("layer", layer.id);
  if (ground !== "dark") hash.set("ground", ground);
  for (const [key, value] of parameters(false)) hash.set(key, value);
  history.replaceState(null, "", `#${hash}`.replaceAll("%2F", "/").replaceAll("%2C", ","));
}, 200);

/** Takes layer, ground and style from the address; returns the view in it. */
function recall() {
  const hash = new URLSearchParams(location.hash.slice(1));
  layer = catalog.layers.find(({ id }) => id === hash.get("layer")) ?? catalog.layers[0];
  style = ownStyle(layer);
  for (const key of /** @type {(keyof Style)[]} */ (Object.keys(DEFAULT_STYLE))) {
    const value = hash.get(key);
    if (value !== null) Object.assign(style, { [key]: key === "reverse" ? value === "true" : value });
  }
  ground = hash.get("ground") === "light" ? "light" : "dark";
  const [zoom, lat, lng] = (hash.get("map") ?? "").split("/").map(Number);
  return [zoom, lat, lng].every(Number.isFinite) && Math.abs(lat) <= 90
    ? { zoom, center: /** @type {[number, number]} */ ([lng, lat]) }
    : {};
}

/** The address was changed by hand or by going back. */
function restore() {
  const before = layer;
  const view = recall();
  const after = layer;
  const wish = style;
  layer = before;
  if (after !== before) return void setLayer(after.id).then(() => change(wish));
  setGround(ground);
  change(wish);
  if (view.center) map.jumpTo(view);
}

/** The catalog, once a layer is in it: large ones are still read when the server is up already. */
async function firstCatalog() {
  for (;;) {
    /** @type {Catalog} */
    const answer = await ask("catalog");
    if (answer.layers.length > 0) return answer;
    if (!answer.loading?.length) throw new Error("There are no layers. Give the server a source: heatsplat serve points.csv");
    say(`Loading ${answer.loading.join(", ")} …`);
    await new Promise((done) => setTimeout(done, 1000));
  }
}

async function start() {
  foldPanel(NARROW.matches);
  drawReading();
  try {
    [catalog] = await Promise.all([firstCatalog(), prepareWorker()]);
    const view = recall();
    buildPanel();
    buildRamps();
    drawPanel();
    createMap(view, await ask(encodeURIComponent(layer.id)));
    listen();
    await refreshLegend();
  } catch (problem) {
    complain(problem);
  }
}

start();
