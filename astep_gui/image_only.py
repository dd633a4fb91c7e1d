"""The image alone: panels and strips step aside, and come back as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QObject, QTimer

if TYPE_CHECKING:
    from astep_gui.main_window import MainWindow


class ImageOnly(QObject):
    """Gives the room of all panels to the image, for a look with the eye. Whatever brings a panel up ends it.

    It is nobody's wish for the next time: the layout that is remembered is the one from before.
    """

    def __init__(self, window: MainWindow, version: int) -> None:
        super().__init__(window)
        self._window = window
        self._version = version
        self._before = QByteArray()
        self._is_on = False
        self._star = window.viewing.star.place
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._look)
        for dock in window.docks.values():
            # Not at once: Qt is in the middle of showing it, and would fall over a layout that changes meanwhile.
            dock.visibilityChanged.connect(lambda is_seen: self._soon.start() if is_seen and self._is_on else None)
        window.viewing.star.changed.connect(self._star_changed)
        window.night.night_changed.connect(lambda: None if window.night.is_open else self.set_on(False))

    @property
    def is_on(self) -> bool:
        """Whether the image is alone."""
        return self._is_on

    @property
    def layout_before(self) -> QByteArray:
        """The panels as they will come back."""
        return self._before

    def set_on(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Leave the image alone, or bring everything back."""
        window = self._window
        if is_on != self._is_on and (window.night.is_open or not is_on):
            splitter = window.viewing.splitter
            if is_on:
                self._before = window.saveState(self._version)
                window.toolbar.hide()  # all of it is in menus, and has keys
                for dock in window.docks.values():
                    if not dock.isFloating():
                        dock.hide()
            self._is_on = is_on
            splitter.widget(1).setVisible(not is_on)
            if not is_on:
                window.restoreState(self._before, self._version)
                splitter.share()
                window.deeds.follow_height()  # it may have become lower or higher meanwhile
        window.actions_by_name["image_only"].setChecked(self._is_on)

    def _look(self) -> None:
        """End it where Qt's own menu of panels brought one up."""
        came = [dock for dock in self._window.docks.values() if not dock.isHidden() and not dock.isFloating()]
        if self._is_on and came:
            self.set_on(False)
            for dock in came:
                dock.show()  # it may have been closed before

    def _star_changed(self) -> None:
        """Show the strip of a star that is followed; its stamps are what was asked for."""
        place, before = self._window.viewing.star.place, self._star
        self._star = place
        if self._is_on and place not in {None, before}:
            self.set_on(False)
