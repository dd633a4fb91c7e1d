"""What tests of the window share: frames made up on the spot, a window of their own, a watch on what is left behind."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PyQt6.QtCore import QCoreApplication, QEvent, QSettings
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication

from astep_gui import viewing
from astep_gui.main_window import MainWindow
from astep_gui.models import night_model, preparing, survey_watch
from astep_gui.models.frame_images import Loaded, ShownImage, shown_image
from astep_gui.models.levels import LevelsModel
from astep_gui.remembered import Remembered
from astep_gui.widgets import turning_button
from pipeline_core.cli import main
from pipeline_core.events import RunContext
from pipeline_core.scan import scan_night
from pipeline_core.types import FrameKind
from tests.gui.nights import small_night
from tests.made_once import made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def older_objects_set_aside() -> None:
    """Let only what a test itself makes be searched for garbage.

    All modules at once hold a million objects: to look through them after every test took as long as many a test.
    What the test before left is searched first: its fixtures let go of it only when it was over, and what is set
    aside while it is garbage would stay, hundreds of windows' menus that every change of theme then styles anew.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _kernels_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile what a test needs where it needs it: not all kernels, in a process of their own."""
    ready = threading.Event()
    ready.set()
    monkeypatch.setattr(preparing, "_are_ready", ready)


@pytest.fixture(autouse=True)
def _rests_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the window wait a moment where it waits for a person's next deed: no test is about how long."""
    monkeypatch.setattr(viewing, "QUALITY_MS", 50)
    monkeypatch.setattr(survey_watch, "REST_MS", 50)
    monkeypatch.setattr(night_model, "NEEDS_MS", 50)
    monkeypatch.setattr(night_model, "DECIDED_MS", 50)
    monkeypatch.setattr(turning_button, "SLOW_HAND", 0.0)


@pytest.fixture(autouse=True)
def _no_leaked_widgets(older_objects_set_aside) -> Iterator[None]:
    """Fail a test that leaves a window behind."""
    app = QApplication.instance()
    before = set(map(id, QApplication.topLevelWidgets())) if app is not None else set()
    yield
    if QApplication.instance() is None:
        return
    gc.collect()
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()
    left = [w for w in QApplication.topLevelWidgets() if id(w) not in before and w.isVisible()]
    assert not left, f"left behind: {[type(w).__name__ for w in left]}"


def star_field(seed: int = 1, shape: tuple[int, int] = (600, 800)) -> np.ndarray:
    """Return sky of 1000 ± 20 with a star of FWHM 4 px and 4000 high at x 300, y 200."""
    rng = np.random.default_rng(seed)
    image = rng.normal(1000.0, 20.0, shape).astype(np.float32)
    y, x = np.indices(shape)
    image += 4000.0 * np.exp(-4.0 * np.log(2.0) * ((x - 300.0) ** 2 + (y - 200.0) ** 2) / 16.0).astype(np.float32)
    return image


@pytest.fixture
def make_shown() -> Callable[..., ShownImage]:
    """Return what makes a ShownImage, by default of the star field."""

    def make(key: object = "a", image: np.ndarray | None = None, **more: object) -> ShownImage:
        more.setdefault("unit", "electron")
        more.setdefault("title", f"{key}.fits")
        return shown_image(key, Loaded(image=star_field() if image is None else image, **more))

    return make


@pytest.fixture
def levels(qapp) -> LevelsModel:
    return LevelsModel()


@pytest.fixture(scope="session")
def reduced(tmp_path_factory):
    """A small demo night with its masters made: (night, output, paths of science frames)."""
    root = tmp_path_factory.mktemp("stories")
    assert main(["demo", str(root / "night"), "--size", "256", "--frames", "6", "--quiet"]) == 0
    run = ["reduce", str(root / "night"), "-o", str(root / "out"), "--only", "masters", "--executor", "threads"]
    assert main([*run, "--workers", "1", "--quiet"]) == 0
    night = scan_night(root / "night", RunContext())
    science = [f.path for f in night.frames if f.kind is FrameKind.SCIENCE and f.unusable is None]
    return night, root / "out", science


@pytest.fixture(scope="session")
def small_night_reduced(shared_folder):
    """The folder that holds a small night and beside it what the command line made of it; only to be copied."""

    def make(folder):
        night = small_night(folder / "night")
        words = ["reduce", str(night), "-o", str(folder / "night_reduced"), "--executor", "threads", "--workers", "1"]
        assert main([*words, "--quiet"]) == 0

    return made_once(shared_folder, "small_night_reduced", make)


@pytest.fixture
def opened_reduced(qtbot, window, small_night_reduced, tmp_path):
    """The window with a small night open that was reduced before."""
    for folder in ("night", "night_reduced"):
        shutil.copytree(small_night_reduced / folder, tmp_path / folder, copy_function=shutil.copy2)
    window.open_night(tmp_path / "night")
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    qtbot.waitUntil(lambda: window.night.survey is not None and window.night.survey.is_reduced, timeout=8000)
    return window


@pytest.fixture(scope="session")
def small_night_once(tmp_path_factory):
    """A small night to be copied: to write its frames anew takes ten times as long."""
    return small_night(tmp_path_factory.mktemp("small") / "night")


@pytest.fixture
def night_folder(tmp_path, small_night_once):
    shutil.copytree(small_night_once, tmp_path / "night")
    return tmp_path / "night"


@pytest.fixture
def remembered(tmp_path):
    return Remembered(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def window(qtbot, remembered):
    """A window that is shown; after the test no thread of it and no dialog may be left."""
    threads = set(threading.enumerate())
    QCursor.setPos(0, 0)  # not over its rows, where another test may have left the pointer
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
