"""One star, all night: stamps in a row, its light and width drawn under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QImage, QPainter, QPen
from PyQt6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QToolButton, QToolTip, QVBoxLayout, QWidget

from astep_gui.models.tip_words import on_button, wrapped
from astep_gui.theme import theme, toned
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.own_keys import OwnKeys
from astep_gui.widgets.painting import painting
from pipeline_core.name_words import counted
from pipeline_core.short_names import stem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from astep_gui.models.star_track import StarTrackModel
    from pipeline_core.star_track import StarPoint

_CELL, _GAP = 62, 4
_WIDEST = 150
"""From stamp to stamp at most: few are spread over the width, so that the curves below them are read."""
_CURVE = 30
_LABEL = 14
_BOTH = 96
"""Pixels in which time and words stand beside each other."""
_NAME = 15
_WORDS = 240
"""Pixels that "light from 0.98 to 1.02 × its median" takes, however few stamps there are."""
_OWN_WIDTH = (
    "FWHM and light are this star's own, the median over the frames; the list's FWHM is the median of all stars "
    "measured on one frame."
)


class StarStrip(QWidget):
    """Shows a :class:`StarTrackModel`: a head line and the row of stamps that scrolls."""

    def __init__(self, model: StarTrackModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.name_of: Callable[[str], str] = stem_of
        """Gives, of a frame's path, the short name that is shown where the whole one has no room."""
        self.head = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.stop = QToolButton(self)
        self.stop.setText("Close")
        self.stop.setToolTip("Follow no star any more; the timeline is shown again")
        self.stop.clicked.connect(model.clear)
        self.stamps = _Stamps(model)
        self.band = QScrollArea(self)
        self.band.setWidget(self.stamps)
        self.band.setWidgetResizable(False)
        self.band.setFrameShape(QScrollArea.Shape.NoFrame)
        self.band.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.band.setFixedHeight(self.stamps.sizeHint().height() + 14)
        head = QHBoxLayout()
        head.setContentsMargins(10, 4, 8, 2)
        head.addWidget(self.head, 1)
        self.filters: list[QToolButton] = []
        """Of the field's other filters, each with the click that follows the star there."""
        self._offered: list[str] = []
        self._filters_row = QHBoxLayout()
        self._filters_row.setSpacing(4)
        head.addLayout(self._filters_row)
        head.addWidget(self.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.band)
        layout.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("One star through the night")
        model.changed.connect(self._follow)
        model.pointed.connect(self._reveal)
        self._follow()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Spread the stamps over the new width."""
        super().resizeEvent(event)
        self.stamps.spread(self.width())

    def _follow(self) -> None:
        model = self.model
        self.stop.setVisible(model.place is not None)
        self._offer_filters()
        self.head.say_more("")
        if model.error is not None:
            self.head.setText(str(model.error))
        elif model.place is None:
            self.head.setText("Shift-click a star: its stamp, light and width appear here, frame by frame.")
        else:
            self.head.say(*self._summaries())
            self.head.say_more(f"{self.head.full_text}\n\n{_OWN_WIDTH}")
        self.stamps.follow()

    def _offer_filters(self) -> None:
        """Offer the filters in which the star is not followed; each that is there already stays the same button."""
        wanted = [] if self.model.place is None else sorted(self.model.other_filters)
        if wanted == self._offered:
            return
        self._offered = wanted
        for button in self.filters:
            self._filters_row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self.filters = []
        for name in wanted:
            button = QToolButton(self)
            button.setText(on_button(f"In {name}"))
            button.setToolTip(
                wrapped(
                    f"Follow this star in the frames of {name}: its light there is another. It is looked for in the "
                    "same place of the chip where the frames of the two are not laid on each other: if it is not "
                    "found, Shift-click it there"
                )
            )
            button.clicked.connect(lambda _on, name=name: self.model.follow_in(name))
            self._filters_row.addWidget(button)
            self.filters.append(button)

    def _summaries(self) -> tuple[str, ...]:
        """Return what is known of the star in one line, and in ever shorter ones."""
        model = self.model
        path, x, y = model.place or ("", 0.0, 0.0)
        seen = len(model.points)
        count = f"{seen} of {model.total} frames" if model.is_busy else counted(seen, "frame")
        of_filter = f"{count} of {model.filter_name}" if model.filter_name else count
        which = ", ".join(f"{name} ({number})" for name, number in model.other_filters.items())
        others = f"not {which}" if which else ""
        measured = []
        flux, width = model.fluxes(), model.widths()
        if np.isfinite(flux).sum() > 2:
            scatter = 1.4826 * float(np.nanmedian(np.abs(flux - np.nanmedian(flux))))
            measured.append(f"light typically ± {100 * scatter:.1f} %")
        if np.isfinite(width).any():
            measured.append(f"its own FWHM {np.nanmedian(width):.2f} px")
        known = [point for point in model.points if point.is_aligned]
        if lost := sum(point.star is None or not point.star.found for point in known):
            measured.append(f"not seen on {lost}")
        if unknown := len(model.points) - len(known):
            measured.append(f"{unknown} not aligned")
        place = f"x {x + 1:.0f}, y {y + 1:.0f}"
        names = (stem_of(path), self.name_of(path))
        heads = (
            *([of_filter, others, f"{place} of {name}"] for name in names),
            *([of_filter, *where] for where in ([f"{place} of {names[-1]}"], [place], [])),
            [count],
        )
        return tuple(" · ".join(filter(None, [*head, *measured])) for head in heads)

    def _reveal(self) -> None:
        self.stamps.update()
        index = next((k for k, p in enumerate(self.model.points) if p.path == self.model.current), None)
        if index is not None:
            self.band.ensureVisible(round(self.stamps.cell(index).center().x()), 10, _CELL * 2, 0)


class _Stamps(QWidget):
    """The row itself."""

    def __init__(self, model: StarTrackModel) -> None:
        super().__init__()
        self.model = model
        self._hover = -1
        self._width = 0
        self._images: dict[str, QImage] = {}
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        OwnKeys(self, {Qt.Key.Key_X, Qt.Key.Key_U, Qt.Key.Key_Left, Qt.Key.Key_Right})
        self.follow()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Be as wide as the stamps there are, and as the words over the curves."""
        width = max(_WORDS, max(1, len(self.model.points)) * self.pitch + _GAP)
        return QSize(width, _CELL + _NAME + 2 * (_CURVE + _LABEL) + 8)

    @property
    def pitch(self) -> int:
        """Pixels from one stamp to the next."""
        count = max(1, len(self.model.points), self.model.total)  # those that come have their room already
        return min(max(_CELL + _GAP, (self._width - _GAP) // count), _WIDEST)

    def spread(self, width: int) -> None:
        """Take the width that there is, as far as the stamps can use it."""
        self._width = width
        self.follow()

    def follow(self) -> None:
        """Take the points that have arrived."""
        known = {point.path for point in self.model.points}
        self._images = {path: image for path, image in self._images.items() if path in known}
        if not self.model.points:
            self._images.clear()
        self.resize(self.sizeHint())
        self.update()

    def cell(self, index: int) -> QRectF:
        """Return where a stamp is drawn."""
        return QRectF(_GAP + index * self.pitch + (self.pitch - _GAP - _CELL) / 2, 2, _CELL, _CELL)

    def index_at(self, x: float) -> int | None:
        """Return the stamp at a place."""
        index = int((x - _GAP / 2) // self.pitch)
        return index if 0 <= index < len(self.model.points) else None

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the stamps that are visible, and both curves."""
        with painting(self) as painter:
            self._draw(painter, event.rect() if event is not None else self.rect())

    def _draw(self, painter: QPainter, shown: QRect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(10)
        painter.setFont(font)
        first = max(0, int(shown.left() // self.pitch))
        last = min(len(self.model.points), int(shown.right() // self.pitch) + 1)
        for k in range(first, last):
            self._draw_stamp(painter, k, self.model.points[k])
        if self.model.points:
            top = _CELL + _NAME + 4
            self._draw_curve(painter, self.model.fluxes(), "light", top + _LABEL, "plot_1", shown.left())
            self._draw_curve(painter, self.model.widths(), "FWHM", top + 2 * _LABEL + _CURVE, "plot_2", shown.left())

    def _draw_stamp(self, painter: QPainter, index: int, point: StarPoint) -> None:
        box = self.cell(index)
        painter.fillRect(box, theme().colour("image_ground"))
        if point.stamp is not None:
            if point.path not in self._images:
                codes = np.ascontiguousarray(point.stamp)
                ny, nx = codes.shape
                self._images[point.path] = QImage(codes.tobytes(), nx, ny, nx, QImage.Format.Format_Grayscale8).copy()
            painter.drawImage(box, toned(self._images[point.path]))
        is_rejected = point.path in self.model.rejected
        if is_rejected:
            painter.setPen(QPen(theme().colour("bad"), 2))
            painter.drawLine(box.topLeft() + QPointF(4, 4), box.topLeft() + QPointF(14, 14))
            painter.drawLine(box.topLeft() + QPointF(4, 14), box.topLeft() + QPointF(14, 4))
        is_current = point.path == self.model.current
        if is_current or index == self._hover:
            painter.setPen(QPen(theme().colour("accent" if is_current else "dim"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(1, 1, -1, -1))
        painter.setPen(theme().colour("bad" if is_rejected else "dim"))
        middle = box.center().x()
        below = QRectF(middle - (self.pitch - _GAP) / 2, box.bottom(), self.pitch - _GAP, _NAME)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, self.caption(index))

    def caption(self, index: int) -> str:
        """Return what stands below a stamp, never over its star: when it was, and what is the matter with it."""
        point = self.model.points[index]
        when = f"{point.mid_utc:%H:%M}" if point.mid_utc is not None else f"{index + 1}"
        said = ""
        if point.path in self.model.rejected:
            said = "rejected"
        elif not point.is_aligned:
            said = "not aligned"
        elif point.star is None or not point.star.found:
            said = "no star" if point.star is not None else "not read" if "read" in point.note else "outside"
        has_room = self.pitch - _GAP >= _BOTH
        return " · ".join(filter(None, (when, said))) if has_room else said or when

    def _draw_curve(
        self, painter: QPainter, values: npt.NDArray[np.float64], label: str, top: int, token: str, left: int
    ) -> None:
        finite = values[np.isfinite(values)]
        painter.setPen(QPen(theme().colour("grid"), 1))
        painter.drawLine(0, top + _CURVE, self.width(), top + _CURVE)
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            span = high - low or 1.0
            painter.setPen(QPen(theme().colour(token), 1.4))
            before: QPointF | None = None
            for k, value in enumerate(values):
                if not np.isfinite(value):
                    before = None
                    continue
                at = QPointF(self.cell(k).center().x(), top + 3 + (_CURVE - 6) * (high - value) / span)
                if before is not None:
                    painter.drawLine(before, at)
                painter.drawEllipse(at, 1.6, 1.6)
                before = at
        words = range_words(label, finite)
        metrics = painter.fontMetrics()
        box = QRectF(left + 2, top - _LABEL, metrics.horizontalAdvance(words) + 8, _LABEL)
        painter.setPen(theme().colour(token))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Ask for the frame of a stamp."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            index = self.index_at(event.position().x())
            if index is not None:
                self.model.ask_frame(index)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Say what the star is in the frame under the cursor; X and U then speak of it."""
        if event is None:
            return
        index = self.index_at(event.position().x())
        hover = -1 if index is None else index
        if hover != self._hover:
            self._hover = hover
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.update()
            if index is not None:
                QToolTip.showText(event.globalPosition().toPoint(), self.model.words(index), self)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """X rejects, U accepts the frame under the cursor, or the one that is shown; arrows step."""
        if event is None:
            return
        shown = next((k for k, p in enumerate(self.model.points) if p.path == self.model.current), None)
        index = self._hover if 0 <= self._hover < len(self.model.points) else shown
        key = event.key()
        if key == Qt.Key.Key_X and index is not None:
            self.model.ask_reject(index)
        elif key == Qt.Key.Key_U and index is not None:
            self.model.ask_accept(index)
        elif key in {Qt.Key.Key_Left, Qt.Key.Key_Right} and shown is not None:
            to = shown + (1 if key == Qt.Key.Key_Right else -1)
            if 0 <= to < len(self.model.points):
                self.model.ask_frame(to)
        else:
            event.ignore()


def range_words(label: str, values: npt.NDArray[np.float64]) -> str:
    """Say between which values a curve lies; "typically ±" is the head line's, and another thing."""
    if not values.size:
        return f"{label}: not measured"
    return f"{label} from {values.min():.2f} to {values.max():.2f} {'× its median' if label == 'light' else 'px'}"
