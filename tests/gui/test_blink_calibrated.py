"""Blinking while a calibrated frame is shown: calibrated files go by, in their unit, and pause on one of them."""

import pytest
from PyQt6.QtCore import Qt

from tests.gui.test_workflow import LIGHTS, reduce

PATIENCE_MS = 60_000  # a first call may compile kernels


@pytest.fixture
def shown(qtbot, opened):
    """The window on a reduced night, with the first frame's calibrated file in view."""
    reduce(qtbot, opened)
    opened.night.select([LIGHTS[0]])
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: opened.viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    opened.viewing.blink.rate = 20.0
    return opened


def blink(qtbot, window):
    model = window.viewing.blink
    qtbot.keyClick(window, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: len(model.frames) > 1 and model.loaded == len(model.frames), timeout=PATIENCE_MS)


def test_calibrated_files_go_by_in_electrons_and_the_bar_names_no_single_one(qtbot, shown):
    viewing = shown.viewing
    blink(qtbot, shown)
    assert [frame.key[:2] for frame in viewing.blink.frames] == [("calibrated", path) for path in LIGHTS]
    for _ in range(4):
        index = viewing.blink.index
        qtbot.waitUntil(lambda i=index: viewing.blink.index != i, timeout=5000)
        assert viewing.view.title == f"light_{viewing.blink.index:03d}_CAL.fits"
        assert viewing.view.shown.unit == viewing.levels.unit == "e⁻"
        assert viewing.levels.lo < viewing.view.shown.level.sky < viewing.levels.hi
    assert "CAL" not in shown.products.bar.words.full_text
    assert viewing.blink_bar.notes.isHidden() or "calibrated" not in viewing.blink_bar.notes.text()


def test_pause_pauses_on_a_calibrated_file_and_the_bar_names_it(qtbot, shown):
    viewing = shown.viewing
    blink(qtbot, shown)
    qtbot.waitUntil(lambda: viewing.blink.index == 2, timeout=5000)
    qtbot.mouseClick(viewing.blink_bar.play, Qt.MouseButton.LeftButton)
    assert viewing.is_blinking
    assert not viewing.blink.is_playing
    path = viewing.blink.current.key[1]
    assert shown.night.current == path
    name = f"{path.removesuffix('.fits')}_CAL.fits"
    qtbot.wait(300)  # the raw frame must not take its place
    assert viewing.view.title == name
    assert viewing.view.shown.unit == viewing.levels.unit == "e⁻"
    assert name in shown.products.bar.words.full_text
    qtbot.keyClick(shown, Qt.Key.Key_B)
    assert viewing.blink.is_playing


def test_escape_ends_the_blink_and_keeps_the_calibrated_frame(qtbot, shown):
    viewing = shown.viewing
    blink(qtbot, shown)
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    assert not viewing.is_blinking
    qtbot.wait(300)
    assert viewing.view.title == f"{shown.night.current.removesuffix('.fits')}_CAL.fits"
    assert viewing.levels.unit == "e⁻"
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: viewing.view.title == shown.night.current, timeout=PATIENCE_MS)
    assert viewing.levels.unit == "ADU"


def test_frames_without_a_calibrated_file_are_left_out_and_named(qtbot, shown):
    place = shown.night.place
    next(place.output.rglob("light_002_CAL.fits")).unlink()
    blink(qtbot, shown)
    assert [frame.key[1] for frame in shown.viewing.blink.frames] == [LIGHTS[0], LIGHTS[1], LIGHTS[3]]
    notes = shown.viewing.blink_bar.notes
    assert "1 not calibrated yet" in notes.text()
    assert LIGHTS[2] in notes.toolTip()


def test_a_rejected_frame_without_a_calibrated_file_is_not_told_as_one_that_is_to_come(qtbot, shown):
    shown.decisions.reject([LIGHTS[2]])
    for file in list(shown.night.place.output.rglob("light_002_CAL.fits")):
        file.unlink()
    blink(qtbot, shown)
    notes = shown.viewing.blink_bar.notes
    assert notes.text() == "1 rejected, not calibrated"
    assert LIGHTS[2] in notes.toolTip()


def test_the_way_back_to_the_frame_ends_the_blink_of_calibrated_files(qtbot, shown):
    viewing = shown.viewing
    blink(qtbot, shown)
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    assert not viewing.is_blinking
    assert not shown.products.is_on
    qtbot.waitUntil(lambda: viewing.view.title == shown.night.current, timeout=PATIENCE_MS)
    assert viewing.levels.unit == "ADU"
    blink(qtbot, shown)
    assert {frame.key[0] for frame in viewing.blink.frames} == {"raw"}


def test_the_calibrated_file_asked_for_in_a_raw_blink_is_of_the_frame_that_is_seen(qtbot, shown):
    viewing, night = shown.viewing, shown.night
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    night.select([LIGHTS[0]])
    blink(qtbot, shown)
    assert {frame.key[0] for frame in viewing.blink.frames} == {"raw"}
    qtbot.waitUntil(lambda: viewing.blink.index == 2, timeout=5000)
    assert night.current == LIGHTS[0]  # where the blink began
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    seen = viewing.blink.current.key[1]
    assert seen != LIGHTS[0]
    assert night.current == shown.products.calibrated == seen
    assert viewing.timeline_model.current == seen
    assert shown.log.text.toPlainText().splitlines()[-1].endswith("B blinks the calibrated files")
    qtbot.waitUntil(lambda: viewing.view.title.endswith("_CAL.fits"), timeout=PATIENCE_MS)
    qtbot.wait(300)  # neither the frame itself nor another one may take its place
    assert viewing.view.title == f"{seen.removesuffix('.fits')}_CAL.fits"
    qtbot.keyClick(shown, Qt.Key.Key_X)
    assert seen in night.rejected
    assert LIGHTS[0] not in night.rejected


def test_a_raw_blink_only_pauses_where_the_frame_that_is_seen_is_not_calibrated(qtbot, opened):
    viewing = opened.viewing
    opened.night.select([LIGHTS[0]])
    blink(qtbot, opened)
    qtbot.waitUntil(lambda: viewing.blink.index == 2, timeout=5000)
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    seen = viewing.blink.current.key[1]
    assert viewing.is_blinking
    assert not viewing.blink.is_playing
    assert opened.night.current == viewing.timeline_model.current == seen != LIGHTS[0]
    assert viewing.view.title == seen
    assert opened.log.text.toPlainText().splitlines()[-1].endswith("Ctrl+R reduces the night")


def test_choosing_a_frame_that_is_not_calibrated_ends_the_blink_and_shows_it(qtbot, shown):
    blink(qtbot, shown)
    shown.viewing.blink.pause()
    shown.night.select(["dark_000.fits"])
    qtbot.waitUntil(lambda: shown.viewing.view.title == "dark_000.fits", timeout=PATIENCE_MS)
    assert not shown.viewing.is_blinking


def test_a_blink_begun_from_a_master_leaves_it(qtbot, shown):
    shown.products.show_master("flat_R")
    qtbot.waitUntil(lambda: shown.viewing.view.title == "flat_R", timeout=PATIENCE_MS)
    blink(qtbot, shown)
    assert shown.viewing.is_blinking
    assert not shown.products.is_on
    assert {frame.key[0] for frame in shown.viewing.blink.frames} == {"raw"}


def test_calibrated_frames_are_compared_with_calibrated_frames(qtbot, shown):
    qtbot.keyClick(shown, Qt.Key.Key_D)
    viewing = shown.viewing
    qtbot.waitUntil(lambda: viewing.comparing.is_on, timeout=PATIENCE_MS)
    assert (viewing.compare.left.title, viewing.compare.right.title) == ("000 · calibrated", "001 · calibrated")
    assert viewing.levels.unit == "e⁻"


def test_a_calibrated_frame_is_not_compared_with_a_raw_one(qtbot, shown):
    next(shown.night.place.output.rglob("light_001_CAL.fits")).unlink()
    qtbot.keyClick(shown, Qt.Key.Key_D)
    qtbot.waitUntil(shown.notice.isVisible, timeout=PATIENCE_MS)
    assert "001 is not calibrated" in shown.notice.why.text()
    assert not shown.viewing.comparing.is_on
