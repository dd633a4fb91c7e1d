"""A look at the step before for as long as ` is held, whatever has the keys: where text is typed it is a letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent

from astep_gui.typed_keys import takes_typed

if TYPE_CHECKING:
    from astep_gui.models.steps_model import StepsModel


class Peeking(QObject):
    """Watches the windows that it is told of for one key.

    Notes
    -----
    Lists take letters for themselves, so that a press never comes as far as the window. What does come is the question
    that Qt asks before, whether the key means something here: fields for text say yes, all others hand it on.
    """

    nothing_before = pyqtSignal(str)
    """Why there is nothing to be seen before what is shown."""

    def __init__(self, steps: StepsModel, parent: QObject) -> None:
        super().__init__(parent)
        self._steps = steps

    def take(self, event: QEvent) -> bool:
        """Follow an event of a window; return whether it was the key, and is used."""
        kind = event.type()
        if kind == QEvent.Type.WindowDeactivate:
            self._steps.peek(False)  # noqa: FBT003 - the key is let go of elsewhere
            return False
        if kind not in {QEvent.Type.ShortcutOverride, QEvent.Type.KeyRelease} or not isinstance(event, QKeyEvent):
            return False
        if event.key() != Qt.Key.Key_QuoteLeft:
            return False
        if not event.isAutoRepeat():  # a key that is held is pressed and let go of again and again
            self._follow(is_held=kind == QEvent.Type.ShortcutOverride)
        event.accept()
        return True

    def _follow(self, *, is_held: bool) -> None:
        why = self._steps.why_nothing_before if is_held else ""
        if why:
            self.nothing_before.emit(f"{why}; ` shows the step before while it is held")
        else:
            self._steps.peek(is_held)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Watch a window that is not the main one: a panel that was taken out of it."""
        del watched
        return event is not None and (takes_typed(event) or self.take(event))
