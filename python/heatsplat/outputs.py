"""Files that layers are written to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, SupportsIndex, TypeAlias

from heatsplat import _heatsplat
from heatsplat.errors import DataError, HeatsplatError, WriteError

if TYPE_CHECKING:
    from heatsplat.layer import Layer

Progress: TypeAlias = Callable[[int, int | None], object]
"""A function that gets the amount of work that is done, and of all work if that is known."""
Zooms: TypeAlias = int | tuple[int, int] | range
"""A zoom, or the first and the last; a range ends before its stop."""


@dataclass(frozen=True)
class Exported:
    """The sizes of a finished export.

    Attributes
    ----------
    path : str
        The file, or the template of the files in a folder.
    tiles : int
        The tiles: those that show something.
    distinct : int
        The different tiles. Equal ones are stored once.
    bytes : int
        The bytes of all different tiles.
    resumed : int
        The tiles that an export which was broken off had drawn already.
    """

    path: str
    tiles: int
    distinct: int
    bytes: int
    resumed: int


@dataclass(frozen=True)
class Packed:
    """The sizes of a packed file.

    Attributes
    ----------
    path : str
        The file.
    points : int
        The points in it.
    bytes : int
        Its length.
    identity : str
        The SHA-256 of the points, as hexadecimal digits: files of the same points have the same,
        whatever program wrote them.
    """

    path: str
    points: int
    bytes: int
    identity: str


def export(
    layer: Layer,
    path: str | PathLike[str],
    zooms: Zooms,
    bbox: Sequence[float] | None,
    size: tuple[int, int],
    format: str | None,
    attribution: str | None,
    rules: tuple[bool, bool],
    progress: Progress | None,
) -> Exported | None:
    """Write the tiles of a layer; `rules` are whether to overwrite, and whether to resume."""
    if all(rules):
        raise HeatsplatError("overwrite=True starts anew and resume=True doesn't: give one of them")
    area = None if bbox is None else layer._box(bbox)
    target = os.fspath(path)
    done = _heatsplat.export(
        layer._core, target, _zooms(zooms), area, size, format, attribution, rules, progress
    )
    return None if done is None else Exported(target, *done)


def pack(
    layer: Layer,
    path: str | PathLike[str],
    attribution: str | None,
    rules: tuple[bool, bool],
    columns: bool,
    progress: Progress | None,
) -> Packed:
    """Write the points of a layer; `rules` are whether to overwrite and to store counts."""
    data = layer._data
    if data is None:
        raise DataError("this layer is computed from two others: pack those")
    if data.is_packed and layer._condition is None:
        raise DataError("this layer is from a packed file: copy the file")
    if columns and data.kept:
        names = ", ".join(data.kept)
        raise DataError(
            f"the kept columns ({names}) can't be packed here: columns=False leaves them out, and "
            "the program packs them, by heatsplat pack --keep"
        )
    target = os.fspath(path)
    folder, name = os.path.split(os.path.realpath(target))
    if not name.endswith(".heat"):
        raise WriteError(f"{target}: expected a name that ends in .heat")
    try:
        # Points that are sorted lie there meanwhile. Whatever happens, nothing is left of them.
        temporary = tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder)
    except OSError as error:
        raise WriteError(f"{target}: {error.strerror or error}") from None
    whole = os.path.join(folder, name)
    with temporary as inside:
        done = _heatsplat.pack(layer._core, data, whole, inside, attribution, rules, progress)
    return Packed(target, *done)


def _zooms(zooms: Zooms) -> tuple[int, int]:
    if isinstance(zooms, range):
        if not zooms or zooms.step != 1:
            raise HeatsplatError("zooms= is a range of step 1 with a zoom in it")
        return zooms[0], zooms[-1]
    try:
        first, last = (zooms, zooms) if isinstance(zooms, SupportsIndex) else zooms
        pair = int(first), int(last)
    except (TypeError, ValueError):
        raise HeatsplatError("zooms= is a zoom, a pair (first, last) or a range") from None
    if not 0 <= pair[0] <= pair[1] <= 24:
        raise HeatsplatError("zooms= are from 0 to 24, the first before the last")
    return pair
