"""The program: ``astep-gui [NIGHT]``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from astep_gui.main_window import MainWindow
from astep_gui.quiet_memory import QuietMemory
from astep_gui.remembered import Remembered
from astep_gui.theme import apply_theme, icon
from astep_gui.widgets.crash_report import CrashWatch

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the window until a person closes it."""
    parser = argparse.ArgumentParser(prog="astep-gui", description="The window of ASTEP Harvest.")
    parser.add_argument("night", nargs="?", type=Path, help="folder of raw frames, or of results")
    parser.add_argument("-o", "--output", type=Path, help="where results go (default <night>_reduced)")
    chosen = parser.parse_args(arguments)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("ASTEP Harvest")
    app.setDesktopFileName("astep-harvest")
    remembered = Remembered()
    apply_theme(app, remembered.word("theme", "dark"))
    app.setWindowIcon(icon("star", "accent"))
    window = MainWindow(remembered)
    watch = CrashWatch(window)
    watch.start()
    signal.signal(signal.SIGINT, lambda *_: window.close())
    awake = QTimer()  # lets Python see Ctrl-C in the terminal while Qt waits
    awake.start(300)
    awake.timeout.connect(lambda: None)
    memory = QuietMemory(app, lambda: window.jobs.are_running)
    memory.start()
    window.show()
    if chosen.night is not None:
        QTimer.singleShot(0, lambda: window.open_night(chosen.night, chosen.output))
    try:
        return app.exec()
    finally:
        memory.stop()
        watch.stop()
