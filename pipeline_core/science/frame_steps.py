"""The steps of a science frame as a person looks at them: their names, and copies of what each left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from pipeline_core.types import Bits, Image

STEPS = ("raw", "overscan", "trim", "bias", "dark", "flat", "gain", "mask", "cosmic")
"""In the order in which they are done."""

BIAS_IN_DARK = "the dark holds the bias, both come off with it"
"""Why no bias is subtracted by itself where the dark is used as it was taken."""

STEP_WORDS = {
    "raw": "raw",
    "overscan": "− overscan",
    "trim": "trimmed",
    "bias": "− bias",
    "dark": "− dark",
    "flat": "÷ flat",
    "gain": "× gain",
    "mask": "masked",
    "cosmic": "cosmic rays removed",
}


@dataclass(frozen=True)
class Step:
    """What one step left behind."""

    name: str
    image: Image
    """Not to be written to: steps that changed nothing share it."""
    unit: Literal["ADU", "electron", ""]
    """Empty for flats that are scaled to 1."""
    note: str
    """Empty when the step did its work; else why it did nothing ("the whole chip is lit")."""
    mask: Bits | None = None
    variance: Image | None = None
    """Of each pixel, in the square of the unit; of the step before cosmic rays are looked for."""


Observe = Callable[[Step], None]

_MISSING = {
    "bias": "there is no bias",
    "dark": "no dark for this exposure",
    "flat": "no flat for this filter",
}

NO_OVERSCAN = "none is used: the frames have none, not all have the same, or it is switched off"
NO_COSMIC = "switched off in the recipe"


def idle_notes(
    *,
    is_trimmed: bool,
    masters: Collection[str],
    dark_scale: float,
    has_gain: bool,
    unwanted: Collection[str] = (),
) -> dict[str, str]:
    """Say why steps from trimming to gain have nothing to do; empty for those that do their work.

    Parameters
    ----------
    is_trimmed : bool
        Something is cut off the frame, or a pedestal comes off it.
    masters : collection of str
        Kinds that are at hand: bias, dark, flat.
    dark_scale : float
        By which the dark current of the dark is multiplied; one that is not scaled holds the bias.
    has_gain : bool
    unwanted : collection of str
        Kinds that a person chose to go without.
    """
    bias = dark = ""
    if "dark" not in masters:
        bias = "" if "bias" in masters else missing_words("bias", unwanted)
        dark = missing_words("dark", unwanted)
    elif dark_scale == 1.0:
        bias = BIAS_IN_DARK
    return {
        "trim": "" if is_trimmed else "the whole chip is lit",
        "bias": bias,
        "dark": dark,
        "flat": "" if "flat" in masters else missing_words("flat", unwanted),
        "gain": "" if has_gain else "the gain is unknown",
    }


def missing_words(kind: str, unwanted: Collection[str]) -> str:
    """Say why no master of a kind serves a frame: none was wanted, or there is none."""
    return f"no {kind} is wanted, as chosen" if kind in unwanted else _MISSING[kind]


class Watch:
    """Copies each step for whoever looks; costs nothing when nobody does.

    Steps that changed no pixel share one copy: at 4096² each is 64 MB and 20 ms.
    """

    def __init__(self, observe: Observe | None, shape: tuple[int, int]) -> None:
        self._observe = observe
        self._shape = shape
        self._last: Image | None = None
        self._images: dict[str, Image] = {}
        self._lock = threading.Lock()

    def show_raw(self, raw: npt.NDArray[Any], levels: Image | None) -> None:
        """Show the frame as read, and without its overscan level."""
        if self._observe is None:
            return
        image = raw.astype(np.float32)
        self.show("raw", image, "ADU")
        if levels is None:
            self.show("overscan", image, "ADU", NO_OVERSCAN)
        else:
            self.show("overscan", image - levels, "ADU")

    def see(self, name: str, part: Image, rows: slice) -> None:
        """Keep a band of what a step left; :meth:`tell` shows it."""
        if self._observe is None:
            return
        with self._lock:
            if name not in self._images:
                self._images[name] = np.empty(self._shape, np.float32)
        self._images[name][rows] = part

    def tell(self, notes: dict[str, tuple[Literal["ADU", "electron"], str]]) -> None:
        """Show the steps whose bands were kept, in the order of ``notes``: their unit, and why they did nothing."""
        for name, (unit, note) in notes.items():
            if self._observe is not None:
                self.show(name, self._images.pop(name, None), unit, note, copy=False)

    def show(
        self,
        name: str,
        image: Image | None,
        unit: Literal["ADU", "electron"],
        note: str = "",
        mask: Bits | None = None,
        variance: Image | None = None,
        *,
        changed: bool = True,
        copy: bool = True,
    ) -> None:
        """Show a step; with a note, or where nothing changed, its image is that of the step before."""
        if self._observe is None:
            return
        if image is not None and (self._last is None or (changed and not note)):
            self._last = image.copy() if copy else image
        assert self._last is not None, "the raw frame comes first"
        mask = None if mask is None else mask.copy()
        variance = None if variance is None else variance.copy()
        self._observe(Step(name, self._last, unit, note, mask, variance))
