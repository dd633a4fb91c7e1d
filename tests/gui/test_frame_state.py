"""What stands beside a frame: "good" is said when its group was judged, and how surely."""

import pytest

from astep_gui.models.frame_state import frame_state, frame_tip
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.types import Frame, FrameKind

FRAME = Frame("a.fits", FrameKind.SCIENCE, 1, 1)
CLOUD = Flag("cloud", "stars are 0.84 mag fainter")


def state(values, *flags, **more):
    row = QualityRow("a.fits", ScienceMeasures(values, "ADU"), flags=flags)
    return frame_state(FRAME, {}, {}, {}, row, **more)


def test_a_frame_whose_group_is_not_judged_yet_is_not_called_good():
    measured = state("quick", is_unjudged=True)
    assert (measured.word, measured.tone) == ("first look", "dim")


def test_good_at_a_first_look_is_a_hollow_dim_mark_and_says_so():
    first = state("quick")
    assert (first.mark, first.word, first.tone) == ("○", "good", "dim")
    assert first.words.startswith("○ good (first look)")


def test_good_after_the_reduction_is_green():
    final = state("final")
    assert (final.mark, final.word, final.tone) == ("✓", "good", "good")
    assert "first look" not in frame_tip(FRAME, final)


@pytest.mark.parametrize(("values", "is_first"), [("quick", True), ("final", False)])
def test_what_is_said_against_a_frame_tells_whether_it_rests_on_a_first_look(values, is_first):
    clouded = state(values, CLOUD)
    assert (clouded.mark, clouded.word) == ("▲", "cloud")
    assert ("first look" in frame_tip(FRAME, clouded)) is is_first
