"""The line over the results says what the run did."""

from pathlib import Path

from astep_gui.models.results_words import headline
from pipeline_core.reduce import Reduction


def test_a_run_that_only_judged_was_not_for_nothing():
    assert headline(Reduction(Path("out"), judged=14)) == "✓ 14 frames judged anew"
    assert headline(Reduction(Path("out"))) == "✓ Everything was up to date"


def test_what_was_calibrated_comes_before_what_was_judged():
    done = {"done": 4, "cached": 0, "failed": 0, "left_out": 0}
    assert headline(Reduction(Path("out"), counts=done, judged=14)) == "✓ 4 frames calibrated"
