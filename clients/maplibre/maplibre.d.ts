/** Parameters of a style, as in docs/styles.md; `undefined` takes the layer's own. */
export type Style = Record<string, string | number | undefined>;

export interface LayerOptions {
  /** The id of the source and of the layer. */
  id?: string;
  /** The id of the layer before which it is added. */
  before?: string;
  opacity?: number;
  /** The credit for the data. */
  attribution?: string;
  /** Adds a control with the legend. */
  legend?: boolean | { theme?: "light" | "dark" };
  position?: "top-left" | "top-right" | "bottom-left" | "bottom-right";
  /** Shows the value under the pointer. */
  popup?: boolean;
}

export interface HeatsplatOptions extends LayerOptions {
  style?: Style;
  filter?: string;
  time?: string;
  /** The key of a layer that has one. */
  key?: string;
}

export interface HeatsplatLayer {
  setStyle(style: Style): this;
  setFilter(filter?: string): this;
  setTime(time?: string): this;
  setOpacity(opacity: number): this;
  info(): Promise<Record<string, unknown>>;
  remove(): void;
}

/** Rows of longitude, latitude and weight, or GeoJSON. */
export type Points = [lon: number, lat: number, weight?: number][] | { type: "FeatureCollection"; features: unknown[] };

export interface PointsOptions extends LayerOptions {
  style?: Style;
  server?: string;
  token?: string;
  /** The property with the weights of features. */
  weight?: string;
}

export interface HeatPoints {
  setData(points: Points): this;
  setStyle(style: Style): this;
  remove(): void;
}

/** `map` is a Map of MapLibre GL whose style is loaded. */
export function addHeatsplat(map: object, url: string, options?: HeatsplatOptions): HeatsplatLayer;
export function addHeatPoints(map: object, points: Points, options?: PointsOptions): HeatPoints;
