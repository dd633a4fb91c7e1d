"""What the actions do: each a few lines that ask a model, a dialog or the logbook."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QApplication

from astep_gui.actions import WORKFLOW_WORDS
from astep_gui.models.needs_answers import DECIDES
from astep_gui.models.results_words import headline, sentence
from astep_gui.picture_deeds import save_picture
from astep_gui.results_deeds import ResultsDeeds
from astep_gui.theme import THEMES, apply_theme, theme
from pipeline_core.types import FrameKind, MaskBit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from astep_gui.main_window import MainWindow
    from astep_gui.models.needs import Need, Remedy
    from pipeline_core.reduction_told import Reduction

SAYS_MUCH = {"Reduce", "Results"}
"""Parts of the work that say more than fits below the levels in a low window."""
SHORT_PX = 820
"""Below this height of the window the levels make room for the run and its results."""
PANELS_OF = {
    "Night": ("plan", "header", "inspect"),
    "Judge": ("inspect", "pixel", "header"),
    "Reduce": ("run", "plan", "header"),
    "Results": ("results", "header", "inspect"),
}
"""Panels that belong to a part of the work, the one that is brought to the front first."""

_OWN = (
    "settings", "fit", "one_to_one", "auto_levels", "masks", "why", "one_star", "blink", "blink_all", "compare", "back",
    "save_picture", "make_masters", "grouped", "pictures", "log", "theme", "plan", "palette", "shortcuts", "about",
    "image_only",
)  # fmt: skip
"""Actions that are methods here."""


class Deeds(ResultsDeeds):
    """The slots of the table of actions: those of frames, of the night and of its results, and all others."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._levels_are_away = False
        self._section = 0
        """Of the settings, that was looked at last."""
        self._brushed: frozenset[str] = frozenset()
        """Frames that were selected in the plot, or shown together."""
        window.viewing.timeline_model.selection_asked.connect(self._tell_brushed)

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action of the table does."""
        window = self._window
        slots = super().slots() | {name: getattr(self, name) for name in _OWN}
        slots |= {
            "refresh": self._night.refresh,
            "close_night": self._night.close,
            "quit": window.close,
            "undo": self._decisions.undo,
            "redo": self._decisions.redo,
            "invert": window.viewing.levels.set_inverted,
            "cross_hair": window.viewing.view.set_cross_hair,
            "reset_layout": lambda: window.panels.reset(),  # noqa: PLW0108 - they are docked later
            "reduce": self.begin_run,
            "cancel": self.cancel,
            "report_small": partial(self.report, small=True),
        }
        slots |= {f"theme_{name}": partial(self._put_on, name) for name in THEMES}
        slots |= {f"turn_to_{name.lower()}": partial(window.tabs.choose, name) for name in WORKFLOW_WORDS}
        return slots | window.sky.slots()

    def remedy(self, need: Need, remedy: Remedy) -> None:
        """Do what a person chose among the ways out, and remember a decision: the line of the need tells it."""
        before = self._decisions.last_step
        self._do_remedy(need, remedy)
        if remedy.deed in DECIDES and (step := self._decisions.last_step) != before:
            self._window.needs.take_answer(need, remedy, step)

    def _do_remedy(self, need: Need, remedy: Remedy) -> None:
        if remedy.deed == "undo":
            self._decisions.undo_only(self._decisions.last_step)  # it was offered for that step
        elif remedy.deed == "set":
            self._decisions.set_field(remedy.paths or need.paths, remedy.field, remedy.value)
        elif remedy.deed == "reject":
            kept = self._night.choices.kept  # the list may be a moment behind a word for one of them
            self._decisions.reject([path for path in remedy.paths or need.paths if path not in kept], remedy.value)
        elif remedy.deed == "accept":
            self._decisions.accept(need.paths)
        elif remedy.deed == "plan":
            self.plan()
            self._window.plan_panel.point_out(need.why, need.paths)
        elif remedy.deed == "output":
            self.output()
        else:
            self.show_frames(need.paths)

    def show_frames(self, paths: Sequence[str]) -> None:
        """Select frames, look at the first, and say how many they are and what can be done with all of them."""
        self._window.table.show_only(paths)
        if len(paths) > 1:
            self._tell_brushed(paths)

    # -- view ------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole frame."""
        self._viewing.seen.fit()

    def one_to_one(self) -> None:
        """Show one pixel of the frame as one of the screen."""
        self._viewing.seen.one_to_one()

    def auto_levels(self) -> None:
        """Take levels from the sky and its noise."""
        self._viewing.levels.use_preset("auto")

    def masks(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Mark masked pixels in their colours."""
        self._viewing.view.set_mask_bits(sum(MaskBit.WORDS) if is_on else 0)

    def why(self) -> None:
        """Tell the story of the pixel under the pointer; where a window manager keeps Alt-click to itself."""
        self._point(Qt.KeyboardModifier.AltModifier)

    def one_star(self) -> None:
        """Follow the star under the pointer."""
        self._point(Qt.KeyboardModifier.ShiftModifier)

    def _point(self, modifier: Qt.KeyboardModifier) -> None:
        place = self._viewing.view.pointed_at
        if place is None:
            self._window.log.say("point at a place of the image first, then press the key")
        else:
            self._viewing.view.clicked.emit(*place, modifier)

    def blink(self) -> None:
        """Blink the selected frames, or their calibrated files while one is shown; of a single one, its group.

        Of two that are compared, those.
        """
        if self._viewing.comparing.is_on:
            compare = self._viewing.compare
            compare.set_mode("side" if compare.mode == "blink" else "blink")
            return
        paths = list(self._night.selection)
        if len(paths) < 2 and self._night.current is not None:
            paths = self._window.table.model.group_of(self._night.current)
        self._blink_these(paths)

    def blink_all(self) -> None:
        """Blink all science frames of the night, of whatever group; while a blink is on, end it."""
        frames = self._night.frames
        self._blink_these([f.path for f in frames if f.kind is FrameKind.SCIENCE and f.unusable is None])

    def _blink_these(self, paths: Sequence[str]) -> None:
        products = self._window.products
        if products.is_on and products.calibrated is None:
            products.end()  # a master or a stack is none of the frames that go by
        self._viewing.toggle_blink(paths, calibrated=products.calibrated is not None)

    def compare(self) -> None:
        """See two selected frames side by side, or their calibrated files; of a single one, it and the next."""
        products = self._window.products
        if self._viewing.is_blinking:
            self._viewing.blink.pause()  # the frame that is seen is meant
        if products.is_on and products.calibrated is None:
            products.end()
        self._viewing.comparing.ask_selected(calibrated=products.calibrated is not None)

    def back(self) -> None:
        """Go back to the plain frame, one thing at a time."""
        window, viewing = self._window, self._viewing
        if window.closing.is_waited_for:
            window.closing.call_off()
        elif window.notice.isVisible():
            window.notice.clear()
        elif viewing.rail.page.isVisible():
            viewing.rail.page.hide()
        elif viewing.is_blinking:
            viewing.blinking.go_back()
        elif len(self._brushed) > 1 and self._brushed == set(self._night.selection):
            self._brushed = frozenset()
            self._night.select([self._night.current] if self._night.current is not None else [])
            window.log.say_passing("no frames are selected any more")
        elif window.products.is_on:
            window.products.end()
        elif viewing.pages.currentWidget() is viewing.compare:
            viewing.comparing.end()
        elif viewing.steps.chosen is not None:
            viewing.steps.choose(None)
        elif viewing.star.place is not None:
            viewing.star.clear()
        else:
            self.show_all()
            window.table.tree.setFocus()

    def _tell_brushed(self, paths: Sequence[str]) -> None:
        """Say how many frames were selected at once, and what can be done with them."""
        self._brushed = frozenset(paths)
        if len(paths) > 1:
            words = "X rejects them, U accepts them, B blinks them, Esc lets them go"
            self._window.log.say_passing(f"{len(paths)} frames selected: {words}")
        elif not paths:
            self._window.log.say_passing("no frame lies there")

    def save_picture(self) -> None:
        """Save the frame as a picture, and say where it lies."""
        save_picture(self._window)

    def show_story(self) -> None:
        """Bring the story of a pixel to the front when it is asked for."""
        if self._viewing.story.is_busy:
            self._window.bring_up("pixel")

    def cancel(self) -> None:
        """Stop the run, what is done for the sky, and what is being written."""
        self._window.run.cancel()
        self._window.sky.work.cancel()
        self._window.errands.cancel_all()

    def make_masters(self) -> None:
        """Make the masters, so that the later steps of frames can be seen; while they are made, stop that."""
        if self._window.run.is_running:
            self._window.run.cancel()
            return
        from pipeline_core.reduce import RunOptions  # noqa: PLC0415 - heavy

        self._window.run.start(RunOptions(only="masters", masters_inside=False))

    def turn_to(self, name: str) -> None:
        """Bring to the front what a part of the work needs."""
        self._window.image_only.set_on(False)
        docks, panels = self._window.docks, PANELS_OF[name]
        for panel in sorted({panel for panels in PANELS_OF.values() for panel in panels}):
            if not docks[panel].isFloating():  # what a person took out of the window stays where it is
                docks[panel].setVisible(panel in panels)
        self._window.bring_up(panels[0])
        if name in SAYS_MUCH:
            self._window.resizeDocks([docks["levels"], docks[panels[0]]], [1, 3], Qt.Orientation.Vertical)
        self._window.viewing.splitter.set_work(name)
        self.follow_height()

    def follow_height(self) -> None:
        """Put the levels away while a low window shows what says much, and bring them back elsewhere."""
        is_low = self._window.height() < SHORT_PX
        self.make_room(is_needed=is_low and self._window.tabs.name in SAYS_MUCH)

    @property
    def has_made_room(self) -> bool:
        """Whether the levels are away for a while, which is nobody's wish for the next time."""
        return self._levels_are_away

    def make_room(self, *, is_needed: bool) -> None:
        """Put the levels away in a low window, and bring them back; those that a person closed stay closed."""
        levels = self._window.docks["levels"]
        if is_needed and not levels.isHidden() and not levels.isFloating():
            levels.hide()
            self._levels_are_away = True
            self._viewing.view.head.offer_levels(is_offered=True)  # nothing else tells of them
        elif not is_needed and self._levels_are_away:
            levels.show()
            self._levels_are_away = False
            self._viewing.view.head.offer_levels(is_offered=False)
            QTimer.singleShot(0, self._share_anew)

    def _share_anew(self) -> None:
        """Lay panels out anew: Qt may leave one that was shown again below another until the next click."""
        docks = self._window.docks
        below = next((name for name in PANELS_OF[self._window.tabs.name] if docks[name].isVisible()), None)
        if below is not None and docks["levels"].isVisible():
            self._window.resizeDocks([docks["levels"], docks[below]], [2, 3], Qt.Orientation.Vertical)

    def image_only(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Put panels and strips aside, or bring them back."""
        self._window.image_only.set_on(is_on)

    def pictures(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show small pictures in the frame table, or not."""
        self._window.table.pictures.setChecked(is_on)

    def grouped(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Group the frame table, or not."""
        self._window.table.grouped.setChecked(is_on)

    def log(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Unfold the log."""
        self._window.log.fold.setChecked(is_on)

    def theme(self) -> None:
        """Put on the next theme."""
        names = list(THEMES)
        self._put_on(names[(names.index(theme().name) + 1) % len(names)])

    def _put_on(self, name: str) -> None:
        """Put on a theme, and remember it."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, name)
        self._window.remembered.set_word("theme", name)
        self._window.needs.show_needs()

    def plan(self) -> None:
        """Bring the plan to the front."""
        self._window.bring_up("plan")

    def which_dark(self) -> None:
        """Say which dark the current frame gets, and let another one be chosen."""
        from astep_gui.which_dark import ask_which_dark, which_dark  # noqa: PLC0415 - only when asked for

        path, window = self._night.current, self._window
        found = which_dark(self._night, path) if path is not None else None
        if found is None:
            error = self._night.plan_error
            if error is not None:
                why = f"there is no plan, and so no dark for this frame: {error}"
            elif self._night.plan is None:
                why = "the plan is being made: in a moment it is known which dark this frame gets"
            else:
                why = "the plan takes no dark for this frame: it is left out, or is no science frame"
            window.log.say_passing(why)
            return
        ask_which_dark(
            self._viewing.rail.dark,
            found,
            show_plan=lambda: self._show_dark(found.dark),
            show_master=lambda: window.products.show_master(found.dark or ""),
            decide=lambda value: self._decisions.set_field(found.paths, "dark", value),
        )

    def _show_dark(self, dark: str | None) -> None:
        self.plan()
        if dark is not None:
            self._window.plan_panel.point_out_master(dark)
            self._window.log.say_passing("a click on a line of the plan selects its frames")

    # -- dialogs ---------------------------------------------------------------------------------------------

    def settings(self, section: str = "", field: str = "") -> None:
        """Show the settings of the reduction, one of them in front if it is named."""
        from astep_gui.cosmic_trial import try_cosmic_settings  # noqa: PLC0415 - only when asked for
        from astep_gui.widgets.settings_form import SettingsDialog  # noqa: PLC0415

        dialog = SettingsDialog(self._night.recipe, self._window)
        dialog.recipe_chosen.connect(self._decisions.set_recipe)
        try_cosmic_settings(self._night, self._viewing.view, dialog)
        dialog.sections.setCurrentRow(self._section)
        dialog.sections.currentRowChanged.connect(self._keep_section)
        dialog.open()
        if section:
            dialog.bring_up(section, field)

    def _keep_section(self, row: int) -> None:
        self._section = row

    def palette(self) -> None:
        """Find an action by its words."""
        from astep_gui.widgets.command_palette import CommandPalette  # noqa: PLC0415 - only when asked for

        settings: dict[tuple[str, str], str] = {}
        if self._night.is_open:
            from astep_gui.widgets.settings_form import settings_told  # noqa: PLC0415 - the night has its recipe

            settings = settings_told()
        palette = CommandPalette(list(self._window.actions_by_name.values()), self._window, settings)
        palette.setting_asked.connect(self.settings)
        palette.open()

    def shortcuts(self) -> None:
        """Show all keys."""
        from astep_gui.widgets.shortcuts import ShortcutsOverlay  # noqa: PLC0415 - only when asked for

        ShortcutsOverlay(self._window).open()

    def about(self) -> None:
        """Say what this is, and which versions it stands on."""
        from astep_gui.widgets.about import AboutDialog  # noqa: PLC0415 - only when asked for

        AboutDialog(self._window).open()

    def show_summary(self, result: Reduction) -> None:
        """Say what came of a run: who watched it sees the results, who judges meanwhile is not disturbed."""
        window = self._window
        fresh = [one for one in result.findings if one.words not in result.said_before]
        for finding in fresh:
            window.log.say(sentence(finding.words), "warning")
        if as_before := len(result.findings) - len(fresh):
            words = "1 warning is" if as_before == 1 else f"{as_before} warnings are"
            window.log.say(f"{words} as before: Results (Ctrl+4) lists all")
        if result.saturated_before not in {None, result.saturated} and result.saturated_words:
            window.log.say(result.saturated_words)
        window.log.say_lasting(f"{headline(result)} in {result.seconds:.0f} s; results in {result.output}")
        if window.tabs.name == "Reduce":
            window.tabs.choose("Results")
        elif window.tabs.name != "Results":
            window.tabs.mark("Results", is_news=True)

    def begin_run(self) -> None:
        """Reduce, and show how far it is."""
        self._window.run.start()
        if self._window.run.is_running:
            self._window.log.say("reducing …")  # what was said before is over
            self._window.tabs.choose("Reduce")

    def say_stopped(self) -> None:
        """Say how a run goes on that was stopped: what makes the masters alone is not what reduces the night."""
        goes_on = "Ctrl+R goes on"
        if self._window.run.only == "masters":
            goes_on = "“Make the masters” goes on with them, Ctrl+R reduces the whole night"
        self._window.log.say_lasting(f"stopped; what is finished stays, {goes_on}")
