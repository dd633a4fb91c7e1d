"""The left panel's two lists, one above the other: the upper one's height is nobody's but the person's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QSplitter, QSplitterHandle

from astep_gui.widgets.share_splitter import HANDLE_PX, GripHandle

if TYPE_CHECKING:
    from PyQt6.QtWidgets import QWidget

PART = 0.23
"""Of the window's height, at first: in a window of 720 pixels a few lines of needs, and two thirds of the panel are
left to the frames."""
LEAST_PX, MOST_PX = 132, 320
"""The first height stays between these."""
LEAST_BELOW_PX = 160
"""The frames keep so much however far the handle is pulled."""


class NeedsSplitter(QSplitter):
    """Gives the upper widget a height that changes with the window's only, and by the handle.

    Notes
    -----
    It is reckoned from the height of the window, not from its own: that shrinks when the foot of the window appears,
    and the rows of the lower list must not move for it. What comes and goes is taken from the lower one's end.
    """

    moved = pyqtSignal()
    """A person chose another height."""

    def __init__(self, upper: QWidget, lower: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._part: float | None = None
        self._shared_at = 0
        """Height of the window when the height was shared last, pixels."""
        self.setHandleWidth(HANDLE_PX)
        self.addWidget(upper)
        self.addWidget(lower)
        lower.setMinimumHeight(LEAST_BELOW_PX)
        self.setChildrenCollapsible(False)
        self.setStretchFactor(0, 0)
        self.setStretchFactor(1, 1)
        self.splitterMoved.connect(self._moved)
        handle = self.handle(1)
        assert handle is not None, "there are two widgets"
        handle.setToolTip("Drag for more needs or more frames; a double click gives the first height back")

    def createHandle(self) -> QSplitterHandle:  # noqa: N802 - Qt's name
        """Return a handle that is seen to be one."""
        handle = GripHandle(self.orientation(), self)
        handle.pulled_back.connect(self.take_back)
        return handle

    @property
    def by_hand(self) -> float | None:
        """The part of the window's height that a person chose; None where nobody did."""
        return self._part

    def take_up(self, part: float | None) -> None:
        """Share as a person chose in another window; None as at first."""
        self._part = part if part is not None and 0.0 < part < 1.0 else None
        self.share()

    def move_by(self, pixels: int) -> None:
        """Move the handle as a person drags it: downwards, or with a negative number upwards."""
        self.moveSplitter(self.sizes()[0] + pixels, 1)

    def take_back(self) -> None:
        """Give the upper one the height that it had first."""
        self.take_up(None)
        self.moved.emit()

    def follow_window(self) -> None:
        """Share anew if the window is higher or lower than it was."""
        if self.window() is not self and self.window().height() != self._shared_at:  # type: ignore[union-attr]
            self.share()

    def share(self) -> None:
        """Give the upper one its height."""
        window = self.window()
        assert window is not None, "a widget is its own window at least"
        self._shared_at = window.height()
        first = min(max(round(PART * self._shared_at), LEAST_PX), MOST_PX)
        upper = first if self._part is None else round(self._part * self._shared_at)
        self.setSizes([upper, max(LEAST_BELOW_PX, self.height() - self.handleWidth() - upper)])

    def _moved(self) -> None:
        window = self.window()
        assert window is not None, "a widget is its own window at least"
        self._part = self.sizes()[0] / max(1, window.height())
        self.moved.emit()
