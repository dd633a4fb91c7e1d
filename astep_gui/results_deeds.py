"""What is done with the results of a night: shown, reported, exported."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from astep_gui.actions import PROGRAMS
from astep_gui.blink_frames import calibrated_sources
from astep_gui.models.folder_words import fresh_folder
from astep_gui.models.window_words import setting_words
from astep_gui.night_deeds import NightDeeds
from astep_gui.outside import show_outside, show_report
from pipeline_core.errors import AstepError
from pipeline_core.name_words import counted
from pipeline_core.report_state import REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline_core.events import RunContext
    from pipeline_core.handed_frames import HandedFrames
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
            self._window.log.say_passing(f"there are no results yet; they will lie in {place.output}")

    def show_result(self, name: str) -> None:
        """Open a file of the results in the system's own program."""
        if self._night.place is not None:
            show_outside(self._window, self._night.place.output / name)

    def calibrated(self) -> None:
        """Show the current frame as its calibrated file holds it; a second time, the frame itself.

        Frames that go by, or rest in a blink, go on as their calibrated files, or as they were taken.
        """
        window = self._window
        if window.viewing.is_blinking:
            self._blink_otherwise()
        elif self._night.current is None:
            return
        elif window.products.calibrated == self._night.current:
            window.products.end()
        else:
            window.products.show_calibrated(self._night.current)

    def _blink_otherwise(self) -> None:
        """Blink calibrated files in the place of the frames as they were taken, or the other way round, on and on.

        From the frame that is seen, at the same rate; all that was to be blinked comes back with the raw frames.
        """
        window, viewing = self._window, self._window.viewing
        blink, wanted = viewing.blink, list(viewing.blinking.wanted)
        if blink.current is None:
            return
        was_playing, to_calibrated = blink.is_playing, not viewing.blinks_calibrated
        seen = str(blink.current.key[1])  # type: ignore[index] # "raw" or "calibrated", path, time of the file
        if to_calibrated:
            try:
                files = calibrated_sources(self._night, wanted)
            except AstepError as error:
                self._night.problem.emit(error)
                return
            there = [path for path in wanted if path in files]
            if len(there) < 2:
                self._say_stays_raw(seen, there, len(wanted))
                return
            at = wanted.index(seen) if seen in wanted else 0
            # One that was not calibrated has no place among them: the next that was is as near.
            seen = next((path for path in wanted[at:] if path in there), there[-1])
        blink.pause()
        before = viewing.blinking.before
        viewing.end_blink(to_step=False)
        self._night.select([seen])
        if to_calibrated:
            window.products.show_calibrated(seen)
        else:
            window.products.end()
        viewing.blinking.toggle(wanted, calibrated=to_calibrated, before=before)
        if not was_playing:
            blink.pause()

    def _say_stays_raw(self, seen: str, there: Sequence[str], of: int) -> None:
        have = f"{len(there)} of these {of} frames {'has' if len(there) == 1 else 'have'} a calibrated file"
        why = f"{seen.rpartition('/')[2]}: {self._window.products.why_uncalibrated(seen)}"
        rest = "Ctrl+R reduces the night" if seen in there else why
        self._window.log.say_passing(f"the blink goes on as the frames were taken, for {have}; {rest}", "warning")

    def set_saturation(self, level_adu: float | None) -> None:
        """Take over the saturation that a run proposes, None for what is known of the camera; the next run follows."""
        recipe = self._night.recipe
        calibrate = recipe.calibrate.model_copy(update={"saturation_adu": level_adu})
        self._decisions.set_recipe(recipe.model_copy(update={"calibrate": calibrate}))

    def undo_saturation(self) -> None:
        """Take that back: the step itself where it is the last, else by a step of its own."""
        self._night.follow_decisions()  # the command line may have decided since: its step is not the one that is meant
        called, _, _ = setting_words("calibrate.saturation_adu").partition(",")
        if self._decisions.last_step[1].startswith(f"{called} ="):
            self._decisions.undo()
        if self._night.recipe.calibrate.saturation_adu is not None:
            self.set_saturation(None)

    def show_full(self, path: str, level_adu: float) -> None:
        """Look at a star of a raw frame that ends at a level, with the pixels from there on marked."""
        if self._night.frame(path) is None:
            self._window.log.say_passing("that frame is not in the night any more", "warning", path)
            return
        self._night.select([path])
        self._window.products.show_full(path, level_adu)

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

            self._night.lists.flush()
            return [write_report(place, context, small=name == REPORTS[1]) for name in names]

        if self._window.errands.start("report", "the report of the night", work, done):
            self._window.log.say("writing the report of the night")

    def _show_report(self, files: list[Path]) -> None:
        self._tell_reports(files)
        if not self._window.closing.is_waited_for:
            show_report(self._window, files[0])

    def _tell_reports(self, files: list[Path]) -> None:
        self._window.log.quiet()
        self._window.log.say_passing(f"report of the night: {', '.join(map(str, files))}")

    # -- export ----------------------------------------------------------------------------------------------

    def export(self, program: str) -> None:
        """Ask where, and write the calibrated frames that are not rejected there for another program."""
        from astep_gui.widgets.export_dialog import ExportDialog  # noqa: PLC0415 - only when asked for

        place = self._night.place
        if place is None or self._night.raw is None:
            return
        suggested = fresh_folder(place.output.parent / f"{place.night.name}_{program}")
        dialog = ExportDialog(PROGRAMS[program], suggested, self._to_hand_on(), self._window)
        dialog.chosen.connect(lambda folder, only_good: self.export_into(program, folder, only_good=only_good))
        dialog.open()

    def _to_hand_on(self) -> tuple[HandedFrames, HandedFrames] | None:
        """Return what an export of all would write now, and one of good ones only; None while it is not known."""
        from pipeline_core.handed_frames import handed_frames  # noqa: PLC0415 - only when asked for

        night = self._night
        if night.survey is None or night.night is None or night.awaits_final:
            return None
        frames = [frame for path in night.survey.calibrated if (frame := night.frame(path)) is not None]
        # What an export goes by: figures of a first look are of raw frames.
        rows = {path: row for path, row in night.rows.items() if row.measures.state == "final"}
        chosen = partial(handed_frames, frames, night.night, rows, night.rejected, night.choices.kept)
        return chosen(only_good=False), chosen(only_good=True)

    def export_into(self, program: str, folder: Path, *, only_good: bool = False) -> None:
        """Write the calibrated frames that are not rejected, or the good ones only, into a folder; made if need be."""
        place, raw, window = self._night.place, self._night.raw, self._window
        if place is None or raw is None:
            return

        def work(context: RunContext) -> tuple[HandedOn, str]:
            from pipeline_core.handing_on import hand_on, without_wcs, without_wcs_words  # noqa: PLC0415 - the stages

            self._night.lists.flush()
            handed = hand_on(place, raw, program, folder, context, only_good=only_good)  # type: ignore[arg-type]
            names = without_wcs(handed.files)
            return handed, without_wcs_words(names, len(handed.files), "Sky (Shift+S) looks for them on the sky")

        if window.errands.start("export", "the export", work, lambda done: self._exported(program, folder, *done)):
            window.log.say(f"writing frames for {PROGRAMS[program]} into {folder}")

    def _exported(self, program: str, folder: Path, handed: HandedOn, unplaced: str) -> None:
        log = self._window.log
        log.quiet()
        frames = f"{counted(len(handed.files), 'frame')} for {PROGRAMS[program]}"
        where = f"{'it lies' if len(handed.files) == 1 else 'they lie'} in {folder}"
        doubts = "; ".join(filter(None, (handed.words, unplaced, handed.left_words)))
        for path in handed.untimed:
            log.say("left out: its time is unknown", "warning", path)
        # The folder, which may be long, stands where it may be cut.
        log.say_lasting(f"✓ {frames} written{f': {doubts}' if doubts else ''}; {where}")
        log.offer("Show", f"Open {folder.name}", lambda: show_outside(self._window, folder))
