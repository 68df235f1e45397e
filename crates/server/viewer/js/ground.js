// @ts-check
// What lies under the heat: the built-in coastline in dark or light, or the operator's base map.

import { address } from "./server.js";
import { state } from "./state.js";

export const COLORS = {
  dark: { sea: "#0a0d13", land: "#1a202b", border: "#39455a", name: "#c5cedb", halo: "rgba(10, 13, 19, 0.75)" },
  light: { sea: "#dfe6ec", land: "#f8f7f4", border: "#c3cad3", name: "#414b5a", halo: "rgba(255, 255, 255, 0.8)" },
};
/** The source of names. The layers over the heat begin with it. */
export const LABELS = "labels";
/** The width of borders in px at zoom 0, and from zoom 6 on. */
export const BORDER = { far: 0.5, near: 1.2 };
/** The group of ramps that is made for each ground. */
export const RAMP_GROUP = { dark: "dark map", light: "light map" };

const LIGHT = matchMedia("(prefers-color-scheme: light)");

/** The ground that the system prefers. */
export const preferredGround = () => (LIGHT.matches ? "light" : "dark");

/** Calls an action when the system's preference changes. @param {() => void} action */
export const onPreference = (action) => LIGHT.addEventListener("change", action);

/** True if the operator's base map is shown. */
const hasBasemap = () => Boolean(state.catalog.basemap) && state.basemap;

/** True if the names of places are shown: a base map has names of its own. */
const hasLabels = () => state.labels && !hasBasemap();

/** A layer of names. @param {"country" | "city"} kind @param {any} layout @param {any} [paint]
 *  @returns {import("maplibre-gl").SymbolLayerSpecification} */
function namesLayer(kind, layout, paint = {}) {
  const colors = COLORS[state.ground];
  return {
    id: `${LABELS}-${kind}`, type: "symbol", source: LABELS,
    filter: ["all", ["==", ["get", "kind"], kind], [">=", ["zoom"], ["get", "zoom"]]],
    layout: {
      "text-field": ["get", "name"], "symbol-sort-key": ["get", "rank"], "text-padding": 4,
      visibility: visibility(hasLabels()), ...layout,
    },
    paint: { "text-color": colors.name, "text-halo-color": colors.halo, "text-halo-width": 1.3, ...paint },
  };
}

/** The width of borders, by zoom. */
const borderWidth = () => /** @type {any} */ (["interpolate", ["linear"], ["zoom"], 0, BORDER.far, 6, BORDER.near]);

/** What lies over the heat: borders, faintly, and names of places. A typeface of the system draws them, so that none
 *  is loaded. @returns {(import("maplibre-gl").SymbolLayerSpecification | import("maplibre-gl").LineLayerSpecification)[]} */
const upperLayers = () => [
  {
    id: `${LABELS}-border`, type: "line", source: "land", filter: ["==", ["get", "kind"], "border"],
    layout: { visibility: visibility(hasLabels()) },
    paint: { "line-color": COLORS[state.ground].name, "line-opacity": 0.3, "line-width": borderWidth() },
  },
  namesLayer("city", {
    "text-font": ["sans-serif"], "text-size": ["interpolate", ["linear"], ["zoom"], 2, 10, 8, 13], "text-max-width": 8,
  }),
  namesLayer("country", {
    "text-font": ["sans-serif"], "text-size": ["interpolate", ["linear"], ["zoom"], 1, 10, 6, 15],
    "text-transform": "uppercase", "text-letter-spacing": 0.08, "text-max-width": 7,
  }, { "text-opacity": 0.85 }),
];

/** A light base map on dark ground has its light turned around, and its hues back. */
function basemapPaint() {
  return state.ground === "dark"
    ? { "raster-brightness-min": 0.88, "raster-brightness-max": 0.06, "raster-hue-rotate": 180, "raster-saturation": -0.5 }
    : { "raster-brightness-min": 0, "raster-brightness-max": 1, "raster-hue-rotate": 0, "raster-saturation": -0.25 };
}

/** The style of a map that has nothing but its ground. @returns {import("maplibre-gl").StyleSpecification} */
export function groundStyle() {
  const colors = COLORS[state.ground];
  /** @type {import("maplibre-gl").StyleSpecification} */
  const style = {
    version: 8,
    // What is asked for is shown at once, not by and by.
    transition: { duration: 0, delay: 0 },
    sources: {
      land: { type: "geojson", data: address(document.body.dataset.land ?? ""), tolerance: 0.2 },
      [LABELS]: { type: "geojson", data: { type: "FeatureCollection", features: [] }, maxzoom: 8 },
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": colors.sea } },
      {
        id: "land", type: "fill", source: "land", filter: ["==", ["get", "kind"], "land"],
        paint: { "fill-color": colors.land },
      },
      {
        id: "border", type: "line", source: "land", filter: ["==", ["get", "kind"], "border"],
        paint: { "line-color": colors.border, "line-width": borderWidth() },
      },
    ],
  };
  const { basemap } = state.catalog;
  if (basemap) {
    style.sources.basemap = {
      type: "raster", tiles: [basemap.url], tileSize: 256, maxzoom: 19, attribution: basemap.attribution ?? "",
    };
    style.layers.push({
      id: "basemap", type: "raster", source: "basemap", layout: { visibility: visibility(hasBasemap()) },
      paint: { ...basemapPaint(), "raster-fade-duration": 100 },
    });
    for (const layer of style.layers.slice(1, 3)) layer.layout = { visibility: visibility(!hasBasemap()) };
  }
  style.layers.push(...upperLayers());
  return style;
}

/** @param {boolean} visible @returns {"visible" | "none"} */
const visibility = (visible) => (visible ? "visible" : "none");

/** Shows the state's ground on a map. @param {import("maplibre-gl").Map} map */
export function drawGround(map) {
  const colors = COLORS[state.ground];
  map.setPaintProperty("sea", "background-color", colors.sea);
  map.setPaintProperty("land", "fill-color", colors.land);
  map.setPaintProperty("border", "line-color", colors.border);
  for (const { id, paint } of upperLayers()) {
    for (const [name, value] of Object.entries(paint ?? {})) map.setPaintProperty(id, /** @type {any} */ (name), value);
    map.setLayoutProperty(id, "visibility", visibility(hasLabels()));
  }
  if (!map.getLayer("basemap")) return;
  map.setLayoutProperty("basemap", "visibility", visibility(hasBasemap()));
  for (const id of ["land", "border"]) map.setLayoutProperty(id, "visibility", visibility(!hasBasemap()));
  for (const [name, value] of Object.entries(basemapPaint())) map.setPaintProperty("basemap", /** @type {any} */ (name), value);
}
