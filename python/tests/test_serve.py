"""An in-process server, from which other map libraries get tiles by address."""

import json
import os
import pickle
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import heatsplat as hs


@pytest.fixture(scope="module")
def layer(columns):
    lon, lat, weight = columns
    return hs.Layer(lon=lon, lat=lat, weight=weight, name="The crowds", radius="12px")


def _get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), answer.headers


def test_tiles_are_served(layer):
    with layer.serve(attribution="me") as server:
        assert server.running and server.url == f"http://127.0.0.1:{server.port}/"
        assert server.tiles_url == f"{server.url}the-crowds/{{z}}/{{x}}/{{y}}.png"
        bytes, headers = _get(server.tiles_url.format(z=3, x=4, y=2))
        assert bytes == layer.tile(3, 4, 2)
        # Pages of other origins, such as notebooks, may read the tiles.
        assert headers["Access-Control-Allow-Origin"] == "*"
        said = json.loads(_get(server.tilejson_url)[0])
        assert said["tiles"][0].startswith(server.url) and said["attribution"] == "me"
        styled = _get(server.tiles_url.format(z=3, x=4, y=2) + "?ramp=magma")[0]
        assert styled == layer.styled(ramp="magma").tile(3, 4, 2)
        assert b"<html" in _get(server.url)[0].lower()
        assert server.url in repr(server) and server.url in server._repr_html_()
    assert not server.running and "stopped" in repr(server)
    with pytest.raises(urllib.error.URLError):
        _get(server.url)
    server.stop()


def test_several_layers_and_changes_are_served(layer):
    change = hs.derive("a / b", a=layer, b=layer.styled(ramp="magma"))
    with hs.serve(layer, layer.styled(ramp="magma"), change) as server:
        one, other, third = server.tiles_urls
        assert len({one, other, third}) == 3
        for url, drawn in [(one, layer), (other, layer.styled(ramp="magma")), (third, change)]:
            assert _get(url.format(z=2, x=2, y=1))[0] == drawn.tile(2, 2, 1)


def test_only_this_machine_is_served_by_default(layer):
    with layer.serve() as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert _listens_on(server.port) == ["0100007F"]


def _listens_on(port):
    """Addresses that listen on a port, as Linux writes them."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("this is not Linux")
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    # State 0A: a socket that listens.
    found = [row[1].split(":") for row in rows if row[3] == "0A"]
    return [address for address, at in found if int(at, 16) == port]


def test_addresses_can_be_others(layer):
    with layer.serve(public_url="https://hub.example.org/user/me/proxy/8000") as server:
        assert server.tiles_url.startswith("https://hub.example.org/user/me/proxy/8000/the-crowds/")
        said = json.loads(_get(f"http://127.0.0.1:{server.port}/the-crowds")[0])
        assert said["tiles"][0].startswith("https://hub.example.org/user/me/proxy/8000/the-crowds/")
    with layer.serve(cors="https://example.org") as server:
        request = urllib.request.Request(
            server.tiles_url.format(z=0, x=0, y=0), headers={"Origin": "https://other.org"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] != "https://other.org"


def test_servers_that_cannot_be_are_refused(layer):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(hs.ServeError, match="port=0 takes a free one"):
            layer.serve(taken.getsockname()[1])
    for arguments in [{"port": 70_000}, {"host": "nowhere.invalid"}]:
        with pytest.raises(hs.ServeError):
            layer.serve(**arguments)
    with pytest.raises(OSError, match="no layer"):
        hs.serve()
    with layer.serve() as server, pytest.raises(TypeError, match="pass its url"):
        pickle.dumps(server)


def test_ctrl_c_leaves_a_server_alive(layer):
    with layer.serve() as server:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        assert _get(server.tiles_url.format(z=3, x=4, y=2))[0] == layer.tile(3, 4, 2)
        assert server.running
