"""A frame is called by one name: in the list, over the image, in a blink and beside another frame."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics

from astep_gui.theme import ui_font
from astep_gui.widgets.heading_lines import broken_at, lines_of
from pipeline_core.short_names import LONGEST_IN_LIST, names_in_list, numbers_of, short_names

PATIENCE_MS = 60_000
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


@pytest.fixture
def shown(qtbot, opened):
    opened.night.select([LIGHTS[1]], LIGHTS[1])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    return opened


def in_list(window, path):
    return window.table.model.data(window.table.model.index_of(path)).removesuffix(" · ref")


def test_list_and_image_say_the_same_word(shown):
    for path in LIGHTS:
        assert in_list(shown, path) == shown.viewing.short_titles.name(path)
    head = shown.viewing.view.head
    assert head._title.full_text == in_list(shown, LIGHTS[1]) == "light 001"
    shown.resize(1900, 900)
    assert head.file.text() == LIGHTS[1]


def test_a_blink_and_a_comparison_say_it_too(qtbot, shown):
    shown.viewing.blink.rate = 1.0
    qtbot.keyClick(shown, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: shown.viewing.is_blinking, timeout=PATIENCE_MS)
    assert in_list(shown, LIGHTS[1]) in shown.viewing.rail.note.full_text
    qtbot.waitUntil(lambda: shown.viewing.view.head.state.text() != "", timeout=PATIENCE_MS)
    assert shown.viewing.view.head._title.full_text in {in_list(shown, path) for path in LIGHTS}
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    qtbot.keyClick(shown, Qt.Key.Key_D)
    compare = shown.viewing.compare
    qtbot.waitUntil(lambda: compare.left.head.title != "", timeout=PATIENCE_MS)
    assert (compare.left.head.title, compare.right.head.title) == ("light 001", "light 002")


def test_a_word_that_would_fill_the_column_is_left_to_the_heading():
    long = "SupernovaRemnantField"
    paths = [f"{long}_00{k}.fits" for k in (1, 2)] + [f"flat_00{k}.fits" for k in (1, 2)]
    numbers = numbers_of(paths)
    of_night = short_names(paths, numbers)
    assert list(names_in_list(paths[:2], numbers, of_night).values()) == ["001", "002"]
    assert list(names_in_list(paths[2:], numbers, of_night).values()) == ["flat 001", "flat 002"]
    assert len(of_night[paths[0]]) > LONGEST_IN_LIST


def test_in_a_small_window_a_word_that_would_widen_the_column_is_left_to_the_heading_and_no_row_moves(qtbot, shown):
    table = shown.table
    shown.resize(1600, 1000)
    qtbot.wait(50)
    before = table.tree.visualRect(table.model.index_of(LIGHTS[1])).top()
    for is_narrow, name in ((True, "001"), (False, "light 001")):
        table.columns.set_compact(is_narrow)
        qtbot.wait(50)
        assert in_list(shown, LIGHTS[1]) == name
        assert table.tree.visualRect(table.model.index_of(LIGHTS[1])).top() == before


def test_a_heading_breaks_between_its_words_and_loses_none(qapp):
    words, font = (
        "Science · Entered Coordinates (2), 25.3° NE of the first · Visual · 1 s · 2 frames",
        ui_font(12, bold=True),
    )
    width = QFontMetrics(font).horizontalAdvance
    for room in range(120, 700, 20):
        lines = broken_at(words, font, room)
        assert " ".join(lines).split() == words.split()
        assert lines_of("\N{LINE SEPARATOR}".join(lines), font, room) == len(lines)
        assert max(map(width, lines)) <= room + 1
    assert broken_at(words, font, 2000) == [words]
    assert broken_at("", font, 100) == [""]
