"""The sky over the image: catalogue stars, residuals magnified, a grid, the night's footprint, a place gone to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from astep_gui.models.residuals import Residuals, magnification
from astep_gui.models.sky_model import as_solution, place_in
from astep_gui.theme import THEMES, theme, ui_font
from astep_gui.widgets.image_marks import haloed
from pipeline_core.science.sky_grid import sky_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from astep_gui.models.frame_images import ShownImage
    from pipeline_core.science.sky_grid import GridLine
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.sky_view import SkyView

    ToScreen = Callable[[float, float], QPointF]
    Floats = npt.NDArray[np.float64]

SKY_MARKS = {
    "catalogue": ("Catalogue stars", "○ matched with a star of the frame, ◇ in the catalogue only"),
    "residuals": ("Residuals", "From the catalogue's place to the measured one, magnified as the legend says"),
    "grid": ("RA/Dec grid", "Lines of right ascension and declination, from the solution"),
    "footprint": ("Footprint", "Outlines of all solved frames of the night"),
}
"""Name → words and tip."""
_STEPS = 500
_MOST_FOOTPRINTS = 400


@dataclass(frozen=True)
class Gone:
    """A place that was gone to."""

    name: str
    ra_deg: float
    dec_deg: float


class SkyOverlay(QObject):
    """What is to be drawn over the image, and drawing it. One door: whoever switches, everybody sees it."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = dict.fromkeys(SKY_MARKS, False)
        self.view: SkyView | None = None
        self.residuals: Residuals | None = None
        self.offset = (0.0, 0.0)
        """Of the calibrated frame in the image that is shown, px."""
        self.footprints: Sequence[tuple[Floats, Floats]] = ()
        """RA and Dec of the corners of each solved frame."""
        self.target: Gone | None = None
        self.missing = ""
        """Why there are no catalogue stars, in words."""
        self.is_hidden = False
        """While frames blink, marks of one of them would lie over all."""

    @property
    def factor(self) -> int:
        """How far residuals are magnified."""
        return magnification(self.residuals)

    def switch(self, name: str, on: bool) -> None:  # noqa: FBT001 - a slot
        """Turn one of :data:`SKY_MARKS` on or off."""
        if self.on[name] != on:
            self.on[name] = on
            self.changed.emit()

    def paint(self, painter: QPainter, area: QRectF, to_screen: ToScreen, shown: ShownImage) -> None:
        """Draw over an image.

        Parameters
        ----------
        painter : QPainter
            In screen coordinates.
        area : QRectF
        to_screen : callable
            Pixel of the image, 0-based → where it is on the screen.
        shown : ShownImage
        """
        if self.is_hidden:
            return
        sky = shown.facts.sky if shown.facts is not None else None
        solution = as_solution(sky) if sky is not None else None
        linear = _Linear(to_screen)
        if solution is not None and self.on["grid"]:
            self._paint_grid(painter, area, linear, solution, shown.shape)
        if solution is not None and self.on["footprint"]:
            self._paint_footprints(painter, area, linear, solution)
        if self.view is not None and self.on["catalogue"]:
            self._paint_catalogue(painter, area, linear)
        if self.residuals is not None and self.on["residuals"]:
            self._paint_residuals(painter, area, linear)
        if solution is not None and self.target is not None:
            self._paint_target(painter, area, linear, solution, shown.shape)
        self._paint_legend(painter, area, has_sky=solution is not None)

    # -- parts -----------------------------------------------------------------------------------------------

    def _paint_catalogue(self, painter: QPainter, area: QRectF, linear: _Linear) -> None:
        view = self.view
        assert view is not None, "asked before"
        radius = min(max(7.0, 5.0 * linear.per_pixel), 0.1 * area.width())
        rings, diamonds = QPainterPath(), QPainterPath()
        x, y = linear.points(view.stars.x_px[view.star] + self.offset[0], view.stars.y_px[view.star] + self.offset[1])
        for place in _inside(x, y, area):
            rings.addEllipse(place, radius, radius)
        alone = np.setdiff1d(np.arange(len(view.reference_x_px)), view.catalogue)
        x, y = linear.points(view.reference_x_px[alone] + self.offset[0], view.reference_y_px[alone] + self.offset[1])
        for place in _inside(x, y, area):
            diamonds.addPolygon(_diamond(place, 1.2 * radius))
        haloed(painter, rings, _colour("good"), 1.4)
        haloed(painter, diamonds, _colour("warn"), 1.6)

    def _paint_residuals(self, painter: QPainter, area: QRectF, linear: _Linear) -> None:
        found = self.residuals
        assert found is not None, "asked before"
        x, y = found.x_px[found.used] + self.offset[0], found.y_px[found.used] + self.offset[1]
        x0, y0 = linear.points(x, y)
        factor = self.factor
        x1, y1 = linear.points(x + factor * found.dx_px[found.used], y + factor * found.dy_px[found.used])
        path = QPainterPath()
        seen = area.adjusted(-40, -40, 40, 40)
        for k in range(len(x0)):
            start, end = QPointF(x0[k], y0[k]), QPointF(x1[k], y1[k])
            if seen.contains(start):
                _arrow(path, start, end)
        haloed(painter, path, _colour("accent"), 1.6)

    @staticmethod
    def _paint_grid(painter: QPainter, area: QRectF, linear: _Linear, solution: TanSip, shape: tuple[int, int]) -> None:
        # Only over the frame: a distortion is not known beyond it.
        area = area.intersected(linear.area(shape))
        if area.width() < 40 or area.height() < 40:
            return
        corners = linear.back(area)
        colour = _colour("on_image")
        labels: list[tuple[QPointF, str, str]] = []
        path = QPainterPath()
        for line in sky_grid(solution, corners, wanted=6):
            x, y = _dense(line, linear)
            inside = (x >= area.left()) & (x <= area.right()) & (y >= area.top()) & (y <= area.bottom())
            for part in _runs(inside):
                path.addPolygon(QPolygonF([QPointF(x[k], y[k]) for k in part]))
            if inside.any():
                labels.append(_label(line, x, y, inside))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 2.6))
        painter.drawPath(path)
        pen = QPen(colour, 1.0, Qt.PenStyle.SolidLine)
        colour.setAlphaF(0.5)
        pen.setColor(colour)
        painter.setPen(pen)
        painter.drawPath(path)
        _write_labels(painter, area, labels)

    def _paint_footprints(self, painter: QPainter, area: QRectF, linear: _Linear, solution: TanSip) -> None:
        path = QPainterPath()
        drawn: set[tuple[int, ...]] = set()
        plain = replace(solution, a=None, b=None)  # outlines far away want no distortion, which runs away there
        for ra, dec in self.footprints[:_MOST_FOOTPRINTS]:
            x, y = linear.points(*plain.to_pixel(ra, dec))
            if not (np.isfinite(x).all() and np.isfinite(y).all() and np.abs(x).max() < 1e6):
                continue
            place = tuple(int(v) for v in np.rint(np.concatenate([x, y]) / 3.0))
            if place not in drawn:  # outlines that lie on one another would run together to a broad band
                drawn.add(place)
                path.addPolygon(QPolygonF([QPointF(x[k], y[k]) for k in (0, 1, 2, 3, 0)]))
        del area
        haloed(painter, path, _colour("violet", 0.8), 1.0)

    def _paint_target(
        self, painter: QPainter, area: QRectF, linear: _Linear, solution: TanSip, shape: tuple[int, int]
    ) -> None:
        assert self.target is not None, "asked before"
        found = place_in(solution, shape, self.target.ra_deg, self.target.dec_deg)
        if found is None:
            return
        x, y = linear.points(np.array([found[0]]), np.array([found[1]]))
        at = QPointF(float(x[0]), float(y[0]))
        path = QPainterPath()
        path.addEllipse(at, 14.0, 14.0)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(at + QPointF(10 * dx, 10 * dy))
            path.lineTo(at + QPointF(22 * dx, 22 * dy))
        haloed(painter, path, _colour("accent"), 1.8)
        _write(painter, at + QPointF(20, -16), self.target.name, _colour("accent"), area)

    def _paint_legend(self, painter: QPainter, area: QRectF, *, has_sky: bool) -> None:
        """Say what the marks mean, at the lower edge."""
        parts: list[tuple[str, str]] = []
        if self.view is not None and self.on["catalogue"]:
            matched = len(self.view.star)
            alone = len(self.view.reference_x_px) - matched
            parts += [(f"○ {matched} matched", "good"), (f"◇ {alone} in the catalogue only", "warn")]
        elif self.missing and (self.on["catalogue"] or self.on["residuals"]):
            parts.append((self.missing, "on_image"))
        if self.residuals is not None and self.on["residuals"]:
            parts.append((f"→ residuals ×{self.factor:,}".replace(",", "\u2009"), "accent"))
        if self.on["footprint"]:
            words = f"▭ {len(self.footprints)} solved frames" if has_sky else "footprint: this image has no place"
            parts.append((words, "violet"))
        if self.on["grid"] and not has_sky:
            parts.append(("no grid: this image has no place on the sky", "on_image"))
        if not parts:
            return
        font = ui_font(12, bold=True)
        metrics = QFontMetricsF(font)
        gap = 16.0
        width = sum(metrics.horizontalAdvance(words) for words, _ in parts) + gap * (len(parts) + 1)
        pill = QRectF(area.center().x() - width / 2, area.bottom() - 34, width, 24)
        ground = _colour("image_ground", 0.82)
        path = QPainterPath()
        path.addRoundedRect(pill, 5, 5)
        painter.fillPath(path, ground)
        painter.setFont(font)
        x = pill.left() + gap
        for words, token in parts:
            painter.setPen(_colour(token))
            painter.drawText(QPointF(x, pill.center().y() + metrics.capHeight() / 2), words)
            x += metrics.horizontalAdvance(words) + gap


def _colour(token: str, alpha: float = 1.0) -> QColor:
    """Return a colour for marks on the image, which is dark in the light theme too."""
    look = theme() if theme().is_dark else THEMES["dark"]
    return look.colour(token, alpha)


class _Linear:
    """The way from the image to the screen, for arrays: it is linear."""

    def __init__(self, to_screen: ToScreen) -> None:
        zero, one, up = to_screen(0.0, 0.0), to_screen(1000.0, 0.0), to_screen(0.0, 1000.0)
        self.x0, self.y0 = zero.x(), zero.y()
        self.xx, self.xy = (one.x() - zero.x()) / 1000.0, (up.x() - zero.x()) / 1000.0
        self.yx, self.yy = (one.y() - zero.y()) / 1000.0, (up.y() - zero.y()) / 1000.0

    @property
    def per_pixel(self) -> float:
        """Screen pixels a pixel of the image."""
        return float(np.hypot(self.xx, self.yx))

    def points(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return where places of the image are on the screen."""
        return self.x0 + self.xx * x + self.xy * y, self.y0 + self.yx * x + self.yy * y

    def area(self, shape: tuple[int, int]) -> QRectF:
        """Return where a frame of (ny, nx) pixels lies on the screen."""
        x, y = self.points(np.array([-0.5, shape[1] - 0.5]), np.array([-0.5, shape[0] - 0.5]))
        return QRectF(QPointF(float(x[0]), float(y[0])), QPointF(float(x[1]), float(y[1]))).normalized()

    def back(self, area: QRectF) -> tuple[float, float, float, float]:
        """Return the part of the image that lies in an area of the screen: x0, y0, x1, y1."""
        determinant = self.xx * self.yy - self.xy * self.yx
        x, y = [], []
        for corner in (area.topLeft(), area.topRight(), area.bottomLeft(), area.bottomRight()):
            a, b = corner.x() - self.x0, corner.y() - self.y0
            x.append((self.yy * a - self.xy * b) / determinant)
            y.append((self.xx * b - self.yx * a) / determinant)
        return min(x), min(y), max(x), max(y)


def _inside(x: Floats, y: Floats, area: QRectF) -> list[QPointF]:
    keep = (x > area.left() - 20) & (x < area.right() + 20) & (y > area.top() - 20) & (y < area.bottom() + 20)
    return [QPointF(float(a), float(b)) for a, b in zip(x[keep][:4000], y[keep][:4000], strict=True)]


def _diamond(at: QPointF, size: float) -> QPolygonF:
    return QPolygonF([at + QPointF(*d) for d in ((size, 0), (0, size), (-size, 0), (0, -size), (size, 0))])


def _arrow(path: QPainterPath, start: QPointF, end: QPointF) -> None:
    path.moveTo(start)
    path.lineTo(end)
    length = float(np.hypot(end.x() - start.x(), end.y() - start.y()))
    if length < 5.0:
        return
    angle = np.arctan2(end.y() - start.y(), end.x() - start.x())
    for side in (2.6, -2.6):
        path.moveTo(end)
        path.lineTo(end.x() + 5.0 * np.cos(angle + side), end.y() + 5.0 * np.sin(angle + side))


def _dense(line: GridLine, linear: _Linear) -> tuple[Floats, Floats]:
    """Return a line on the screen with so many points that clipping it needs no thought."""
    x, y = linear.points(line.x_px, line.y_px)
    keep = np.isfinite(x) & np.isfinite(y)
    if keep.sum() < 2:
        return np.empty(0), np.empty(0)
    x, y = x[keep], y[keep]
    old, new = np.linspace(0, 1, len(x)), np.linspace(0, 1, _STEPS)
    return np.interp(new, old, x), np.interp(new, old, y)


def _runs(inside: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    places = np.flatnonzero(inside)
    return [part for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(part) > 1]


def _label(line: GridLine, x: Floats, y: Floats, inside: npt.NDArray[np.bool_]) -> tuple[QPointF, str, str]:
    """Return where a line is named: declinations at the left edge, right ascensions at the upper."""
    places = np.flatnonzero(inside)
    k = places[np.argmin(x[places] if line.kind == "dec" else y[places])]
    return QPointF(float(x[k]), float(y[k])), line.words, line.kind


def _write_labels(painter: QPainter, area: QRectF, labels: list[tuple[QPointF, str, str]]) -> None:
    """Write names of lines, none over another."""
    metrics = QFontMetricsF(ui_font(11, bold=True))
    taken = [QRectF(area.left(), area.bottom() - 46, 190, 46)]  # the scale bar's
    for at, words, kind in labels:
        width, height = metrics.horizontalAdvance(words), metrics.height()
        start = QPointF(at.x() + 5, at.y() - 4) if kind == "dec" else QPointF(at.x() + 5, at.y() + height)
        start.setX(min(max(start.x(), area.left() + 4), area.right() - width - 4))
        start.setY(min(max(start.y(), area.top() + height), area.bottom() - 4))
        box = QRectF(start.x() - 3, start.y() - height, width + 6, height + 3)
        if any(box.intersects(other) for other in taken):
            continue
        taken.append(box)
        _write(painter, start, words, _colour("on_image"), area)


def _write(painter: QPainter, start: QPointF, words: str, colour: QColor, area: QRectF) -> None:
    font = ui_font(11, bold=True)
    width = QFontMetricsF(font).horizontalAdvance(words)
    x = min(start.x(), area.right() - width - 6)
    path = QPainterPath()
    path.addText(QPointF(x, max(start.y(), area.top() + 14)), font, words)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 3.0, join=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path)
    painter.fillPath(path, colour)
