"""A glance: the large picture of the frame whose row the pointer rests on."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QModelIndex, QObject, QPersistentModelIndex, QPoint, Qt
from PyQt6.QtWidgets import QToolTip

from astep_gui.models.thumbnails import LARGE_PX
from astep_gui.theme import toned

if TYPE_CHECKING:
    from PyQt6.QtGui import QImage

    from astep_gui.models.frame_table_model import FrameTableModel
    from astep_gui.models.night_model import NightModel
    from astep_gui.widgets.frame_rows import FrameTree


class FrameGlance(QObject):
    """Shows pictures as tool tips: they come and go as these do."""

    def __init__(self, tree: FrameTree, model: FrameTableModel, night: NightModel) -> None:
        super().__init__(tree)
        self._night = night
        self._tree = tree
        self._model = model
        self._waiting = QPersistentModelIndex()
        model.thumbnails.large_arrived.connect(self._arrived)

    def show(self, index: QModelIndex, where: QPoint) -> bool:
        """Show the frame of a row beside the pointer; False where there is nothing (yet: it comes by itself).

        Parameters
        ----------
        index : QModelIndex
        where : QPoint
            Of the pointer, on the screen.
        """
        path = self._model.path_of(index)
        if path is None or not self._model.shows_thumbnails:
            return False
        picture = self._picture(path)
        self._waiting = QPersistentModelIndex() if picture is not None else QPersistentModelIndex(index)
        if picture is None:
            return False
        view = self._tree.viewport()
        QToolTip.showText(where, page(picture, str(index.data(Qt.ItemDataRole.ToolTipRole))), view,
                          self._tree.visualRect(index))  # fmt: skip
        return True

    def _picture(self, path: str) -> QImage | None:
        frame, night = self._night.frame(path), self._night.night
        if frame is None or night is None:
            return None
        return self._model.thumbnails.get(path, night.file(frame), frame, LARGE_PX)

    def _arrived(self, path: str) -> None:
        """Show the picture that was waited for, if the pointer still rests on its row."""
        index, view = QModelIndex(self._waiting), self._tree.viewport()
        if not index.isValid() or self._model.path_of(index) != path or view is None:
            return
        where = self._tree.cursor().pos()
        under = self._tree.indexAt(view.mapFromGlobal(where))
        if under.isValid() and self._model.path_of(under) == path:
            self.show(index, where)


def page(picture: QImage, words: str) -> str:
    """Return what a tool tip shows: the picture in the theme's tones, and below it the words that it would show."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    toned(picture).save(buffer, "PNG")
    data = bytes(buffer.data().toBase64()).decode()
    side = "width" if picture.width() >= picture.height() else "height"
    told = "<br>".join(escape(line) for line in words.splitlines())
    return f'<div style="width: {LARGE_PX}px"><img {side}="{LARGE_PX}" src="data:image/png;base64,{data}"></div>{told}'
