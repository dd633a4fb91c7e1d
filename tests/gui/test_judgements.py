"""A final judgement that differs from the first look says so: over the image, in the tip, in one line of the log."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from astep_gui.models.judgements import MOST_NAMED, Judgements, changed_events
from pipeline_core.kept_looks import QuickLook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.types import Frame, FrameKind

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
CLOUD = Flag("cloud", "cloud: depth loss +0.84 mag against the clear reference", "bad")
NOTE = Flag("streak", "streak: one streak of a satellite or plane; the frame is kept", "note")
DARK_HAS_STARS = Flag("stars in dark", "212 stars", "bad")


def look(state, **flags):
    return QuickLook([QualityRow(path, ScienceMeasures(state, "ADU"), flags=said) for path, said in flags.items()])


def of_kind(kind):
    return lambda path: Frame(path, kind, 1, 1)


@pytest.fixture
def judgements():
    return Judgements()


@pytest.fixture
def taken(judgements):
    """A function that lets a look be taken over, and returns what is new."""
    return lambda state, **flags: judgements.take_look(look(state, **flags), of_kind(FrameKind.SCIENCE))


def test_a_verdict_that_changes_is_news_once(judgements, taken):
    assert taken("quick", a=(CLOUD,), b=(), c=()) == {}
    assert taken("final", a=(), b=(CLOUD,), c=()) == {"a": "cloud → good", "b": "good → cloud"}
    assert judgements.first_said == {"a": "cloud", "b": "good"}
    assert taken("final", a=(), b=(CLOUD,), c=()) == {}
    assert judgements.first_said == {"a": "cloud", "b": "good"}


def test_a_remark_more_or_less_is_no_other_verdict(judgements, taken):
    taken("quick", a=(CLOUD,), b=())
    assert taken("final", a=(CLOUD, NOTE), b=(NOTE,)) == {}
    assert not judgements.first_said


def test_what_was_never_looked_at_quickly_has_no_first_verdict(judgements, taken):
    assert taken("final", a=(CLOUD,)) == {}
    assert not judgements.first_said


def test_final_values_that_come_to_agree_with_the_first_look_end_the_remark(judgements, taken):
    taken("quick", a=(CLOUD,))
    taken("final", a=())
    taken("final", a=(CLOUD,))
    assert not judgements.first_said


def test_measured_frames_that_were_not_judged_yet_have_said_nothing(judgements, taken):
    judgements.take_rows(look("quick", a=()).rows)
    assert taken("final", a=(CLOUD,)) == {}


def test_what_was_said_of_a_dark_does_not_hold_against_it_as_another_kind(judgements):
    said = QuickLook([], {"d": (DARK_HAS_STARS,)})
    judgements.take_look(said, of_kind(FrameKind.DARK))
    assert judgements.calibration_flags == {"d": (DARK_HAS_STARS,)}
    judgements.heed(of_kind(FrameKind.FLAT))
    assert judgements.calibration_flags == {}


def test_a_line_for_each_frame_and_one_that_is_short_enough_to_be_read_whole():
    events = changed_events({f"x/{k}.fits": "good → wind" for k in range(MOST_NAMED + 5)})
    assert [event.path for event in events[:2]] == ["x/0.fits", "x/1.fits"]
    assert "good → wind" in events[0].text
    assert len(events) == MOST_NAMED + 1
    assert events[-1].text == f"{MOST_NAMED + 5} verdicts differ from the first look: rest the pointer on a row"
    assert "a verdict differs from" in changed_events({"a": "cloud → good"})[-1].text


def test_another_cause_beside_the_gravest_is_no_other_verdict(judgements, taken):
    taken("quick", a=(CLOUD,))
    assert taken("final", a=(CLOUD, Flag("bright sky", "bright sky: 1.6 times"))) == {}


def test_the_window_says_it_in_the_log_over_the_image_and_in_the_tip(opened, qtbot):
    opened.night._take_look(look("quick", **{LIGHTS[0]: (CLOUD,), LIGHTS[1]: ()}))
    opened.night._take_look(look("final", **{LIGHTS[0]: (), LIGHTS[1]: ()}))
    lines = opened.log.text.toPlainText().splitlines()
    assert f"{LIGHTS[0]}: first look → final: cloud → good" in lines[-2]
    assert lines[-1].endswith("a verdict differs from the first look: rest the pointer on a row")
    opened.night.select([LIGHTS[0]])
    QApplication.processEvents()
    assert opened.viewing.rail.verdict.isVisible()
    assert opened.viewing.rail.verdict.full_text.endswith("the first look said: cloud")
    tip = opened.table.model.index_of(LIGHTS[0]).data(Qt.ItemDataRole.ToolTipRole)
    assert "the first look at the raw frame said: cloud" in tip
    opened.night.select([LIGHTS[1]])
    QApplication.processEvents()
    assert not opened.viewing.rail.verdict.isVisible()


def test_what_the_first_look_said_is_known_in_a_night_that_is_opened_again_and_is_no_news_then(judgements):
    rows = look("final", a=(), b=(CLOUD,), c=()).rows
    kept = QuickLook(rows, first_said={"a": "cloud", "b": "cloud"})
    assert judgements.take_look(kept, of_kind(FrameKind.SCIENCE)) == {}
    assert judgements.first_said == {"a": "cloud"}, "of b the final values say the same, of c nothing is kept"
