"""The folder of a night: read in a thread, and watched, for the camera may still be at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline_core.events import RunContext
    from pipeline_core.types import Night

GROWN_MS = 2000
"""A folder that changed is told of when nothing came in for this long: files are then whole."""


def read_folder(root: Path, previous: Night | None, context: RunContext) -> Night:
    """Read the headers of a night; what was read before and is unchanged is taken over.

    Notes
    -----
    Imports, in the thread it is called in, what the window's own thread needs next: the plan and the settings.
    """
    import pipeline_core.plan  # noqa: PLC0415
    import pipeline_core.recipe_file  # noqa: F401, PLC0415
    from pipeline_core.scan import scan_night  # noqa: PLC0415

    return scan_night(root, context, previous=previous)


class FolderWatch(QObject):
    """Tells when files came in or went."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watcher = QFileSystemWatcher(self)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.setInterval(GROWN_MS)
        self._calm.timeout.connect(self.changed)
        self._watcher.directoryChanged.connect(lambda _folder: self._calm.start())

    def watch(self, night: Night) -> None:
        """Watch the folders of a night, those that are watched already too."""
        folders = {str(night.root), *(str(night.file(frame).parent) for frame in night.frames)}
        fresh = sorted(folders - set(self._watcher.directories()))
        if fresh:
            self._watcher.addPaths(fresh)

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._watcher.directories():
            self._watcher.removePaths(self._watcher.directories())
        self._calm.stop()
