"""The line over the image: its name, as what it is seen, its size, how far it is enlarged, and its overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from astep_gui.theme import mono_font, ui_font
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.overlay_button import OverlayButton

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.frame_images import ShownImage

_SPACING, _MARGIN = 12, 10


class ImageHead(QWidget):
    """Says what is shown, by the name that list, blink and strips call it too; the file's own name is dim beside it.

    Where there is little room, the file's name goes, then the size, then the zoom, never the unit of the values.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ElidedLabel()
        self._title.setFont(ui_font(13, bold=True))
        self.state = QLabel()
        """As what it is seen: raw or calibrated while many go by, aligned or not."""
        self.selected = QLabel()
        """How many frames are selected, where it is not the shown one alone: answers are given for all of them."""
        self.selected.setProperty("role", "warn")
        self.file, self.about, self.zoom = QLabel(), QLabel(), QLabel()
        for label in (self.state, self.file, self.about, self.zoom):
            label.setProperty("role", "dim")
            label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called anything
        self.zoom.setFont(mono_font())
        self.overlays = OverlayButton()
        self.overlays.setProperty("small", "true")
        self.levels = QToolButton()
        """While the panel of the levels makes room for another one: brings it back."""
        self.levels.setText("Levels")
        self.levels.setToolTip("Histogram, black and white: show the panel Levels (Alt+2)")
        self.levels.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._is_compact = self._offers_levels = False
        self.short_title: Callable[[Hashable, str], str] = lambda _key, title: title
        """Gives, of an image's key and title, the title under the frame's short name."""
        self._unit = self._about = self._whole = self._file = ""
        strip = QHBoxLayout(self)
        strip.setContentsMargins(_MARGIN, 0, 6, 1)
        strip.setSpacing(_SPACING)
        strip.addWidget(self._title, 1)
        for widget in (self.selected, self.file, self.state, self.about, self.zoom, self.levels, self.overlays):
            strip.addWidget(widget)
        for widget in (self.selected, self.file, self.state, self.levels):
            widget.hide()

    @property
    def title(self) -> str:
        """The whole name of what is shown."""
        return self._whole

    def show_image(self, shown: ShownImage, state: str = "") -> None:
        """Name an image."""
        ny, nx = shown.shape
        words = [f"{nx} × {ny}", shown.unit] if shown.unit else [f"{nx} × {ny}"]
        if shown.reduction > 1:
            words.append(f"shown at 1:{shown.reduction}")
        self._whole = shown.title
        short = self.short_title(shown.key, shown.title)
        name, dot, done = short.partition(" · ")
        self._file = "" if short == shown.title else shown.title.removesuffix(dot + done)
        self._file = "" if self._file.startswith(name) else self._file  # then only its suffix is left out
        self._title.setText(short)
        self._about, self._unit = " · ".join(words), shown.unit or ""
        self.state.setText(state)
        self.state.setVisible(bool(state))
        self.overlays.show_image(shown)
        self._fit()

    def say_selected(self, number: int) -> None:
        """Say how many frames are selected, if it is more than the shown one."""
        words = f"{number} selected" if number > 1 else ""
        if words != self.selected.text():
            self.selected.setText(words)
            self.selected.setVisible(bool(words))
            self._fit()

    def say_zoom(self, words: str) -> None:
        """Say how far the image is enlarged, which takes its room too."""
        if words != self.zoom.text():
            self.zoom.setText(words)
            self._fit()

    def clear(self) -> None:
        """Name none."""
        self._about = self._unit = self._whole = self._file = ""
        for label in (self._title, self.file, self.state, self.about, self.zoom):
            label.setText("")
        self._title.say_more("")
        self.file.hide()
        self.state.hide()

    def offer_levels(self, *, is_offered: bool) -> None:
        """Show the button that brings the levels back, or not."""
        self._offers_levels = is_offered
        self._fit()

    def set_compact(self, *, compact: bool) -> None:
        """Leave the name alone, with what was done to it: half a window has no room for more."""
        self._is_compact = compact
        for widget in (self.about, self.zoom, self.overlays):
            widget.setVisible(not compact)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Fit into the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        shown = self._title.full_text
        self._title.say_more(self._whole if shown != self._whole else "")
        if self._is_compact:
            self.file.hide()
            return
        room = self.width() - _MARGIN - 6
        for one in (self.selected, self.state, self.overlays):
            room -= one.sizeHint().width() + _SPACING if one is self.overlays or not one.isHidden() else 0
        about, unit = (self._room_of(self.about, words) for words in (self._about, self._unit))
        zoom = self._room_of(self.zoom, self.zoom.text())
        title, file = self._title.width_of(shown), self._room_of(self.file, self._file)
        levels = self.levels.sizeHint().width() + _SPACING
        has_levels = self._offers_levels and title + unit + levels <= room  # Alt+2 does it too
        self.levels.setVisible(has_levels)
        room -= levels if has_levels else 0
        is_all_seen = title + file + about + zoom <= room
        self.file.setText(self._file if is_all_seen else "")
        self.file.setVisible(is_all_seen and bool(self._file))
        self.about.setText(self._about if title + about + zoom <= room else self._unit)
        self.about.setVisible(bool(self.about.text()))
        self.zoom.setVisible(title + unit + zoom <= room)

    @staticmethod
    def _room_of(label: QLabel, words: str) -> int:
        return label.fontMetrics().horizontalAdvance(words) + _SPACING if words else 0
