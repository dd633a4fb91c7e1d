"""The line over the results says what the run did."""

from pathlib import Path

from astep_gui.models.results_words import headline
from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.reduction_told import Reduction


def test_a_run_that_only_judged_was_not_for_nothing():
    assert headline(Reduction(Path("out"), judged=14)) == "✓ 14 frames judged anew"
    assert headline(Reduction(Path("out"))) == "✓ Everything was up to date"


def test_what_was_calibrated_comes_before_what_was_judged():
    done = {"done": 4, "cached": 0, "failed": 0, "left_out": 0}
    assert headline(Reduction(Path("out"), counts=done, judged=14)) == "✓ 4 frames calibrated"


def test_a_run_that_only_aligned_says_why():
    moved = {"M 5": "the reference changed", "M 6": "the reference changed"}
    assert headline(Reduction(Path("out"), realigned=moved)) == "✓ Aligned anew: the reference changed"
    both = headline(Reduction(Path("out"), judged=14, realigned=moved))
    assert both == "✓ 14 frames judged anew, aligned anew: the reference changed"


def test_the_reason_for_aligning_anew_does_not_announce_what_is_done():
    moved = {"M 5": REFERENCE_REJECTED}
    assert headline(Reduction(Path("out"), realigned=moved)) == "✓ Aligned anew: the reference was rejected"


def test_a_run_that_aligned_what_a_stopped_run_had_left_was_not_for_nothing():
    """The button had asked for it: "15 not aligned: update"."""
    assert headline(Reduction(Path("out"), aligned=15)) == "✓ 15 frames aligned"
    assert headline(Reduction(Path("out"), judged=15, aligned=1)) == "✓ 15 frames judged anew, 1 frame aligned"


def test_a_run_that_only_solved_was_not_for_nothing():
    assert headline(Reduction(Path("out"), searched=15, placed=15)) == "✓ 15 frames solved"
    assert headline(Reduction(Path("out"), searched=15, placed=2)) == "✓ 2 of 15 frames solved"


def test_a_run_that_only_moved_files_says_so():
    assert headline(Reduction(Path("out"), moved=1)) == "✓ 1 calibrated file moved to or from rejected/"
    both = headline(Reduction(Path("out"), judged=3, moved=2))
    assert both == "✓ 3 frames judged anew, 2 calibrated files moved to or from rejected/"
