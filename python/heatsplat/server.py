"""Servers of layers on threads of this process."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from heatsplat import _heatsplat
from heatsplat.errors import ServeError
from heatsplat.layer import Layer


class Server:
    """A server of layers. :func:`serve` and :meth:`Layer.serve` start one.

    It answers until :meth:`stop`, the end of a ``with`` block, or the end of the process. Ctrl-C
    doesn't stop it, so that interrupting a cell of a notebook leaves its maps alive.
    """

    def __init__(self, core: _heatsplat.Server) -> None:
        self._core = core

    @property
    def url(self) -> str:
        """The address of a map of all layers, which ends in ``/``."""
        return self._core.url

    @property
    def port(self) -> int:
        """The port."""
        return self._core.port

    @property
    def tiles_url(self) -> str:
        """The template of the first layer's tiles, with ``{z}``, ``{x}`` and ``{y}``."""
        return self.tiles_urls[0]

    @property
    def tiles_urls(self) -> list[str]:
        """The template of each layer's tiles."""
        return [f"{self.url}{name}/{{z}}/{{x}}/{{y}}.png" for name in self._core.ids]

    @property
    def tilejson_url(self) -> str:
        """The address of the first layer's TileJSON."""
        return f"{self.url}{self._core.ids[0]}"

    @property
    def running(self) -> bool:
        """True until the server is stopped."""
        return self._core.running

    def stop(self) -> None:
        """Stop the server; running requests have two seconds to finish."""
        self._core.stop()

    def __enter__(self) -> Server:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def __reduce__(self) -> Any:
        """Refuse to be pickled."""
        raise TypeError("a Server can't be pickled: pass its url")

    def __repr__(self) -> str:
        """Return the address."""
        state = "" if self.running else ", stopped"
        return f"<heatsplat.Server {self.url}{state}>"

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}" target="_blank">{self.url}</a>'


def serve(
    *layers: Layer,
    port: int = 0,
    host: str = "127.0.0.1",
    cors: Iterable[str] = (),
    public_url: str | None = None,
    attribution: str | None = None,
) -> Server:
    """Start a server of layers on threads of this process.

    Keep the object: without it the server ends only with the process.

    Parameters
    ----------
    *layers : Layer
        The layers. Their names become parts of addresses.
    port : int
        The port; 0 takes a free one.
    host : str
        The address to listen on. The default is this machine alone; ``"0.0.0.0"`` is all networks.
    cors : iterable of str
        Web origins whose pages may read answers, like ``"https://example.org"``. Any by default.
    public_url : str, optional
        The address by which browsers reach the server, if a proxy stands before it: with
        jupyter-server-proxy ``f"https://hub.example.org/user/me/proxy/{port}/"``.
    attribution : str, optional
        Credit for the data, shown in the corner of maps.

    Returns
    -------
    Server

    Raises
    ------
    ServeError
        The port is in use, or the address can't be listened on.

    Examples
    --------
    >>> import heatsplat as hs
    >>> layer = hs.Layer(lon=[13.4, 13.5], lat=[52.5, 52.4], name="places")
    >>> with hs.serve(layer) as server:
    ...     server.tiles_url.endswith("/places/{z}/{x}/{y}.png")
    True
    """
    if not layers:
        raise ServeError("there is no layer to serve")
    if not 0 <= port <= 65535:
        raise ServeError(f"port={port}: a port is from 0 to 65535")
    origins = [cors] if isinstance(cors, str) else list(cors)
    listen = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    cores = [layer._core for layer in layers]
    return Server(_heatsplat.Server(cores, listen, public_url, origins, attribution))
