"""Ctrl-C asks a job to stop at its next checkpoint, so that what is finished stays whole."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_core.events import RunContext


@contextmanager
def stoppable(context: RunContext) -> Iterator[RunContext]:
    """Let Ctrl-C (and a polite kill) cancel the job at its next checkpoint; finished products stay."""

    def stop(*_: object) -> None:
        context.cancel()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield context
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
