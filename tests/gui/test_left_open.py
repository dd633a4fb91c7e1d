"""A night that was open when the program ended suddenly comes back; of two windows each keeps its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from PyQt6.QtCore import QSettings

from astep_gui.main_window import MainWindow
from astep_gui.remembered import Remembered


def test_which_night_is_open_is_written_at_once(qtbot, window, remembered, night_folder):
    with qtbot.waitSignal(window.night.night_changed, timeout=8000):
        window.open_night(night_folder)
    assert window.keeper.is_waiting, "the rest is written when nothing changes any more"
    file = Path(remembered._settings.fileName())
    qtbot.waitUntil(lambda: file.is_file() and f"[open]\n{os.getpid()}%20" in file.read_text(), timeout=3000)
    (open_here,) = Remembered(QSettings(str(file), QSettings.Format.IniFormat)).words("open").values()
    assert open_here.endswith(str(night_folder))


def test_a_night_left_open_by_a_sudden_end_is_named_and_one_that_was_closed_is_not(qtbot, opened, remembered):
    opened.keeper.keep()
    night = opened.night.place.night.absolute()
    assert opened.keeper.left_open() is None, "this very process has it open"
    # above the largest process number of Linux
    remembered.set_word(f"open/{2**22 + 5} {time.time() - 60:.0f}", str(night.parent))
    remembered.set_word(f"open/{2**22 + 7} {time.time():.0f}", str(night))
    assert opened.keeper.left_open() == night
    assert opened.keeper.left_open() is None, "what was told once is no news the next time"
    opened.keeper.end()
    assert opened.keeper.left_open() is None


def test_a_night_comes_back_after_a_power_cut_though_its_process_number_is_anothers_now(opened, remembered):
    night = opened.night.place.night.absolute()
    yesterday = time.time() - 86400
    remembered.set_word(
        f"open/{os.getpid()} {yesterday:.0f}", str(night)
    )  # this process began later: it is not that one
    assert opened.keeper.left_open() == night


def test_a_night_comes_back_though_nobody_has_cleared_away_the_process_that_died(opened, remembered):
    night = opened.night.place.night.absolute()
    died = subprocess.Popen([sys.executable, "-c", ""])
    begun = time.time()
    while psutil.Process(died.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.time() < begun + 30
    remembered.set_word(f"open/{died.pid} {time.time():.0f}", str(night))
    assert opened.keeper.left_open() == night
    died.wait()


def test_a_window_that_is_closed_leaves_the_night_of_another_one_to_be_found_after_its_sudden_end(opened, remembered):
    night = opened.night.place.night.absolute()
    opened.keeper.keep()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        theirs = Remembered(remembered._settings)  # another window, of another program, has its night open
        theirs.set_word(f"open/{other.pid} {time.time():.0f}", str(night))
        theirs.close()
        opened.close()
        assert opened.keeper.left_open() is None, "it is there, and has it open"
        other.kill()
    again = MainWindow(Remembered(remembered._settings))
    assert again.keeper.left_open() == night
    again.close()


def test_settings_that_cannot_be_written_are_said_once(qtbot, opened, tmp_path):
    (tmp_path / "no folder").write_text("")
    opened.remembered._settings = QSettings(str(tmp_path / "no folder" / "a.ini"), QSettings.Format.IniFormat)
    for width in (0.5, 0.6):
        opened.remembered.set_word("shares", str(width))
        opened.remembered.sync()
        opened.keeper.keep()
    told = opened.log.text.toPlainText()
    assert told.count("will not come back") == 1
    assert "a.ini cannot be written" in told
