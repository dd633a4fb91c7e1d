"""A master or a mask as a person looks at it: its pixels, its uncertainty, and what it is in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.errors import NightError
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.types import Image, MaskBit

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from pipeline_core.stage import Task
    from pipeline_core.types import Bits


@dataclass(frozen=True)
class MasterView:
    """A master frame, or a pixel mask."""

    name: str
    kind: str
    """bias, dark, flat or mask."""
    image: Image | Bits
    """(ny, nx): float32 in ``unit``, or uint8 sums of mask bits."""
    unit: str
    """"ADU", "" for flats (median 1) and masks."""
    holds_bias: bool
    uncertainty: Image | None
    """1 sigma, in the unit of the image."""
    n_used: npt.NDArray[np.uint8] | None
    """Frames used at each pixel."""
    words: tuple[str, ...]
    """What to know of it, one fact a line."""


def master_view(task: Task, output: Path) -> MasterView:
    """Read a master that a run made.

    Parameters
    ----------
    task : Task
        Of the master, from :class:`pipeline_core.tasks.TaskBuilder` or :func:`pipeline_core.planned.planned`.
    output : Path
        Where the masters lie.

    Raises
    ------
    NightError
        If it has not been made yet.
    """
    assert task.product is not None, "masters are files"
    file = output / task.product
    if not file.is_file():
        raise NightError(
            f"{task.label} cannot be shown", "it has not been made yet", "run `astep reduce NIGHT --only masters`"
        )
    kind = str(task.settings.get("kind", ""))
    if kind == "mask":
        bits = read_mask(file)
        return MasterView(
            task.label, kind, bits, "", holds_bias=False, uncertainty=None, n_used=None, words=_mask_words(bits)
        )
    master = read_master(file, with_counts=True)
    unit = "" if kind == "flat" else "ADU"
    words = [f"median {np.nanmedian(master.image):.6g} {unit}".rstrip()]
    if (frames := master.header.get("NCOMBINE")) is not None:
        words.insert(0, f"{frames} frames combined")
    if master.uncertainty is not None:
        words.append(f"uncertainty of a usual pixel {np.nanmedian(master.uncertainty):.3g} {unit}".rstrip())
    if kind != "flat":
        words.append("holds the bias" if master.holds_bias else "does not hold the bias")
    words += [str(card) for card in master.header["IMPORT*"].values()]
    return MasterView(
        task.label, kind, master.image, unit, master.holds_bias, master.uncertainty, master.n_used, tuple(words)
    )


def _mask_words(bits: Bits) -> tuple[str, ...]:
    counts = {words: int(np.count_nonzero(bits & bit)) for bit, words in MaskBit.WORDS.items()}
    share = np.count_nonzero(bits) / bits.size
    return (f"{share:.2%} of the pixels masked", *(f"{n} {words}" for words, n in counts.items() if n))
