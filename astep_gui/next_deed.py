"""The next thing a person does in the window: another frame, step, tab or blink. What was said before is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Hashable

    from astep_gui.main_window import MainWindow


class NextDeed(QObject):
    """Takes passing words from the strip of the log when something else is looked at.

    Notes
    -----
    The signals that it hears come for other reasons too: a step that is done, a frame that was judged. It compares
    what is looked at with what was looked at before.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._before = self._seen()
        viewing = window.viewing
        signals = (
            *(window.night.selection_changed, window.night.night_changed, viewing.steps.changed),
            *(viewing.blink.state_changed, window.tabs.chosen),
        )
        for signal in signals:
            signal.connect(lambda *_: self._follow())

    def _seen(self) -> Hashable:
        night, steps, viewing = self._window.night, self._window.viewing.steps, self._window.viewing
        place = night.place.night if night.place is not None else None
        return (
            *(place, night.current, tuple(night.selection), steps.chosen, steps.difference),
            *(viewing.is_blinking, viewing.blink.is_playing, self._window.tabs.name),
        )

    def _follow(self) -> None:
        seen = self._seen()
        if seen != self._before:
            self._before = seen
            self._window.log.pass_on()
