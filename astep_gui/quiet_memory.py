"""Python's search for unreachable objects, kept from stopping the window: little by little, and whole when idle."""

from __future__ import annotations

import gc
import math
import sys
import time
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QWindow
    from PyQt6.QtWidgets import QApplication

LOOK_MS = 50
YOUNG = 2000
"""New objects that are worth a look: a few milliseconds."""
MIDDLE_EVERY = 4
"""Looks at the youngest to one at those that survived it."""
IDLE_S = 4.0
"""Without a key or a mouse button; nobody sees the window stop then."""
MANY_MODULES = 50
"""Modules that came in together: what they made stays as long as the program runs."""
REST_S = 1.0
"""Without a further module, the imports are over."""
FULL_AFTER = 25
"""Looks at the middle generation after which a full one is due."""
FEW = 60_000
"""Objects that a full look passes in 10 to 15 ms: nobody needs to be idle for that."""
FULL_EVERY_S = 10.0
"""So often there is one where there are few objects: a handful of them may hold the arrays of several frames.

So often, too, they are counted at most: Python lists all of them for that, 1 ms for 100,000.
"""
SWITCH_S = 0.002
"""A thread at work hands over after this long; Python's 5 ms, times the threads that wait, are felt in a drag."""


class QuietMemory(QObject):
    """Takes the place of Python's own timing, which passes over all objects (0.1 to 0.4 s) wherever it happens to be.

    Notes
    -----
    Measured while kernels were compiled: each of the longest stops of the window was one full pass, started by a
    thread that had just made its ten thousandth object. What the imports made is set aside for good (at no cost,
    unlike a pass over it), so that a full pass has little to look at.
    """

    def __init__(self, app: QApplication, is_busy: Callable[[], bool]) -> None:
        super().__init__(app)
        self._app = app
        self._is_busy = is_busy
        self._touched = time.monotonic()
        self._looks = self._middles = 0
        self._full_at = time.monotonic()
        self._counted_at = -math.inf
        self._modules = self._set_aside = 0
        self._modules_at = 0.0
        self._was_enabled = gc.isenabled()
        self._switch_s = sys.getswitchinterval()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)

    def start(self) -> None:
        """Take over."""
        gc.disable()
        sys.setswitchinterval(SWITCH_S)
        for window in self._app.topLevelWindows():
            self._heed(window)
        self._app.focusWindowChanged.connect(self._heed)
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        self._app.focusWindowChanged.disconnect(self._heed)
        for window in self._app.topLevelWindows():
            window.removeEventFilter(self)
        sys.setswitchinterval(self._switch_s)
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def _heed(self, window: QWindow | None) -> None:
        """Watch a window of the screen: hands come to it first.

        Not the application: each of the hundreds of events that a repaint makes would ask for Python's lock, and wait
        for it while a thread is at work.
        """
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Note that a person is at work; stop nothing."""
        del watched
        if event is not None and event.type() in _HANDS:
            self._touched = time.monotonic()
        return False

    @property
    def is_idle(self) -> bool:
        """Whether a moment's stop would disturb nobody."""
        if self._app.activePopupWidget() is not None:
            return False  # a menu is read, whose window nobody watches
        return time.monotonic() - self._touched > IDLE_S and not self._is_busy()

    def look(self) -> None:
        """Collect what is worth it now."""
        if self._imports_go_on():
            return  # hundreds of thousands of new objects, all of which will stay
        if gc.get_count()[0] > YOUNG:
            self._looks += 1
            gc.collect(1 if self._looks % MIDDLE_EVERY == 0 else 0)
            self._middles += self._looks % MIDDLE_EVERY == 0
        # Somebody who judges frames for an hour is never idle, and what is unreachable may hold whole frames.
        is_wanted = self._middles >= FULL_AFTER
        if (is_wanted and self.is_idle) or self._are_few(is_wanted=is_wanted):
            gc.collect()
            self._full_at = time.monotonic()
            self._middles = 0

    def _are_few(self, *, is_wanted: bool) -> bool:
        """Tell whether a full look is worth it and short enough for somebody at work; asked at each look."""
        now = time.monotonic()
        if not is_wanted and now - self._full_at <= FULL_EVERY_S:
            return False
        if now - self._counted_at <= FULL_EVERY_S:
            return False  # those of a program at work for an hour would be counted twenty times a second
        self._counted_at = now
        return len(gc.get_objects()) < FEW

    def _imports_go_on(self) -> bool:
        """Tell whether modules come in; once they rest, set aside what they made."""
        now, modules = time.monotonic(), len(sys.modules)
        if modules != self._modules:
            is_many = modules - self._set_aside >= MANY_MODULES
            self._modules, self._modules_at = modules, now if is_many else 0.0
        if now - self._modules_at < REST_S:
            return True
        if modules - self._set_aside >= MANY_MODULES:
            gc.freeze()
            self._set_aside = modules
        return False


_HANDS = frozenset(
    {
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.KeyPress,
        QEvent.Type.KeyRelease,  # the only one of a key that is an action's
        QEvent.Type.Wheel,
        QEvent.Type.DragMove,
    }
)
