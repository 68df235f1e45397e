// The addresses of a layer, and points that are posted to a server: what the packages share.

/** The shortest time between two posts, in milliseconds: at most four a second. */
const BETWEEN_POSTS = 250;

/** The longest pause before a post is tried again, in milliseconds. */
const LONGEST_PAUSE = 30000;

/** The least time between two requests for the value under the pointer, in milliseconds. */
const BETWEEN_VALUES = 80;

/** The number of times that a tile is asked for again, a choice. A busy server refuses (503) what it can't draw soon. */
const TRIES = 6;

/** The pause before a tile is asked for again, in milliseconds: it doubles each time, and is random, so that browsers
 *  that were refused at the same time don't come back at the same time. @param {number} tries so far, from 1 on */
const pauseAfter = (tries) => 250 * 2 ** tries * (0.5 + Math.random());

/** Parameters as a query string that begins with `?`; empty without any. */
function queryOf(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return text && `?${text}`;
}

/** A layer of a server: its address, and the parameters by which its pictures are asked for. */
class LayerAddress {
  /** @param {string} url of the layer, like https://example.org/quakes */
  constructor(url, { style = {}, filter, time, key, generation } = {}) {
    this.url = String(url).replace(/\/+$/, "");
    this.style = style;
    this.filter = filter;
    this.time = time;
    this.key = key;
    this.generation = generation;
  }

  parameters() {
    const { style, filter, time, key, generation } = this;
    return { ...style, filter, time, key, v: generation };
  }

  /** The template of tiles. `ratio` stands before the dot, like `@2x` or `{r}`. */
  tiles(ratio = "", more = {}) {
    return `${this.url}/{z}/{x}/{y}${ratio}.png${queryOf({ ...this.parameters(), ...more })}`;
  }

  tilejson() {
    return this.url + queryOf(this.parameters());
  }

  legend(zoom, more = {}) {
    const z = Math.max(0, Math.round(zoom));
    return `${this.url}/legend.svg${queryOf({ ...this.parameters(), z, ...more })}`;
  }

  /** The same layer with some parameters changed. */
  changed(changes) {
    return new LayerAddress(this.url, { ...this, ...changes });
  }

  /** Reads the server's description of the layer: TileJSON. */
  async info() {
    const answer = await fetch(this.tilejson());
    if (!answer.ok) throw new Error(`heatsplat: ${answer.status} of ${this.url}`);
    return answer.json();
  }

  value(lng, lat, zoom) {
    const lon = (((lng + 180) % 360) + 360) % 360 - 180;
    const z = Math.max(0, Math.round(zoom));
    return `${this.url}/value${queryOf({ ...this.parameters(), lon: lon.toFixed(6), lat: lat.toFixed(6), z })}`;
  }
}

/** A number for a reader: three digits that count. */
function shownNumber(value) {
  return Number(Number(value).toPrecision(3)).toLocaleString();
}

/** A value of the server in a few words. Plain text: it is no HTML. */
function shownValue({ value, count }) {
  if (value === null || value === undefined) return "";
  const points = count === undefined ? "" : ` · ${count.toLocaleString()} ${count === 1 ? "point" : "points"}`;
  return shownNumber(value) + points;
}

/** The value under the pointer: of several wishes in a row, the last one is asked for. */
class ValueReader {
  /** @param {(text: string) => void} show gets the text for the place that was wished last */
  constructor(show) {
    this.show = show;
  }

  ask(url) {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.timer = setTimeout(() => this.#read(url), BETWEEN_VALUES);
  }

  stop() {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.show("");
  }

  async #read(url) {
    const abort = (this.abort = new AbortController());
    try {
      const answer = await fetch(url, { signal: abort.signal });
      this.show(answer.ok ? shownValue(await answer.json()) : "");
    } catch {
      if (!abort.signal.aborted) this.show("");
    }
  }
}

/** The message of an answer that is an error. */
async function messageOf(answer) {
  try {
    return (await answer.json()).error ?? `status ${answer.status}`;
  } catch {
    return `status ${answer.status}`;
  }
}

/** Points that a page sends to a server, which answers the address of a layer. */
class PostedPoints {
  /**
   * @param {{server: string, token?: string, body: () => object, posted: (answer: object) => void,
   *   refused: (message: string) => void}} options `body` returns the JSON to post; `posted` and `refused` hear
   *   of each answer; a message is empty once all is well again
   */
  constructor({ server, token, body, posted, refused }) {
    this.server = String(server).replace(/\/+$/, "");
    this.token = token;
    this.body = body;
    this.posted = posted;
    this.refused = refused;
    this.last = -Infinity;
    this.failures = 0;
    // A page that is left takes its layer along; one that comes back from the browser's cache posts its points again.
    this.leave = () => this.#forget();
    this.comeBack = ({ persisted }) => {
      if (!persisted) return;
      this.isAway = false;
      this.changed();
    };
    addEventListener("pagehide", this.leave);
    addEventListener("pageshow", this.comeBack);
  }

  /** Says that the points have changed: they are sent soon, at most four times a second. */
  changed() {
    this.isDirty = true;
    this.#schedule(0);
  }

  /** Ends the posts and removes the layer from the server. */
  remove() {
    removeEventListener("pagehide", this.leave);
    removeEventListener("pageshow", this.comeBack);
    this.#forget();
  }

  /** Removes the layer from the server, and posts nothing until the page comes back. */
  #forget() {
    clearTimeout(this.timer);
    clearTimeout(this.renewal);
    this.isDirty = false;
    this.isAway = true;
    const { layer } = this;
    this.layer = undefined;
    if (!layer) return;
    const headers = { Authorization: `Bearer ${layer.token}` };
    fetch(`${this.server}/layers/${layer.id}`, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  #schedule(pause) {
    if (this.isBusy || this.isAway) return;
    clearTimeout(this.timer);
    const due = Math.max(this.last + BETWEEN_POSTS - Date.now(), pause, 0);
    this.timer = setTimeout(() => this.#send(), due);
  }

  async #send() {
    this.isBusy = true;
    this.isDirty = false;
    this.last = Date.now();
    let pause = 0;
    try {
      pause = await this.#post();
      if (!pause) this.failures = 0;
    } catch {
      this.refused("the server doesn't answer");
      pause = 1000;
    }
    this.isBusy = false;
    if (pause) {
      this.isDirty = true;
      this.failures += 1;
      pause = Math.min(pause * 2 ** (this.failures - 1), LONGEST_PAUSE);
    }
    if (this.isDirty) this.#schedule(pause);
  }

  /** Sends the points. Returns the pause after which they are to be sent again; 0 if they aren't. */
  async #post() {
    const { layer } = this;
    const token = layer?.token ?? this.token;
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const answer = await fetch(`${this.server}/layers${layer ? `/${layer.id}` : ""}`, {
      method: layer ? "PUT" : "POST", headers, body: JSON.stringify(this.body()),
    });
    if (answer.ok) {
      const posted = await answer.json();
      this.layer = { id: posted.id, token: posted.token ?? layer?.token };
      if (this.isAway) {
        this.#forget();
        return 0;
      }
      this.#renew(posted.expires);
      this.refused("");
      this.posted(posted);
      return 0;
    }
    if (layer && answer.status === 404) {
      // The layer has expired, or the server was started anew: the points are posted again.
      this.layer = undefined;
      return 1;
    }
    this.refused(await messageOf(answer));
    const isTemporary = answer.status === 429 || answer.status === 503;
    return isTemporary ? 1000 * Number(answer.headers.get("Retry-After") ?? 1) : 0;
  }

  /** Posts the points again before the server forgets them. */
  #renew(expires) {
    clearTimeout(this.renewal);
    const left = expires * 1000 - Date.now();
    // The longest time of a timer is 24 days.
    this.renewal = setTimeout(() => this.changed(), Math.min(Math.max(left * 0.8, 1000), 2 ** 31 - 1));
  }
}

export { LayerAddress, PostedPoints, TRIES, ValueReader, pauseAfter, shownValue };
