"""One helper thread for one subject: asked from the window, answers in the window, the newest question wins."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal, pyqtSlot

from pipeline_core.errors import AstepError, to_keep
from pipeline_core.events import Cancelled, RunContext

if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[RunContext, Callable[[object], None]], object]
    """``work(context, tell)``: checks the context between two pieces, tells pieces as they come, returns the result."""


class Background(QObject):
    """Runs one piece of work at a time, off the window's thread.

    A new question cancels the one before it; what a cancelled one still says is not passed on. Signals arrive in the
    thread that made this object.
    """

    told = pyqtSignal(object, object)  # key, piece
    done = pyqtSignal(object, object)  # key, result
    failed = pyqtSignal(object, AstepError)  # key, error
    busy_changed = pyqtSignal(bool)

    _said = pyqtSignal(int, str, object, object)

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._pool: ThreadPoolExecutor | None = None
        self._context: RunContext | None = None
        self._number = 0
        self._closed = False
        self._lock = threading.Lock()
        self._said.connect(self._hear)

    @property
    def is_busy(self) -> bool:
        """Whether a question is open."""
        return self._context is not None

    def ask(self, key: object, work: Work) -> None:
        """Start a piece of work; whatever ran before is cancelled."""
        if self._closed:
            return
        self.cancel()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)
        self._number += 1
        self._context = RunContext()
        self._pool.submit(self._run, self._number, key, work, self._context)
        self.busy_changed.emit(True)  # noqa: FBT003 - a signal of one switch

    def cancel(self) -> None:
        """Drop the open question."""
        if self._context is not None:
            self._context.cancel()
            self._context = None
            self.busy_changed.emit(False)  # noqa: FBT003

    def close(self) -> None:
        """Cancel, and wait until the thread has ended."""
        with self._lock:
            self._closed = True
        self.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _run(self, number: int, key: object, work: Work, context: RunContext) -> None:
        """Work, in the helper thread."""

        def say(what: str, value: object) -> None:
            with self._lock:
                if not self._closed and not context.cancelled:
                    self._said.emit(number, what, key, value)

        try:
            context.check()
            say("done", work(context, lambda piece: say("told", piece)))
        except Cancelled:
            return
        except AstepError as error:
            say("failed", to_keep(error))
        except Exception as error:  # noqa: BLE001 - shown in the window as a crash report, not lost in a thread
            say("crashed", error)

    @pyqtSlot(int, str, object, object)
    def _hear(self, number: int, what: str, key: object, value: Any) -> None:
        """Pass on what the helper thread said, unless it was cancelled since."""
        if number != self._number or self._context is None:
            return
        if what == "told":
            self.told.emit(key, value)
            return
        self._context = None
        self.busy_changed.emit(False)  # noqa: FBT003
        if what == "done":
            self.done.emit(key, value)
        elif what == "failed":
            self.failed.emit(key, value)
        else:
            sys.excepthook(type(value), value, value.__traceback__)
            hint = "copy the report and send it to the developers"
            self.failed.emit(key, AstepError(f"{self._name} stopped", f"a fault in the program: {value}", hint))
