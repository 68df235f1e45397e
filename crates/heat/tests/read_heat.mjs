// Reads a .heat file without any library, after docs/heat-format.md, and prints sums of it as JSON:
// `node read_heat.mjs FILE`.
//
// In a browser, `read` would fetch a range of bytes; everything else stays as it is.
import { openSync, readSync } from "node:fs";
import * as zlib from "node:zlib";

const POINTS = 1, CELLS = 2, NODES = 3;

const checked = (view, crc, what) => {
  // Old versions of Node have no crc32.
  const found = zlib.crc32?.(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (found !== undefined && found !== crc) throw new Error(`${what} is damaged`);
  return view;
};

export class Heat {
  // `read(offset, length)` gives a DataView of bytes of the file.
  constructor(read) {
    this.read = read;
    const header = read(0, 256);
    const magic = [0x89, 0x48, 0x45, 0x41, 0x54, 0x0d, 0x0a, 0x1a];
    if (magic.some((byte, at) => header.getUint8(at) !== byte)) throw new Error("no .heat file");
    if (header.getUint16(8, true) !== 1) throw new Error("another version of .heat");
    checked(new DataView(header.buffer, header.byteOffset, 252), header.getUint32(252, true), "the header");
    this.pageEntries = header.getUint32(64, true);
    this.pageNodes = header.getUint32(68, true);
    this.identity = Array.from({ length: 32 }, (_, i) => header.getUint8(32 + i).toString(16).padStart(2, "0")).join("");
    const sections = {};
    for (let at = 80; at < 224 && header.getUint32(at) !== 0; at += 24) {
      const tag = String.fromCharCode(...[0, 1, 2, 3].map((i) => header.getUint8(at + i)));
      if (header.getUint32(at + 4, true) & 1 && tag !== "ROOT" && tag !== "META") throw new Error(`needs section ${tag}`);
      const view = read(Number(header.getBigUint64(at + 8, true)), header.getUint32(at + 16, true));
      sections[tag] = checked(view, header.getUint32(at + 20, true), `section ${tag}`);
    }
    this.metadata = sections.META ? JSON.parse(new TextDecoder().decode(sections.META)) : {};
    this.readRoot(sections.ROOT);
  }

  readRoot(root) {
    const long = (at) => Number(root.getBigUint64(at, true));
    const flags = root.getUint32(44, true);
    this.count = long(0);
    let at = 48 + 32 + 33 * 8 + (flags & 4 ? 33 * 8 : 0) + (flags & 2 ? 56 : 0);
    const streams = long(at);
    at += 8;
    this.streams = new Map();
    for (let i = 0; i < streams; i++) {
      const [kind, depth, set, required] = [0, 1, 2, 3].map((i) => root.getUint8(at + i));
      const count = root.getUint32(at + 4, true), entries = long(at + 8), directories = [];
      at += 16;
      for (let i = 0; i < count; i++, at += 20)
        directories.push({ offset: long(at), first: long(at + 8), crc: root.getUint32(at + 16, true) });
      if (set === 0 && kind >= POINTS && kind <= NODES) this.streams.set(`${kind} ${depth}`, { entries, directories });
      else if (required) throw new Error(`needs pages of kind ${kind}`);
    }
  }

  *pages(kind, depth) {
    const { entries, directories } = this.streams.get(`${kind} ${depth}`) ?? { entries: 0, directories: [] };
    let left = Math.ceil(entries / (kind === NODES ? this.pageNodes : this.pageEntries));
    for (let { offset, first, crc } of directories) {
      const count = Math.min(left, 4096);
      left -= count;
      const directory = checked(this.read(offset, count * 8), crc, "a directory");
      for (let i = 0; i < count; i++) {
        const length = directory.getUint32(i * 8, true);
        yield checked(this.read(first, length), directory.getUint32(i * 8 + 4, true), "a page");
        first += length;
      }
    }
  }

  // Points as { x, y, weight, count }; the weight is -0 where it is missing.
  *points() {
    for (const page of this.pages(POINTS, 0)) yield* entries(page, POINTS);
  }

  *cells(depth) {
    for (const page of this.pages(CELLS, depth)) yield* entries(page, CELLS);
  }

  *nodes(depth) {
    for (const page of this.pages(NODES, depth)) {
      let at = 20;
      const varint = () => {
        for (let number = 0, factor = 1; ; factor *= 128) {
          const byte = page.getUint8(at++);
          number += (byte & 127) * factor;
          if (byte < 128) return number;
        }
      };
      for (let i = page.getUint16(0, true); i > 0; i--) {
        const first = varint();
        yield { inner: first % 16, cells: Math.floor(first / 16), points: [varint(), varint(), varint(), varint()] };
      }
    }
  }
}

// 128 integers of some bits each: integer i is the (i / 4)th of lane i % 4.
function unpack(page, at, bits) {
  const out = new Uint32Array(128);
  for (let i = 0; bits > 0 && i < 128; i++) {
    const bit = (i >> 2) * bits, shift = bit % 32;
    const word = (k) => page.getUint32(at + 16 * k + 4 * (i % 4), true);
    let value = word(bit >> 5) >>> shift;
    if (shift + bits > 32) value |= word((bit >> 5) + 1) << (32 - shift);
    out[i] = bits === 32 ? value : value & (2 ** bits - 1);
  }
  return out;
}

function* entries(page, kind) {
  const count = page.getUint16(0, true), head = kind === CELLS ? 24 : 16;
  let at = 4 + Math.ceil(count / 128) * head;
  for (let group = 0; group < count; group += 128) {
    const h = 4 + (group / 128) * head;
    const [x, y, base] = [0, 4, 8].map((i) => page.getUint32(h + i, true));
    const [bx, by, bw, mode] = [12, 13, 14, 15].map((i) => page.getUint8(h + i));
    const [c, bc] = kind === CELLS ? [page.getUint32(h + 16, true), page.getUint8(h + 20)] : [1, 0];
    const columns = [bx, by, bw, bc].map((bits) => {
      const numbers = unpack(page, at, bits);
      at += 16 * bits;
      return numbers;
    });
    for (let i = 0; i < Math.min(128, count - group); i++)
      yield {
        x: x + columns[0][i],
        y: y + columns[1][i],
        weight: weight(columns[2][i], base, bw, mode),
        count: c + columns[3][i],
      };
  }
}

function weight(number, base, bits, mode) {
  if (mode & 0x80 && number === 2 ** bits - 1) return -0;
  number = (number + base) >>> 0;
  if (mode === 15) {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, number >>> 31 ? number & 0x7fffffff : ~number);
    return view.getFloat32(0);
  }
  return Math.fround((number | 0) * [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6][mode & 15]);
}

const file = openSync(process.argv[2]);
const heat = new Heat((offset, length) => {
  const bytes = new Uint8Array(length);
  readSync(file, bytes, 0, length, offset);
  return new DataView(bytes.buffer);
});
const depths = Array.from({ length: 27 }, (_, depth) => depth);
const points = [...heat.points()];
const cells = depths.flatMap((depth) => [...heat.cells(depth)]);
const nodes = depths.flatMap((depth) => [...heat.nodes(depth)]);
const sum = (all, of) => all.reduce((sum, one) => sum + of(one), 0);
console.log(JSON.stringify({
  name: heat.metadata.name,
  identity: heat.identity,
  points: points.length,
  without_weight: points.filter((p) => Object.is(p.weight, -0)).length,
  weight_sum: sum(points, (p) => p.weight),
  x_sum: sum(points, (p) => p.x),
  y_sum: sum(points, (p) => p.y),
  cells: cells.length,
  cell_weight_sum: sum(cells, (c) => c.weight),
  cell_counts: sum(cells, (c) => c.count),
  nodes: nodes.length,
  node_points: sum(nodes, (n) => sum(n.points, (p) => p)),
}));
