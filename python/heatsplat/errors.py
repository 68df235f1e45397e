"""Exceptions of heatsplat."""


class HeatsplatError(Exception):
    """Any error of heatsplat."""


class DataError(HeatsplatError, ValueError):
    """Data that can't be used; the message names the column or the argument."""


class StyleError(HeatsplatError, ValueError):
    """A parameter of a style that is unknown, or whose value is not legal."""


class WriteError(HeatsplatError, OSError):
    """A file that can't be written."""


class ExistsError(WriteError, FileExistsError):
    """A file that is there already, or was left by work that was broken off."""


class ServeError(HeatsplatError, OSError):
    """An address at which no server can listen, or a server that has failed."""
