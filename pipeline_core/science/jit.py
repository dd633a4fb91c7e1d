"""How the hot kernels are compiled: once, kept in the user's cache folder, without the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import platformdirs

# Set before numba is imported: an installed package may lie in a folder nobody can write to.
os.environ.setdefault("NUMBA_CACHE_DIR", str(platformdirs.user_cache_path("astep-harvest") / "kernels"))

import numba

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a hot loop: cached on disk, GIL released, divisions as IEEE does them."""
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy")(function))


def summing_kernel(function: F) -> F:
    """Compile a loop of weighted sums: additions may be reordered, and what is not finite stays so."""
    allowed = {"reassoc", "contract", "nsz"}
    return cast("F", numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=allowed)(function))


@contextmanager
def side_by_side() -> Iterator[None]:
    """Let LLVM put like sums that stand beside each other into one instruction, in what is compiled meanwhile.

    Numba does so only where it is told to: it takes longer, and most loops gain nothing. A kernel that another thread
    compiles at the same moment is compiled so too, with the same results.
    """
    config: Any = numba.config
    before = config.SLP_VECTORIZE
    config.SLP_VECTORIZE = 1
    try:
        yield
    finally:
        config.SLP_VECTORIZE = before
