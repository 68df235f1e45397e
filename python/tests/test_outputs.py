"""Files that layers are written to: the same as the program's."""

import json
import os
import subprocess
import sys

import pytest
from conftest import run_program

import heatsplat as hs


@pytest.fixture(scope="module")
def layer(csv):
    return hs.Layer(csv, ramp="viridis", scale="log")


def _files(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("name", "zooms", "arguments", "flags"),
    [
        ("a.pmtiles", (0, 5), {}, []),
        ("a.mbtiles", range(2, 5), {"format": "webp"}, ["--as", "webp"]),
        ("a.tif", 3, {}, []),
        ("a/{z}/{x}/{y}.png", (0, 3), {"attribution": "me"}, ["--attribution", "me"]),
        (
            "b.pmtiles",
            (1, 4),
            {"bbox": (-10, 30, 40, 70), "size": 512, "ratio": 2},
            ["--bbox", "-10,30,40,70", "--tile-size", "512", "--retina"],
        ),
    ],
)
def test_an_export_has_the_bytes_of_the_programs(
    layer, csv, tmp_path, name, zooms, arguments, flags
):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir(), theirs.mkdir()
    done = layer.export(ours / name, zooms, **arguments)
    ends = (zooms, zooms) if isinstance(zooms, int) else (zooms[0], zooms[-1])
    style = ["--ramp", "viridis", "--scale", "log"]
    zoom = ["--zoom", f"{ends[0]}-{ends[1]}"]
    run_program("export", csv, "-o", theirs / name, *zoom, *style, *flags)
    assert done.tiles >= done.distinct > 0 and done.resumed == 0
    files = _files(ours)
    assert files and files == _files(theirs)


def test_a_file_that_is_there_is_not_replaced_unasked(layer, tmp_path):
    path = tmp_path / "a.pmtiles"
    first = layer.export(path, 2)
    with pytest.raises(hs.ExistsError, match="overwrite=True replaces it"):
        layer.export(path, 2)
    assert layer.export(path, 2, resume=True) is None
    assert layer.export(path, (0, 2), overwrite=True).tiles > first.tiles


def test_an_export_that_was_broken_off_is_finished(layer, tmp_path):
    path, whole = tmp_path / "a.pmtiles", tmp_path / "whole.pmtiles"
    layer.export(whole, (0, 6))
    seen = []

    def progress(done, total):
        seen.append((done, total))
        if done > 200:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        layer.export(path, (0, 6), progress=progress)
    assert seen[0][0] > 0 and not path.exists()
    with pytest.raises(hs.ExistsError, match="resume=True finishes it"):
        layer.export(path, (0, 6))
    with pytest.raises(hs.ExistsError, match="another style"):
        layer.styled(ramp="magma").export(path, (0, 6), resume=True)
    assert layer.export(path, (0, 6), resume=True).resumed > 0
    assert path.read_bytes() == whole.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.pmtiles", "whole.pmtiles"]


def test_impossible_exports_are_refused(layer, tmp_path):
    for arguments, message in [
        ((tmp_path / "a.zip", 2), r"\.pmtiles"),
        ((tmp_path / "a.pmtiles", (3, 1)), "zooms="),
        ((tmp_path / "a.pmtiles", range(0)), "zooms="),
        ((tmp_path / "a.pmtiles", 25), "zooms="),
        (("s3://bucket/a.pmtiles", 2), "s3://"),
    ]:
        with pytest.raises(hs.HeatsplatError, match=message):
            layer.export(*arguments)
    with pytest.raises(hs.HeatsplatError, match="f32 or rgba"):
        layer.export(tmp_path / "a.tif", 2, format="png")
    with pytest.raises(hs.HeatsplatError, match="format="):
        layer.export(tmp_path / "a.pmtiles", 2, format="jpg")
    with pytest.raises(hs.HeatsplatError, match="four numbers"):
        layer.export(tmp_path / "a.pmtiles", 2, bbox=(1, 2))
    with pytest.raises(hs.HeatsplatError, match="one of them"):
        layer.export(tmp_path / "a.pmtiles", 2, overwrite=True, resume=True)
    with pytest.raises(hs.WriteError, match="nowhere"):
        layer.export(tmp_path / "nowhere" / "a.pmtiles", 2)
    with pytest.raises(OSError):
        layer.export(tmp_path / "nowhere" / "a.pmtiles", 2)
    assert os.listdir(tmp_path) == []


def _program_packs(source, path, *flags):
    report = run_program("pack", source, "-o", path, "--json", *flags)
    return json.loads(report)


@pytest.mark.parametrize("counts", [False, True])
def test_a_pack_has_the_identity_of_the_programs(layer, csv, tmp_path, counts):
    done = layer.pack(tmp_path / "a.heat", counts=counts, attribution="me")
    theirs = _program_packs(csv, tmp_path / "b.heat", *(["--counts"] if counts else []))
    assert (done.identity, done.points) == (theirs["identity"], theirs["points"])
    assert done.bytes == os.path.getsize(tmp_path / "a.heat")
    assert sorted(os.listdir(tmp_path)) == ["a.heat", "b.heat"]
    run_program("info", "--verify", tmp_path / "a.heat")


def test_tiles_of_a_pack_are_those_of_the_points(layer, tmp_path):
    layer.pack(tmp_path / "a.heat", counts=True)
    packed = hs.Layer(tmp_path / "a.heat", ramp="viridis", scale="log")
    assert (packed.name, len(packed)) == ("a", len(layer))
    assert packed.report.kept == len(layer) and packed.unit == layer.unit
    for style in [{}, {"measure": "mean"}, {"kernel": "uniform"}, {"radius": "50km"}]:
        for tile in [(0, 0, 0), (3, 4, 2), (7, 70, 44)]:
            assert packed.styled(**style).tile(*tile) == layer.styled(**style).tile(*tile)
    packed.export(tmp_path / "a.pmtiles", (0, 3))
    with pytest.raises(hs.DataError, match="copy the file"):
        packed.pack(tmp_path / "b.heat")


def test_columns_of_a_pack_filter_it(csv, tmp_path):
    path = tmp_path / "a.heat"
    _program_packs(csv, path, "--keep", "kind,time")
    style = {"radius": "12px", "domain": (0, 50)}
    packed = hs.Layer(path, time="time", **style)
    whole = hs.Layer(csv, keep=["kind"], time="time", **style)
    for change in [
        lambda layer: layer.filter("kind = 'theft'"),
        lambda layer: layer.between("2024-03-01", "2024-06-01"),
    ]:
        assert 0 < len(change(packed)) == len(change(whole)) < len(whole)
        assert change(packed).tile(2, 2, 1) == change(whole).tile(2, 2, 1)
    change(packed).pack(tmp_path / "part.heat", columns=False)
    assert len(hs.Layer(tmp_path / "part.heat")) == len(change(whole))
    with pytest.raises(hs.DataError, match='no column "colour"; it has: kind, time'):
        hs.Layer(path, keep="colour")
    with pytest.raises(hs.DataError, match="weight= is for rows"):
        hs.Layer(path, weight="weight")


def test_impossible_packs_are_refused(layer, csv, tmp_path):
    path = tmp_path / "a.heat"
    layer.pack(path)
    with pytest.raises(hs.ExistsError, match="overwrite=True replaces it"):
        layer.pack(path)
    layer.pack(path, overwrite=True)
    with pytest.raises(hs.WriteError, match=r"ends in \.heat"):
        layer.pack(tmp_path / "a.txt")
    with pytest.raises(hs.WriteError, match="nowhere"):
        layer.pack(tmp_path / "nowhere" / "a.heat")
    with pytest.raises(hs.DataError, match="kind.*columns=False"):
        hs.Layer(csv, keep=["kind"]).pack(tmp_path / "b.heat")
    with pytest.raises(hs.DataError, match="two others"):
        hs.derive("a - b", a=layer, b=layer).pack(tmp_path / "b.heat")
    with pytest.raises(FileNotFoundError):
        hs.Layer(tmp_path / "none.heat")
    (tmp_path / "bad.heat").write_bytes(path.read_bytes()[:300])
    with pytest.raises(hs.DataError, match=r"bad\.heat"):
        hs.Layer(tmp_path / "bad.heat")


def test_a_damaged_page_is_an_error(layer, tmp_path):
    path = tmp_path / "a.heat"
    layer.pack(path)
    bytes = bytearray(path.read_bytes())
    # Past the header, the root and the metadata there are pages alone.
    bytes[1 << 16 :] = b"\0" * (len(bytes) - (1 << 16))
    path.write_bytes(bytes)
    packed = hs.Layer(path, domain=(0, 9), radius="9px")
    with pytest.raises(hs.HeatsplatError, match="damaged"):
        packed.tile(9, 270, 170)
    with pytest.raises(hs.HeatsplatError, match="damaged"):
        packed.export(tmp_path / "a.pmtiles", 3)


INTERRUPTED = """
import os, signal, sys, time
import numpy as np
import heatsplat as hs
random = np.random.default_rng(1)
n = int(sys.argv[2])
lon, lat = random.uniform(-170, 170, n), random.uniform(-80, 80, n)
def guarded(work):
    start = time.monotonic()
    try:
        work()
        print("ended by itself")
    except KeyboardInterrupt:
        print(f"interrupted {time.monotonic() - start:.3f}")
"""


def _interrupted(work, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED + work, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = done.stdout.split("\n")
    assert lines[0].startswith("interrupted "), done
    return float(lines[0].split()[1]), lines[1:]


def test_ctrl_c_ends_an_export_that_can_be_resumed(tmp_path):
    path = tmp_path / "a.pmtiles"
    work = """
layer = hs.Layer(lon=lon, lat=lat, radius="64px", domain=(0, 9))
def progress(done, total):
    os.kill(os.getpid(), signal.SIGINT)
guarded(lambda: layer.export(sys.argv[1], (0, 14), progress=progress))
print(layer.tile(3, 2, 2) == layer.tile(3, 2, 2))
"""
    seconds, lines = _interrupted(work, path, 200_000)
    assert seconds < 10 and lines[0] == "True"
    assert not path.exists() and (tmp_path / "a.pmtiles.partial").stat().st_size > 0


def test_ctrl_c_ends_a_pack_and_leaves_nothing(tmp_path):
    work = """
layer = hs.Layer(lon=lon, lat=lat, radius="8px")
def progress(done, total):
    # Ctrl-C is noticed within 50 ms.
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1)
guarded(lambda: layer.pack(sys.argv[1], progress=progress))
"""
    _interrupted(work, tmp_path / "a.heat", 200_000)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", [RuntimeError, BrokenPipeError])
def test_an_exception_of_progress_ends_a_pack(layer, tmp_path, kind):
    seen = []

    def progress(done, total):
        seen.append((done, total))
        raise kind("enough")

    with pytest.raises(kind, match="enough"):
        layer.pack(tmp_path / "a.heat", progress=progress)
    assert seen == [(20_000, 20_000)] and os.listdir(tmp_path) == []
