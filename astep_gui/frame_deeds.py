"""What is done with frames: stepping, judging, assigning, dropping, showing them elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QPoint
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QInputDialog, QMenu

from astep_gui.commands import counted
from astep_gui.ds9 import open_in_ds9
from astep_gui.models.frame_state import AGAINST_MARKS
from astep_gui.models.tip_words import on_button
from astep_gui.outside import show_outside
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from astep_gui.main_window import MainWindow

MOST_IN_DS9 = 20
REASONS = ("cloud", "frost", "defocus", "trailed", "bright sky", "satellite", "shutter", "wrong field")

_OWN = (
    "search", "next", "previous", "reject", "reject_reason", "accept", "set_kind", "set_filter", "reference",
    "show_suspects", "show_rejected", "copy_path", "reveal", "ds9",
)  # fmt: skip
"""Actions that are methods here."""


class FrameDeeds(QObject):
    """The slots of the actions that mean the selected frames."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._night = window.night
        self._decisions = window.decisions
        self._viewing = window.viewing
        self._last_reason = ""
        self._following: str | None = None
        """What is looked at once the frame that is being rejected is rejected."""
        self._decisions.rejecting.connect(self._look_ahead)
        self._decisions.rejected.connect(self._go_on)
        window.night.night_changed.connect(self._begin_night)

    def slots(self) -> dict[str, Callable[..., object]]:
        """Return what each action does."""
        return {name: getattr(self, name) for name in _OWN}

    def search(self) -> None:
        """Put the cursor into the search field."""
        self._window.bring_up("frames")
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
        paths = list(self._night.selection)
        if not paths:
            return
        causes = Counter(cause for path in paths if (cause := self._decisions.cause(path)))
        # What is suggested of them, of several the most frequent; what was chosen last only where nothing is.
        first = causes.most_common(1)[0][0] if causes else self._last_reason
        reasons = list(dict.fromkeys(filter(None, (first, *causes, *REASONS))))
        what = self._viewing.short_titles.name(paths[0]) if len(paths) == 1 else counted(paths)
        words = f"Why {what} {'is' if len(paths) == 1 else 'are'} rejected"
        reason, is_sure = QInputDialog.getItem(self._window, "Reject", words, reasons, 0, True)  # noqa: FBT003
        if is_sure:
            self._last_reason = reason
            self.reject_for(reason, anew=True)

    def reject_for(self, reason: str, *, anew: bool = False) -> None:
        """Reject the selected frames; without a reason, each for what is suggested of it, or was said before."""
        paths = list(self._night.selection)
        if not paths:
            return
        self._decisions.reject(paths, reason, anew=anew)

    def _look_ahead(self, paths: list[str]) -> None:
        """Find the frame to go on to, which is the same whoever rejects the shown one: key, button or need."""
        is_shown = paths == [self._night.current] and not self._viewing.is_blinking
        self._following = self._next_open() if is_shown and len(self._night.selection) < 2 else None

    def _go_on(self, _paths: list[str]) -> None:
        if self._following is not None:
            self._night.select([self._following])

    def _next_open(self) -> str | None:
        """Return the next frame below that is not rejected already; None at the end."""
        order = self._window.table.model.ordered()
        start = order.index(self._night.current) + 1 if self._night.current in order else 0
        return next((path for path in order[start:] if path not in self._night.rejected), None)

    def show_changed(self, paths: list[str]) -> None:
        """Go to the frames that undo or redo changed; a group's heading or a hidden row is no place to stay.

        Where the shown frame is one of them, it stays in sight.
        """
        if paths and not self._viewing.is_blinking and set(paths) != {self._night.current}:
            shown = self._night.current if self._night.current in paths else None
            self._night.select(paths, shown or paths[0])

    def accept(self) -> None:
        """Accept the selected frames; of those that go by in a blink, the one that is seen."""
        if self._viewing.is_blinking:
            self._viewing.blinking.accept()
        elif self._night.selection:
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
        """Make the current frame the one that others are laid on and compared with; if it is, let quality choose."""
        path = self._night.current
        if path is not None:
            self._decisions.set_reference(path if path != self._night.reference else None)

    def show_suspects(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show only frames with suggestions."""
        self._only("show_rejected", AGAINST_MARKS, is_on=is_on)  # by the marks: causes come in while it is on

    def show_rejected(self, is_on: bool) -> None:  # noqa: FBT001 - a slot
        """Show only rejected frames."""
        self._only("show_suspects", frozenset({"rejected"}), is_on=is_on)

    def _only(self, other: str, states: frozenset[str], *, is_on: bool) -> None:
        if is_on:
            self._window.actions_by_name[other].setChecked(False)
        self._window.table.model.show_states(states if is_on else frozenset())

    def show_all(self) -> None:
        """Take away whatever keeps frames out of the list: what is searched for, and the two switches."""
        for name in ("show_suspects", "show_rejected"):
            self._window.actions_by_name[name].setChecked(False)
        self._window.table.search.clear()

    def _begin_night(self) -> None:
        """Show all of another night: what was searched for was meant for the one that was closed."""
        if not self._night.is_open:
            self.show_all()
            self._window.table.search_now()

    def copy_path(self) -> None:
        """Put the selected frames' files on the clipboard."""
        board, night = QGuiApplication.clipboard(), self._night.night
        if board is not None and night is not None:
            board.setText("\n".join(str(night.file(path)) for path in self._night.selection))

    def reveal(self) -> None:
        """Open the folder of the current frame."""
        if self._night.night is not None and self._night.current is not None:
            show_outside(self._window, self._night.night.file(self._night.current).parent)

    def ds9(self) -> None:
        """Open the selected frames in DS9: in one that is open if it listens, else in a new one."""
        night, window = self._night.night, self._window
        if night is None or not self._night.selection:
            return
        files = [night.file(path) for path in self._night.selection[:MOST_IN_DS9]]
        job = window.jobs.job("DS9", lambda _context: open_in_ds9(files))
        job.failed.connect(lambda error: window.show_problem(error, "\n".join(map(str, files))))
        job.done.connect(lambda how: window.log.say(f"{len(files)} frame{'s' * (len(files) > 1)} opened in DS9 {how}"))
        job.start()

    def regroup(self, paths: list[str], changes: list[tuple[str, str, object]], title: str) -> None:
        """Make frames that were dropped on a group like those of the group, and say what changed."""
        if not changes:
            words = f"{len(paths)} frames already are like {title}: only where the telescope pointed differs"
            self._window.log.say(words, "warning")
            return
        said = dict.fromkeys(f"{field} = {value or 'none'}" for _path, field, value in changes)
        self._decisions.regroup(changes, title)
        self._window.log.say(f"{counted(paths)} to {title}: {', '.join(said)} (Ctrl+Z takes it back)")

    def field_menu(self, where: QPoint) -> None:
        """Offer kind and filter of the selected frames, those they have ticked: what a double click asks for."""
        paths = list(self._night.selection)
        frame = self._night.frame(self._night.current)
        if frame is None or not paths:
            return
        menu = QMenu(self._window)
        self._head(menu, f"Kind of {counted(paths)}")
        for kind in FrameKind:
            if kind is not FrameKind.UNKNOWN:
                self._offer_field(menu, paths, "kind", kind.value, is_now=frame.kind is kind)
        if frame.kind.has_filter or frame.kind is FrameKind.UNKNOWN:
            self._head(menu, "Filter")
            for name in sorted({f.filter for f in self._night.frames if f.filter}):
                self._offer_field(menu, paths, "filter", name, is_now=frame.filter == name)
            another = menu.addAction("Another filter…")
            assert another is not None
            another.triggered.connect(lambda _on: self.set_filter())
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    @staticmethod
    def _head(menu: QMenu, words: str) -> None:
        """Write a line that cannot be chosen: the style draws a section's own words as a mere line."""
        if not menu.isEmpty():
            menu.addSeparator()
        if (heading := menu.addAction(on_button(words))) is not None:
            heading.setEnabled(False)

    def _offer_field(self, menu: QMenu, paths: list[str], field: str, value: str, *, is_now: bool = False) -> None:
        action = menu.addAction(on_button(value))
        assert action is not None
        action.setCheckable(is_now)
        action.setChecked(is_now)
        action.triggered.connect(lambda _on: self._decisions.set_field(paths, field, value))

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
                self._offer_field(below, paths, field, value)  # type: ignore[arg-type] # looked at above
        menu.addSeparator()
        for name in ("reference", "calibrated", "ds9", "copy_path", "reveal"):
            menu.addAction(by_name[name])
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)
