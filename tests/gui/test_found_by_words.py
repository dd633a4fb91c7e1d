"""The palette by the words of the field; settings found by name and words; what the form of settings says it did."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QFileDialog, QPushButton

from astep_gui.actions import ACTIONS
from astep_gui.models.other_words import OTHER_WORDS
from astep_gui.widgets.command_palette import NOTHING, CommandPalette
from astep_gui.widgets.settings_form import SettingsDialog, settings_told
from tests.gui.words_seen import unreadable

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier


def dialog(kind):
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible())


@pytest.fixture
def seek(qtbot, opened):
    """Open the palette by its key and type words; it is closed after the test."""
    qtbot.waitUntil(lambda: opened.viewing.view.title == "light_000.fits", timeout=20_000)
    qtbot.keyClick(opened, Qt.Key.Key_K, CONTROL)
    palette = dialog(CommandPalette)

    def typed(words):
        qtbot.keyClicks(palette.line, words)
        return [palette.list.topLevelItem(k).text(0) for k in range(palette.list.topLevelItemCount())]

    typed.palette = palette
    yield typed
    if any(w is palette and w.isVisible() for w in QApplication.topLevelWidgets()):
        palette.reject()


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("profile", "Measure a line"),
        ("region", "Measure a box"),
        ("statistics", "Measure a circle"),
        ("aperture", "Measure a star"),
        ("stack", "Stack"),
        ("wcs", "Solve night"),
        ("contrast", "Automatic levels"),
        ("light curve", "Follow this star"),
        ("csv", "Show results folder"),
        ("bigger pictures", "Small pictures in the list"),
        ("light theme", "Theme: light"),
        ("help", "Keys"),
    ],
)
def test_an_action_is_found_by_the_fields_word_for_it(seek, word, action):
    assert action in seek(word)[:8]


def test_every_action_has_other_words_or_says_it_all_itself(window):
    says_all = {"back", "palette"} | {spec.name for spec in ACTIONS if spec.name.startswith(("turn_to_", "export_"))}
    assert {spec.name for spec in ACTIONS} - set(OTHER_WORDS) - says_all == set()
    assert set(OTHER_WORDS) <= {spec.name for spec in ACTIONS}, "none is of an action that is gone"


def test_what_is_not_found_is_said_and_enter_leaves_the_words_to_be_mended(qtbot, seek):
    assert seek("xyzzy") == [NOTHING]
    qtbot.keyClick(seek.palette.line, Qt.Key.Key_Return)
    assert seek.palette.isVisible()
    rows = seek.palette.list
    assert rows.fontMetrics().horizontalAdvance(NOTHING) < rows.viewport().width() - 10, "it is read whole"
    assert not unreadable(seek.palette)


@pytest.mark.parametrize("words", ["sigclip", "cosmic sigma"])
def test_a_setting_is_found_by_name_and_words_and_brought_up_with_the_keys_in_it(qtbot, opened, seek, words):
    found = seek(words)
    assert "Setting: cosmic · sigclip" in found
    while seek.palette.list.currentItem().text(0) != "Setting: cosmic · sigclip":
        qtbot.keyClick(seek.palette.line, Qt.Key.Key_Down)
    qtbot.keyClick(seek.palette.line, Qt.Key.Key_Return)
    form = dialog(SettingsDialog)
    editor = form.editors["cosmic", "sigclip"]
    qtbot.waitUntil(lambda: not editor.visibleRegion().isEmpty(), timeout=5000)
    qtbot.keyClicks(form.focusWidget(), "7")
    assert editor.value() == 7.0
    form.reject()


def test_every_setting_of_the_form_can_be_found(seek):
    for section, field in settings_told():
        seek.palette.line.clear()
        assert f"Setting: {section} · {field.replace('_', ' ')}" in seek(f"{section}.{field}")


# -- what the form says ---------------------------------------------------------------------------------------------


@pytest.fixture
def form(qtbot, opened):
    opened.actions_by_name["settings"].trigger()
    form = dialog(SettingsDialog)
    yield form
    if any(w is form and w.isVisible() for w in QApplication.topLevelWidgets()):
        form.reject()


def press(qtbot, form, words):
    qtbot.mouseClick(next(b for b in form.findChildren(QPushButton) if b.text() == words), LEFT)


def test_the_form_says_where_settings_were_saved(qtbot, form, tmp_path, monkeypatch):
    file = str(tmp_path / "mine.toml")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (file, ""))
    press(qtbot, form, "Save…")
    assert form.said.text() == f"Saved in {file}"
    assert form.said.isVisible()


def test_all_defaults_says_which_settings_went_back_stays_where_it_is_and_can_be_taken_back(qtbot, form):
    row = [form.sections.item(k).text() for k in range(form.sections.count())].index("Cosmic")
    form.sections.setCurrentRow(row)
    form.editors["cosmic", "sigclip"].put(6.0)
    form.editors["cosmic", "objlim"].put(9.0)
    form.editors["combine", "sigma"].put(9.0)
    changed = form.recipe()
    press(qtbot, form, "All defaults")
    assert form.said.text().startswith("3 settings back to default: ")
    assert "Cosmic: sigclip" in form.said.text()
    assert form.sections.currentRow() == row
    press(qtbot, form, "Take back")
    assert form.recipe() == changed
    assert not form.take_back.isVisible()
    press(qtbot, form, "All defaults")
    press(qtbot, form, "All defaults")
    assert form.said.text() == "All settings are at their defaults already"


def test_the_settings_open_at_the_section_that_was_looked_at_last(qtbot, opened, form):
    form.sections.setCurrentRow(3)
    form.reject()
    QApplication.processEvents()
    opened.actions_by_name["settings"].trigger()
    again = dialog(SettingsDialog)
    assert again.sections.currentRow() == again.pages.currentIndex() == 3
    again.reject()
