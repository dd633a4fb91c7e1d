"""The window is painted before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys

HEAVY = ("pydantic", "scipy", "astropy", "numba", "sep", "psutil", "platformdirs", "importlib.metadata", "rich")


def test_nothing_heavy_is_imported_before_the_window_is_painted(tmp_path):
    program = (
        "import sys\n"
        "from PyQt6.QtWidgets import QApplication\n"
        "import astep_gui.app\n"
        "from astep_gui.main_window import MainWindow\n"
        "from astep_gui.theme import apply_theme\n"
        "app = QApplication([])\n"
        "apply_theme(app)\n"
        "window = MainWindow()\n"
        "window.show()\n"
        "app.processEvents()\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
        "window.close()\n"
    )
    places = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout.strip() == "[]"
