"""Themes: contrast computed from the tokens, fonts and icons present."""

from __future__ import annotations

import itertools
import re

import pytest
from PyQt6.QtCore import QSize
from PyQt6.QtGui import QColor, QFontInfo, QIcon, QImage
from PyQt6.QtWidgets import QLabel

from astep_gui.theme import THEMES, apply_theme, icon, mono_font, theme, theme_notice, toned, tones, ui_font
from astep_gui.theme.contrast import contrast
from astep_gui.theme.stylesheet import style_sheet
from astep_gui.theme.tokens import TEXT_TOKENS, TOKENS
from pipeline_core.resources import resource_path

pytestmark = pytest.mark.parametrize("name", THEMES)


@pytest.fixture(autouse=True)
def _back_to_dark(qapp):
    yield
    apply_theme(qapp, "dark")


def test_every_token_has_a_colour_in_every_theme(name):
    assert set(THEMES[name].colours) == set(TOKENS)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in THEMES[name].colours.values())


def test_words_can_be_read_on_every_ground(name):
    look = THEMES[name]
    pairs = [*itertools.product(TEXT_TOKENS, ("ground", "stripe", "panel", "raised", "hover"))]
    pairs += [("primary_text", "primary"), ("selection_text", "selection"), ("badge_text", "badge")]
    low = {pair: round(contrast(look.hex(pair[0]), look.hex(pair[1])), 2) for pair in pairs}
    assert not {pair: ratio for pair, ratio in low.items() if ratio < 4.5}


def test_controls_stand_out_from_what_is_beside_them(name):
    look = THEMES[name]
    pairs = [*itertools.product(("border", "accent", "plot_1", "plot_2", "plot_3", "histogram"), ("ground", "panel"))]
    pairs += [("border", "raised"), ("plot_4", "ground"), ("disabled", "panel")]
    low = {pair: round(contrast(look.hex(pair[0]), look.hex(pair[1])), 2) for pair in pairs}
    assert not {pair: ratio for pair, ratio in low.items() if ratio < 3.0}


def test_separators_are_seen(name):
    look = THEMES[name]
    low = {ground: round(contrast(look.hex("line"), look.hex(ground)), 2) for ground in ("ground", "panel", "raised")}
    assert not {ground: ratio for ground, ratio in low.items() if ratio < 2.0}


def test_the_style_sheet_uses_only_colours_of_the_theme(name, qapp):
    sheet = style_sheet(THEMES[name])
    assert "$" not in sheet
    assert set(re.findall("#[0-9a-f]{6}", sheet)) <= set(THEMES[name].colours.values())


def test_putting_on_a_theme_tells_those_who_paint(name, qapp, qtbot):
    with qtbot.waitSignal(theme_notice().changed, timeout=1000):
        apply_theme(qapp, name)
    assert theme().name == name
    label = QLabel("x")
    qtbot.addWidget(label)
    assert label.palette().windowText().color() == theme().colour("text")


def test_the_bundled_fonts_are_used(name, qapp):
    apply_theme(qapp, name)
    assert QFontInfo(ui_font()).family() == "Inter"
    assert QFontInfo(mono_font()).family() == "JetBrains Mono"
    assert "SIL OPEN FONT LICENSE" in resource_path("fonts", "OFL.txt").read_text(encoding="utf-8")


def test_every_icon_draws_in_the_colour_of_the_theme(name, qapp):
    look = apply_theme(qapp, name)
    files = sorted(resource_path("icons").glob("*.svg"))
    assert len(files) > 40
    for file in files:
        picture = icon(file.stem).pixmap(QSize(24, 24)).toImage()
        drawn = [
            picture.pixelColor(x, y)
            for x in range(picture.width())
            for y in range(picture.height())
            if picture.pixelColor(x, y).alpha() > 200
        ]
        assert drawn, f"{file.stem} is empty"
        assert abs(drawn[0].red() - look.colour("text").red()) < 40, file.stem


def test_a_disabled_icon_is_greyer(name, qapp):
    look = apply_theme(qapp, name)
    picture = icon("open").pixmap(QSize(48, 48), QIcon.Mode.Disabled).toImage()
    drawn = {
        picture.pixelColor(x, y).name() for x in range(48) for y in range(48) if picture.pixelColor(x, y).alpha() > 250
    }
    assert look.hex("disabled") in drawn


def test_small_grey_pictures_take_the_tones_of_the_theme_and_none_is_white_under_red_light(name, qapp):
    look = apply_theme(qapp, name)
    picture = QImage(bytes(range(0, 256, 16)) * 2, 16, 2, 16, QImage.Format.Format_Grayscale8)
    seen = toned(picture)
    assert (seen.width(), seen.height()) == (16, 2)
    bright, dark = seen.pixelColor(15, 1), seen.pixelColor(0, 0)
    assert bright.red() > dark.red()
    if look.colormap == "grey":
        assert bright.red() == bright.green() == bright.blue() == 240
    else:
        assert max(QColor(tone).blue() for tone in tones()) < 40
        assert bright.blue() < 40
        assert bright.green() < 80


def test_another_theme_dresses_the_widgets_once_in_its_sheet_and_once_in_none(name, qapp, qtbot, monkeypatch):
    apply_theme(qapp, "light" if name != "light" else "dark")
    styles, sheets = [], []
    set_sheet = qapp.setStyleSheet
    monkeypatch.setattr(qapp, "setStyle", styles.append)
    monkeypatch.setattr(qapp, "setStyleSheet", lambda sheet: (sheets.append(sheet), set_sheet(sheet)))
    label = QLabel("words")
    qtbot.addWidget(label)
    label.show()
    apply_theme(qapp, name)
    assert styles == []  # it is the same in all themes; to set it anew takes 30 ms
    assert sheets == ["", style_sheet(THEMES[name])]
    assert label.palette().windowText().color() == THEMES[name].colour("text")
