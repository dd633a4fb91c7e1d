"""Icons drawn as strokes, in the colours of the theme, sharp at every scale."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PyQt6.QtSvg import QSvgRenderer

from astep_gui.theme.apply import theme
from pipeline_core.resources import resource_path

if TYPE_CHECKING:
    from astep_gui.theme.tokens import Theme


def icon(name: str, tone: str = "text") -> QIcon:
    """Return an icon by the name of its file in ``resources/icons``.

    Parameters
    ----------
    name : str
        Without the suffix.
    tone : str
        Its colour. Checked icons take the accent, disabled ones their own grey; all follow a change of theme.
    """
    return QIcon(_StrokeEngine(name, tone))


class _StrokeEngine(QIconEngine):
    """Draws when asked, so that neither theme nor scale is fixed beforehand."""

    def __init__(self, name: str, tone: str) -> None:
        super().__init__()
        self._name = name
        self._tone = tone

    def clone(self) -> QIconEngine:
        return _StrokeEngine(self._name, self._tone)

    def paint(self, painter: QPainter | None, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        if painter is None:
            return
        tone = self._tone
        if mode == QIcon.Mode.Disabled:
            tone = "disabled"
        elif mode == QIcon.Mode.Selected:
            tone = "selection_text"
        elif state == QIcon.State.On and tone == "text":
            tone = "accent"
        side = min(rect.width(), rect.height())
        square = QRectF(rect.x() + (rect.width() - side) / 2, rect.y() + (rect.height() - side) / 2, side, side)
        _renderer(self._name, tone, theme()).render(painter, square)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:  # noqa: N802
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        picture.setDevicePixelRatio(scale)
        return picture


@cache
def _renderer(name: str, tone: str, look: Theme) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_stroke(name).replace("currentColor", look.hex(tone)).encode()))


@cache
def _stroke(name: str) -> str:
    return resource_path("icons", f"{name}.svg").read_text(encoding="utf-8")
