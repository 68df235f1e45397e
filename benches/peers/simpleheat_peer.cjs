// simpleheat on a canvas in memory (Skia): every point is a drawn circle.
const fs = require("node:fs");
const { createCanvas } = require("@napi-rs/canvas");
global.document = { createElement: () => createCanvas(1, 1) };
const simpleheat = require("simpleheat");

const [points, pictures, ...tiles] = process.argv.slice(2);
const [head, ...rows] = fs.readFileSync(points, "utf8").trim().split("\n");
const columns = head.split(",");
const [lon, lat] = [columns.indexOf("longitude"), columns.indexOf("latitude")];
const places = rows.map((row) => {
  const fields = row.split(",");
  const s = Math.sin((Number(fields[lat]) * Math.PI) / 180);
  return [(Number(fields[lon]) + 180) / 360, 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)];
});

function tile(z, x, y) {
  const canvas = createCanvas(256, 256);
  const heat = simpleheat(canvas).radius(10, 6);
  const side = 256 * 2 ** z;
  const seen = places.map(([a, b]) => [a * side - x * 256, b * side - y * 256, 1]);
  heat.data(seen.filter(([a, b]) => a > -16 && a < 272 && b > -16 && b < 272)).max(20).draw();
  return canvas.toBuffer("image/png");
}

const found = { version: "0.4.0" };
for (const address of tiles) {
  const [z, x, y] = address.split("/").map(Number);
  fs.writeFileSync(`${pictures}/simpleheat-${z}.png`, tile(z, x, y));
  const start = process.cpuUsage();
  tile(z, x, y);
  const { user, system } = process.cpuUsage(start);
  found[`tile ${address}`] = (user + system) / 1e6;
}
console.log(JSON.stringify(found));
