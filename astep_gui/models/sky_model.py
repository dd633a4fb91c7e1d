"""The night on the sky: what is solved, aligned and stacked, and what to draw over the current frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from astep_gui.models.background import Background
from astep_gui.models.sky_words import SkyStatus, sky_status, source_words
from astep_gui.models.trim_offset import trim_offset
from astep_gui.models.window_words import in_window
from pipeline_core.science.tangent import SkyMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.night_model import NightModel
    from pipeline_core.events import RunContext
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.sky_state import NightSky
    from pipeline_core.sky_view import SkyView

LOOK_MS = 2000
"""How often the store is asked whether the command line solved something: two file times, no reading."""


class SkyModel(QObject):
    """Follows the output folder; knows no widgets. Reads in a thread of its own, writes nothing."""

    changed = pyqtSignal()
    """What is known of the night."""
    view_changed = pyqtSignal()
    """What is to be drawn over the current frame."""
    problem = pyqtSignal(object)

    def __init__(self, night: NightModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._reader = Background("sky of the night", self)
        self._viewer = Background("stars of the frame", self)
        self._stamp: tuple[int, ...] = ()
        self._wants_view = False
        self._view_key: tuple[str, Any] | None = None
        self._through: dict[str, tuple[TanSip, str] | None] = {}
        self.is_held = False
        """While a run writes, its store is not read again and again."""
        self.sky: NightSky = _nothing()
        self.view: SkyView | None = None
        self.view_problem = ""
        """Why there is nothing to draw, in words."""
        self._reader.done.connect(self._take)
        self._reader.failed.connect(lambda _key, error: self.problem.emit(error))
        self._viewer.done.connect(self._take_view)
        self._viewer.failed.connect(self._view_failed)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.look)
        night.night_changed.connect(self._night_changed)
        night.selection_changed.connect(self._ask_view)

    @property
    def is_busy(self) -> bool:
        """Whether something is being read."""
        return self._reader.is_busy or self._viewer.is_busy

    # -- the night -------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read again if anything was written since."""
        place = self._night.place
        if place is None or self.is_held:
            return
        stamp = tuple(
            file.stat().st_mtime_ns
            for name in ("logbook.sqlite", "logbook.sqlite-wal")
            if (file := place.output / name).is_file()
        )
        if stamp != self._stamp and not self._reader.is_busy:
            self._stamp = stamp
            self.reload()

    def reload(self) -> None:
        """Read what is known now."""
        place = self._night.place
        if place is None:
            return

        def work(_context: RunContext, _tell: object) -> NightSky:
            from pipeline_core.sky_state import night_sky  # noqa: PLC0415 - heavy

            sky = night_sky(place.output)
            _ = sky.footprints  # worked out here, not in the window's thread
            return sky

        self._reader.ask(place.output, work)

    def _take(self, output: object, sky: NightSky) -> None:
        if self._night.place is None or output != self._night.place.output:
            return
        self.sky = sky
        self._through.clear()
        self._tell_table({f.path: self.status(f.path) for f in self._night.frames if f.path in sky.calibrated})
        self.changed.emit()
        self._ask_view()

    def _tell_table(self, words: dict[str, SkyStatus]) -> None:
        night = self._night
        changed = [path for path in {*night.sky_words, *words} if night.sky_words.get(path) != words.get(path)]
        night.sky_words = words
        night.frames_changed.emit(sorted(changed))

    def _night_changed(self) -> None:
        self._reader.cancel()
        self.sky, self.view, self._stamp = _nothing(), None, ()
        self._through.clear()
        self.changed.emit()
        self.view_changed.emit()
        if self._night.is_open:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()

    def status(self, path: str | None, *named: Callable[[str], str]) -> SkyStatus:
        """Say how a frame stands on the sky; other frames are called by their files, or as they are named."""
        return sky_status(self._night.frame(path), self.sky, *named)

    def objects(self) -> dict[str, tuple[float, float]]:
        """Return the objects of the night's headers → where the frames of that name look."""
        found: dict[str, tuple[float, float]] = {}
        for frame in self._night.frames:
            solved = self.sky.solutions.get(frame.path)
            if not frame.object or frame.kind.value != "science":
                continue
            if solved is not None and solved.ra_deg is not None and solved.dec_deg is not None:
                found[frame.object] = (solved.ra_deg, solved.dec_deg)
            elif frame.ra_deg is not None and frame.dec_deg is not None:
                found.setdefault(frame.object, (frame.ra_deg, frame.dec_deg))
        return found

    # -- one frame -------------------------------------------------------------------------------------------

    def solution_of(self, path: str) -> tuple[TanSip, str] | None:
        """Return where a calibrated frame's pixels lie on the sky, and how that is known; None if it is not."""
        solved = self.sky.solutions.get(path)
        if solved is not None and solved.solution is not None:
            return solved.solution, source_words(solved)
        if path not in self._through:
            self._through[path] = self.sky.through(path)
        through = self._through[path]
        if through is None:
            return None
        solution, base = through
        return solution, f"aligned to {base.rpartition('/')[2]}, {source_words(self.sky.solutions[base])}"

    def offset(self, path: str, *, is_trimmed: bool) -> tuple[int, int]:
        """Return where the calibrated frame's first pixel lies in the image that is shown."""
        plan, frame = self._night.plan, self._night.frame(path)
        return (0, 0) if is_trimmed or plan is None or frame is None else trim_offset(plan, frame)

    def dressed(self, path: str, shown: ShownImage, *, is_trimmed: bool) -> ShownImage:
        """Return the image with the sky of its solution in the place of its header's."""
        known = self.solution_of(path)
        if known is None or shown.facts is None:
            return shown
        solution, source = known
        sky = as_map(solution.shifted(*self.offset(path, is_trimmed=is_trimmed)))
        facts = replace(shown.facts, sky=sky, sky_source=source, pixel_scale_arcsec=sky.scale_arcsec)
        return replace(shown, facts=facts)

    def want_view(self, wanted: bool) -> None:  # noqa: FBT001 - a slot
        """Match the current frame's stars with the catalogue, from now on or no more: it takes a moment."""
        self._wants_view = wanted
        self._ask_view()

    def _ask_view(self) -> None:
        path, place = self._night.current, self._night.place
        solved = self.sky.solutions.get(path) if path is not None else None
        if not self._wants_view or path is None or place is None or solved is None or solved.solution is None:
            self._viewer.cancel()
            self._view_key = None
            if self.view is not None or self.view_problem:
                self.view, self.view_problem = None, ""
                self.view_changed.emit()
            return
        key = (path, solved.solution)
        if self._view_key is not None and self._view_key[0] == path and self._view_key[1] is solved.solution:
            return
        self._view_key = key
        if self.view is not None and self.view.frame.path != path:
            self.view = None
            self.view_changed.emit()
        settings = self._night.recipe.solve

        def work(_context: RunContext, _tell: object) -> SkyView | None:
            from pipeline_core.logbook import Logbook  # noqa: PLC0415 - heavy
            from pipeline_core.sky_view import sky_view  # noqa: PLC0415
            from pipeline_core.store import Store  # noqa: PLC0415

            with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
                return sky_view(store, path, settings)

        self._viewer.ask(path, work)

    def _take_view(self, path: object, view: SkyView | None) -> None:
        if path != self._night.current:
            return
        self.view = view
        self.view_problem = "" if view is not None else "the catalogue it was fitted to is not at hand any more"
        self.view_changed.emit()

    def _view_failed(self, path: object, error: object) -> None:
        if path == self._night.current:
            self.view, self.view_problem = None, in_window(str(error))
            self.view_changed.emit()

    def close(self) -> None:
        """End the threads."""
        self._timer.stop()
        self._reader.close()
        self._viewer.close()


def as_map(solution: TanSip) -> SkyMap:
    """Return a solution as the read-out, compass and scale bar take it."""
    distortion = (solution.a, solution.b) if solution.a is not None and solution.b is not None else None
    return SkyMap(solution.ra_deg, solution.dec_deg, solution.x_px, solution.y_px, solution.matrix, distortion)


def as_solution(sky: SkyMap) -> TanSip:
    """Return a header's projection as a solution, for grids."""
    from pipeline_core.science.tan_sip import TanSip  # noqa: PLC0415 - heavy

    a, b = sky.distortion if sky.distortion is not None else (None, None)
    return TanSip(sky.ra_deg, sky.dec_deg, sky.x_px, sky.y_px, sky.matrix, a, b)


def place_in(solution: TanSip, shape: tuple[int, int], ra_deg: float, dec_deg: float) -> tuple[float, float] | None:
    """Return where a sky position lies in a frame of (ny, nx) pixels; None outside of it."""
    from pipeline_core.science.tan_sip import separation_deg  # noqa: PLC0415 - heavy

    # A distortion is known over the frame only: far from it its polynomial runs away.
    if float(separation_deg(*solution.centre(shape), ra_deg, dec_deg)) > 1.02 * solution.radius_deg(shape):
        return None
    x, y = (float(value) for value in solution.to_pixel(ra_deg, dec_deg))
    return (x, y) if -0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5 else None


def _nothing() -> NightSky:
    from pipeline_core.sky_state import NightSky  # noqa: PLC0415 - after the first paint where it can be

    return NightSky()
