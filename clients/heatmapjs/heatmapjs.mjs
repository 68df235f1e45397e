// The API of heatmap.js, drawn by a server: create, setData, addData, getValueAt and their like.

import { LayerAddress, PostedPoints } from "../core/core.mjs";
import { Notice } from "../core/notice.mjs";

/** The zoom at which a pixel of the container is a pixel of the server's picture. A choice. */
const ZOOM = 12;

/** Pixels around the world at that zoom. */
const AROUND = 256 * 2 ** ZOOM;

/** The options of heatmap.js that the server understands. */
const STYLE = ["radius", "gradient", "opacity", "maxOpacity", "minOpacity", "useGradientOpacity", "blur"];

/** A place on the map for a pixel of the container, whose middle is at 0, 0: longitude and latitude. */
function placeOf(x, y, width, height) {
  const lon = ((x - width / 2) / AROUND) * 360;
  const lat = (Math.atan(Math.sinh((-(y - height / 2) / AROUND) * 2 * Math.PI)) * 180) / Math.PI;
  return [lon, lat];
}

/** A heat map over an element. */
class Heatmap {
  constructor(config) {
    this.config = { radius: 40, xField: "x", yField: "y", valueField: "value", ...config };
    const { container } = this.config;
    this.width = config.width ?? container.clientWidth;
    this.height = config.height ?? container.clientHeight;
    this.data = [];
    this.min = this.max = undefined;
    const canvas = (this.canvas = document.createElement("canvas"));
    canvas.className = "heatmap-canvas";
    canvas.style.cssText = "position:absolute;left:0;top:0;pointer-events:none";
    canvas.width = this.width;
    canvas.height = this.height;
    if (getComputedStyle(container).position === "static") container.style.position = "relative";
    if (config.backgroundColor) canvas.style.backgroundColor = config.backgroundColor;
    container.append(canvas);
    const notice = new Notice(container);
    this.points = new PostedPoints({
      server: config.server ?? location.origin,
      token: config.token,
      body: () => this.#body(),
      posted: (answer) => this.#draw(answer),
      refused: (message) => notice.show(message && `The heat map can't be shown: ${message}`),
    });
  }

  /** The greatest and the least value: those that were set, or those of the data. */
  #extremes() {
    const values = this.data.map((point) => this.#value(point));
    const max = this.max ?? values.reduce((a, b) => Math.max(a, b), 1);
    const min = this.min ?? 0;
    return { min, max: max > min ? max : min + 1 };
  }

  #value(point) {
    return Number(point[this.config.valueField]) || 1;
  }

  #body() {
    const { width, height, config } = this;
    const style = Object.fromEntries(STYLE.filter((name) => config[name] !== undefined).map((name) => [name, config[name]]));
    const { min, max } = this.#extremes();
    // The words of a page with heatmap.js, which the server knows.
    const page = `var map = h337.create(${JSON.stringify(style)}); map.setData({max: ${max}, min: ${min}, data: []});`;
    const points = this.data.map((point) => {
      const [lon, lat] = placeOf(Number(point[config.xField]), Number(point[config.yField]), width, height);
      return [lon, lat, this.#value(point)];
    });
    return { points, order: "lon,lat", style: page };
  }

  async #draw({ id, generation }) {
    const { width, height, points } = this;
    const address = new LayerAddress(`${points.server}/${id}`, { generation });
    const [west, north] = placeOf(0, 0, width, height);
    const [east, south] = placeOf(width, height, width, height);
    const picture = `bbox=${[west, south, east, north].join(",")}&width=${width}&height=${height}&v=${generation}`;
    const ask = (extension) => fetch(`${address.url}/map.${extension}?${picture}`);
    try {
      const [image, values] = await Promise.all([ask("png"), ask("npy")]);
      if (!image.ok || !values.ok || generation < (this.shown ?? 0)) return;
      const bitmap = await createImageBitmap(await image.blob());
      this.values = densities(await values.arrayBuffer());
      this.shown = generation;
      const context = this.canvas.getContext("2d");
      context.clearRect(0, 0, width, height);
      context.drawImage(bitmap, 0, 0, width, height);
      this.config.onDraw?.(this);
    } catch {
      // The next post draws again.
    }
  }

  #changed() {
    const { min, max } = this.#extremes();
    if (this.told?.min !== min || this.told?.max !== max) {
      this.told = { min, max };
      this.config.onExtremaChange?.({ min, max, gradient: this.config.gradient });
    }
    this.points.changed();
    return this;
  }

  setData({ data = [], max, min } = {}) {
    this.data = [...data];
    this.max = max;
    this.min = min;
    return this.#changed();
  }

  addData(points) {
    this.data.push(...(Array.isArray(points) ? points : [points]));
    return this.#changed();
  }

  setDataMax(max) {
    this.max = max;
    return this.#changed();
  }

  setDataMin(min) {
    this.min = min;
    return this.#changed();
  }

  configure(config) {
    Object.assign(this.config, config);
    return this.#changed();
  }

  repaint() {
    return this.#changed();
  }

  getData() {
    return { ...this.#extremes(), data: [...this.data] };
  }

  getDataURL() {
    return this.canvas.toDataURL();
  }

  /** The value at a pixel of the picture that was drawn last: not cut to 256 steps. */
  getValueAt({ x, y }) {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const isInside = column >= 0 && row >= 0 && column < this.width && row < this.height;
    const share = isInside ? (this.values?.[row * this.width + column] ?? 0) : 0;
    const { min, max } = this.#extremes();
    return Math.min(share, 1) * (max - min);
  }

  /** Removes the heat map from the page and from the server. */
  remove() {
    this.points.remove();
    this.canvas.remove();
  }
}

/** The 32-bit numbers of a file of NumPy, as the server writes it. */
function densities(buffer) {
  const head = new DataView(buffer).getUint16(8, true);
  return new Float32Array(buffer.slice(10 + head));
}

function create(config) {
  return new Heatmap(config);
}

export { Heatmap, create };
