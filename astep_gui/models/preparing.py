"""Compiling the kernels where this was never done: once an account, in a process of its own, said while it lasts."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipeline_core.compile_progress import CompileProgress, compiled_by, left_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.compile_progress import HowFar
    from pipeline_core.events import RunContext

WHAT = "preparing the number crunching, once"
PREPARING = f"{WHAT}: it may take a minute"
USUAL_S = 60.0
"""Longer only on a slow or busy machine, which is said then; compiled code that lies there is loaded in seconds."""
TOLD_EVERY_S = 1.0
_LOOK_S = 0.1
"""How often one that waits for another's compiler looks whether it was cancelled."""

_only_one = threading.Lock()
_are_ready = threading.Event()
"""Asking the disk takes a numba import and the times of all files: not before each step of a frame."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """What is told of it among other things; no words when it is over."""

    words: str


def prepare_first(context: RunContext, tell: Callable[[object], None]) -> None:
    """Do the same in a helper thread that tells of pieces of another kind too."""
    prepare(context, lambda words: tell(Preparing(words)))


def so_far_words(seconds: float, how_far: HowFar | None = None) -> str:
    """Say how far it is and how long it still takes; while that is not known, and once it is over, how long it took.

    Parameters
    ----------
    seconds : float
        Since the beginning.
    how_far : HowFar, optional
    """
    count = f"{how_far.done} of {how_far.total}, " if how_far is not None and how_far.done else ""
    if how_far is not None and how_far.left_s is not None:
        return f"{WHAT}: {count}{left_words(how_far.left_s)}"
    longer = ", longer than usual: the machine is busy or slow" if seconds > USUAL_S else ""
    return f"{WHAT}: {count}{seconds:.0f} s so far{longer}"


def prepare(context: RunContext, tell: Callable[[str], None]) -> None:
    """Compile all kernels if they never were, so that no run does; who asks meanwhile waits for the same compiler.

    Parameters
    ----------
    context : RunContext
    tell : callable
        Called with what goes on, in words with how far it is, and with "" when it is over.

    Raises
    ------
    Cancelled
        If a stop was asked for; the process is ended then, and nobody waits for it.

    Notes
    -----
    A compiler inside the window's process would take 0.4 GB of its memory for good, and make it stutter for a minute.
    """
    if _are_ready.is_set():
        return
    from pipeline_core import warm_up  # noqa: PLC0415 - heavy
    from pipeline_core.executor import ProcessWorkers  # noqa: PLC0415

    if not _is_first_time():
        _are_ready.set()
        return
    tell(PREPARING)
    while not _only_one.acquire(timeout=_LOOK_S):
        context.check()
    try:
        if _is_first_time():
            said, progress = [0.0], CompileProgress(warm_up.missing_kernels())
            with TemporaryDirectory(prefix="astep-kernels-") as folder, ProcessWorkers(1, 1) as worker:
                compiled = Path(folder) / "compiled.txt"

                def so_far(seconds: float) -> None:
                    if seconds - said[0] >= TOLD_EVERY_S:
                        said[0] = seconds
                        tell(so_far_words(seconds, progress.at(compiled_by(compiled), seconds)))

                warm_up.in_worker(context, partial(warm_up.warm_up_missing, compiled), worker, so_far)
    finally:
        _only_one.release()
    tell("")


def _is_first_time() -> bool:
    from pipeline_core.warm_up import is_first_time  # noqa: PLC0415 - heavy

    return is_first_time(science=True) or is_first_time(science=False)
