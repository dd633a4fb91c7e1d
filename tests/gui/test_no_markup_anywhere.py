"""A night whose files, filters and objects are called like markup is shown in letters wherever it is named."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QApplication, QLabel

from astep_gui.widgets.export_dialog import ExportDialog
from pipeline_core.errors import NightError
from tests.gui.nights import write_frame

PATIENCE_MS = 8000
EVIL = "<b>bold"
"""What every name of the night holds."""


@pytest.fixture
def night(qtbot, window, tmp_path):
    """The window with such a night open."""
    folder = tmp_path / f"{EVIL} night"
    said = {"FILTER": f"<i>{EVIL}", "OBJECT": f"<u>{EVIL}"}
    for k in range(3):
        write_frame(folder / f"bias_{k}.fits", "bias", number=k)
        write_frame(folder / f"{EVIL}_flat_{k}.fits", "flat", number=20 + k, level=20000, FILTER=said["FILTER"])
        write_frame(folder / f"{EVIL}_light_{k}.fits", "light", number=30 + k, level=1200, **said)
    window.open_night(folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    lights = [frame.path for frame in window.night.frames if "light" in frame.path]
    window.night.select([lights[0]])
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=PATIENCE_MS)
    return window, lights


def markup():
    """Return all words of the night that Qt would take for markup, in labels and in tips."""
    widgets = QApplication.allWidgets()
    labels = [one.text() for one in widgets if isinstance(one, QLabel) and one.textFormat() != Qt.TextFormat.PlainText]
    said = [*labels, *(one.toolTip() for one in widgets), *(one.statusTip() for one in widgets)]
    return sorted({words for words in said if EVIL in words and Qt.mightBeRichText(words)})


def test_names_like_markup_are_letters_in_all_panels_and_in_what_is_refused(qtbot, night):
    window, lights = night
    for dock in window.docks.values():
        dock.show()
    for path in lights:
        window.night.select([path])
        qtbot.wait(50)
    window.night.problem.emit(NightError(f"cannot read {EVIL}", f"why {EVIL}", f"hint {EVIL}"))
    assert markup() == []


def test_names_like_markup_are_letters_in_what_undo_would_take_back(qtbot, night):
    window, lights = night
    window.decisions.reject([lights[0]], f"as {EVIL} says")
    assert EVIL in window.actions_by_name["undo"].text()
    assert markup() == []


def test_names_like_markup_are_letters_over_frames_that_are_compared(qtbot, night):
    window, lights = night
    window.night.select(lights[:2])
    window.actions_by_name["compare"].trigger()
    qtbot.waitUntil(lambda: window.viewing.comparing.is_on, timeout=PATIENCE_MS)
    for mode in ("side", "wipe", "blink"):
        window.viewing.compare.set_mode(mode)
        qtbot.wait(100)
        assert markup() == []


def test_names_like_markup_are_letters_in_the_story_of_a_pixel(qtbot, night):
    window, _ = night
    panel = window.viewing.story_panel
    panel.model.group = f"<u>{EVIL}, 10 s"
    panel.model.changed.emit()
    assert "frames of another pointing" in panel.curve.toolTip().replace("\n", " ")
    assert markup() == []


def test_names_like_markup_are_letters_where_settings_are_tried(qtbot, night):
    window, _ = night
    seen = []

    def look():
        seen.append(any(isinstance(one, QLabel) and "Tried on" in one.text() for one in QApplication.allWidgets()))
        seen.append(markup())
        for one in QApplication.topLevelWidgets():
            if one is not window and one.isWindow() and one.isVisible():
                one.close()

    QTimer.singleShot(300, look)
    window.actions_by_name["settings"].trigger()
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=PATIENCE_MS)
    assert seen == [True, []]


def test_names_like_markup_are_letters_in_what_is_said_of_the_folder_of_an_export(qtbot, tmp_path):
    dialog = ExportDialog("Siril", tmp_path / f"{EVIL} exports" / "siril", None)
    qtbot.addWidget(dialog)
    assert EVIL in dialog.told.text()
    assert markup() == []
