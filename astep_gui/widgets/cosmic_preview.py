"""Beside the cosmic-ray settings: the part of the frame that was looked at, and what they would do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.levels import LevelsModel
from astep_gui.widgets.image_view import ImageView

if TYPE_CHECKING:
    from PyQt6.QtCore import QRectF

    from astep_gui.models.cosmic_preview_model import CosmicPreviewModel
    from astep_gui.models.frame_images import ShownImage


class CosmicPreviewPanel(QWidget):
    """Shows a :class:`CosmicPreviewModel`: hits marked, or removed, and the counts in words."""

    def __init__(self, model: CosmicPreviewModel, frame_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._pair: tuple[ShownImage, ShownImage] | None = None
        self.levels = LevelsModel(self)
        self.view = ImageView(self.levels)
        self.view.setMinimumSize(340, 300)
        self.view.overlays.hide()
        part = model.part
        head = QLabel(f"Tried on {frame_name}: x {part.x0 + 1}–{part.x1}, y {part.y0 + 1}–{part.y1}, which was in view")
        head.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called anything
        head.setProperty("role", "dim")
        head.setWordWrap(True)
        self.words = QLabel("")
        self.words.setTextFormat(Qt.TextFormat.PlainText)  # as above
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().height())
        self.words.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout()
        self.buttons: dict[str, QToolButton] = {}
        for name, words, tip in (
            ("marked", "Marked", "Hits in colour over the frame as it is"),
            ("removed", "Removed", "The frame with all hits replaced"),
        ):
            button = QToolButton()
            button.setText(words)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.clicked.connect(self._show)
            self.buttons[name] = button
            row.addWidget(button)
        self.buttons["marked"].setChecked(True)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 0, 0, 0)
        layout.addWidget(head)
        layout.addWidget(self.view, 1)
        layout.addLayout(row)
        layout.addWidget(self.words)
        model.changed.connect(self._follow)
        model.arrived.connect(self._take)
        self._follow()

    def _take(self, marked: ShownImage, cleaned: ShownImage) -> None:
        seen: QRectF | None = None if self._pair is None or self.view.is_fitting else self.view.view_rect()
        self._pair = (marked, cleaned)
        self._show()
        if seen is not None:
            self.view.set_view_rect(seen)

    def _show(self) -> None:
        if self._pair is not None:
            marked, cleaned = self._pair
            self.levels.follow(marked)  # both alike: what was removed is then seen to be gone
            self.view.show_image(cleaned if self.buttons["removed"].isChecked() else marked)

    def _follow(self) -> None:
        model = self.model
        mark = "▲ " if model.is_warning else "✓ "
        words = f"{mark}{model.words}" if model.words else ""
        tries = f"First {model.preparing} …" if model.preparing else "Trying these settings …"
        if not model.has_settings:
            words = "Not tried: the settings are not whole"
        self.words.setText(tries if model.is_busy else words)
        self.view.setEnabled(model.has_settings)
        for button in self.buttons.values():
            button.setEnabled(model.has_settings)
        role = "dim" if model.is_busy or not model.has_settings else "warn" if model.is_warning else "good"
        if self.words.property("role") != role:
            self.words.setProperty("role", role)
            if (style := self.words.style()) is not None:
                style.polish(self.words)
