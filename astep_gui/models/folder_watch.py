"""Notices frames that come into the folders of a night: the camera may still be at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QFileSystemWatcher, QObject, QTimer, pyqtSignal

if TYPE_CHECKING:
    from pathlib import Path

    from astep_gui.jobs import Job, Jobs
    from pipeline_core.events import RunContext
    from pipeline_core.scan import Listing
    from pipeline_core.types import Night

SOON_MS = 200
"""After the system tells that a folder changed."""
GROWN_MS = 2000
"""A night that changed is read again when nothing more came in for this long: files are then whole."""
LOOK_MS = 5000
"""The folders are looked through this often all the same. The system tells nothing of a file that grows, of a folder
that is new since, or of what another machine writes on a shared disk."""


class FolderWatch(QObject):
    """Watches the folders of one night, those that come into it included."""

    grown = pyqtSignal()
    """Something came in, grew or went, and all is quiet again."""

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._job: Job | None = None
        self._root: Path | None = None
        self._known: Listing = frozenset()
        self._before: Listing | None = None
        """What the look before this one found, if it was not what is known."""
        self._told: Listing | None = None
        self._watch = QFileSystemWatcher(self)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._look)
        self._watch.directoryChanged.connect(lambda _folder: self._look_in(SOON_MS))

    def follow(self, night: Night) -> None:
        """Watch the night's folder and those of its frames; what the night holds is known from now on."""
        self._root = night.root
        self._known = frozenset((frame.path, frame.size_bytes, frame.mtime_ns) for frame in night.frames)
        self._before = None
        within = {frame.path.rpartition("/")[0] for frame in night.frames}  # a path a folder, not one a frame
        folders = {str(night.root / folder) for folder in {"", *within}}
        fresh = sorted(folders - set(self._watch.directories()))
        if fresh:
            self._watch.addPaths(fresh)
        self._look_in(LOOK_MS)

    def tell_again(self, *_: object) -> None:
        """Forget what was told: the night could not be read, and what came in is to be told once more."""
        self._told = self._before = None

    def forget(self) -> None:
        """Watch nothing."""
        if self._watch.directories():
            self._watch.removePaths(self._watch.directories())
        self._next.stop()
        self._root = self._job = self._before = self._told = None

    def _look_in(self, wait_ms: int) -> None:
        """Look after a while, or sooner if that was planned already; a look that is under way plans the next itself."""
        if self._root is None or self._job is not None:
            return
        if not self._next.isActive() or self._next.remainingTime() > wait_ms:
            self._next.start(wait_ms)

    def _look(self) -> None:
        root = self._root
        if root is None:
            return

        def work(context: RunContext) -> Listing:
            from pipeline_core.scan import list_night  # noqa: PLC0415 - the scan has imported it

            return list_night(root, context)

        job = self._job = self._jobs.job("looking for new frames", work)
        job.done.connect(lambda found: self._take(found) if job is self._job else None)
        # A folder that is away for a while, as a disk may be: it is looked for again.
        job.ended.connect(lambda: self._rest(job))
        job.start()

    def _take(self, found: Listing) -> None:
        is_quiet, self._before = found == self._before, found
        if found == self._known:
            self._before = None
        elif is_quiet and found != self._told:
            self._told = found
            self.grown.emit()

    def _rest(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._look_in(LOOK_MS if self._before in {None, self._told} else GROWN_MS)
