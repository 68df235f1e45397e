"""The accessor ``heat`` of pandas' DataFrames and of GeoDataFrames.

>>> import pandas as pd
>>> import heatsplat.pandas
>>> df = pd.DataFrame({"lon": [13.4, 13.5], "lat": [52.5, 52.4], "people": [3, 5]})
>>> df.heat.layer(weight="people", ramp="viridis").total
8.0
"""

from __future__ import annotations

from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from heatsplat.layer import Layer

__all__ = ["HeatAccessor"]


class HeatAccessor:
    """The accessor ``heat`` of a DataFrame."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def layer(
        self,
        lon: str | None = None,
        lat: str | None = None,
        weight: str | None = None,
        **arguments: Any,
    ) -> Layer:
        """Make a layer of the rows; the arguments are those of :class:`heatsplat.Layer`.

        Parameters
        ----------
        lon, lat, weight : str, optional
            Columns. Without them, those with the usual names, or the geometry.
        **arguments
            Other arguments of a layer, such as ``time``, ``keep`` and ``within``, and parameters of
            the style.

        Returns
        -------
        Layer
        """
        return Layer(self._frame, lon, lat, weight, **arguments)


pd.api.extensions.register_dataframe_accessor("heat")(HeatAccessor)
