"""The sky in the window: wires model, work, dock and overlay to the night, the image and the dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QRectF
from PyQt6.QtGui import QAction

from astep_gui.models.residuals import residuals_of
from astep_gui.models.same_place import is_trimmed
from astep_gui.models.sky_model import SkyModel, as_solution, place_in
from astep_gui.models.sky_words import away_words
from astep_gui.models.sky_work import SkyWork
from astep_gui.widgets.sky_overlay import SKY_MARKS, Gone, SkyOverlay
from astep_gui.widgets.sky_panel import SkyPanel
from pipeline_core.errors import AstepError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astep_gui.main_window import MainWindow
    from astep_gui.models.blink_places import BlinkPlace
    from astep_gui.models.frame_images import ShownImage
    from astep_gui.widgets.goto_dialog import GotoDialog
    from pipeline_core.events import RunContext
    from pipeline_core.sky_state import StackMade
    from pipeline_core.sky_target import Target


class Sky(QObject):
    """Everything of issue and remedy that concerns the sky; the main window knows only this object."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._night = window.night
        self._viewing = window.viewing
        self.model = SkyModel(window.night, self)
        self.work = SkyWork(window.night, window.run, window.jobs, self)
        self.overlay = SkyOverlay(self)
        self.panel = SkyPanel(window.night, self.model, self.work, self.overlay)
        self._panel_seen = False
        self._menu: dict[str, QAction] = {}
        self._add_to_menu()
        self._connect()

    def _add_to_menu(self) -> None:
        """Offer the marks of the sky in the menu of overlays, before those of masks."""
        menu = self._viewing.view.overlays.menu()
        assert menu is not None
        before = next((action for action in menu.actions() if action.isSeparator()), None)
        for name, (words, tip) in SKY_MARKS.items():
            action = QAction(words, menu)
            action.setCheckable(True)
            action.setToolTip(tip)
            action.toggled.connect(lambda on, name=name: self.overlay.switch(name, on))
            menu.insertAction(before, action)
            self._menu[name] = action

    def _connect(self) -> None:
        viewing, window = self._viewing, self._window
        viewing.dress = self._dressed
        viewing.places = self.places
        viewing.alone = lambda: self.model.sky.alone
        viewing.star.alignment = lambda: self.model.sky.alignment
        viewing.view.painters.append(self._paint)
        self.panel.asked.connect(self.do)
        self.panel.stack_asked.connect(self.show_stack)
        self.panel.seen.connect(self._see)
        self.overlay.changed.connect(self._marks_changed)
        self.model.changed.connect(self._sky_changed)
        self.model.view_changed.connect(self._view_changed)
        self.model.problem.connect(window.show_problem)
        self.work.said.connect(window.log.hear)
        self.work.problem.connect(self._failed)
        self.work.finished.connect(self._finished)
        self.work.cancelled.connect(lambda: self._finished("stopped; what is finished stays"))
        self.work.changed.connect(window.follow)
        window.run.changed.connect(self._run_changed)
        window.products.changed.connect(self._product_changed)

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what the actions of the sky do."""
        names = ("solve", "hint", "solve_night", "align", "stack", "go_to", "index", "catalogue", "nova_key")
        slots: dict[str, Callable[..., object]] = {f"sky_{name}": lambda name=name: self.do(name) for name in names}
        slots["sky_dock"] = self.show_dock
        return slots

    def close(self) -> None:
        """End the threads."""
        self.model.close()

    # -- deeds -----------------------------------------------------------------------------------------------

    def do(self, deed: str) -> None:
        """Do what a button or an action asks."""
        path = self._night.current
        deeds: dict[str, Callable[[], None]] = {
            "solve_night": self.work.solve, "align": self.work.align, "stack": self.work.stack,
            "cancel": self.work.cancel, "go_to": self.go_to, "index": self.get_index, "reduce": self._window.run.start,
            "catalogue": self.work.fetch, "nova_key": self.ask_nova_key,
        }  # fmt: skip
        if deed == "frame":
            self._window.products.end()
        elif deed in deeds:
            deeds[deed]()
        elif path is None:
            return
        elif deed == "solve":
            self.work.solve([path], force=True)
        elif deed == "hint":
            self.ask_hint(path)
        elif deed == "plain":
            self._window.decisions.set_hint(path, {})
            self.work.solve([path], force=True)

    def show_dock(self) -> None:
        """Bring the dock to the front."""
        self._window.bring_up("sky")

    def ask_hint(self, path: str) -> None:
        """Ask where a frame is to be searched, then solve it."""
        from astep_gui.widgets.solve_hint_dialog import SolveHintDialog  # noqa: PLC0415 - only when asked for

        frame = self._night.frame(path)
        if frame is None:
            return
        recipe = self._night.recipe.solve
        header = {
            "ra_deg": frame.ra_deg,
            "dec_deg": frame.dec_deg,
            "scale_arcsec": recipe.scale_arcsec or frame.pixel_scale_arcsec,
            "radius_deg": recipe.radius_deg,
        }
        dialog = SolveHintDialog(
            frame.name, self.model.sky.hints.get(path, {}), header, self._window, self.model.objects()
        )
        dialog.chosen.connect(lambda hint: self.solve_with(path, hint))
        dialog.chosen_for_all.connect(self.solve_all_with)
        dialog.open()

    def solve_with(self, path: str, hint: dict[str, float | None]) -> None:
        """Decide hints for a frame, and solve it with them."""
        self._window.decisions.set_hint(path, hint)
        self.work.solve([path], force=True)

    def solve_all_with(self, hint: dict[str, float | None]) -> None:
        """Decide hints for all science frames, and solve those that are not solved yet."""
        paths = [frame.path for frame in self._night.frames if frame.kind.value == "science" and frame.unusable is None]
        self._window.decisions.set_hints(paths, hint)
        self.work.solve()

    def ask_nova_key(self) -> None:
        """Ask for the key of nova.astrometry.net, and keep it in the system's keyring."""
        from astep_gui.widgets.nova_key_dialog import NovaKeyDialog  # noqa: PLC0415 - only when asked for

        NovaKeyDialog(self._window.jobs, self._window).open()

    def get_index(self) -> None:
        """Say which index this field wants, and how it comes here."""
        from astep_gui.widgets.index_dialog import IndexDialog  # noqa: PLC0415 - only when asked for

        frame = self._night.frame(self._night.current)
        scale = self._night.recipe.solve.scale_arcsec or (frame.pixel_scale_arcsec if frame is not None else None)
        hint = self.model.sky.hints.get(self._night.current or "", {}).get("scale_arcsec")
        scale = hint or scale
        solved = self.model.sky.solutions.get(self._night.current or "")
        shape = solved.shape if solved is not None else frame.shape if frame is not None else None
        field = min(shape) * scale / 60.0 if shape is not None and scale else None
        dialog = IndexDialog(field, self._night.recipe.solve.indexes, self._window)
        dialog.files_chosen.connect(self.work.add_index)
        dialog.open()

    # -- going somewhere -------------------------------------------------------------------------------------

    def go_to(self) -> None:
        """Ask where to."""
        from astep_gui.widgets.goto_dialog import GotoDialog  # noqa: PLC0415 - only when asked for
        from pipeline_core.sky_target import known_names  # noqa: PLC0415

        dialog = GotoDialog([*self.model.objects(), *known_names()], self._window)
        dialog.asked.connect(lambda text, network: self._find(dialog, text, network=network))
        dialog.found.connect(lambda target: self._go(dialog, target))
        dialog.open()

    def _find(self, dialog: GotoDialog, text: str, *, network: bool) -> None:
        from pipeline_core.sky_target import ask_network, find_target  # noqa: PLC0415

        frame = self._night.frame(self._night.current)
        when = frame.mid_utc if frame is not None else None
        year = when.year + (when.timetuple().tm_yday - 1) / 365.25 if when is not None else None
        objects = self.model.objects()

        def work(_context: RunContext) -> Target:
            try:
                return find_target(text, objects, year=year)
            except AstepError as error:
                if not network or "is not known here" not in error.what:
                    raise
            return ask_network(text)

        job = self._window.jobs.job("looking for a place", work)
        # Connected to the dialog's own, which is gone with it: the network may take its time.
        job.done.connect(dialog.found)
        job.failed.connect(dialog.refuse)
        job.start()

    def _go(self, dialog: GotoDialog, target: Target) -> None:
        words, is_here = self.show_target(target)
        dialog.say(words, "good" if is_here else "warn")
        if is_here:
            self._window.log.say(words)
            dialog.close()

    def show_target(self, target: Target) -> tuple[str, bool]:
        """Mark a place and bring it into the middle; say where it is, and whether it is in this frame."""
        from pipeline_core.science.tangent import sexagesimal  # noqa: PLC0415

        view = self._viewing.view
        shown = view.shown
        ra, dec = sexagesimal(target.ra_deg, target.dec_deg)
        about = f"{target.name}: {ra} {dec} ({target.source})"
        sky = shown.facts.sky if shown is not None and shown.facts is not None else None
        if shown is None or sky is None:
            return f"{about}. This image has no place on the sky: solve it first", False
        self.overlay.target = Gone(target.name, target.ra_deg, target.dec_deg)
        solution = as_solution(sky)
        at = place_in(solution, shown.shape, target.ra_deg, target.dec_deg)
        if at is not None:
            view.centre_on(*at)
            self._repaint()
            return about, True
        other = self._frame_with(target)
        if other is not None:
            self._night.select([other])
            return f"{about}. It is not in that frame, but in {other.rpartition('/')[2]}, which is shown now", True
        import math  # noqa: PLC0415

        from pipeline_core.science.tan_sip import separation_deg, to_plane  # noqa: PLC0415

        middle_ra, middle_dec = solution.centre(shown.shape)
        far = float(separation_deg(middle_ra, middle_dec, target.ra_deg, target.dec_deg))
        east, north = to_plane(target.ra_deg, target.dec_deg, middle_ra, middle_dec)
        bearing = math.degrees(math.atan2(float(east), float(north))) % 360.0 if math.isfinite(float(east)) else None
        where = away_words(far, bearing) if bearing is not None else f"{far:.0f}°"
        return f"{about} lies {where} of the middle of this frame; no solved frame of the night shows it", False

    def _frame_with(self, target: Target) -> str | None:
        """Return the first solved frame in which a place lies."""
        for path, frame in self.model.sky.solutions.items():
            if frame.solution is None or frame.shape is None:
                continue
            if place_in(frame.solution, frame.shape, target.ra_deg, target.dec_deg) is not None:
                return path
        return None

    # -- the image -------------------------------------------------------------------------------------------

    def _dressed(self, path: str, shown: ShownImage) -> ShownImage:
        return self.model.dressed(path, shown, is_trimmed=is_trimmed(shown.key))

    def _missing(self) -> str:
        """Say why no catalogue stars can be drawn over the frame; empty while they are on their way."""
        solved = self.model.sky.solutions.get(self._night.current or "")
        if solved is None or not solved.solved:
            return "no catalogue stars: this frame is not solved"
        return self.model.view_problem

    def _paint(self, painter: object, area: QRectF, to_screen: object, shown: ShownImage) -> None:
        self.overlay.is_hidden = self._viewing.is_blinking
        path = self._night.current
        products = self._window.products
        is_frame = path is not None and products.master is None and products.stack is None
        self.overlay.view = self.model.view if is_frame else None
        self.overlay.residuals = residuals_of(self.model.view) if is_frame and self.model.view is not None else None
        self.overlay.missing = self._missing() if is_frame else "stars are matched on frames only"
        if is_frame and path is not None:
            self.overlay.offset = self.model.offset(path, is_trimmed=is_trimmed(shown.key))
        self.overlay.paint(painter, area, to_screen, shown)  # type: ignore[arg-type]

    def _marks_changed(self) -> None:
        for name, action in self._menu.items():
            action.blockSignals(True)  # noqa: FBT003 - Qt's own way
            action.setChecked(self.overlay.on[name])
            action.blockSignals(False)  # noqa: FBT003
        self._see(self._panel_seen)
        self._repaint()

    def _see(self, seen: bool) -> None:  # noqa: FBT001 - a slot
        self._panel_seen = seen
        self.model.want_view(seen or self.overlay.on["catalogue"] or self.overlay.on["residuals"])

    def _sky_changed(self) -> None:
        self.overlay.footprints = self.model.sky.footprints
        self._dress_shown()
        self._repaint()

    def _dress_shown(self) -> None:
        """Give the image that is shown the place that is known now."""
        shown, path = self._viewing.view.shown, self._night.current
        if shown is None or path is None or self._viewing.is_blinking:
            return
        if isinstance(shown.key, tuple) and len(shown.key) > 1 and shown.key[1] == path:
            dressed = self._dressed(path, shown)
            if dressed is not shown:
                self._viewing.view.show_image(dressed, self._viewing.badge(path))

    def _view_changed(self) -> None:
        if self.overlay.on["catalogue"] or self.overlay.on["residuals"]:  # else none of it is seen over the image
            self._repaint()

    def _repaint(self) -> None:
        self._viewing.view.canvas.viewport().update()

    def places(self, paths: Sequence[str], *, is_trimmed: bool, onto: str | None = None) -> dict[str, BlinkPlace]:
        """Return where frames lie against one of them, for blinking; those that have no place are left out."""
        from astep_gui.models.blink_places import blink_places  # noqa: PLC0415 - only when asked for
        from astep_gui.models.trim_offset import lit_shape  # noqa: PLC0415

        frames = {path: self._night.frame(path) for path in paths}
        return blink_places(
            paths,
            self.model.sky.alignment,
            self._night.rows,
            {path: lit_shape(self._night.plan, frame) if frame else None for path, frame in frames.items()},
            lambda path: self.model.offset(path, is_trimmed=is_trimmed),
            onto,
        )

    # -- stacks ----------------------------------------------------------------------------------------------

    def show_stack(self, stack: StackMade) -> None:
        """Show a stack in the place of the frame."""
        self._window.products.show_stack(stack)

    def _product_changed(self) -> None:
        products = self._window.products
        self.panel.show_product(products.stack, products.master.name if products.master is not None else "")
        self._repaint()

    # -- work ------------------------------------------------------------------------------------------------

    def _finished(self, words: str) -> None:
        self._window.log.quiet()
        self._window.log.say(words)
        self.model.reload()

    def _failed(self, error: object) -> None:
        self._window.log.quiet()
        self._window.show_problem(error)
        self.model.reload()

    def _run_changed(self) -> None:
        was_held, self.model.is_held = self.model.is_held, self._window.run.is_running
        if was_held and not self.model.is_held:
            self.model.look()
        self.panel.follow_work()
