"""Keys that a person types: letters, Enter and the like belong to the field that has the focus, never to an action."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}


def takes_text(widget: QWidget | None) -> bool:
    """Tell whether what is typed goes into a widget as text."""
    if isinstance(widget, QComboBox):
        return widget.isEditable()
    if isinstance(widget, (QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox)):
        return not widget.isReadOnly()
    return False


def takes_typed(event: QEvent) -> bool:
    """Claim, in the question that Qt asks before it looks for an action, what is typed into a field.

    Fields claim most of it themselves; a letter where only digits fit, or Enter, they leave to the window.
    """
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    if event.modifiers() & _COMMANDS:
        return False
    focus = QApplication.focusWidget()
    is_typed = event.key() in _ENTER or (event.text().isprintable() and bool(event.text()))
    if is_typed and takes_text(focus):
        event.accept()
        return True
    return False
