"""Headings of the groups of the frame table: one line, or as many as a long name of a field takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QFontMetrics, QTextLayout

from astep_gui.models.frame_table_model import WIDEST_ROLE
from astep_gui.theme import ui_font

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex
    from PyQt6.QtGui import QFont

    from astep_gui.widgets.frame_rows import FrameTree

_BESIDE_PX = 8
"""Left and right of the words of a cell."""


class HeadingLines(QObject):
    """Gives the headings of a :class:`FrameTree` the lines they take, as wide as its columns are now.

    Notes
    -----
    Rows of one height are laid out at once, however many there are. They have different ones only while a heading
    takes more than a line.
    """

    def __init__(self, tree: FrameTree) -> None:
        super().__init__(tree)
        self._tree = tree
        self.font = ui_font(12, bold=True)
        self._spacing = QFontMetrics(self.font).lineSpacing()
        self._heights: list[int] = []
        self._lines: dict[tuple[str, int], int] = {}

    def more_px(self, index: QModelIndex) -> int:
        """Return by how much the row of a heading is higher than others."""
        return (self._lines_of(str(index.data(WIDEST_ROLE)), self._room()) - 1) * self._spacing

    def fit(self, *_: object) -> None:
        """Lay the rows out anew if a heading takes more lines than before, or fewer."""
        model = self._tree.model()
        assert model is not None, "it was given one"
        is_grouped = self._tree.rootIsDecorated()
        heights = [self.more_px(model.index(row, 0)) for row in range(model.rowCount() if is_grouped else 0)]
        if heights != self._heights:
            self._heights = heights
            self._tree.follow_heights()

    @property
    def are_single(self) -> bool:
        """Whether each has a line and no more."""
        return not any(self._heights)

    def _room(self) -> int:
        header = self._tree.header()
        assert header is not None, "every tree has one"
        # A spanned row ends where the last column does, which may be well before the edge of the list.
        return max(1, header.length() - self._tree.indentation() - _BESIDE_PX)

    def _lines_of(self, words: str, room: int) -> int:
        if (words, room) not in self._lines:
            if len(self._lines) > 500:  # a splitter was dragged to and fro
                self._lines.clear()
            self._lines[words, room] = lines_of(words, self.font, room)
        return self._lines[words, room]


def lines_of(words: str, font: QFont, room: int) -> int:
    """Count the lines that words take at a width in pixels, broken between words."""
    layout = QTextLayout(words, font)
    layout.beginLayout()
    lines = 0
    while (line := layout.createLine()).isValid():
        line.setLineWidth(room)
        lines += 1
    layout.endLayout()
    return max(1, lines)
