// @ts-check
// Reads the positions of a CSV or GeoJSON file in the browser.

/** More rows are not shown: browsers draw a million points, and stall beyond. */
export const MOST_ROWS = 1_000_000;

/**
 * @typedef {{ points: [number, number][], skipped: number, isCut: boolean }} Positions
 * @typedef {(rows: number) => void} Progress
 */

/** The text of a file, piece by piece; gzip is unpacked. @param {File} file */
async function* pieces(file) {
  let stream = /** @type {ReadableStream<any>} */ (file.stream());
  if (/\.gz$/i.test(file.name)) stream = stream.pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield /** @type {string} */ (value);
  }
}

/** The positions in a file; `undefined` if it is neither CSV with two columns of degrees nor GeoJSON.
 *  @param {File} file @param {Progress} progress @returns {Promise<Positions | undefined>} */
export async function readPoints(file, progress) {
  const name = file.name.toLowerCase().replace(/\.gz$/, "");
  return /\.(geo)?jsonl?$|\.ndjson$/.test(name) ? readGeoJson(file) : readCsv(file, progress);
}

const LON = ["longitude", "lon", "lng", "long", "x", "longitud", "lon_dd"];
const LAT = ["latitude", "lat", "y", "latitud", "lat_dd"];

/** @param {File} file @param {Progress} progress */
async function readCsv(file, progress) {
  /** @type {Positions} */
  const found = { points: [], skipped: 0, isCut: false };
  /** @type {{ lon: number, lat: number } | undefined} */
  let columns;
  let isHeader = true;
  const rows = new RowReader();
  for await (const piece of pieces(file)) {
    for (const row of rows.read(piece)) {
      if (isHeader) {
        columns = columnsOf(row);
        if (!columns) return undefined;
        isHeader = false;
      } else if (columns) {
        if (found.points.length >= MOST_ROWS) return { ...found, isCut: true };
        add(found, row[columns.lon], row[columns.lat]);
      }
    }
    progress(found.points.length);
  }
  for (const row of rows.read("\n")) if (columns && row.length > 1) add(found, row[columns.lon], row[columns.lat]);
  // Lines behind a quote that never ends.
  found.skipped += rows.rest.split("\n").length - 1;
  return columns && found;
}

/** @param {string[]} header */
function columnsOf(header) {
  const names = header.map((name) => name.trim().replace(/^\ufeff/, "").toLowerCase());
  const place = (/** @type {string[]} */ known) => known.map((name) => names.indexOf(name)).find((at) => at >= 0) ?? -1;
  const [lon, lat] = [place(LON), place(LAT)];
  return lon >= 0 && lat >= 0 ? { lon, lat } : undefined;
}

/** @param {Positions} found @param {unknown} x @param {unknown} y */
function add(found, x, y) {
  const degrees = (/** @type {unknown} */ value) => (typeof value === "string" && value.trim() === "" ? Number.NaN : Number(value));
  const [lon, lat] = [degrees(x), degrees(y)];
  if (Math.abs(lon) <= 360 && Math.abs(lat) <= 85.06) found.points.push([lon, lat]);
  else found.skipped += 1;
}

/** Cuts text into rows and fields; text in quotes may have any character. */
class RowReader {
  rest = "";
  delimiter = "";

  /** The rows that end in a piece of text. @param {string} piece @returns {Generator<string[]>} */
  *read(piece) {
    const text = this.rest + piece;
    let [start, inQuotes] = [0, false];
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === 34) {
        // A quote opens a field only at the field's beginning; two within quotes stand for one.
        const before = text[i - 1];
        if (!inQuotes) inQuotes = i === start || (this.delimiter ? before === this.delimiter : /[,;\t|]/.test(before));
        else if (text.charCodeAt(i + 1) === 34) i += 1;
        else inQuotes = false;
      } else if (code === 10 && !inQuotes) {
        const line = text.slice(start, i).replace(/\r$/, "");
        start = i + 1;
        if (line.trim()) yield this.fields(line);
      }
    }
    this.rest = text.slice(start);
  }

  /** @param {string} line */
  fields(line) {
    // The delimiter is the one that the header has most of.
    if (!this.delimiter) {
      const count = (/** @type {string} */ mark) => line.split(mark).length;
      this.delimiter = [",", ";", "\t", "|"].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
    }
    if (!line.includes('"')) return line.split(this.delimiter);
    /** @type {string[]} */
    const fields = [];
    let [field, inQuotes] = ["", false];
    for (let i = 0; i < line.length; i += 1) {
      const letter = line[i];
      if (letter === '"' && inQuotes && line[i + 1] === '"') {
        field += letter;
        i += 1;
      } else if (letter === '"' && (inQuotes || field === "")) inQuotes = !inQuotes;
      else if (letter === this.delimiter && !inQuotes) {
        fields.push(field);
        field = "";
      } else field += letter;
    }
    return [...fields, field];
  }
}

/** GeoJSON, one document or one in each line. @param {File} file */
async function readGeoJson(file) {
  let text = "";
  for await (const piece of pieces(file)) text += piece;
  /** @type {Positions} */
  const found = { points: [], skipped: 0, isCut: false };
  try {
    const documents = parse(text);
    for (const document of documents) collect(document, found);
  } catch {
    return undefined;
  }
  return found.points.length > 0 ? found : undefined;
}

/** @param {string} text @returns {any[]} */
function parse(text) {
  try {
    return [JSON.parse(text)];
  } catch {
    return text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line.replace(/^\x1e/, "")));
  }
}

/** Collects the points of a GeoJSON object. @param {any} object @param {Positions} found */
function collect(object, found) {
  if (found.points.length >= MOST_ROWS) {
    found.isCut = true;
    return;
  }
  switch (object?.type) {
    case "FeatureCollection":
      for (const feature of object.features ?? []) collect(feature, found);
      break;
    case "Feature":
      collect(object.geometry, found);
      break;
    case "GeometryCollection":
      for (const geometry of object.geometries ?? []) collect(geometry, found);
      break;
    case "Point":
      add(found, object.coordinates?.[0], object.coordinates?.[1]);
      break;
    case "MultiPoint":
      for (const [lon, lat] of object.coordinates ?? []) add(found, lon, lat);
      break;
    default:
      found.skipped += 1;
  }
}
