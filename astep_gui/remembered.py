"""What the window remembers between sessions: recent nights, where results go, layout, theme."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QByteArray, QSettings

MAX_RECENT = 8


class Remembered:
    """Small facts in the user's settings. Nothing of a night's decisions is here: they are in its logbook."""

    def __init__(self, settings: QSettings | None = None) -> None:
        self._settings = settings or QSettings("ASTEP", "Harvest")

    def recent(self) -> list[Path]:
        """Return the nights opened last that are still there, newest first."""
        return [Path(text) for text in self._texts("recent") if Path(text).is_dir()]

    def opened(self, night: Path) -> None:
        """Put a night on top of the recent ones."""
        others = [text for text in self._texts("recent") if text != str(night)]
        self._settings.setValue("recent", [str(night), *others][:MAX_RECENT])

    def output(self, night: Path) -> Path | None:
        """Return where a person wants the results of a night, if not at the usual place."""
        text = self._settings.value(f"output/{_key(night)}", "")
        return Path(text) if text else None

    def set_output(self, night: Path, output: Path) -> None:
        """Remember where the results of a night go."""
        self._settings.setValue(f"output/{_key(night)}", str(output))

    def frame(self, night: Path) -> str | None:
        """Return the frame that was looked at last in a night."""
        return self._settings.value(f"frame/{_key(night)}", "") or None

    def set_frame(self, night: Path, path: str) -> None:
        """Remember the frame that is looked at."""
        self._settings.setValue(f"frame/{_key(night)}", path)

    def step(self, night: Path) -> str:
        """Return the step that was shown last in a night; empty where the frames themselves were."""
        return str(self._settings.value(f"step/{_key(night)}", ""))

    def set_step(self, night: Path, name: str) -> None:
        """Remember the step that is shown."""
        self._settings.setValue(f"step/{_key(night)}", name)

    def part(self, night: Path) -> str:
        """Return the part of the frame that was seen last in a night, in words; empty where the whole was."""
        return str(self._settings.value(f"part/{_key(night)}", ""))

    def set_part(self, night: Path, part: str) -> None:
        """Remember the part that is seen."""
        self._settings.setValue(f"part/{_key(night)}", part)

    def state(self, name: str) -> QByteArray:
        """Return a saved state (layout, columns); empty if there is none."""
        value = self._settings.value(name)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_state(self, name: str, state: QByteArray) -> None:
        """Save a state."""
        self._settings.setValue(name, state)

    def forget(self, name: str) -> None:
        """Forget a state."""
        self._settings.remove(name)

    def word(self, name: str, default: str) -> str:
        """Return a short text, such as the theme's name."""
        return str(self._settings.value(name, default))

    def set_word(self, name: str, value: str) -> None:
        """Save a short text."""
        self._settings.setValue(name, value)

    def sync(self) -> None:
        """Write to disk now."""
        self._settings.sync()

    def _texts(self, name: str) -> list[str]:
        value = self._settings.value(name, [])
        return [value] if isinstance(value, str) else list(value or [])


def _key(night: Path) -> str:
    """Return a settings key without slashes, which would make groups of it."""
    return str(night.absolute()).replace("/", "|").replace("\\", "|")
