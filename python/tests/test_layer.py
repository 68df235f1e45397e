"""What layers answer: pictures, densities, values, legends; and how they behave in a process."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import heatsplat as hs


@pytest.fixture(scope="module")
def layer(columns):
    lon, lat, weight = columns
    return hs.Layer(lon=lon, lat=lat, weight=weight, name="crowds", unit="people", radius="12px")


def test_layers_describe_themselves(layer, columns):
    assert len(layer) == 20_000
    assert layer.total == pytest.approx(columns[2].sum(), rel=1e-5)
    assert repr(layer).startswith("<heatsplat.Layer 'crowds': 20,000 points, radius=12")
    assert layer.unit == "people"
    west, south, east, north = layer.bounds
    assert west < columns[0].mean() < east and south < columns[1].mean() < north
    assert layer._repr_png_().startswith(b"\x89PNG")


def test_notebooks_get_a_picture_and_a_text(layer):
    bundle = layer._repr_mimebundle_()
    assert set(bundle) == {"image/png", "text/plain"}
    assert bundle["image/png"] == layer._repr_png_() and bundle["text/plain"] == repr(layer)
    assert set(layer._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    assert set(layer._repr_mimebundle_(exclude=["image/png"])) == {"text/plain"}


def test_a_style_is_checked(layer):
    green = layer.styled(ramp="viridis", radius="8px")
    assert (green.style["ramp"], layer.style["ramp"]) != (layer.style["ramp"], "viridis")
    assert green.style["radius"].startswith("8")
    with pytest.raises(hs.StyleError, match="radios"):
        layer.styled(radios=8)
    with pytest.raises(hs.StyleError, match="ramp"):
        layer.styled(ramp="no such ramp")
    assert "radius" in hs.style_names() and "viridis" in hs.ramp_names()
    assert layer.styled(radius="auto").style["radius"] != ""


def test_densities_know_their_place(layer):
    xr = pytest.importorskip("xarray")
    rioxarray = pytest.importorskip("rioxarray")
    density = layer.density((-20, 30, 40, 70), (300, 320))
    assert isinstance(density, xr.DataArray) and rioxarray
    assert density.dims == ("y", "x") and density.shape == (320, 300)
    assert density.rio.crs.to_epsg() == 3857
    left, bottom, right, top = density.rio.bounds()
    values, (west, north, pixel) = layer.values((-20, 30, 40, 70), (300, 320))
    assert (left, top) == pytest.approx((west, north))
    assert (right - left, top - bottom) == pytest.approx((300 * pixel, 320 * pixel))
    assert np.array_equal(density.to_numpy(), values)
    assert density.attrs == {"long_name": "crowds", "units": "people"}
    # The sum of a picture of the world is that of the weights, but for what reaches beyond ±85°.
    world = layer.styled(radius="3px", normalize="mass").density(
        (-180, -85.05, 180, 85.05), (1024, 1024)
    )
    assert float(world.sum()) == pytest.approx(layer.total, rel=1e-3)


def test_values_are_those_of_the_density(layer, columns):
    lon, lat = columns[0][0], columns[1][0]
    value = layer.value(lon, lat, zoom=6)
    assert value.count > 0 and value.unit == "people" and value.mean > 0
    pixel = 360 / (256 * 2**6) / 2
    values, _ = layer.values((lon - pixel, lat - 1e-9, lon + pixel, lat + 1e-9), 1)
    assert values[0, 0] == pytest.approx(value.value, rel=0.02)


def test_legends(layer):
    legend = layer.styled(scale="linear", domain=(0, 100)).legend(5)
    assert legend.domain == (0.0, 100.0) and legend.unit == "people"
    assert legend.stops and legend.svg.startswith("<svg")
    assert legend._repr_svg_() == legend.svg


def test_layers_are_compared(layer, columns):
    lon, lat, weight = columns
    half = hs.Layer(lon=lon[::2], lat=lat[::2], weight=weight[::2], radius="12px")
    change = hs.derive("all - half", all=layer, half=half)
    box, size = (-30, 0, 60, 70), (200, 200)
    wanted = layer.values(box, size)[0] - half.values(box, size)[0]
    assert np.abs(change.values(box, size)[0] - wanted).max() <= 1e-3 * wanted.max()
    assert change.tile(0, 0, 0).startswith(b"\x89PNG")
    with pytest.raises(hs.StyleError, match="no layer 'none'"):
        hs.derive("all - none", all=layer)
    with pytest.raises(hs.StyleError, match="formula"):
        hs.derive("all + half", all=layer, half=half)
    with pytest.raises(hs.HeatsplatError, match="two others"):
        _ = change.report


def test_impossible_pictures_are_refused(layer):
    with pytest.raises(hs.HeatsplatError, match="size="):
        layer.png(size=(0, 5))
    with pytest.raises(hs.HeatsplatError, match="four numbers"):
        layer.png((1, 2, 3))
    with pytest.raises(hs.HeatsplatError):
        layer.png((5, 5, 4, 4))
    with pytest.raises(hs.HeatsplatError):
        layer.tile(3, 8, 0)
    with pytest.raises(hs.HeatsplatError, match="format"):
        layer.tile(0, 0, 0, format="jpg")
    with pytest.raises(hs.HeatsplatError, match="no tile 0/-1/0"):
        layer.tile(0, -1, 0)


def test_numbers_of_numpy_are_numbers(layer):
    assert layer.values((0, 0, 9, 9), np.int64(64))[0].shape == (64, 64)
    styled = layer.styled(domain=np.array([0, 5]), reverse=np.bool_(True))
    assert styled.tile(0, 0, 0) == layer.styled(domain=(0, 5), reverse=True).tile(0, 0, 0)


def test_layers_are_not_pickled(layer):
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(layer)


def test_threads_draw_at_once(layer):
    wanted = {z: layer.tile(z, 0, 0) for z in range(4)}
    failed = []

    def draw():
        for z in list(range(4)) * 10:
            if layer.tile(z, 0, 0) != wanted[z]:
                failed.append(z)

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not failed and not any(thread.is_alive() for thread in threads)


def _try_tile(layer, out):
    try:
        layer.tile(0, 0, 0)
        out.put("drew")
    except hs.HeatsplatError as error:
        out.put(str(error))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_gets_an_error_and_no_hang(layer):
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    child = context.Process(target=_try_tile, args=(layer, out))
    child.start()
    assert "spawn" in out.get(timeout=30)
    child.join(timeout=30)
    assert child.exitcode == 0


INTERRUPTED = """
import os, signal, threading, time
import numpy as np
import heatsplat as hs
random = np.random.default_rng(1)
lon, lat = random.uniform(-170, 170, 400_000), random.uniform(-80, 80, 400_000)
layer = hs.Layer(lon=lon, lat=lat, radius="128px", precision="exact", domain=(0, 9))
def interrupt():
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
start = time.monotonic()
try:
    layer.png(size=(4000, 4000))
    print("drew")
except KeyboardInterrupt:
    print(f"ended {time.monotonic() - start:.3f}")
print(len(layer.tile(9, 0, 0)) > 0)
"""


def test_ctrl_c_ends_a_picture():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120
    )
    lines = done.stdout.split("\n")
    assert lines[0].startswith("ended "), done
    assert float(lines[0].split()[1]) < 10
    assert lines[1] == "True"


def test_ctrl_c_ends_reading():
    pa = pytest.importorskip("pyarrow")
    batch = pa.record_batch({"lon": [1.0, 2.0], "lat": [3.0, 4.0]})
    given = 0

    def batches():
        nonlocal given
        for given in range(1000):
            if given == 2:
                os.kill(os.getpid(), signal.SIGINT)
            if given > 2:
                time.sleep(0.1)
            yield batch

    with pytest.raises(KeyboardInterrupt):
        hs.Layer(pa.RecordBatchReader.from_batches(batch.schema, batches()))
    assert 2 <= given < 100


def test_versions(capsys):
    hs.show_versions()
    assert f"heatsplat  {hs.__version__}" in capsys.readouterr().out
