"""What was said against a frame stays to be read: with a step chosen, after a verdict, in tool tips."""

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.tip_words import TIP_LETTERS, wrapped
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures

LEFT = Qt.MouseButton.LeftButton
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
WORDS = "trailed: stars are 2.13 times as long as wide, all of them along 45°, while those of the night are round"
TRAILED = Flag("trailed", WORDS, "bad")


@pytest.fixture
def trailed(qtbot, opened):
    """The window on a frame that is trailed."""
    row = QualityRow(LIGHTS[1], ScienceMeasures("quick", "ADU", fwhm_px=2.5), flags=(TRAILED,))
    opened.night.judgements.take_rows([row])
    opened.night.quality_changed.emit()
    opened.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=8000)
    return opened


def choose_raw(qtbot, window):
    rail = window.viewing.rail
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: window.viewing.view.title.endswith("· raw"), timeout=60_000)
    return rail


def test_the_cause_stays_while_a_step_is_looked_at_and_x_rejects_for_it(trailed, qtbot):
    rail = choose_raw(qtbot, trailed)
    assert rail.verdict.isVisible()
    assert rail.verdict.full_text == f"▲ {WORDS}"
    assert rail.note.isVisible()
    qtbot.keyClick(trailed, Qt.Key.Key_X)
    assert trailed.night.rejected == {LIGHTS[1]: "trailed"}


def test_words_and_answers_are_back_when_the_step_is_left(trailed, qtbot):
    rail = choose_raw(qtbot, trailed)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    assert not rail.note.isVisible()
    assert rail.verdict.full_text == f"▲ {WORDS}"
    qtbot.mouseClick(rail.keep, LEFT)
    assert trailed.night.state_of(LIGHTS[1]).word == "accepted"


@pytest.mark.parametrize(("key", "begins"), [(Qt.Key.Key_X, "✕ rejected · trailed: "), (Qt.Key.Key_U, "✓ accepted ")])
def test_a_frame_that_was_judged_keeps_the_words_and_figures_and_may_be_judged_otherwise(trailed, qtbot, key, begins):
    qtbot.keyClick(trailed, key)
    trailed.night.select([LIGHTS[1]])
    rail = trailed.viewing.rail
    assert rail.verdict.full_text.startswith(begins)
    assert "2.13 times as long as wide" in rail.verdict.full_text
    assert (rail.reject.isEnabled(), rail.keep.isEnabled()) == (key == Qt.Key.Key_U, key == Qt.Key.Key_X)
    index = trailed.table.model.index_of(LIGHTS[1])
    assert "2.13 times" in index.data(Qt.ItemDataRole.ToolTipRole).replace("\n", " ")


def test_a_frame_of_which_nothing_is_said_has_no_line_for_it(trailed, qtbot):
    trailed.night.select([LIGHTS[2]])
    rail = choose_raw(qtbot, trailed)
    assert not rail.verdict.isVisible()


def test_tool_tips_have_lines_that_can_be_read_and_say_the_cause_once(trailed):
    trailed.viewing.rail.verdict.resize(40, 20)  # too narrow for all lines that are allowed
    tips = [trailed.viewing.rail.verdict.toolTip()]
    tips.append(trailed.table.model.index_of(LIGHTS[1]).data(Qt.ItemDataRole.ToolTipRole))
    for tip in tips:
        assert max(map(len, tip.splitlines())) <= TIP_LETTERS
        assert tip.replace("\n", " ").count("trailed:") == 1
        assert WORDS in tip.replace("\n", " ")


def test_words_of_tool_tips_keep_their_own_lines_and_long_names_stay_whole():
    name = "a" * 80
    assert wrapped(f"one\n\n{name}\n{'word ' * 20}").splitlines()[:3] == ["one", "", name]
    assert wrapped("") == ""


def test_while_other_frames_go_by_nothing_is_said_against_the_one_that_was_looked_at(trailed, qtbot):
    viewing = trailed.viewing
    assert viewing.rail.verdict.full_text == f"▲ {WORDS}"
    viewing.toggle_blink(LIGHTS)
    assert viewing.blink.is_playing
    assert not viewing.rail.verdict.isVisible()
    viewing.end_blink()
    trailed.night.select([LIGHTS[1]])
    assert viewing.rail.verdict.full_text == f"▲ {WORDS}"
