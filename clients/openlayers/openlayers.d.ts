/** Parameters of a style, as in docs/styles.md; `undefined` takes the layer's own. */
export type Style = Record<string, string | number | undefined>;

export interface HeatsplatOptions {
  style?: Style;
  filter?: string;
  time?: string;
  /** The key of a layer that has one. */
  key?: string;
  opacity?: number;
  attributions?: string | string[];
}

export class Heatsplat {
  constructor(url: string, options?: HeatsplatOptions);
  /** The layer of OpenLayers, of ol/layer/Tile. */
  readonly layer: object;
  /** Its source, of ol/source/XYZ. */
  readonly source: object;
  addTo(map: object, options?: { legend?: boolean; value?: boolean; theme?: "light" | "dark" }): this;
  setStyle(style: Style): this;
  setFilter(filter?: string): this;
  setTime(time?: string): this;
  remove(): void;
}
