"""Made-up points, and the program's server beside the package."""

import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(os.environ.get("HEATSPLAT", "../target/release/heatsplat"))


@pytest.fixture(scope="session")
def columns():
    """Longitudes, latitudes and weights of 20,000 points in crowds."""
    random = np.random.default_rng(7)
    centers = random.uniform((-170, -60), (170, 70), (40, 2))
    spread = random.exponential(2.0, 40)
    at = random.integers(0, 40, 20_000)
    places = centers[at] + random.normal(0, 1, (20_000, 2)) * spread[at, None]
    lon, lat = places[:, 0], np.clip(places[:, 1], -84, 84)
    return lon, lat, random.gamma(2.0, 3.0, 20_000).astype(np.float32)


@pytest.fixture(scope="session")
def csv(columns, tmp_path_factory):
    """The same points as a file, with a column of kinds and one of times."""
    path = tmp_path_factory.mktemp("data") / "points.csv"
    lon, lat, weight = columns
    with path.open("w") as file:
        file.write("lon,lat,weight,kind,time\n")
        for i, (x, y, w) in enumerate(zip(lon, lat, weight, strict=True)):
            kind = "theft" if i % 3 else "fraud"
            month = i % 12 + 1
            place = f"{float(x)!r},{float(y)!r},{float(w)!r}"
            file.write(f"{place},{kind},2024-{month:02}-15T10:00:00\n")
    return path


class Server:
    """The program's server; `get` returns the body of an answer."""

    def __init__(self, source, *flags):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [PROGRAM, "serve", source, "--port", str(self.port), *flags]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.layer = Path(source).stem
        for _ in range(600):
            try:
                self.get("/ready")
                return
            except OSError:
                assert self.process.poll() is None, "the server ended"
                time.sleep(0.05)
        raise AssertionError("the server was not ready within 30 s")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def require_program():
    """Skip a test without the program; where everything is required, fail it."""
    if not PROGRAM.is_file():
        message = f"{PROGRAM} is missing: build the program, or name it in HEATSPLAT"
        if os.environ.get("HEATSPLAT_REQUIRE_ALL") == "1":
            pytest.fail(message)
        pytest.skip(message)


def run_program(*arguments):
    """Run the program to its end; return what it prints."""
    require_program()
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def server(csv):
    require_program()
    server = Server(csv)
    yield server
    server.stop()
