"""Gain from the night's own frames: which frames are measured, and what is said when the header disagrees."""

import pytest

from pipeline_core.config import Recipe
from pipeline_core.decisions import decided_frame
from pipeline_core.gain_check import gain_tasks, judged_gain
from pipeline_core.plan import build_plan
from tests.core.frames_helpers import frame, full_night, night, series


def tasks(frames):
    return gain_tasks(frames, build_plan(frames, Recipe()), Recipe())


def judged(measured, stated=2.0, recipe=None, read_noise=8.0):
    frames = full_night() if stated is None else full_night(gain_e_per_adu=stated)
    if stated is None:
        groups = [series(k, 5, gain_e_per_adu=None, gain_source=None) for k in ("bias", "dark", "flat", "science")]
        frames = night(*groups)
    else:
        groups = [series(k, 5, gain_e_per_adu=stated) for k in ("bias", "dark", "flat", "science")]
        frames = night(*groups)
    found = tasks(frames)
    made = {"gain 100x80": {"gain": {"gain_e_per_adu": measured, "read_noise_e": read_noise}}}
    facts, warnings = judged_gain(frames, found, made, recipe or Recipe())
    return next(iter(facts.values())), warnings


def test_flats_go_first_and_at_most_six_of_each_are_measured():
    (task,) = tasks(night(series("bias", 9), series("flat", 9), series("science", 1))).values()
    names = task.settings["frames"]
    assert task.settings["n_flats"] == 6
    assert len(names) == 12
    assert all(name.startswith("flat/") for name in names[:6])
    assert all(name.startswith("bias/") for name in names[6:])


def test_the_flats_in_the_middle_of_the_series_are_taken():
    (task,) = tasks(night(series("bias", 2), series("flat", 20), series("science", 1))).values()
    assert task.settings["frames"][:6] == [f"flat/flat_{i:03d}.fits" for i in range(7, 13)]


@pytest.mark.parametrize(("n_bias", "n_flat"), [(1, 5), (5, 1), (0, 5), (5, 0)])
def test_fewer_than_two_of_a_kind_tell_nothing(n_bias, n_flat):
    assert not tasks(night(series("bias", n_bias), series("flat", n_flat), series("science", 1)))


def test_the_noise_of_an_existing_master_is_not_taken_for_that_of_a_frame():
    master = decided_frame(frame("m.fits", "other", is_master=True), {"kind": "bias"})
    assert not tasks(night([master], series("bias", 5), series("flat", 5), series("science", 1)))


@pytest.mark.parametrize("measured", [1.8, 2.0, 2.25])
def test_a_gain_within_15_percent_needs_no_word(measured):
    facts, warnings = judged(measured)
    assert (facts.gain_e_per_adu, facts.gain_source, facts.read_noise_e) == (measured, "flat and bias pairs", 8.0)
    assert not warnings


@pytest.mark.parametrize("measured", [1.6, 2.4])
def test_a_gain_that_is_far_from_the_headers_is_said_with_both(measured):
    _, warnings = judged(measured)
    assert "2 e⁻/ADU" in warnings[0].words
    assert f"{measured:.3g}" in warnings[0].words


@pytest.mark.parametrize(("stated", "measured", "words"), [(4.95, 3.68, "35 % too many"), (2.0, 4.0, "50 % too few")])
def test_a_stated_gain_that_is_wrong_says_how_wrong_the_electrons_are(stated, measured, words):
    _, warnings = judged(measured, stated=stated)
    assert f"electrons may be {words}" in warnings[0].why


def test_a_gain_that_no_header_states_is_said():
    _, warnings = judged(1.84, stated=None)
    assert "1.84 e⁻/ADU was measured" in warnings[0].words


def test_the_recipes_gain_is_the_one_that_is_compared():
    assert not judged(1.6, recipe=Recipe(calibrate={"gain_e_per_adu": 1.6}))[1]


def test_a_measurement_that_failed_is_said():
    frames = full_night()
    facts, warnings = judged_gain(frames, tasks(frames), {}, Recipe())
    assert not facts
    assert "could not be measured" in warnings[0].words
