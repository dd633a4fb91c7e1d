"""One bound for all that a window keeps of frames: whoever was used longest ago gives first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
PROGRAM_BYTES = 600 * MIB
"""The program itself with all its modules and kernels, the frame that is shown, and a frame in the making."""
MOST_BYTES = 568 * MIB
"""All 800 frames of a night of 4096² for blinking at an eighth; with :data:`PROGRAM_BYTES` 1.2 GB on any machine.

Measured in a soak on a night of 1024²: up to 0.25 GB more for moments, of what is freed and not yet given back.
"""
LEAST_BYTES = 100 * MIB


def window_bytes() -> int:
    """Return how much the caches of a window may hold on this machine: a quarter of it, less the program itself."""
    from pipeline_core.memory import memory_budget  # noqa: PLC0415 - after the first paint

    return min(MOST_BYTES, max(LEAST_BYTES, memory_budget() - PROGRAM_BYTES))


class MemoryBudget(QObject):
    """Shared by the caches of a window: frames, their steps, products, small versions for blinking.

    Each tells what it holds; what is too much is asked back from the cache that was used longest ago. So one of them
    may fill nearly all while the others rest, and none needs a bound of its own.
    """

    _too_much = pyqtSignal()

    def __init__(self, most_bytes: int | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._shares: list[Share] = []  # used longest ago first
        self._too_much.connect(self.settle)

    @property
    def most_bytes(self) -> int:
        """What all caches may hold together; looked up when it is first asked for, after the first paint."""
        self.look_up()
        return self._most_bytes or LEAST_BYTES

    def look_up(self) -> None:
        """Find out what this machine has; a thread does it before the window must, as it takes a moment."""
        if self._most_bytes is None:
            self._most_bytes = window_bytes()

    @property
    def bytes(self) -> int:
        """What all caches hold now."""
        with self._lock:
            return sum(share.bytes for share in self._shares)

    def held(self) -> dict[str, int]:
        """Return what each cache holds now, bytes; those of one name together."""
        found: dict[str, int] = {}
        with self._lock:
            for share in self._shares:
                found[share.name] = found.get(share.name, 0) + share.bytes
        return found

    def join(self, give: Callable[[], object], name: str = "") -> Share:
        """Take part.

        Parameters
        ----------
        give : callable
            Drops the one thing that will be missed least, and tells the share what is held then. Called in the thread
            of this object only.
        name : str
            What it holds, for those who look where memory went.
        """
        share = Share(self, give, name)
        with self._lock:
            self._shares.insert(0, share)
        return share

    def settle(self) -> None:
        """Ask for room until all is within the bound, or only the last thing of the cache in use is left."""
        with self._lock:
            asked = tuple(self._shares)
        for share in asked:
            while self.bytes > self.most_bytes and share.items > int(share is asked[-1]):
                before = share.items
                share.give()
                if share.items >= before:
                    break  # what it holds is in use

    def _hold(self, share: Share, items: int, held: int, *, is_use: bool) -> None:
        with self._lock:
            if share not in self._shares:
                return  # it has left; a thread of it was still at work
            share.items, share.bytes = items, held
            if is_use:
                self._shares.remove(share)
                self._shares.append(share)
        if is_use and self.bytes > self.most_bytes:
            self._too_much.emit()  # from another thread: answered in the window's

    def _leave(self, share: Share) -> None:
        with self._lock:
            if share in self._shares:
                self._shares.remove(share)


class Share:
    """What one cache holds."""

    def __init__(self, budget: MemoryBudget, give: Callable[[], object], name: str = "") -> None:
        self._budget = budget
        self.name = name
        self.give = give
        self.items = 0
        self.bytes = 0

    def keep(self, items: int, held: int) -> None:
        """Tell that something was kept; from any thread.

        Parameters
        ----------
        items : int
            Things that could be given back one by one.
        held : int
            Bytes of all of them.
        """
        self._budget._hold(self, items, held, is_use=True)  # noqa: SLF001 - the two are one

    def gave(self, items: int, held: int) -> None:
        """Tell what is left after something was dropped; nobody is asked for anything."""
        self._budget._hold(self, items, held, is_use=False)  # noqa: SLF001

    def leave(self) -> None:
        """Take part no more; the cache that took part is free to go, with all that it still holds."""
        self._budget._leave(self)  # noqa: SLF001
        self.give = _nothing


def _nothing() -> None:
    """Give nothing: who has left holds no share."""
