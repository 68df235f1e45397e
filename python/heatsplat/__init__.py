"""Heat maps from points: exact, seamless, colour-stable.

>>> import heatsplat as hs
>>> layer = hs.Layer(lon=[13.4, 13.5], lat=[52.5, 52.4], radius="24px", ramp="viridis")
>>> png = layer.png(size=(640, 480))
"""

from heatsplat._heatsplat import __version__, ramp_names, style_names
from heatsplat.derived import derive
from heatsplat.errors import (
    DataError,
    ExistsError,
    HeatsplatError,
    ServeError,
    StyleError,
    WriteError,
)
from heatsplat.layer import Layer, Legend, Report, SkippedRow, Value
from heatsplat.outputs import Exported, Packed
from heatsplat.server import Server, serve
from heatsplat.versions import show_versions

__all__ = [
    "DataError",
    "ExistsError",
    "Exported",
    "HeatsplatError",
    "Layer",
    "Legend",
    "Packed",
    "Report",
    "ServeError",
    "Server",
    "SkippedRow",
    "StyleError",
    "Value",
    "WriteError",
    "__version__",
    "derive",
    "ramp_names",
    "serve",
    "show_versions",
    "style_names",
]
