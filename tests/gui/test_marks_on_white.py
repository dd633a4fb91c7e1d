"""Marks are seen on a white image, and what holds no data in a bright picture, in every theme."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QImage, QPainter

from astep_gui.theme import apply_theme, theme
from astep_gui.theme.tokens import THEMES
from astep_gui.widgets import image_marks as marks
from pipeline_core.science.tangent import SkyMap
from tests.gui.test_timeline import keogram, raw_night

__all__ = ["keogram", "raw_night"]
SKY = SkyMap(83.0, -68.0, 400.0, 300.0, np.array([[-0.00025, 0.0], [0.0, 0.00025]]))
AREA = QRectF(0, 0, 400, 300)


@pytest.fixture(params=list(THEMES))
def look(request, qapp):
    apply_theme(qapp, request.param)
    yield theme()
    apply_theme(qapp, "dark")


def luminance(picture):
    picture = picture.convertToFormat(QImage.Format.Format_RGB888)
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(picture.height(), picture.bytesPerLine())
    rgb = rows[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def on_white(paint):
    picture = QImage(400, 300, QImage.Format.Format_RGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter)
    painter.end()
    return luminance(picture)


def test_the_scale_bar_has_a_dark_edge_along_all_of_its_length(look):
    seen = on_white(lambda p: marks.draw_scale_bar(p, AREA, 0.5, None))
    columns = seen[280:, 20:100].min(axis=0)
    assert ((1.05) / (columns + 0.05) >= 3.0).all()
    assert (columns < 0.03).all(), "an edge, not a shade"


@pytest.mark.parametrize("what", ["compass", "words", "ring"])
def test_other_marks_have_one_too(look, what):
    paint = {
        "compass": lambda p: marks.draw_compass(p, AREA, SKY),
        "words": lambda p: marks.text_mark(p, QPointF(200, 150), "200 px", look.colour("on_image")),
        "ring": lambda p: marks.draw_circles(p, [QPointF(200, 150)], 20.0, look.colour("good")),
    }[what]
    seen = on_white(paint)
    assert (seen < 0.03).sum() > 60
    assert (seen < 1.0).any(axis=0).sum() > 20


@pytest.mark.parametrize("sky", [1, 255])
def test_where_the_keogram_has_no_data_it_is_hatched_and_neither_the_brightest_nor_the_darkest_sky(
    look, keogram, monkeypatch, sky
):
    def half(width):
        codes = np.zeros((64, width), np.uint8)
        codes[:, width // 2 :] = sky
        return codes

    monkeypatch.setattr(keogram.model, "codes", half)
    keogram.model.current = None
    keogram.model.pointed.emit()
    keogram.resize(701, 81)  # drawn anew
    seen = luminance(keogram.grab().toImage())
    area = keogram.area().toRect().adjusted(4, 4, -4, -4)
    middle = area.center().x()
    without, full = (
        seen[area.top() : area.bottom(), x0:x1] for x0, x1 in ((area.left(), middle - 4), (middle + 4, area.right()))
    )
    assert np.ptp(full) < 0.01
    lines, ground = without.max(), without.min()
    assert (lines + 0.05) / (ground + 0.05) >= 1.9, "the hatch is seen on its ground"
    assert (without == without[0, 0]).mean() < 0.97
