"""The panels around the image: where they are docked, that they come and go with a night, and their room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QByteArray, Qt
from PyQt6.QtWidgets import QDockWidget, QVBoxLayout, QWidget

from astep_gui.widgets.needs_splitter import NeedsSplitter

if TYPE_CHECKING:
    from astep_gui.main_window import MainWindow

LEAST_TABLE_PX, MOST_TABLE_PX, MOST_IN_SMALL_PX = 300, 590, 470
"""The frame table's own wish for room is followed between these; what is wider is scrolled."""

REST_PX = 740
"""What image and right panels need at least beside the frame table."""

RIGHT_PX = 330
"""The panels beside the image, at first."""


class PanelLayout:
    """Docks the window's panels, and knows where those of a night lie while there is none."""

    def __init__(self, window: MainWindow, version: int) -> None:
        self._window = window
        self._version = version
        self.docks: dict[str, QDockWidget] = {}
        self.lists = NeedsSplitter(window.needs, window.table)
        self._frames = self._frames_panel()
        self._dock_all()
        self._are_shown = True
        self._first = self._of_night = QByteArray()

    def begin(self) -> None:
        """Keep the layout as the first one; all that it holds is made."""
        self._first = self._of_night = self._window.saveState(self._version)

    # -- docking ---------------------------------------------------------------------------------------------

    def _frames_panel(self) -> QWidget:
        frames = QWidget()
        frames.setMinimumWidth(LEAST_TABLE_PX)
        box = QVBoxLayout(frames)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.lists)
        return frames

    def _dock_all(self) -> None:
        window, side = self._window, Qt.DockWidgetArea
        right = side.RightDockWidgetArea
        self._dock("frames", "Frames", self._frames, side.LeftDockWidgetArea)
        self._dock("levels", "Levels", window.viewing.levels_panel, right)
        self._dock("inspect", "Inspect", window.viewing.inspect_panel, right)
        self._dock("pixel", "Pixel", window.viewing.story_panel, right)
        self._dock("header", "Header", window.header, right)
        self._dock("plan", "Plan", window.plan_panel, right)
        self._dock("run", "Run", window.run_panel, right)
        self._dock("results", "Results", window.results, right)
        self._dock("sky", "Sky", window.sky.panel, right)
        for name in ("pixel", "header", "plan", "sky", "run", "results"):
            window.tabifyDockWidget(self.docks["inspect"], self.docks[name])
        head = window.viewing.view.head
        head.levels.clicked.connect(lambda _on: window.bring_up("levels"))
        self.docks["levels"].visibilityChanged.connect(
            lambda is_seen: head.offer_levels(is_offered=False) if is_seen else None
        )
        window.setCorner(Qt.Corner.BottomLeftCorner, side.LeftDockWidgetArea)
        window.setCorner(Qt.Corner.BottomRightCorner, right)
        docks, sizes = [self.docks["frames"], self.docks["levels"]], [window.table.wanted_width(), RIGHT_PX]
        window.resizeDocks(docks, sizes, Qt.Orientation.Horizontal)

    def _dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setWidget(widget)
        self._window.addDockWidget(area, dock)
        self.docks[name] = dock

    # -- with a night, and without one -----------------------------------------------------------------------

    def follow_night(self) -> None:
        """Panels belong to a night: on the start page there are none. Those a person closed stay closed."""
        window, is_open = self._window, self._window.night.is_open
        if is_open == self._are_shown:
            return
        if not is_open:
            self._of_night = self.of_night()
        self._are_shown = is_open
        for bar in (window.toolbar, window.tabs, *self.docks.values()):
            bar.setVisible(is_open)
        if is_open:
            window.restoreState(self._of_night, self._version)
            self.lists.share()
            window.deeds.follow_height()  # what was kept is of no window in particular

    def of_night(self) -> QByteArray:
        """Return where the panels of a night are, shown or (on the start page) not."""
        if self._window.image_only.is_on:
            return self._window.image_only.layout_before
        return self._window.saveState(self._version) if self._are_shown else self._of_night

    def put_back(self, layout: QByteArray) -> None:
        """Take the layout that was kept for the next night; an empty one is none."""
        if not layout.isEmpty():
            self._of_night = layout

    def reset(self) -> None:
        """Put panels where they were first."""
        window = self._window
        window.image_only.set_on(False)
        window.restoreState(self._first, self._version)
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        window.viewing.splitter.take_up({})
        self.lists.take_up(None)
        window.deeds.turn_to(window.tabs.name)
        self.fit_table()

    # -- room for the frame table ----------------------------------------------------------------------------

    def fit_table(self) -> None:
        """Give the frame table the width at which nothing in it is cut."""
        self.give_table_room()
        self._window.resizeDocks([self.docks["frames"]], [self._window.table.wanted_width()], Qt.Orientation.Horizontal)

    def give_table_room(self) -> None:
        """Let no other panel press the frame table, nor it them, in whatever window."""
        # In a narrow window other panels give way, not the words of the table; but they must not lie over each other.
        window = self._window
        most = min(MOST_IN_SMALL_PX if window.is_small else MOST_TABLE_PX, window.width() - REST_PX)
        self._frames.setMinimumWidth(max(LEAST_TABLE_PX, min(window.table.wanted_width(), most)))
