"""What is subtracted from flats: bias and dark current, by rows from the files of their masters."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.errors import DataError
from pipeline_core.io.masters_file import stored_master

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline_core.science.combine import Correction
    from pipeline_core.types import Image, Rows


@contextmanager
def dark_of_flats(inputs: Mapping[str, Path], shape: tuple[int, int]) -> Iterator[tuple[Rows | None, Rows | None]]:
    """Open what is subtracted from every flat (the bias), and the dark current without the bias.

    Parameters
    ----------
    inputs : mapping of name to file
        ``bias`` and ``dark``, where there are any.
    shape : (ny, nx)
        Of the flats.

    Yields
    ------
    bias, current : Rows or None
        ADU, read when they are asked for. Without a bias, or with a dark that does not hold it, the current is the
        dark.

    Raises
    ------
    DataError
        If a master has another shape.
    """
    with ExitStack() as files:
        masters = {
            kind: files.enter_context(stored_master(inputs[kind])) for kind in ("bias", "dark") if kind in inputs
        }
        for master in masters.values():
            _check_shape(master.image.shape, shape)
        bias = masters["bias"].image if "bias" in masters else None
        dark = masters["dark"].image if "dark" in masters else None
        if dark is None or bias is None or not masters["dark"].holds_bias:
            # Without a bias the dark is subtracted whole: as a current on top of no bias.
            yield bias, dark
        else:
            yield bias, _Current(dark, bias)


@dataclass(frozen=True)
class _Current:
    """Dark current by rows: a dark without the bias it holds."""

    dark: Rows
    bias: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        return self.dark.shape

    def __getitem__(self, rows: slice) -> Image:
        out: Image = self.dark[rows]
        out -= self.bias[rows]
        return out


@dataclass(frozen=True)
class _Folded:
    """Bias and dark current that are subtracted alike from all frames, by rows."""

    base: Rows | None
    current: Rows
    part: np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        return self.current.shape

    def __getitem__(self, rows: slice) -> Image:
        out: Image = self.current[rows]
        out *= self.part
        if self.base is not None:
            out += self.base[rows]
        return out


def _check_shape(found: tuple[int, ...], shape: tuple[int, int]) -> None:
    if found != shape:
        raise DataError(
            "a master does not fit the flats",
            why=f"it is {found[1]} x {found[0]} px and they are {shape[1]} x {shape[0]}",
            hint="masters must have the size and binning of the frames; take it out or make it anew",
        )


def without_idle_dark(correction: Correction) -> Correction:
    """Fold a dark that is subtracted alike from all flats into the base: one array less to read."""
    parts = correction.dark_scale
    if correction.current is None or not (parts == parts[0]).all():
        return correction
    base = _Folded(correction.base, correction.current, parts[0])
    return replace(correction, base=base, current=None, dark_scale=np.zeros_like(parts))
