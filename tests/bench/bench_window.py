"""The feel of the window: frames, levels, blinking, its loop while a night is reduced, its memory.

Beside a plain ``pyqtgraph.ImageItem`` that shows the same pixels at the same size.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import psutil
import pyqtgraph as pg
from astropy.io import fits
from PyQt6.QtCore import QSettings
from PyQt6.QtWidgets import QApplication

from astep_gui.loop_watch import LoopWatch
from astep_gui.main_window import MainWindow
from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.frame_images import ImageStore, shown_image
from astep_gui.models.frame_loaders import raw_loader
from astep_gui.models.levels import LevelsModel
from astep_gui.models.memory_budget import MOST_BYTES, MemoryBudget
from astep_gui.models.steps_model import StepsModel
from astep_gui.quiet_memory import QuietMemory
from astep_gui.remembered import Remembered
from astep_gui.theme import apply_theme
from astep_gui.widgets.image_view import ImageView
from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.scan import scan_night
from pipeline_core.session import find_place
from pipeline_core.types import FrameKind
from tests.bench.frames import make_night
from tests.bench.timing import Row, median_s
from tests.bench.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VIEW = (1000, 720)
"""Of the image, px: as in a window of 1600 × 1000."""
STEPS, ROUNDS = 1000, 50
SETTLED_S = 3.0
"""All that follows the opening of a night, or the end of a run, was shown by then."""
LOOP_BEAT_MS = 4
"""The loop is asked so often whether it still turns."""
PEER = "pg.ImageItem"
_MB = 1 << 20


def run(size: int = 4096, steps: int = STEPS, rounds: int = ROUNDS, night_size: int = 512) -> list[Row]:
    """Return the figures of how the window feels.

    Parameters
    ----------
    size : int
        Side of the frames.
    steps, rounds : int
        Frames stepped through, and nights opened and closed, while memory is watched.
    night_size : int
        Side of the frames of the night that is reduced and opened again and again.
    """
    app = QApplication.instance() or QApplication(["bench"])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory(prefix="window") as scratch:
        folder = Path(scratch)
        files = list(_frames(folder / "frames", size, 24))
        small = list(_frames(folder / "small", min(size, 1024), 24))
        night = folder / "night"
        # In a process of its own: what it imports would be missing from the first reduction's time.
        demo = [sys.executable, "-m", "pipeline_core", "demo", str(night), "--size", str(night_size), "--quiet"]
        subprocess.run(demo, check=True)
        loop = _loop_while_reducing(app, night, folder)
        return [
            *loop,
            *_one_frame(app, files),
            *_blinking(app, files),
            *_steps(app, folder / "steps", size),
            _stepping(app, small, steps),
            _rounds(app, night, folder, rounds),
        ]


def _frames(folder: Path, size: int, number: int) -> Iterator[Path]:
    folder.mkdir()
    rng = np.random.default_rng(1)
    pixels = rng.normal(1000, 20, (size, size)).astype(np.uint16)
    for k in range(number):
        # Rolled: other pixels everywhere, made in no time.
        file = folder / f"f{k:03d}.fits"
        fits.PrimaryHDU(np.roll(pixels, 37 * k, axis=1)).writeto(file)
        yield file


def _one_frame(app: QApplication, files: list[Path]) -> list[Row]:
    """A new frame from memory and from disk, and one step of a levels drag."""
    levels = LevelsModel()
    view = ImageView(levels)
    view.resize(*VIEW)
    view.show()
    _spin(app, lambda: False, 0.2)  # what is not on the screen yet paints nothing
    kept = [shown_image(file.name, raw_loader(file)()) for file in files[:4]]
    plain = _Plain()
    _spin(app, lambda: False, 0.2)
    turn = iter(range(10**9))

    def from_memory() -> None:
        shown = kept[next(turn) % 4]
        levels.follow(shown)
        view.show_image(shown)
        view.canvas.viewport().repaint()

    def from_disk() -> None:
        shown = shown_image(next(turn), raw_loader(files[next(turn) % len(files)])())
        levels.follow(shown)
        view.show_image(shown)
        view.canvas.viewport().repaint()

    def drag() -> None:
        levels.set_range(980 + next(turn) % 17, 1060 + next(turn) % 17)
        view.canvas.viewport().repaint()

    rows = [
        Row("new frame from memory", median_s(from_memory, 9), PEER, median_s(lambda: plain.show(
            kept[next(turn) % 4].image), 5), "≤ 0.05 s"),
        Row("new frame from disk", median_s(from_disk, 7), PEER, median_s(lambda: plain.show(
            fits.getdata(files[next(turn) % len(files)])), 5), "≤ 0.15 s"),
        Row("one step of a levels drag", median_s(drag, 15), PEER, median_s(lambda: plain.drag(next(turn)), 5),
            "≤ 0.016 s"),
    ]  # fmt: skip
    view.close()
    plain.close()
    app.processEvents()
    return rows


class _Plain:
    """What a program without a pyramid of means does."""

    def __init__(self) -> None:
        self.view = pg.GraphicsView()
        box = pg.ViewBox(lockAspect=True)
        self.view.setCentralItem(box)
        self.item = pg.ImageItem(axisOrder="row-major")
        box.addItem(self.item)
        self.view.resize(*VIEW)
        self.view.show()

    def show(self, image: Any) -> None:
        self.item.setImage(np.asarray(image), levels=(980, 1060))
        self.view.viewport().repaint()

    def drag(self, turn: int) -> None:
        self.item.setLevels((980 + turn % 17, 1060 + turn % 17))
        self.view.viewport().repaint()

    def close(self) -> None:
        self.view.close()


def _blinking(app: QApplication, files: list[Path]) -> list[Row]:
    """The rate that is reached with all frames in memory, and with most of them on disk."""
    rows = []
    codes = 4 * 2 * fits.getheader(files[0])["NAXIS1"] ** 2 / 3  # a frame with its pyramid
    for words, number, most, goal in (
        ("blink, frames in memory", 16, MOST_BYTES, "≥ 20 fps"),
        ("blink at fit, frames beyond memory", 24, round(3.5 * codes / 16), "≥ 8 fps"),
    ):
        levels = LevelsModel()
        view = ImageView(levels)
        view.resize(*VIEW)
        view.show()
        model = BlinkModel(budget=MemoryBudget(most))
        model.frame_due.connect(lambda shown, frame, offset, view=view: view.show_image(shown, None, offset=offset))
        with fits.open(files[0]) as hdus:
            shape = hdus[0].shape
        model.set_frames([BlinkFrame(f.name, f.name, raw_loader(f), None, None, shape) for f in files[:number]])
        _spin(app, lambda model=model, number=number: model.loaded >= min(number, 3), 30.0)
        if number == 16:
            _spin(app, lambda model=model: model.loaded == 16, 60.0)
        model.set_rate(30.0)
        model.play()
        _spin(app, lambda: False, 4.0)
        rate = model.reached_rate
        note = f"{rate:.1f} fps, shown 1:{model.reduction}, {model.bytes / _MB:.0f} MB kept"
        rows.append(Row(words, 1.0 / rate if rate else None, goal=goal, note=note))
        model.close()
        view.close()
    return rows


def _steps(app: QApplication, folder: Path, size: int) -> list[Row]:
    """How soon a step of a frame is there, the kernels and masters warm."""
    place = find_place(make_night(folder, size, bias=2, dark=2, flats=3, science=4))
    context = RunContext()
    reduce_night(place, Recipe(), RunOptions(only="masters"), context)
    night = scan_night(place.night, context)
    science = sorted(frame.path for frame in night.frames if frame.kind is FrameKind.SCIENCE and frame.filter == "R")
    model = StepsModel()
    arrived: list[float] = []
    model.arrived.connect(lambda _shown: arrived.append(time.perf_counter()))
    model.set_night(night, Recipe(), place.output)
    took = {}
    for path, step in zip((science[0], science[1], science[0]), ("cosmic", "flat", "cosmic"), strict=True):
        model.choose(None)
        model.set_night(night, Recipe(), place.output)  # forgets what was computed
        model.set_frame(path)
        arrived.clear()
        begun = time.perf_counter()
        model.choose(step)
        _spin(app, lambda: bool(arrived) and not model.is_busy, 120.0)
        took[step] = arrived[0] - begun
    begun = time.perf_counter()
    arrived.clear()
    model.choose("dark")
    _spin(app, lambda: bool(arrived), 30.0)
    again = arrived[0] - begun
    model.close()
    return [
        Row("a step of a frame: flat", took["flat"], goal="≤ 1 s"),
        Row("a step of a frame: cosmic rays", took["cosmic"], goal="≤ 1 s"),
        Row("another step of the same frame", again, note="kept"),
    ]


def _stepping(app: QApplication, files: list[Path], steps: int) -> Row:
    """Memory while a person steps through frames."""
    levels, store = LevelsModel(), ImageStore(budget=MemoryBudget(64 << 20))
    view = ImageView(levels)
    view.resize(*VIEW)
    view.show()
    arrived: list[object] = []

    def show(shown: Any) -> None:
        levels.follow(shown)
        view.show_image(shown)
        arrived[:] = [shown.key]

    store.arrived.connect(show)
    sizes, begun = [], time.perf_counter()
    for k in range(steps):
        file = files[k % len(files)]
        store.request((file.name, k), raw_loader(file))
        _spin(app, lambda k=k, name=file.name: arrived == [(name, k)], 10.0)
        if k % max(1, steps // 20) == 0:
            sizes.append(_resident())
    seconds = (time.perf_counter() - begun) / max(1, steps)
    store.close()
    view.close()
    return Row(f"a step, of {steps}", seconds, goal="memory flat", note=_growth(sizes))


def _loop_while_reducing(app: QApplication, night: Path, folder: Path) -> list[Row]:
    """How long the window's loop is away while a night opens, and while it is reduced on all cores, its end included.

    The first of all in this process: imports, and kernels where none are compiled, are in it.
    """
    window = _window(folder)
    memory = QuietMemory(app, lambda: window.jobs.are_running)
    memory.start()
    with Witness() as witness:
        watch = LoopWatch(beat_ms=LOOP_BEAT_MS)
        window.open_night(night, folder / "reduced")
        _spin(app, lambda: window.night.plan is not None, 60.0)
        _spin(app, lambda: False, SETTLED_S)
        opening = watch.since_asked()
        window.run.start()
        _spin(app, lambda: not window.run.is_running, 1800.0)
        _spin(app, lambda: False, SETTLED_S)
        reducing = watch.since_asked()
        watch.stop()
    memory.stop()
    window.close()
    return [
        _loop_row("loop while a night opens, p95", "worst ≤ 0.15 s", opening, witness),
        _loop_row("loop while reducing, p95", "≤ 0.02 s, worst ≤ 0.15 s", reducing, witness),
    ]


def _loop_row(work: str, goal: str, told: dict[str, Any], witness: Witness) -> Row:
    """Say how late the loop came to its beats; of the latest, what it computed, where it stood, if all stood still."""
    worst = told["worst"] or {"ms": 0.0, "cpu_ms": 0, "at": [], "until_s": 0.0}
    stood = [" < ".join(at) for at in worst["at"] if at]
    away_s = witness.away_s(worst["until_s"] - worst["ms"] / 1000, worst["until_s"])
    note = (
        f"p95 {told['p95_ms']:.0f} ms, worst {told['worst_ms']:.0f} ms of {told['beats']} beats; "
        f"{worst['cpu_ms']} ms of it (with the beat) its own CPU, {1000 * away_s:.0f} ms an idle process beside it did "
        f"not run either; at {stood[0] if stood else 'a place nobody saw'}"
    )
    return Row(work, told["p95_ms"] / 1000, goal=goal, note=note)


def _rounds(app: QApplication, night: Path, folder: Path, rounds: int) -> Row:
    """Memory while nights are opened and closed, and what is left of windows."""
    window = _window(folder)
    sizes, begun = [], time.perf_counter()
    for k in range(rounds):
        window.open_night(night, folder / "reduced")
        _spin(app, lambda: window.night.plan is not None and window.viewing.view.shown is not None, 60.0)
        window.night.close()
        _spin(app, lambda: not window.night.is_open, 10.0)
        if k % max(1, rounds // 20) == 0:
            gc.collect()
            sizes.append(_resident())
    seconds = (time.perf_counter() - begun) / max(1, rounds)
    window.close()
    return Row(f"open and close, of {rounds} rounds", seconds, goal="memory flat", note=_growth(sizes))


def _window(folder: Path) -> MainWindow:
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    window = MainWindow(Remembered(settings))
    window.night.looks_quickly = False
    window.resize(1600, 1000)
    window.show()
    return window


def _spin(app: QApplication, is_done: Callable[[], bool], seconds: float) -> None:
    end = time.perf_counter() + seconds
    while not is_done() and time.perf_counter() < end:
        app.processEvents()
        time.sleep(0.0005)


def _resident() -> float:
    return psutil.Process().memory_info().rss / _MB


def _growth(sizes: list[float]) -> str:
    """Say how memory grew after the first quarter, when all caches are full."""
    settled = sizes[len(sizes) // 4 :]
    if len(settled) < 4:
        return "too few samples to tell"
    half = len(settled) // 2
    grown = statistics.median(settled[half:]) - statistics.median(settled[:half])
    return f"{settled[0]:.0f} MB, then {grown:+.0f} MB from the first half to the second"
