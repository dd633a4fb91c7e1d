"""Notices frames that come into the folders of a night: the camera may still be at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

if TYPE_CHECKING:
    from pipeline_core.types import Night

GROWN_MS = 2000
"""A folder that changed is read again when nothing came in for this long: files are then whole."""


class FolderWatch(QObject):
    """Watches the folders of one night."""

    grown = pyqtSignal()
    """Something came in or went, and all is quiet again."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._watch = QFileSystemWatcher(self)
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(GROWN_MS)
        self._quiet.timeout.connect(self.grown)
        self._watch.directoryChanged.connect(lambda _folder: self._quiet.start())

    def follow(self, night: Night) -> None:
        """Watch the night's folder and those of its frames, besides what is watched already."""
        within = {frame.path.rpartition("/")[0] for frame in night.frames}  # a path a folder, not one a frame
        folders = {str(night.root / folder) for folder in {"", *within}}
        fresh = sorted(folders - set(self._watch.directories()))
        if fresh:
            self._watch.addPaths(fresh)

    def forget(self) -> None:
        """Watch nothing."""
        if self._watch.directories():
            self._watch.removePaths(self._watch.directories())
        self._quiet.stop()
