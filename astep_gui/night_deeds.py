"""What is done with a night as a whole: opened, made, dropped on the window, exported, reported."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

from astep_gui.actions import PROGRAMS
from astep_gui.frame_deeds import FrameDeeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.main_window import MainWindow
    from pipeline_core.events import RunContext

DEMO_SIZE = 1024

_OWN = ("open", "demo", "output", "show_results", "report")
"""Actions that are methods here."""


class NightDeeds(FrameDeeds):
    """The slots of the actions that mean the open night, or another one; those of frames are below."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._told_of: set[Path] = set()
        """Outputs of which it was said that a run was broken off there."""

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action does."""
        slots = super().slots() | {name: getattr(self, name) for name in _OWN}
        return slots | {f"export_{program}": partial(self.export, program) for program in PROGRAMS}

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

    def make_demo(self, night: Path, size: int = DEMO_SIZE) -> None:
        """Make a demo night in the background and open it; one that is there already is opened as it is."""
        if night.exists():
            self._window.open_night(night)
            return

        def work(context: RunContext) -> Path:
            from pipeline_core.demo.night import make_demo_night  # noqa: PLC0415 - needs the simulator

            unfinished = night.with_name(f".{night.name}.unfinished")
            make_demo_night(unfinished, size=size, ctx=context)
            return unfinished.rename(night)

        job = self._window.jobs.job("demo night", work)
        job.heard.connect(self._window.log.hear)
        job.failed.connect(self._window.show_problem)
        job.done.connect(self._window.open_night)
        self._window.log.say(f"making a demo night in {night}")
        job.start()

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

    def show_results(self) -> None:
        """Open the results in the file manager."""
        place = self._night.place
        if place is not None and place.output.is_dir():
            self.show_outside(place.output)
        elif place is not None:
            self._window.log.say(f"there are no results yet; they will lie in {place.output}")

    def export(self, program: str) -> None:
        """Ask where, and write the accepted calibrated frames there for another program."""
        place, raw, window = self._night.place, self._night.raw, self._window
        if place is None or raw is None:
            return
        words = f"Accepted frames for {PROGRAMS[program]}: into which folder?"
        folder = QFileDialog.getExistingDirectory(window, words, str(place.output.parent))
        if not folder:
            return

        def work(_context: RunContext) -> tuple[list[Path], list[str], str]:
            from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words  # noqa: PLC0415 - the stages

            written, untimed = hand_on(place, raw, program, Path(folder))  # type: ignore[arg-type]
            unplaced = without_wcs_words(without_wcs(written), len(written), "Sky (Shift+S) looks for them on the sky")
            return written, untimed, unplaced

        job = window.jobs.job("export", work)
        job.failed.connect(window.show_problem)
        job.done.connect(lambda done: self._exported(program, Path(folder), *done))
        window.log.say(f"writing frames for {PROGRAMS[program]} into {folder}")
        job.start()

    def _exported(self, program: str, folder: Path, written: list[Path], untimed: list[str], unplaced: str) -> None:
        self._window.log.say(f"{len(written)} frames for {PROGRAMS[program]} lie in {folder}")
        for path in untimed:
            self._window.log.say("left out: its time is unknown", "warning", path)
        if unplaced:
            self._window.log.say(f"{len(written)} frames lie in {folder}; {unplaced}", "warning")

    def report(self) -> None:
        """Write the report of the night, and show it in the browser."""
        place = self._night.place
        if place is None:
            return

        def work(context: RunContext) -> Path:
            from pipeline_core.report import write_report  # noqa: PLC0415 - heavy

            return write_report(place, context)

        job = self._window.jobs.job("report of the night", work)
        job.heard.connect(self._window.log.hear)
        job.failed.connect(self._window.show_problem)
        job.done.connect(self._show_report)
        self._window.log.say("writing the report of the night")
        job.start()

    def _show_report(self, file: Path) -> None:
        self._window.log.quiet()
        self._window.log.say(f"report of the night: {file}")
        self.show_outside(file)

    def tell_broken_off(self) -> None:
        """Say once, when a night opens, that its last run never ended."""
        place, survey = self._night.place, self._night.survey
        if place is None or survey is None or not survey.was_broken_off or survey.is_up_to_date:
            return
        if place.output not in self._told_of:
            self._told_of.add(place.output)
            self._window.log.say("a run was broken off; what it finished stays, Ctrl+R goes on", "warning")
