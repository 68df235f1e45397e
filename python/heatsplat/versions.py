"""Versions of heatsplat and of the libraries that it works with."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from heatsplat._heatsplat import __version__

_LIBRARIES = ["numpy", "pandas", "geopandas", "pyarrow", "polars", "duckdb", "xarray", "rioxarray"]


def show_versions() -> None:
    """Print the versions that a report of a bug should state."""
    print(f"heatsplat  {__version__}")
    print(f"python     {sys.version.split()[0]}")
    print(f"system     {platform.platform()}")
    for name in _LIBRARIES:
        try:
            print(f"{name:<10} {version(name)}")
        except PackageNotFoundError:
            print(f"{name:<10} not installed")
