"""Densities as arrays of xarray, with coordinates, a CRS and units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heatsplat.errors import HeatsplatError

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_WKT = (
    'PROJCRS["WGS 84 / Pseudo-Mercator",BASEGEOGCRS["WGS 84",DATUM["World Geodetic System 1984",'
    'ELLIPSOID["WGS 84",6378137,298.257223563,LENGTHUNIT["metre",1]]],PRIMEM["Greenwich",0,'
    'ANGLEUNIT["degree",0.0174532925199433]],ID["EPSG",4326]],CONVERSION["Popular Visualisation '
    'Pseudo-Mercator",METHOD["Popular Visualisation Pseudo Mercator",ID["EPSG",1024]],PARAMETER['
    '"Latitude of natural origin",0,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["Longitude '
    'of natural origin",0,ANGLEUNIT["degree",0.0174532925199433]],PARAMETER["False easting",0,'
    'LENGTHUNIT["metre",1]],PARAMETER["False northing",0,LENGTHUNIT["metre",1]]],CS[Cartesian,2],'
    'AXIS["easting (X)",east],AXIS["northing (Y)",north],LENGTHUNIT["metre",1],ID["EPSG",3857]]'
)
"""EPSG:3857 as ISO 19162 writes it."""


def data_array(
    values: NDArray[np.float32], place: tuple[float, float, float], name: str, unit: str
) -> xr.DataArray:
    """Return values with their place: west edge, north edge and side of a pixel in metres."""
    try:
        import xarray as xr
    except ImportError:
        raise HeatsplatError(
            "density() needs xarray (pip install xarray); values() needs NumPy only"
        ) from None
    west, north, pixel = place
    height, width = values.shape
    x = west + (np.arange(width) + 0.5) * pixel
    y = north - (np.arange(height) + 0.5) * pixel
    reference = xr.DataArray(
        0,
        attrs={
            "crs_wkt": _WKT,
            "spatial_ref": _WKT,
            "GeoTransform": f"{west!r} {pixel!r} 0.0 {north!r} 0.0 {-pixel!r}",
        },
    )
    axis = {"units": "metre", "standard_name": "projection_x_coordinate"}
    other = {"units": "metre", "standard_name": "projection_y_coordinate"}
    array = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={
            "y": ("y", y, other),
            "x": ("x", x, axis),
            "spatial_ref": reference,
        },
        name="density",
        attrs={"long_name": name, "units": unit},
    )
    array.encoding["grid_mapping"] = "spatial_ref"
    return array
