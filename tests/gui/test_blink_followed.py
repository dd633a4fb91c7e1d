"""List, plot and histogram say which frame of a blink is seen: at once when it rests or goes by slowly."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from tests.gui.test_workflow import LIGHTS

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 60_000  # a first call may compile kernels


@pytest.fixture
def reduced(qtbot, opened_reduced):
    """The window on a reduced night, blinking raw frames twice a second."""
    opened_reduced.night.select([LIGHTS[0]])
    qtbot.waitUntil(lambda: opened_reduced.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    opened_reduced.viewing.blink.rate = 2.0
    qtbot.keyClick(opened_reduced, Qt.Key.Key_B)
    all_loaded(qtbot, opened_reduced)
    return opened_reduced


def all_loaded(qtbot, window):
    model = window.viewing.blink
    qtbot.waitUntil(lambda: len(model.frames) > 1 and model.loaded == len(model.frames), timeout=PATIENCE_MS)


def say_otherwise(window):
    """Return what does not say what is seen."""
    viewing, panel = window.viewing, window.viewing.levels_panel
    seen, path = viewing.view.shown, viewing.blink.current.key[1]
    in_list = window.table.tree.passing if viewing.blink.is_playing else window.night.current
    pairs = {
        "list": (in_list, path),
        "plot": (viewing.timeline_model.current, path),
        "keogram": (viewing.keogram_model.current, path),
        "image": (seen.key, viewing.blink.current.key),
        "sky": (panel._sky.value(), seen.level.sky),
        "black": (panel.low.value(), round(viewing.levels.lo, panel.low.decimals())),
        "white": (panel.high.value(), round(viewing.levels.hi, panel.high.decimals())),
        "region": (tuple(panel.region.getRegion()), (viewing.levels.lo, viewing.levels.hi)),
        "unit": (seen.unit in panel.plot.getPlotItem().getAxis("bottom").labelText, True),
        "axis": (panel._span[0] <= seen.level.sky <= panel._span[1], True),
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != _about(pair[1])}


def _about(value):
    is_number = isinstance(value, (float, int)) or (isinstance(value, tuple) and isinstance(value[0], float))
    return pytest.approx(value) if is_number else value


@pytest.mark.parametrize("plays", [True, False])
def test_after_the_switch_between_raw_and_calibrated_the_histogram_is_that_of_what_is_seen(qtbot, reduced, plays):
    viewing = reduced.viewing
    for unit in ("e⁻", "ADU", "e⁻"):
        if not plays:
            viewing.blink.pause()
        qtbot.keyClick(reduced, Qt.Key.Key_Y)
        all_loaded(qtbot, reduced)
        qtbot.waitUntil(lambda unit=unit: viewing.view.shown.unit == unit, timeout=PATIENCE_MS)
        assert viewing.blink.is_playing == plays
        if plays:  # within the time between two moves
            qtbot.waitUntil(lambda: say_otherwise(reduced) == {}, timeout=PATIENCE_MS)
        else:
            assert say_otherwise(reduced) == {}


def test_every_frame_that_goes_by_slowly_is_followed_at_once(qtbot, reduced):
    wrong, seen = [], []

    def look(_small, frame, _offset):
        seen.append(frame.key)
        wrong.append(say_otherwise(reduced))

    reduced.viewing.blink.frame_due.connect(look)
    qtbot.waitUntil(lambda: len(seen) > 4, timeout=PATIENCE_MS)
    assert wrong == [{}] * len(wrong)


def test_what_rests_is_followed_at_once_however_fast_it_went_by(qtbot, reduced):
    viewing = reduced.viewing
    viewing.blink.set_rate(30.0)
    for _ in range(4):
        index = viewing.blink.index
        qtbot.waitUntil(lambda i=index: viewing.blink.index != i, timeout=PATIENCE_MS)
        qtbot.keyClick(reduced, Qt.Key.Key_Space)
        assert not viewing.blink.is_playing
        assert say_otherwise(reduced) == {}
        qtbot.mouseClick(viewing.blink_bar.forth, LEFT)
        assert say_otherwise(reduced) == {}
        qtbot.keyClick(reduced, Qt.Key.Key_Space)


def test_a_level_that_is_typed_while_frames_go_by_is_not_taken_from_under_the_hand(qtbot, reduced):
    panel = reduced.viewing.levels_panel
    panel.high.setFocus()
    panel.high.selectAll()
    qtbot.keyClicks(panel.high, "4321")
    index = reduced.viewing.blink.index
    qtbot.waitUntil(lambda: reduced.viewing.blink.index != index, timeout=PATIENCE_MS)
    qtbot.wait(150)
    assert panel.high.lineEdit().text() == "4321"
    qtbot.keyClick(panel.high, Qt.Key.Key_Return)
    assert panel.high.value() == pytest.approx(4321)
