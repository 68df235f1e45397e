"""PostGIS: points counted on a grid by SQL, coloured by ST_ColorMap, PNG by ST_AsPNG; nothing is smoothed.

A PostgreSQL of its own, its files in a temporary folder; the points projected, with a GiST index whose order
they are stored in. CPU time is that of the one backend that runs the queries.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from math import log, pi, radians, sin
from pathlib import Path
from statistics import median

points, pictures, tiles = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
HALF = 20037508.342789244
TICKS = os.sysconf("SC_CLK_TCK")
found_bin = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
if not found_bin:
    sys.exit("PostgreSQL is missing: install postgresql-15-postgis-3")
binaries = found_bin[-1].parent
# a server refuses to run as root
as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
folder = tempfile.mkdtemp(prefix="heatsplat-peer-")
if as_postgres:
    os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)


class Session:
    """One psql that stays; a query's answer is all it prints."""

    def __init__(self):
        self.psql = subprocess.Popen(
            [binaries / "psql", "-h", folder, "-U", "postgres", "-qAt", "-v", "ON_ERROR_STOP=1", "postgres"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.backend = int(self("SELECT pg_backend_pid()"))

    def __call__(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo --end--\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "--end--\n":
                return "".join(lines).strip()
            lines.append(line)
        sys.exit("psql ended")

    def cpu(self):
        fields = Path(f"/proc/{self.backend}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def took(self, sql):
        """CPU seconds of a query, and its answer: often enough for a clock of coarse ticks."""
        answer, spent = self(sql), []
        while len(spent) < 3 and sum(spent) < 10:
            start, turns = self.cpu(), 0
            while turns == 0 or (self.cpu() - start < 0.3 and turns < 100):
                self(sql)
                turns += 1
            spent.append((self.cpu() - start) / turns)
        return median(spent), answer


def grid(z, column, row):
    """How many points each pixel has; pixels that have none are left out."""
    side = 2 * HALF / 2**z
    west, north, pixel = -HALF + column * side, HALF - row * side, side / 256
    return west, north, pixel, f"""
        SELECT least(floor((ST_X(geom) - {west}) / {pixel})::int + 1, 256) AS x,
               least(floor(({north} - ST_Y(geom)) / {pixel})::int + 1, 256) AS y, count(*) AS n
        FROM points WHERE geom && ST_MakeEnvelope({west}, {north - side}, {west + side}, {north}, 3857)
        GROUP BY 1, 2"""


def picture(z, column, row):
    west, north, pixel, cells = grid(z, column, row)
    return f"""
        WITH cells AS ({cells}),
        lines AS (SELECT y, array_agg(ln(coalesce(n, 0) + 1) ORDER BY x) AS line
                  FROM generate_series(1, 256) y CROSS JOIN generate_series(1, 256) x
                  LEFT JOIN cells USING (x, y) GROUP BY y)
        SELECT encode(ST_AsPNG(ST_ColorMap(ST_SetValues(
            ST_AddBand(ST_MakeEmptyRaster(256, 256, {west}, {north}, {pixel}, -{pixel}, 0, 0, 3857), '32BF'::text, 0),
            1, 1, 1, (SELECT array_agg(line ORDER BY y) FROM lines)), 1,
            E'100% 252 255 164 255\\n75% 249 142 9 255\\n50% 188 55 84 255\\n25% 87 16 110 255\\n0% 0 0 0 0')), 'hex')"""


def projected():
    """The points as rows of EWKT, which COPY reads."""
    with open(points) as file:
        columns = file.readline().strip().split(",")
        lon, lat = columns.index("longitude"), columns.index("latitude")
        for line in file:
            fields = line.split(",")
            s = sin(radians(float(fields[lat])))
            x = float(fields[lon]) / 180 * HALF
            y = log((1 + s) / (1 - s)) / (2 * pi) * HALF
            yield f"SRID=3857;POINT({x} {y})\n"


def load():
    statements = ["CREATE EXTENSION postgis", "CREATE EXTENSION postgis_raster",
                  "CREATE TABLE points (geom geometry(Point, 3857))"]
    psql = [binaries / "psql", "-h", folder, "-U", "postgres", "-q", "-v", "ON_ERROR_STOP=1", "postgres"]
    subprocess.run([*psql, *(f"-c{s}" for s in statements)], check=True, stdout=subprocess.DEVNULL)
    with subprocess.Popen([*psql, "-c", "COPY points FROM STDIN"], stdin=subprocess.PIPE, text=True) as copy:
        copy.stdin.writelines(projected())
    after = ["CREATE INDEX points_geom ON points USING gist (geom)", "CLUSTER points USING points_geom",
             "VACUUM ANALYZE points"]
    subprocess.run([*psql, *(f"-c{s}" for s in after)], check=True)


server = [*as_postgres, str(binaries / "pg_ctl"), "-D", f"{folder}/data"]
options = (f"-k {folder} -c listen_addresses= -c fsync=off -c shared_buffers=1GB -c work_mem=256MB -c jit=off"
           " -c maintenance_work_mem=512MB -c max_parallel_workers_per_gather=0 -c postgis.gdal_enabled_drivers=ENABLE_ALL")
try:
    subprocess.run([*as_postgres, str(binaries / "initdb"), "-A", "trust", "-U", "postgres", "-N", "-D", f"{folder}/data"],
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*server, "-w", "-l", f"{folder}/log", "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
    load()
    session = Session()
    found = {"version": session("SELECT postgis_lib_version()")}
    for address in tiles:
        z, column, row = map(int, address.split("/"))
        found[f"tile {address}"], png = session.took(picture(z, column, row))
        (pictures / f"postgis-{z}.png").write_bytes(bytes.fromhex(png))
    found["binning"], _ = session.took(f"SELECT count(*) FROM ({grid(0, 0, 0)[3]}) cells")
    print(json.dumps(found))
finally:
    subprocess.run([*server, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
