"""The image is painted once for each frame and each change of the levels, and then shows it."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QImage

from tests.gui.nights import small_night

PATIENCE_MS = 8000


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.times = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched, event):  # noqa: N802 - Qt's name
        self.times += event.type() == QEvent.Type.Paint
        return False


@pytest.fixture
def seen(qtbot, window, tmp_path):
    """The window with a frame in sight, at rest; ``paints`` counts from then on."""
    window.open_night(small_night(tmp_path / "night", science=5))
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    window.night.select([science(window)[0]])
    qtbot.waitUntil(lambda: is_shown(window, science(window)[0]), timeout=PATIENCE_MS)
    qtbot.wait(600)
    window.paints = Paints(window.viewing.view.canvas.viewport())
    return window


def science(window):
    return [frame.path for frame in window.night.frames if frame.kind.value == "science"]


def is_shown(window, path):
    shown = window.viewing.view.shown
    return shown is not None and path in shown.key


def grey(window):
    """Mean brightness of what is seen, 0 to 255."""
    picture = window.viewing.view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    return float(np.frombuffer(picture.constBits().asstring(picture.sizeInBytes()), np.uint8).mean())


def test_a_step_to_another_frame_paints_the_image_once(qtbot, seen):
    for path in science(seen)[1:4]:
        seen.paints.times = 0
        seen.night.select([path])
        qtbot.waitUntil(lambda path=path: is_shown(seen, path), timeout=PATIENCE_MS)
        qtbot.wait(300)
        assert seen.paints.times == 1


def test_other_levels_paint_the_image_once_and_are_seen(qtbot, seen):
    levels = seen.viewing.levels
    levels.set_range(levels.lo - 5000, levels.hi - 4000)
    qtbot.wait(200)
    white = grey(seen)
    seen.paints.times = 0
    levels.set_range(levels.lo + 20_000, levels.hi + 20_000)
    qtbot.wait(200)
    assert seen.paints.times == 1
    assert grey(seen) < white - 20


def test_news_of_the_sky_paint_the_image_only_where_they_are_seen_over_it(qtbot, seen):
    seen.paints.times = 0
    seen.sky.model.view_changed.emit()
    qtbot.wait(200)
    assert seen.paints.times == 0
    seen.sky.overlay.switch("catalogue", True)
    qtbot.wait(200)
    assert seen.paints.times >= 1
    seen.paints.times = 0
    seen.sky.model.view_changed.emit()
    qtbot.wait(200)
    assert seen.paints.times == 1
