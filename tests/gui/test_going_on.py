"""What is looked at after a verdict: one rule for the key, the tool bar, the button over the image and the needs."""

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.needs import Need, Remedy
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
CONTROL = Qt.KeyboardModifier.ControlModifier
REJECT, KEEP = Remedy("Reject", "reject", value="cloud"), Remedy("Keep", "accept")


def by_key(window, qtbot):
    qtbot.keyClick(window, Qt.Key.Key_X)


def by_tool_bar(window, _qtbot):
    window.actions_by_name["reject"].trigger()


def over_the_image(window, _qtbot):
    window.viewing.rail.reject_asked.emit()


def in_the_needs(window, _qtbot):
    window.deeds.remedy(Need("1 bad frame · cloud", "why", (LIGHTS[1],), ()), REJECT)


@pytest.mark.parametrize("deed", [by_key, by_tool_bar, over_the_image, in_the_needs])
def test_whoever_rejects_the_shown_frame_goes_on_to_the_next(opened, qtbot, deed):
    cloud = Flag("cloud", "cloud: thick", "bad")
    opened.night.judgements.take_rows([QualityRow(LIGHTS[1], ScienceMeasures("quick", "ADU"), flags=(cloud,))])
    opened.night.select([LIGHTS[1]])
    deed(opened, qtbot)
    assert set(opened.night.rejected) == {LIGHTS[1]}
    assert opened.night.current == LIGHTS[2]


def test_who_rejects_other_frames_than_the_shown_one_stays(opened):
    opened.night.select([LIGHTS[1]])
    opened.deeds.remedy(Need("2 bad frames · cloud", "why", tuple(LIGHTS[2:]), ()), REJECT)
    assert opened.night.current == LIGHTS[1]


def test_who_accepts_a_frame_stays_on_it(opened, qtbot):
    opened.night.select([LIGHTS[1]])
    qtbot.keyClick(opened, Qt.Key.Key_U)
    opened.deeds.remedy(Need("1 bad frame · cloud", "why", (LIGHTS[1],), ()), KEEP)
    assert opened.night.current == LIGHTS[1]


def test_the_tips_say_who_goes_on_and_who_stays(opened):
    assert "go to the next" in opened.actions_by_name["reject"].toolTip()
    assert "stay" in opened.actions_by_name["accept"].toolTip()


def test_going_on_works_where_the_list_shows_suggestions_only(opened, qtbot):
    cloud = Flag("cloud", "cloud: thick", "bad")
    for path in (LIGHTS[0], LIGHTS[1], LIGHTS[3]):
        opened.night.judgements.take_rows([QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(cloud,))])
    opened.night.frames_changed.emit(LIGHTS)
    opened.night.select([LIGHTS[1]])
    qtbot.keyClick(opened, Qt.Key.Key_S)
    qtbot.keyClick(opened, Qt.Key.Key_X)
    assert opened.night.current == LIGHTS[3], "the frame went from the list, its place did not"


def test_show_looks_at_the_first_of_its_frames_in_the_list(opened):
    need = Need("3 bad frames · cloud", "why", (LIGHTS[3], LIGHTS[1], LIGHTS[2]), ())
    opened.deeds.remedy(need, Remedy("Show", "show"))
    assert opened.night.current == LIGHTS[1]
    assert list(opened.night.selection) == LIGHTS[1:]


def test_taking_back_what_was_done_with_several_frames_keeps_the_shown_one_in_sight(opened, qtbot):
    opened.night.select(LIGHTS[:3], LIGHTS[1])
    qtbot.keyClick(opened, Qt.Key.Key_X)
    assert len(opened.night.rejected) == 3
    assert opened.night.current == LIGHTS[1]
    qtbot.keyClick(opened, Qt.Key.Key_Z, CONTROL)
    assert not opened.night.rejected
    assert opened.night.current == LIGHTS[1]
    assert set(opened.night.selection) == set(LIGHTS[:3])
