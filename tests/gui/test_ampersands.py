"""Names that hold "&" are shown with it: a single one in a button or a menu would vanish, and mark a key."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QAbstractButton, QApplication, QMenu

from astep_gui.widgets.command_palette import CommandPalette
from tests.gui.nights import write_frame

PATIENCE_MS = 8000
NAME = "R&B"


@pytest.fixture
def night(qtbot, window, tmp_path):
    """The window with a night open whose files, filters and objects are called so."""
    folder = tmp_path / f"{NAME} night"
    for k in range(3):
        write_frame(folder / f"bias_{k}.fits", "bias", number=k)
        write_frame(folder / f"{NAME}_flat_{k}.fits", "flat", number=20 + k, level=20000, FILTER=NAME)
        write_frame(
            folder / f"{NAME}_light_{k}.fits", "light", number=30 + k, level=1200, FILTER=f"{NAME} 2", OBJECT=NAME
        )
    window.open_night(folder)
    qtbot.waitUntil(lambda: window.night.plan is not None and bool(window.night.needs), timeout=PATIENCE_MS)
    lights = [frame.path for frame in window.night.frames if "light" in frame.path]
    window.night.select([lights[0]])
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=PATIENCE_MS)
    return window, lights


def with_the_name(window):
    """Return what buttons and menu entries say that hold the name, or what Qt would make of it."""
    entries = [one.text() for one in window.findChildren(QAction)]
    buttons = [one.text() for one in QApplication.allWidgets() if isinstance(one, QAbstractButton)]
    return [words for words in (*entries, *buttons) if "R&" in words]


def test_a_name_with_an_ampersand_is_whole_in_all_buttons_and_menus(qtbot, night):
    window, lights = night
    window.decisions.set_field([lights[0]], "filter", f"{NAME} 3")
    QApplication.processEvents()
    window.deeds.field_menu(QPoint(0, 0))
    said = with_the_name(window)
    for menu in window.findChildren(QMenu):
        if menu.isVisible():
            menu.close()
    assert any(words.startswith("Undo filter = R&&B 3") for words in said)
    assert "R&&B 2" in said, "a filter that is offered"
    assert [words for words in said if "R&&B" not in words] == []


def test_the_palette_shows_it_once(qtbot, night):
    window, lights = night
    window.decisions.set_field([lights[0]], "filter", f"{NAME} 3")
    palette = CommandPalette([window.actions_by_name["undo"]], window)
    qtbot.addWidget(palette)
    rows = [palette.list.topLevelItem(k).text(0) for k in range(palette.list.topLevelItemCount())]
    assert rows[0].startswith(f"Undo filter = {NAME} 3")
