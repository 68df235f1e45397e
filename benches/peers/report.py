"""A table of all sizes, and the pictures side by side."""

import json
import shutil
import sys
from pathlib import Path

work, out = Path(sys.argv[1]), Path(sys.argv[2])
results = sorted((json.loads(p.read_text()) for p in work.glob("result-*.json")), key=lambda r: r["points"])
PEERS = ["datashader", "mapnik", "postgis", "simpleheat"]
machine = results[0]["heatsplat"]["machine"]
lines = [
    f"{results[0]['date']}, {machine['cpu']}, {machine['cores']} cores; CPU time of one 256 px tile (the densest of its",
    "zoom), PNG included, and how many times heatsplat's that is:",
    "",
    "| points | tile | heatsplat | " + " | ".join(PEERS) + " |",
    "|---|---|---|" + "---|" * len(PEERS),
]


def against(seconds, own):
    return f"{seconds * 1e3:.1f} ms, {seconds / own:.0f} ×" if seconds else "–"


for result in results:
    for tile in result["tiles"]:
        own = result["heatsplat"][f"tile {tile}"]
        cells = [against(result.get(peer, {}).get(f"tile {tile}"), own) for peer in PEERS]
        lines.append(f"| {result['points']:,} | {tile} | {own * 1e3:.2f} ms | " + " | ".join(cells) + " |")
for name, key in [("points on a grid alone", "binning"), ("all of z0–z5", "pyramid")]:
    for result in results:
        own = result["heatsplat"][key]
        cells = [against(result.get(peer, {}).get(key), own) for peer in PEERS]
        lines.append(f"| {result['points']:,} | {name} | {own * 1e3:.2f} ms | " + " | ".join(cells) + " |")
versions = [f"{peer} {results[0][peer]['version']}" for peer in PEERS if results[0].get(peer)]
lines += [
    "",
    f"heatsplat {results[0]['heatsplat']['version']} · {' · '.join(versions)}. Kernels differ: heatsplat's and datashader's are a",
    "gaussian of σ 16/3 px (datashader's points lie in whole pixels), Mapnik's a marker of 33 px whose",
    "alphas saturate at 255, simpleheat's a circle of 10 px blurred by 6 that saturates too; PostGIS counts in",
    "whole pixels (GROUP BY, ST_ColorMap, ST_AsPNG) and smooths nothing. On a grid alone: the tile of the whole",
    "world; heatsplat takes the cells that its index has for it, the others every point.",
]
text = "\n".join(lines) + "\n"
print(text)
(out / "result.md").write_text(text)
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
