// @ts-check
// What lies under the heat: the built-in coastline in dark or light, or the operator's base map.

import { address } from "./server.js";
import { state } from "./state.js";

export const COLORS = {
  dark: { sea: "#0a0d13", land: "#1a202b", border: "#39455a" },
  light: { sea: "#dfe6ec", land: "#f8f7f4", border: "#c3cad3" },
};
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

/** A light base map on dark ground has its light turned around, and its hues back. */
function basemapPaint() {
  return state.ground === "dark"
    ? { "raster-brightness-min": 0.88, "raster-brightness-max": 0.06, "raster-hue-rotate": 180, "raster-saturation": -0.5 }
    : { "raster-brightness-min": 0, "raster-brightness-max": 1, "raster-hue-rotate": 0, "raster-saturation": -0.25 };
}

/** The style of a map that has nothing but its ground. @returns {import("maplibre-gl").StyleSpecification} */
export function groundStyle() {
  const colors = COLORS[state.ground];
  const width = /** @type {any} */ (["interpolate", ["linear"], ["zoom"], 0, BORDER.far, 6, BORDER.near]);
  /** @type {import("maplibre-gl").StyleSpecification} */
  const style = {
    version: 8,
    sources: { land: { type: "geojson", data: address(document.body.dataset.land ?? ""), tolerance: 0.2 } },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": colors.sea } },
      {
        id: "land", type: "fill", source: "land", filter: ["==", ["get", "kind"], "land"],
        paint: { "fill-color": colors.land },
      },
      {
        id: "border", type: "line", source: "land", filter: ["==", ["get", "kind"], "border"],
        paint: { "line-color": colors.border, "line-width": width },
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
  if (!map.getLayer("basemap")) return;
  map.setLayoutProperty("basemap", "visibility", visibility(hasBasemap()));
  for (const id of ["land", "border"]) map.setLayoutProperty(id, "visibility", visibility(!hasBasemap()));
  for (const [name, value] of Object.entries(basemapPaint())) map.setPaintProperty("basemap", /** @type {any} */ (name), value);
}
