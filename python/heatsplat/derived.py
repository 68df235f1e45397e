"""Layers that compare two others."""

from __future__ import annotations

import re

from heatsplat import _heatsplat
from heatsplat.errors import StyleError
from heatsplat.layer import Layer, _settings

_FORMULA = re.compile(r"\s*(\w+)\s*([-/])\s*(\w+)\s*")


def derive(formula: str, /, layers: dict[str, Layer] | None = None, **arguments: object) -> Layer:
    """Make a layer that shows the difference or the quotient of two others.

    Parameters
    ----------
    formula : str
        ``"new - old"`` or ``"new / old"``, with the names of two layers.
    layers : dict of str to Layer, optional
        The layers by their names. They can be given as arguments too.
    **arguments
        Layers by their names, and parameters of the style. The measure and the radius are those of
        the first layer unless they are given.

    Returns
    -------
    Layer

    Examples
    --------
    >>> import heatsplat as hs
    >>> new = hs.Layer(lon=[13.4, 13.5], lat=[52.5, 52.4])
    >>> old = hs.Layer(lon=[13.4], lat=[52.5])
    >>> change = hs.derive("new - old", new=new, old=old)
    """
    named = dict(layers or {})
    style: dict[str, object] = {}
    for name, value in arguments.items():
        if isinstance(value, Layer):
            named[name] = value
        else:
            style[name] = value
    found = _FORMULA.fullmatch(formula)
    if not found:
        raise StyleError(f'{formula!r} is no formula: expected "a - b" or "a / b"')
    first, sign, second = found.groups()
    for name in (first, second):
        if name not in named:
            known = ", ".join(named) or "none"
            raise StyleError(f"no layer {name!r} is given; there are: {known}")
    one, other = named[first], named[second]
    core = _heatsplat.against(formula, one._core, sign, other._core, _settings(style))
    return Layer._from_core(core, None, formula)
