"""How the frame of a night was looked at last: as its calibrated file or a step, which part, with which levels."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QTimer

from astep_gui.models.levels import OF_AN_IMAGE
from astep_gui.models.seen_part import SeenPart
from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from astep_gui.main_window import MainWindow
    from pipeline_core.session import Place


class LookKept:
    """Writes it for each night, and puts it back when that is opened again.

    Notes
    -----
    The frame as it was taken comes first, in a moment; its steps and its calibrated file need the plan. Until then
    nothing is written: a kill meanwhile must not make one view into the other. Levels are those of the view that was
    shown: the frame that comes before it would choose others.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._remembered = window.remembered
        self._view_of: Path | None = None
        """The night whose step or calibrated file was put back, or was looked for: before that, none is kept."""
        self._part_of: Path | None = None
        """The night of which the part of the frame was put back that was seen last, or of which none was kept."""
        self._part_for: tuple[int, ...] = ()
        """(ny, nx) of the image that is to come, of which that part is; empty where none is waited for."""

    def keep(self) -> None:
        """Write it, as far as it was put back."""
        window, remembered, place = self._window, self._remembered, self._window.night.place
        if place is None:
            return
        viewing, products = window.viewing, window.products
        shown, part = viewing.view.shown, products.part
        if place.night == self._part_of and not self._waits():
            # With the shape: where another image is seen first, it waits for its own.
            shape = "" if shown is None else " {} {}".format(*shown.shape)
            remembered.set_part(place.night, f"{part.words()}{shape}" if part is not None else "")
        if place.night == self._view_of:
            levels, path = viewing.levels_to_keep(), window.night.current
            said = {
                "calibrated": path if products.calibrated is not None else None,
                "levels": {name: levels[name] for name in OF_AN_IMAGE},
            }
            remembered.set_looked(place.night, json.dumps(said))
            remembered.set_step(place.night, viewing.steps.chosen or "")

    def put_part_back(self) -> bool:
        """At the first frame of a night show the part that was seen last; tell whether that was done before."""
        view, place = self._window.viewing.view, self._window.night.place
        if view.shown is None or place is None:
            return False
        if place.night == self._part_of:
            return True
        self._part_of = place.night
        part, shape = _read(self._remembered.part(place.night))
        if part is not None and shape == view.shown.shape:
            QTimer.singleShot(0, lambda: view.take_part(part))  # once it was fitted into the window
        elif part is not None and (self._looked(place.night).get("calibrated") or self._remembered.step(place.night)):
            self._part_for = shape
            view.see(shape, part)  # a calibrated frame is smaller than one with an overscan
        return False

    def _waits(self) -> bool:
        """Whether the part that is kept is of an image that is to come: the fitted frame before it is nobody's wish."""
        view = self._window.viewing.view
        if view.shown is not None and view.shown.shape == self._part_for:
            self._part_for = ()
        return bool(self._part_for) and view.is_fitting

    def _wait_no_more(self) -> None:
        """Let what is seen stay: the image of which a part was kept does not come."""
        if self._part_for:
            self._part_for, view = (), self._window.viewing.view
            view.take_part(view.part)

    def put_view_back(self) -> None:
        """Show the step or calibrated file that was shown last; once the plan is there: the frame comes before."""
        window, place = self._window, self._window.night.place
        if place is None or place.night == self._view_of or window.night.plan is None:
            return
        self._view_of = place.night
        steps, path, name = window.viewing.steps, window.night.current, self._remembered.step(place.night)
        if path is None or steps.chosen is not None or window.products.is_on or window.viewing.is_blinking:
            self._wait_no_more()
            return  # a person went on meanwhile
        if self._looked(place.night).get("calibrated") == path:
            self._show_calibrated(place, path)
        elif name in steps.names() and steps.path is not None:
            self._give_levels_back(place.night)
            steps.choose(name)
        else:
            self._wait_no_more()

    def forget_closed(self) -> None:
        """Put it back the next time too: a night may be closed and opened again in one window."""
        if not self._window.night.is_open:
            self._view_of = self._part_of = None
            self._part_for = ()

    def _show_calibrated(self, place: Place, path: str) -> None:
        from pipeline_core.survey import calibrated_file  # noqa: PLC0415 - imports the stages; the plan has done so

        try:
            file = calibrated_file(place, path)
        except AstepError as error:
            self._window.night.problem.emit(error)
            self._wait_no_more()
            return
        if file is not None and file.is_file():
            self._give_levels_back(place.night)
            self._window.products.show_calibrated(path)
            return
        gone = (
            "the calibrated file that was seen last is gone; this is the frame as it was taken. Ctrl+R makes it again"
        )
        self._window.log.say_passing(gone, "warning", path)
        self._wait_no_more()
        self._show_part_of_raw(place.night, path)

    def _show_part_of_raw(self, night: Path, path: str) -> None:
        """Show in the frame as it was taken the part that was seen of its calibrated file, which is gone."""
        part, shape = _read(self._remembered.part(night))
        viewing = self._window.viewing
        shown = viewing.view.shown
        if part is None or shown is None or shown.shape == shape or viewing.inspection.known is None:
            return
        at = viewing.inspection.known.same_place(("calibrated", path), shown, part.x - 0.5, part.y - 0.5)
        x, y = at or (part.x - 0.5, part.y - 0.5)
        viewing.view.take_part(SeenPart(x + 0.5, y + 0.5, part.zoom))

    def _give_levels_back(self, night: Path) -> None:
        levels = self._looked(night).get("levels")
        with suppress(TypeError):  # of another version: what is not understood is as at first
            if isinstance(levels, dict):
                self._window.viewing.levels.give_back(levels)

    def _looked(self, night: Path) -> Mapping[str, Any]:
        with suppress(ValueError):  # of another version: it is then as at first
            said = json.loads(self._remembered.looked(night) or "{}")
            return said if isinstance(said, dict) else {}
        return {}


def _read(words: str) -> tuple[SeenPart | None, tuple[int, ...]]:
    """Return the part, and the (ny, nx) of the image of which it was seen; of another version: none."""
    parts = words.split()
    with suppress(ValueError):
        return SeenPart.read(" ".join(parts[:3])), tuple(map(int, parts[3:]))
    return None, ()
