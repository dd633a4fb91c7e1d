"""About: what this is, its licence, and the versions it stands on."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from PyQt6.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout

from astep_gui.theme import mono_font, ui_font

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

_PACKAGES = ("astep-harvest", "numpy", "scipy", "astropy", "ccdproc", "numba", "sep", "pyqtgraph")


def versions() -> str:
    """Return the versions of everything that matters in a report, one a line."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms, and seldom asked for

    lines = [f"Python {platform.python_version()} · {platform.system()} {platform.machine()}"]
    lines.append(f"Qt {QT_VERSION_STR} · PyQt {PYQT_VERSION_STR}")
    for name in _PACKAGES:
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return "\n".join(lines)


class AboutDialog(QDialog):
    """One page."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About ASTEP Harvest")
        title = QLabel("ASTEP Harvest")
        title.setFont(ui_font(20, bold=True))
        what = QLabel(
            "From a raw night of the ASTEP telescope (Concordia, Antarctica)\nto calibrated, quality-checked frames.\n"
            "\n"
            "Free software under the GNU General Public License, version 3 or later."
        )
        said = QLabel(versions())
        said.setFont(mono_font())
        said.setProperty("role", "dim")
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = QPushButton("Copy versions")
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(_copy)
        buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(24, 20, 24, 14)
        box.setSpacing(12)
        for widget in (title, what, said, buttons):
            box.addWidget(widget)


def _copy() -> None:
    board = QGuiApplication.clipboard()
    if board is not None:
        board.setText(versions())
