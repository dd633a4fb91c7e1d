"""Ctrl-C asks a job to stop at its next checkpoint, so that what is finished stays whole."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline_core.events import RunContext


class EarlyStop:
    """Remembers a Ctrl-C that came while the program was getting up.

    It is raised wherever Python just was: a library that was being imported may swallow it, or fail of it otherwise.
    """

    def __init__(self) -> None:
        self.was_asked = False

    def listen(self) -> None:
        """Take Ctrl-C from now on, unless whoever started the program wants it ignored."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._hear)

    def _hear(self, *_: object) -> NoReturn:
        self.was_asked = True
        raise KeyboardInterrupt


EARLY_STOP = EarlyStop()


@contextmanager
def stoppable(context: RunContext) -> Iterator[RunContext]:
    """Let Ctrl-C (and a polite kill) cancel the job at its next checkpoint; finished products stay.

    What whoever started the program wants ignored stays ignored: a script's job in the background is deaf to Ctrl-C.
    """

    def stop(*_: object) -> None:
        context.cancel()

    heard = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    if EARLY_STOP.was_asked:
        context.cancel()
    try:
        yield context
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
