"""Blinking while a calibrated frame is shown: calibrated files go by, in their unit, and pause on one of them."""

import pytest
from PyQt6.QtCore import Qt

from tests.gui.test_workflow import LIGHTS

PATIENCE_MS = 60_000  # a first call may compile kernels


@pytest.fixture
def shown(qtbot, opened_reduced):
    """The window on a reduced night, with the first frame's calibrated file in view."""
    opened_reduced.night.select([LIGHTS[0]])
    qtbot.keyClick(opened_reduced, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: opened_reduced.viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    opened_reduced.viewing.blink.rate = 20.0
    return opened_reduced


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


def test_enter_ends_the_blink_and_keeps_the_calibrated_frame(qtbot, shown):
    viewing = shown.viewing
    blink(qtbot, shown)
    qtbot.keyClick(shown, Qt.Key.Key_Return)
    assert not viewing.is_blinking
    qtbot.wait(300)
    assert viewing.view.title == f"{shown.night.current.removesuffix('.fits')}_CAL.fits"
    assert viewing.levels.unit == "e⁻"
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: viewing.view.title == shown.night.current, timeout=PATIENCE_MS)
    assert viewing.levels.unit == "ADU"


def test_escape_while_frames_go_by_takes_the_cursors_back_with_the_image(qtbot, shown):
    viewing = shown.viewing
    cursors = (viewing.timeline_model, viewing.keogram_model)
    blink(qtbot, shown)
    qtbot.waitUntil(lambda: all(one.current not in {None, LIGHTS[0]} for one in cursors), timeout=5000)
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    assert shown.night.current == LIGHTS[0]
    assert [one.current for one in cursors] == [LIGHTS[0]] * 2


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
    assert notes.text() == "1 rejected left out, not calibrated"
    assert LIGHTS[2] in notes.toolTip()


def test_all_rejected_frames_that_do_not_go_by_are_counted_once(qtbot, shown):
    shown.decisions.reject([LIGHTS[2], LIGHTS[3]])
    for file in list(shown.night.place.output.rglob("light_002_CAL.fits")):
        file.unlink()
    blink(qtbot, shown)
    qtbot.keyClick(shown, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
    notes = shown.viewing.blink_bar.notes
    assert notes.text() == "2 rejected left out, 1 of them not calibrated"
    assert notes.toolTip().count(LIGHTS[2]) == 1


def waits_for_all(qtbot, window):
    model = window.viewing.blink
    qtbot.waitUntil(lambda: len(model.frames) > 1 and model.loaded == len(model.frames), timeout=PATIENCE_MS)


@pytest.mark.parametrize("plays", [True, False])
def test_a_key_switches_a_blink_between_raw_and_calibrated_where_it_is(qtbot, shown, plays):
    viewing, model = shown.viewing, shown.viewing.blink
    blink(qtbot, shown)
    for kind, unit in (("raw", "ADU"), ("calibrated", "e⁻"), ("raw", "ADU")):
        if not plays:
            model.pause()
        model.rate = 1.0  # the frame that is seen does not change meanwhile
        seen = model.index
        qtbot.keyClick(shown, Qt.Key.Key_Y)
        assert viewing.is_blinking
        assert model.is_playing == plays
        assert [frame.key[:2] for frame in model.frames] == [(kind, path) for path in LIGHTS]
        assert (model.index, model.rate) == (seen, 1.0)
        waits_for_all(qtbot, shown)
        qtbot.waitUntil(lambda unit=unit: viewing.view.shown.unit == unit, timeout=PATIENCE_MS)
        assert viewing.levels.unit == unit
        assert shown.products.is_on == (kind == "calibrated")
        assert viewing.rail.steps.isVisible() == (kind == "raw"), "a calibrated file has no steps; its verdict stays"
    qtbot.keyClick(shown, Qt.Key.Key_Return)
    assert not viewing.is_blinking
    qtbot.waitUntil(lambda: viewing.view.title == shown.night.current, timeout=PATIENCE_MS)


def test_a_blink_made_calibrated_ends_on_the_calibrated_frame_and_x_means_it(qtbot, shown):
    viewing, night = shown.viewing, shown.night
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    blink(qtbot, shown)
    assert {frame.key[0] for frame in viewing.blink.frames} == {"raw"}
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    waits_for_all(qtbot, shown)
    viewing.blink.pause()
    seen = viewing.blink.current.key[1]
    assert night.current == shown.products.calibrated == viewing.timeline_model.current == seen
    qtbot.keyClick(shown, Qt.Key.Key_Return)
    qtbot.wait(300)  # neither the frame itself nor another one may take its place
    assert viewing.view.title == f"{seen.removesuffix('.fits')}_CAL.fits"
    qtbot.keyClick(shown, Qt.Key.Key_X)
    assert list(night.rejected) == [seen]


def test_frames_without_a_calibrated_file_go_by_again_when_the_blink_is_raw_again(qtbot, shown):
    next(shown.night.place.output.rglob("light_002_CAL.fits")).unlink()
    model = shown.viewing.blink
    qtbot.keyClick(shown, Qt.Key.Key_Y)
    blink(qtbot, shown)
    model.pause()
    model.go(2)
    for seen in ([LIGHTS[0], LIGHTS[1], LIGHTS[3]], LIGHTS):
        qtbot.keyClick(shown, Qt.Key.Key_Y)
        assert [frame.key[1] for frame in model.frames] == seen
        assert model.current.key[1] == LIGHTS[3], "the next that is calibrated"


def test_a_raw_blink_goes_on_where_fewer_than_two_are_calibrated_and_says_why_of_the_frame_that_is_seen(qtbot, opened):
    viewing = opened.viewing
    opened.night.select([LIGHTS[0]])
    blink(qtbot, opened)
    viewing.blink.set_rate(1.0)
    qtbot.waitUntil(lambda: viewing.blink.index == 2, timeout=5000)
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    assert viewing.blink.is_playing
    assert {frame.key[0] for frame in viewing.blink.frames} == {"raw"}
    said = opened.log.line.full_text
    assert "0 of these 4 frames have a calibrated file" in said
    assert said.endswith(f"{LIGHTS[2]}: it was not calibrated yet; Ctrl+R reduces the night")


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
    assert (viewing.compare.left.title, viewing.compare.right.title) == (
        "light 000 · calibrated",
        "light 001 · calibrated",
    )
    assert viewing.levels.unit == "e⁻"


def test_a_calibrated_frame_is_not_compared_with_a_raw_one(qtbot, shown):
    next(shown.night.place.output.rglob("light_001_CAL.fits")).unlink()
    qtbot.keyClick(shown, Qt.Key.Key_D)
    qtbot.waitUntil(shown.notice.isVisible, timeout=PATIENCE_MS)
    assert "001 is not calibrated" in shown.notice.why.text()
    assert not shown.viewing.comparing.is_on
