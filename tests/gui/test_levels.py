"""Levels: the model by itself, and the panel under a person's hand."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from astep_gui.theme import apply_theme
from astep_gui.widgets.levels_panel import LevelsPanel


def test_each_frame_has_its_own_levels_until_they_are_frozen(levels, make_shown):
    dim, bright = make_shown("dim"), make_shown("bright", make_shown().image + 5000.0)
    levels.follow(dim)
    assert levels.lo == pytest.approx(960.0, abs=2.0)
    levels.follow(bright)
    assert levels.lo == pytest.approx(5960.0, abs=2.0)
    levels.set_frozen(True)
    levels.follow(dim)
    assert levels.lo == pytest.approx(5960.0, abs=2.0)
    levels.set_frozen(False)
    assert levels.lo == pytest.approx(960.0, abs=2.0)


def test_levels_set_by_hand_stay_until_another_unit_comes(levels, make_shown):
    levels.follow(make_shown("a"))
    levels.set_range(900.0, 1500.0)
    levels.follow(make_shown("b"))
    assert (levels.lo, levels.hi, levels.preset) == (900.0, 1500.0, "manual")
    levels.follow(make_shown("raw", np.full((300, 300), 7, np.uint16), unit="adu"))
    assert levels.preset == "auto"
    assert levels.unit == "ADU"


def test_what_is_kept_is_taken_up_again(levels, make_shown, qapp):
    levels.follow(make_shown())
    levels.set_range(1.0, 2.0)
    levels.set_stretch("log")
    levels.set_colormap("magma")
    levels.set_inverted(True)
    other = type(levels)()
    other.restore(levels.state())
    assert other.state() == levels.state()
    other.restore({"stretch": "of a newer version", "lo": "x"})
    assert other.stretch == "log"


@pytest.fixture
def panel(qtbot, levels, make_shown):
    panel = LevelsPanel(levels)
    qtbot.addWidget(panel)
    panel.resize(310, 340)
    panel.show()
    shown = make_shown(saturation=5200.0)
    levels.follow(shown)
    panel.show_image(shown)
    return panel


def test_showing_a_frame_moves_no_level(panel, levels):
    assert levels.preset == "auto"
    assert panel.region.getRegion() == pytest.approx((levels.lo, levels.hi))
    assert panel.preset_buttons["auto"].isChecked()


def test_dragging_a_handle_sets_the_levels_by_hand(panel, levels):
    panel.region.lines[1].setValue(1234.0)
    assert levels.hi == pytest.approx(1234.0)
    assert levels.preset == "manual"
    assert not panel.preset_buttons["auto"].isChecked()
    assert panel.high.value() == pytest.approx(1234.0)


def test_a_preset_is_one_click(qtbot, panel, levels):
    qtbot.mouseClick(panel.preset_buttons["zscale"], Qt.MouseButton.LeftButton)
    assert levels.preset == "zscale"
    qtbot.mouseClick(panel.preset_buttons["99.5"], Qt.MouseButton.LeftButton)
    assert levels.preset == "99.5"
    assert panel.preset_buttons["99.5"].isChecked()
    assert not panel.preset_buttons["zscale"].isChecked()


def test_typing_a_value_sets_it(qtbot, panel, levels):
    panel.low.selectAll()
    qtbot.keyClicks(panel.low.lineEdit(), "800")
    qtbot.keyClick(panel.low, Qt.Key.Key_Return)
    assert levels.lo == pytest.approx(800.0)


def test_stretch_colours_and_inversion_reach_the_model(qtbot, panel, levels):
    panel.stretch.setCurrentIndex(panel.stretch.findData("log"))
    panel.stretch.activated.emit(panel.stretch.currentIndex())
    panel.colours.setCurrentIndex(panel.colours.findData("viridis"))
    panel.colours.activated.emit(panel.colours.currentIndex())
    panel.inverted.click()
    assert (levels.stretch, levels.colormap, levels.inverted) == ("log", "viridis", True)


def test_images_turn_red_with_the_theme_for_dark_adapted_eyes_and_back(panel, levels, qapp):
    apply_theme(qapp, "red")
    assert levels.colormap == "red"
    apply_theme(qapp, "dark")
    assert levels.colormap == "grey"


def test_a_histogram_is_made_when_one_is_seen_or_an_image_comes_and_shows_what_was_chosen_before(
    qtbot, levels, make_shown
):
    panel = LevelsPanel(levels)
    qtbot.addWidget(panel)
    panel.resize(310, 340)
    assert not hasattr(panel, "plot")
    assert not panel.is_in_hand
    shown = make_shown(saturation=5200.0)
    levels.follow(shown)
    panel.show_image(None, has_sky=False)
    assert not hasattr(panel, "plot"), "no image, nothing to draw"
    panel.show()
    assert panel.region.getRegion() == pytest.approx((levels.lo, levels.hi))
    qtbot.waitUntil(panel.plot.isVisible, timeout=1000)
    panel.show_image(shown)
    assert panel._sky.label.format == "level"
    assert panel.plot.y() < panel.low.y(), "above the fields"
    other = LevelsPanel(levels)
    qtbot.addWidget(other)
    other.show_image(shown)
    assert other._sky.value() == pytest.approx(shown.level.sky)
