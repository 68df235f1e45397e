"""A table of all sizes, and the pictures side by side."""

import json
import shutil
import sys
from pathlib import Path

work, out = Path(sys.argv[1]), Path(sys.argv[2])
# where only some peers were asked, the table of all stays as it is
only = sys.argv[3].split(",") if sys.argv[3:] else []
results = sorted((json.loads(p.read_text()) for p in work.glob("result-*.json")), key=lambda r: r["points"])
PEERS = [peer for peer in ["datashader", "mapnik", "postgis", "chdb", "simpleheat"] if not only or peer in only]
machine = results[0]["heatsplat"]["machine"]
lines = [
    f"One run on {machine['cores']} cores, {machine['cpu']}; CPU time of one 256 px tile (the densest of its",
    "zoom), PNG included, and how many times heatsplat's that is:",
    "",
    "| points | tile | heatsplat | " + " | ".join(PEERS) + " |",
    "|---|---|---|" + "---|" * len(PEERS),
]


def against(seconds, own):
    if not seconds:
        return "–"
    times = seconds / own
    return f"{seconds * 1e3:.1f} ms, {times:.{0 if times >= 10 else 1}f} ×"


for result in results:
    for tile in result["tiles"]:
        own = result["heatsplat"][f"tile {tile}"]
        cells = [against(result.get(peer, {}).get(f"tile {tile}"), own) for peer in PEERS]
        lines.append(f"| {result['points']:,} | {tile} | {own * 1e3:.2f} ms | " + " | ".join(cells) + " |")
for name, key in [("points on a grid alone", "binning"), ("all of z0–z5", "pyramid"),
                  ("CSV to the world's tile", "from CSV"), ("Parquet to it", "from Parquet"),
                  ("CSV to it, whole process", "once from CSV"), ("Parquet to it, whole process", "once from Parquet")]:
    for result in results:
        own = result["heatsplat"].get(key)
        if not any(result.get(peer, {}).get(key) for peer in PEERS):
            continue
        cells = [against(result.get(peer, {}).get(key), own) for peer in PEERS]
        lines.append(f"| {result['points']:,} | {name} | {own * 1e3:.2f} ms | " + " | ".join(cells) + " |")
with_grids = [result for result in results if result.get("libkdv")]
if with_grids:
    lines += [
        "",
        "LIBKDV: CPU time from the CSV file to a grid of the whole world, 1024 × 1024, Epanechnikov's kernel. The difference is",
        "the greatest of all pixels but those within a bandwidth of ±180°, each side's values as shares of its own peak:",
        "",
        "| points | bandwidth | heatsplat | LIBKDV | its compute() alone | difference |",
        "|---|---|---|---|---|---|",
    ]
for result in with_grids:
    for radius, own in result["heatsplat"]["grids"].items():
        theirs = result["libkdv"][radius]
        lines.append(f"| {result['points']:,} | {radius} px | {own * 1e3:.0f} ms | {against(theirs['whole'], own)} "
                     f"| {against(theirs['compute'], own)} | 1/{1 / theirs['off']:,.0f} |")
versions = [f"{peer} {results[0][peer]['version']}" for peer in [*PEERS, "libkdv"] if results[0].get(peer)]
lines += ["", f"heatsplat {results[0]['heatsplat']['version']} · {' · '.join(versions)}."]
if any(peer in PEERS for peer in ["datashader", "mapnik", "postgis", "simpleheat"]):
    lines += [
        "Kernels differ: heatsplat's and datashader's are a gaussian of σ 16/3 px (datashader's points lie in whole",
        "pixels), Mapnik's a marker of 33 px whose alphas saturate at 255, simpleheat's a circle of 10 px blurred by 6",
        "that saturates too; PostGIS counts in whole pixels (GROUP BY, ST_ColorMap, ST_AsPNG) and smooths nothing. On a",
        "grid alone: the tile of the whole world; heatsplat takes the cells that its index has for it, the others every",
        "point.",
    ]
if "chdb" in PEERS:
    lines += [
        "chdb counts in whole pixels (GROUP BY, coloured by numpy, PNG by Pillow) and smooths nothing, heatsplat draws its",
        "gaussian of 16 px; tiles are of a table in Z-order (MergeTree), with one thread. From a file heatsplat's figures",
        "are always of its whole process, which sorts the points for tiles to come and measures a scale; chdb's once of a",
        "query in a process that runs, once of a Python that starts, imports, draws and ends.",
    ]
if with_grids:
    lines += [
        "LIBKDV runs one thread; it doubles its bandwidth and divides by its maximum, so it is given half and the peaks",
        "are made one. What it takes before and after compute() is text in and text out.",
    ]
text = "\n".join(lines) + "\n"
print(text)
(out / "-".join(["result", *only])).with_suffix(".md").write_text(text)
if only:
    sys.exit()
target = out / "pictures"
middle = results[len(results) // 2]["points"]
try:
    from PIL import Image
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    names = ["heatsplat", *PEERS]
    for z in (0, 4, 8):
        found = [n for n in names if (work / f"pictures-{middle}" / f"{n}-{z}.png").exists()]
        sheet = Image.new("RGBA", (264 * len(found), 256), "#202020")
        for i, name in enumerate(found):
            image = Image.open(work / f"pictures-{middle}" / f"{name}-{z}.png").convert("RGBA")
            sheet.alpha_composite(image, (264 * i, 0))
        sheet.save(target / f"z{z}.png")
except ImportError:
    print("LEFT OUT: no Pillow, no pictures", file=sys.stderr)
