"""A splitter that shares its height by the window's size and the work at hand, until a person moves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QSplitter, QSplitterHandle

from astep_gui.theme import theme
from astep_gui.widgets.painting import painting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtGui import QMouseEvent, QPaintEvent, QResizeEvent
    from PyQt6.QtWidgets import QWidget

HANDLE_PX = 7
_GRIP_PX = (44.0, 3.0)


class Share(NamedTuple):
    """What the lower widget has of the height: a part, and pixels at least and at most."""

    part: float
    least: int
    most: int


class ShareSplitter(QSplitter):
    """Two widgets above each other. What a person chooses is a part of the height too, one for each kind of work.

    Parameters
    ----------
    shares : mapping of str to Share
        By the name of the work; the first is the one at the beginning.
    least_upper : int
        Pixels that the upper widget keeps in whatever window, as long as the lower one has its own minimum.
    """

    moved = pyqtSignal()
    """A person chose another share."""

    def __init__(self, upper: QWidget, lower: QWidget, shares: Mapping[str, Share], least_upper: int) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self._shares, self._least_upper = dict(shares), least_upper
        self._work = next(iter(self._shares))
        self._by_hand: dict[str, float] = {}
        self.setHandleWidth(HANDLE_PX)
        self.addWidget(upper)
        self.addWidget(lower)
        self.setChildrenCollapsible(False)
        self.setStretchFactor(0, 1)
        self.splitterMoved.connect(self._moved)

    def createHandle(self) -> QSplitterHandle:  # noqa: N802 - Qt's name
        """Return a handle that is seen to be one."""
        return GripHandle(self.orientation(), self)

    def set_work(self, name: str) -> None:
        """Share the height as a kind of work wants it, or as a person wanted it there."""
        self._work = name if name in self._shares else next(iter(self._shares))
        self.share()

    def by_hand(self) -> dict[str, float]:
        """Return the parts of the height that a person chose, by the name of the work."""
        return dict(self._by_hand)

    def take_up(self, parts: Mapping[str, float]) -> None:
        """Share as a person chose in another window."""
        self._by_hand = {name: float(part) for name, part in parts.items() if name in self._shares and 0 < part < 1}
        self.share()

    def move_by(self, pixels: int) -> None:
        """Move the handle as a person drags it: downwards, or with a negative number upwards."""
        self.moveSplitter(self.sizes()[0] + pixels, 1)

    def share(self) -> None:
        """Share anew: a height kept from a large window would leave nothing of the image in a small one."""
        height = self.height() - self.handleWidth()
        share = self._shares[self._work]
        part = self._by_hand.get(self._work)
        low = min(max(round(share.part * height), share.least), share.most) if part is None else round(part * height)
        low = min(low, height - self._least_upper)  # the splitter itself gives it its minimum
        self.setSizes([max(1, height - low), max(1, low)])

    def _moved(self) -> None:
        upper, lower = self.sizes()
        self._by_hand[self._work] = lower / max(1, upper + lower)
        self.moved.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Share anew."""
        super().resizeEvent(event)
        self.share()

    def event(self, event: QEvent | None) -> bool:
        """Give what needed more room for a while no more than its share afterwards."""
        done = super().event(event)
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.share()
        return done


class GripHandle(QSplitterHandle):
    """A handle that is seen to be one."""

    pulled_back = pyqtSignal()
    """It was double-clicked."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a height at which the pointer finds it."""
        return QSize(HANDLE_PX, HANDLE_PX)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Draw the grip."""
        super().paintEvent(event)
        width, height = _GRIP_PX
        grip = QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)
        with painting(self) as painter:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("accent" if self.underMouse() else "border"))
            painter.drawRoundedRect(grip, height / 2, height / 2)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Tell that the height of the beginning is wanted."""
        super().mouseDoubleClickEvent(event)
        self.pulled_back.emit()
