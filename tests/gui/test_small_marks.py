"""Single pixels are seen on the screen where the frame is shown smaller than it is."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication

from astep_gui.models.frame_images import Loaded, shown_image
from astep_gui.theme import apply_theme, theme
from astep_gui.widgets.image_view import ImageView
from pipeline_core.types import MaskBit
from tests.gui.test_image_view import wheel

SHAPE = (1200, 1600)
PLACES = [(x, y) for x in range(90, 1500, 233) for y in range(170, 1100, 219)]
"""None of them at a multiple of a power of two."""


@pytest.fixture
def view(qtbot, qapp, levels):
    apply_theme(qapp, "dark")
    view = ImageView(levels)
    qtbot.addWidget(view)
    view.resize(420, 360)
    for name in ("scale_bar", "compass", "overview"):
        view.set_mark(name, False)
    view.show()
    return view


def rgb(view):
    QApplication.processEvents()
    picture = view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return rows[:, : 3 * picture.width()].reshape(picture.height(), picture.width(), 3).astype(int)


def around(view, seen, x, y, reach=3):
    at = view._to_screen(x, y).toPoint()
    return seen[max(0, at.y() - reach) : at.y() + reach + 1, max(0, at.x() - reach) : at.x() + reach + 1]


@pytest.mark.parametrize("notches", [0, -3, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_every_pixel_that_a_step_changed_is_seen_in_the_difference(view, levels, sign, notches):
    image = np.zeros(SHAPE, np.float32)
    for k, (x, y) in enumerate(PLACES):
        image[y, x] = sign * (5910.0 if k == 0 else 150.0 + 5.0 * k)
    shown = shown_image(("step", "a", "cosmic", True), Loaded("a", image, "electron"))
    levels.follow(shown)
    view.show_image(shown)
    QApplication.processEvents()
    wheel(view, view.canvas.rect().center(), 120 * notches)
    assert view.zoom < 0.5
    grey = rgb(view)[:, :, 0]
    seen = view.view_rect().adjusted(20, 20, -20, -20)
    ground = grey[view._to_screen(400, 400).toPoint().y(), view._to_screen(400, 400).toPoint().x()]
    for x, y in PLACES:
        if seen.contains(float(x), float(y)):
            assert (np.abs(around(view, grey, x, y) - ground) > 20).sum() >= 4, (x, y)
    assert 60 < ground < 215, "what did not change is neither black nor white"


@pytest.mark.parametrize("how", ["hits of the preview", "overlay"])
def test_every_cosmic_ray_that_is_marked_is_seen(view, levels, make_shown, how):
    mask = np.zeros(SHAPE, np.uint8)
    for x, y in PLACES:
        mask[y, x] = MaskBit.COSMIC
    rng = np.random.default_rng(2)
    image = rng.normal(1000.0, 20.0, SHAPE).astype(np.float32)
    shown = shown_image("a", Loaded("a", image, "electron", mask, shows_mask=how != "overlay"))
    levels.follow(shown)
    view.show_image(shown)
    if how == "overlay":
        view.overlays.mask_toggled.emit(int(MaskBit.COSMIC), True)
    seen, colour = rgb(view), theme().colour("mask_cosmic")
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    for x, y in PLACES:
        off = np.abs(around(view, seen, x, y) - wanted).max(axis=2)
        assert (off < 80).sum() >= 6, (x, y)


def test_at_full_size_a_mark_is_no_larger_than_its_pixel(view, levels):
    mask = np.zeros(SHAPE, np.uint8)
    mask[600, 800] = MaskBit.COSMIC
    image = np.full(SHAPE, 7.0, np.float32)
    shown = shown_image("a", Loaded("a", image, "electron", mask, shows_mask=True))
    levels.follow(shown)
    view.show_image(shown)
    view.zoom_to(1.0)
    view.centre_on(800, 600)
    seen, colour = rgb(view), theme().colour("mask_cosmic")
    marked = np.abs(seen - [colour.red(), colour.green(), colour.blue()]).max(axis=2) < 80
    assert 1 <= marked.sum() <= 2
