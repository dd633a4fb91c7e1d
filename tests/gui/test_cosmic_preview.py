"""Cosmic-ray settings tried while they are edited: used by mouse and keys."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLineEdit

from astep_gui.models.cosmic_preview_model import MOST_PX, CosmicPreviewModel, part_of
from astep_gui.widgets.cosmic_preview import CosmicPreviewPanel
from astep_gui.widgets.settings_form import SettingsDialog
from pipeline_core.config import Recipe
from pipeline_core.types import MaskBit, Section

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 60_000


def events(panel):
    return int(panel.words.text().split("hits: ")[1].split(" ")[0])


@pytest.fixture
def dialog(reduced, qtbot):
    """The settings with the preview beside them, on its first answer."""
    night, output, science = reduced
    dialog = SettingsDialog(Recipe())
    model = CosmicPreviewModel(night, output, science[0], Section(20, 220, 20, 220), dialog)
    panel = CosmicPreviewPanel(model, science[0])
    dialog.set_beside("cosmic", panel)
    dialog.edited.connect(model.set_recipe)
    dialog.mistaken.connect(model.set_nothing)
    dialog.finished.connect(model.close)
    model.set_recipe(Recipe())
    dialog.show()
    dialog.sections.setCurrentRow([dialog.sections.item(k).text() for k in range(8)].index("Cosmic"))
    qtbot.waitUntil(lambda: "hits:" in panel.words.text() and not model.is_busy, timeout=PATIENCE_MS)
    yield dialog, panel
    dialog.reject()


def retype(qtbot, dialog, field, text):
    line = dialog.editors["cosmic", field].findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_a_lower_threshold_typed_in_shows_more_hits_after_a_moment(dialog, qtbot):
    form, panel = dialog
    before = events(panel)
    retype(qtbot, form, "sigclip", "2.5")
    assert panel.words.text() == "Trying these settings …"
    qtbot.waitUntil(lambda: "hits:" in panel.words.text() and events(panel) != before, timeout=PATIENCE_MS)
    assert events(panel) > before
    assert "stars touched: " in panel.words.text()


def test_hits_are_marked_in_colour_and_a_click_shows_the_frame_without_them(dialog, qtbot):
    _, panel = dialog
    marked = panel.view.shown
    assert marked.shows_mask
    hits = (marked.mask & MaskBit.COSMIC) != 0
    assert hits.any()
    qtbot.mouseClick(panel.buttons["removed"], LEFT)
    cleaned = panel.view.shown
    assert (cleaned.image[hits] != marked.image[hits]).any()
    assert (cleaned.image[~hits] == marked.image[~hits]).all()


@pytest.mark.parametrize("text", ["none", "-2"])
def test_settings_that_make_no_sense_are_not_tried_and_what_earlier_ones_found_is_gone(dialog, qtbot, text):
    form, panel = dialog
    words = panel.words.text()
    retype(qtbot, form, "sigclip", text)
    qtbot.wait(300)
    assert form.mistake.text()
    assert panel.words.text() == "Not tried: the settings are not whole"
    assert panel.words.property("role") == "dim"
    assert not panel.view.isEnabled()
    retype(qtbot, form, "sigclip", str(Recipe().cosmic.sigclip))
    qtbot.waitUntil(lambda: panel.words.text() == words, timeout=PATIENCE_MS)
    assert panel.view.isEnabled()


def test_what_is_missing_is_said_with_the_windows_own_way_to_it(reduced, qtbot, tmp_path):
    night, _output, science = reduced
    model = CosmicPreviewModel(night, tmp_path / "no_masters_yet", science[0], Section(20, 220, 20, 220))
    model.set_recipe(Recipe())
    qtbot.waitUntil(lambda: model.is_warning and not model.is_busy, timeout=PATIENCE_MS)
    assert "Make the masters" in model.words
    assert "`" not in model.words
    model.close()


def test_it_stands_beside_the_cosmic_ray_settings_only(dialog):
    form, panel = dialog
    assert panel.isVisible()
    form.sections.setCurrentRow(0)
    assert not panel.isVisible()


def test_the_part_that_is_seen_is_tried_but_not_more_than_is_quick():
    assert part_of(10.2, 20.7, 99.5, 80.1, (600, 800)) == Section(20, 81, 10, 100)
    assert part_of(-50, -50, 5000, 5000, (600, 800)) == Section(0, 600, 0, 800)
    wide = part_of(0, 0, 4096, 4096, (4096, 4096))
    assert wide.shape == (MOST_PX, MOST_PX)
    assert (wide.x0 + wide.x1) // 2 == 2048


def test_the_settings_of_the_window_offer_it_for_science_frames(qtbot, opened):
    opened.night.select(["light_001.fits"])
    qtbot.waitUntil(lambda: opened.viewing.view.title == "light_001.fits", timeout=8000)
    opened.actions_by_name["settings"].trigger()
    form = next(w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog) and w.isVisible())
    panel = form.findChild(CosmicPreviewPanel)
    # Nothing is reduced yet: that is said with its remedy.
    qtbot.waitUntil(lambda: "made yet" in panel.words.text(), timeout=PATIENCE_MS)
    form.reject()
