"""Settings as files: saved, loaded, and everything back to what it is at first."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QPushButton

from astep_gui.widgets.settings_form import SettingsDialog
from pipeline_core.config import Recipe
from pipeline_core.recipe_file import load_recipe

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def form(qtbot, tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    for ask in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(QFileDialog, ask, lambda *_: (str(file), ""))
    dialog = SettingsDialog(Recipe())
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.file = file
    return dialog


def press(qtbot, form, words):
    qtbot.mouseClick(next(b for b in form.findChildren(QPushButton) if b.text() == words), LEFT)


def test_what_was_saved_is_loaded_again_and_the_command_line_reads_it_alike(qtbot, form):
    form.editors["cosmic", "sigclip"].put(6.0)
    form.editors["quality", "reject"].put(("fwhm_px > 5", "stars < 10"))
    saved = form.recipe()
    press(qtbot, form, "Save…")
    assert load_recipe(form.file) == saved
    press(qtbot, form, "All defaults")
    assert form.recipe() == Recipe()
    assert not any(editor.mark.text() for editor in form.editors.values())
    press(qtbot, form, "Load…")
    assert form.recipe() == saved


def test_one_setting_goes_back_to_its_default_alone(qtbot, form):
    for name, value in (("sigclip", 6.0), ("objlim", 9.0)):
        form.editors["cosmic", name].put(value)
    form.sections.setCurrentRow(
        [form.sections.item(k).text()[:6] for k in range(form.sections.count())].index("Cosmic")
    )
    qtbot.mouseClick(form.editors["cosmic", "sigclip"].reset, LEFT)
    assert form.recipe().cosmic.sigclip == Recipe().cosmic.sigclip
    assert form.recipe().cosmic.objlim == 9.0


def test_a_file_that_is_no_recipe_changes_nothing_and_is_explained(qtbot, form):
    form.editors["cosmic", "sigclip"].put(6.0)
    before = form.recipe()
    form.file.write_text("[cosmic]\nsigclop = 3\n", encoding="utf-8")
    press(qtbot, form, "Load…")
    assert "sigclop" in form.mistake.text()
    assert form.recipe() == before


def test_a_place_that_cannot_be_written_is_explained(qtbot, form, tmp_path):
    form.file.mkdir()
    press(qtbot, form, "Save…")
    assert form.mistake.text()


def test_every_setting_says_what_it_is_and_what_it_is_at_first(form):
    silent = [name for name, editor in form.editors.items() if not editor.toolTip().partition("\ndefault: ")[0]]
    assert not silent
    assert all("default: " in editor.toolTip() for editor in form.editors.values())
