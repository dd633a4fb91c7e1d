"""An onlooker: tells a test outside what stands where on the screen. It reads, and never acts.

It listens only while the environment variable ``ASTEP_ONLOOKER`` names a socket, which no person sets; the tour and the
soak do. They press real keys and click real places, and need to know where those are and when a thing has happened.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QObject, QPoint, QRect, QTimer
from PyQt6.QtNetwork import QLocalServer
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QTabBar,
    QWidget,
)

from astep_gui.loop_watch import LoopWatch
from astep_gui.memory_watch import MemoryWatch

if TYPE_CHECKING:
    from PyQt6.QtNetwork import QLocalSocket

    from astep_gui.main_window import MainWindow
    from astep_gui.widgets.crash_report import CrashWatch

VARIABLE = "ASTEP_ONLOOKER"

Found = dict[str, Any]


def watched(window: MainWindow, watch: CrashWatch) -> Onlooker | None:
    """Begin to tell, if a socket is named; None otherwise."""
    place = os.environ.get(VARIABLE)
    return Onlooker(place, window, watch) if place else None


class Onlooker(QObject):
    """Answers each line it is sent (``state``, ``widgets``, ``rows``, ``points`` or ``pixel X Y``) with a line of JSON.

    All places are in pixels of the screen.
    """

    def __init__(self, place: str, window: MainWindow, watch: CrashWatch) -> None:
        super().__init__(window)
        self._window = window
        self._watch = watch
        self._late = LoopWatch(self)
        self._memory = MemoryWatch(window.viewing.budget.held)
        self._memory.start()
        self._met: list[QLocalSocket] = []
        self._painted: float | None = None
        window.installEventFilter(self)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._meet)
        QLocalServer.removeServer(place)
        self._server.listen(place)

    def stop(self) -> None:
        """Look no more: the window is gone."""
        self._late.stop()
        self._memory.stop()

    def _meet(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            self._met.append(socket)  # else Python forgets it, and with it what listens to it
            socket.readyRead.connect(self._answer)

    def _answer(self) -> None:
        for socket in self._met:
            while socket.canReadLine():
                asked = bytes(socket.readLine()).decode().split()
                socket.write(json.dumps(self._told(*asked)).encode() + b"\n")

    def _told(self, asked: str, *numbers: str) -> object:
        if asked == "pixel":
            return self.pixel(*map(float, numbers))
        return {"state": self.state, "widgets": self.widgets, "rows": self.rows, "points": self.points}[asked]()

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Note when the window was painted first."""
        if self._painted is None and event is not None and event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, self._note_paint)  # when all of it is
        return False

    def _note_paint(self) -> None:
        if self._painted is None:
            self._painted = time.time()

    # -- what is going on ------------------------------------------------------------------------------------

    def state(self) -> Found:
        """Return what the program holds, in plain values."""
        window = self._window
        night, run, viewing = window.night, window.run, window.viewing
        log = window.log.text.toPlainText().splitlines()
        return {
            "title": window.windowTitle(),
            "painted": self._painted,
            "tab": window.tabs.name,
            "page": window.pages.currentIndex(),
            "night": str(night.place.night) if night.place else None,
            "output": str(night.place.output) if night.place else None,
            "frames": len(night.frames),
            "planned": night.plan is not None,
            "current": night.current,
            "selection": list(night.selection),
            "rejected": dict(night.rejected),
            "measured": len(night.rows),
            "looking": night.looking.is_on,
            "needs": [need.title for need in night.needs],
            "shown": viewing.view.shown.key if viewing.view.shown is not None else None,
            "image_title": viewing.view.title,
            "image_message": viewing.view.message,
            "badge": viewing.view.badge,
            "step": viewing.steps.chosen,
            "steps_busy": viewing.steps.is_busy,
            "difference": viewing.steps.difference,
            "comparing": viewing.pages.currentWidget() is viewing.compare,
            "blinking": viewing.is_blinking,
            "playing": viewing.blink.is_playing,
            "blink_index": viewing.blink.index,
            "blink_rate": viewing.blink.reached_rate,
            "levels": viewing.levels.state(),
            "threshold": viewing.timeline_model.threshold,
            "keogram": viewing.keogram_model.done,
            "star_points": len(viewing.star.points),
            "star_busy": viewing.star.is_busy,
            "story_busy": viewing.story.is_busy,
            "story": viewing.story.story is not None,
            "sky_view": window.sky.model.view is not None,
            "sky_busy": window.sky.work.is_running or window.sky.model.is_busy,
            "running": run.is_running,
            "run_done": run.done,
            "run_total": run.total,
            "run_words": run.words,
            "notice": window.notice.what.text() if window.notice.isVisible() else None,
            "undo": window.decisions.stack.undoText() if window.decisions.stack.canUndo() else None,
            "redo": window.decisions.stack.redoText() if window.decisions.stack.canRedo() else None,
            "dialog": type(dialog).__name__ if (dialog := QApplication.activeModalWidget()) is not None else None,
            "popup": type(popup).__name__ if (popup := QApplication.activePopupWidget()) is not None else None,
            "log": log[-1] if log else "",
            "said": "\n".join(log[-5:]),
            "log_lines": len(log),
            "faults": self._watch.dialog.text.toPlainText() if self._watch.dialog is not None else "",
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "kept": not window.keeper.is_waiting,
            "widgets": len(QApplication.allWidgets()),
            "late": self._late.since_asked(),
            "memory": self._memory.since_asked(),
        }

    # -- where things are ------------------------------------------------------------------------------------

    def widgets(self) -> list[Found]:
        """Return the visible widgets, menus' entries and tabs with their words, windows in front last."""
        found: list[Found] = []
        for top in QApplication.topLevelWidgets():
            if not top.isVisible():
                continue
            found.append(_told(top))
            for widget in top.findChildren(QWidget):
                if widget.isVisible() and widget.window() is top and not widget.visibleRegion().isEmpty():
                    found += [_told(widget), *_parts(widget)]
            found += _parts(top)
        return found

    def rows(self) -> dict[str, list[float]]:
        """Return the places of the frame table's visible rows, by path; groups by their title."""
        tree, model = self._window.table.tree, self._window.table.model
        view = tree.viewport()
        assert view is not None, "every tree has one"
        places: dict[str, list[float]] = {}
        index = tree.indexAt(QPoint(5, 2))
        while index.isValid():
            rect = tree.visualRect(index)
            if rect.top() > view.height():
                break
            rect.setLeft(max(rect.left(), 0))
            rect.setRight(min(rect.right(), view.width()))
            places[model.path_of(index) or f"group: {index.data()}"] = _place(view, rect)
            index = tree.indexBelow(index)
        return places

    def points(self) -> dict[str, list[float]]:
        """Return where each frame's point of the timeline is: x, y."""
        plot, model = self._window.viewing.timeline.plot, self._window.viewing.timeline_model
        return {
            row.path: _place(plot, QRect(round(x), round(y), 0, 0))[:2]
            for row, (x, y) in zip(model.rows, plot.points(), strict=True)
            if x == x and y == y  # NaN where nothing was measured  # noqa: PLR0124
        }

    def pixel(self, x: float, y: float) -> list[float]:
        """Return where a pixel of the image (0-based) is on the screen."""
        view = self._window.viewing.view
        at = view._to_screen(x, y)  # noqa: SLF001 - it only looks
        return _place(view.canvas, QRect(round(at.x()), round(at.y()), 0, 0))[:2]


def _told(widget: QWidget) -> Found:
    """Return what a widget is, says and where it is."""
    return {
        "class": type(widget).__name__,
        "name": widget.objectName() or widget.accessibleName(),
        "text": _words(widget),
        "tip": widget.toolTip(),
        "window": type(widget.window()).__name__,
        "enabled": widget.isEnabled(),
        "checked": isinstance(widget, QAbstractButton) and widget.isChecked(),
        "place": _place(widget, widget.rect()),
    }


def _words(widget: QWidget) -> str:
    if isinstance(widget, (QAbstractButton, QLabel, QLineEdit)):
        return widget.text()
    return widget.currentText() if isinstance(widget, QComboBox) else widget.windowTitle()


def _parts(widget: QWidget) -> list[Found]:
    """Return tabs, and the entries of menus, which are no widgets of their own."""
    if isinstance(widget, QTabBar):
        parts = [
            (widget.tabText(k), widget.tabRect(k), k == widget.currentIndex(), widget.isTabEnabled(k))
            for k in range(widget.count())
            if widget.isTabVisible(k)
        ]
    elif isinstance(widget, (QMenu, QMenuBar)):
        entries = [entry for entry in widget.actions() if not entry.isSeparator()]
        parts = [(a.text(), widget.actionGeometry(a), a.isChecked(), a.isEnabled()) for a in entries]
    else:
        return []
    return [
        {
            "class": f"part of {type(widget).__name__}",
            "name": "",
            "text": text.replace("&", ""),
            "tip": "",
            "window": type(widget.window()).__name__,
            "enabled": is_enabled,
            "checked": is_checked,
            "place": _place(widget, rect),
        }
        for text, rect, is_checked, is_enabled in parts
    ]


def _place(widget: QWidget, rect: QRect) -> list[float]:
    """Return x, y, width and height on the screen, in its own pixels."""
    ratio = widget.devicePixelRatioF()
    corner = widget.mapToGlobal(rect.topLeft())
    return [corner.x() * ratio, corner.y() * ratio, rect.width() * ratio, rect.height() * ratio]
