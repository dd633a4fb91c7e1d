"""Keeping how the window is: written as it changes, so that not even a kill loses layout, frame or levels."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QTimer

from astep_gui.window_place import place_of, put_back

if TYPE_CHECKING:
    from PyQt6.QtCore import QByteArray

    from astep_gui.main_window import MainWindow

CALM_MS = 700
"""What changes is written when nothing changed for this long: a drag of the levels is one write."""

_MOVES = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowStateChange}


class Keeper(QObject):
    """Watches one window and writes to what is remembered. Decisions are none of its business: they have a logbook."""

    def __init__(self, window: MainWindow, layout_version: int) -> None:
        super().__init__(window)
        self._window = window
        self._remembered = window.remembered
        self._version = layout_version
        self._step_of: Path | None = None
        """The night whose step was put back, or was looked for: before that, none is kept."""
        self._shown = self._now_shown()
        """The step, and what is plotted against what, when it was looked at last."""
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CALM_MS)
        self._soon.timeout.connect(self.keep)

    def begin(self) -> None:
        """Watch from now on."""
        window = self._window
        self._shown = self._now_shown()
        for widget in (window, *window.docks.values()):
            widget.installEventFilter(self)
        header = window.table.tree.header()
        assert header is not None, "every tree has one"
        for signal in (
            window.night.selection_changed,
            window.night.night_changed,
            window.viewing.levels.changed,
            window.viewing.splitter.splitterMoved,
            window.table.grouped.toggled,
            window.tabs.chosen,
            header.sectionResized,
            header.sectionMoved,
            header.sortIndicatorChanged,
        ):
            signal.connect(self._later)
        for signal in (window.viewing.timeline_model.changed, window.viewing.steps.changed):
            signal.connect(self._shown_otherwise)
        window.night.plan_changed.connect(self._put_step_back)
        window.night.night_changed.connect(self._keep_open)

    def _shown_otherwise(self) -> None:
        """Notice another step or quantity only: what is measured meanwhile must not put off the writing."""
        if (shown := self._now_shown()) != self._shown:
            self._shown = shown
            self._later()

    def _now_shown(self) -> tuple[str | None, str, str]:
        plot = self._window.viewing.timeline_model
        return self._window.viewing.steps.chosen, plot.wished, plot.against

    def _put_step_back(self) -> None:
        """Show the step that was shown last in this night; once its plan is there, so that the frame is seen before."""
        place, steps = self._window.night.place, self._window.viewing.steps
        if place is None or place.night == self._step_of or self._window.night.plan is None:
            return
        self._step_of = place.night
        name = self._remembered.step(place.night)
        if name in steps.names() and steps.path is not None and steps.chosen is None:
            steps.choose(name)

    @property
    def is_waiting(self) -> bool:
        """Whether something changed that is not written yet."""
        return self._soon.isActive()

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Notice that something was moved, resized, shown or hidden."""
        if event is not None and event.type() in _MOVES:
            self._later()
        return False

    def _later(self, *_: object) -> None:
        self._soon.start()

    def keep(self) -> None:
        """Write all of it, to the disk."""
        self._soon.stop()
        window, remembered = self._window, self._remembered
        if window.isVisible():  # once hidden it has no frame any more, and would come back without its height
            remembered.set_state("geometry", window.saveGeometry())
            remembered.set_word("place", place_of(window))
        if not window.deeds.has_made_room:
            remembered.set_state("layout", window.layout_of_night(self._version))
        remembered.set_word("workflow", window.tabs.name)
        remembered.set_state("columns", window.table.save_columns())
        if not window.image_only.is_on:
            remembered.set_state("strips", window.viewing.splitter.saveState())
        remembered.set_word("grouped", "yes" if window.table.grouped.isChecked() else "no")
        remembered.set_word("levels", json.dumps(window.viewing.levels.state()))
        place, current = window.night.place, window.night.current
        if place is not None and current is not None:
            remembered.set_frame(place.night, current)
        if place is not None and place.night == self._step_of:
            remembered.set_step(place.night, window.viewing.steps.chosen or "")
        remembered.set_word("plotted", window.viewing.timeline_model.wished)
        remembered.set_word("plotted_against", window.viewing.timeline_model.against)
        self._keep_open()

    def _keep_open(self) -> None:
        """Write at once which night is open: a kill does not wait until nothing changes any more."""
        place = self._window.night.place
        self._remembered.set_word("open", f"{os.getpid()} {place.night.absolute()}" if place is not None else "")
        self._remembered.sync()

    def end(self) -> None:
        """Write a last time, and that the window was closed in good order."""
        self.keep()
        self._remembered.set_word("open", "")
        self._remembered.sync()

    def restore(self) -> QByteArray:
        """Put the window as it was; return the layout of its panels, empty if none was kept."""
        window, remembered = self._window, self._remembered
        geometry, strips = remembered.state("geometry"), remembered.state("strips")
        if not geometry.isEmpty():
            window.restoreGeometry(geometry)
            put_back(window, remembered.word("place", ""))
        if not strips.isEmpty():
            window.viewing.splitter.restoreState(strips)
        with suppress(ValueError, KeyError, TypeError):  # of another version: the levels are then as at first
            if state := json.loads(remembered.word("levels", "{}")):
                window.viewing.levels.restore(state)
        plot = window.viewing.timeline_model
        with suppress(StopIteration, KeyError, ValueError):  # a quantity of another version
            plot.set_quantity(remembered.word("plotted", plot.wished))
        plot.set_against(remembered.word("plotted_against", plot.against))
        window.table.restore_columns(remembered.state("columns"))
        window.table.grouped.setChecked(remembered.word("grouped", "yes") == "yes")
        window.tabs.blockSignals(True)  # noqa: FBT003 - the layout that was kept holds which panels are in front
        window.tabs.choose(remembered.word("workflow", "Night"))
        window.tabs.blockSignals(False)  # noqa: FBT003
        return remembered.state("layout")

    def left_open(self) -> Path | None:
        """Return the night that was open when the program ended without being closed; None if it was closed."""
        number, _, night = self._remembered.word("open", "").partition(" ")
        if not night or not number.isdigit() or not Path(night).is_dir():
            return None
        import psutil  # noqa: PLC0415 - only after a sudden end

        return None if psutil.pid_exists(int(number)) else Path(night)  # else another window has it open
