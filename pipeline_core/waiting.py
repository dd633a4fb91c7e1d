"""Waiting for something that cannot be interrupted, without being caught by it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.events import RunContext

T = TypeVar("T")
_LOOK_S = 0.1


def call_within(call: Callable[[], T], limit_s: float, context: RunContext, too_slow: Callable[[], Exception]) -> T:
    """Call a function in a thread; stop waiting for it when the time is over or the person stops the job.

    Parameters
    ----------
    call : callable
        It goes on in its thread if it is left behind; its answer is thrown away then.
    limit_s : float
    context : RunContext
    too_slow : callable
        Makes the error to raise when the time is over.

    Raises
    ------
    Cancelled
        If the person stopped it.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True, name="network")
    thread.start()
    begun = time.monotonic()
    while thread.is_alive():
        thread.join(_LOOK_S)
        context.check()
        if thread.is_alive() and time.monotonic() - begun > limit_s:
            raise too_slow()
    if errors:
        raise errors[0]
    return answers[0]
