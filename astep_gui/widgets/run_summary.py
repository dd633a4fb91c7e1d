"""What came of a run, on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout

from astep_gui.theme import ui_font

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

    from pipeline_core.reduce import Reduction


class RunSummary(QDialog):
    """Counts, masters, warnings, failures, and where the files are."""

    folder_asked = pyqtSignal()

    def __init__(self, result: Reduction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Night reduced")
        self.resize(680, 460)
        counts = result.counts
        title = QLabel(headline(result))
        title.setFont(ui_font(17, bold=True))
        title.setProperty("role", "bad" if result.failed else "good")
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        made = sum(state == "made" for state in result.masters.values())
        rows = {
            "Science frames": f"{counts['done']} calibrated · {counts['cached']} were up to date · "
            f"{counts['failed']} failed · {counts['left_out']} left out",
            "Masters": f"{made} made · {len(result.masters) - made} were up to date",
            "To look at": f"{result.flagged} frames are suggested" if result.flagged else "nothing is suggested",
            "Took": f"{result.seconds:.0f} s, {result.peak_memory_mb / 1000:.1f} GB of memory at most",
            "Results": str(result.output),
        }
        for name, words in rows.items():
            label, value = QLabel(name), QLabel(words)
            label.setProperty("role", "dim")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            form.addRow(label, value)
        lines = [f"! {path}: {reason}" for path, reason in result.failed]
        lines += [f"▲ {words}" for words in result.warnings]
        lines += [f"– {item.path}: {item.reason}" for item in result.left_out]
        self.details = QPlainTextEdit("\n".join(lines))
        self.details.setReadOnly(True)
        self.details.setVisible(bool(lines))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        folder = QPushButton("Show results folder")
        folder.clicked.connect(self.folder_asked)
        buttons.addButton(folder, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 14)
        box.setSpacing(12)
        box.addWidget(title)
        box.addLayout(form)
        if lines:
            box.addWidget(QLabel(f"Failures, warnings and frames left out · {len(lines)}"))
        box.addWidget(self.details, 1)
        if not lines:
            box.addStretch(1)
        box.addWidget(buttons)


def headline(result: Reduction) -> str:
    """Say in one line how the run ended."""
    counts = result.counts
    if result.failed:
        return f"! Finished, {len(result.failed)} failed"
    if not counts["done"] and not any(state == "made" for state in result.masters.values()):
        return "✓ Everything was up to date"
    return f"✓ {counts['done']} frames calibrated"
