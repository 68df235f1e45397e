from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Data",
    "Layer",
    "Server",
    "__version__",
    "against",
    "export",
    "from_arrays",
    "from_arrow",
    "from_source",
    "pack",
    "ramp_names",
    "style_names",
]
__version__: str

@final
class Data:
    @property
    def report(self) -> dict[str, Any]: ...
    @property
    def kept(self) -> list[str]: ...
    @property
    def is_packed(self) -> bool: ...
    @property
    def bounds(self) -> list[float] | None: ...
    def __len__(self) -> int: ...

@final
class Layer:
    def __new__(cls, name: str, data: Data, settings: list[tuple[str, str]]) -> Layer: ...
    def styled(self, settings: list[tuple[str, str]]) -> Layer: ...
    def filtered(self, data: Data, filter: str) -> Layer: ...
    def __len__(self) -> int: ...
    @property
    def total(self) -> float: ...
    @property
    def bounds(self) -> list[float] | None: ...
    @property
    def style(self) -> dict[str, str]: ...
    @property
    def unit(self) -> str: ...
    def view(self) -> tuple[float, float, int, list[float]]: ...
    def tile(self, tile: tuple[int, int, int], size: tuple[int, int], format: str) -> bytes: ...
    def map(self, edges: list[float], size: tuple[int, int], ratio: int, format: str) -> bytes: ...
    def density(
        self, edges: list[float], size: tuple[int, int]
    ) -> tuple[NDArray[np.float32], tuple[float, float, float]]: ...
    def value(
        self, at: tuple[float, float], zoom: int
    ) -> tuple[float | None, int, float | None]: ...
    def legend(self, zoom: int) -> tuple[str, str]: ...

@final
class Server:
    def __new__(
        cls,
        layers: list[Layer],
        listen: str,
        public_url: str | None,
        origins: list[str],
        attribution: str | None,
    ) -> Server: ...
    @property
    def url(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def ids(self) -> list[str]: ...
    @property
    def running(self) -> bool: ...
    def stop(self) -> None: ...

def from_arrays(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    weight: NDArray[np.float32] | None,
    within: list[float] | None,
    unit: str | None,
) -> Data: ...
def from_arrow(
    table: Any,
    name: str,
    options: dict[str, str],
    keep: list[str],
    within: list[float] | None,
    unit: str | None,
) -> Data: ...
def from_source(
    source: str,
    options: dict[str, str],
    keep: list[str],
    within: list[float] | None,
    unit: str | None,
) -> Data: ...
def against(
    name: str, first: Layer, sign: str, second: Layer, settings: list[tuple[str, str]]
) -> Layer: ...
def export(
    layer: Layer,
    target: str,
    zooms: tuple[int, int],
    area: list[float] | None,
    size: tuple[int, int],
    format: str | None,
    attribution: str | None,
    rules: tuple[bool, bool],
    progress: Callable[[int, int | None], object] | None,
) -> tuple[int, int, int, int] | None: ...
def pack(
    layer: Layer,
    data: Data,
    target: str,
    temporary: str,
    attribution: str | None,
    rules: tuple[bool, bool],
    progress: Callable[[int, int | None], object] | None,
) -> tuple[int, int, str]: ...
def style_names() -> list[str]: ...
def ramp_names() -> list[str]: ...
