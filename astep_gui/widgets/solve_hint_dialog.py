"""Hints for one frame that does not solve by itself: where it looks, its scale, how far to search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QDialog, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from pipeline_core.errors import AstepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtWidgets import QWidget

_RANGES = {"scale_arcsec": (1e-3, 1000.0, "pixel scale"), "radius_deg": (1e-3, 180.0, "radius")}


class SolveHintDialog(QDialog):
    """Asks for the hints; what is left empty is taken from the header and the recipe.

    Parameters
    ----------
    frame : str
        The frame's name.
    now : mapping
        ``ra_deg``, ``dec_deg``, ``scale_arcsec``, ``radius_deg`` in force; absent where none was decided.
    header : mapping
        What the header and the recipe say, shown where nothing is typed.
    objects : mapping, optional
        Names of the night's headers → RA and Dec, degrees.
    """

    chosen = pyqtSignal(dict)
    """The four hints, for this frame; None where none is given."""
    chosen_for_all = pyqtSignal(dict)
    """The same, for all science frames of the night."""

    def __init__(
        self,
        frame: str,
        now: Mapping[str, float],
        header: Mapping[str, float | None],
        parent: QWidget | None = None,
        objects: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        super().__init__(parent)
        self._objects = objects or {}
        self.setWindowTitle(f"Solve {frame} with hints")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(440)
        about = QLabel(
            "Where is this frame to be searched? What is left empty is taken from the header and the settings. They "
            "are kept with the night's decisions: undo takes them back, and later runs use them too."
        )
        about.setWordWrap(True)
        about.setProperty("role", "dim")
        self.place, self.scale, self.radius = QLineEdit(), QLineEdit(), QLineEdit()
        ra, dec = now.get("ra_deg"), now.get("dec_deg")
        if ra is not None and dec is not None:
            self.place.setText(f"{ra:.5f} {dec:+.5f}")
        if now.get("scale_arcsec") is not None:
            self.scale.setText(f"{now['scale_arcsec']:g}")
        if now.get("radius_deg") is not None:
            self.radius.setText(f"{now['radius_deg']:g}")
        for field, words in (
            (self.place, _told(header.get("ra_deg"), header.get("dec_deg"))),
            (self.scale, _one(header.get("scale_arcsec"), "″/px", "not in the header")),
            (self.radius, _one(header.get("radius_deg"), "°", "")),
        ):
            field.setPlaceholderText(words)
            field.setClearButtonEnabled(True)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow("RA and Dec, or a name", self.place)
        form.addRow("Pixel scale, arcsec", self.scale)
        form.addRow("Search radius, degrees", self.radius)
        self.for_all = QCheckBox("For all science frames of the night")
        self.for_all.setToolTip("A pixel scale that no header has is the same for all of them")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setProperty("role", "bad")
        self.answer.hide()
        self.solve, close = QPushButton("Solve"), QPushButton("Close")
        self.solve.setProperty("primary", "true")
        self.solve.setDefault(True)
        self.solve.clicked.connect(self._choose)
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(close)
        row.addWidget(self.solve)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        box.addWidget(about)
        box.addLayout(form)
        box.addWidget(self.for_all)
        box.addWidget(self.answer)
        box.addLayout(row)

    def _choose(self) -> None:
        try:
            hint = self._hint()
        except AstepError as error:
            self.answer.setText(f"{error.what}: {error.why}. {error.hint}")
            self.answer.show()
            self.answer.setMinimumHeight(self.answer.heightForWidth(max(self.answer.width(), 380)))
            return
        (self.chosen_for_all if self.for_all.isChecked() else self.chosen).emit(hint)
        self.close()

    def _hint(self) -> dict[str, float | None]:
        hint: dict[str, float | None] = dict.fromkeys(("ra_deg", "dec_deg", "scale_arcsec", "radius_deg"))
        if self.place.text().strip():
            from pipeline_core.sky_target import find_target  # noqa: PLC0415 - astropy, only when asked for

            target = find_target(self.place.text(), self._objects)
            hint["ra_deg"], hint["dec_deg"] = target.ra_deg, target.dec_deg
        for name, field in (("scale_arcsec", self.scale), ("radius_deg", self.radius)):
            if field.text().strip():
                hint[name] = _number(field.text(), *_RANGES[name])
        return hint


def _number(text: str, low: float, high: float, what: str) -> float:
    try:
        number = float(text.replace(",", ".").strip(' ″"°'))
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise UsageError(f"cannot use the {what} {text!r}", f"it is a number between {low:g} and {high:g}", "1.2, say")
    return number


def _told(ra: float | None, dec: float | None) -> str:
    if ra is None or dec is None:
        return "not in the header: 14 29 43 −62 40 46, M 42, …"
    return f"header: {ra:.5f} {dec:+.5f}".replace("-", "−")


def _one(value: float | None, unit: str, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g} {unit}"
