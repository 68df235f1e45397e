"""chdb, which is ClickHouse in the process: GROUP BY pixel, coloured by numpy on a log scale, PNG by Pillow; nothing is smoothed.

Once from a table whose rows lie along the Z-order curve, and once straight from a file, CSV or Parquet.
With --once SOURCE PICTURE it draws the world from a file and ends, for a clock of the whole process.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from chdb.session import Session
from PIL import Image

COLORS = ["#000004", "#57106e", "#bc3754", "#f98e09", "#fcffa4"]
# of the world's sides, from west to east and from north to south
X = "(longitude + 180) / 360"
Y = "0.5 - atanh(sin(radians(latitude))) / 2 / pi()"


def palette():
    stops = np.array([[int(color[i:i + 2], 16) for i in (1, 3, 5)] for color in COLORS])
    places = np.linspace(0, 4, 255)
    ramp = np.column_stack([np.interp(places, range(5), stops[:, i]) for i in range(3)])
    return bytes(3) + ramp.round().astype("u1").tobytes()


PALETTE = palette()
folder = tempfile.TemporaryDirectory(prefix="heatsplat-peer-")
session = Session(folder.name)
session.query("SET max_threads = 1")
# else each answer has a byte more that says whether it is there
session.query("SET schema_inference_make_columns_nullable = 0")


def png(sql):
    rows = np.frombuffer(session.query(sql, "RowBinary").bytes(), [("pixel", "<u4"), ("n", "<u8")])
    heat = np.zeros(256 * 256)
    heat[rows["pixel"]] = np.log1p(rows["n"])
    image = Image.fromarray(np.ceil(heat / heat.max() * 255).astype("u1").reshape(256, 256), "P")
    image.putpalette(PALETTE)
    file = BytesIO()
    image.save(file, "png", transparency=0)
    return file.getvalue()


def tile(z, column, row):
    """Positions are numbers of 32 bits, so a pixel's is what is left of them."""
    bits = 32 - z
    west, north, side = column << bits, row << bits, 1 << bits
    return f"""
        SELECT toUInt32(bitShiftRight(y - {north}, {bits - 8}) * 256 + bitShiftRight(x - {west}, {bits - 8})) AS pixel, count() AS n
        FROM points WHERE x BETWEEN {west} AND {west + side - 1} AND y BETWEEN {north} AND {north + side - 1}
        GROUP BY pixel"""


def world(path):
    source = f"file('{path}', {'Parquet' if path.endswith('.parquet') else 'CSVWithNames'})"
    return f"SELECT toUInt32(floor(({Y}) * 256) * 256 + floor({X} * 256)) AS pixel, count() AS n FROM {source} GROUP BY pixel"


def cpu(sql, turns=7):
    png(sql)
    spent = []
    for _ in range(turns):
        start = time.process_time()
        png(sql)
        spent.append(time.process_time() - start)
    return median(spent)


if sys.argv[1] == "--once":
    Path(sys.argv[3]).write_bytes(png(world(sys.argv[2])))
    sys.exit()
points, parquet, pictures, tiles = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
source = f"file('{points}', CSVWithNames)"
session.query(f"""
    CREATE TABLE points (x UInt32, y UInt32, INDEX of_x x TYPE minmax, INDEX of_y y TYPE minmax)
    ENGINE = MergeTree ORDER BY mortonEncode(x, y)""")
session.query(f"INSERT INTO points SELECT toUInt32({X} * 4294967296), toUInt32(({Y}) * 4294967296) FROM {source}")
session.query("OPTIMIZE TABLE points FINAL")
Path(parquet).unlink(missing_ok=True)
session.query(f"INSERT INTO FUNCTION file('{parquet}', Parquet) SELECT * FROM {source}")

found = {"version": version("chdb")}
for address in tiles:
    sql = tile(*map(int, address.split("/")))
    found[f"tile {address}"] = cpu(sql)
    (pictures / f"chdb-{address.split('/')[0]}.png").write_bytes(png(sql))
found["from CSV"] = cpu(world(points), 3)
found["from Parquet"] = cpu(world(parquet), 3)
print(json.dumps(found))
