// @ts-check
// Coordinates as people write them.

const NUMBER = String.raw`[-+]?\d+(?:\.\d+)?`;

/** A place, and a zoom if the text has one. `undefined` if the text has no place.
 *  @param {string} text @returns {{ lat: number, lng: number, zoom?: number } | undefined} */
export function parsePlace(text) {
  const view = new RegExp(String.raw`(?:map=)?(\d+(?:\.\d+)?)/(${NUMBER})/(${NUMBER})`).exec(text);
  if (view) return checked(Number(view[2]), Number(view[3]), Number(view[1]));
  const at = new RegExp(`[@:](${NUMBER}),(${NUMBER})`).exec(text);
  if (at) return checked(Number(at[1]), Number(at[2]));
  const angles = [...text.matchAll(ANGLE)].map(readAngle);
  if (angles.length !== 2 || text.replace(ANGLE, "").replace(/[\s,;/]/g, "") !== "") return undefined;
  const [first, second] = angles;
  // Without letters the latitude comes first; E and W tell otherwise.
  const swapped = /[EW]/.test(first.side) || /[NS]/.test(second.side);
  if (first.side && second.side && /[NS]/.test(first.side) === /[NS]/.test(second.side)) return undefined;
  return swapped ? checked(second.degrees, first.degrees) : checked(first.degrees, second.degrees);
}

/** Degrees with or without minutes and seconds; a letter before or after them. O is none: it means east in
 *  German and west in French. */
const ANGLE = new RegExp(
  String.raw`([NSEW])?\s*([-+]?\d+(?:\.\d+)?)\s*°?\s*(?:(\d+(?:\.\d+)?)\s*['′’]\s*)?(?:(\d+(?:\.\d+)?)\s*(?:["″”]|'')\s*)?([NSEW](?![A-Z]))?`,
  "gi",
);

/** @param {RegExpMatchArray} found */
function readAngle([, before, degrees, minutes, seconds, after]) {
  const side = (after ?? before ?? "").toUpperCase();
  const size = Math.abs(Number(degrees)) + Number(minutes ?? 0) / 60 + Number(seconds ?? 0) / 3600;
  const negative = degrees.startsWith("-") !== /[SW]/.test(side);
  return { degrees: negative ? -size : size, side };
}

/** @param {number} lat @param {number} lng @param {number} [zoom] */
function checked(lat, lng, zoom) {
  const legal = Math.abs(lat) <= 90 && Math.abs(lng) <= 360 && (zoom === undefined || zoom <= 24);
  return legal ? { lat, lng, zoom } : undefined;
}
