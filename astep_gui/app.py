"""The program: ``astep-gui [NIGHT]``."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the window until a person closes it."""
    parser = argparse.ArgumentParser(prog="astep-gui", description="The window of ASTEP Harvest.")
    parser.add_argument("night", nargs="?", type=Path, help="folder of raw frames, or of results")
    parser.add_argument("-o", "--output", type=Path, help="where results go (default <night>_reduced)")
    chosen = parser.parse_args(arguments)
    # Nothing made before the window is there is ever garbage; looking for it costs a twelfth of the start.
    gc.disable()
    try:
        return _run(chosen.night, chosen.output)
    finally:
        gc.enable()


def _run(night: Path | None, output: Path | None) -> int:
    from PyQt6.QtCore import QTimer  # noqa: PLC0415 - after gc.disable, as all that follows
    from PyQt6.QtWidgets import QApplication  # noqa: PLC0415

    from astep_gui.give_back import GiveBack  # noqa: PLC0415
    from astep_gui.main_window import MainWindow  # noqa: PLC0415
    from astep_gui.quiet_memory import QuietMemory  # noqa: PLC0415
    from astep_gui.remembered import Remembered  # noqa: PLC0415
    from astep_gui.theme import apply_theme, icon  # noqa: PLC0415
    from astep_gui.warming import Warming  # noqa: PLC0415
    from astep_gui.widgets.crash_report import CrashWatch  # noqa: PLC0415
    from astep_gui.window_place import fit_first  # noqa: PLC0415

    app = QApplication(sys.argv[:1])
    app.setApplicationName("ASTEP Harvest")
    app.setDesktopFileName("astep-harvest")
    remembered = Remembered()
    apply_theme(app, remembered.word("theme", "dark"))
    app.setWindowIcon(icon("star", "accent"))
    window = MainWindow(remembered)
    if remembered.state("geometry").isEmpty():
        fit_first(window)
    watch = CrashWatch(window)
    watch.start()
    signal.signal(signal.SIGINT, lambda *_: window.close())
    signal.signal(signal.SIGTERM, lambda *_: window.close())  # the session ends, or `kill`: close in good order
    awake = QTimer()  # lets Python see the signal while Qt waits
    awake.start(300)
    awake.timeout.connect(lambda: None)
    memory = QuietMemory(app, lambda: window.jobs.are_running)
    onlooker = None
    if "ASTEP_ONLOOKER" in os.environ:  # a test looks over the shoulder
        from astep_gui.onlooker import watched  # noqa: PLC0415 - never for a person

        onlooker = watched(window, watch)
    window.show()
    memory.start()
    giving = GiveBack(app)
    giving.start()
    warming = Warming(app)
    window.night.busy.connect(warming.stop)
    # What was left open is told once: it is asked for in any case.
    if (wanted := next(filter(None, (night, window.keeper.left_open())), None)) is not None:
        QTimer.singleShot(0, lambda: window.open_night(wanted, output))
    else:
        warming.start()
    try:
        return app.exec()
    finally:
        warming.close()
        giving.stop()
        memory.stop()
        watch.stop()
        if onlooker is not None:
            onlooker.stop()
