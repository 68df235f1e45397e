"""Reading of the data that a layer is made from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np

from heatsplat import _heatsplat
from heatsplat.errors import DataError

_LON = ("lon", "lng", "long", "longitude")
_LAT = ("lat", "latitude")


def read(
    data: Any,
    columns: tuple[Any, Any, Any],
    options: Mapping[str, object],
    keep: list[str],
    within: Sequence[float] | None,
    unit: str | None,
) -> tuple[_heatsplat.Data, str, int]:
    """Read data; return the points, a name for them, and the number of the first row."""
    texts = {name: str(value) for name, value in options.items() if value is not None}
    box = None if within is None else [float(edge) for edge in within]
    if box is not None and len(box) != 4:
        raise DataError("within= has four numbers: west, south, east, north")
    arrays = _arrays(data, columns)
    if arrays is not None:
        unused = [*texts, *(["keep"] if keep else [])]
        if unused:
            raise DataError(
                f"{unused[0]}= needs a table with named columns, such as a DataFrame; arrays have "
                "lon=, lat= and weight= only"
            )
        return _heatsplat.from_arrays(*arrays, box, unit), "points", 0
    for name, column in zip(("lon", "lat", "weight"), columns, strict=True):
        if column is not None:
            if not isinstance(column, (str, int)):
                raise DataError(f"{name}= is an array, so data can't be given too")
            texts[name] = str(column)
    if isinstance(data, (str, PathLike)):
        path = fspath(data)
        return _heatsplat.from_source(path, texts, keep, box, unit), _name_of(path), 1
    table, name = _table(data, texts)
    return _heatsplat.from_arrow(table, name, texts, keep, box, unit), name, 0


def _name_of(path: str) -> str:
    """Name of a file without folders and extensions, as the program names its layer."""
    name = os.path.basename(path)
    for packed in (".gz", ".zst", ".zstd"):
        name = name.removesuffix(packed)
    return os.path.splitext(name)[0]


def _arrays(data: Any, columns: tuple[Any, Any, Any]) -> tuple[Any, Any, Any] | None:
    """Longitudes, latitudes and weights; None if the data are no arrays."""
    lon, lat, weight = columns
    if data is None:
        if lon is None or lat is None or isinstance(lon, str) or isinstance(lat, str):
            raise DataError("there are no data: give a table, a path, or arrays as lon= and lat=")
        if isinstance(weight, str) and weight != "none":
            raise DataError("weight= is a name, and lon= and lat= are arrays: give an array too")
        weight = None if isinstance(weight, str) else weight
    elif isinstance(data, (list, tuple, np.ndarray)):
        if lon is not None or lat is not None:
            raise DataError("rows have no columns with names: leave out lon= and lat=")
        lon, lat, own = _rows(data)
        if isinstance(weight, str):
            own = None if weight == "none" else own
        elif weight is not None:
            own = weight
        weight = own
    elif _is_xarray(data):
        lon, lat, weight = _from_xarray(data, columns)
    else:
        return None
    return (
        _numbers("lon", lon, np.float64),
        _numbers("lat", lat, np.float64),
        None if weight is None else _numbers("weight", weight, np.float32),
    )


def _numbers(name: str, values: Any, dtype: Any) -> Any:
    """One-dimensional, contiguous array of numbers. What is masked or null becomes NaN."""
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        try:
            try:
                values = values.to_numpy(dtype=dtype, na_value=np.nan)
            except TypeError:
                # Arrays of pyarrow with nulls are copied only if asked.
                is_arrow = type(values).__module__.partition(".")[0] == "pyarrow"
                options = {"zero_copy_only": False} if is_arrow else {}
                values = values.to_numpy(**options)
        except ValueError as error:
            raise DataError(f"{name}= holds values that are no numbers: {error}") from None
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(dtype), np.nan)
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"{name}= has {array.ndim} dimensions: expected one")
    if array.dtype.kind not in "fiub" and not (array.dtype.kind == "O" or array.size == 0):
        raise DataError(f"{name}= has the dtype {array.dtype}: expected numbers")
    try:
        # Weights beyond the range of float32 become infinite; they are counted as bad.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(array, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}= holds values that are no numbers: {error}") from None


def _rows(data: Any) -> tuple[Any, Any, Any]:
    """Columns of rows (lon, lat) or (lon, lat, weight)."""
    try:
        rows = np.ma.filled(np.ma.asarray(data).astype(np.float64), np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"rows are tuples (lon, lat) or (lon, lat, weight) of numbers: {error}"
        ) from None
    if rows.size == 0:
        rows = rows.reshape(0, 2)
    if rows.ndim != 2 or rows.shape[1] not in (2, 3):
        raise DataError(
            f"rows are tuples (lon, lat) or (lon, lat, weight): these have the shape {rows.shape}"
        )
    return rows[:, 0], rows[:, 1], rows[:, 2] if rows.shape[1] == 3 else None


def _is_xarray(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "xarray"


def _from_xarray(data: Any, columns: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Columns of a Dataset, or of a DataArray whose values are weights, each cell a row."""
    lon, lat, weight = columns
    is_array = not hasattr(data, "data_vars")
    names = [str(name) for name in data.coords] + ([] if is_array else [str(n) for n in data])
    lon = _named(names, lon, "lon", _LON)
    lat = _named(names, lat, "lat", _LAT)
    parts = [data[lon], data[lat]]
    if weight is None and is_array:
        parts.append(data)
    elif weight is not None and weight != "none":
        if weight not in data:
            raise DataError(f"weight={weight}: there is no such variable; there are: {names}")
        parts.append(data[weight])
    import xarray as xr

    flat = [part.to_numpy().ravel() for part in xr.broadcast(*parts)]
    return flat[0], flat[1], flat[2] if len(flat) > 2 else None


def _named(names: list[str], asked: Any, argument: str, usual: Sequence[str]) -> str:
    if asked is not None:
        if asked in names:
            return str(asked)
        raise DataError(f"{argument}={asked}: there is no such variable; there are: {names}")
    for name in names:
        if name.lower() in usual:
            return name
    raise DataError(f"no variable is called {' or '.join(usual)}: name one by {argument}=")


def _table(data: Any, texts: Mapping[str, str]) -> tuple[Any, str]:
    """Object with `__arrow_c_stream__`, and a name for messages."""
    kind = type(data).__name__
    if kind in ("GeoDataFrame", "GeoSeries") and hasattr(data, "crs"):
        return _geographic(data, kind, texts), f"the {kind}"
    if not hasattr(data, "__arrow_c_stream__"):
        raise DataError(
            f"a {kind} is no table that can be read: expected a path, arrays, or an object with "
            "__arrow_c_stream__, such as a DataFrame of pandas 2.2, Polars or pyarrow"
        )
    names = _column_names(data)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"the {kind} has several columns of the name {twice[0]!r}")
    return data, f"the {kind}"


def _column_names(data: Any) -> list[str]:
    """Names of a table's columns; none if it doesn't state them."""
    # The `columns` of pyarrow are the columns themselves.
    for owner, attribute in [
        (data, "column_names"),
        (getattr(data, "schema", None), "names"),
        (data, "columns"),
    ]:
        names = getattr(owner, attribute, None)
        if names is not None and not callable(names):
            return [str(name) for name in names]
    return []


def _geographic(data: Any, kind: str, texts: Mapping[str, str]) -> Any:
    """Table of a GeoDataFrame or GeoSeries, with points and the CRS in its metadata."""
    by_degrees = "lon" in texts or "lat" in texts
    if data.crs is None and not by_degrees and "srid" not in texts:
        raise DataError(
            f"the {kind} has no CRS, so its coordinates may be anything: set it by .set_crs(4326), "
            "or state it by srid="
        )
    if kind == "GeoSeries":
        data = data.rename("geometry").to_frame().set_geometry("geometry")
    if not hasattr(data, "to_arrow"):
        raise DataError("a GeoDataFrame needs geopandas 1.0 or later")
    return data.to_arrow(index=False, geometry_encoding="WKB")
