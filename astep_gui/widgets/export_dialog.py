"""Where exported frames shall lie: a folder that is there, or a new one by its name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.folder_words import folder_problem, folder_words
from pipeline_core.night_told import counted_stands
from pipeline_core.standing import GOOD

if TYPE_CHECKING:
    from collections.abc import Mapping


class ExportDialog(QDialog):
    """Asks for a folder; makes none itself.

    Parameters
    ----------
    program : str
        That the frames are for, as a person calls it.
    suggested : Path
        A folder beside the results; it need not exist.
    stands : mapping of str to int, or None
        How the frames stand that would go → how many do; None where it is not known yet.
    """

    chosen = pyqtSignal(object, bool)
    """The folder, a Path; and whether good frames only go."""

    def __init__(
        self, program: str, suggested: Path, stands: Mapping[str, int] | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._beside, self._stands = suggested.parent, stands
        self.setWindowTitle(f"Export for {program}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        about = QLabel(f"The accepted calibrated frames, as {program} reads them. Into which folder?")
        about.setWordWrap(True)
        self.goes = QLabel()
        self.goes.setWordWrap(True)
        self.only_good = QCheckBox("Only good frames: nothing speaks against them")
        self.only_good.setToolTip("Leaves out what is suspect or not judged, and what a person accepted all the same")
        self.only_good.setVisible(stands is None or set(stands) != {GOOD})
        self.only_good.toggled.connect(self._follow)
        self.folder = QLineEdit(str(suggested))
        self.folder.setAccessibleName("Folder")
        self.folder.textChanged.connect(self._follow)
        browse = QPushButton("Browse…")
        browse.setToolTip("Choose a folder that is there; a new one is made by typing its name here")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        self.told = QLabel()
        self.told.setWordWrap(True)
        self.told.setMinimumHeight(2 * self.told.fontMetrics().height() + 4)
        self.told.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.export, close = QPushButton("Export"), QPushButton("Close")
        self.export.setProperty("primary", "true")
        self.export.setDefault(True)
        self.export.clicked.connect(self._choose)
        close.clicked.connect(self.close)
        last = QHBoxLayout()
        last.addStretch(1)
        last.addWidget(close)
        last.addWidget(self.export)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        for part in (about, self.goes, self.only_good, row, self.told, last):
            box.addWidget(part) if isinstance(part, QWidget) else box.addLayout(part)
        self.folder.selectAll()
        self._follow()

    @property
    def path(self) -> Path:
        """The folder that is named; a mere name is one beside the results."""
        named = self._named()
        return named if named.is_absolute() else self._beside / named

    def _named(self) -> Path:
        typed = Path(self.folder.text().strip())
        with suppress(RuntimeError):  # "~" and a name that nobody has, while it is typed
            return typed.expanduser()
        return typed

    def _follow(self) -> None:
        """Say which frames would go; what the folder is, or why it cannot be."""
        is_named = bool(self.folder.text().strip())
        problem = folder_problem(self.path) if is_named else "a folder needs a name"
        where = "" if self._named().is_absolute() else f", in {self.path.parent}"
        self.told.setText(f"! {problem}" if problem else f"{folder_words(self.path)}{where}")
        self.told.setProperty("role", "bad" if problem else "dim")
        if (style := self.told.style()) is not None:
            style.unpolish(self.told)
            style.polish(self.told)
        number = self._say_what_goes()
        self.export.setEnabled(not problem and number != 0)

    def _say_what_goes(self) -> int | None:
        """Say how many frames would go, and how they stand; return their number, None where it is not known."""
        self.goes.setVisible(self._stands is not None)
        if self._stands is None:
            return None
        goes = {GOOD: self._stands.get(GOOD, 0)} if self.only_good.isChecked() else self._stands
        number = sum(goes.values())
        how = ", ".join(counted_stands(goes))
        self.goes.setText(
            f"{number} frame{'' if number == 1 else 's'} would go: {how}" if number else "No frame would go"
        )
        return number

    def _browse(self) -> None:
        start = next((folder for folder in (self.path, *self.path.parents) if folder.is_dir()), self._beside)
        folder = QFileDialog.getExistingDirectory(self, self.windowTitle(), str(start))
        if folder:
            self.folder.setText(folder)

    def _choose(self) -> None:
        self.chosen.emit(self.path, self.only_good.isChecked())
        self.close()
