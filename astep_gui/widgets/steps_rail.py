"""The rail over the image: what was done to this frame, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from PyQt6.QtGui import QKeyEvent, QResizeEvent

    from astep_gui.models.steps_model import StepsModel

SHORT = "− cosmics"
"""Of "cosmic rays removed", where there is little room."""


class StepsRail(QWidget):
    """Shows a :class:`StepsModel`: one button a step, the difference to the step before, a peek at it."""

    compare_asked = pyqtSignal(str, str)
    """Names of two steps to be seen side by side: the one before, and the chosen one."""

    def __init__(self, model: StepsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.buttons: dict[str, QToolButton] = {}
        self._is_close = False
        self._is_narrow = False
        self.setAccessibleName("Steps of this frame")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.difference = self._tool("Difference", "Show what this step changed instead of what it left")
        self.difference.setCheckable(True)
        self.difference.clicked.connect(model.set_difference)
        self.peek = self._tool("Peek", "Hold to see the step before (hold `)")
        self.peek.pressed.connect(lambda: model.peek(True))  # noqa: FBT003 - a switch
        self.peek.released.connect(lambda: model.peek(False))  # noqa: FBT003
        self.compare = self._tool("Compare", "See this step and the one before side by side")
        self.compare.clicked.connect(self._compare)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(10, 0, 10, 4)
        self.make = QPushButton("Make the masters", self)
        self.make.setToolTip("Make bias, dark, flat and mask, so that the later steps can be shown")
        self.make.clicked.connect(model.masters_asked)
        self._lay_out()
        model.changed.connect(self._follow)
        self._follow()

    def _tool(self, words: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(words)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _lay_out(self) -> None:
        self._row = QHBoxLayout()
        self._row.setContentsMargins(8, 4, 8, 4)
        self._row.setSpacing(2)
        for entry in self.model.entries():
            button = self._tool(entry.words, "")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, name=entry.name: self._clicked(name))
            self.buttons[entry.name] = button
            self._row.addWidget(button)
        self._row.addStretch(1)
        for button in (self.difference, self.peek, self.compare):
            self._row.addWidget(button)
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 8, 0)
        below.addWidget(self.note, 1)
        below.addWidget(self.make)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._row)
        layout.addLayout(below)

    def _clicked(self, name: str) -> None:
        self.model.choose(None if self.model.chosen == name else name)

    def _compare(self) -> None:
        if self.model.chosen is not None:
            self.compare_asked.emit(self.model.before(self.model.chosen), self.model.chosen)

    def _follow(self) -> None:
        model = self.model
        entries = model.entries()
        chosen = None
        for entry in entries:
            button = self.buttons[entry.name]
            button.setChecked(entry.name == model.chosen)
            button.setEnabled(model.path is not None and entry.can_be_shown)
            words = SHORT if self._is_close and entry.name == "cosmic" else entry.words
            button.setText(f"({words})" if entry.note else words)
            if entry.name == model.chosen:
                chosen = entry
            if entry.note:
                button.setToolTip(f"{entry.words}: nothing done here, {entry.note}")
            elif not entry.can_be_shown:
                button.setToolTip("Needs the masters, which are not made yet")
            else:
                button.setToolTip(f"Show the frame after this step: {entry.words}")
        self._fit()
        self.difference.setEnabled(chosen is not None and chosen.has_difference)
        self.difference.setChecked(model.difference)
        is_later = chosen is not None and chosen.name != "raw"
        self.peek.setEnabled(is_later)
        self.compare.setEnabled(is_later)
        self._say(chosen.note if chosen is not None else "")

    def _say(self, note: str) -> None:
        model = self.model
        missing = model.missing if model.chosen is not None else None
        if model.error is not None:
            words = " · ".join(part for part in (model.error.what, model.error.why, model.error.hint) if part)
        elif missing is not None:
            words = f"! The later steps cannot be shown yet: {missing.why}."
        elif model.is_busy:
            words = "Computing the steps of this frame …"
        else:
            words = f"This step did nothing: {note}." if note else ""
        self.note.setText(words)
        self.note.setVisible(bool(words))
        self.make.setVisible(missing is not None and model.error is None)

    def _fit(self) -> None:
        """Where there is no room for all steps, leave out those that did nothing; then stand closer."""
        tools = (self.difference, self.peek, self.compare)
        self._set_close(False)  # noqa: FBT003 - a switch
        entries = self.model.entries()
        shown = {e.name: True for e in entries}
        if self._wanted([*self.buttons.values(), *tools]) > self.width():
            shown = {e.name: not e.note or e.name == self.model.chosen for e in entries}
        for name, button in self.buttons.items():
            button.setVisible(shown[name])
        rest = [button for name, button in self.buttons.items() if shown[name]]
        self._set_close(self._wanted([*rest, *tools]) > self.width())

    @staticmethod
    def _wanted(buttons: list[QToolButton]) -> int:
        return sum(button.sizeHint().width() + 2 for button in buttons) + 24

    def _set_close(self, close: bool) -> None:  # noqa: FBT001 - a switch
        if close == self._is_close:
            return
        self._is_close = close
        for button in (*self.buttons.values(), self.difference, self.peek, self.compare):
            button.setStyleSheet("padding: 4px 3px;" if close else "")
        self.difference.setText("Changes" if close else "Difference")
        self.buttons["cosmic"].setText(SHORT if close else self.model.entries()[-1].words)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit the steps into the new width."""
        super().resizeEvent(event)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Peek while ` is held."""
        if event is not None and event.key() == Qt.Key.Key_QuoteLeft:
            if not event.isAutoRepeat():
                self.model.peek(True)  # noqa: FBT003 - a switch
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """End the peek."""
        if event is not None and event.key() == Qt.Key.Key_QuoteLeft:
            if not event.isAutoRepeat():
                self.model.peek(False)  # noqa: FBT003 - a switch
            return
        super().keyReleaseEvent(event)
