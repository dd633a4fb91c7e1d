"""Closing the window: what is being written for a person is finished first, unless he asks a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from astep_gui.main_window import MainWindow


class Closing(QObject):
    """Holds the window open while a report, an export or a demo night is written, and closes it then."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.is_waited_for = False
        """Whether the window closes as soon as all is written."""
        window.errands.changed.connect(self._soon)
        window.errands.problem.connect(self._stay)

    def may_close(self) -> bool:
        """Tell whether the window may close now; if not, it does so by itself later.

        Notes
        -----
        A second wish is the answer to what the first was told: then it stops what is written, of which nothing half is
        left.
        """
        titles = self._window.errands.titles
        if not titles or self.is_waited_for:
            self.is_waited_for = False
            return True
        self.is_waited_for = True
        words = f"finishing {' and '.join(titles)}, then the window closes"
        self._window.log.busy(words)
        stay = ", Esc stays open" if self._window.night.is_open else ""  # on the start page there is no way back
        self._window.log.say(f"{words}; Ctrl+Q again stops it and closes at once{stay}", "warning")
        return False

    def call_off(self) -> None:
        """Stay open: the wish was a slip of a finger, or is over; what is written is finished all the same."""
        self.is_waited_for = False
        self._window.log.busy("")
        self._window.log.say("the window stays open")

    def _soon(self) -> None:
        """Close once whoever asked for what is written has heard of its end."""
        if self.is_waited_for and not self._window.errands.titles:
            QTimer.singleShot(0, self._close)

    def _close(self) -> None:
        if self.is_waited_for:
            self._window.close()

    def _stay(self, _error: object) -> None:
        """Stay open: what was to be written was not, and a person wants to know why."""
        self.is_waited_for = False
        self._window.log.busy("")
