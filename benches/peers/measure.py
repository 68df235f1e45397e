"""Times heatsplat and its peers on one file of points; one JSON a size in the work folder.

Every figure is CPU time, user and system, of the process that does the work: the median of several
turns after one to warm up, points at rest in the program as it likes them best.
"""

import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

binary, points, size, work = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
# the peers to ask; all unless told otherwise
only = sys.argv[5].split(",") if sys.argv[5:] else []
here = Path(__file__).parent
RADIUS = 16
WORLD = ["--bbox", "-180,-85.0511287798066,180,85.0511287798066"]
# LIBKDV's grid of the whole world, and its bandwidths in pixels
SIDE, BANDWIDTHS = 1024, ["2", "6", "20"]


def densest(z):
    """The tile of a zoom that most points lie in: found once, for all."""
    import math
    from collections import Counter
    count, side = Counter(), 1 << z
    with open(points) as file:
        for row in csv.DictReader(file):
            lon, lat = float(row["longitude"]), float(row["latitude"])
            s = math.sin(math.radians(lat))
            x = (lon + 180) / 360
            y = 0.5 - math.log((1 + s) / (1 - s)) / (4 * math.pi)
            count[int(x * side), int(y * side)] += 1
    return (z, *count.most_common(1)[0][0])


def helper(program, *arguments):
    """The JSON that a peer's own script prints; nothing where the peer is missing."""
    if only and Path(arguments[0]).stem.removesuffix("_peer") not in only:
        return {}
    out = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if out.returncode != 0:
        said = out.stderr.strip().splitlines()[-1:] or [f"ended with {out.returncode}"]
        print(f"LEFT OUT: {arguments[0]}: {said}", file=sys.stderr)
        return {}
    return json.loads(out.stdout.splitlines()[-1])


def cpu_of(arguments, turns=3, program=(binary,)):
    """CPU seconds of a whole run of heatsplat, or of another program, the median."""
    spent = []
    for _ in range(turns):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*program, *arguments], check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return statistics.median(spent)


def heatsplat(tiles, pictures):
    names = ["/".join(map(str, tile)) for tile in tiles]
    flags = [flag for name in names for flag in ("--tile", name)]
    out = work / "bench.json"
    style = ["--radius", str(RADIUS), "--weight", "none"]
    subprocess.run([binary, "bench", points, "--json", out, "--seconds", "1.5", *flags, *style],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    figures = json.loads(out.read_text())
    rows = figures["backends"][0]["tiles"]
    found = {f"tile {row['kind']}": row["cpu_ms"]["median"] / 1e3 for row in rows}
    # of the whole world's tile: its points found in the index, and laid on the grid
    stages = rows[0]["stages_ms"]
    found["binning"] = (stages["find"] + stages["deposit"]) / 1e3
    found["version"] = figures["heatsplat"]
    found["machine"] = figures["machine"]
    # the pyramid: a run of the program less one that reads the points and draws a tile
    target = str(work / "pyramid.pmtiles")
    export = ["export", points, "-o", target, "--overwrite", *style, "--zoom"]
    found["pyramid"] = cpu_of([*export, "0-5"]) - cpu_of([*export, "0"])
    folder = work / "heatsplat"
    shutil.rmtree(folder, ignore_errors=True)
    template = str(folder / "{z}/{x}/{y}.png")
    subprocess.run([binary, "export", points, "-o", template, "--zoom", "0-8", *style],
                   check=True, stderr=subprocess.DEVNULL)
    for z, x, y in tiles:
        shutil.copy(folder / f"{z}/{x}/{y}.png", pictures / f"heatsplat-{z}.png")
    shutil.rmtree(folder)
    return found


def from_file(source):
    """CPU seconds from a file to the picture of the whole world, the program's start in it."""
    picture = work / "file.png"
    return cpu_of(["render", source, "-o", picture, *WORLD, "--size", "256", "--radius", str(RADIUS), "--weight", "none"])


def grids():
    """The densities that LIBKDV's are held against: what they took, and where they are."""
    spent, paths = {}, []
    for radius in BANDWIDTHS:
        path = work / f"grid-{radius}.npy"
        spent[radius] = cpu_of(["render", points, "-o", path, *WORLD, "--size", str(SIDE), "--kernel", "epanechnikov",
                                "--radius", f"{radius}px", "--weight", "none"])
        paths += [radius, path]
    return spent, paths


tiles = [densest(z) for z in (0, 4, 8)]
pictures = work / f"pictures-{size}"
pictures.mkdir(exist_ok=True)
addresses = ["/".join(map(str, tile)) for tile in tiles]
result = {
    "points": size,
    "tiles": addresses,
    "date": time.strftime("%Y-%m-%d"),
    "heatsplat": heatsplat(tiles, pictures),
    "datashader": helper(sys.executable, here / "datashader_peer.py", points, pictures, *addresses),
}
result["mapnik"] = helper("/usr/bin/python3", here / "mapnik_peer.py", points, pictures, *addresses)
result["postgis"] = helper(sys.executable, here / "postgis_peer.py", points, pictures, *addresses)
parquet = work / f"{size}.parquet"
result["chdb"] = helper(sys.executable, here / "chdb_peer.py", points, parquet, pictures, *addresses)
if result["chdb"]:
    for kind, file in [("CSV", points), ("Parquet", parquet)]:
        result["heatsplat"][f"from {kind}"] = result["heatsplat"][f"once from {kind}"] = from_file(file)
        result["chdb"][f"once from {kind}"] = cpu_of(
            ["--once", file, work / "file.png"], program=(sys.executable, here / "chdb_peer.py"))
if size <= 1_000_000:
    result["heatsplat"]["grids"], arguments = grids()
    # ten million points would take it half an hour
    result["libkdv"] = helper(sys.executable, here / "libkdv_peer.py", points, SIDE, *arguments)
    # ten million circles would take it five minutes a tile
    os.environ["NODE_PATH"] = str(work / "node_modules")
    result["simpleheat"] = helper("node", here / "simpleheat_peer.cjs", points, pictures, *addresses)
(work / f"result-{size}.json").write_text(json.dumps(result, indent=1))
