// heatsplat in MapLibre GL: layers of a server, and points of the page.

import { LayerAddress, PostedPoints, TRIES, ValueReader, pauseAfter } from "../core/core.mjs";
import { Notice, legendImage, valueBox } from "../core/notice.mjs";

/** A control of MapLibre with the legend of a layer, that of the map's zoom. */
class Legend {
  constructor(layer, { theme = "light" } = {}) {
    this.layer = layer;
    this.theme = theme;
  }

  onAdd(map) {
    this.map = map;
    const box = (this.box = document.createElement("div"));
    box.className = "maplibregl-ctrl maplibregl-ctrl-group";
    this.image = box.appendChild(legendImage());
    this.refresh = () => {
      const { address } = this.layer;
      this.image.hidden = !address;
      // The tiles of MapLibre are one zoom deeper than its own number says.
      if (address) this.image.src = address.legend(map.getZoom() + 1, { theme: this.theme });
    };
    map.on("zoomend", this.refresh);
    this.refresh();
    return box;
  }

  onRemove() {
    this.map.off("zoomend", this.refresh);
    this.box.remove();
  }
}

/** A layer of a server in a map: its source, layer, legend and the value under the pointer. */
class HeatsplatLayer {
  constructor(map, { id = "heatsplat", before, opacity = 1, legend = false, popup = false, position = "bottom-right", attribution = "" }) {
    Object.assign(this, { map, id, before, opacity, attribution });
    if (legend) {
      this.legend = new Legend(this, legend);
      map.addControl(this.legend, position);
    }
    if (popup) this.#follow();
  }

  /** Shows the layer of an address, whose tiles take the place of those before. */
  show(address) {
    const { map, id } = this;
    this.address = address;
    this.tries = 0;
    const ratio = (globalThis.devicePixelRatio ?? 1) > 1 ? "@2x" : "";
    const tiles = [address.tiles(ratio)];
    const source = map.getSource(id);
    if (source) {
      source.setTiles(tiles);
    } else {
      map.addSource(id, { type: "raster", tiles, tileSize: 256, maxzoom: 22, attribution: this.attribution });
      map.getSource(id).on("error", (event) => this.#askAgain(event));
      const paint = { "raster-opacity": this.opacity, "raster-fade-duration": 0 };
      map.addLayer({ id, type: "raster", source: id, paint }, this.before);
    }
    this.legend?.refresh?.();
    return this;
  }

  /** Asks for refused tiles again after a while. MapLibre can't draw a single refused tile anew: `refreshTiles` makes it
   *  fail. So all tiles in sight are asked for, of which the browser's cache has those that came. */
  #askAgain({ error }) {
    if (error?.status !== 503 || this.retry || this.tries >= TRIES) return;
    this.tries += 1;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      const source = this.map.getSource(this.id);
      source?.setTiles(source.tiles);
    }, pauseAfter(this.tries));
  }

  #change(changes) {
    return this.show(this.address.changed(changes));
  }

  /** Changes some parameters of the style; `undefined` takes the layer's own. */
  setStyle(style) {
    return this.#change({ style: { ...this.address.style, ...style } });
  }

  setFilter(filter) {
    return this.#change({ filter });
  }

  setTime(time) {
    return this.#change({ time });
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.map.setPaintProperty(this.id, "raster-opacity", opacity);
    return this;
  }

  /** Reads the server's description of the layer: TileJSON. */
  info() {
    return this.address.info();
  }

  remove() {
    const { map, id } = this;
    clearTimeout(this.retry);
    this.unfollow?.();
    if (this.legend) map.removeControl(this.legend);
    if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(id)) map.removeSource(id);
  }

  #follow() {
    const { map } = this;
    const box = valueBox();
    box.hidden = true;
    Object.assign(box.style, { position: "absolute", zIndex: 2, transform: "translate(-50%,-140%)" });
    map.getCanvasContainer().append(box);
    const reader = new ValueReader((text) => {
      box.textContent = text;
      box.hidden = !text;
    });
    const move = ({ point, lngLat }) => {
      box.style.left = `${point.x}px`;
      box.style.top = `${point.y}px`;
      if (this.address) reader.ask(this.address.value(lngLat.lng, lngLat.lat, map.getZoom() + 1));
    };
    const out = () => reader.stop();
    const ons = [["mousemove", move], ["click", move], ["mouseout", out], ["movestart", out]];
    for (const [type, listener] of ons) map.on(type, listener);
    this.unfollow = () => {
      reader.stop();
      for (const [type, listener] of ons) map.off(type, listener);
      box.remove();
    };
  }
}

/**
 * Adds a layer of a server to a map whose style is loaded.
 * @param {object} map of MapLibre GL
 * @param {string} url of the layer
 */
function addHeatsplat(map, url, options = {}) {
  const { style, filter, time, key } = options;
  return new HeatsplatLayer(map, options).show(new LayerAddress(url, { style, filter, time, key }));
}

/** Points of the page in a map, drawn by a server. */
class HeatPoints {
  constructor(map, points, options) {
    this.points = points;
    this.options = options;
    this.layer = new HeatsplatLayer(map, options);
    const notice = new Notice(map.getContainer());
    this.notice = notice;
    this.posted = new PostedPoints({
      server: options.server ?? location.origin,
      token: options.token,
      body: () => this.#body(),
      posted: ({ id, generation }) => this.layer.show(new LayerAddress(`${this.posted.server}/${id}`, { generation })),
      refused: (message) => notice.show(message && `The heat map can't be shown: ${message}`),
    });
    this.posted.changed();
  }

  #body() {
    const { points } = this;
    // GeoJSON goes as rows, since the style stands beside them.
    const rows = points?.type === "FeatureCollection" ? points.features.map((one) => feature(one, this.options.weight)) : points;
    return { points: rows, order: "lon,lat", style: this.options.style };
  }

  /** Replaces the points: rows of longitude, latitude and weight, or a FeatureCollection of points. */
  setData(points) {
    this.points = points;
    this.posted.changed();
    return this;
  }

  setStyle(style) {
    this.options = { ...this.options, style: { ...this.options.style, ...style } };
    this.posted.changed();
    return this;
  }

  remove() {
    this.posted.remove();
    this.notice.show("");
    this.layer.remove();
  }
}

/** A feature of GeoJSON as a row. */
function feature({ geometry, properties }, weight) {
  const [lon, lat] = geometry?.coordinates ?? [];
  return [lon ?? null, lat ?? null, weight ? Number(properties?.[weight]) : 1];
}

/** Posts points and adds them to a map whose style is loaded. */
function addHeatPoints(map, points, options = {}) {
  return new HeatPoints(map, points, options);
}

export { addHeatsplat, addHeatPoints };
