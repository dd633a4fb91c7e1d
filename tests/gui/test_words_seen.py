"""No word is cut or overlapped, at any size the window is made for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PyQt6.QtWidgets import QApplication, QHBoxLayout, QLabel, QPushButton, QWidget

from astep_gui.theme import apply_theme
from pipeline_core.errors import NightError
from tests.gui.words_seen import unreadable

SIZES = [(1280, 720), (1600, 1000), (3840, 2160)]


def settle():
    for _ in range(4):
        QApplication.processEvents()


def dialog():
    return next(w for w in QApplication.topLevelWidgets() if w.isVisible() and w.isWindow() and w.isModal())


@pytest.fixture(autouse=True)
def _dressed(qapp):
    apply_theme(qapp, "dark")


def test_a_cut_word_is_found(qtbot):
    label = QLabel("a very long word that has no room at all")
    qtbot.addWidget(label)
    holder = QWidget()
    qtbot.addWidget(holder)
    box = QHBoxLayout(holder)
    box.addWidget(label)
    holder.show()
    label.setFixedWidth(50)
    settle()
    assert "needs" in unreadable(holder)[0]


def test_words_on_words_are_found(qtbot):
    holder = QWidget()
    qtbot.addWidget(holder)
    for x in (0, 10):
        button = QPushButton("Press", holder)
        button.setGeometry(x, 0, 80, 24)
    holder.show()
    assert "lies on" in unreadable(holder)[0]


@pytest.mark.parametrize("size", SIZES)
def test_the_start_page_can_be_read(qtbot, window, tmp_path, size):
    window.start_page.show_recent([tmp_path / "a" / ("long_" * 30) / "2026-06-21", tmp_path])
    window.resize(*size)
    settle()
    assert not unreadable(window)


@pytest.mark.parametrize("size", SIZES)
def test_every_panel_of_an_open_night_can_be_read(qtbot, opened, size):
    opened.resize(*size)
    qtbot.waitUntil(lambda: opened.viewing.view.shown is not None, timeout=8000)
    opened.tabs.mark("Results", is_news=True)
    opened.show_problem(NightError("cannot use dark_033.fits", "it holds 212 stars", "take it out of the master"))
    found = {}
    for name, dock in opened.docks.items():
        dock.show()
        dock.raise_()
        settle()
        if faults := unreadable(opened):
            found[name] = faults
    assert not found


@pytest.mark.parametrize("action", ["settings", "palette", "shortcuts", "about"])
def test_every_dialog_can_be_read(qtbot, opened, action):
    opened.resize(1280, 720)
    opened.actions_by_name[action].trigger()
    settle()
    asked = dialog()
    assert not unreadable(asked)
    assert asked.width() <= 1280
    assert asked.height() <= 720
    asked.reject()


def test_at_twice_the_pixels_the_same_holds():
    if os.environ.get("QT_SCALE_FACTOR"):
        pytest.skip("this is the run at twice the pixels")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, "-q", "-n", "0", "-k", "1600 or dialog"],
        env={**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert run.returncode == 0, run.stdout[-3000:]
