"""LIBKDV: from the file to a grid of densities, the whole world once, Epanechnikov's kernel; and how far apart the two are.

Points are put in pixels of the grid. LIBKDV doubles the bandwidth that it is given, so it is given half. Where
coordinates are plain it takes its bounds as y before x, from the least point on. Its values are shares of its
own maximum, so ours become shares of ours before they are compared. Points beyond the grid end it (a
segmentation fault in 1.1.20), so none are laid beyond ±180° and the columns that would have their heat aren't compared.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import pandas as pd
from libkdv import kdv

points, side, grids = sys.argv[1], int(sys.argv[2]), sys.argv[3:]


def places():
    table = pd.read_csv(points, usecols=["longitude", "latitude"])
    s = np.sin(np.radians(table.latitude.values))
    x = (table.longitude.values + 180) / 360 * side
    y = (0.5 - np.log((1 + s) / (1 - s)) / (4 * np.pi)) * side
    return np.column_stack([x, y])


def bounds(data):
    """The centres of the first and the last pixel."""
    (x, y), first, last = data.min(axis=0), 0.5, side - 0.5
    return [first - y, last - y, first - x, last - x]


found = {"version": version("libkdv")}
for radius, grid in zip(grids[::2], grids[1::2]):
    start = time.process_time()
    data = places()
    drawn = kdv(data, GPS=False, bound=bounds(data), num_threads=1, row_pixels=side, col_pixels=side,
                bandwidth=float(radius) / 2)
    ready = time.process_time()
    result = drawn.compute()
    # down the columns, one after the other
    values = result.val.values.reshape(side, side).T
    done = time.process_time()
    own = np.load(grid).reshape(side, side).astype("f8")
    inner = slice(int(radius), side - int(radius))
    off = np.abs(own / own.max() - values / values.max())[:, inner].max()
    found[radius] = {"whole": done - start, "compute": done - ready, "off": off}
print(json.dumps(found))
