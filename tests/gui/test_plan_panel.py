"""The plan: what settles a warning stands under it, and it stays as a person unfolded it."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QPushButton

from astep_gui.widgets.plan_panel import readable

PATIENCE_MS = 8000
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def lacks_flat(window):
    return any("flat for filter V" in need.title for need in window.night.needs)


@pytest.fixture
def without_flat(qtbot, opened):
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    qtbot.waitUntil(lambda: lacks_flat(opened), timeout=PATIENCE_MS)
    opened.deeds.plan()
    QApplication.processEvents()
    return opened


def buttons(window):
    return [b for b in window.plan_panel.tree.findChildren(QPushButton) if b.isVisible()]


def line(window, words):
    return next(line for line in window.plan_panel._lines() if words in line.text(0))


def test_what_settles_a_warning_is_one_click_away_under_it_and_undo_brings_it_back(qtbot, without_flat):
    tree = without_flat.plan_panel.tree
    tree.scrollToItem(line(without_flat, "no flat for filter V"), tree.ScrollHint.PositionAtTop)
    QApplication.processEvents()
    button = next(b for b in buttons(without_flat) if b.text() == "Use flat_R")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not lacks_flat(without_flat), timeout=PATIENCE_MS)
    assert {s.path: s.flat for s in without_flat.night.plan.science}[LIGHTS[0]] == "flat_R"
    QApplication.processEvents()
    assert not buttons(without_flat)
    qtbot.keyClick(without_flat, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bool(buttons(without_flat)), timeout=PATIENCE_MS)


def test_ways_out_of_one_need_stand_in_the_plan_once_though_several_groups_have_it(qtbot, without_flat):
    without_flat.decisions.set_field([LIGHTS[0]], "exposure_s", 20.0)  # a group of its own
    without_flat.decisions.set_field([LIGHTS[0]], "dark", "none")
    without_flat.decisions.set_field([LIGHTS[1]], "dark", "none")
    qtbot.waitUntil(
        lambda: sum("no flat for filter V" in said.text(0) for said in without_flat.plan_panel._lines()) == 2,
        timeout=PATIENCE_MS,
    )
    QApplication.processEvents()
    assert [b.text() for b in buttons(without_flat)].count("Use flat_R") == 1


def test_what_a_person_folded_and_unfolded_stays_so_when_the_plan_changes(qtbot, opened):
    panel = opened.plan_panel
    line(opened, "Science frames").setExpanded(False)
    line(opened, "dark_").setExpanded(True)
    before = opened.night.plan
    opened.decisions.reject([LIGHTS[3]], "cloud")
    qtbot.waitUntil(lambda: opened.night.plan is not before, timeout=PATIENCE_MS)
    assert "Science frames · 3" in [said.text(0) for said in panel._lines()]
    assert not line(opened, "Science frames").isExpanded()
    assert line(opened, "dark_").isExpanded()


def test_the_plan_is_not_scrolled_away_by_a_decision(qtbot, without_flat):
    tree = without_flat.plan_panel.tree
    tree.setFixedHeight(120)
    tree.expandAll()
    QApplication.processEvents()
    bar = tree.verticalScrollBar()
    place = bar.maximum() // 2
    bar.setValue(place)
    assert bar.value() == place > 0
    before = without_flat.night.plan
    without_flat.decisions.reject([LIGHTS[3]], "cloud")
    qtbot.waitUntil(lambda: without_flat.night.plan is not before, timeout=PATIENCE_MS)
    assert bar.value() == place


def test_a_division_is_written_with_a_stroke_that_is_not_read_as_a_plus():
    assert readable("raw − dark_90s ÷ flat_R") == "(raw − dark_90s) / flat_R"
    assert readable("raw ÷ flat_R") == "raw / flat_R"
    assert readable("raw − bias") == "raw − bias"
    assert readable("combine 8 × (raw − bias) ÷ its median") == "combine 8 × (raw − bias) / its median"
