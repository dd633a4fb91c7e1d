"""What the actions do: each a few lines that ask a model, a dialog or the logbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QPoint, QUrl
from PyQt6.QtGui import QDesktopServices, QGuiApplication
from PyQt6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMenu

from astep_gui.theme import THEMES, apply_theme, theme
from pipeline_core.errors import NightError
from pipeline_core.types import FrameKind, MaskBit

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.main_window import MainWindow
    from astep_gui.models.needs import Need, Remedy
    from pipeline_core.events import RunContext
    from pipeline_core.reduce import Reduction

DEMO_SIZE = 1024
REASONS = ("cloud", "frost", "defocus", "trailed", "bright sky", "satellite", "shutter", "wrong field")

_OWN = (
    "open", "demo", "output", "show_results", "search", "settings", "next", "previous", "reject",
    "reject_reason", "accept", "set_kind", "set_filter", "reference", "fit", "one_to_one", "auto_levels",
    "masks", "blink", "compare", "back", "save_picture", "make_masters", "report", "show_suspects", "show_rejected",
    "copy_path", "reveal", "grouped", "log", "theme", "plan", "palette", "shortcuts", "about",
)  # fmt: skip
"""Actions that are methods here."""


class Deeds(QObject):
    """The slots of the table of actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._night = window.night
        self._decisions = window.decisions
        self._viewing = window.viewing

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action of the table does."""
        window = self._window
        slots: dict[str, Callable[..., object]] = {name: getattr(self, name) for name in _OWN}
        slots |= {
            "refresh": self._night.refresh,
            "close_night": self._night.close,
            "quit": window.close,
            "undo": self._decisions.undo,
            "redo": self._decisions.redo,
            "invert": window.viewing.levels.set_inverted,
            "cross_hair": window.viewing.view.set_cross_hair,
            "reset_layout": window.reset_layout,
            "reduce": window.run.start,
            "cancel": window.run.cancel,
        }
        return slots

    # -- night -----------------------------------------------------------------------------------------------

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
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(place.output)))
        elif place is not None:
            self._window.log.say(f"there are no results yet; they will lie in {place.output}")

    # -- frames ----------------------------------------------------------------------------------------------

    def search(self) -> None:
        """Put the cursor into the search field."""
        self._window.docks["frames"].raise_()
        self._window.table.search.setFocus()
        self._window.table.search.selectAll()

    def next(self) -> None:
        """Look at the next frame."""
        self._step(1)

    def previous(self) -> None:
        """Look at the frame before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        if self._viewing.is_blinking:
            self._viewing.blink.step(by)
            return
        path = self._window.table.step(by)
        if path is not None:
            self._night.select([path])

    def reject(self) -> None:
        """Reject the selected frames for what is suggested of them, and go to the next."""
        if self._viewing.is_blinking:
            self._viewing.blink_bar.ask_reject()
        else:
            self.reject_for("")

    def reject_reason(self) -> None:
        """Reject with a reason."""
        reason, is_sure = QInputDialog.getItem(self._window, "Reject", "Reason", REASONS, 0, True)  # noqa: FBT003
        if is_sure:
            self.reject_for(reason)

    def reject_for(self, reason: str) -> None:
        """Reject the selected frames; without a reason the suggested cause is taken, if all share one."""
        paths = list(self._night.selection)
        if not paths:
            return
        causes = {self._cause(path) for path in paths}
        following = self._window.table.step(1) if len(paths) == 1 else None
        self._decisions.reject(paths, reason or (causes.pop() if len(causes) == 1 else ""))
        if following is not None:
            self._night.select([following])

    def _cause(self, path: str) -> str:
        row = self._night.rows.get(path)
        worst = [flag for flag in row.flags if flag.severity != "note"] if row else []
        return worst[0].cause if worst else ""

    def accept(self) -> None:
        """Accept the selected frames."""
        if self._night.selection:
            self._decisions.accept(list(self._night.selection))

    def set_kind(self) -> None:
        """Ask for the kind of the selected frames."""
        kinds = [kind.value for kind in FrameKind if kind is not FrameKind.UNKNOWN]
        self._ask_field("kind", kinds, is_free=False)

    def set_filter(self) -> None:
        """Ask for the filter of the selected frames."""
        self._ask_field("filter", sorted({f.filter for f in self._night.frames if f.filter}), is_free=True)

    def _ask_field(self, field: str, known: list[str], *, is_free: bool) -> None:
        paths = list(self._night.selection)
        frame = self._night.frame(self._night.current)
        now = str(getattr(frame, field) or "") if frame is not None else ""
        words = f"{field.capitalize()} of {len(paths)} frame{'s' if len(paths) > 1 else ''}"
        number = known.index(now) if now in known else 0
        value, is_sure = QInputDialog.getItem(self._window, words, words, known, number, is_free)
        if is_sure and paths:
            self._decisions.set_field(paths, field, value)

    def reference(self) -> None:
        """Make the current frame the one that others are compared with."""
        if self._night.current is not None:
            self._night.set_reference(self._night.current)

    def show_suspects(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show only frames with suggestions."""
        states = [self._night.state_of(frame.path) for frame in self._night.frames]
        suspected = frozenset(state.word for state in states if state.mark == "▲")
        # When nothing is suspected the list is empty, as asked: no state has that word.
        self._only("show_rejected", suspected or frozenset({"suspected"}), is_on=is_on)

    def show_rejected(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show only rejected frames."""
        self._only("show_suspects", frozenset({"rejected"}), is_on=is_on)

    def _only(self, other: str, states: frozenset[str], *, is_on: bool) -> None:
        if is_on:
            self._window.actions_by_name[other].setChecked(False)
        self._window.table.model.show_states(states if is_on else frozenset())

    def copy_path(self) -> None:
        """Put the selected frames' files on the clipboard."""
        board, night = QGuiApplication.clipboard(), self._night.night
        if board is not None and night is not None:
            board.setText("\n".join(str(night.file(path)) for path in self._night.selection))

    def reveal(self) -> None:
        """Open the folder of the current frame."""
        if self._night.night is not None and self._night.current is not None:
            file = self._night.night.file(self._night.current)
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(file.parent)))

    def frame_menu(self, where: QPoint) -> None:
        """Offer what can be done with the selected frames, kind and filter one click away."""
        menu = QMenu(self._window)
        by_name = self._window.actions_by_name
        for name in ("accept", "reject", "reject_reason"):
            menu.addAction(by_name[name])
        paths = list(self._night.selection)
        for field, values in (
            ("kind", [kind.value for kind in FrameKind if kind is not FrameKind.UNKNOWN]),
            ("filter", sorted({f.filter for f in self._night.frames if f.filter})),
        ):
            below = menu.addMenu(f"Set {field}")
            for value in values if below is not None else ():
                action = below.addAction(value)  # type: ignore[union-attr]
                assert action is not None
                action.triggered.connect(lambda _on, f=field, v=value: self._decisions.set_field(paths, f, v))
        menu.addSeparator()
        for name in ("reference", "copy_path", "reveal"):
            menu.addAction(by_name[name])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def remedy(self, need: Need, remedy: Remedy) -> None:
        """Do what a person chose among the ways out."""
        if remedy.deed == "set":
            self._decisions.set_field(need.paths, remedy.field, remedy.value)
        elif remedy.deed == "reject":
            self._decisions.reject(need.paths, remedy.value)
        elif remedy.deed == "accept":
            self._decisions.accept(need.paths)
        elif remedy.deed == "plan":
            self.plan()
        else:
            self._window.table.show_only(need.paths)

    # -- view ------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole frame."""
        self._viewing.view.fit()

    def one_to_one(self) -> None:
        """Show one pixel of the frame as one of the screen."""
        self._viewing.view.one_to_one()

    def auto_levels(self) -> None:
        """Take levels from the sky and its noise."""
        self._viewing.levels.use_preset("auto")

    def masks(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Mark masked pixels in their colours."""
        self._viewing.view.set_mask_bits(sum(MaskBit.WORDS) if is_on else 0)

    def blink(self) -> None:
        """Blink the selected frames; of a single one, its whole group."""
        paths = list(self._night.selection)
        if len(paths) < 2 and self._night.current is not None:
            paths = self._window.table.model.group_of(self._night.current)
        self._viewing.toggle_blink(paths)

    def compare(self) -> None:
        """See two selected frames side by side; of a single one, it and the one before."""
        self._viewing.comparing.ask_selected()

    def back(self) -> None:
        """Go back to the plain frame, one thing at a time."""
        window, viewing = self._window, self._viewing
        if window.notice.isVisible():
            window.notice.clear()
        elif viewing.is_blinking:
            viewing.end_blink()
        elif viewing.pages.currentWidget() is viewing.compare:
            viewing.comparing.end()
        elif viewing.steps.chosen is not None:
            viewing.steps.choose(None)
        else:
            window.table.search.clear()
            window.table.tree.setFocus()

    def save_picture(self) -> None:
        """Save the image as it is seen."""
        frame, place = self._night.frame(self._night.current), self._night.place
        if frame is None or place is None:
            return
        suggested = str(place.output.parent / f"{frame.name.rsplit('.', 1)[0]}.png")
        name, _kind = QFileDialog.getSaveFileName(self._window, "Save picture", suggested, "Picture (*.png)")
        if name and not self._viewing.picture().save(name):
            why = "the place cannot be written to"
            self._window.show_problem(NightError(f"cannot save {name}", why, "choose another folder"))

    def show_story(self) -> None:
        """Bring the story of a pixel to the front when it is asked for."""
        if self._viewing.story.is_busy:
            dock = self._window.docks["pixel"]
            dock.show()
            dock.raise_()

    def make_masters(self) -> None:
        """Make the masters, so that the later steps of frames can be seen."""
        from pipeline_core.reduce import RunOptions  # noqa: PLC0415 - heavy

        self._window.run.start(RunOptions(only="masters", masters_inside=False))

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
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(file)))

    def grouped(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Group the frame table, or not."""
        self._window.table.grouped.setChecked(is_on)

    def log(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Unfold the log."""
        self._window.log.fold.setChecked(is_on)

    def theme(self) -> None:
        """Put on the next theme."""
        names = list(THEMES)
        name = names[(names.index(theme().name) + 1) % len(names)]
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, name)
        self._window.remembered.set_word("theme", name)
        self._window.needs.show_needs()

    def plan(self) -> None:
        """Bring the plan to the front."""
        dock = self._window.docks["plan"]
        dock.show()
        dock.raise_()

    # -- dialogs ---------------------------------------------------------------------------------------------

    def settings(self) -> None:
        """Show the settings of the reduction."""
        from astep_gui.widgets.settings_form import SettingsDialog  # noqa: PLC0415 - only when asked for

        dialog = SettingsDialog(self._night.recipe, self._window)
        dialog.recipe_chosen.connect(self._night.set_recipe)
        self._viewing.try_cosmic_settings(dialog)
        dialog.open()

    def palette(self) -> None:
        """Find an action by its words."""
        from astep_gui.widgets.command_palette import CommandPalette  # noqa: PLC0415 - only when asked for

        CommandPalette(list(self._window.actions_by_name.values()), self._window).open()

    def shortcuts(self) -> None:
        """Show all keys."""
        from astep_gui.widgets.shortcuts import ShortcutsOverlay  # noqa: PLC0415 - only when asked for

        ShortcutsOverlay(self._window).open()

    def about(self) -> None:
        """Say what this is, and which versions it stands on."""
        from astep_gui.widgets.about import AboutDialog  # noqa: PLC0415 - only when asked for

        AboutDialog(self._window).open()

    def show_summary(self, result: Reduction) -> None:
        """Say what came of a run."""
        from astep_gui.widgets.run_summary import RunSummary  # noqa: PLC0415 - only when there is one

        self._window.log.say(f"done in {result.seconds:.0f} s; results in {result.output}")
        dialog = RunSummary(result, self._window)
        dialog.folder_asked.connect(self.show_results)
        dialog.open()
