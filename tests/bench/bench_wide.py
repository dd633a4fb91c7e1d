"""A night of 5,000 frames: how long the window's loop is away for one search, one sort, one decision.

Processor time of the window's thread, which a busy machine changes little, beside the same before rows, states and
names were kept (26 November 2026, two cores). What a clock on the wall says stands in the note.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PyQt6.QtCore import QSettings, Qt, QTimer
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from astep_gui.main_window import MainWindow
from astep_gui.models.frame_columns import column_number
from astep_gui.quiet_memory import QuietMemory
from astep_gui.remembered import Remembered
from astep_gui.theme import apply_theme
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.bench.timing import Row
from tests.gui.nights import write_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FRAMES = 5000
SETTLED_S = 2.0
"""All that follows a deed, plan and survey too, was shown by then."""
FIELDS = ("M 5", "NGC 1866", "47 Tuc")
GOAL = "≤ 0.05 s, worst ≤ 0.1 s"
_CTRL = Qt.KeyboardModifier.ControlModifier


class Loop:
    """The window's loop, asked every 4 ms whether it still turns."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._late: list[tuple[float, float]] = []
        self._wall_s, self._cpu_s = time.perf_counter(), time.thread_time()
        self._beat = QTimer()
        self._beat.setInterval(4)
        self._beat.timeout.connect(self._note)
        self._beat.start()

    def _note(self) -> None:
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        self._late.append((wall_s - self._wall_s, cpu_s - self._cpu_s))
        self._wall_s, self._cpu_s = wall_s, cpu_s

    def turn(self, seconds: float) -> None:
        """Let it turn for some time."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self._app.processEvents()
            time.sleep(0.0005)

    def longest(self, deed: Callable[[], object], seconds: float = SETTLED_S) -> tuple[float, float]:
        """Return how long it was away at most during a deed and what follows it, and its processor time, s.

        The processor time is what the first would be on a quiet machine.
        """
        self.turn(0.05)
        self._late.clear()
        QTimer.singleShot(0, deed)
        self.turn(seconds)
        return max(wall for wall, _ in self._late), max(cpu for _, cpu in self._late)

    def stop(self) -> None:
        """End the beat."""
        self._beat.stop()


def run(frames: int = FRAMES) -> list[Row]:
    """Return the longest stop of the loop, a row a deed."""
    app = QApplication.instance() or QApplication(["bench"])
    assert isinstance(app, QApplication)
    apply_theme(app, "dark")
    with tempfile.TemporaryDirectory(prefix="wide") as scratch:
        folder = Path(scratch)
        _write_night(folder / "night", frames)
        window = MainWindow(Remembered(QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)))
        window.night.looks_quickly = False
        window.resize(1600, 1000)
        window.show()
        memory = QuietMemory(app, lambda: window.jobs.are_running)
        memory.start()
        loop = Loop(app)
        rows = []
        for work, before_s, deed in _deeds(window, folder):
            wall_s, cpu_s = loop.longest(deed, 4 * SETTLED_S if work == "open" else SETTLED_S)
            note = f"by the wall {1e3 * wall_s:.0f} ms"
            rows.append(Row(f"{frames} frames: {work}", cpu_s, "before", before_s, GOAL, note))
        loop.stop()
        memory.stop()
        window.close()
    return rows


def _write_night(folder: Path, frames: int) -> None:
    for k in range(frames):
        kind = {0: "dark", 1: "flat"}.get(k % 50, "light")
        cards = {} if kind == "dark" else {"FILTER": "RVB"[k // 50 % 3]}
        if kind == "light":
            cards["OBJECT"] = FIELDS[k * len(FIELDS) // frames]
        level = 20_000 if kind == "flat" else 1000
        write_frame(folder / f"{kind}_{k:05d}.fits", kind, number=k, level=level, **cards)


def _deeds(window: MainWindow, folder: Path) -> list[tuple[str, float, Callable[[], object]]]:
    """Return what is done, one after the other: words, what it took before (processor time, s), deed."""
    night, table = window.night, window.table

    def search(words: str) -> Callable[[], object]:
        return lambda: (table.search.setText(words), table.search_now())

    def sort(key: str) -> Callable[[], object]:
        return lambda: table.tree.sortByColumn(column_number(key), Qt.SortOrder.DescendingOrder)

    def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> Callable[[], object]:
        return lambda: QTest.keyClick(table.tree, key, held)

    keys = Qt.Key
    return [
        ("open", 0.164, lambda: window.open_night(folder / "night", folder / "reduced")),
        ("all are judged", 0.086, lambda: night._take_rows(_judged(night.frames))),
        ("one is shown", 0.025, lambda: night.select([night.frames[100].path])),
        ("the next one", 0.024, press(keys.Key_Right)),
        ("X on one, the first", 0.069, press(keys.Key_X)),
        ("X on one", 0.041, press(keys.Key_X)),
        ("undo of one", 0.033, press(keys.Key_Z, _CTRL)),
        ("search cloud", 0.069, search("cloud")),
        ("search fwhm>2.5", 0.081, search("fwhm>2.5")),
        ("search cleared", 0.089, search("")),
        ("sort by FWHM", 0.128, sort("fwhm")),
        ("sort by state", 0.151, sort("state")),
        ("all are selected", 0.105, press(keys.Key_A, _CTRL)),
        ("X on all", 0.231, press(keys.Key_X)),
        ("undo of all", 0.233, press(keys.Key_Z, _CTRL)),
    ]


def _judged(frames: Sequence[Any]) -> list[QualityRow]:
    rng = np.random.default_rng(1)
    rows = []
    for k, frame in enumerate(frame for frame in frames if frame.kind.value == "science"):
        width, depth, sky = rng.uniform(2, 3), rng.normal(0, 0.1), rng.uniform(1000, 1100)
        measures = ScienceMeasures("quick", "ADU", background=sky, fwhm_px=width, ellipticity=0.1, stars=100)
        flags = (Flag("cloud", "cloud: stars are 0.84 mag fainter"),) if k % 20 == 0 else ()
        rows.append(QualityRow(frame.path, measures, depth_loss_mag=depth, transparency=1.0, flags=flags))
    return rows
