"""Layers: points with a style, which draw tiles, maps, densities and legends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from heatsplat import _heatsplat, _read, outputs
from heatsplat.errors import DataError, HeatsplatError
from heatsplat.outputs import Exported, Packed, Progress, Zooms

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from heatsplat.server import Server

Bounds: TypeAlias = Sequence[float]
"""West, south, east and north edge in degrees."""
Size: TypeAlias = tuple[int, int]
"""Width and height in CSS pixels."""


@dataclass(frozen=True)
class SkippedRow:
    """A row that gave no point.

    Attributes
    ----------
    row : int
        The row's number: counted from 0 in arrays and tables, and the number of the line or record,
        counted from 1, in files.
    reason : str
        The reason, as in :attr:`Report.skipped`.
    found : str
        The value that caused it.
    """

    row: int
    reason: str
    found: str


@dataclass(frozen=True)
class Report:
    """Counts of the rows that a layer was made from.

    Attributes
    ----------
    rows : int
        The rows that were read, without those that `filter` or `within` left out.
    kept : int
        The rows that became points.
    skipped : dict of str to int
        The rows that gave no point, by reason: ``no position``, ``bad position``, ``outside``
        (beyond ±85.05° of latitude), ``bad weight``, ``malformed``, ``not a point``.
    filtered : int
        The rows that `filter` or `within` left out.
    weights_missing : int
        The rows without a weight: 0 in a sum, no part of a mean or a count.
    at_null_island : int
        The rows at exactly 0, 0, which often have no known position.
    examples : tuple of SkippedRow
        The first skipped rows, at most five for each reason.
    notes : tuple of str
        Decisions that the counts don't show.
    columns : str
        The columns that were used, and why.
    """

    rows: int
    kept: int
    skipped: dict[str, int]
    filtered: int
    weights_missing: int
    at_null_island: int
    examples: tuple[SkippedRow, ...] = field(repr=False)
    notes: tuple[str, ...] = field(repr=False)
    columns: str = field(repr=False)

    def __str__(self) -> str:
        """Return the counts in words."""
        lines = [f"{self.rows:,} rows: {self.kept:,} kept"]
        if self.skipped:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.skipped.items())
            lines[0] += f", {sum(self.skipped.values()):,} skipped ({reasons})"
        lines += [f"  row {row.row}: {row.reason}: {row.found}" for row in self.examples]
        if self.filtered:
            lines.append(f"  {self.filtered:,} more that the filter left out")
        if self.weights_missing:
            lines.append(f"  {self.weights_missing:,} kept without a weight")
        if self.at_null_island:
            lines.append(f"  {self.at_null_island:,} lie at exactly 0,0")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join([self.columns, *lines])


@dataclass(frozen=True)
class Value:
    """The value of a layer at one coordinate.

    Attributes
    ----------
    value : float or None
        The value that a picture shows there, in the layer's unit. None where the measure has none,
        such as a mean without points.
    count : int
        The number of points in reach of the kernel.
    mean : float or None
        Their mean weight, in which each point counts by the kernel at its distance.
    unit : str
        The unit of `value`, in words.
    """

    value: float | None
    count: int
    mean: float | None
    unit: str


@dataclass(frozen=True)
class Legend:
    """The colours of a zoom's tiles, and the values that they stand for.

    Attributes
    ----------
    unit : str
        The unit of all values, in words.
    domain : tuple of float
        The values at the two ends of the ramp.
    transform : str
        The transform between values and colours, for example ``eq_hist``.
    stops : list of dict
        Colours along the ramp, each with ``value``, ``position`` (0 to 1) and ``color``.
    ticks : list of dict
        Round values with their positions and labels.
    svg : str
        The legend as a picture.
    """

    unit: str
    domain: tuple[float, float]
    transform: str
    stops: list[dict[str, Any]] = field(repr=False)
    ticks: list[dict[str, Any]] = field(repr=False)
    svg: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg


class Layer:
    """Points with a style.

    A layer never changes: :meth:`styled` and :meth:`filter` return new ones, which share the points
    where they can. All drawing releases the interpreter's lock, and Ctrl-C ends it.

    Parameters
    ----------
    data : optional
        One of

        - a table with ``__arrow_c_stream__``: pyarrow, pandas, Polars, DuckDB, …
        - a GeoDataFrame or GeoSeries of points, whose CRS must be set
        - an ``xarray.Dataset`` with longitudes and latitudes as variables or coordinates
        - a list of tuples ``(lon, lat)`` or ``(lon, lat, weight)``, or an array of such rows
        - the path of a file in any format that heatsplat reads

        Without it, `lon`, `lat` and perhaps `weight` are arrays.
    lon, lat : str or array_like, optional
        Names of the columns of longitudes and latitudes in degrees, which are found by their usual
        names otherwise. Without `data`: arrays.
    weight : str or array_like, optional
        Name of the column of weights, or an array. NaN is a missing weight. Without it a column
        with a usual name is used, and with ``"none"`` every row counts 1.
    geometry : str, optional
        Name of the column of geometries, where there are several.
    keep : list of str, optional
        Columns that :meth:`filter` can use.
    time : str, optional
        A column of times that :meth:`between` uses. It is kept.
    filter : str, optional
        A condition for rows, such as ``"kind = 'theft' and year >= 2020"``.
    within : tuple of float, optional
        West, south, east and north edge of a box in degrees, outside of which rows are left out.
    srid : int, optional
        The EPSG number of coordinates that are no degrees, for data that state none.
    unit : str, optional
        The unit of the weights, for legends: ``"people"``.
    name : str, optional
        The layer's name.
    options : dict of str to str, optional
        Other options for reading files: ``format``, ``table``, ``member``, ``rows``, ``encoding``,
        ``order``, ``decimal``, ``datum_error``, ``areas``, ``lines``.
    **style
        Parameters of the style: ``measure``, ``kernel``, ``radius``, ``normalize``, ``overlap``,
        ``scale``, ``domain``, ``ramp``, ``reverse``, ``opacity``, ``steps``, ``isolines``,
        ``precision``. Without ``radius``, one is fitted to the points.

    Raises
    ------
    DataError
        The data can't be used; the message names the column.
    StyleError
        A parameter of the style is unknown or not legal.
    FileNotFoundError
        There is no file with this path.

    Examples
    --------
    >>> import heatsplat as hs
    >>> layer = hs.Layer(lon=[13.4, 13.5, 99.0], lat=[52.5, 52.4, 91.0], weight=[1, 2, 3])
    >>> len(layer)
    2
    >>> layer.report.skipped
    {'bad position': 1}
    """

    _core: _heatsplat.Layer
    _data: _heatsplat.Data | None
    _time: str | None = None
    _condition: str | None = None
    _first: int = 0

    def __init__(
        self,
        data: object = None,
        lon: str | ArrayLike | None = None,
        lat: str | ArrayLike | None = None,
        weight: str | ArrayLike | None = None,
        *,
        geometry: str | None = None,
        keep: Iterable[str] = (),
        time: str | None = None,
        filter: str | None = None,
        within: Bounds | None = None,
        srid: int | None = None,
        unit: str | None = None,
        name: str | None = None,
        options: Mapping[str, object] | None = None,
        **style: object,
    ) -> None:
        settings = _settings(style)
        kept = [keep] if isinstance(keep, str) else list(keep)
        if time is not None and time not in kept:
            kept.append(time)
        texts = dict(options or {})
        texts |= {"geom": geometry, "filter": filter, "srid": srid}
        columns = (lon, lat, weight)
        self._data, found, self._first = _read.read(data, columns, texts, kept, within, unit)
        self._name = name or found
        self._time = time
        self._core = _heatsplat.Layer(self._name, self._data, settings)

    @classmethod
    def _from_core(
        cls,
        core: _heatsplat.Layer,
        data: _heatsplat.Data | None,
        name: str,
        time: str | None = None,
    ) -> Layer:
        layer = cls.__new__(cls)
        layer._core, layer._data, layer._name, layer._time = core, data, name, time
        return layer

    def __reduce__(self) -> Any:
        """Refuse to be pickled."""
        raise TypeError("a Layer can't be pickled: make it where it is used, from the data")

    def __repr__(self) -> str:
        """Return the name, the number of points and the style's main parameters."""
        style = self.style
        shown = ", ".join(f"{key}={style[key]}" for key in ("radius", "scale", "ramp"))
        return f"<heatsplat.Layer {self._name!r}: {len(self):,} points, {shown}>"

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._core)

    @property
    def name(self) -> str:
        """The layer's name."""
        return self._name

    @property
    def style(self) -> dict[str, str]:
        """All parameters of the style, as text."""
        return dict(self._core.style)

    @property
    def unit(self) -> str:
        """The unit of the values, in words: ``people per km²``."""
        return self._core.unit

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return self._core.total

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north edge of the points in degrees; None without points."""
        return _edges(self._core.bounds)

    @property
    def report(self) -> Report:
        """The counts of the rows that the points come from.

        A layer of :func:`derive` has none: those of its two layers are theirs.
        """
        if self._data is None:
            raise HeatsplatError("this layer is computed from two others: ask those")
        said = self._data.report
        # Rows of tables are counted from 0 in Python, and lines of files from 1.
        before = 1 - self._first
        rows = said.pop("examples")
        examples = tuple(SkippedRow(row - before, why, found) for row, why, found in rows)
        return Report(examples=examples, notes=tuple(said.pop("notes")), **said)

    def styled(self, **style: object) -> Layer:
        """Return a layer of the same points with other parameters of the style."""
        return self._with(self._core.styled(_settings(style)))

    def filter(self, condition: str) -> Layer:
        """Return a layer of the points that fulfil a condition, in this layer's style.

        Parameters
        ----------
        condition : str
            Comparisons of kept columns, joined by ``and``, ``or`` and ``not``:
            ``"kind = 'theft' and year >= 2020"``, ``"kind in ('theft', 'fraud')"``.
            Conditions of a layer that is filtered already are added to its own.
        """
        data, before = self._filterable()
        joined = f"({before}) and ({condition})" if before else condition
        core = self._core.filtered(data, joined)
        layer = self._with(core)
        layer._condition = joined
        return layer

    def between(self, start: object, end: object) -> Layer:
        """Return a layer of the points from one time to another.

        Parameters
        ----------
        start, end : str, datetime, numpy.datetime64 or None
            The first instant, and the first instant after the window. None: no limit.
        """
        if self._time is None:
            raise DataError("between() needs the column of times: make the layer with time=NAME")
        limits = [(">=", start), ("<", end)]
        column = self._time.replace('"', '""')
        parts = [f"\"{column}\" {sign} '{at}'" for sign, at in limits if at is not None]
        return self.filter(" and ".join(parts)) if parts else self

    def _filterable(self) -> tuple[_heatsplat.Data, str | None]:
        if self._data is None:
            raise DataError("this layer is computed from two others: filter those")
        if not self._data.kept:
            raise DataError("no columns are kept: make the layer with keep=[…]")
        return self._data, self._condition

    def _with(self, core: _heatsplat.Layer) -> Layer:
        layer = Layer._from_core(core, self._data, self._name, self._time)
        layer._condition, layer._first = self._condition, self._first
        return layer

    def tile(
        self, z: int, x: int, y: int, *, size: int = 256, ratio: int = 1, format: str = "png"
    ) -> bytes:
        """Draw a Web-Mercator tile: the same bytes as the program's server.

        Parameters
        ----------
        z, x, y : int
            Zoom, column from the west and row from the north (XYZ).
        size : {256, 512}
            Width and height in CSS pixels.
        ratio : {1, 2}
            Pixels for each CSS pixel.
        format : {"png", "webp", "npy", "tif"}
            ``npy`` and ``tif`` hold values instead of colours.
        """
        try:
            return self._core.tile((z, x, y), (size, ratio), format)
        except OverflowError:
            raise HeatsplatError(f"there is no tile {z}/{x}/{y}") from None

    def png(
        self, bbox: Bounds | None = None, size: int | Size = (800, 600), *, ratio: int = 1
    ) -> bytes:
        """Draw a map as a PNG with transparent ground.

        Parameters
        ----------
        bbox : tuple of float, optional
            West, south, east and north edge in degrees. A box across ±180° has an east over 180.
            Without it: at least 98 % of the weight.
        size : int or (int, int)
            Width and height in CSS pixels. A box of another shape is shown with its surroundings.
        ratio : {1, 2}
            Pixels for each CSS pixel.
        """
        return self._core.map(self._box(bbox), _size(size), ratio, "png")

    def density(self, bbox: Bounds | None = None, size: int | Size = (800, 600)) -> xr.DataArray:
        """Compute the values of a map's pixels.

        Parameters
        ----------
        bbox, size
            As in :meth:`png`.

        Returns
        -------
        xarray.DataArray
            Dimensions ``y`` (from the north) and ``x``, whose coordinates are the pixels' centres
            in metres of EPSG:3857. rioxarray finds the CRS in ``spatial_ref``. NaN: no value.
        """
        from heatsplat import _xarray

        values, place = self.values(bbox, size)
        return _xarray.data_array(values, place, self._name, self.unit)

    def values(
        self, bbox: Bounds | None = None, size: int | Size = (800, 600)
    ) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
        """Compute the values of a map's pixels as an array, for which NumPy is enough.

        Returns
        -------
        values : ndarray of float32, shape (height, width)
            Row by row from the north; NaN: no value.
        place : tuple of float
            The west edge, the north edge and the pixel's side, in metres of EPSG:3857.
        """
        return self._core.density(self._box(bbox), _size(size))

    def value(self, lon: float, lat: float, zoom: int | None = None) -> Value:
        """Compute the exact value at a coordinate.

        Parameters
        ----------
        lon, lat : float
            The coordinate in degrees.
        zoom : int, optional
            The zoom of the tiles whose value is asked, since a radius in pixels is as wide as the
            zoom makes it. Without it: that of the first view.
        """
        at = self._core.view()[2] if zoom is None else zoom
        return Value(*self._core.value((lon, lat), at), self.unit)

    def legend(self, zoom: int | None = None) -> Legend:
        """Make the legend of a zoom's tiles. Without `zoom`: that of the first view."""
        at = self._core.view()[2] if zoom is None else zoom
        text, svg = self._core.legend(at)
        said = json.loads(text)
        domain = (said["domain"][0], said["domain"][1])
        return Legend(
            said.get("unit", ""), domain, said["transform"], said["stops"], said["ticks"], svg
        )

    def export(
        self,
        path: str | PathLike[str],
        zooms: Zooms,
        *,
        bbox: Bounds | None = None,
        size: int = 256,
        ratio: int = 1,
        format: str | None = None,
        attribution: str | None = None,
        overwrite: bool = False,
        resume: bool = False,
        progress: Progress | None = None,
    ) -> Exported | None:
        """Write all tiles that show something: the same bytes as ``heatsplat export``.

        Ctrl-C leaves ``path.partial``; the same call with ``resume=True`` finishes it, and makes
        the same file.

        Parameters
        ----------
        path : str or path
            A name that ends in ``.pmtiles``, ``.mbtiles`` or ``.tif`` (a Cloud-Optimised GeoTIFF of
            densities), or ``folder/{z}/{x}/{y}.png`` or ``….webp``.
        zooms : int, (int, int) or range
            A zoom, or the first and the last one: ``(0, 8)`` is ``range(9)``.
        bbox : tuple of float, optional
            Only tiles that this box touches.
        size : {256, 512}
            Width and height of a tile in CSS pixels.
        ratio : {1, 2}
            Pixels for each CSS pixel.
        format : {"png", "rgba", "webp", "f32"}, optional
            The form of the tiles. Without it: PNG with a palette, and densities in a raster.
        attribution : str, optional
            Credit for the data, shown in the corner of maps.
        overwrite : bool
            Replace a file that is there.
        resume : bool
            Finish an export that was broken off.
        progress : callable, optional
            Called with the number of drawn pictures of neighbouring tiles, and of all of them, or
            None as long as that is not known. An exception of it ends the export.

        Returns
        -------
        Exported or None
            The numbers of tiles and bytes. None if the file to resume is complete already.

        Raises
        ------
        ExistsError
            The file is there, or was left by an export that was broken off.
        WriteError
            The file can't be written.

        Examples
        --------
        >>> import heatsplat as hs, os, tempfile
        >>> layer = hs.Layer(lon=[13.4, 13.5], lat=[52.5, 52.4])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     layer.export(os.path.join(folder, "places.pmtiles"), (0, 3)).tiles
        5
        """
        rules = (overwrite, resume)
        return outputs.export(
            self, path, zooms, bbox, (size, ratio), format, attribution, rules, progress
        )

    def pack(
        self,
        path: str | PathLike[str],
        *,
        attribution: str | None = None,
        counts: bool = False,
        columns: bool = True,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Packed:
        """Write the points into a packed file, as ``heatsplat pack`` does.

        The program and ``hs.Layer("x.heat")`` draw from such a file without reading all of it.
        Ctrl-C leaves nothing, or the whole file.

        Parameters
        ----------
        path : str or path
            A name that ends in ``.heat``.
        attribution : str, optional
            Credit for the data, shown in the corner of maps.
        counts : bool
            Store counts of points too, for ``measure="count"``, means and quotients. Not needed
            where all weights are equal.
        columns : bool
            False leaves out the kept columns. They can't be packed here: with the default, a layer
            that has some is an error.
        overwrite : bool
            Replace a file that is there.
        progress : callable, optional
            Called with the number of points in the file so far, and of all points. An exception of
            it ends the packing.

        Raises
        ------
        ExistsError
            The file is there already.
        WriteError
            The file can't be written.
        DataError
            The layer has no points of its own in memory, or kept columns.
        """
        return outputs.pack(self, path, attribution, (overwrite, counts), columns, progress)

    def serve(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        cors: Iterable[str] = (),
        public_url: str | None = None,
        attribution: str | None = None,
    ) -> Server:
        """Start a server of this layer on threads of this process; see :func:`heatsplat.serve`.

        Examples
        --------
        >>> import heatsplat as hs
        >>> layer = hs.Layer(lon=[13.4, 13.5], lat=[52.5, 52.4], name="places")
        >>> with layer.serve() as server:
        ...     map_address, tiles = server.url, server.tiles_url
        """
        from heatsplat.server import serve

        return serve(
            self,
            port=port,
            host=host,
            cors=cors,
            public_url=public_url,
            attribution=attribution,
        )

    def _repr_png_(self) -> bytes:
        return self.png(size=(640, 480))

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, object]:
        makers = {"text/plain": self.__repr__, "image/png": self._repr_png_}
        asked = set(makers if include is None else include) - set(exclude or ())
        return {kind: make() for kind, make in makers.items() if kind in asked}

    def _box(self, bbox: Bounds | None) -> list[float]:
        if bbox is None:
            return self._core.view()[3]
        box = [float(edge) for edge in bbox]
        if len(box) != 4:
            raise HeatsplatError("bbox= has four numbers: west, south, east, north")
        return box


def _edges(edges: Sequence[float] | None) -> tuple[float, float, float, float] | None:
    if edges is None:
        return None
    west, south, east, north = edges
    return west, south, east, north


def _size(size: int | Size) -> Size:
    # Integers of NumPy have an index too.
    sides = (size, size) if isinstance(size, SupportsIndex) else size
    width, height = (int(side) for side in sides)
    if not (0 < width <= 32768 and 0 < height <= 32768):
        raise HeatsplatError("size= has a width and a height of 1 to 32768 pixels")
    return width, height


def _settings(style: Mapping[str, object]) -> list[tuple[str, str]]:
    """Parameters of a style as texts: ``domain=(0, 5)`` is ``"0,5"``."""
    return [(name, _text(value)) for name, value in style.items()]


def _text(value: object) -> str:
    if hasattr(value, "tolist"):
        # Numbers and arrays of NumPy.
        value = value.tolist()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(_text(part) for part in value)
    return str(value)
