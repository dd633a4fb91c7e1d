"""What a person looks at in a panel that scrolls stays where it is while other things of the panel come and go."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QPoint, Qt, QTimer
from PyQt6.QtGui import QCursor
from PyQt6.QtWidgets import QApplication, QScrollArea, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astep_gui.widgets.results_list import ResultsList

    Place = Callable[[], int | None]
    """Where a thing begins, pixels from the top of all that the panel holds; None while it is not there."""


class KeptSight:
    """Holds what is under the pointer, else what is the first in sight, else the next below that is still there.

    A panel that is not scrolled stays at its top: its headline and what comes in below it are what is looked at.

    Parameters
    ----------
    area : QScrollArea
        Of which the widget holds things one below the other.
    tree : ResultsList
        One of these things, whose lines are things of their own.
    """

    def __init__(self, area: QScrollArea, tree: ResultsList) -> None:
        self._area, self._tree = area, tree
        self._is_held = False
        self._held: list[tuple[Place, int]] = []
        self._again = QTimer(area)  # words that wrap are laid out later
        self._again.setSingleShot(True)
        self._again.setInterval(0)
        self._again.timeout.connect(self._put_back)
        self._beyond = 0
        """Pixels that the panel goes on below its end, for what is held to have its place until a person scrolls."""
        bar = area.verticalScrollBar()
        assert bar is not None, "every scroll area has one"
        self._bar = bar
        bar.actionTriggered.connect(lambda _action: self._go_on(0))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep it through whatever is done inside."""
        if self._is_held or not self._area.isVisible():
            yield
            return
        if not self._again.isActive():
            self._held = self._in_sight()
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
            self._put_back()
            self._again.start()

    def _in_sight(self) -> list[tuple[Place, int]]:
        """Return what is seen, the first to be held first, each with its pixels below the upper edge."""
        inside, seen = self._area.widget(), self._area.viewport()
        if inside is None or seen is None:
            return []
        edge = -inside.y()
        if edge == 0:
            return [(lambda: 0, 0)]  # who looks at the top sees there what is new
        children = inside.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
        places: list[tuple[Place, int, int]] = [
            (_place_of(child, inside), child.y(), child.y() + child.height())
            for child in children
            if child is not self._tree and child.isVisibleTo(inside)
        ]
        for key, rect in self._tree.lines_seen():
            top = self._tree.viewport_y(inside) + rect.top()
            places.append((lambda key=key: self._place_of_line(key), top, top + rect.height()))
        lit = [one for one in places if one[2] > edge and one[1] < edge + seen.height()]
        pointer = seen.mapFromGlobal(QCursor.pos())
        at = edge + pointer.y() if seen.rect().contains(pointer) else None
        lit.sort(key=lambda one: (at is None or not one[1] <= at < one[2], one[1]))
        return [(place, top - edge) for place, top, _end in lit]

    def _place_of_line(self, key: tuple[str, str]) -> int | None:
        inside, rect = self._area.widget(), self._tree.place_of(key)
        return None if rect is None or inside is None else self._tree.viewport_y(inside) + rect.top()

    def _put_back(self) -> None:
        """Scroll so that it stands where it stood."""
        self._lay_out()
        for place, below_edge in self._held:
            if (top := place()) is not None:
                wanted = top - below_edge
                self._go_on(max(0, wanted - (self._bar.maximum() - self._beyond)))
                self._bar.setValue(wanted)
                return

    def _go_on(self, beyond: int) -> None:
        """Let the panel end so much below what it holds."""
        inside = self._area.widget()
        if beyond == self._beyond or inside is None or (layout := inside.layout()) is None:
            return
        edges = layout.contentsMargins()
        layout.setContentsMargins(edges.left(), edges.top(), edges.right(), edges.bottom() + beyond - self._beyond)
        self._beyond = beyond
        self._lay_out()

    def _lay_out(self) -> None:
        """Give all that the panel holds its new height now, not after it was painted once."""
        inside = self._area.widget()
        if inside is not None and (layout := inside.layout()) is not None:
            layout.activate()
            QApplication.sendEvent(self._area, QEvent(QEvent.Type.LayoutRequest))  # it takes up the new height


def _place_of(child: QWidget, inside: QWidget) -> Place:
    return lambda: child.mapTo(inside, QPoint(0, 0)).y() if child.isVisibleTo(inside) else None
