"""What lies over places of a frame: overscan, stars, rings, shapes; on the screen and in a picture of all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QPainter

from astep_gui.theme import theme
from astep_gui.widgets import image_marks as marks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from PyQt6.QtGui import QImage

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.widgets.frame_item import FrameItem

    ToScreen = Callable[[float, float], QPointF]

RING_ROOM_PX = 48.0
"""Side of the square of the screen that each ring around a star has to itself, in the mean."""


@dataclass(frozen=True, slots=True)
class OverFrame:
    """What a person has laid over the frame."""

    marks: Mapping[str, bool]
    """Of :data:`~astep_gui.widgets.overlay_button.MARKS`, whether each is on."""
    stars: npt.NDArray[np.float64] | None
    """(n, 2) x and y, brightest first; None takes those of the image itself."""
    ring: tuple[float, float, float] | None
    """x, y, radius (px) of the star whose figures are shown."""
    shape: marks.DrawnShape | None
    painters: Sequence[Callable[[QPainter, QRectF, ToScreen, ShownImage], None]]


def paint_on_frame(
    painter: QPainter,
    over: OverFrame,
    shown: ShownImage,
    per_pixel: float,
    area: QRectF,
    seen: QRectF,
    to_screen: ToScreen,
    offset: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Paint what belongs to places of the frame.

    Parameters
    ----------
    painter : QPainter
        In pixels of the screen, or of the picture.
    over : OverFrame
    shown : ShownImage
    per_pixel : float
        Pixels of the screen a pixel of the frame.
    area : QRectF
        What is painted on.
    seen : QRectF
        Part of the frame that is seen, counted from the corner of its first pixel, y upwards.
    to_screen : callable
        Place in the frame (0-based, whole numbers at pixel centres) → point of the area.
    offset : (float, float)
        How far the frame is moved to lie on another, px.
    """
    for section in shown.unlit if over.marks["overscan"] else ():
        low = to_screen(section.x0 - 0.5, section.y0 - 0.5)
        high = to_screen(section.x1 - 0.5, section.y1 - 0.5)
        marks.draw_unlit(painter, QRectF(low, high).normalized())
    dx, dy = offset
    places = over.stars if over.stars is not None else shown.stars
    if over.marks["stars"] and places is not None:
        inside = [(x + dx, y + dy) for x, y in places if seen.contains(QPointF(x + dx + 0.5, y + dy + 0.5))]
        # The brightest in view, so many that the image is still seen between the rings; zooming in brings more.
        most = int(area.width() * area.height() / RING_ROOM_PX**2)
        points = [to_screen(x, y) for x, y in inside[:most]]
        marks.draw_circles(painter, points, min(max(6.0, 5.0 * per_pixel), area.width()), theme().colour("good"))
    if over.ring is not None:
        x, y, radius = over.ring
        ring = [to_screen(x + dx, y + dy)]
        marks.draw_circles(painter, ring, max(7.0, radius * per_pixel), theme().colour("cross_hair"))
    for paint in over.painters:
        paint(painter, area, lambda x, y: to_screen(x + dx, y + dy), shown)
    if over.shape is not None:
        marks.draw_shape(painter, over.shape, to_screen)


def whole_picture(item: FrameItem, over: OverFrame | None) -> QImage | None:
    """Draw the whole frame, a pixel of it a pixel of the picture, in the levels and colours in which it is shown.

    Parameters
    ----------
    item : FrameItem
    over : OverFrame or None
        What is painted over it, masked pixels too; None leaves the frame as it is.

    Returns
    -------
    QImage or None
        None where no frame is shown.
    """
    shown, picture = item.shown, item.whole(masks=over is not None)
    if shown is None or picture is None or over is None:
        return picture
    ny, nx = shown.shape
    per_pixel = picture.width() / nx
    painter, area = QPainter(picture), QRectF(picture.rect())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def to_picture(x: float, y: float) -> QPointF:
        return QPointF((x + 0.5) * per_pixel, area.height() - (y + 0.5) * per_pixel)

    paint_on_frame(painter, over, shown, per_pixel, area, QRectF(0, 0, nx, ny), to_picture)
    facts = shown.facts
    if over.marks["scale_bar"]:
        marks.draw_scale_bar(painter, area, per_pixel, facts.pixel_scale_arcsec if facts is not None else None)
    if over.marks["compass"] and facts is not None and facts.sky is not None:
        marks.draw_compass(painter, area, facts.sky)
    painter.end()
    return picture
