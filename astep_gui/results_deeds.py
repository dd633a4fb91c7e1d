"""What is done with the results of a night: shown, reported, exported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from astep_gui.actions import PROGRAMS
from astep_gui.night_deeds import NightDeeds
from astep_gui.outside import show_outside
from pipeline_core.report_state import REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline_core.events import RunContext
    from pipeline_core.handing_on import HandedOn

_OWN = ("show_results", "report", "calibrated")
"""Actions that are methods here."""


class ResultsDeeds(NightDeeds):
    """The slots of the actions that mean what lies in the results."""

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action does."""
        own: dict[str, Callable[..., object]] = {name: getattr(self, name) for name in _OWN}
        return super().slots() | own | {f"export_{program}": partial(self.export, program) for program in PROGRAMS}

    def show_results(self) -> None:
        """Open the results in the file manager."""
        place = self._night.place
        if place is not None and place.output.is_dir():
            show_outside(self._window, place.output)
        elif place is not None:
            self._window.log.say(f"there are no results yet; they will lie in {place.output}")

    def show_result(self, name: str) -> None:
        """Open a file of the results in the system's own program."""
        if self._night.place is not None:
            show_outside(self._window, self._night.place.output / name)

    def calibrated(self) -> None:
        """Show the current frame as its calibrated file holds it; a second time, the frame itself.

        Of frames that go by, the one that is seen is meant: it becomes the current one before its file is shown.
        """
        window, viewing = self._window, self._window.viewing
        if viewing.is_blinking:
            viewing.blink.pause()
        path = self._night.current
        if path is None:
            return
        if window.products.calibrated == path:
            window.products.end()
            return
        was_blinking = viewing.is_blinking
        window.products.show_calibrated(path)
        if was_blinking and not viewing.is_blinking:
            window.log.say("the blink ended on this frame; B blinks the calibrated files", path=path)

    # -- report ----------------------------------------------------------------------------------------------

    def report(self, *, small: bool = False) -> None:
        """Write the report of the night, or the one for a thin link, and show it in the browser."""
        self._write_reports(REPORTS[1:2] if small else REPORTS[:1], self._show_report)

    def renew_reports(self, names: Sequence[str]) -> None:
        """Write reports anew that are of before the last changes."""
        self._write_reports(names, self._tell_reports)

    def _write_reports(self, names: Sequence[str], done: Callable[[list[Path]], None]) -> None:
        place = self._night.place
        if place is None:
            return

        def work(context: RunContext) -> list[Path]:
            from pipeline_core.report import write_report  # noqa: PLC0415 - heavy

            return [write_report(place, context, small=name == REPORTS[1]) for name in names]

        if self._window.errands.start("report", "the report of the night", work, done):
            self._window.log.say("writing the report of the night")

    def _show_report(self, files: list[Path]) -> None:
        self._tell_reports(files)
        if not self._window.closing.is_waited_for:
            show_outside(self._window, files[0])

    def _tell_reports(self, files: list[Path]) -> None:
        self._window.log.quiet()
        self._window.log.say(f"report of the night: {', '.join(map(str, files))}")

    # -- export ----------------------------------------------------------------------------------------------

    def export(self, program: str) -> None:
        """Ask where, and write the accepted calibrated frames there for another program."""
        from astep_gui.widgets.export_dialog import ExportDialog  # noqa: PLC0415 - only when asked for

        place = self._night.place
        if place is None or self._night.raw is None:
            return
        suggested = place.output.parent / f"{place.night.name}_{program}"
        dialog = ExportDialog(PROGRAMS[program], suggested, self._window)
        dialog.chosen.connect(lambda folder: self.export_into(program, folder))
        dialog.open()

    def export_into(self, program: str, folder: Path) -> None:
        """Write the accepted calibrated frames into a folder, which is made if it is not there."""
        place, raw, window = self._night.place, self._night.raw, self._window
        if place is None or raw is None:
            return

        def work(context: RunContext) -> tuple[HandedOn, str]:
            from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words  # noqa: PLC0415 - the stages

            handed = hand_on(place, raw, program, folder, context)  # type: ignore[arg-type]
            names = without_wcs(handed.files)
            return handed, without_wcs_words(names, len(handed.files), "Sky (Shift+S) looks for them on the sky")

        if window.errands.start("export", "the export", work, lambda done: self._exported(program, folder, *done)):
            window.log.say(f"writing frames for {PROGRAMS[program]} into {folder}")

    def _exported(self, program: str, folder: Path, handed: HandedOn, unplaced: str) -> None:
        self._window.log.quiet()
        written = handed.files
        where = f"{len(written)} frames for {PROGRAMS[program]} lie in {folder}"
        self._window.log.say(f"{where}; {handed.words}" if handed.words else where)
        for path in handed.untimed:
            self._window.log.say("left out: its time is unknown", "warning", path)
        if unplaced:
            doubts = f"; {handed.words}" if handed.words else ""  # the last line is the one that is seen
            self._window.log.say(f"{len(written)} frames lie in {folder}{doubts}; {unplaced}", "warning")
