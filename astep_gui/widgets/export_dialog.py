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
from astep_gui.theme import restyle
from astep_gui.widgets.whole_label import WholeLabel
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from pipeline_core.handed_frames import HandedFrames


class ExportDialog(QDialog):
    """Asks for a folder; makes none itself.

    Parameters
    ----------
    program : str
        That the frames are for, as a person calls it.
    suggested : Path
        A folder beside the results; it need not exist.
    frames : tuple of two HandedFrames, or None
        Those that an export of all would take, and one of good ones only; None where they are not known yet.
    """

    chosen = pyqtSignal(object, bool)
    """The folder, a Path; and whether good frames only go, and those that a person accepted."""

    def __init__(
        self,
        program: str,
        suggested: Path,
        frames: tuple[HandedFrames, HandedFrames] | None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._beside, self._frames = suggested.parent, frames
        self.setWindowTitle(f"Export for {program}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(560)
        about = QLabel(f"The calibrated frames that are not rejected, as {program} reads them. Into which folder?")
        about.setWordWrap(True)
        self.goes, self.left_out = WholeLabel(), WholeLabel()
        self.left_out.setProperty("role", "dim")
        self.only_good = QCheckBox("Only good frames, and those a person accepted")
        self.only_good.setToolTip("Leaves out what is bad, suspect, not judged or not measured, unless you accepted it")
        self.only_good.setVisible(frames is None or bool(frames[1].left_out))
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
        self.told.setTextFormat(Qt.TextFormat.PlainText)  # a folder may be called anything
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
        for part in (about, self.only_good, self.goes, self.left_out, row, self.told, last):
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
        restyle(self.told)
        number = self._say_what_goes()
        self.export.setEnabled(not problem and number != 0)

    def _say_what_goes(self) -> int | None:
        """Say how many frames would go, how they stand, and which are left out; return their number if it is known."""
        all_of_them, good_ones = self._frames if self._frames is not None else (None, None)
        frames = good_ones if self.only_good.isChecked() else all_of_them
        left_out = frames.left_words if frames is not None else ""
        self.goes.setVisible(frames is not None)
        self.left_out.setVisible(bool(left_out))
        self.left_out.setText(left_out)
        if frames is None:
            return None
        number = len(frames.stands)
        self.goes.setText(f"{counted(number, 'frame')} would go: {frames.how}" if number else "No frame would go")
        return number

    def _browse(self) -> None:
        start = next((folder for folder in (self.path, *self.path.parents) if folder.is_dir()), self._beside)
        folder = QFileDialog.getExistingDirectory(self, self.windowTitle(), str(start))
        if folder:
            self.folder.setText(folder)

    def _choose(self) -> None:
        self.chosen.emit(self.path, self.only_good.isChecked())
        self.close()
