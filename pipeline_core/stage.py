"""A stage says what it makes and from what; a task is one making, known by the key of all that decides it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Made = dict[str, Any]
"""What a stage reports besides its file: numbers and words for table and header (JSON values)."""

Make = Callable[[Mapping[str, Any], Mapping[str, Path], Path, int], Made]
"""``make(settings, inputs, out, threads)``: a module-level function. It reads only ``inputs`` (name → file),
writes only ``out`` (a ``.part`` file; ignored by stages that only measure), uses at most ``threads`` threads,
obeys nothing but ``settings`` (JSON values), and returns what it measured. It runs in a worker process."""


@dataclass(frozen=True)
class Stage:
    """A kind of work: its name in a person's words, its arithmetic's version, the function that does it."""

    name: str
    version: int
    make: Make
    wide: bool = False
    """Uses all cores by threads (banded combines); others use one core and run side by side."""
    is_aid: bool = False
    """A short look that another stage asks for: a person is not told of it, nor is it counted, unless it fails."""


@dataclass(frozen=True)
class Task:
    """One thing to make.

    ``inputs`` are raw files (``Raw``) or other tasks, by the name under which ``make`` expects them.
    """

    stage: Stage
    product: str | None
    """Output-relative path with ``/``, or None when the stage only measures."""
    settings: Mapping[str, Any]
    inputs: Mapping[str, Raw | Task]
    label: str = ""
    """What a person calls it: "dark_90s_-10C", or the frame's night-relative path."""
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = {name: source.key for name, source in self.inputs.items()}
        object.__setattr__(self, "key", digest(self.stage.name, self.stage.version, self.settings, parts))


@dataclass(frozen=True)
class Raw:
    """A raw file as an input: known by its name, size and time of change."""

    path: Path
    name: str
    size_bytes: int
    mtime_ns: int
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest(self.name, self.size_bytes, self.mtime_ns))


@dataclass(frozen=True)
class MadeBefore(Raw):
    """A product of an earlier run as an input: known by the key of all that decided it, wherever its file lies now.

    A file whose header alone was written anew (a WCS, say) keeps its key.
    """

    made_key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", digest(self.name, self.made_key))


def identity(task: Task) -> str:
    """Return the name of a result: its product, or stage and label of a task that only measures."""
    return task.product or f"{task.stage.name}: {task.label or task.key}"


_STOP: ContextVar[Callable[[], None] | None] = ContextVar("stop", default=None)


@contextmanager
def stopping_by(check: Callable[[], None]) -> Iterator[None]:
    """Let stages that run in this thread meanwhile ask ``check``, which raises when nobody waits for them any more."""
    token = _STOP.set(check)
    try:
        yield
    finally:
        _STOP.reset(token)


def check_wanted() -> None:
    """Raise if the run that a long stage belongs to was stopped; call it between two parts of the work.

    Notes
    -----
    Only a stage that runs in a thread of the program needs it: a worker process is ended from outside. A stage's
    signature stays what it is, and its threads of its own do not ask.
    """
    check = _STOP.get()
    if check is not None:
        check()


def digest(*parts: object) -> str:
    """Return a short key that changes when any part does."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def remembered(stage: Stage, product: str | None, label: str, key: str) -> Task:
    """Return a task that an earlier run made, known by the key it had then: an input of what is made from its product.

    Only for what is there: it does not know how to make itself.
    """
    task = Task(stage, product, {}, {}, label)
    object.__setattr__(task, "key", key)
    return task
