"""What a person types goes into the field that has the focus: no letter does a deed meanwhile, and after it all do."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from astep_gui.actions import ACTIONS, PANELS
from astep_gui.typed_keys import takes_text
from tests.gui.test_workflow import LIGHTS

TAKERS = (QLineEdit, QComboBox, QAbstractSpinBox, QTextEdit, QPlainTextEdit)
LETTERS = "".join(
    key.lower() for spec in ACTIONS for key in spec.keys if (len(key) == 1 and key.isalnum()) or key in {",", "."}
)


def fields_of(root: QWidget) -> list[QWidget]:
    """Return all that takes text below a widget, each once: the line inside of a spin box is the spin box."""
    found = [widget for widget in (root, *root.findChildren(QWidget)) if isinstance(widget, TAKERS)]
    return [w for w in found if takes_text(w) and not isinstance(w.parentWidget(), (QAbstractSpinBox, QComboBox))]


def words_of(widget):
    if isinstance(widget, (QTextEdit, QPlainTextEdit)):
        return widget.toPlainText()
    return widget.text() if isinstance(widget, QLineEdit) else widget.lineEdit().text()


def deeds_of(window):
    """Return a list that grows by the name of every action that is triggered."""
    done = []
    for name, action in window.actions_by_name.items():
        action.triggered.connect(lambda _on=False, name=name: done.append(name))
    return done


def shown_with_its_parents(window, field):
    """Bring a field of a window or dialog to the front, whatever panel, page or tab it lies in."""
    for dock in getattr(window, "docks", {}).values():
        if dock.isAncestorOf(field):
            dock.show()
            dock.raise_()
    widget = field
    while widget is not None and widget is not window:
        widget.setVisible(True)
        stack = widget.parentWidget()
        if stack is not None and hasattr(stack, "setCurrentWidget"):
            stack.setCurrentWidget(widget)
        widget = widget.parentWidget()
    field.setEnabled(True)
    field.setFocus()
    QApplication.processEvents()


def type_all_into(field, done, *, where):
    for letter in LETTERS:
        if isinstance(field, QLineEdit):
            field.clear()
        QTest.keyClicks(field, letter)
        assert not done, f"{letter} in {where} did {done}"
        if isinstance(field, (QLineEdit, QTextEdit, QPlainTextEdit)) and not (
            isinstance(field, QLineEdit) and (field.validator() is not None or field.inputMask())
        ):
            assert letter in words_of(field), f"{letter} did not arrive in {where}"


def name_of(field):
    return f"{type(field).__name__} {field.objectName() or field.accessibleName()} in {type(field.parent()).__name__}"


@pytest.fixture
def shown(qtbot, opened):
    opened.activateWindow()
    opened.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=8000)
    return opened


def test_single_letters_are_many_and_fields_are_found(shown):
    assert len(set(LETTERS)) > 20
    kinds = {type(field).__mro__[k] for field in fields_of(shown) for k in range(len(type(field).__mro__))}
    assert {QLineEdit, QAbstractSpinBox} <= kinds


def test_no_letter_does_a_deed_while_it_is_typed_into_a_field_of_the_window(qtbot, shown):
    for panel in PANELS:
        shown.actions_by_name[f"panel_{panel}"].trigger()
    shown.viewing.blink_bar.rate.setVisible(True)
    done = deeds_of(shown)
    fields, typed = fields_of(shown), []
    for field in fields:
        where = name_of(field)
        shown_with_its_parents(shown, field)
        if QApplication.focusWidget() is not field and not field.isAncestorOf(QApplication.focusWidget() or field):
            continue
        type_all_into(field, done, where=where)
        typed.append(field)
    assert typed == fields, "none is left out, whatever page it stands on"
    assert not shown.night.rejected


@pytest.mark.parametrize("column", ["kind", "filter"])
def test_no_letter_does_a_deed_while_a_cell_is_edited(qtbot, shown, column):
    from astep_gui.models.frame_columns import column_number

    table = shown.table
    table.grouped.setChecked(False)
    done = deeds_of(shown)
    index = table.model.index_of(LIGHTS[1]).siblingAtColumn(column_number(column))
    table.tree.setCurrentIndex(index)
    table.tree.edit(index)
    editor = QApplication.focusWidget()
    for letter in LETTERS:
        QTest.keyClicks(editor, letter)
        assert not done, f"{letter} in the cell {column} did {done}"
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    assert not shown.night.rejected


@pytest.mark.parametrize("name", ["settings", "palette", "sky_go_to", "sky_hint", "sky_nova_key"])
def test_no_letter_does_a_deed_while_it_is_typed_into_a_dialog(qtbot, shown, monkeypatch, name):
    dialogs = []
    monkeypatch.setattr(QDialog, "exec", lambda self: (self.show(), dialogs.append(self))[1])
    before = set(QApplication.topLevelWidgets())
    done = deeds_of(shown)
    shown.actions_by_name[name].trigger()
    QApplication.processEvents()
    done.clear()
    opened = [w for w in QApplication.topLevelWidgets() if w not in before and w.isVisible()]
    roots = opened or [shown]
    fields = [field for root in roots for field in fields_of(root)]
    assert fields
    for root in roots:
        for field in fields_of(root):
            shown_with_its_parents(root, field)  # settings stand on many pages
            assert field.isVisible()
            assert QApplication.focusWidget() is field or field.isAncestorOf(QApplication.focusWidget())
            type_all_into(field, done, where=f"{name}: {name_of(field)}")
    for root in opened:
        root.close()


def test_enter_in_the_search_is_no_end_of_a_blink(qtbot, shown):
    shown.viewing.blink.rate = 1.0
    qtbot.keyClick(shown, Qt.Key.Key_B)
    shown.table.search.setFocus()
    qtbot.keyClick(shown.table.search, Qt.Key.Key_Return)
    assert shown.viewing.is_blinking


def test_after_escape_or_a_click_in_image_or_list_the_letters_act_again(qtbot, shown):
    done = deeds_of(shown)
    search = shown.table.search
    search.setFocus()
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert not takes_text(QApplication.focusWidget())
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_I)
    assert done[-1] == "invert"
    for target in (shown.viewing.view.canvas.viewport(), shown.table.tree.viewport()):
        search.setFocus()
        qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
        assert not takes_text(QApplication.focusWidget())
        done.clear()
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_I)
        assert done == ["invert"]
