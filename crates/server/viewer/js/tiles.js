// @ts-check
// Pictures of tiles for the map. Those that are asked for together reach the map together: a change
// of style then costs it one picture of the whole map, not one for each tile or two.

import { addProtocol, setMaxParallelImageRequests } from "maplibre-gl";
import { AnswerError, isAbort } from "./server.js";
import { words } from "./strings.js";

const SCHEME = "heat";
/** The longest time that a tile waits for others, in ms. A choice: slow tiles should be seen coming. */
const PATIENCE = 60;
/** The most tiles that the map asks for together. The browser itself sends a few requests at a time. */
const TOGETHER = 64;

/** @typedef {{ answer: ReturnType<picture>, users: number, stop: AbortController }} Asked a tile on its way */
/** Where the tiles of each source are, and those on their way by their addresses.
 *  @type {Map<string, { tiles: string, asked: Map<string, Asked> }>} */
const places = new Map();

/** Lets the map ask for tiles by this module. */
export function prepareTiles() {
  setMaxParallelImageRequests(TOGETHER);
  addProtocol(SCHEME, load);
}

/** The addresses by which the map asks for the tiles of a source. They stay as they are in all styles.
 *  @param {string} source */
export const tilesOf = (source) => `${SCHEME}://${source}/{z}/{x}/{y}`;

/** Sets the address of a source's tiles; those on their way are asked for anew. @param {string} source
 *  @param {string} tiles */
export function setTiles(source, tiles) {
  const before = places.get(source);
  if (before?.tiles === tiles) return;
  places.set(source, { tiles, asked: new Map() });
  for (const { stop } of before?.asked.values() ?? []) stop.abort();
}

/** How many tiles are on their way. */
let missing = 0;
/** What lets the tiles go that have come. @type {(() => void)[]} */
let here = [];
let timer = 0;

function handOver() {
  clearTimeout(timer);
  timer = 0;
  const all = here;
  here = [];
  for (const go of all) go();
}

/** Waits until no tile is missing, but not for long. */
function others() {
  return new Promise((/** @type {(none?: undefined) => void} */ go) => {
    here.push(go);
    if (missing === 0) handOver();
    else timer ||= window.setTimeout(handOver, PATIENCE);
  });
}

/** @param {{ url: string }} request @param {AbortController} controller */
async function load({ url }, { signal }) {
  const [source, z, x, y] = url.slice(SCHEME.length + "://".length).split("/");
  missing += 1;
  try {
    return await newest(source, { z, x, y }, signal);
  } finally {
    missing -= 1;
    await others();
  }
}

/** The picture of a tile in the style that its source has when the picture is here. @param {string} source
 *  @param {Record<string, string>} tile @param {AbortSignal} signal */
async function newest(source, tile, signal) {
  for (;;) {
    const place = places.get(source);
    if (!place) throw new AnswerError(words.noAnswer, 0);
    const address = place.tiles.replace(/\{([xyz])\}/g, (_, name) => tile[name]);
    try {
      const answer = await shared(place.asked, address, signal);
      if (places.get(source) === place) return answer;
    } catch (problem) {
      if (signal.aborted || places.get(source) === place) throw problem;
    }
  }
}

/** The picture of a tile, which is asked for once, even if several copies of the world show it. It is given up when
 *  none of them needs it any more. @param {Map<string, Asked>} asked @param {string} url @param {AbortSignal} signal */
function shared(asked, url, signal) {
  const stop = new AbortController();
  const one = asked.get(url) ?? { answer: picture(url, stop.signal), users: 0, stop };
  asked.set(url, one);
  one.users += 1;
  const gone = () => asked.get(url) === one && asked.delete(url);
  return new Promise((/** @type {(answer: Awaited<ReturnType<picture>>) => void} */ done, fail) => {
    one.answer.then(done, fail).then(gone);
    signal.addEventListener("abort", () => {
      fail(signal.reason);
      one.users -= 1;
      if (one.users === 0 && gone()) one.stop.abort();
    });
  });
}

/** @param {string} url @param {AbortSignal} signal */
async function picture(url, signal) {
  const response = await fetch(url, { signal }).catch((problem) => {
    throw isAbort(problem) ? problem : new AnswerError(words.noAnswer, 0);
  });
  const body = await response.blob();
  if (!response.ok) {
    const said = await body.text().then(JSON.parse).catch(() => undefined);
    throw new AnswerError(said?.error ?? words.badAnswer(response.status, new URL(url).pathname), response.status);
  }
  const [cacheControl, expires] = ["cache-control", "expires"].map((name) => response.headers.get(name) ?? undefined);
  // Nothing is on a tile without a body.
  return { data: body.size > 0 ? await createImageBitmap(body) : new ArrayBuffer(0), cacheControl, expires };
}
