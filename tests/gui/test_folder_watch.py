"""A night that grows while it is open: what comes in is noticed wherever it comes, and only once it is whole."""

from __future__ import annotations

import shutil

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models import folder_watch
from astep_gui.models.folder_watch import FolderWatch
from pipeline_core import scan
from pipeline_core.errors import NightError
from tests.gui.nights import write_frame
from tests.gui.test_workflow import reduce

PATIENCE_MS = 20_000


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(folder_watch, "LOOK_MS", 250)
    monkeypatch.setattr(folder_watch, "GROWN_MS", 250)


def light(file, number=77):
    write_frame(file, "light", number=number, FILTER="R", OBJECT="M 5")
    return file


def test_frames_in_a_folder_that_is_new_are_noticed_though_it_came_empty(qtbot, opened, night_folder):
    folder = night_folder / "2026-06-22" / "light"
    folder.mkdir(parents=True)
    qtbot.wait(900)  # looked through, and empty
    light(folder / "light_900.fits")
    qtbot.waitUntil(lambda: opened.night.frame("2026-06-22/light/light_900.fits") is not None, timeout=PATIENCE_MS)


def test_a_file_that_was_cut_short_when_it_was_read_is_read_again_once_it_is_whole(
    qtbot, opened, night_folder, tmp_path
):
    whole = light(tmp_path / "aside.fits").read_bytes()
    file = night_folder / "light_900.fits"
    file.write_bytes(whole[: len(whole) // 2])
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=PATIENCE_MS)
    assert opened.night.frame("light_900.fits").unusable
    with file.open("ab") as end:  # the system tells nothing of it: no name comes or goes
        end.write(whole[len(whole) // 2 :])
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits").unusable is None, timeout=PATIENCE_MS)


def test_a_file_is_left_alone_as_long_as_it_grows(qtbot, opened, night_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_watch, "GROWN_MS", 1000)
    whole = light(tmp_path / "aside.fits").read_bytes()
    file = night_folder / "light_900.fits"
    read = []
    opened.night.night_changed.connect(lambda: read.append(file.stat().st_size))
    with file.open("wb") as slow:
        step = len(whole) // 12
        for start in range(0, len(whole), step):
            slow.write(whole[start : start + step])
            slow.flush()
            qtbot.wait(100)  # less than what is called quiet
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=PATIENCE_MS)
    assert read == [len(whole)]
    assert opened.night.frame("light_900.fits").unusable is None


def test_a_folder_that_goes_takes_its_frames_along(qtbot, opened, night_folder):
    light(night_folder / "more" / "light_900.fits")
    qtbot.waitUntil(lambda: opened.night.frame("more/light_900.fits") is not None, timeout=PATIENCE_MS)
    shutil.rmtree(night_folder / "more")
    qtbot.waitUntil(lambda: opened.night.frame("more/light_900.fits") is None, timeout=PATIENCE_MS)


def test_a_folder_that_is_away_is_told_of_once_and_read_again_when_it_is_back(qtbot, opened, night_folder, tmp_path):
    problems = []
    opened.night.problem.connect(problems.append)
    night_folder.rename(tmp_path / "unplugged")
    qtbot.wait(1500)
    assert len(problems) <= 1
    (tmp_path / "unplugged").rename(night_folder)
    light(night_folder / "light_900.fits")
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=PATIENCE_MS)


def test_a_night_in_which_nothing_changes_is_not_read_again(qtbot, opened):
    grown = []
    opened.night._folders.grown.connect(lambda: grown.append(1))
    qtbot.wait(1500)
    assert not grown


def test_a_night_that_was_closed_is_looked_at_no_more(qtbot, opened, monkeypatch):
    looks = []
    opened.night.close()
    monkeypatch.setattr(FolderWatch, "_look", lambda _self: looks.append(1))
    qtbot.wait(800)
    assert not looks


def test_what_came_in_while_the_night_could_not_be_read_is_read_later(qtbot, opened, night_folder, monkeypatch):
    failed = []

    def broken(*_args, **_more):
        failed.append(1)
        raise NightError("the night cannot be read", "the disk was away", "try again")

    with monkeypatch.context() as away:
        away.setattr(scan, "scan_night", broken)
        light(night_folder / "light_900.fits")
        qtbot.waitUntil(lambda: bool(failed), timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=PATIENCE_MS)


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_blink_goes_on_while_the_night_grows_and_ends_when_one_of_its_frames_is_gone(
    qtbot, opened, night_folder, calibrated
):
    lights = [f"light_{k:03d}.fits" for k in range(4)]
    opened.viewing.blink.rate = 8.0
    opened.night.select(lights[:1])
    if calibrated:
        reduce(qtbot, opened)
        qtbot.keyClick(opened, Qt.Key.Key_Y)
    qtbot.keyClick(opened, Qt.Key.Key_B)
    model = opened.viewing.blink
    qtbot.waitUntil(lambda: model.is_playing and model.loaded == 4, timeout=PATIENCE_MS)
    light(night_folder / "light_900.fits")
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=PATIENCE_MS)
    seen = set()
    model.frame_due.connect(lambda _small, frame, _offset: seen.add(frame.key[1]))
    qtbot.waitUntil(lambda: seen == set(lights), timeout=PATIENCE_MS)
    assert opened.viewing.is_blinking
    assert model.is_playing
    qtbot.keyClick(opened, Qt.Key.Key_Space)
    kind = "calibrated" if calibrated else "raw"
    qtbot.waitUntil(lambda: opened.viewing.view.shown.key[:2] == (kind, opened.night.current), timeout=PATIENCE_MS)
    assert opened.products.is_on == calibrated
    (night_folder / lights[2]).unlink()
    qtbot.waitUntil(lambda: not opened.viewing.is_blinking, timeout=PATIENCE_MS)
