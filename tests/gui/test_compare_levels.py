"""Levels of one image while two are compared: given back afterwards, however the comparing ends."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.levels import OF_AN_IMAGE
from tests.gui.test_workflow import LIGHTS

PATIENCE_MS = 8_000
KEY = Qt.Key


def held(window):
    return {name: window.viewing.levels.state()[name] for name in OF_AN_IMAGE}


def close_it(_qtbot, window):
    window.viewing.compare.close_button.click()


def press_escape(qtbot, window):
    qtbot.keyClick(window.viewing.compare, KEY.Key_Escape)


def look_at_one_image(_qtbot, window):
    """As whatever shows something else does: a blink, a master, a calibrated file."""
    window.viewing.pages.setCurrentWidget(window.viewing.view)


@pytest.fixture(params=["auto", "by hand", "frozen"])
def before(request, qtbot, opened):
    """The window on a frame, with levels of each kind."""
    opened.night.select([LIGHTS[0]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    sky = opened.viewing.view.shown.level.sky
    if request.param != "auto":
        opened.viewing.levels.set_range(sky - 9.0, sky + 33.0)
    opened.viewing.levels.set_frozen(request.param == "frozen")
    return opened


@pytest.mark.parametrize("leave", [close_it, press_escape, look_at_one_image])
def test_after_comparing_the_levels_are_what_they_were(qtbot, before, leave):
    was = held(before)
    qtbot.keyClick(before, KEY.Key_D)
    qtbot.waitUntil(lambda: before.viewing.comparing.is_on, timeout=PATIENCE_MS)
    before.viewing.compare.same_levels.setChecked(True)
    before.viewing.levels.set_frozen(True)
    before.viewing.levels.set_range(3.0, 5.0)
    leave(qtbot, before)
    assert held(before) == was
    assert before.viewing.compare.left.shown is None
    assert before.viewing.levels_panel.frozen.isChecked() == was["frozen"]


def test_levels_of_a_comparison_are_not_kept_for_the_next_time(qtbot, before):
    was = held(before)
    qtbot.keyClick(before, KEY.Key_D)
    qtbot.waitUntil(lambda: before.viewing.comparing.is_on, timeout=PATIENCE_MS)
    before.viewing.levels.set_frozen(not was["frozen"])
    kept = before.viewing.levels_to_keep()
    assert {name: kept[name] for name in was} == was
