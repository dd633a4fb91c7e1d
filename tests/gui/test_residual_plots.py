"""The plots of residuals can be read at any size of the dock."""

import numpy as np
import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QFontMetricsF

from astep_gui.models.residuals import Residuals
from astep_gui.widgets import residual_plots
from astep_gui.widgets.residual_plots import ResidualHistogram, ResidualMap


def residuals(rms=0.117, shape=(1024, 1024)):
    rng = np.random.default_rng(4)
    number = 60
    x, y = rng.uniform(0, 1, (2, number)) * np.array(shape[::-1])[:, None]
    dx, dy = rng.normal(0, rms / 3.72, (2, number))
    used = np.arange(number) > 4
    return Residuals(x, y, dx, dy, -3.72 * dx, 3.72 * dy, used, rms, 3.72, shape)


class Listening:
    """Stands between a plot and its painter, and keeps where words were written."""

    def __init__(self, painter, words):
        self.painter = painter
        self.words = words

    def drawText(self, at, text):  # noqa: N802 - Qt's name
        metrics = QFontMetricsF(self.painter.font())
        box = QRectF(at.x(), at.y() - metrics.capHeight(), metrics.horizontalAdvance(text), metrics.capHeight())
        self.words.append((text, box))
        self.painter.drawText(at, text)

    def __getattr__(self, name):
        return getattr(self.painter, name)


def written(qtbot, monkeypatch, plot, shown, width, height):
    """Return the words of a plot of this size, and their boxes."""
    words = []
    drawn = type(plot)._draw

    def listen(self, painter, metrics, what):
        drawn(self, Listening(painter, words), metrics, what)

    monkeypatch.setattr(type(plot), "_draw", listen)
    qtbot.addWidget(plot)
    plot.resize(width, height)
    plot.show_residuals(shown)
    plot.grab()
    return words


@pytest.mark.parametrize(("width", "height"), [(274, 160), (274, 150), (180, 150), (420, 260), (280, 240)])
@pytest.mark.parametrize("shape", [(1024, 1024), (2048, 512)])
def test_the_words_under_the_map_do_not_lie_over_each_other(qtbot, monkeypatch, width, height, shape):
    words = written(qtbot, monkeypatch, ResidualMap(), residuals(shape=shape), width, height)
    assert "×" in words[0][0]
    assert len(words) == 2 or width < 200
    for k, (text, box) in enumerate(words):
        assert box.left() >= 0, text
        assert box.right() <= width, text
        assert not any(box.intersects(other) for _, other in words[k + 1 :])


@pytest.mark.parametrize("rms", [0.0061, 0.012, 0.031, 0.117, 0.2, 0.26, 0.49, 1.2, 1.85])
def test_the_histogram_names_a_distance_not_zero_alone(qtbot, monkeypatch, rms):
    words = written(qtbot, monkeypatch, ResidualHistogram(), residuals(rms), 274, 92)
    ticks = [(text, box) for text, box in words if text.endswith("″") and "rms" not in text]
    assert "0″" in {text for text, _ in ticks}
    assert len(ticks) >= 3
    assert not any(box.intersects(other) for k, (_, box) in enumerate(ticks) for _, other in ticks[k + 1 :])


def test_a_plot_without_residuals_is_empty(qtbot, monkeypatch):
    assert written(qtbot, monkeypatch, ResidualMap(), None, 274, 160) == []
    assert residual_plots._ticks(0.468)[0] < 0 < residual_plots._ticks(0.468)[-1]
