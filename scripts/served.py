"""A server for scripts that measure or attack it, and what they need to ask it."""

import os
import random
import re
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A heatsplat that serves generated points with two columns on a free port, until it is ended."""

    def __init__(self, program, points, *flags):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "points.csv"
        made = Path(self.folder.name) / "made.csv"
        subprocess.run([program, "generate", str(points), "-o", made], check=True, capture_output=True)
        numbers = random.Random(1)
        self.places = []
        with open(made) as rows, open(self.file, "w") as out:
            out.write(next(rows).rstrip() + ",n,kind\n")
            for i, row in enumerate(rows):
                row = row.rstrip()
                out.write(f"{row},{i % 100},{'abcdefg'[i % 7]}\n")
                if numbers.random() < 0.3:
                    lon, lat = row.split(",")[:2]
                    self.places.append((float(lon), float(lat)))
        numbers.shuffle(self.places)
        self.log = open(Path(self.folder.name) / "log", "w+")
        command = [program, "serve", self.file, "--listen", "127.0.0.1:0", "--backend", "cpu"]
        self.process = subprocess.Popen(
            [*command, "--keep", "n,kind", *flags], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        found = re.search(r"127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        if not found:
            raise SystemExit("the server doesn't start: " + self.said())
        self.port = int(found[1])
        while self.get("/ready")[0] != 200:
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def is_alive(self):
        return self.process.poll() is None

    def get(self, path, timeout=30):
        """Status, headers and body of the answer to one request on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as stream:
            stream.settimeout(timeout)
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            return parsed(read_all(stream))

    def metric(self, line):
        for known in self.get("/metrics")[2].decode().splitlines():
            if known.startswith(line):
                return float(known.rsplit(" ", 1)[1])
        return 0.0

    def cpu(self):
        """The seconds of processor time that the server has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """The server's resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def read_all(stream):
    data = b""
    while chunk := stream.recv(1 << 16):
        data += chunk
    return data


def parsed(data):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = re.match(r"HTTP/1\.[01] (\d{3})", lines[0])
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    return int(status[1]) if status else 0, headers, body


def tile(lon, lat, z):
    """The column and row of the tile of a zoom that has a place."""
    from math import asinh, pi, radians, tan

    side = 1 << z
    x = int((lon + 180) / 360 * side)
    y = int((1 - asinh(tan(radians(lat))) / pi) / 2 * side)
    return min(max(x, 0), side - 1), min(max(y, 0), side - 1)


def built(argument=None):
    """The program that is measured."""
    program = Path(argument or ROOT / "target/release/heatsplat").resolve()
    if not program.exists():
        raise SystemExit(f"there is no {program}: cargo build --release, or name another program")
    return str(program)
