"""What the window remembers between sessions: recent nights, where results go, layout, theme."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QByteArray, QSettings

MAX_RECENT = 8
GATHER_S = 0.05
"""What is set so soon after another thing is written with it: a kill takes no more than that."""


class Remembered:
    """Small facts in the user's settings. Nothing of a night's decisions is here: they are in its logbook.

    Notes
    -----
    The file is read once, and written by a thread: each writing waits twice for the disk, which took up to 4 s on a
    busy one. Qt's own settings write in the thread that sets them, so they are only ever set in that other thread.
    """

    def __init__(self, settings: QSettings | None = None) -> None:
        self._settings = settings or QSettings("ASTEP", "Harvest")
        """Says where the file is."""
        self._known: dict[str, Any] = _all_of(self._settings)
        self._lock = threading.Lock()
        self._changes: dict[str, Any] = {}
        """Not written yet; None where a fact is forgotten."""
        self._writings = 0
        """That were asked for, or are going on."""
        self._writer: ThreadPoolExecutor | None = None
        self.problem = ""
        """Why what was set last is not on the disk; empty where it is."""

    def recent(self) -> list[Path]:
        """Return the nights opened last that are still there, newest first."""
        return [Path(text) for text in self._texts("recent") if Path(text).is_dir()]

    def opened(self, night: Path) -> None:
        """Put a night on top of the recent ones."""
        others = [text for text in self._texts("recent") if text != str(night)]
        self._set("recent", [str(night), *others][:MAX_RECENT])

    def output(self, night: Path) -> Path | None:
        """Return where a person wants the results of a night, if not at the usual place."""
        text = self._known.get(f"output/{_key(night)}", "")
        return Path(text) if text else None

    def set_output(self, night: Path, output: Path) -> None:
        """Remember where the results of a night go."""
        self._set(f"output/{_key(night)}", str(output))

    def frame(self, night: Path) -> str | None:
        """Return the frame that was looked at last in a night."""
        return self._known.get(f"frame/{_key(night)}", "") or None

    def set_frame(self, night: Path, path: str) -> None:
        """Remember the frame that is looked at."""
        self._set(f"frame/{_key(night)}", path)

    def step(self, night: Path) -> str:
        """Return the step that was shown last in a night; empty where the frames themselves were."""
        return str(self._known.get(f"step/{_key(night)}", ""))

    def set_step(self, night: Path, name: str) -> None:
        """Remember the step that is shown."""
        self._set(f"step/{_key(night)}", name)

    def part(self, night: Path) -> str:
        """Return the part of the frame that was seen last in a night, in words; empty where the whole was."""
        return str(self._known.get(f"part/{_key(night)}", ""))

    def set_part(self, night: Path, part: str) -> None:
        """Remember the part that is seen."""
        self._set(f"part/{_key(night)}", part)

    def looked(self, night: Path) -> str:
        """Return as what the frame was looked at last in a night, with which levels; empty if that was not kept."""
        return str(self._known.get(f"looked/{_key(night)}", ""))

    def set_looked(self, night: Path, words: str) -> None:
        """Remember as what the frame is looked at."""
        self._set(f"looked/{_key(night)}", words)

    def state(self, name: str) -> QByteArray:
        """Return a saved state (layout, columns); empty if there is none."""
        value = self._known.get(name)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_state(self, name: str, state: QByteArray) -> None:
        """Save a state."""
        self._set(name, state)

    def forget(self, name: str) -> None:
        """Forget a state."""
        self._set(name, None)

    def word(self, name: str, default: str) -> str:
        """Return a short text, such as the theme's name."""
        return str(self._known.get(name, default))

    def set_word(self, name: str, value: str) -> None:
        """Save a short text."""
        self._set(name, value)

    def words(self, group: str) -> dict[str, str]:
        """Return the short texts whose names are "group/…", by what follows."""
        within = f"{group}/"
        return {name.removeprefix(within): str(text) for name, text in self._known.items() if name.startswith(within)}

    @property
    def is_waiting(self) -> bool:
        """Whether something is set that is not on the disk yet."""
        return self._writings > 0

    def sync(self) -> None:
        """Wait until all is on the disk. Not for a window that is seen: it is there in a moment without."""
        if self._writer is not None:
            self._writer.submit(lambda: None).result()  # behind all that was asked for

    def close(self) -> None:
        """Wait until all is on the disk, and end the thread; what is set afterwards begins another."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.shutdown(wait=True)

    def _set(self, name: str, value: Any) -> None:
        """Set one fact, None to forget it; it is written soon."""
        with self._lock:
            if self._known.get(name) == value:
                return
            self._know(name, value)
            is_first = not self._changes
            self._changes[name] = value
            self._writings += is_first
        if is_first:
            if self._writer is None:
                self._writer = ThreadPoolExecutor(1, thread_name_prefix="settings")
            self._writer.submit(self._write)

    def _know(self, name: str, value: Any) -> None:
        if value is None:
            self._known.pop(name, None)
        else:
            self._known[name] = value

    def _write(self) -> None:
        """Bring what was set to the disk, and learn what other windows have set there; in the thread."""
        time.sleep(GATHER_S)
        try:
            with self._lock:
                changes, self._changes = self._changes, {}
            settings = QSettings(self._settings.fileName(), self._settings.format())
            for name, value in changes.items():
                settings.remove(name) if value is None else settings.setValue(name, value)
            settings.sync()
            is_refused = settings.status() == QSettings.Status.AccessError
            self.problem = f"{settings.fileName()} cannot be written" if is_refused else ""
            known = _all_of(settings)
            with self._lock:
                self._known = known
                for name, value in self._changes.items():  # set meanwhile
                    self._know(name, value)
        finally:
            with self._lock:
                self._writings -= 1

    def _texts(self, name: str) -> list[str]:
        value = self._known.get(name, [])
        return [value] if isinstance(value, str) else list(value or [])


def _all_of(settings: QSettings) -> dict[str, Any]:
    """Return all facts that can be read; one of another version, or that was spoilt, is as if it were not there."""
    found = {}
    for name in settings.allKeys():
        with suppress(TypeError):
            found[name] = settings.value(name)
    return {name: value for name, value in found.items() if value is not None}


def _key(night: Path) -> str:
    """Return a settings key without slashes, which would make groups of it."""
    return str(night.absolute()).replace("/", "|").replace("\\", "|")
