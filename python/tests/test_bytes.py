"""The package draws the same bytes as the program's server."""

import json
import urllib.parse

import pytest

import heatsplat as hs

STYLES = [
    {},
    *({"ramp": name} for name in ("viridis", "magma", "ember", "tide", "viridis_r")),
    *({"radius": text} for text in ("4px", "8px", "24px", "64px", "50km", "300km")),
    *(
        {"kernel": name}
        for name in (
            "gaussian",
            "quartic",
            "triweight",
            "epanechnikov",
            "triangular",
            "uniform",
            "pixel",
        )
    ),
    *({"measure": name} for name in ("count", "mean", "sum_per_km2", "count_per_km2")),
    *({"scale": name} for name in ("linear", "log", "sqrt", "cbrt", "eq_hist", "local")),
    {"domain": (0, 500)},
    {"domain": "p99"},
    {"reverse": True},
    {"opacity": 0.5},
    {"steps": 5},
    {"isolines": 4},
    {"normalize": "mass"},
    *(
        {"kernel": kernel, "measure": measure, "radius": radius}
        for kernel in ("gaussian", "quartic")
        for measure in ("mean", "count_per_km2")
        for radius in ("12px", "100km")
    ),
    *(
        {"ramp": ramp, "scale": scale, "steps": steps}
        for ramp in ("viridis", "magma")
        for scale in ("log", "linear")
        for steps in (3, 7)
    ),
]
TILES = [(0, 0, 0), (2, 2, 1), (5, 17, 11)]


@pytest.fixture(scope="module")
def layer(csv):
    return hs.Layer(csv, keep=["kind"])


def test_there_are_fifty_styles():
    assert len(STYLES) >= 50


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_tiles_equal_the_servers(server, layer, style):
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        for name, value in style.items()
    }
    query = urllib.parse.urlencode(texts)
    styled = layer.styled(**style)
    for z, x, y in TILES:
        served = server.get(f"/{server.layer}/{z}/{x}/{y}.png?{query}")
        assert styled.tile(z, x, y) == served, (z, x, y)


def test_sizes_formats_and_values_equal_the_servers(server, layer):
    for suffix, options in [
        ("@2x.png", {"ratio": 2}),
        (".npy", {"format": "npy"}),
    ]:
        served = server.get(f"/{server.layer}/2/2/1{suffix}")
        assert layer.tile(2, 2, 1, **options) == served, suffix
    value = layer.value(10.0, 50.0, zoom=4)
    said = json.loads(server.get(f"/{server.layer}/value?lon=10&lat=50&z=4"))
    assert said["value"] == pytest.approx(value.value)
    assert said["count"] == value.count


def test_arrays_give_the_same_tiles_as_the_file(layer, columns):
    lon, lat, weight = columns
    same = hs.Layer(lon=lon, lat=lat, weight=weight)
    assert same.style == layer.style
    for tile in TILES:
        assert same.tile(*tile) == layer.tile(*tile)
