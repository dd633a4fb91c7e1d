"""The window comes back where it stood, to the pixel, under a real window manager."""

from __future__ import annotations

import os
import signal

import pytest
from PyQt6.QtCore import QRect
from PyQt6.QtWidgets import QWidget

from astep_gui.window_place import fit_first, place_of, put_back
from tests.tour.program import program
from tests.tour.screen import FREE, missing, screen

REOPENINGS = 3


def place(p):
    """Where the window's own area lies on the screen."""
    window = p.screen.do("getactivewindow")
    told = dict(line.split("=") for line in p.screen.do("getwindowgeometry", "--shell", window).splitlines())
    return [int(told[name]) for name in ("X", "Y", "WIDTH", "HEIGHT")]


def resting(p):
    p.wait("the window", lambda s: s["painted"])
    p.still()
    p.wait("calm", lambda s: s["kept"])
    return place(p)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason=f"needs a screen of its own: {missing()}")
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_window_that_fills_the_screen_to_its_upper_edge_does_not_sink(tmp_path, is_killed):
    with screen((1500, 900), tmp_path, FREE) as here:
        seen = []
        for number in range(REOPENINGS + 1):
            with program(here, tmp_path / "home") as p:
                if number == 0:
                    first = resting(p)
                    assert first[2] <= 1500, "a first window fits its screen"
                    window = here.do("getactivewindow")
                    here.do("windowsize", "--sync", window, 1500, 860)
                    here.do("windowmove", "--sync", window, 0, 0)
                    p.wait("its new place to be kept", lambda s: s["kept"])
                seen.append(resting(p))
                if is_killed:
                    os.kill(p.process.pid, signal.SIGKILL)
                else:
                    p.key("ctrl+q")
                p.process.wait(20)
    for now in seen[1:]:
        assert all(abs(a - b) <= 1 for a, b in zip(seen[0], now, strict=True)), seen


def test_a_place_of_another_screen_or_of_another_version_is_left_to_the_system(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.setGeometry(11, 22, 333, 222)
    kept = place_of(window)
    window.setGeometry(0, 0, 400, 300)
    assert put_back(window, kept)
    assert window.geometry() == QRect(11, 22, 333, 222)
    window.setGeometry(0, 0, 400, 300)
    elsewhere = '{"client": [11, 22, 333, 222], "screen": [0, 0, 12345, 6789]}'
    for other in ("", "no JSON", "{}", '{"client": [1, 2], "screen": [0, 0, 1, 1]}', elsewhere):
        assert not put_back(window, other)
        assert window.geometry() == QRect(0, 0, 400, 300)


def test_a_maximised_window_says_so_by_itself(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    kept = place_of(window)
    window.showMaximized()
    assert place_of(window) == ""
    assert not put_back(window, kept)


def test_a_first_window_is_not_larger_than_its_screen(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(100_000, 100_000)
    fit_first(window)
    room = window.screen().availableGeometry()
    assert window.width() < room.width()
    assert window.height() < room.height()
