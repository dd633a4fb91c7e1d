"""The pixels of a frame on the screen: only what is seen is drawn, at the size at which it is seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QImage, QPainter

from astep_gui.theme import theme
from pipeline_core.science.display import overlay_colours
from pipeline_core.science.reduced_marks import widened_bits, widened_peaks
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    import numpy.typing as npt
    from PyQt6.QtWidgets import QStyleOptionGraphicsItem, QWidget

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.levels import LevelsModel

MASK_TOKENS = {
    MaskBit.BAD: "mask_bad",
    MaskBit.HOT: "mask_hot",
    MaskBit.UNSTABLE: "mask_unstable",
    MaskBit.SATURATED: "mask_saturated",
    MaskBit.COSMIC: "mask_cosmic",
    MaskBit.NO_DATA: "mask_no_data",
}


LEAST_MARK_PX = 3
"""Side of a marked or changed pixel on the screen at least, where the frame is shown smaller than it is."""


class FrameItem(pg.GraphicsObject):
    """One frame in its own pixels: pixel (0, 0) fills the square from (0, 0) to (1, 1), y upwards."""

    def __init__(self, levels: LevelsModel) -> None:
        super().__init__()
        self._levels = levels
        self._shown: ShownImage | None = None
        self._offset = (0.0, 0.0)
        self._mask_bits = 0
        self._drawn: dict[tuple[Any, ...], QImage] = {}

    @property
    def shown(self) -> ShownImage | None:
        """The frame that is drawn."""
        return self._shown

    @property
    def offset(self) -> tuple[float, float]:
        """How far the frame is moved to lie on the reference, px (x, y)."""
        return self._offset

    def show_image(self, shown: ShownImage | None, offset: tuple[float, float] = (0.0, 0.0)) -> None:
        """Draw another frame when the view is painted next: whoever has the view paints all of it.

        To ask for the item's part too would paint everything twice, one after the other.
        """
        if shown is not self._shown:
            self._drawn.clear()
        if self._shape_of(shown) != self._shape_of(self._shown) or offset != self._offset:
            self.prepareGeometryChange()
        self._shown = shown
        self._offset = offset

    def set_mask_bits(self, bits: int) -> None:
        """Lay these kinds of masked pixels over the frame."""
        self._mask_bits = bits
        self.update()

    @property
    def shown_bits(self) -> int:
        """Kinds of masked pixels that are laid over: all of them where the mask itself is what is shown."""
        is_asked = self._mask_bits == 0 and self._shown is not None and self._shown.shows_mask
        return sum(MASK_TOKENS) if is_asked else self._mask_bits

    def forget_drawn(self) -> None:
        """Draw anew: the theme's colours are others."""
        self._drawn.clear()
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """Return where the frame lies."""
        ny, nx = self._shape_of(self._shown)
        return QRectF(self._offset[0], self._offset[1], nx, ny)

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw what is seen."""
        box = self.getViewBox()
        if self._shown is None or box is None:
            return
        seen = box.viewRect().intersected(self.boundingRect()).translated(-self._offset[0], -self._offset[1])
        if seen.isEmpty():
            return
        transform = painter.deviceTransform()
        per_pixel = abs(transform.m11()) + abs(transform.m12())  # device pixels a pixel of the frame
        level = self._level(per_pixel)
        step = self._shown.reduction << level
        ny, nx = self._shown.codes[level].shape
        x0, x1 = max(0, int(seen.left()) // step), min(nx, int(np.ceil(seen.right() / step)) + 1)
        y0, y1 = max(0, int(seen.top()) // step), min(ny, int(np.ceil(seen.bottom() / step)) + 1)
        if x1 <= x0 or y1 <= y0:
            return
        place = QRectF(x0 * step + self._offset[0], y0 * step + self._offset[1], (x1 - x0) * step, (y1 - y0) * step)
        target = painter.worldTransform().mapRect(place)
        painter.save()
        painter.resetTransform()  # the picture is turned here, once: a flipped transform would draw slowly
        smooth = per_pixel * step < 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        # At full size each pixel is what it is; smaller, what is single would be lost.
        side = math.ceil(LEAST_MARK_PX * ratio / (per_pixel * step)) if per_pixel < ratio else 1
        painter.drawImage(target, self._picture(level, x0, x1, y0, y1, side))
        if self.shown_bits and self._shown.mask is not None:
            painter.drawImage(target, self._overlay(level, x0, x1, y0, y1, side))
        painter.restore()

    def _level(self, per_pixel: float) -> int:
        """Return the coarsest level whose pixels are not larger than the screen's."""
        assert self._shown is not None
        level = 0
        while level + 1 < len(self._shown.codes) and per_pixel * (self._shown.reduction << (level + 1)) <= 1.0:
            level += 1
        return level

    def _picture(self, level: int, x0: int, x1: int, y0: int, y1: int, side: int) -> QImage:
        assert self._shown is not None
        ground = theme().colour("image_ground")
        no_data = (ground.red(), ground.green(), ground.blue()) if self._shown.holds_no_data else None
        table = self._levels.table(self._shown.zero, self._shown.scale, no_data)
        key = ("image", id(table), level, x0, x1, y0, y1, side)
        picture = self._drawn.get(key)
        if picture is None:
            crop = self._shown.codes[level][y0:y1, x0:x1][::-1]
            if self._shown.rest is not None and side > 1:
                crop = widened_peaks(crop, self._shown.rest, side)
            picture = self._as_picture(np.take(table, crop), QImage.Format.Format_RGB32)
            self._remember(key, picture)
        return picture

    def _overlay(self, level: int, x0: int, x1: int, y0: int, y1: int, side: int) -> QImage:
        assert self._shown is not None
        key = ("mask", self.shown_bits, level, x0, x1, y0, y1, side)
        picture = self._drawn.get(key)
        if picture is None:
            colours = {}
            for bit, token in MASK_TOKENS.items():
                if self.shown_bits & bit:
                    colour = theme().colour(token)
                    colours[bit] = (colour.red(), colour.green(), colour.blue())
            crop = self._shown.mask_pyramid[level][y0:y1, x0:x1][::-1]
            if side > 1:
                crop = widened_bits(crop, self.shown_bits, side)
            pixels = overlay_colours(crop, colours)
            picture = self._as_picture(pixels, QImage.Format.Format_ARGB32_Premultiplied)
            self._remember(key, picture)
        return picture

    def whole(self, *, masks: bool) -> QImage | None:
        """Draw the whole frame, a pixel of it a pixel of the picture; with the masked pixels that are laid over."""
        if self._shown is None:
            return None
        ny, nx = self._shown.codes[0].shape
        picture = self._picture(0, 0, nx, 0, ny, 1).copy()
        if masks and self.shown_bits and self._shown.mask is not None:
            painter = QPainter(picture)
            painter.drawImage(0, 0, self._overlay(0, 0, nx, 0, ny, 1))
            painter.end()
        return picture

    def _remember(self, key: tuple[Any, ...], picture: QImage) -> None:
        if len(self._drawn) >= 4:  # the view, its mask, and both as they were a moment ago
            self._drawn.clear()
        self._drawn[key] = picture

    @staticmethod
    def _as_picture(pixels: npt.NDArray[np.uint32], kind: QImage.Format) -> QImage:
        pixels = np.ascontiguousarray(pixels)
        picture = QImage(pixels.data, pixels.shape[1], pixels.shape[0], pixels.strides[0], kind)
        picture.pixels = pixels  # type: ignore[attr-defined] # Qt does not copy them: they must live as long
        return picture

    @staticmethod
    def _shape_of(shown: ShownImage | None) -> tuple[int, int]:
        return shown.shape if shown is not None else (0, 0)


def thumbnail(shown: ShownImage, levels: LevelsModel, side: int, within: tuple[float, float] | None = None) -> QImage:
    """Draw the whole frame, at most ``side`` pixels on its longer side, in the levels given, or between two others."""
    codes = next((c for c in reversed(shown.codes) if max(c.shape) >= side), shown.codes[0])
    table = levels.table(shown.zero, shown.scale, None, within)
    full = FrameItem._as_picture(np.take(table, codes[::-1]), QImage.Format.Format_RGB32)  # noqa: SLF001
    return full.scaled(
        side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).copy()
