"""What rejecting frames costs, before they are rejected."""

import math

import numpy as np
import pytest

from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.night_series import QUANTITIES, quantity, unit_of, values_of
from pipeline_core.proposal import beyond
from pipeline_core.science.stack_depth import depth_change_mag


def row(k, fwhm, loss=0.0, unit="electron"):
    measures = ScienceMeasures("final", unit, background=400.0, fwhm_px=fwhm)
    return QualityRow(f"f{k}.fits", measures, depth_loss_mag=loss)


def test_losing_half_of_equal_frames_costs_a_factor_of_root_two():
    kept = np.arange(10) < 5
    # 2.5 log10(sqrt 2)
    assert depth_change_mag(np.zeros(10), kept) == pytest.approx(-1.25 * math.log10(2))


def test_losing_shallow_frames_costs_little():
    losses = np.array([0.0] * 9 + [3.0])
    assert -0.002 < depth_change_mag(losses, np.arange(10) < 9) < 0


def test_frames_of_unknown_depth_do_not_count():
    assert depth_change_mag(np.array([0.0, np.nan]), np.array([True, False])) == 0.0
    assert math.isnan(depth_change_mag(np.array([np.nan]), np.array([True])))


def test_a_proposal_says_its_cost_in_one_line():
    rows = [row(k, 2.5) for k in range(8)] + [row(8, 4.0, 0.9), row(9, 5.0, 1.2)]
    found = beyond("fwhm_px", 3.0, rows, set())
    assert found.paths == ("f8.fits", "f9.fits")
    assert found.words == "reject 2 of 10: stack 0.02 mag shallower, median FWHM 2.50 → 2.50 px"
    assert found.reason == "FWHM > 3.00 px"


def test_no_cost_of_a_stack_is_told_where_the_accepted_frames_are_stacked_in_several():
    rows = [row(0, 2.0), row(1, 2.0), row(2, 4.0), row(3, 2.0)]
    groups = {"f0.fits": "M 7 · R", "f1.fits": "M 7 · R", "f2.fits": "M 7 · R", "f3.fits": "M 7 · B"}
    found = beyond("fwhm_px", 3.0, rows, set(), groups=groups)
    assert found.words == "reject 1 of 4: median FWHM 2.00 → 2.00 px"
    of_one = beyond("fwhm_px", 3.0, rows, {"f3.fits"}, groups=groups)
    assert of_one.words == "reject 1 of 3: stack 0.22 mag shallower, median FWHM 2.00 → 2.00 px"


def test_frames_rejected_already_neither_count_nor_are_named_again():
    rows = [row(0, 2.5), row(1, 4.0), row(2, 5.0)]
    found = beyond("fwhm_px", 3.0, rows, {"f1.fits"})
    assert found.paths == ("f2.fits",)
    assert found.total == 2


def test_a_frame_that_was_not_measured_is_never_proposed():
    rows = [row(0, None), row(1, 4.0), row(2, 2.0)]
    assert beyond("fwhm_px", 3.0, rows, set()).paths == ("f1.fits",)


def test_a_threshold_that_leaves_nothing_says_so():
    assert beyond("fwhm_px", 1.0, [row(0, 2.0), row(1, 3.0)], set()).words == "reject 2 of 2: nothing would be left"


def test_a_threshold_beyond_all_frames_rejects_none():
    assert beyond("fwhm_px", 9.0, [row(0, 2.0)], set()).words == "rejects no frame"


def test_few_stars_are_bad_from_below_and_either_side_can_be_asked_for():
    rows = [QualityRow(f"f{n}.fits", ScienceMeasures("final", "ADU", stars=n)) for n in (5, 50, 500)]
    assert beyond("stars", 20, rows, set()).paths == ("f5.fits",)
    assert beyond("stars", 100, rows, set(), side="high").paths == ("f500.fits",)


def test_every_quantity_can_be_followed_and_has_words():
    rows = [row(0, 2.5)]
    for what in QUANTITIES:
        assert values_of(what, rows).shape == (1,)
        assert what.words(1.5)
    assert unit_of(quantity("background"), rows) == "e⁻"
    assert unit_of(quantity("background"), [*rows, row(1, 2, unit="ADU")]) == "ADU or e⁻"


def test_a_frame_that_a_person_accepted_is_left_out_and_the_cost_says_so():
    rows = [row(0, 2.0), row(1, 2.0), row(2, 4.0), row(3, 5.0)]
    found = beyond("fwhm_px", 3.0, rows, set(), kept={"f0.fits", "f3.fits"})
    assert found.paths == ("f2.fits",)
    assert found.words == "reject 1 of 4: stack 0.16 mag shallower, median FWHM 3.00 → 2.00 px; 1 more you accepted"
    assert found.after == 2.0, "over those that stay, accepted ones among them"


def test_a_threshold_beyond_which_all_are_accepted_rejects_none_and_says_why():
    found = beyond("fwhm_px", 3.0, [row(0, 2.0), row(1, 4.0)], set(), kept={"f1.fits"})
    assert found.words == "rejects no frame; 1 you accepted"
