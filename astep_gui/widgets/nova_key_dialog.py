"""The key of nova.astrometry.net: typed once, kept in the system's keyring, shown to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from astep_gui.theme import restyle

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtWidgets import QWidget

    from astep_gui.jobs import Jobs, Work
    from pipeline_core.errors import AstepError
    from pipeline_core.events import RunContext

ABOUT = (
    "Frames can be solved by nova.astrometry.net where the setting solve.engine says “nova”; the positions of their "
    "stars are sent there. It wants a key of yours, from https://nova.astrometry.net/api_help. The key goes into this "
    "system's keyring: never into settings, results or the log."
)


class NovaKeyDialog(QDialog):
    """Asks for the key, and keeps it; the keyring may ask the person to unlock it, so it is spoken to in a job."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.setWindowTitle("Key of nova.astrometry.net")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(480)
        about = QLabel(ABOUT)
        about.setWordWrap(True)
        about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.key = QLineEdit()
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setAccessibleName("Key")
        self.key.setPlaceholderText("the key")
        self.key.textChanged.connect(self._follow)
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setMinimumHeight(2 * self.told.fontMetrics().height() + 4)
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.keep, close = QPushButton("Keep"), QPushButton("Close")
        self.keep.setProperty("primary", "true")
        self.keep.setDefault(True)
        self.keep.clicked.connect(self._keep)
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        row.addWidget(self.keep)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        for widget in (about, self.key, self.told):
            box.addWidget(widget)
        box.addLayout(row)
        self._is_busy = False
        self._follow()
        self._look()

    def _look(self) -> None:
        """Say whether a key is kept already."""

        def work(_context: RunContext) -> bool:
            from pipeline_core.solving.nova import nova_key  # noqa: PLC0415 - the network's packages

            return nova_key() is not None

        self._ask(work, self._looked)

    def _looked(self, is_there: object) -> None:
        self.say("a key is kept; another takes its place" if is_there else "no key is kept yet", "dim")

    def _keep(self) -> None:
        key = self.key.text().strip()

        def work(_context: RunContext) -> bool:
            from pipeline_core.solving.nova import keep_nova_key  # noqa: PLC0415 - the network's packages

            keep_nova_key(key)
            return True

        self._ask(work, self._kept)

    def _kept(self, _: object) -> None:
        self.key.clear()
        self.say("✓ the key is in the system's keyring", "good")

    def _ask(self, work: Work, done: Callable[[object], None]) -> None:
        self._is_busy = True
        self._follow()
        job = self._jobs.job("the keyring", work)
        # Connected to this object's own methods, which are gone with it: the keyring may take its time.
        self._done = done
        job.done.connect(self._take)
        job.failed.connect(self._refused)
        job.start()

    def _take(self, answer: object) -> None:
        self._is_busy = False
        self._done(answer)
        self._follow()

    def _refused(self, error: AstepError) -> None:
        self._is_busy = False
        self.say(f"! {error.what}: {error.why}. {error.hint}", "bad")
        self._follow()

    def _follow(self) -> None:
        self.keep.setEnabled(bool(self.key.text().strip()) and not self._is_busy)

    def say(self, words: str, role: str) -> None:
        """Say how it stands."""
        self.told.setText(words)
        self.told.setProperty("role", role)
        restyle(self.told)
