// Reads tiles of a PMTiles archive with the library that maps in browsers use.
//   node pmtiles.mjs FILE z/x/y,z/x/y,… OUT
// OUT gets z, x, y and length as 32-bit numbers and the bytes of each.
import { open, writeFile } from "node:fs/promises";
import { PMTiles } from "pmtiles";

const [file, wanted, out] = process.argv.slice(2);
const handle = await open(file);
const source = {
  getKey: () => file,
  async getBytes(offset, length) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return { data: buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + bytesRead) };
  },
};
const archive = new PMTiles(source);
const parts = [];
for (const address of wanted.split(",")) {
  const [z, x, y] = address.split("/").map(Number);
  const tile = await archive.getZxy(z, x, y);
  if (!tile) throw new Error(`${address} is missing`);
  parts.push(Buffer.from(Uint32Array.of(z, x, y, tile.data.byteLength).buffer), Buffer.from(tile.data));
}
await writeFile(out, Buffer.concat(parts));
await handle.close();
