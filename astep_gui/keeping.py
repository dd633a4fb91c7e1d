"""Keeping how the window is: written as it changes, so that not even a kill loses layout, frame or levels."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, QTimer

from astep_gui.look_kept import LookKept
from astep_gui.widgets.overlay_button import MARKS
from astep_gui.window_place import place_of, put_back

if TYPE_CHECKING:
    from PyQt6.QtCore import QByteArray

    from astep_gui.main_window import MainWindow

CALM_MS = 700
"""What changes is written when nothing changed for this long: a drag of the levels is one write."""

OPEN = "open"
"""Under it stands which nights are open, one a window: each clears away its own alone."""

_MOVES = {QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.WindowStateChange}


class Keeper(QObject):
    """Watches one window and writes to what is remembered. Decisions are none of its business: they have a logbook."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._remembered = window.remembered
        self._open = f"{OPEN}/{os.getpid()} {int(time.time())}"
        """Under what the night stands that is open here: this process, and when it was surely there."""
        self._look = LookKept(window)
        self._shown = self._now_shown()
        """The step, and what is plotted against what, when it was looked at last."""
        self._masks = 0
        """Kinds of masked pixels that are marked on frames."""
        self._has_ended = False
        self._told = ""
        """Why nothing can be kept, once it was said."""
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
            *(window.viewing.splitter.moved, window.panels.lists.moved),
            window.table.grouped.toggled,
            window.tabs.chosen,
            header.sectionResized,
            header.sectionMoved,
            header.sortIndicatorChanged,
            *(window.table.tree.collapsed, window.table.tree.expanded),
            *(window.log.unfolded, window.viewing.inspect_panel.tool_chosen),
            *(window.viewing.view.mark_changed, window.viewing.view.overlays.mask_toggled),
            window.viewing.blinking.levels.changed,  # told of its rate and ways too
        ):
            signal.connect(self._later)
        for name in ("masks", "pictures"):
            window.actions_by_name[name].toggled.connect(self._later)
        window.viewing.view.view_changed.connect(self._seen)
        for signal in (window.viewing.timeline_model.changed, window.viewing.steps.changed):
            signal.connect(self._shown_otherwise)
        window.night.plan_changed.connect(self._look.put_view_back)
        window.products.changed.connect(self._later)
        window.night.leaving.connect(self._keep_at_once)
        window.night.night_changed.connect(self._keep_open)
        window.night.night_changed.connect(self._look.forget_closed)

    def _shown_otherwise(self) -> None:
        """Notice another step or quantity only: what is measured meanwhile must not put off the writing."""
        if (shown := self._now_shown()) != self._shown:
            self._shown = shown
            self._later()

    def _now_shown(self) -> tuple[str | None, str, str]:
        plot = self._window.viewing.timeline_model
        return self._window.viewing.steps.chosen, plot.wished, plot.against

    def _seen(self) -> None:
        """Notice another part of the frame; at the first frame of a night show the part that was seen last."""
        if self._look.put_part_back():
            self._later()

    def _keep_at_once(self) -> None:
        """Write what was changed a moment ago: once the night is closed, nobody knows its frame and part any more."""
        if self._soon.isActive() and self._window.isVisible():
            self.keep()

    @property
    def is_waiting(self) -> bool:
        """Whether something changed that is not on the disk yet."""
        return self._soon.isActive() or self._remembered.is_waiting

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Notice that something was moved, resized, shown or hidden."""
        if event is not None and event.type() in _MOVES:
            self._later()
        return False

    def _later(self, *_: object) -> None:
        if not self._has_ended:  # a window that goes loses its panels one by one, which is nobody's wish
            self._soon.start()

    def keep(self) -> None:
        """Write all of it; it is on the disk a moment later."""
        self._soon.stop()
        window, remembered = self._window, self._remembered
        if window.isVisible():  # once hidden it has no frame any more, and would come back without its height
            remembered.set_state("geometry", window.saveGeometry())
            remembered.set_word("place", place_of(window))
        if not window.deeds.has_made_room:
            remembered.set_state("layout", window.panels.of_night())
        remembered.set_word("workflow", window.tabs.name)
        remembered.set_state("columns", window.table.save_columns())
        remembered.set_word("shares", json.dumps(window.viewing.splitter.by_hand()))
        remembered.set_word("needs_height", json.dumps(window.panels.lists.by_hand))
        remembered.set_word("grouped", "yes" if window.table.grouped.isChecked() else "no")
        remembered.set_word("levels", json.dumps(window.viewing.levels_to_keep()))
        place, current = window.night.place, window.night.current
        if place is not None and current is not None:
            remembered.set_frame(place.night, current)
        self._look.keep()
        remembered.set_word("marks", json.dumps(self._marks()))
        remembered.set_word("blink", json.dumps(window.viewing.blinking.settings()))
        remembered.set_word("plotted", window.viewing.timeline_model.wished)
        remembered.set_word("plotted_against", window.viewing.timeline_model.against)
        self._keep_open()
        if remembered.problem and remembered.problem != self._told:
            self._told = remembered.problem
            window.log.say_passing(f"how the window is now will not come back: {self._told}", "warning")

    def _marks(self) -> dict[str, object]:
        """Return what lies over the image, which tool is taken, and whether the log is unfolded."""
        viewing = self._window.viewing
        if not self._window.products.is_on:  # a mask that is looked at shows all of its kinds for a while
            self._masks = viewing.view.mask_bits
        return {
            "marks": {name: viewing.view.has_mark(name) for name in MARKS},
            "masks": self._masks,
            "tool": viewing.inspect_panel.tool,
            "log": self._window.log.fold.isChecked(),
        }

    def _put_marks_back(self, kept: dict[str, Any]) -> None:
        viewing = self._window.viewing
        for name, is_on in kept["marks"].items():
            if name in MARKS:
                viewing.view.set_mark(name, bool(is_on))
        self._masks = int(kept["masks"])
        viewing.view.set_mask_bits(self._masks)
        if kept["tool"] in viewing.inspect_panel.tools:
            viewing.inspect_panel.tools[kept["tool"]].click()
        self._window.log.fold.setChecked(bool(kept["log"]))

    def _keep_open(self) -> None:
        """Write at once which night is open: a kill does not wait until nothing changes any more."""
        place = self._window.night.place
        if place is not None:
            self._remembered.set_word(self._open, str(place.night.absolute()))
        else:
            self._remembered.forget(self._open)

    def end(self) -> None:
        """Take note a last time, and that the window was closed in good order."""
        self.keep()
        self._remembered.forget(self._open)
        self._has_ended = True

    def restore(self) -> QByteArray:
        """Put the window as it was; return the layout of its panels, empty if none was kept."""
        window, remembered = self._window, self._remembered
        geometry = remembered.state("geometry")
        if not geometry.isEmpty():
            window.restoreGeometry(geometry)
            put_back(window, remembered.word("place", ""))
        with suppress(ValueError, TypeError, AttributeError):  # of another version: they are then as at first
            window.viewing.splitter.take_up(json.loads(remembered.word("shares", "{}")))
        with suppress(ValueError, TypeError):  # as the shares
            window.panels.lists.take_up(json.loads(remembered.word("needs_height", "null")))
        with suppress(ValueError, KeyError, TypeError):  # of another version: the levels are then as at first
            if state := json.loads(remembered.word("levels", "{}")):
                window.viewing.levels.restore(state)
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # as the levels
            if marks := json.loads(remembered.word("marks", "{}")):
                self._put_marks_back(marks)
        with suppress(ValueError, KeyError, TypeError, AttributeError):  # as the levels
            if blink := json.loads(remembered.word("blink", "{}")):
                window.viewing.blinking.restore(blink)
        plot = window.viewing.timeline_model
        with suppress(StopIteration, KeyError, ValueError):  # a quantity of another version
            plot.set_quantity(remembered.word("plotted", plot.wished))
        plot.set_against(remembered.word("plotted_against", plot.against))
        window.table.restore_columns(remembered.state("columns"))
        window.table.grouped.setChecked(remembered.word("grouped", "yes") == "yes")
        window.tabs.blockSignals(True)  # noqa: FBT003 - the layout that was kept holds which panels are in front
        window.tabs.choose(remembered.word("workflow", "Night"))
        window.tabs.blockSignals(False)  # noqa: FBT003
        window.viewing.splitter.set_work(window.tabs.name)
        return remembered.state("layout")

    def left_open(self) -> Path | None:
        """Return the night that was open when the program ended without being closed; None if it was closed.

        Told once, of several the last; those that other windows have open now are theirs.
        """
        left = []
        for whose, night in self._remembered.words(OPEN).items():
            number, _, since_s = whose.partition(" ")
            if number.isdigit() and since_s.isdigit() and not _is_at_work(int(number), int(since_s)):
                self._remembered.forget(f"{OPEN}/{whose}")
                left.append((int(since_s), night))
        return next((Path(night) for _, night in sorted(left, reverse=True) if Path(night).is_dir()), None)


def _is_at_work(number: int, since_s: int) -> bool:
    """Tell whether a process that was there at a time (s since 1970) still is; a number may be another's by now."""
    import psutil  # noqa: PLC0415 - only after a sudden end

    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since_s + 1
    return False
