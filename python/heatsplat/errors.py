"""Exceptions of heatsplat."""


class HeatsplatError(Exception):
    """Any error of heatsplat."""


class DataError(HeatsplatError, ValueError):
    """Data that can't be used; the message names the column or the argument."""


class StyleError(HeatsplatError, ValueError):
    """A parameter of a style that is unknown, or whose value is not legal."""
