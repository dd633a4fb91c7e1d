"""The line over the image: its name, as what it is seen, its size, how far it is enlarged, and its overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QHBoxLayout, QLabel, QWidget

from astep_gui.theme import mono_font, ui_font
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.overlay_button import OverlayButton

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.frame_images import ShownImage

_SPACING, _MARGIN = 12, 10


class ImageHead(QWidget):
    """Says what is shown; where there is little room, the size goes, then the zoom, never the unit of its values.

    What the name shares with others goes before either.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = ElidedLabel()
        self._title.setFont(ui_font(13, bold=True))
        self.state = QLabel()
        """As what it is seen: raw or calibrated while many go by, aligned or not."""
        self.about, self.zoom = QLabel(), QLabel()
        for label in (self.state, self.about, self.zoom):
            label.setProperty("role", "dim")
        self.zoom.setFont(mono_font())
        self.overlays = OverlayButton()
        self._is_compact = False
        self.short_title: Callable[[Hashable, str], str] = lambda _key, title: title
        """Gives, of an image's key and title, the title that is shown where the whole one has no room."""
        self._key: Hashable = None
        self._unit = self._about = ""
        strip = QHBoxLayout(self)
        strip.setContentsMargins(_MARGIN, 3, 6, 3)
        strip.setSpacing(_SPACING)
        strip.addWidget(self._title, 1)
        for widget in (self.state, self.about, self.zoom, self.overlays):
            strip.addWidget(widget)
        self.state.hide()

    @property
    def title(self) -> str:
        """The name that is shown."""
        return self._title.full_text

    def show_image(self, shown: ShownImage, state: str = "") -> None:
        """Name an image."""
        ny, nx = shown.shape
        words = [f"{nx} × {ny}", shown.unit] if shown.unit else [f"{nx} × {ny}"]
        if shown.reduction > 1:
            words.append(f"shown at 1:{shown.reduction}")
        self._key = shown.key
        self._title.setText(shown.title)
        self._about, self._unit = " · ".join(words), shown.unit or ""
        self.state.setText(state)
        self.state.setVisible(bool(state))
        self.overlays.show_image(shown)
        self._fit()

    def say_zoom(self, words: str) -> None:
        """Say how far the image is enlarged, which takes its room too."""
        if words != self.zoom.text():
            self.zoom.setText(words)
            self._fit()

    def clear(self) -> None:
        """Name none."""
        self._about = self._unit = ""
        for label in (self._title, self.state, self.about, self.zoom):
            label.setText("")
        self.state.hide()

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
        if self._is_compact:
            return
        room = self.width() - _MARGIN - 6
        for one in (self.state, self.overlays):
            room -= one.sizeHint().width() + _SPACING if one is not self.state or not one.isHidden() else 0
        about, unit = (self._room_of(self.about, words) for words in (self._about, self._unit))
        zoom = self._room_of(self.zoom, self.zoom.text())
        title, short = self._title.width_of(self.title), ""
        if title > room - zoom - unit:  # the short name stands there, and what it leaves may do for the size
            short = self.short_title(self._key, self.title)
            title = self._title.width_of(short)
        self._title.say(self.title, short)
        self.about.setText(self._about if title + about + zoom <= room else self._unit)
        self.about.setVisible(bool(self.about.text()))
        self.zoom.setVisible(title + unit + zoom <= room)

    @staticmethod
    def _room_of(label: QLabel, words: str) -> int:
        return label.fontMetrics().horizontalAdvance(words) + _SPACING if words else 0
