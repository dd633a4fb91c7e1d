"""A painter has ended when its paint event is over, whatever still holds the function that made it."""

from __future__ import annotations

import sys

import pytest
from PyQt6.QtGui import QPainter, QPixmap
from PyQt6.QtWidgets import QWidget

from astep_gui.widgets.painting import painting
from astep_gui.widgets.step_button import StepButton


def said_of_painters(qtlog):
    return [record.message for record in qtlog.records if "active painter" in record.message]


class Plain(QWidget):
    """Makes its painter as a textbook does, and is held on to: by a profiler, say."""

    def __init__(self):
        super().__init__()
        self.held = []

    def paintEvent(self, _event):  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().window())
        self.held.append(sys._getframe())


class Ended(Plain):
    """The same, with an end."""

    def paintEvent(self, _event):  # noqa: N802 - Qt's name
        with painting(self) as painter:
            painter.fillRect(self.rect(), self.palette().window())
            self.held.append(sys._getframe())


@pytest.mark.parametrize(("kind", "is_heard"), [(Plain, True), (Ended, False)])
def test_qt_hears_nothing_of_it_only_where_the_painter_was_ended(qtbot, qtlog, kind, is_heard):
    widget = kind()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitUntil(lambda: bool(widget.held), timeout=5000)
    qtbot.wait(20)
    heard = bool(said_of_painters(qtlog))
    widget.held.clear()
    assert heard == is_heard


def test_a_step_of_the_rail_is_painted_whole_though_its_paint_event_is_held(qtbot, qtlog, monkeypatch):
    held = []
    draw = StepButton._draw

    def watched(button, painter):
        held.append(sys._getframe().f_back)
        draw(button, painter)

    monkeypatch.setattr(StepButton, "_draw", watched)
    button = StepButton("Raw")
    qtbot.addWidget(button)
    button.show()
    qtbot.waitUntil(lambda: bool(held), timeout=5000)
    qtbot.wait(20)
    assert not said_of_painters(qtlog)
    held.clear()


def test_a_fault_while_painting_ends_the_painter_and_is_told(qapp):
    picture = QPixmap(8, 8)
    with pytest.raises(ZeroDivisionError), painting(picture) as painter:
        _ = 1 / 0
    assert not painter.isActive()
    assert not picture.paintingActive()
