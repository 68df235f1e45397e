// @ts-check
// Requests to the server.

import { words } from "./strings.js";

/**
 * @typedef {{ name: string, type: "number" | "time" | "text" | "bool", nulls: number, range?: [any, any],
 *             histogram?: { range: [number, number], exponent: number, counts: number[] }, values?: { value: string, count: number }[] }} Attribute
 * @typedef {{ id: string, name?: string, live?: boolean, points?: number | null, bounds?: number[],
 *             view?: number[], stored?: string, style?: Record<string, string>,
 *             attributes?: Attribute[], time?: { extent: string, step: string } }} Layer
 * @typedef {{ name: string, group: string, colors: string[] }} Ramp
 * @typedef {{ url: string, attribution?: string }} Basemap
 * @typedef {{ layers: Layer[], loading?: string[], ramps: Ramp[], measures: string[], kernels: string[],
 *             scales: string[], normalize: string[], basemap?: Basemap }} Catalog
 * @typedef {{ minzoom?: number, maxzoom?: number, attribution?: string, tileSize?: number, legends?: any }} TileJson
 */

/** An error whose message is the server's, with the status of the answer; 0 if there was no answer. */
export class AnswerError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** An address on this server, which may sit behind a path of a proxy. @param {string} path */
export const address = (path) => new URL(path, document.baseURI).href;

/** The answer to a request, as JSON. @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
export async function ask(path, signal) {
  const response = await fetch(address(path), { signal }).catch((problem) => {
    if (isAbort(problem)) throw problem;
    throw new AnswerError(words.noAnswer, 0);
  });
  const body = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body;
  throw new AnswerError(body?.error ?? words.badAnswer(response.status, path), response.status);
}

/** @param {unknown} problem */
export const isAbort = (problem) => problem instanceof DOMException && problem.name === "AbortError";

/** A question that cancels the one before when it is asked again: each call returns a new signal. */
export function latest() {
  let controller = new AbortController();
  return () => {
    controller.abort();
    controller = new AbortController();
    return controller.signal;
  };
}

/** The first answer about the layers, which the first picture and the map share. @type {Promise<Catalog> | undefined} */
let opening;
export const openingCatalog = () => (opening ??= ask("catalog"));

/** The catalog, once a layer is in it: large ones are still read when the server is up already.
 *  @param {(loading: string[]) => void} waiting @returns {Promise<Catalog>} */
export async function firstCatalog(waiting) {
  let question = openingCatalog();
  for (;;) {
    const answer = await question;
    if (answer.layers.length > 0) return answer;
    if (!answer.loading?.length) throw new Error(words.noLayers);
    waiting(answer.loading);
    await new Promise((done) => setTimeout(done, 1000));
    question = ask("catalog");
  }
}
