"""datashader: bin, gaussian_filter, shade on a log scale, PNG by Pillow; and render_tiles."""

import contextlib
import json
import sys
import tempfile
import time
from math import pi
from pathlib import Path
from statistics import median

import dask
import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
import xarray as xr
from datashader.tiles import render_tiles
from scipy.ndimage import gaussian_filter

points, pictures, tiles = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
# in this process, so that its CPU time is all there is; its own pools bring no gain
dask.config.set(scheduler="sync")
HALF = 20037508.342789244
SIGMA = 16 / 3
COLORS = ["#000004", "#57106e", "#bc3754", "#f98e09", "#fcffa4"]

table = pd.read_csv(points, usecols=["longitude", "latitude"])
x = (table.longitude / 180 * HALF).astype("f4")
s = np.sin(np.radians(table.latitude))
y = (np.log((1 + s) / (1 - s)) / (2 * pi) * HALF).astype("f4")
frame = pd.DataFrame({"x": x, "y": y})


def extent(z, column, row, margin=0):
    side = 2 * HALF / 2**z
    pixel = side / 256 * margin
    west, north = -HALF + column * side, HALF - row * side
    return (west - pixel, west + side + pixel), (north - side - pixel, north + pixel)


def tile(z, column, row):
    margin = 22
    across, down = extent(z, column, row, margin)
    side = 256 + 2 * margin
    canvas = ds.Canvas(side, side, across, down)
    counts = canvas.points(frame, "x", "y", ds.count())
    smooth = gaussian_filter(counts.values.astype("f4"), SIGMA)[margin:-margin, margin:-margin]
    smooth[smooth < 1e-3] = np.nan
    return tf.shade(xr.DataArray(smooth), cmap=COLORS, how="log").to_pil()


def cpu(work, turns):
    work()
    spent = []
    for _ in range(turns):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return median(spent)


def png(image):
    with tempfile.TemporaryFile() as file:
        image.save(file, "png")


found = {"version": ds.__version__}
for address in tiles:
    z, column, row = map(int, address.split("/"))
    found[f"tile {address}"] = cpu(lambda: png(tile(z, column, row)), 7)
    tile(z, column, row).save(pictures / f"datashader-{z}.png")
world = ds.Canvas(256, 256, *extent(0, 0, 0))
found["binning"] = cpu(lambda: world.points(frame, "x", "y", ds.count()), 7)


def rasterize(df, x_range, y_range, height, width):
    counts = ds.Canvas(width, height, x_range, y_range).points(df, "x", "y", ds.count())
    counts.values = gaussian_filter(counts.values.astype("f4"), SIGMA)
    return counts


def pyramid():
    with tempfile.TemporaryDirectory() as folder:
        render_tiles(
            (-HALF, -HALF, HALF, HALF), range(6),
            load_data_func=lambda x_range, y_range: frame,
            rasterize_func=rasterize,
            shader_func=lambda agg, span=None: tf.shade(agg, cmap=COLORS, how="log", span=span),
            post_render_func=lambda image, **_: image,
            output_path=folder,
        )


start = time.process_time()
with contextlib.redirect_stdout(sys.stderr):
    pyramid()
found["pyramid"] = time.process_time() - start
print(json.dumps(found))
