"""Who closed the window, or lost it, in the calibrated view finds that view again: the part, the size, the levels."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt

from astep_gui.keeping import CALM_MS
from astep_gui.main_window import MainWindow
from astep_gui.remembered import Remembered
from tests.gui.test_workflow import LIGHTS

PATIENCE_MS = 20_000
PLACE = (30.0, 22.0)
LEVELS = (1200.0, 5200.0)


@pytest.fixture
def seen(qtbot, opened_reduced):
    """The window on the calibrated file of the second frame, by Y, at 400 % and in levels of a hand."""
    window = opened_reduced
    window.resize(1500, 950)
    qtbot.keyClick(window, Qt.Key.Key_Right)
    window.night.select([LIGHTS[1]])
    view = window.viewing.view
    qtbot.waitUntil(lambda: view.shown is not None and view.shown.key[:2] == ("raw", LIGHTS[1]), timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    view.zoom_to(4.0)
    view.centre_on(*PLACE)
    window.viewing.levels.set_range(*LEVELS)
    return window


@pytest.fixture
def opened_again(qtbot, seen, remembered):
    """Return what opens another window over what the first one has written, which was killed or closed."""
    others = []

    def open_again(*, is_killed=True):
        night = seen.night.place.night
        if is_killed:
            qtbot.wait(CALM_MS)
            qtbot.waitUntil(lambda: not seen.keeper.is_waiting, timeout=3000)
        else:
            seen.close()
        again = MainWindow(Remembered(remembered._settings))
        others.append(again)
        again.night.looks_quickly = False
        again.show()
        again.open_night(night)
        qtbot.waitUntil(lambda: again.viewing.view.shown is not None, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: again.night.survey is not None and again.night.survey.is_reduced, timeout=PATIENCE_MS)
        return again

    yield open_again
    for window in others:
        window.close()


def middle(view):
    at = view.view_rect().center()
    return at.x() - 0.5, at.y() - 0.5


@pytest.mark.parametrize("is_killed", [True, False])
def test_the_calibrated_view_comes_back_with_its_part_and_its_levels(qtbot, opened_again, is_killed):
    again = opened_again(is_killed=is_killed)
    view, levels = again.viewing.view, again.viewing.levels
    qtbot.waitUntil(lambda: view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    assert again.night.current == LIGHTS[1]
    assert again.products.calibrated == LIGHTS[1]
    assert again.products.bar.isVisible()
    qtbot.wait(100)
    assert view.zoom == pytest.approx(4.0, rel=1e-3)
    assert middle(view) == pytest.approx(PLACE, abs=0.05)
    assert (levels.lo, levels.hi, levels.unit, levels.preset) == (*LEVELS, "e⁻", "manual")
    qtbot.wait(CALM_MS + 200)  # and what is kept of it now is the same, for the next time
    assert again.keeper._look._looked(again.night.place.night)["calibrated"] == LIGHTS[1]


def test_a_calibrated_file_that_is_gone_gives_the_frame_at_the_same_place_with_a_word(qtbot, seen, opened_again):
    next(seen.night.place.output.rglob("light_001_CAL.fits")).unlink()
    again = opened_again()
    view = again.viewing.view
    qtbot.waitUntil(
        lambda: "calibrated file that was seen last is gone" in again.log.text.toPlainText(), timeout=PATIENCE_MS
    )
    qtbot.wait(100)
    assert view.shown.key[:2] == ("raw", LIGHTS[1])
    assert not again.products.is_on
    assert view.zoom == pytest.approx(4.0, rel=1e-3)
    assert middle(view) == pytest.approx(PLACE, abs=0.05)
    assert again.viewing.levels.unit == "ADU"


def test_a_master_that_was_looked_at_gives_way_to_the_frame(qtbot, seen, opened_again):
    name = next(master.name for master in seen.night.survey.masters if master.kind != "mask")
    seen.products.show_master(name)
    qtbot.waitUntil(lambda: seen.viewing.view.shown.key[0] == "master", timeout=PATIENCE_MS)
    again = opened_again()
    qtbot.wait(300)
    assert not again.products.is_on
    assert again.viewing.view.shown.key[:2] == ("raw", LIGHTS[1])
    assert again.viewing.levels.lo < again.viewing.view.shown.level.sky < again.viewing.levels.hi


def test_who_went_back_to_the_frame_finds_the_frame(qtbot, seen, opened_again):
    qtbot.keyClick(seen, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: seen.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    again = opened_again()
    qtbot.wait(300)
    assert not again.products.is_on
    assert again.viewing.view.title == LIGHTS[1]
    assert again.viewing.view.zoom == pytest.approx(4.0, rel=1e-3)
