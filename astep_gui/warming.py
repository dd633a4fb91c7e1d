"""What a night will need, imported while a person still looks for one: nothing of it is needed for the start page."""

from __future__ import annotations

import importlib
import threading
import time

from PyQt6.QtCore import QObject, QTimer

AFTER_PAINT_MS = 300
"""The start page is there and answers by then."""
NEEDED = (
    "pipeline_core.scan",
    "pipeline_core.plan",
    "pipeline_core.recipe_file",
    "astropy.io.fits",
    "pipeline_core.survey",
    "pipeline_core.quick_look",
)
"""In the order in which an opening night asks for them; together about a second of one core."""
REST_S = 0.02
"""Between two of them: the window's loop comes first."""


class Warming(QObject):
    """Imports in a thread of its own, until all is there or somebody else begins to."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._import_all, name="astep warming", daemon=True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(AFTER_PAINT_MS)
        self._soon.timeout.connect(self._begin)

    def start(self) -> None:
        """Begin when the window has been painted."""
        self._soon.start()

    def stop(self) -> None:
        """Begin no further module: a night is opened, which imports what it needs itself, or the program ends."""
        self._soon.stop()
        self._stopped.set()

    def close(self) -> None:
        """Stop, and wait for the module that is being imported."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _begin(self) -> None:
        if not self._stopped.is_set():
            self._thread.start()

    def _import_all(self) -> None:
        for name in NEEDED:
            if self._stopped.is_set():
                return
            importlib.import_module(name)
            time.sleep(REST_S)
