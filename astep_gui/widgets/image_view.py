"""The image: one frame with its name, zoomed and panned, with marks and masks over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from astep_gui.models.seen_part import SeenPart
from astep_gui.theme import theme, theme_notice
from astep_gui.widgets import image_marks as marks
from astep_gui.widgets.frame_item import FrameItem, thumbnail
from astep_gui.widgets.image_badge import draw_badge
from astep_gui.widgets.image_canvas import ImageCanvas
from astep_gui.widgets.image_head import ImageHead
from astep_gui.widgets.over_frame import OverFrame, paint_on_frame, whole_picture
from astep_gui.widgets.overlay_button import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    from PyQt6.QtGui import QMouseEvent, QPainter

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.levels import LevelsModel


class ImageView(QWidget):
    """Shows a :class:`ShownImage`; its name and its pixels always change together.

    Places are pixels of the frame, 0-based, whole numbers at pixel centres, y upwards.
    """

    cursor_moved = pyqtSignal(float, float, object)
    """x, y and the true value there (None outside of the frame, or where only a small version is kept)."""
    cursor_left = pyqtSignal()
    clicked = pyqtSignal(float, float, object)
    """x, y and the keyboard modifiers."""
    menu_asked = pyqtSignal(float, float)
    """x, y of a click with the right button."""
    view_changed = pyqtSignal(QRectF)
    """The part that is seen, in frame pixels counted from the lower left corner of the first."""
    shape_drawn = pyqtSignal(object)
    """DrawnShape, again and again while it is dragged."""
    mark_changed = pyqtSignal(str, bool)
    """A name of :data:`MARKS`, and whether it is on now."""

    def __init__(self, levels: LevelsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels = levels
        self._badge: str | None = None
        self._seen_part: tuple[int, int] | None = None
        self.message = ""
        self._fitting = True
        self._awaited: tuple[tuple[int, ...], SeenPart | None] = ((), None)
        """Shape of an image that is to come, and what of it is to be seen then."""
        self._pointer: QPointF | None = None
        self._mask_bits = 0
        self._marks = {name: name in {"scale_bar", "compass", "overview"} for name in MARKS}
        self._stars: npt.NDArray[np.float64] | None = None
        self._shape: marks.DrawnShape | None = None
        self._ring: tuple[float, float, float] | None = None
        self._overview: QImage | None = None
        self.painters: list[Callable[[QPainter, QRectF, Callable[[float, float], QPointF], ShownImage], None]] = []
        """Draw further marks, in screen coordinates; called with where a place of the frame is on the canvas."""

        self.head = ImageHead()
        self.overlays = self.head.overlays

        self.canvas = ImageCanvas(self)
        self._box = self.canvas.box
        self._item = FrameItem(levels)
        self._box.addItem(self._item)
        self.canvas.paint_marks = self._paint_marks
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self.canvas, 1)

        self.setFocusProxy(self.canvas)
        self._connect()
        self._dress()

    def _connect(self) -> None:
        self.overlays.mark_toggled.connect(self.set_mark)
        self.overlays.mask_toggled.connect(self._toggle_mask)
        for name, on in self._marks.items():
            self.overlays.set_mark(name, on)
        self._box.moved_by_hand.connect(self._let_go_of_fit)
        self._box.clicked.connect(self.clicked)
        self._box.menu_asked.connect(self.menu_asked)
        self._box.drawing.connect(self._take_shape)
        self._box.sigRangeChanged.connect(self._tell_view)
        self.canvas.pointer_moved.connect(self._point)
        self.canvas.pointer_left.connect(self._leave)
        self.canvas.resized.connect(self._follow_size)
        self.canvas.pressed.connect(self._press)
        self._levels.changed.connect(self._forget_overview)
        self._levels.changed.connect(self.canvas.viewport().update)
        theme_notice().changed.connect(self._dress)

    # What is shown

    @property
    def shown(self) -> ShownImage | None:
        """The image that is shown."""
        return self._item.shown

    @property
    def title(self) -> str:
        """The name that is shown."""
        return self.head.title

    @property
    def badge(self) -> str | None:
        """The words on the image of a rejected frame."""
        return self._badge

    def show_image(
        self,
        shown: ShownImage,
        badge: str | None = None,
        *,
        offset: tuple[float, float] = (0.0, 0.0),
        state: str = "",
    ) -> None:
        """Show an image with its name.

        Parameters
        ----------
        shown : ShownImage
        badge : str, optional
            Why the frame is rejected: "REJECTED · cloud · U to restore".
        offset : (dx, dy)
            Pixels by which it is moved, to lie on the reference frame.
        state : str, optional
            As what it is seen, where many go by: "raw · aligned".
        """
        before = self._item.shown
        new_shape = before is None or before.shape != shown.shape
        self.message = ""
        self._badge = badge
        self.head.show_image(shown, state)
        self._item.show_image(shown, offset)
        self._forget_overview()
        if new_shape:
            self._box.frame = QRectF(0, 0, shown.shape[1], shown.shape[0])
            shape, part = self._awaited
            self.take_part(part if shape == shown.shape else None)
        self._say_zoom()
        self._report_pointer()
        self.canvas.viewport().update()

    def set_compact(self, *, compact: bool) -> None:
        """Leave the name alone over the image: half a window has no room for more."""
        self.head.set_compact(compact=compact)

    def set_seen_part(self, part: tuple[int, int] | None) -> None:
        """Say from where to where (px) it is seen: another image may lie over the rest; None where all of it is."""
        self._seen_part = part
        self.canvas.viewport().update()

    def set_badge(self, badge: str | None) -> None:
        """Change the badge of the image that is shown."""
        self._badge = badge
        self.canvas.viewport().update()

    def clear(self, message: str = "") -> None:
        """Show no image, and say why."""
        self._badge = None
        self._awaited = ((), None)
        self.message = message
        self._item.show_image(None)
        self.head.clear()
        self._box.frame = QRectF(0, 0, 1, 1)
        self.canvas.viewport().update()

    def whole(self, *, overlays: bool) -> QImage | None:
        """Draw the whole frame in its own pixels and levels: without bars and words, with overlays only if asked."""
        return whole_picture(self._item, self._over() if overlays else None)

    # How it is seen

    @property
    def is_fitting(self) -> bool:
        """Whether the whole frame is shown, whatever the size of the window."""
        return self._fitting

    @property
    def zoom(self) -> float:
        """Screen pixels a pixel of the frame; on a dense screen these are the screen's own."""
        width = self._box.viewRect().width()
        return self._box.width() * self.canvas.devicePixelRatioF() / width if width > 0 else 1.0

    def fit(self) -> None:
        """Show the whole frame."""
        self._fitting = True
        self._refit()

    def one_to_one(self) -> None:
        """Show each pixel of the frame as one of the screen, around the pointer or the middle."""
        self.zoom_to(1.0)

    def zoom_to(self, zoom: float) -> None:
        """Enlarge so far, keeping the place under the pointer, or the middle, where it is."""
        if self.shown is None:
            return
        self._fitting = False
        at = self._box.viewRect().center()
        if self._pointer is not None and not self._is_outside(self._pointer):
            at = self._box.mapSceneToView(self.canvas.mapToScene(self._pointer.toPoint()))
        self._box.zoom_by(zoom / self.zoom, at)

    def zoom_in(self) -> None:
        """Enlarge to twice the size."""
        self.zoom_to(2.0 * self.zoom)

    def centre_on(self, x: float, y: float) -> None:
        """Bring a place to the middle."""
        self._fitting = False
        seen = QRectF(self._box.viewRect())
        seen.moveCenter(QPointF(x + 0.5, y + 0.5))
        self._box.see(seen)

    def zoom_at(self, zoom: float, x: float, y: float) -> None:
        """Enlarge so far around a place of the frame."""
        self._fitting = False
        self._box.zoom_by(zoom / self.zoom, QPointF(x + 0.5, y + 0.5))

    def view_rect(self) -> QRectF:
        """Return the part that is seen."""
        return QRectF(self._box.viewRect())

    def set_view_rect(self, rect: QRectF) -> None:
        """Show a part: a linked view follows another's ``view_changed``."""
        self._fitting = False
        if rect != self._box.viewRect():
            self._box.setRange(rect, padding=0)

    @property
    def part(self) -> SeenPart | None:
        """The part that is seen, to be taken up again; None while all of the frame is fitted."""
        middle = self._box.viewRect().center()
        return None if self._fitting else SeenPart(middle.x(), middle.y(), self.zoom)

    def take_part(self, part: SeenPart | None) -> None:
        """Show a part as large as it was, however much room there is now; all of the frame for None."""
        self._awaited = ((), None)
        if part is None:
            return self.fit()
        return self._look_at(QPointF(part.x, part.y), self.canvas.devicePixelRatioF() / part.zoom)

    def see(self, shape: tuple[int, ...], part: SeenPart) -> None:
        """Show a part of an image of this (ny, nx): at once where such a one is shown, else if the next one is such."""
        if self.shown is not None and self.shown.shape == shape:
            self.take_part(part)
        else:
            self._awaited = (shape, part)

    # What lies over it

    def set_mark(self, name: str, on: bool) -> None:  # noqa: FBT001 - a slot of checkable actions
        """Turn one of :data:`MARKS` on or off."""
        if name not in MARKS:
            raise KeyError(name)
        self._marks[name] = on
        self.overlays.set_mark(name, on)
        self.mark_changed.emit(name, on)
        self.canvas.viewport().update()

    def has_mark(self, name: str) -> bool:
        """Tell whether a mark is on."""
        return self._marks[name]

    def set_cross_hair(self, on: bool) -> None:  # noqa: FBT001 - a slot of a checkable action
        """Turn the cross-hair on or off."""
        self.set_mark("cross_hair", on)

    @property
    def mask_bits(self) -> int:
        """Sum of the mask bits that are marked."""
        return self._mask_bits

    def set_mask_bits(self, bits: int) -> None:
        """Lay these kinds of masked pixels (:class:`~pipeline_core.types.MaskBit`) over the image; 0 for none."""
        self._mask_bits = bits
        self._item.set_mask_bits(bits)
        self.overlays.set_mask_bits(bits)

    def set_stars(self, places: npt.NDArray[np.float64] | None) -> None:
        """Give the places of stars, (n, 2) x and y, for the mark "stars"; None takes those of the image itself."""
        self._stars = places
        self.canvas.viewport().update()

    def set_tool(self, tool: str) -> None:
        """Let a drag draw a line, box or circle; "" lets it pan."""
        self._box.tool = tool
        cursor = Qt.CursorShape.CrossCursor if tool else Qt.CursorShape.ArrowCursor
        self.canvas.viewport().setCursor(cursor)

    def set_shape(self, shape: marks.DrawnShape | None) -> None:
        """Draw a shape, or none."""
        self._shape = shape
        self.canvas.viewport().update()

    def set_ring(self, ring: tuple[float, float, float] | None) -> None:
        """Draw a ring around a place, (x, y, radius) px: the star whose figures are shown; None for none."""
        self._ring = ring
        self.canvas.viewport().update()

    # Inside

    def _paint_marks(self, painter: QPainter) -> None:
        area = QRectF(self.canvas.viewport().rect())
        shown = self.shown
        if shown is None:
            marks.draw_message(painter, area, self.message)
            return
        per_pixel = self._box.width() / max(self._box.viewRect().width(), 1e-9)
        facts = shown.facts
        seen = QRectF(self._box.viewRect())
        paint_on_frame(painter, self._over(), shown, per_pixel, area, seen, self._to_screen, self._item.offset)
        if self._marks["cross_hair"] and self._pointer is not None:
            marks.draw_cross_hair(painter, area, self._pointer)
        if self._badge:
            corners = QRectF(self._to_screen(-0.5, -0.5), self._to_screen(shown.shape[1] - 0.5, shown.shape[0] - 0.5))
            across = self._seen_part or (area.left(), area.right())
            draw_badge(painter, area, corners.normalized(), self._badge, across)
        if self._marks["scale_bar"]:
            room = area.intersected(QRectF(area.topLeft(), QSizeF(2.0 * per_pixel * shown.shape[1], area.height())))
            marks.draw_scale_bar(painter, room, per_pixel, facts.pixel_scale_arcsec if facts else None)
        if self._marks["compass"] and facts is not None and facts.sky is not None:
            marks.draw_compass(painter, area, facts.sky)
        if self._overview_is_useful():
            if self._overview is None:
                self._overview = thumbnail(shown, self._levels, 2 * marks.OVERVIEW_PX)
            marks.draw_overview(painter, area, self._overview, self._box.viewRect(), shown.shape)

    def _over(self) -> OverFrame:
        return OverFrame(self._marks, self._stars, self._ring, self._shape, self.painters)

    def _overview_is_useful(self) -> bool:
        shown = self.shown
        if not self._marks["overview"] or shown is None or min(self.canvas.width(), self.canvas.height()) < 320:
            return False
        seen = self._box.viewRect().intersected(self._box.frame)
        return seen.width() * seen.height() < 0.5 * shown.shape[0] * shown.shape[1]

    def _to_screen(self, x: float, y: float) -> QPointF:
        """Return where a place of the frame is on the canvas."""
        scene = self._box.mapViewToScene(QPointF(x + 0.5, y + 0.5))
        return self.canvas.viewportTransform().map(scene)

    def _place_at(self, position: QPointF) -> QPointF:
        """Return the place of the shown frame under a point of the canvas."""
        view = self._box.mapSceneToView(self.canvas.mapToScene(position.toPoint()))
        dx, dy = self._item.offset
        return QPointF(view.x() - 0.5 - dx, view.y() - 0.5 - dy)

    @property
    def pointed_at(self) -> tuple[float, float] | None:
        """Where in the frame the pointer is (0-based); None if it is not over the frame."""
        if self._pointer is None or self.shown is None:
            return None
        at = self._place_at(self._pointer)
        rows, columns = self.shown.shape
        inside = -0.5 <= at.x() < columns - 0.5 and -0.5 <= at.y() < rows - 0.5
        return (at.x(), at.y()) if inside else None

    def _is_outside(self, position: QPointF) -> bool:
        return not self.canvas.viewport().rect().contains(position.toPoint())

    def _point(self, position: QPointF) -> None:
        self._pointer = position
        self._report_pointer()
        if self._marks["cross_hair"]:
            self.canvas.viewport().update()

    def _report_pointer(self) -> None:
        """Tell the value under the pointer: also when the image changes under it."""
        shown = self.shown
        if shown is None or self._pointer is None:
            return
        at = self._place_at(self._pointer)
        x, y = round(at.x()), round(at.y())
        value = shown.value(x, y) if shown.reduction == 1 else None
        self.cursor_moved.emit(at.x(), at.y(), value)

    def _leave(self) -> None:
        self._pointer = None
        self.cursor_left.emit()
        self.canvas.viewport().update()

    def _press(self, event: QMouseEvent) -> None:
        """Go where the overview was clicked."""
        shown = self.shown
        if shown is None or not self._overview_is_useful() or event.button() != Qt.MouseButton.LeftButton:
            return
        at = marks.clicked_in_overview(QRectF(self.canvas.viewport().rect()), shown.shape, event.position())
        if at is not None:
            self.centre_on(*at)
            event.accept()

    def _toggle_mask(self, bit: int, on: bool) -> None:  # noqa: FBT001 - a slot
        self.set_mask_bits(self._mask_bits | bit if on else self._mask_bits & ~bit)

    def _take_shape(self, shape: marks.DrawnShape, _finished: bool) -> None:  # noqa: FBT001 - a slot
        self.set_shape(shape)
        self.shape_drawn.emit(shape)

    def _let_go_of_fit(self) -> None:
        self._fitting = False

    def _refit(self) -> None:
        if self._fitting and self.shown is not None:
            self._box.setRange(self._box.frame, padding=0)

    def _follow_size(self, seen: QRectF, width: float) -> None:
        """Fit the frame again; of one that a person enlarged neither zoom nor middle changes with the room it has."""
        if not self._fitting and self.shown is not None and width > 0.0:
            self._look_at(seen.center(), seen.width() / width)
        self._refit()

    def _look_at(self, middle: QPointF, scale: float) -> None:
        """Have a place in the middle; ``scale`` is pixels of the frame a pixel of the canvas."""
        part = QRectF(0.0, 0.0, scale * self._box.width(), scale * self._box.height())
        part.moveCenter(middle)
        self.set_view_rect(part)

    def _say_zoom(self) -> None:
        if self.shown is not None:
            self.head.say_zoom(f"{100 * self.zoom:.0f} %" + (" · fit" if self._fitting else ""))

    def _tell_view(self) -> None:
        self._say_zoom()
        self.view_changed.emit(QRectF(self._box.viewRect()))
        self._report_pointer()

    def _forget_overview(self) -> None:
        self._overview = None

    def _dress(self) -> None:
        self.canvas.setBackgroundBrush(QColor(theme().hex("image_ground")))
        self._item.forget_drawn()
        self._forget_overview()
