"""Versions of the programs that decide pixels: they stand in every product's line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of the programs that decide pixels."""
    import platform  # noqa: PLC0415 - a window that opens asks for none
    from importlib import metadata  # noqa: PLC0415

    found = {"python": platform.python_version()}
    for name in ("astep-harvest", "numpy", "scipy", "astropy", "ccdproc", "astroscrappy", "numba", "sep"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a checkout that was never installed has no version of its own
    return found
