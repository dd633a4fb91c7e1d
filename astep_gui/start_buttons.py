"""What begins something: off while that, or what excludes it, is on; or it is the button that cancels it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from astep_gui.actions import ACTIONS, PROGRAMS
from astep_gui.widgets.turning_button import Turning

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QPushButton

    from astep_gui.main_window import MainWindow

WRITERS = ("make_masters", "sky_solve", "sky_hint", "sky_solve_night", "sky_align", "sky_stack", "sky_catalogue")
"""Actions that begin what writes into the results: one at a time."""
ERRANDS = {
    "report": ("report", "report_small"),
    "export": tuple(f"export_{program}" for program in PROGRAMS),
    "demo": ("demo",),
}
"""Errand → the actions that begin it."""
_NEEDS = {spec.name: spec.needs for spec in ACTIONS}
_MAKE = "Make the masters"
_DEMO = "Make a demo night…"


class StartButtons(QObject):
    """Follows run, sky and errands; sets what may be begun now."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        for signal in (window.errands.changed, window.viewing.steps.changed):
            signal.connect(self.follow)
        self._making, self._demo = Turning(window.viewing.rail.make), Turning(window.start_page.demo_button)
        self._make_tip = window.viewing.rail.make.toolTip()

    def follow(self) -> None:
        """Set all of them."""
        window = self._window
        run, work, errands = window.run, window.sky.work, window.errands
        is_writing = run.is_running or work.is_running
        for name in WRITERS:
            window.actions_by_name[name].setEnabled(self._has_what_it_needs(name) and not is_writing)
        for errand, names in ERRANDS.items():
            for name in names:
                can = self._has_what_it_needs(name) and not errands.is_running(errand)
                window.actions_by_name[name].setEnabled(can)
        can_stop = (run.is_running and not run.is_stopping) or (work.is_running and not work.is_stopping)
        window.actions_by_name["cancel"].setEnabled(can_stop or errands.is_any)
        self._follow_make()
        self._follow_demo(window.start_page.demo_button)

    def _has_what_it_needs(self, name: str) -> bool:
        night, needs = self._window.night, _NEEDS[name]
        return not needs or (night.is_open and (needs != "frame" or night.current is not None))

    def _follow_make(self) -> None:
        """Let the rail's button make the masters, or cancel that; it waits while something else writes."""
        run, work, button = self._window.run, self._window.sky.work, self._window.viewing.rail.make
        is_making = run.is_running and run.only == "masters"
        makes_them = run.is_running and run.only in {None, "masters"} and not run.is_stopping
        self._window.viewing.rail.tell_made(makes_them)
        # How far it is stands on the button of the tool bar: one place counts.
        button.setText(("Stopping…" if run.is_stopping else "Cancel") if is_making else _MAKE)
        self._making.turn(cancels=is_making)
        if is_making:
            button.setEnabled(not run.is_stopping)
            button.setToolTip("The masters are being made; a click stops that, and what is finished stays (Ctrl+.)")
        elif run.is_running or work.is_running:
            button.setEnabled(False)
            what = "the run that is on makes them" if run.is_running else f"wait: {work.title.lower()} is on"
            button.setToolTip(what)
        else:
            button.setEnabled(True)
            button.setToolTip(self._make_tip)

    def _follow_demo(self, button: QPushButton) -> None:
        errands = self._window.errands
        self._demo.turn(cancels=errands.is_running("demo"))
        button.setText(errands.words("demo", _DEMO))
        button.setEnabled(not errands.is_stopping("demo"))
