// heatsplat in OpenLayers: a layer with its source, the legend as a control and the value under the
// pointer as an overlay.

import { LayerAddress, TRIES, ValueReader, pauseAfter } from "../core/core.mjs";
import { legendImage, valueBox } from "../core/notice.mjs";

/** Asks for a refused tile again after a while. */
function askAgain(tile) {
  const tries = (tile.heatsplatTries = (tile.heatsplatTries ?? 0) + 1);
  if (tries <= TRIES) setTimeout(() => tile.load(), pauseAfter(tries));
}

/**
 * Makes the class for a version of OpenLayers.
 * @param {object} parts of OpenLayers: TileLayer, XYZ, Control, Overlay, toLonLat
 */
function extend({ TileLayer, XYZ, Control, Overlay, toLonLat }) {
  /** A layer of a server. `layer` goes into a map; `addTo` does that, with legend and value. */
  class Heatsplat {
    constructor(url, { style, filter, time, key, opacity = 1, attributions } = {}) {
      const ratio = (globalThis.devicePixelRatio ?? 1) > 1 ? 2 : 1;
      this.ratio = ratio;
      this.source = new XYZ({ attributions, maxZoom: 22, tilePixelRatio: ratio, crossOrigin: "anonymous", transition: 0 });
      this.source.on("tileloaderror", ({ tile }) => askAgain(tile));
      this.layer = new TileLayer({ source: this.source, opacity });
      this.#show(new LayerAddress(url, { style, filter, time, key }));
    }

    #show(address) {
      this.address = address;
      this.source.setUrl(address.tiles(this.ratio === 2 ? "@2x" : ""));
      this.refresh?.();
      return this;
    }

    #change(changes) {
      return this.#show(this.address.changed(changes));
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

    /** Adds the layer to a map, with the legend and the value under the pointer where they are wished. */
    addTo(map, { legend = false, value = false, theme = "light" } = {}) {
      this.map = map;
      map.addLayer(this.layer);
      if (legend) this.#addLegend(map, theme);
      if (value) this.#addValue(map);
      return this;
    }

    remove() {
      const { map } = this;
      if (!map) return;
      map.removeLayer(this.layer);
      this.undo?.forEach((undo) => undo());
      this.map = this.undo = this.refresh = undefined;
    }

    #addLegend(map, theme) {
      const element = document.createElement("div");
      element.style.cssText = "position:absolute;right:8px;bottom:32px";
      const image = element.appendChild(legendImage());
      const control = new Control({ element });
      this.refresh = () => (image.src = this.address.legend(map.getView().getZoom() ?? 0, { theme }));
      map.addControl(control);
      map.on("moveend", this.refresh);
      this.refresh();
      (this.undo ??= []).push(() => {
        map.un("moveend", this.refresh);
        map.removeControl(control);
      });
    }

    #addValue(map) {
      const element = valueBox();
      const overlay = new Overlay({ element, positioning: "bottom-center", offset: [0, -8], stopEvent: false });
      map.addOverlay(overlay);
      let place;
      const reader = new ValueReader((text) => {
        element.textContent = text;
        overlay.setPosition(text ? place : undefined);
      });
      const move = (event) => {
        if (event.dragging) return reader.stop();
        place = event.coordinate;
        const view = map.getView();
        const [lng, lat] = toLonLat(place, view.getProjection());
        reader.ask(this.address.value(lng, lat, view.getZoom() ?? 0));
      };
      const out = () => reader.stop();
      map.on("pointermove", move);
      map.getViewport().addEventListener("pointerleave", out);
      (this.undo ??= []).push(() => {
        reader.stop();
        map.un("pointermove", move);
        map.getViewport().removeEventListener("pointerleave", out);
        map.removeOverlay(overlay);
      });
    }
  }

  return { Heatsplat };
}

export { extend };
