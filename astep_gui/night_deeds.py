"""What is done with a night as a whole: opened, made, dropped on the window, its results put elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

from astep_gui.frame_deeds import FrameDeeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.main_window import MainWindow
    from pipeline_core.events import RunContext

DEMO_SIZE = 1024

_OWN = ("open", "demo", "output")
"""Actions that are methods here."""


class NightDeeds(FrameDeeds):
    """The slots of the actions that mean the open night, or another one; those of frames are below."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._told_of: set[Path] = set()
        """Outputs of which it was said that a run was broken off there."""

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action does."""
        return super().slots() | {name: getattr(self, name) for name in _OWN}

    def open(self) -> None:
        """Ask for a folder, and open it."""
        recent = self._window.remembered.recent()
        start = str(recent[0].parent) if recent else str(Path.home())
        folder = QFileDialog.getExistingDirectory(self._window, "Open a raw night, or its results", start)
        if folder:
            self._window.open_night(Path(folder))

    def demo(self) -> None:
        """Ask where, and make a demo night there."""
        folder = QFileDialog.getExistingDirectory(self._window, "Where shall the demo night lie?", str(Path.home()))
        if folder:
            self.make_demo(Path(folder) / "demo_night")

    def ask_demo(self) -> None:
        """Make a demo night; while one is made, stop that."""
        if self._window.errands.is_running("demo"):
            self._window.errands.cancel("demo")
        else:
            self.demo()

    def make_demo(self, night: Path, size: int = DEMO_SIZE) -> None:
        """Make a demo night in the background and open it; one that is there already is opened as it is."""
        if night.exists():
            self._window.open_night(night)
            return

        def work(context: RunContext) -> Path:
            from pipeline_core.demo.night import make_demo_night  # noqa: PLC0415 - needs the simulator
            from pipeline_core.demo.unfinished import under_its_name_when_whole  # noqa: PLC0415

            with under_its_name_when_whole(night) as unfinished:
                make_demo_night(unfinished, size=size, ctx=context)
            return night

        before = self._night.place

        def made(there: Path) -> None:
            if self._night.place == before:
                self._window.open_night(there)
            else:  # the person works on another night since
                self._window.log.say(f"the demo night is made: it lies in {there}, Ctrl+O opens it")

        if self._window.errands.start("demo", "the demo night", work, made):
            self._window.log.say(f"making a demo night in {night}")

    def open_dropped(self, dropped: list[Path]) -> None:
        """Open the folder that was dropped, or that of the files, which are selected; a list of names is a decision."""
        if not dropped:
            return
        if len(dropped) == 1 and dropped[0].suffix == ".txt" and self._night.is_open:
            self._decisions.import_list(dropped[0])
            return
        if dropped[0].is_dir():
            self._window.open_night(dropped[0])
            return
        folder = Path(os.path.commonpath([file.parent for file in dropped]))
        night = self._night.night
        if night is not None and folder.is_relative_to(night.root):
            self._window.table.show_only(self._paths_in_night(dropped))
            return
        self._window.select_when_open([file.absolute() for file in dropped])
        self._window.open_night(folder)

    def _paths_in_night(self, files: list[Path]) -> list[str]:
        night = self._night.night
        assert night is not None, "asked for when a night is open"
        inside = [file.relative_to(night.root).as_posix() for file in files if file.is_relative_to(night.root)]
        return [path for path in inside if path in night.by_path]

    def output(self) -> None:
        """Ask for another place for the results."""
        place = self._night.place
        if place is None:
            return
        folder = QFileDialog.getExistingDirectory(self._window, "Keep results in", str(place.output.parent))
        if folder:
            output = Path(folder) / place.output.name if any(Path(folder).iterdir()) else Path(folder)
            self._window.remembered.set_output(place.night.absolute(), output)
            self._window.open_night(place.night, output)

    def tell_broken_off(self) -> None:
        """Say once, when a night opens, that its last run never ended."""
        place, survey = self._night.place, self._night.survey
        if place is None or survey is None or not survey.was_broken_off or survey.is_up_to_date:
            return
        if place.output not in self._told_of:
            self._told_of.add(place.output)
            self._window.log.say("a run was broken off; what it finished stays, Ctrl+R goes on", "warning")
