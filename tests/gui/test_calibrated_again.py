"""Who closed the window, or lost it, in the calibrated view finds that view again: the part, the size, the levels."""

from __future__ import annotations

import json
import shutil

import pytest
from PyQt6.QtCore import Qt

from astep_gui.keeping import CALM_MS
from astep_gui.main_window import MainWindow
from astep_gui.models.planning import Planning
from astep_gui.remembered import Remembered
from pipeline_core import survey
from pipeline_core.errors import NightError
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


def written(window, qtbot):
    """Wait until all that is kept of a window is on the disk."""
    qtbot.wait(CALM_MS)
    qtbot.waitUntil(lambda: not window.keeper.is_waiting, timeout=3000)


def with_cosmic(window, **changes):
    """Decide about cosmic rays: every calibrated file is then to be made anew."""
    recipe = window.night.recipe
    window.decisions.set_recipe(recipe.model_copy(update={"cosmic": recipe.cosmic.model_copy(update=changes)}))


def test_a_file_that_is_to_be_renewed_says_so_when_its_view_comes_back(qtbot, seen, opened_again):
    with_cosmic(seen, sigclip=6.5)
    qtbot.waitUntil(lambda: LIGHTS[1] in seen.night.survey.stale, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "to be renewed" in seen.products.bar.words.full_text, timeout=PATIENCE_MS)
    again = opened_again()  # what is to be renewed is known only after the view is there
    qtbot.waitUntil(lambda: again.viewing.view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: LIGHTS[1] in again.night.survey.stale, timeout=PATIENCE_MS)
    assert "to be renewed" in again.products.bar.words.full_text


def test_a_file_that_a_run_makes_anew_is_shown_anew_at_the_same_place_and_levels(qtbot, seen):
    view, place = seen.viewing.view, seen.night.place
    with_cosmic(seen, enabled=False)
    qtbot.waitUntil(lambda: LIGHTS[1] in seen.night.survey.stale, timeout=PATIENCE_MS)
    seen.run.start()
    qtbot.waitUntil(lambda: not seen.run.is_running and not seen.night.survey.stale, timeout=60_000)
    stamp = next(place.output.rglob("light_001_CAL.fits")).stat().st_mtime_ns
    qtbot.waitUntil(lambda: view.shown.key == ("calibrated", LIGHTS[1], stamp), timeout=PATIENCE_MS)
    assert "to be renewed" not in seen.products.bar.words.full_text
    assert view.zoom == pytest.approx(4.0, rel=1e-3)
    assert middle(view) == pytest.approx(PLACE, abs=0.05)
    assert (seen.viewing.levels.lo, seen.viewing.levels.hi) == LEVELS


def test_a_night_that_grows_leaves_the_calibrated_view_as_it_is(qtbot, seen):
    night = seen.night
    shutil.copy(night.place.night / LIGHTS[2], night.place.night / "light_009.fits")
    night.refresh()
    qtbot.waitUntil(lambda: "light_009.fits" in night.night.by_path, timeout=PATIENCE_MS)
    qtbot.wait(500)  # the frame as it was taken is read again meanwhile
    assert seen.products.calibrated == LIGHTS[1]
    assert seen.products.bar.isVisible()
    assert seen.viewing.view.title == "light_001_CAL.fits"
    assert seen.viewing.view.zoom == pytest.approx(4.0, rel=1e-3)


def test_a_kill_before_the_plan_is_there_does_not_take_the_part_of_a_calibrated_frame(
    qtbot, seen, remembered, monkeypatch
):
    written(seen, qtbot)
    night, kept = seen.night.place.night, Remembered(remembered._settings)
    x, y, zoom, rows, columns = kept.part(night).split()
    trimmed = f"{x} {y} {zoom} {int(rows) - 4} {columns}"  # of a calibrated frame that is smaller than the raw one
    kept.set_part(night, trimmed)
    kept.close()
    monkeypatch.setattr(Planning, "_begin", lambda _self: None)
    again = MainWindow(Remembered(remembered._settings))
    again.night.looks_quickly = False
    again.show()
    again.open_night(night)
    qtbot.waitUntil(lambda: again.viewing.view.shown is not None, timeout=PATIENCE_MS)
    again.keeper.keep()
    assert again.remembered.part(night) == trimmed
    again.viewing.view.zoom_to(2.0)  # a person looks at another part meanwhile
    again.keeper.keep()
    assert again.remembered.part(night).split()[2:] == ["2", rows, columns]
    again.close()


@pytest.mark.parametrize("bad", [None, "x", [1], {}])
@pytest.mark.parametrize("name", ["lo", "preset"])
def test_levels_that_are_not_understood_are_as_at_first(qtbot, seen, remembered, bad, name):
    written(seen, qtbot)
    night, kept = seen.night.place.night, Remembered(remembered._settings)
    said = json.loads(kept.looked(night))
    said["levels"][name] = bad
    kept.set_looked(night, json.dumps(said))
    kept.close()
    again = MainWindow(Remembered(remembered._settings))
    again.night.looks_quickly = False
    again.show()
    again.open_night(night)
    qtbot.waitUntil(lambda: again.viewing.view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    levels = again.viewing.levels
    assert levels.lo < levels.hi
    assert levels.unit == "e⁻"
    again.close()


def test_a_logbook_that_is_damaged_is_said_and_the_frame_is_seen_as_it_was_taken(qtbot, seen, remembered):
    written(seen, qtbot)
    night, output = seen.night.place.night, seen.night.place.output
    seen.close()
    for file in output.glob("logbook.sqlite*"):
        file.unlink()
    (output / "logbook.sqlite").write_bytes(b"damaged" * 1000)
    again = MainWindow(Remembered(remembered._settings))
    again.night.looks_quickly = False
    again.show()
    again.open_night(night)
    qtbot.waitUntil(lambda: again.night.plan is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: again.viewing.view.shown is not None, timeout=PATIENCE_MS)
    qtbot.keyClick(again, Qt.Key.Key_Y)
    assert again.viewing.view.shown.key[0] == "raw"
    assert not again.products.is_on
    assert again.notice.isVisible()
    assert "it is damaged, or not a logbook" in again.notice.why.text()
    again.close()


def test_levels_of_a_hand_stay_from_one_calibrated_frame_to_the_next_which_no_raw_one_flashes_between(qtbot, seen):
    """The frame as it was taken came in between, in ADU: the levels were automatic ones from then on."""
    view, levels, flashed = seen.viewing.view, seen.viewing.levels, []
    qtbot.wait(300)  # the next frame is read ahead
    view.view_changed.connect(lambda: flashed.append(view.shown.key[0]))
    for name in ("light_002_CAL.fits", "light_003_CAL.fits"):
        qtbot.keyClick(seen, Qt.Key.Key_Right)
        qtbot.waitUntil(lambda name=name: view.title == name, timeout=PATIENCE_MS)
        qtbot.wait(200)
        assert (levels.lo, levels.hi, levels.unit, levels.preset) == (*LEVELS, "e⁻", "manual")
    assert "raw" not in flashed


def test_a_raw_frame_that_comes_late_takes_no_levels_from_its_calibrated_file(seen):
    seen.viewing.images.request(*seen.viewing.loader(LIGHTS[1]))
    assert seen.viewing.view.shown.key[0] == "calibrated"
    assert (seen.viewing.levels.lo, seen.viewing.levels.preset) == (LEVELS[0], "manual")


def test_where_the_next_calibrated_file_is_gone_its_frame_is_seen_and_not_the_one_before(qtbot, seen):
    next(seen.night.place.output.rglob("light_002_CAL.fits")).unlink()
    qtbot.keyClick(seen, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: seen.viewing.view.shown.key[:2] == ("raw", LIGHTS[2]), timeout=PATIENCE_MS)
    assert "its file is gone" in seen.products.bar.words.full_text
    qtbot.keyClick(seen, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: seen.viewing.view.title == "light_003_CAL.fits", timeout=PATIENCE_MS)


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_D])
def test_a_logbook_that_cannot_be_asked_where_files_lie_is_said_when_they_are_blinked_or_compared(
    qtbot, seen, monkeypatch, key
):
    def locked(*_):
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    monkeypatch.setattr(survey, "calibrated_files", locked)
    qtbot.keyClick(seen, key)
    assert "another program holds it" in seen.notice.why.text()
    assert seen.products.calibrated == LIGHTS[1]


def test_a_logbook_that_cannot_be_asked_leaves_a_blink_of_raw_frames_as_it_is(qtbot, opened_reduced, monkeypatch):
    def locked(*_):
        raise NightError("cannot read the logbook", "another program holds it", "close it")

    window = opened_reduced
    qtbot.keyClick(window, Qt.Key.Key_B)
    assert window.viewing.is_blinking
    qtbot.waitUntil(lambda: window.viewing.blink.current is not None, timeout=PATIENCE_MS)
    monkeypatch.setattr(survey, "calibrated_files", locked)
    qtbot.keyClick(window, Qt.Key.Key_Y)
    assert "another program holds it" in window.notice.why.text()
    assert window.viewing.is_blinking
    assert not window.viewing.blinks_calibrated
