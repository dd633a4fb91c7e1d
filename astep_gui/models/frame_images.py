"""Images of frames: read and made ready to be shown off the window's thread, the latest kept in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from astep_gui.models.memory_budget import MemoryBudget
from pipeline_core.errors import AstepError, DataError, to_keep
from pipeline_core.science.display import (
    Coded,
    Codes,
    SkyLevel,
    bit_pyramid,
    coded,
    sample,
    sky_level,
)
from pipeline_core.science.reduced_marks import peak_pyramid, reach_of_few

if TYPE_CHECKING:
    import numpy.typing as npt

    from astep_gui.models.header_facts import HeaderFacts
    from pipeline_core.types import Bits, Section

UNIT_SYMBOLS = {"adu": "ADU", "electron": "e⁻", "electrons": "e⁻", "": ""}
Loader = Callable[[], "Loaded"]


@dataclass(frozen=True)
class Loaded:
    """What a loader brings: an image and what belongs to it."""

    title: str
    image: npt.NDArray[Any]
    """(ny, nx) uint16 or float32; NaN where nothing is known."""
    unit: str
    """"adu", "electron", or as it is to be read."""
    mask: Bits | None = None
    facts: HeaderFacts | None = None
    saturation: float | None = None
    """In the image's unit."""
    stars: npt.NDArray[np.float64] | None = None
    """(n, 2) x, y of stars, 0-based."""
    shows_mask: bool = False
    """The mask is what is to be seen: it is laid over the image whatever else is switched on."""
    unlit: tuple[Section, ...] = ()
    """Parts that hold no light but are used: the overscan."""


@dataclass(frozen=True, eq=False)
class ShownImage:
    """An image ready to be shown: name, pixels and all that is read off them, never apart."""

    key: Hashable
    title: str
    image: npt.NDArray[Any]
    """The true values; read-outs take these."""
    unit: str
    """As it is read: ADU, e⁻."""
    codes: tuple[Codes, ...]
    """Pyramid of means, finest first."""
    zero: float
    scale: float
    """Value = zero + scale × code."""
    mask: Bits | None = None
    facts: HeaderFacts | None = None
    holds_no_data: bool = False
    saturation: float | None = None
    level: SkyLevel = field(default_factory=lambda: SkyLevel(np.nan, np.nan, np.nan, np.nan))
    sample: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    stars: npt.NDArray[np.float64] | None = None
    reduction: int = 1
    """Side of the pixels of ``codes[0]`` in pixels of the frame: more than 1 where only a small version is kept."""
    shape: tuple[int, int] = (0, 0)
    """(ny, nx) of the whole frame."""
    shows_mask: bool = False
    unlit: tuple[Section, ...] = ()
    is_small: bool = False
    """Whether the codes are all that is kept: for showing many quickly."""
    place: Callable[[float, float], tuple[float, float]] | None = None
    """Where in ``image`` a place of the codes (x, y) lies, 0-based px; None where it is the same."""

    rest: int | None = None
    """Code of the pixels that did not change, where a step changed a few; the pyramid is then one of peaks."""

    reach: float | None = None
    """How far from those the levels are to reach, to show what a step changed."""

    @cached_property
    def mask_pyramid(self) -> tuple[Bits, ...]:
        """Mask bits at the sizes of the codes; empty without a mask."""
        return () if self.mask is None else bit_pyramid(self.mask, len(self.codes))

    @property
    def is_change(self) -> bool:
        """Whether it is what a step changed, not what it left: it holds no sky."""
        return isinstance(self.key, tuple) and self.key[:1] == ("step",) and bool(self.key[-1])

    @property
    def bytes(self) -> int:
        """Memory it holds."""
        arrays: list[npt.NDArray[Any]] = [self.sample, *self.codes]
        if self.image is not self.codes[0]:
            arrays.append(self.image)
        # The mask is drawn from a pyramid of its own.
        mask = 0 if self.mask is None else self.mask.nbytes * 4 // 3
        return mask + sum(array.nbytes for array in arrays)

    def value(self, x: int, y: int) -> float | None:
        """Return the value of a pixel as it is seen, 0-based; None outside of the frame or where nothing is known.

        It is the true one; of a small version that of its code.
        """
        if self.place is not None:
            x, y = (round(at) for at in self.place(x, y))
        ny, nx = self.image.shape
        if not (0 <= x < nx and 0 <= y < ny):
            return None
        if self.is_small:
            code = int(self.codes[0][y, x])
            return None if code == 0 and self.holds_no_data else self.zero + self.scale * code
        return float(self.image[y, x])


def shown_image(key: Hashable, loaded: Loaded) -> ShownImage:
    """Make an image ready to be shown: codes, pyramid, sky level (60 ms for 4096²)."""
    if loaded.image.ndim != 2 or min(loaded.image.shape) < 1:
        raise DataError(f"cannot show {loaded.title}", f"its image has the shape {loaded.image.shape}")
    made: Coded = coded(loaded.image)
    shown = ShownImage(
        key,
        loaded.title,
        loaded.image,
        UNIT_SYMBOLS.get(loaded.unit.lower(), loaded.unit),
        made.pyramid,
        made.zero,
        made.scale,
        loaded.mask,
        loaded.facts,
        made.holds_no_data,
        loaded.saturation,
        sky_level(loaded.image),
        sample(loaded.image),
        loaded.stars,
        1,
        (loaded.image.shape[0], loaded.image.shape[1]),
        loaded.shows_mask,
        loaded.unlit,
    )
    reach = reach_of_few(loaded.image, shown.level) if shown.is_change else None
    if reach is None:
        return shown
    rest = int(np.bincount(made.pyramid[0][::3, ::3].ravel(), minlength=2)[1:].argmax()) + 1  # as most pixels are
    return replace(shown, rest=rest, reach=reach, codes=peak_pyramid(made.pyramid[0], rest, len(made.pyramid)))


def reduced_image(shown: ShownImage, reduction: int) -> ShownImage:
    """Return a small version: codes from a coarser level on, without the true values; for showing many quickly."""
    level = min(len(shown.codes) - 1, max(0, reduction.bit_length() - 1))
    small = tuple(np.ascontiguousarray(codes) for codes in shown.codes[level:])
    return ShownImage(
        shown.key,
        shown.title,
        small[0],
        shown.unit,
        small,
        shown.zero,
        shown.scale,
        None,
        scale_only(shown.facts),
        shown.holds_no_data,
        shown.saturation,
        shown.level,
        shown.sample[:: max(1, shown.sample.size // 4096)].copy(),  # a view would keep all of it
        None,
        1 << level,
        shown.shape,
        is_small=True,
    )


def scale_only(facts: HeaderFacts | None) -> HeaderFacts | None:
    """Keep what the scale bar needs: the place on the sky is another when a frame is turned or moved onto others."""
    return None if facts is None else replace(facts, cards=(), sky=None, sky_source="", about={})


class ImageStore(QObject):
    """Loads images in threads and keeps the latest.

    A request for what is kept is answered at once, any other when it is ready. Requests of the same group supersede
    each other: what has not begun when a newer one comes is dropped, so that stepping quickly through frames loads
    the frame one stops at.
    """

    arrived = pyqtSignal(object)
    """ShownImage, in answer to :meth:`request`."""
    failed = pyqtSignal(object, object)
    """Key and AstepError."""
    prefetched = pyqtSignal(object)
    """Key of an image that was asked for ahead and is now kept."""
    _done = pyqtSignal(object, object)

    def __init__(self, parent: QObject | None = None, *, budget: MemoryBudget | None = None, threads: int = 2) -> None:
        super().__init__(parent)
        self._budget = budget or MemoryBudget(parent=self)
        self._share = self._budget.join(self._give, "images")
        self._kept: OrderedDict[Hashable, ShownImage] = OrderedDict()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="image")
        self._begun: dict[Hashable, Future[None]] = {}
        self._wanted: dict[Hashable, set[str]] = {}
        self._closed = threading.Event()
        self._done.connect(self._take)

    @property
    def bytes(self) -> int:
        """Memory of what is kept."""
        return sum(shown.bytes for shown in self._kept.values())

    @property
    def is_busy(self) -> bool:
        """Whether something is being loaded."""
        return bool(self._begun)

    def get(self, key: Hashable) -> ShownImage | None:
        """Return an image if it is kept."""
        shown = self._kept.get(key)
        if shown is not None:
            self._kept.move_to_end(key)
        return shown

    def request(self, key: Hashable, loader: Loader, *, group: str = "main") -> None:
        """Ask for an image; :attr:`arrived` or :attr:`failed` answers.

        Parameters
        ----------
        key : hashable
            Names the image; equal keys are equal pixels.
        loader : callable
            Returns :class:`Loaded`; called in another thread, so it may know no widget.
        group : str
            Of two requests of a group only the later must be answered.
        """
        self._supersede(group)
        shown = self.get(key)
        if shown is not None:
            self.arrived.emit(shown)
            return
        self._wanted.setdefault(key, set()).add(group)
        self._begin(key, loader)

    def prefetch(self, key: Hashable, loader: Loader) -> None:
        """Load an image that may be asked for soon, unless something is waiting already."""
        if key not in self._kept and len(self._begun) < 2:
            self._begin(key, loader)

    def forget(self, key: Hashable) -> None:
        """Drop an image whose pixels are no longer true (a master that was made anew)."""
        if self._kept.pop(key, None) is not None:
            self._share.gave(len(self._kept), self.bytes)

    def clear(self) -> None:
        """Drop everything: another night is opened."""
        for group in {group for groups in self._wanted.values() for group in groups}:
            self._supersede(group)
        self._wanted.clear()
        self._kept.clear()
        self._share.gave(0, 0)

    def close(self) -> None:
        """End the threads; nothing arrives afterwards."""
        self._closed.set()
        self._wanted.clear()
        for future in self._begun.values():
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._begun.clear()
        self._kept.clear()
        self._share.leave()

    def _supersede(self, group: str) -> None:
        for key in [key for key, groups in self._wanted.items() if group in groups]:
            self._wanted[key].discard(group)
            if self._wanted[key]:
                continue
            del self._wanted[key]
            future = self._begun.get(key)
            if future is not None and future.cancel():
                del self._begun[key]

    def _begin(self, key: Hashable, loader: Loader) -> None:
        if key not in self._begun and not self._closed.is_set():
            self._begun[key] = self._pool.submit(self._load, key, loader)

    def _load(self, key: Hashable, loader: Loader) -> None:
        """In a thread of the pool."""
        result: ShownImage | AstepError
        try:
            self._budget.look_up()
            result = shown_image(key, loader())
        except AstepError as error:
            result = to_keep(error)
        except MemoryError:
            result = DataError("cannot show this frame", "there is not enough memory", "close other programs")
        except Exception as error:  # noqa: BLE001 - whatever a file does to a loader is told, not lost in a thread
            result = DataError("cannot show this frame", f"{type(error).__name__}: {error}", "look at the file")
        if not self._closed.is_set():
            self._done.emit(key, result)

    def _take(self, key: Hashable, result: ShownImage | AstepError) -> None:
        if self._closed.is_set():
            return
        self._begun.pop(key, None)
        groups = self._wanted.pop(key, set())
        if isinstance(result, AstepError):
            if groups:
                self.failed.emit(key, result)
            return
        self._keep(key, result)
        if groups:
            self.arrived.emit(result)
        else:
            self.prefetched.emit(key)

    def _keep(self, key: Hashable, shown: ShownImage) -> None:
        self._kept[key] = shown
        self._kept.move_to_end(key)
        self._share.keep(len(self._kept), self.bytes)

    def _give(self) -> None:
        """Drop the image that was looked at longest ago."""
        self._kept.popitem(last=False)
        self._share.gave(len(self._kept), self.bytes)
