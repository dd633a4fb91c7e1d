"""How a frame stands: a person's word first, then what is said of it, then whether it was measured at all."""

import pytest

from pipeline_core.measures import NOT_JUDGED, Flag, QualityRow, ScienceMeasures
from pipeline_core.standing import ACCEPTED, GOOD, NOT_MEASURED, REJECTED, USABLE, standing, standing_of

CLOUD, WIND = Flag("cloud", "cloud: thin", "suspect"), Flag("wind", "wind: long stars", "bad")
UNTOLD, NOTE = Flag(NOT_JUDGED, "not judged: alone", "note"), Flag("twilight", "twilight", "note")


def stands(*flags, is_rejected=False, is_kept=False, is_measured=True):
    return standing_of(flags, is_rejected=is_rejected, is_kept=is_kept, is_measured=is_measured)


@pytest.mark.parametrize(
    ("flags", "how"),
    [
        ((), GOOD),
        ((NOTE,), GOOD),
        ((CLOUD, NOTE), "suspect"),
        ((CLOUD, WIND), "bad"),
        ((UNTOLD, NOTE), NOT_JUDGED),
        ((UNTOLD, CLOUD), "suspect"),
    ],
)
def test_what_weighs_most_says_how_a_frame_stands_that_nobody_decided_about(flags, how):
    assert stands(*flags) == how


@pytest.mark.parametrize("flags", [(), (NOTE,), (CLOUD,), (WIND,), (UNTOLD,)])
@pytest.mark.parametrize("is_measured", [True, False])
def test_a_frame_that_a_person_accepted_is_accepted_whatever_is_said_of_it(flags, is_measured):
    assert stands(*flags, is_kept=True, is_measured=is_measured) == ACCEPTED


def test_a_rejected_frame_is_rejected_whatever_was_decided_before():
    assert stands(WIND, is_rejected=True, is_kept=True) == REJECTED


def test_good_and_accepted_frames_are_usable_and_no_others():
    usable = {stands(), stands(WIND, is_kept=True), stands(UNTOLD, is_kept=True)}
    assert usable == USABLE
    assert not USABLE & {
        stands(CLOUD),
        stands(WIND),
        stands(UNTOLD),
        stands(is_measured=False),
        stands(is_rejected=True),
    }


def test_a_frame_without_figures_is_not_measured_until_a_person_accepts_it():
    empty = QualityRow("a.fits", ScienceMeasures("none", "ADU"))
    for row in (None, empty):
        assert standing("a.fits", row, {}, frozenset()) == NOT_MEASURED
        assert standing("a.fits", row, {}, {"a.fits"}) == ACCEPTED
        assert standing("a.fits", row, {"a.fits": "cloud"}, frozenset()) == REJECTED
    assert standing("a.fits", QualityRow("a.fits", ScienceMeasures("final", "ADU")), {}, frozenset()) == GOOD
