// heatsplat in Leaflet: layers of a server, and points of the page in the words of Leaflet.heat.

import { LayerAddress, PostedPoints, TRIES, ValueReader, pauseAfter } from "../core/core.mjs";
import { Notice, legendImage } from "../core/notice.mjs";

/** The options of Leaflet.heat that the server understands. */
const HEAT_OPTIONS = ["minOpacity", "maxZoom", "max", "radius", "blur", "gradient"];

/** The deepest zoom that a map may have where it names none. */
const DEEPEST = 18;

/** The deepest zoom of a server's tiles; beyond it they are enlarged. */
const DEEPEST_TILES = 22;

/** The longest time, in milliseconds, that new tiles wait until they are all there. A choice. */
const LONGEST_SWAP = 8000;

/**
 * Makes the classes for a Leaflet of version 1.9 or 2.
 * @param {object} L Leaflet
 * @param {string} server where points are posted that name no server
 */
function extend(L, server = "") {
  /** Tiles that are replaced by others without a blank moment: the old ones stay until the new ones are there. */
  class SwappedTiles extends L.LayerGroup {
    constructor(options) {
      super([], options);
    }

    _tileOptions() {
      const { opacity = 1, zIndex = 10, pane = "tilePane", attribution, crossOrigin = "anonymous" } = this.options;
      return { opacity, zIndex, pane, attribution, crossOrigin, maxNativeZoom: DEEPEST_TILES };
    }

    _showTiles(template) {
      if (this._coming && this._map) {
        this._next = template;
        return;
      }
      const before = this._tiles;
      const tiles = (this._tiles = new L.TileLayer(template, this._tileOptions()));
      // Without a greatest zoom, the layer changes nothing about the zooms that the map has.
      tiles.options.maxZoom = undefined;
      const missing = (tiles.heatsplatMissing = new Set());
      tiles.on("tileload", ({ tile }) => missing.delete(tile));
      if (before && this._map) {
        this._coming = tiles;
        tiles.setOpacity(0);
        const swap = () => {
          if (this._coming !== tiles) return;
          clearTimeout(latest);
          this._coming = undefined;
          tiles.setOpacity(this.options.opacity ?? 1);
          this.removeLayer(before);
          const next = this._next;
          this._next = undefined;
          if (next) this._showTiles(next);
        };
        const latest = setTimeout(swap, LONGEST_SWAP);
        tiles.on("load", () => missing.size === 0 && swap());
      } else if (before) {
        this.removeLayer(before);
      }
      tiles.on("tileerror", ({ tile, coords }) => this._askAgain(tiles, tile, coords));
      // The events of tiles are the layer's own too.
      for (const type of ["loading", "load", "tileerror", "tileload"]) tiles.on(type, (event) => this.fire(type, event));
      this.addLayer(tiles);
    }

    /** Asks for a tile again after a while: a busy server refuses what it can't draw soon. */
    _askAgain(tiles, tile, coords) {
      const tries = (tile.heatsplatTries = (tile.heatsplatTries ?? 0) + 1);
      if (tries > TRIES) {
        tiles.heatsplatMissing.delete(tile);
        return;
      }
      tiles.heatsplatMissing.add(tile);
      setTimeout(() => {
        if (this._tiles === tiles && tile.parentNode) tile.src = tiles.getTileUrl(coords);
      }, pauseAfter(tries));
    }

    setOpacity(opacity) {
      this.options.opacity = opacity;
      if (!this._coming) this._tiles?.setOpacity(opacity);
      return this;
    }

    onRemove(map) {
      super.onRemove(map);
      if (this._coming) {
        this.clearLayers();
        this._coming = this._next = undefined;
        this._tiles.setOpacity(this.options.opacity ?? 1);
        this.addLayer(this._tiles);
      }
    }
  }

  /** A box in a corner of the map with the layer's legend, that of the map's zoom. */
  class Legend extends L.Control {
    constructor(layer, options) {
      super({ position: "bottomright", theme: "light", ...options });
      this._layer = layer;
    }

    onAdd(map) {
      const image = legendImage();
      this._refresh = () => {
        const { address } = this._layer;
        if (address) image.src = address.legend(map.getZoom(), { theme: this.options.theme });
        image.hidden = !address;
      };
      map.on("zoomend", this._refresh);
      this._layer.on("restyle", this._refresh);
      this._refresh();
      return image;
    }

    onRemove(map) {
      map.off("zoomend", this._refresh);
      this._layer.off("restyle", this._refresh);
    }
  }

  /** What the layer of a server and posted points share: legend and value under the pointer. */
  class HeatTiles extends SwappedTiles {
    onAdd(map) {
      super.onAdd(map);
      if (this.options.legend) this._legend = new Legend(this, this.options.legend).addTo(map);
      if (this.options.tooltip) this._follow(map);
    }

    onRemove(map) {
      this._legend?.remove();
      this._unfollow?.();
      this._legend = this._unfollow = undefined;
      super.onRemove(map);
    }

    _follow(map) {
      const tooltip = new L.Tooltip({ direction: "top", offset: [0, -8], className: "heatsplat-value", opacity: 0.9 });
      let place;
      const reader = new ValueReader((text) => {
        if (!text || !place) {
          tooltip.remove();
          return;
        }
        // A node of text: what a server answers is never HTML.
        const node = document.createElement("span");
        node.textContent = text;
        tooltip.setLatLng(place).setContent(node);
        if (!map.hasLayer(tooltip)) tooltip.addTo(map);
      });
      const move = (event) => {
        place = event.latlng;
        if (this.address) reader.ask(this.address.value(place.lng, place.lat, map.getZoom()));
      };
      const out = () => reader.stop();
      const moves = ["mousemove", "click"];
      const outs = ["mouseout", "movestart", "zoomstart"];
      for (const type of moves) map.on(type, move);
      for (const type of outs) map.on(type, out);
      // Leaflet 2 has events of pointers in place of those of mice.
      map.on("pointermove", move);
      map.on("pointerout", out);
      this._unfollow = () => {
        reader.stop();
        for (const type of [...moves, "pointermove"]) map.off(type, move);
        for (const type of [...outs, "pointerout"]) map.off(type, out);
      };
    }

    _show(address) {
      this.address = address;
      this._showTiles(address.tiles("{r}"));
      this.fire("restyle");
      return this;
    }

    /** Reads the server's description of the layer: TileJSON. */
    info() {
      return this.address.info();
    }
  }

  /** A layer of a server. */
  class Heatsplat extends HeatTiles {
    constructor(url, options = {}) {
      super(options);
      const { style, filter, time, key } = options;
      this._show(new LayerAddress(url, { style, filter, time, key }));
    }

    _change(changes) {
      return this._show(this.address.changed(changes));
    }

    /** Changes some parameters of the style; `undefined` takes the layer's own. */
    setStyle(style) {
      return this._change({ style: { ...this.address.style, ...style } });
    }

    setFilter(filter) {
      return this._change({ filter });
    }

    setTime(time) {
      return this._change({ time });
    }

    /** Asks for all tiles anew, as after a change of the data. */
    redraw() {
      return this._change({ generation: (this.address.generation ?? 0) + 1 });
    }
  }

  /** Points of the page, in the words of Leaflet.heat, drawn by a server. */
  class HeatLayer extends HeatTiles {
    constructor(latlngs, options = {}) {
      super(options);
      this._latlngs = latlngs ?? [];
    }

    setLatLngs(latlngs) {
      this._latlngs = latlngs;
      return this.redraw();
    }

    addLatLng(latlng) {
      this._latlngs.push(latlng);
      return this.redraw();
    }

    setOptions(options) {
      Object.assign(this.options, options);
      if ("opacity" in options) this.setOpacity(options.opacity);
      return this.redraw();
    }

    /** Sends the points again. They may have been changed in place. */
    redraw() {
      this._points?.changed();
      return this;
    }

    onAdd(map) {
      super.onAdd(map);
      this._notice = new Notice(map.getContainer());
      this._points = new PostedPoints({
        server: this.options.server ?? server,
        token: this.options.token,
        body: () => this._body(map),
        posted: (answer) => {
          const { id, generation } = answer;
          this._show(new LayerAddress(`${this._points.server}/${id}`, { generation }));
          this.fire("posted", { answer });
        },
        refused: (message) => {
          this._notice.show(message && `The heat map can't be shown: ${message}`);
          if (message) this.fire("refused", { message });
        },
      });
      this._points.changed();
    }

    onRemove(map) {
      this._points.remove();
      this._points = undefined;
      this._notice.show("");
      super.onRemove(map);
      this.clearLayers();
      this._tiles = this.address = undefined;
    }

    _body(map) {
      const options = {};
      for (const name of HEAT_OPTIONS) if (this.options[name] !== undefined) options[name] = this.options[name];
      const deepest = map.getMaxZoom();
      options.maxZoom ??= Number.isFinite(deepest) ? deepest : DEEPEST;
      const style = this.options.style ?? `L.heatLayer(p, ${JSON.stringify(options)})`;
      return { style, order: "lat,lon", points: this._latlngs.map(row) };
    }
  }

  /** A point as a row: latitude, longitude, intensity. */
  function row(latlng) {
    if (Array.isArray(latlng)) return [latlng[0], latlng[1], latlng[2] === undefined ? 1 : Number(latlng[2])];
    return [latlng.lat, latlng.lng ?? latlng.lon, latlng.alt === undefined ? 1 : Number(latlng.alt)];
  }

  return {
    Heatsplat,
    HeatsplatLegend: Legend,
    HeatLayer,
    heatsplat: (url, options) => new Heatsplat(url, options),
    heatLayer: (latlngs, options) => new HeatLayer(latlngs, options),
  };
}

export { extend };
