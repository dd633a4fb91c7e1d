"""A window for each test: offscreen, with settings and caches of its own; what it leaves behind fails the test."""

from __future__ import annotations

import os
import threading

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from astep_gui.main_window import MainWindow
from astep_gui.remembered import Remembered
from tests.gui.nights import small_night


@pytest.fixture
def night_folder(tmp_path):
    return small_night(tmp_path / "night")


@pytest.fixture
def remembered(tmp_path):
    return Remembered(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(qtbot, remembered):
    """A window that is shown; after the test no thread of it and no dialog may be left."""
    threads = set(threading.enumerate())
    window = MainWindow(remembered)
    window.night.looks_quickly = False
    window.show()
    yield window
    window.close()
    for widget in QApplication.topLevelWidgets():
        assert widget is window or not widget.isVisible(), f"{widget} was left open"
    window.deleteLater()
    QApplication.processEvents()
    left = [thread for thread in threading.enumerate() if thread not in threads and "ThreadPool" not in thread.name]
    qtbot.waitUntil(lambda: not any(thread.is_alive() for thread in left), timeout=5000)


@pytest.fixture
def opened(qtbot, window, night_folder):
    """The window with a small night open and planned."""
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    return window
