import type * as L from "leaflet";

/** Parameters of a style, as in docs/styles.md; `undefined` takes the layer's own. */
export type Style = Record<string, string | number | undefined>;

export interface LegendOptions {
  position?: L.ControlPosition;
  theme?: "light" | "dark";
}

export interface TileOptions extends L.LayerOptions {
  opacity?: number;
  zIndex?: number;
  crossOrigin?: string | boolean;
  /** Shows the value under the pointer. */
  tooltip?: boolean;
  /** Adds a control with the legend. */
  legend?: boolean | LegendOptions;
}

export interface HeatsplatOptions extends TileOptions {
  style?: Style;
  filter?: string;
  time?: string;
  /** The key of a layer that has one. */
  key?: string;
}

/** The server's answer to posted points. */
export interface PostedAnswer {
  id: string;
  generation: number;
  points: number;
  skipped: Record<string, number>;
  examples?: string[];
  tiles: string;
  tilejson: string;
  legend: string;
  value: string;
  expires: number;
}

export class Heatsplat extends L.LayerGroup {
  constructor(url: string, options?: HeatsplatOptions);
  setStyle(style: Style): this;
  setFilter(filter?: string): this;
  setTime(time?: string): this;
  setOpacity(opacity: number): this;
  redraw(): this;
  /** The layer's TileJSON. */
  info(): Promise<Record<string, unknown>>;
}

export class HeatsplatLegend extends L.Control {
  constructor(layer: Heatsplat | HeatLayer, options?: LegendOptions);
}

export type HeatPoint =
  | [lat: number, lng: number, intensity?: number]
  | { lat: number; lng: number; alt?: number };

export interface HeatOptions extends TileOptions {
  minOpacity?: number;
  maxZoom?: number;
  max?: number;
  radius?: number;
  blur?: number;
  gradient?: Record<number, string>;
  /** heatsplat's words in place of the options above. */
  style?: Style;
  server?: string;
  token?: string;
}

export class HeatLayer extends L.LayerGroup {
  constructor(latlngs: HeatPoint[], options?: HeatOptions);
  setLatLngs(latlngs: HeatPoint[]): this;
  addLatLng(latlng: HeatPoint): this;
  setOptions(options: HeatOptions): this;
  setOpacity(opacity: number): this;
  redraw(): this;
}

export function heatsplat(url: string, options?: HeatsplatOptions): Heatsplat;
export function heatLayer(latlngs: HeatPoint[], options?: HeatOptions): HeatLayer;

export interface Classes {
  Heatsplat: typeof Heatsplat;
  HeatsplatLegend: typeof HeatsplatLegend;
  HeatLayer: typeof HeatLayer;
  heatsplat: typeof heatsplat;
  heatLayer: typeof heatLayer;
}

/** Makes the classes for a copy of Leaflet. */
export function extend(leaflet: typeof L, server?: string): Classes;
