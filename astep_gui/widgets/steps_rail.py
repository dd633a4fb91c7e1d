"""The rail over the image: what was done to this frame, step by step, and what the chosen step did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtBoundSignal, pyqtSignal
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.step_words import WORDS
from astep_gui.theme import theme_notice
from astep_gui.widgets.frame_words import FrameWords
from astep_gui.widgets.step_button import STATES, StepButton

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.steps_model import StepEntry, StepsModel

_ROOM_FOR_DARK = 700
"""Pixels from which a step's words have enough room beside the whole words of the button for its dark."""
ROOMY, TIGHT = 20, 3
"""Pixels on both sides of a word at most and at least."""
NOT_MADE = "has not been made yet"
"""The end of what the core says of a missing master."""
MAKES_THEM = "Reduce makes them, or make them now"
"""Beside the button that does."""
LATER_MISSING = f"! Later steps need masters, which are not made yet. {MAKES_THEM}"
LATER_MADE = "! Later steps wait for masters, which are being made"
INVITE = "Choose a step to see what it did"
_REJECT, _KEEP = "Reject this frame (X); Shift+X asks for the reason", "Accept this frame, whatever is said of it (U)"
_REJECT_ALL, _KEEP_ALL = (
    "Reject all {} selected frames (X); Shift+X asks for the reason",
    "Accept all {} selected frames (U)",
)
NO_FRAME = "No frame with steps is shown"
FRAMES = {
    "previous": "the frame before",
    "next": "the next frame",
    "reference": "the reference frame",
    "selected": "the other selected frame",
}
"""Frames that the shown one can be compared with."""


class StepsRail(QWidget):
    """Shows a :class:`StepsModel`: one button a step, the difference to the step before, a peek at it."""

    compare_asked = pyqtSignal(str, str)
    """Names of two steps to be seen side by side: the one before, and the chosen one."""
    frames_asked = pyqtSignal(str)
    """One of :data:`FRAMES`, to be seen beside the shown one."""
    reject_asked = pyqtSignal()
    dark_asked = pyqtSignal()
    """Somebody wants to know which dark is too strong or too weak for the frame."""
    keep_asked = pyqtSignal()
    """The frame is rejected or accepted, or all that are selected."""

    def __init__(self, model: StepsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.buttons: dict[str, StepButton] = {}
        self._names: tuple[str, ...] = ()
        self._suggestion = self._invitation = ""
        self._is_open, self._tone, self._of_dark, self._are_made = False, "dim", False, False
        self._takes_dark = False
        self.setAccessibleName("Steps of this frame")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reject = self._small("Reject", _REJECT, self.reject_asked)
        self.keep = self._small("Keep", _KEEP, self.keep_asked)
        for button in (self.reject, self.keep):
            button.setProperty("counts", True)  # noqa: FBT003 - Qt's own way
        self.dark = self._small(
            "Which dark?",
            "Which dark is subtracted from this frame, what it was made of, and which other one may be",
            self.dark_asked,
        )
        words = "Make bias, dark, flat and mask, so that the later steps can be shown"
        self.make = self._small("Make the masters", words, model.masters_asked)
        self.difference = self._tool("Difference", "Show what this step changed instead of what it left")
        self.difference.setCheckable(True)
        self.difference.clicked.connect(model.set_difference)
        self.peek = self._tool("Peek", "Hold to see the step before (hold `)")
        self.peek.pressed.connect(lambda: model.peek(True))  # noqa: FBT003 - a switch
        self.peek.released.connect(lambda: model.peek(False))  # noqa: FBT003
        self.compare = self._tool("Compare ▾", "See two steps, or two frames, side by side, with a wipe, or blinking")
        self.compare.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.compare_menu = QMenu(self.compare)
        self.compare_menu.aboutToShow.connect(self.fill_compare)
        self.compare.setMenu(self.compare_menu)
        self._lay_out()
        model.changed.connect(self._follow)
        theme_notice().changed.connect(self.update)
        self._follow()

    def _small(self, words: str, tip: str, asks: pyqtBoundSignal) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("small", "true")
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _on: asks.emit())
        return button

    def _tool(self, words: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(words)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _lay_out(self) -> None:
        self.steps = QWidget(self)
        self._row = QHBoxLayout(self.steps)
        self._row.setContentsMargins(6, 0, 6, 0)
        self._row.setSpacing(0)
        self._row.addStretch(1)
        deeds = (self.difference, self.peek, self.compare)
        self._below = FrameWords((self.reject, self.keep), deeds, (self.dark, self.make), self)
        self.verdict, self.note, self.all = self._below.verdict, self._below.note, self._below.all
        self.page = self._below.page
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)  # it gives way: see _fit
        layout.addWidget(self.steps)
        layout.addWidget(self._below)

    def show_steps(self, are_shown: bool) -> None:  # noqa: FBT001 - a switch
        """Have the steps there, or only what is said of the frame: a bar in their place names what is seen of it."""
        if are_shown == self.steps.isHidden():
            self.steps.setHidden(not are_shown)
            self._follow()

    def set_suggestion(self, words: str, *, is_open: bool = True, tone: str = "warn", of_dark: bool = False) -> None:
        """Say what speaks against the shown frame, whether or not a step is chosen; "" where nothing does.

        Parameters
        ----------
        words : str
        is_open : bool
            Nobody has answered yet.
        tone : str
            "warn" or "bad", as the frame's mark in the list.
        of_dark : bool
            It says that the frame's dark is too weak or too strong: which one it is, is one click away.
        """
        if (words, is_open, tone, of_dark) != (self._suggestion, self._is_open, self._tone, self._of_dark):
            self.page.hide()
            self._suggestion, self._is_open, self._tone, self._of_dark = words, is_open, tone, of_dark
            self._say()

    def offer_dark(self, is_offered: bool) -> None:  # noqa: FBT001 - a switch
        """Let it be asked at the step "Dark" which one the frame gets: for a science frame, whether one is made yet."""
        if is_offered != self._takes_dark:
            self._takes_dark = is_offered
            self._say()

    def offer_answers(self, number: int, *, can_reject: bool, can_keep: bool) -> None:
        """Let the shown frame be rejected or kept; or all that are selected, and say how many those are."""
        answers = (
            (self.reject, "Reject", _REJECT, _REJECT_ALL, can_reject),
            (self.keep, "Keep", _KEEP, _KEEP_ALL, can_keep),
        )
        for button, word, tip, tip_of_all, can in answers:
            button.setText(f"{word} {number}" if number > 1 else word)
            button.setToolTip(tip_of_all.format(number) if number > 1 else tip)
            button.setEnabled(can)

    def tell_made(self, are_made: bool) -> None:  # noqa: FBT001 - a switch
        """Say of missing masters that they are being made just now, or what would make them."""
        if are_made != self._are_made:
            self._are_made = are_made
            self._say()

    def set_invitation(self, words: str) -> None:
        """Say something else while no step is chosen; "" for the usual."""
        self._invitation = words
        self._follow()

    def _make_buttons(self, entries: list[StepEntry]) -> None:
        """Put up the steps of this kind of frame."""
        names = tuple(entry.name for entry in entries)
        if names == self._names:
            return
        self._names = names
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.buttons = {}
        for number, entry in enumerate(entries):
            button = StepButton(entry.words, self)
            button.clicked.connect(lambda _=False, name=entry.name: self._clicked(name))
            self.buttons[entry.name] = button
            self._row.insertWidget(number, button)

    def _clicked(self, name: str) -> None:
        """Choose a step, also one that waits for its master: the rail stays on it, and it is shown when it is there."""
        self.model.choose(None if self.model.chosen == name else name)

    def fill_compare(self) -> None:
        """Offer what the shown step, or the shown frame, can be compared with."""
        menu, model = self.compare_menu, self.model
        menu.clear()
        chosen = model.chosen
        steps = [entry for entry in model.entries() if entry.can_be_shown and not entry.note]
        shown = chosen or "raw"
        before = model.before(chosen) if chosen is not None else ""
        others = [entry for entry in steps if entry.name != shown]
        # The step before is what one most often wants: it stands first.
        for entry in () if self.steps.isHidden() else sorted(others, key=lambda entry: entry.name != before):
            words = "the step before" if entry.name == before else "step"
            self._offer(f"With {words}: {entry.words}", lambda other=entry.name: self._compare(other, shown))
        menu.addSeparator()
        for name, words in FRAMES.items():
            self._offer(f"With {words}", lambda name=name: self.frames_asked.emit(name))

    def _offer(self, words: str, deed: object) -> None:
        action = QAction(words, self.compare_menu)
        action.triggered.connect(lambda _on=False: deed())  # type: ignore[operator]
        self.compare_menu.addAction(action)

    def _compare(self, other: str, shown: str) -> None:
        names = self.model.names()
        first, second = sorted((other, shown), key=names.index)
        self.compare_asked.emit(first, second)

    def _follow(self) -> None:
        model = self.model
        entries = model.entries()
        self._make_buttons(entries)
        chosen = None
        for number, entry in enumerate(entries):
            button = self.buttons[entry.name]
            button.is_first, button.is_last = number == 0, number == len(entries) - 1
            button.setChecked(entry.name == model.chosen)
            button.setEnabled(model.path is not None)
            button.set_state(entry.state)
            if entry.name == model.chosen:
                chosen = entry
            if entry.note:
                button.setToolTip(f"{entry.words}: nothing to do here, {entry.note}")
            elif not entry.can_be_shown:
                button.setToolTip(f"{entry.words}: needs the masters, which are not made yet")
            else:
                button.setToolTip(f"{entry.words} ({STATES[entry.state]}): show the frame after this step")
        self._fit()
        is_there = chosen is not None and model.missing is None
        is_aside = model.chosen is None and bool(self._invitation)  # frames go by, of which no step is shown
        # Left on where there is none, it can be switched off.
        has_difference = is_there and chosen is not None and chosen.has_difference
        self.difference.setEnabled((model.difference or has_difference) and not is_aside)
        self.difference.setChecked(model.difference)
        self.peek.setEnabled(is_there and chosen is not None and chosen.name != "raw")
        self.compare.setEnabled(model.path is not None)
        self._say()

    def _say(self) -> None:
        model = self.model
        missing = model.missing if model.chosen is not None else None
        if model.error is not None:
            words = " · ".join(part for part in (model.error.what, model.error.why, model.error.hint) if part)
        elif missing is not None:
            words = self._missing_words()
        elif model.chosen is None:
            is_asked_for = not self._suggestion and not self.steps.isHidden()  # a verdict needs the room
            words = self._invitation or (INVITE if is_asked_for else "")
        elif model.path is None:
            words = NO_FRAME
        else:
            words = model.words or self._progress()
            if model.difference and model.words and not model.shows_difference:
                words += "; no difference to show"
        self.note.set_role("warn" if model.error is not None or missing is not None else "dim")
        self.verdict.set_role(self._tone if self._is_open else "dim")
        self.make.setVisible(missing is not None and model.error is None)
        # Without a step, and where one waits, there is no difference: what else helps stands in that place.
        is_asked = self._of_dark and model.chosen is None
        is_at_dark = self._takes_dark and model.chosen == "dark"
        is_short = not is_asked and self.width() <= _ROOM_FOR_DARK
        self.dark.setText("Dark ▾" if is_short else "Which dark?")
        self.dark.setVisible(is_asked or is_at_dark)
        is_taken = not self.make.isHidden() or is_asked
        # Where there is little room it takes the place of a button that has a key: the step's words keep theirs.
        takes_peek = is_at_dark and is_short and not is_taken
        self._below.take_place(self.dark, self.peek if takes_peek else None)
        self.difference.setVisible(not is_taken or model.difference)
        self.peek.setVisible(not is_taken and not takes_peek)
        self._below.say(self._suggestion, words)

    def _missing_words(self) -> str:
        """Say in one plain sentence what the chosen step lacks, and what makes it."""
        model, missing = self.model, self.model.missing
        assert missing is not None, "asked for only when something is"
        later = LATER_MADE if self._are_made else LATER_MISSING
        entries = model.entries()
        chosen = next((entry for entry in entries if entry.name == model.chosen), None)
        if chosen is None or chosen.can_be_shown:  # it is there, and says what it did; why there is no more comes first
            return " · ".join(filter(None, (later, model.words)))
        # Which step is seen meanwhile stands over the image.
        meanwhile = "; no difference is shown until then" if model.difference else ""
        if not missing.why.endswith(NOT_MADE):
            return f"! {chosen.words} cannot be shown: {missing.why}{meanwhile}"
        if chosen.note:
            why = f"{chosen.note[:1].upper()}{chosen.note[1:]}"  # first: where there is little room, the rest is cut
            return f"! {why}, so {chosen.words} does nothing here. {later.removeprefix('! ')}"
        if self._are_made:
            return f"! Masters are being made: {chosen.words} is shown when its own are there{meanwhile}"
        return f"! {chosen.words} needs masters, which are not made yet. {MAKES_THEM}{meanwhile}"

    def _progress(self) -> str:
        """Say how far the steps are: the first time they take a while."""
        if self.model.preparing:
            return f"First {self.model.preparing} …"
        names = self.model.names()
        if self.model.reached not in names:
            return "Computing the steps of this frame …"
        at = names.index(self.model.reached)
        waits = " · the difference is shown when all are" if self.model.difference else ""
        return f"Computing the steps of this frame: {WORDS[names[at]]} is done, {at + 1} of {len(names)}{waits} …"

    def _fit(self) -> None:
        """Where there is little room stand closer; where there is yet less, leave out steps that had nothing to do."""
        entries = self.model.entries()
        every = list(self.buttons.values())
        self._set_room(TIGHT)
        spare = self.width() - self._wanted(every)
        is_tight = spare < 0
        self._set_room(min(ROOMY, TIGHT + max(0, spare) // max(1, 2 * len(every))))
        for entry in entries:
            is_wanted = not entry.note or entry.name == self.model.chosen
            self.buttons[entry.name].setVisible(is_wanted or not is_tight)

    def _set_room(self, room: int) -> None:
        for button in self.buttons.values():
            if button.room != room:
                button.room = room
                button.updateGeometry()

    @staticmethod
    def _wanted(buttons: list[StepButton]) -> int:
        return sum(button.sizeHint().width() for button in buttons) + 12

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit the steps into the new width."""
        super().resizeEvent(event)
        self._fit()
        self._say()
