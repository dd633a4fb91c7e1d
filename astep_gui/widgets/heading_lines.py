"""Headings of the groups of the frame table: one line, or as many as a long name of a field takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QFontMetrics, QTextLayout

from astep_gui.models.frame_table_model import HEADING_ROLE
from astep_gui.theme import ui_font

if TYPE_CHECKING:
    from PyQt6.QtCore import QModelIndex
    from PyQt6.QtGui import QFont

    from astep_gui.widgets.frame_rows import FrameTree

_BESIDE_PX = 8
"""Left and right of the words of a cell."""
_COUNT = " ✕ 999"
"""At the right of a heading, whether frames are rejected or not: the first one moves no word."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_LINE_BREAK = "\N{LINE SEPARATOR}"


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
        self._lines: dict[tuple[str, int], list[str]] = {}
        self._count_px = QFontMetrics(self.font).horizontalAdvance(_COUNT)

    def more_px(self, index: QModelIndex) -> int:
        """Return by how much the row of a heading is higher than others."""
        return (len(self._lines_of(index)) - 1) * self._spacing

    def broken(self, index: QModelIndex) -> str:
        """Return the words of a heading, broken into its lines."""
        return _LINE_BREAK.join(self._lines_of(index))

    def count_words(self, index: QModelIndex, rejected: int, width: int) -> str:
        """Say how many frames of a group are rejected: at length where its words leave room for that in the row."""
        lines, metrics = self._lines_of(index), QFontMetrics(self.font)
        whole = f"✕ {rejected} rejected"
        left = width - _BESIDE_PX - max(map(metrics.horizontalAdvance, lines))
        return whole if metrics.horizontalAdvance(f"  {whole}") <= left else f"✕ {rejected}"

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
        return max(1, header.length() - self._tree.indentation() - _BESIDE_PX - self._count_px)

    def _lines_of(self, index: QModelIndex) -> list[str]:
        words, room = str(index.data(HEADING_ROLE)), self._room()
        if (words, room) not in self._lines:
            if len(self._lines) > 500:  # a splitter was dragged to and fro
                self._lines.clear()
            head, _, last = words.rpartition(" ")  # "2 frames" stay together
            lines = broken_at(f"{head}{_NO_BREAK}{last}" if head else words, self.font, room)
            self._lines[words, room] = [line.replace(_NO_BREAK, " ") for line in lines]
        return self._lines[words, room]


def broken_at(words: str, font: QFont, room: int) -> list[str]:
    """Return the lines that words take at a width in pixels, broken between words; one at least."""
    layout = QTextLayout(words, font)
    layout.beginLayout()
    lines = []
    while (line := layout.createLine()).isValid():
        line.setLineWidth(room)
        lines.append(words[line.textStart() : line.textStart() + line.textLength()].rstrip())
    layout.endLayout()
    return lines or [words]


def lines_of(words: str, font: QFont, room: int) -> int:
    """Count the lines that words take at a width in pixels, broken where they must be and between words."""
    return sum(len(broken_at(part, font, room)) for part in words.split(_LINE_BREAK))
