"""Marks over the image: scale bar, compass, cross-hair, overview, drawn shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from astep_gui.theme import theme, ui_font

if TYPE_CHECKING:
    from collections.abc import Callable

    from PyQt6.QtGui import QImage

    from pipeline_core.science.tangent import SkyMap

MARGIN = 14.0
OVERVIEW_PX = 132
EDGE, EDGE_PX = QColor(0, 0, 0, 225), 2.0
"""Dark edge around all marks: two pixels, or nothing of it is left between a white mark and a white image."""

Place = tuple[float, float]


@dataclass(frozen=True)
class DrawnShape:
    """A line, box or circle on the frame, in its pixels (0-based, whole numbers at pixel centres)."""

    kind: str
    """line, box or circle (from its centre to its rim)."""
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def length(self) -> float:
        """Of the line, the diagonal of the box, the radius of the circle."""
        return math.hypot(self.x1 - self.x0, self.y1 - self.y0)


def haloed(painter: QPainter, path: QPainterPath, colour: QColor, width: float = 1.5) -> None:
    """Stroke a path so that it is seen on dark sky and on a white image: dark around, colour inside."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(EDGE, width + 2.0 * EDGE_PX, cap=Qt.PenCapStyle.RoundCap))
    painter.drawPath(path)
    painter.setPen(QPen(colour, width, cap=Qt.PenCapStyle.RoundCap))
    painter.drawPath(path)


def text_mark(painter: QPainter, at: QPointF, words: str, colour: QColor) -> None:
    """Write words, centred on a point, with a dark halo."""
    font = ui_font(12, bold=True)
    metrics = QFontMetricsF(font)
    path = QPainterPath()
    start = QPointF(at.x() - metrics.horizontalAdvance(words) / 2, at.y() + metrics.capHeight() / 2)
    path.addText(start, font, words)
    painter.setPen(QPen(EDGE, 2.0 * EDGE_PX, join=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)
    painter.fillPath(path, colour)


def scale_bar_length(per_pixel: float, arcsec: float | None, widest: float) -> tuple[float, str]:
    """Return a round length and its words.

    Parameters
    ----------
    per_pixel : float
        Screen pixels a pixel of the frame.
    arcsec : float or None
        Side of a pixel; without it the bar counts pixels.
    widest : float
        Screen pixels.
    """
    most = widest / per_pixel * (arcsec or 1.0)
    steps = [m * 10.0**e for e in range(-1, 6) for m in (1, 2, 5)]
    if arcsec:
        steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, *(60.0 * m for m in (1, 2, 5, 10, 20, 30)), 3600, 7200, 18000]
    length = max((step for step in steps if step <= most), default=steps[0])
    screen = length / (arcsec or 1.0) * per_pixel
    if not arcsec:
        return screen, f"{length:g} px"
    if length >= 3600:
        return screen, f"{length / 3600:g}°"
    return screen, f"{length / 60:g}′" if length >= 60 else f"{length:g}″"


def draw_scale_bar(painter: QPainter, area: QRectF, per_pixel: float, arcsec: float | None) -> None:
    """Draw the bar in the lower left corner."""
    length, words = scale_bar_length(per_pixel, arcsec, min(160.0, 0.3 * area.width()))
    y = area.bottom() - MARGIN
    x = area.left() + MARGIN
    path = QPainterPath(QPointF(x, y - 4))
    path.lineTo(x, y)
    path.lineTo(x + length, y)
    path.lineTo(x + length, y - 4)
    haloed(painter, path, theme().colour("on_image"))
    text_mark(painter, QPointF(x + length / 2, y - 13), words, theme().colour("on_image"))


def draw_compass(painter: QPainter, area: QRectF, sky: SkyMap) -> None:
    """Draw north and east, as the header's WCS has them, in the lower right corner."""
    centre = QPointF(area.right() - 46, area.bottom() - 46)
    for word, (dx, dy), size in zip(("N", "E"), sky.north_east(), (26.0, 20.0), strict=True):
        end = QPointF(centre.x() + size * dx, centre.y() - size * dy)
        path = QPainterPath(centre)
        path.lineTo(end)
        for side in (-1, 1):
            angle = math.atan2(-dy, dx) + side * 2.6
            path.moveTo(end)
            path.lineTo(end.x() + 6 * math.cos(angle), end.y() + 6 * math.sin(angle))
        haloed(painter, path, theme().colour("on_image"))
        label = QPointF(centre.x() + (size + 11) * dx, centre.y() - (size + 11) * dy)
        text_mark(painter, label, word, theme().colour("on_image"))


def draw_cross_hair(painter: QPainter, area: QRectF, at: QPointF) -> None:
    """Draw lines through the pointer, open around it."""
    gap = 9.0
    path = QPainterPath()
    for start, end in (
        (QPointF(area.left(), at.y()), QPointF(at.x() - gap, at.y())),
        (QPointF(at.x() + gap, at.y()), QPointF(area.right(), at.y())),
        (QPointF(at.x(), area.top()), QPointF(at.x(), at.y() - gap)),
        (QPointF(at.x(), at.y() + gap), QPointF(at.x(), area.bottom())),
    ):
        path.moveTo(start)
        path.lineTo(end)
    haloed(painter, path, theme().colour("cross_hair"), 1.0)


def draw_shape(painter: QPainter, shape: DrawnShape, to_screen: Callable[[float, float], QPointF]) -> None:
    """Draw a line, box or circle."""
    start, end = to_screen(shape.x0, shape.y0), to_screen(shape.x1, shape.y1)
    path = QPainterPath()
    if shape.kind == "line":
        path.moveTo(start)
        path.lineTo(end)
        for point in (start, end):
            path.addEllipse(point, 3.0, 3.0)
    elif shape.kind == "circle":
        radius = math.hypot(end.x() - start.x(), end.y() - start.y())
        path.addEllipse(start, radius, radius)
    else:
        path.addRect(QRectF(start, end).normalized())
    haloed(painter, path, theme().colour("cross_hair"))


def draw_circles(painter: QPainter, places: list[QPointF], radius: float, colour: QColor) -> None:
    """Draw a ring around each star."""
    path = QPainterPath()
    for place in places:
        path.addEllipse(place, radius, radius)
    haloed(painter, path, colour, 1.2)


def draw_unlit(painter: QPainter, area: QRectF) -> None:
    """Hatch the strip whose level is subtracted as overscan, and name it where there is room."""
    colour = QColor(theme().colour("violet"))
    path = QPainterPath()
    path.addRect(area)
    haloed(painter, path, colour, 1.2)
    colour.setAlphaF(0.45)
    painter.fillRect(area, QBrush(colour, Qt.BrushStyle.BDiagPattern))
    if area.width() > 90:
        text_mark(painter, area.center(), "overscan", theme().colour("on_image"))


def overview_area(area: QRectF, shape: tuple[int, int]) -> QRectF:
    """Return where the overview lies: the upper right corner."""
    ny, nx = shape
    scale = OVERVIEW_PX / max(nx, ny, 1)
    width, height = nx * scale, ny * scale
    return QRectF(area.right() - MARGIN - width, area.top() + MARGIN, width, height)


def draw_message(painter: QPainter, area: QRectF, words: str) -> None:
    """Say why there is no image, in its place."""
    painter.setPen(theme().colour("dim" if theme().is_dark else "text"))
    painter.setFont(ui_font(14))
    room = area.adjusted(24, 24, -24, -24)
    painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


def clicked_in_overview(area: QRectF, shape: tuple[int, int], at: QPointF) -> tuple[float, float] | None:
    """Return the place of the frame under a point of the overview; None beside it."""
    place = overview_area(area, shape)
    if not place.contains(at):
        return None
    scale = shape[1] / place.width()
    return (at.x() - place.left()) * scale - 0.5, shape[0] - (at.y() - place.top()) * scale - 0.5


def draw_overview(painter: QPainter, area: QRectF, picture: QImage, seen: QRectF, shape: tuple[int, int]) -> None:
    """Draw the whole frame small, and on it what is seen (frame pixels, y upwards)."""
    place = overview_area(area, shape)
    ny, nx = shape
    painter.setOpacity(1.0)
    painter.drawImage(place, picture)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().colour("border"), 1.0))
    painter.drawRect(place)
    scale = place.width() / nx
    part = QRectF(
        place.left() + seen.left() * scale,
        place.top() + (ny - seen.bottom()) * scale,
        max(4.0, seen.width() * scale),
        max(4.0, seen.height() * scale),
    ).intersected(place)
    path = QPainterPath()
    path.addRect(part)
    haloed(painter, path, theme().colour("cross_hair"))
