"""Two images at once: side by side, with a wipe, or blinking; zoom, pan and levels linked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRect, QRectF, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from astep_gui.models.levels import LevelsModel
from astep_gui.theme import theme, ui_font
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.image_view import ImageView
from astep_gui.widgets.own_keys import OwnKeys
from astep_gui.widgets.painting import painting

if TYPE_CHECKING:
    from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from astep_gui.models.frame_images import ShownImage

MODES = {"side": "Side by side", "wipe": "Wipe", "blink": "Blink"}
_TIPS = {
    "side": "Both beside each other (N: the next way)",
    "wipe": "One over the other: drag the line between them",
    "blink": "One after the other, three times a second",
}
ALIKE = 0.2
"""Part of the range of the levels by which two skies may differ and still be shown in the same."""
_BLINK_MS = 333
_GRIP = 12
_KEY_STEP = 0.02


class CompareView(QWidget):
    """Shows two :class:`ShownImage`; what is done to one view is done to the other.

    The left one follows the window's levels. The right one takes the same while "Same levels" is on, else its own:
    two steps may differ by the bias, or by their unit.
    """

    closed = pyqtSignal()
    swapped = pyqtSignal()
    """What was left is right, and what was right left."""
    cursor_moved = pyqtSignal(float, float, object, object)
    """x, y, value of the left image and of the right image there."""

    def __init__(self, levels: LevelsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mode = "side"
        self.wipe = 0.5
        """Part of the width that shows the left image."""
        self._levels = levels
        self._right_levels = LevelsModel(self)
        self._follows = False
        self.levels_before: dict[str, Any] | None = None
        """Levels of the one image that was seen before, while two are; they are given back."""
        self._offset = (0.0, 0.0)
        self.left = ImageView(levels)
        self.right = ImageView(self._right_levels)
        for view in (self.left, self.right):
            view.set_compact(compact=True)
        self._blink_timer = QTimer(self)
        self._blink_timer.setInterval(_BLINK_MS)
        self._blink_timer.timeout.connect(self._blink)
        self._build_head()
        self._build_names()
        self.note = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        """How the right image lies on the left one."""
        self.note.setContentsMargins(10, 0, 8, 3)
        self.note.hide()
        self.stage = _Stage(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._head)
        layout.addWidget(self.note)
        layout.addWidget(self.names)
        layout.addWidget(self.stage, 1)
        self._part = QRectF()
        """What of the field a person wants to see; kept from one way of comparing to the next."""
        self._sizes: dict[ImageView, tuple[int, int]] = {}
        """Of both canvases, as they were last arranged: one that has another now was not moved by hand."""
        for view, other in ((self.left, self.right), (self.right, self.left)):
            view.view_changed.connect(lambda rect, view=view, other=other: self._link(view, other, rect))
            view.canvas.resized.connect(self._see_the_same)
            view.cursor_moved.connect(lambda x, y, _: self._report(x, y))
        levels.changed.connect(self._follow_switch)
        levels.changed.connect(self._follow_levels)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Two images compared")
        OwnKeys(self, {Qt.Key.Key_Left, Qt.Key.Key_Right}, lambda: self.mode == "wipe")

    def _build_head(self) -> None:
        self._head = QHBoxLayout()
        self._head.setContentsMargins(10, 4, 8, 4)
        self._head.setSpacing(6)
        self.modes = QButtonGroup(self)
        self.buttons: dict[str, QToolButton] = {}
        for mode, words in MODES.items():
            button = self._tool(words, _TIPS[mode])
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, mode=mode: self.set_mode(mode))
            self.modes.addButton(button)
            self.buttons[mode] = button
        self.buttons["side"].setChecked(True)
        self.same_levels = QCheckBox("Same levels")
        self.same_levels.setToolTip("Show equal values alike; off: each image has its own levels")
        self.same_levels.clicked.connect(self._levels.set_frozen)  # one switch, seen here and beside the histogram
        self.same_levels.toggled.connect(self._follow_levels)
        self.swap = self._tool("Swap", "Exchange left and right (R)")
        self.swap.clicked.connect(self.swap_images)
        self.close_button = self._tool("Close", "Show one image again (Esc)")
        self.close_button.clicked.connect(self._close)
        for widget in (*self.buttons.values(), self.same_levels, self.swap, self.close_button):
            self._head.addWidget(widget)
        self._head.addStretch(1)

    def _build_names(self) -> None:
        """Names on a line of their own, where both images lie in one place; beside each other each says its own."""
        self.names = QWidget(self)
        right = Qt.TextElideMode.ElideRight  # what tells them apart stands first
        self.left_name, self.right_name = ElidedLabel(mode=right), ElidedLabel(mode=right)
        self.right_name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self.names)
        row.setContentsMargins(10, 3, 10, 3)
        row.setSpacing(12)
        for name in (self.left_name, self.right_name):
            name.setFont(ui_font(13, bold=True))
            row.addWidget(name, 1)
        # As high as the heads it stands for: images do not jump from one way of comparing to the other.
        self.names.setFixedHeight(self.left.head.sizeHint().height())

    def _tool(self, words: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(words)
        button.setToolTip(tip)
        return button

    # -- what is shown ---------------------------------------------------------------------------------------

    def show_pair(
        self,
        left: ShownImage,
        right: ShownImage,
        *,
        badges: tuple[str | None, str | None] = (None, None),
        offset: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Compare two images.

        Parameters
        ----------
        left, right : ShownImage
        badges : (str or None, str or None)
            Why a frame is rejected.
        offset : (dx, dy)
            Pixels by which the right one is moved, so that its stars lie on those of the left one.
        """
        self._offset = offset
        if self.left.shown is None:
            self.levels_before = self._levels.state()
            self.wipe = 0.5
        self._levels.set_frozen(False)  # the left image has its own, whatever was shown before
        self._levels.follow(left)
        self._right_levels.follow(right)
        self.left.show_image(left, badges[0])
        self.right.show_image(right, badges[1], offset=offset)
        self.stage.name_tags(f"◧ {left.title}", f"{right.title} ◨")
        self.left_name.setText(f"◧ {left.title}")
        self.right_name.setText(f"{right.title} ◨")
        same_unit = left.unit == right.unit
        self.same_levels.setEnabled(same_unit)
        apart = abs(left.level.sky - right.level.sky)
        # Else the one would be all black or all white in the levels of the other.
        is_seen = self._levels.lo < right.level.sky < self._levels.hi or not left.level.sigma > 0.0
        self.same_levels.setChecked(same_unit and is_seen and apart < ALIKE * (self._levels.hi - self._levels.lo))
        self._levels.set_frozen(self.same_levels.isChecked())
        self._follow_levels()
        self._link(self.left, self.right, self.left.view_rect())

    def say(self, words: str, *, is_warning: bool = False) -> None:
        """Say how the right image lies on the left one; "" where nothing is to be said."""
        self.note.set_role("warn" if is_warning else "dim")
        self.note.say(words, words.partition("; ")[0], words.partition(":")[0])
        self.note.setVisible(bool(words))

    def clear(self) -> None:
        """Hold no image any more, two of 4096² are 0.2 GB, and leave the levels as they were before."""
        if self.mode == "blink":
            self.set_mode("side")  # the next pair is not to begin with one of both
        self.left.clear()
        self.right.clear()
        if self.levels_before is not None:
            before, self.levels_before = self.levels_before, None
            self._levels.give_back(before)

    def swap_images(self) -> None:
        """Exchange left and right."""
        left, right = self.left.shown, self.right.shown
        if left is not None and right is not None:
            away = (-self._offset[0], -self._offset[1])
            self.show_pair(right, left, badges=(self.right.badge, self.left.badge), offset=away)
            self.swapped.emit()

    def set_badges(self, left: str | None, right: str | None) -> None:
        """Change what stands on the images of rejected frames."""
        self.left.set_badge(left)
        self.right.set_badge(right)

    def set_mode(self, mode: str) -> None:
        """Show both side by side, with a wipe, or one after the other."""
        if mode != self.mode:
            self.wipe = 1.0 if mode == "blink" else 0.5  # the line opens in the middle, wherever a blink left it
        self.mode = mode
        self.buttons[mode].setChecked(True)
        if mode == "blink":
            self._blink_timer.start()
        else:
            self._blink_timer.stop()
        self.stage.arrange()

    def set_wipe(self, part: float) -> None:
        """Move the line of the wipe: 0 shows the right image only, 1 the left."""
        self.wipe = min(max(part, 0.0), 1.0)
        self.stage.arrange()

    # -- inside ----------------------------------------------------------------------------------------------

    @property
    def pointed_view(self) -> ImageView:
        """The view under the pointer, the left one where it is under none: the other follows what is done to it."""
        return self.right if self.right.pointed_at is not None else self.left

    def _link(self, view: ImageView, other: ImageView, rect: QRectF) -> None:
        """Let one view follow the other, where a person moved that."""
        if self._follows or self._sizes.get(view) != _size(view):
            return
        self._part = QRectF(rect)
        self._follows = True
        try:
            other.set_view_rect(rect)
        finally:
            self._follows = False

    def _see_the_same(self) -> None:
        """Show in views of another size what was seen: all of it, or the part that was wanted."""
        self._sizes = {view: _size(view) for view in (self.left, self.right)}
        if self.left.shown is None or self._follows:
            return
        self._follows = True
        try:
            if self.left.is_fitting or self.right.is_fitting:
                self.left.fit()
            else:
                self.left.set_view_rect(self._part)
            self.right.set_view_rect(self.left.view_rect())
        finally:
            self._follows = False

    def _follow_levels(self) -> None:
        """Let the right image look like the left one."""
        mine, its = self._right_levels, self._levels
        mine.set_stretch(its.stretch)
        mine.set_colormap(its.colormap)
        mine.set_inverted(its.inverted)
        if self.same_levels.isChecked() and self.same_levels.isEnabled():
            mine.set_range(its.lo, its.hi)
        elif self.right.shown is not None:
            mine.use_preset("auto" if its.preset == "manual" else its.preset)

    def _follow_switch(self) -> None:
        if self.right.shown is not None and self.same_levels.isEnabled():
            self.same_levels.setChecked(self._levels.frozen)

    def _report(self, x: float, y: float) -> None:
        column, row = round(x), round(y)
        values = [view.shown.value(column, row) if view.shown is not None else None for view in (self.left, self.right)]
        self.cursor_moved.emit(x, y, *values)

    def _blink(self) -> None:
        self.set_wipe(0.0 if self.wipe >= 0.5 else 1.0)

    def _close(self) -> None:
        self._blink_timer.stop()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Esc closes; left and right move the wipe."""
        if event is None:
            return
        if event.key() == Qt.Key.Key_Escape:
            self._close()
        elif self.mode == "wipe" and event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            self.set_wipe(self.wipe + (_KEY_STEP if event.key() == Qt.Key.Key_Right else -_KEY_STEP))
        else:
            event.ignore()


def _size(view: ImageView) -> tuple[int, int]:
    return view.canvas.width(), view.canvas.height()


class _Stage(QWidget):
    """Holds both views: beside each other, or the right one cut off at the wipe's line over the left one."""

    def __init__(self, owner: CompareView) -> None:
        super().__init__(owner)
        self._owner = owner
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._window = QWidget(self)
        """The part of the stage through which the right view is seen."""
        owner.left.setParent(self)
        owner.right.setParent(self._window)
        self._window.setAutoFillBackground(True)  # nothing of the left view may show through
        self._grip = _Grip(self, owner)
        self._tags = [self._tag("◧ left"), self._tag("right ◨")]
        self.arrange()

    def _tag(self, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called anything
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        label.setAutoFillBackground(True)  # read over bright and dark pixels alike
        label.setMargin(4)
        return label

    def name_tags(self, left: str, right: str) -> None:
        """Say what is seen while both go by in turn."""
        for tag, words in zip(self._tags, (left, right), strict=True):
            tag.setText(words)
        self.arrange()

    def arrange(self) -> None:
        """Place both views for the mode."""
        owner = self._owner
        is_side = owner.mode == "side"
        parts: tuple[tuple[int, int] | None, tuple[int, int] | None]
        if owner.names.isHidden() != is_side:
            owner.names.setVisible(not is_side)  # the stage is laid out anew, and comes back here
        for view in (owner.left, owner.right):
            view.head.setVisible(is_side)
        width, height = self.width(), self.height()
        if is_side:
            half = (width - 4) // 2
            owner.left.setGeometry(0, 0, half, height)
            self._window.setGeometry(half + 4, 0, width - half - 4, height)
            owner.right.setGeometry(0, 0, width - half - 4, height)
            parts = (None, None)
        else:
            x = round(owner.wipe * width)
            owner.left.setGeometry(0, 0, width, height)
            self._window.setGeometry(x, 0, max(0, width - x), height)
            owner.right.setGeometry(-x, 0, width, height)
            # What is said on an image is said on the part of it that is seen.
            parts = ((0, x), (x, width)) if owner.mode == "wipe" else (None, None)
            self._grip.setGeometry(QRect(x - _GRIP // 2, 0, _GRIP, height))
        for view, part in zip((owner.left, owner.right), parts, strict=True):
            view.set_seen_part(part)
        self._window.raise_()
        self._grip.setVisible(owner.mode == "wipe")
        self._grip.raise_()
        shows_left = owner.wipe >= 0.5
        for tag, is_wanted in zip(self._tags, (shows_left, not shows_left), strict=True):
            tag.setVisible(owner.mode == "blink" and is_wanted)
            tag.adjustSize()
            tag.move((width - tag.width()) // 2, max(0, height - tag.height() - 10))  # the scale bar stands left
            tag.raise_()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep both views in place."""
        del event
        self.arrange()


class _Grip(QWidget):
    """The line of the wipe, to be dragged."""

    def __init__(self, stage: QWidget, owner: CompareView) -> None:
        super().__init__(stage)
        self._owner = owner
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setToolTip("Drag to wipe from one image to the other")

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Move the line."""
        stage = self.parentWidget()
        if event is not None and stage is not None and event.buttons() & Qt.MouseButton.LeftButton:
            x = self.mapToParent(event.position().toPoint()).x()
            self._owner.set_wipe(x / max(1, stage.width()))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the line with a handle in its middle."""
        del event
        with painting(self) as painter:
            self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.width() / 2
        painter.fillRect(QRectF(middle - 1, 0, 2, self.height()), theme().colour("accent"))
        painter.setBrush(theme().colour("accent"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(QRectF(middle - 4, self.height() / 2 - 18, 8, 36), 4, 4)
