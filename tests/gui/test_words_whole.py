"""In a night with the long names of an observatory's pipeline no words are cut, wherever one goes in the window."""

from __future__ import annotations

import pytest
from astropy.io import fits
from PyQt6.QtWidgets import QApplication

from astep_gui.theme import apply_theme
from pipeline_core.cli import main
from tests.gui.words_seen import shortened, unreadable
from tests.made_once import made_once

PREFIX = "ASTEP-400_Concordia-P48_2026-06-21_"
FIELD = "TIC 260004324 b transit follow-up, South Ecliptic Pole field 12"
PATIENCE_MS = 20_000
"""A first call may compile kernels."""


def long_night(folder):
    """Make a reduced night whose file names are longer than 60 letters, and whose field has a long name."""
    night = folder / "night"
    assert main(["demo", str(night), "--size", "256", "--frames", "6", "--quiet"]) == 0
    for file in sorted(night.rglob("*.fits")):
        with fits.open(file, mode="update") as hdus:
            if "OBJECT" in hdus[0].header:
                hdus[0].header["OBJECT"] = FIELD
        _date, number, *words = file.stem.split("_")
        file.rename(file.with_name(f"{PREFIX}{'_'.join(words)}_bin1x1_gain2_N{number:0>8}.fits"))
    run = ["reduce", str(night), "-o", str(folder / "night_reduced"), "--executor", "threads", "--workers", "1"]
    assert main([*run, "--quiet"]) == 0


@pytest.fixture
def night(shared_folder):
    return made_once(shared_folder, "long_names", long_night) / "night"


def settle(qtbot):
    qtbot.wait(60)
    for _ in range(4):
        QApplication.processEvents()


class Walk:
    """Goes from place to place in the window and notes what cannot be read there."""

    def __init__(self, window, qtbot):
        self.window, self.qtbot, self.found = window, qtbot, {}

    def look(self, where):
        settle(self.qtbot)
        faults = [*unreadable(self.window), *shortened(self.window)]
        if faults:
            self.found[where] = faults

    def do(self, action):
        self.window.actions_by_name[action].trigger()
        settle(self.qtbot)

    def until(self, holds):
        self.qtbot.waitUntil(lambda: bool(holds()), timeout=PATIENCE_MS)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_nothing_is_cut_where_names_are_long(qtbot, window, night, size):
    apply_theme(QApplication.instance(), "dark")
    window.resize(*size)
    window.night.looks_quickly = True  # measures of the run before come with the first look
    window.open_night(night)
    walk = Walk(window, qtbot)
    viewing = window.viewing

    walk.until(lambda: window.night.plan is not None and window.night.rows)
    science = [path for path in window.table.model.ordered() if path in window.night.rows]
    window.night.select([science[1]])
    walk.until(lambda: viewing.view.title.startswith(PREFIX))
    for tab in ("night", "judge", "reduce", "results"):
        walk.do(f"turn_to_{tab}")
        walk.look(tab)
    window.decisions.reject([science[1]], "cloud that came in from the west and stayed")
    window.night.select([science[1]])
    walk.look("a rejected frame")
    walk.do("compare")
    walk.until(lambda: viewing.compare.left.shown is not None)
    for mode in ("side", "wipe", "blink"):
        viewing.compare.set_mode(mode)
        walk.look(f"compared: {mode}")
    walk.do("back")
    viewing.steps.choose("cosmic")
    walk.until(lambda: not viewing.steps.is_busy and viewing.view.title.endswith("removed"))
    walk.look("a step")
    walk.do("difference")
    walk.until(lambda: viewing.steps.shows_difference)
    walk.look("a difference")
    walk.do("blink")
    walk.until(lambda: viewing.blink.index > 0)
    walk.look("blinking, a step put aside")
    walk.do("back")
    viewing.steps.choose(None)
    walk.do("calibrated")
    walk.look("calibrated")
    walk.do("back")
    walk.do("threshold")
    walk.look("threshold")
    window.viewing.timeline_model.set_threshold(None)
    viewing.star.follow(science[0], 128.0, 128.0, is_raw=True)
    walk.until(lambda: not viewing.star.is_busy)
    walk.look("a star")
    viewing.star.clear()
    folder = "/data/observatory/concordia/astep-400/2026/06/21/reduced/for_colleagues/AstroImageJ_of_the_transit"
    window.log.say(f"785 frames for AstroImageJ lie in {folder}; 12 left out: their times are not known", "warning")
    walk.look("the log")
    assert not walk.found, "\n".join(f"{where}: {fault}" for where, faults in walk.found.items() for fault in faults)
