// Boxes on a map: why there is no heat, the legend, and the value under the pointer.

/** @param {HTMLElement} container of the map; its position is not static */
class Notice {
  constructor(container) {
    this.container = container;
  }

  /** Shows a text; an empty one hides the box. */
  show(text) {
    if (!text) {
      this.box?.remove();
      this.box = undefined;
      return;
    }
    if (!this.box) {
      this.box = document.createElement("div");
      this.box.className = "heatsplat-notice";
      this.box.setAttribute("role", "alert");
      this.box.style.cssText =
        "position:absolute;z-index:1000;left:50%;top:10px;transform:translateX(-50%);max-width:80%;padding:6px 12px;" +
        "background:#fff;color:#900;border:1px solid #900;border-radius:4px;font:13px/1.4 sans-serif";
      this.container.append(this.box);
    }
    this.box.textContent = text;
  }
}

/** The image of a legend, for a corner of a map. */
function legendImage() {
  const image = document.createElement("img");
  image.alt = "Legend of the heat map";
  image.className = "heatsplat-legend";
  image.style.cssText = "display:block;max-width:260px;background:#fffd;border-radius:4px";
  return image;
}

/** A small box for the value under the pointer. */
function valueBox() {
  const box = document.createElement("div");
  box.className = "heatsplat-value";
  box.style.cssText =
    "padding:2px 8px;white-space:nowrap;pointer-events:none;background:#fffe;color:#222;border-radius:4px;" +
    "box-shadow:0 1px 3px #0006;font:12px/1.5 sans-serif";
  return box;
}

export { Notice, legendImage, valueBox };
