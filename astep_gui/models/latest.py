"""Work for one thread of which only the latest result counts."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from pipeline_core.errors import AstepError, DataError, to_keep

if TYPE_CHECKING:
    from collections.abc import Callable


class LatestWork(QObject):
    """Runs one deed at a time off the window's thread; a newer one takes the place of one that waits."""

    done = pyqtSignal(object)
    """What the latest deed returned."""
    failed = pyqtSignal(object)
    """AstepError of the latest deed; of a fault that nobody foresaw after it was reported as all faults are."""
    _ended = pyqtSignal(int, object)

    def __init__(self, parent: QObject | None = None, what: str = "measure this") -> None:
        super().__init__(parent)
        self._what = what
        """What cannot be done where a deed fails in a way that nobody foresaw."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._number = 0
        self._future: Future[None] | None = None
        self._closed = threading.Event()
        self._ended.connect(self._take)

    def run(self, deed: Callable[[], Any]) -> None:
        """Do this, and forget what was asked before."""
        if self._closed.is_set():
            return
        self._number += 1
        if self._future is not None:
            self._future.cancel()
        self._future = self._pool.submit(self._do, self._number, deed)

    def forget(self) -> None:
        """Want no result any more."""
        self._number += 1

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _do(self, number: int, deed: Callable[[], Any]) -> None:
        """In the thread."""
        try:
            result: Any = deed()
        except AstepError as error:
            result = to_keep(error)
        except Exception as error:  # noqa: BLE001 - shown in the window as a crash report, not lost in a thread
            result = error
        if not self._closed.is_set():
            self._ended.emit(number, result)

    def _take(self, number: int, result: object) -> None:
        if number != self._number or self._closed.is_set():
            return
        if isinstance(result, AstepError):
            self.failed.emit(result)
        elif isinstance(result, Exception):
            sys.excepthook(type(result), result, result.__traceback__)
            why = f"a fault in the program: {type(result).__name__}: {result}"
            hint = "copy the report and send it to the developers"
            self.failed.emit(DataError(f"cannot {self._what}", why, hint))
            to_keep(result)  # the report is written: the calls need not be held any longer
        else:
            self.done.emit(result)
