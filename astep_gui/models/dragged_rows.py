"""Dragging frames onto a group of the list: what is packed, where it may fall, what is asked then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PyQt6.QtCore import QMimeData, QModelIndex, Qt, pyqtSignal

from astep_gui.models.frame_groups import Group, changes_for
from astep_gui.models.grouped_rows import GroupedRows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PyQt6.QtCore import QObject

    from astep_gui.models.night_model import NightModel

FRAMES_MIME = "application/x-astep-frames"
"""What is dragged: the paths of frames of this night, as JSON. No files: nothing outside may move a raw frame."""


class DraggedRows(GroupedRows):
    """Grouped rows that can be dragged; a frame changes its group when the logbook says so."""

    regroup_asked = pyqtSignal(list, list, str)
    """Frames were dropped on a group: their paths, (path, field, value) of what must change for it, its title."""

    def __init__(self, night: NightModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802 - Qt's name
        """Nothing is taken from where it was: the logbook says where it belongs."""
        return Qt.DropAction.CopyAction

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """Return what can be dropped here."""
        return [FRAMES_MIME]

    def mimeData(self, indexes: Iterable[QModelIndex]) -> QMimeData:  # noqa: N802
        """Pack the frames that are dragged."""
        paths = [path for index in indexes if (path := self.path_of(index)) is not None]
        data = QMimeData()
        data.setData(FRAMES_MIME, json.dumps(list(dict.fromkeys(paths))).encode())
        return data

    def canDropMimeData(  # noqa: N802
        self, data: QMimeData | None, _action: Qt.DropAction, _row: int, _column: int, parent: QModelIndex
    ) -> bool:
        """Frames can be dropped on a group, or on a frame of it."""
        return data is not None and data.hasFormat(FRAMES_MIME) and self._group_at(parent) is not None

    def dropMimeData(  # noqa: N802
        self, data: QMimeData | None, _action: Qt.DropAction, _row: int, _column: int, parent: QModelIndex
    ) -> bool:
        """Ask that the dropped frames become like those of the group."""
        group = self._group_at(parent)
        if data is None or group is None or not data.hasFormat(FRAMES_MIME):
            return False
        paths = json.loads(data.data(FRAMES_MIME).data())
        frames = [frame for path in paths if (frame := self._night.frame(path)) is not None]
        self.regroup_asked.emit([frame.path for frame in frames], changes_for(frames, group), group.title)
        return True

    def _group_at(self, index: QModelIndex) -> Group | None:
        if not index.isValid() or not self.is_grouped:
            return None
        number = index.internalId()
        group = self._groups[number - 1] if number else self._groups[index.row()]
        return None if group.is_masters else group
