"""Versions of the programs that decide pixels: they stand in every product's line."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of the programs that decide pixels."""
    found = {"python": platform.python_version()}
    for name in ("astep-harvest", "numpy", "scipy", "astropy", "ccdproc", "astroscrappy", "numba", "sep"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a checkout that was never installed has no version of its own
    return found
