"""Which dark serves a frame, and what is said of each second choice."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.config import DarkSettings
from pipeline_core.dark_choice import choose_dark, chosen_dark, no_dark_words
from tests.core.frames_helpers import frame

SETTINGS = DarkSettings()
BIAS = SimpleNamespace(name="bias", exposure_s=0.0, temperature_c=-10.0)


def dark(exposure_s, temperature_c=-10.0, name=None, *, is_flatdark=False):
    return SimpleNamespace(
        name=name or f"dark_{exposure_s:g}",
        exposure_s=exposure_s,
        temperature_c=temperature_c,
        is_flatdark=is_flatdark,
    )


def choose(darks, exposure_s=90.0, bias=BIAS, settings=SETTINGS, **facts):
    return choose_dark(frame("a.fits", "science", exposure_s=exposure_s, **facts), darks, bias, settings)


def test_an_equal_exposure_and_temperature_needs_no_word():
    use = choose([dark(60.0), dark(90.0), dark(120.0)])
    assert (use.dark, use.scale, use.warnings) == ("dark_90", 1.0, ())


@pytest.mark.parametrize(("exposure_s", "serves"), [(90.44, True), (90.5, False), (89.6, True), (89.5, False)])
def test_exposures_within_half_a_percent_are_equal(exposure_s, serves):
    assert (choose([dark(exposure_s)], bias=None).dark is not None) is serves


def test_of_equal_exposures_the_nearest_temperature_serves():
    use = choose([dark(90.0, -5.0, "warm"), dark(90.0, -11.0, "near"), dark(90.0, -20.0, "cold")])
    assert (use.dark, use.warnings) == ("near", ())


def test_a_dark_of_another_temperature_serves_with_a_warning_in_degrees():
    use = choose([dark(90.0, -16.0)])
    assert use.dark == "dark_90"
    assert "6.0 °C" in use.warnings[0]


def test_an_unknown_temperature_speaks_against_nothing():
    assert choose([dark(90.0, None)]).warnings == ()
    assert choose([dark(90.0, -30.0)], temperature_c=None).warnings == ()


def test_a_longer_dark_is_scaled_down_with_its_noise_said():
    use = choose([dark(120.0), dark(150.0)])
    assert (use.dark, use.scale) == ("dark_120", pytest.approx(0.75))
    assert "scaled by 0.75" in use.warnings[0]
    assert "take darks of 90 s" in use.warnings[0]


def test_a_longer_dark_of_the_right_temperature_goes_before_a_shorter_one_of_another():
    use = choose([dark(100.0, -20.0, "other"), dark(150.0, -10.0, "right")])
    assert use.dark == "right"


def test_a_dark_is_never_scaled_up_nor_down_by_more_than_the_recipe_allows():
    assert choose([dark(60.0)]).dark is None
    assert choose([dark(181.0)]).dark is None
    assert choose([dark(181.0)], settings=DarkSettings(max_scale=3.0)).dark == "dark_181"


def test_scaling_needs_a_bias():
    use = choose([dark(120.0)], bias=None)
    assert use.dark is None
    assert "no bias" in use.warnings[0]


def test_no_dark_says_which_there_are_and_what_to_take():
    use = choose([dark(30.0)])
    assert use.warnings == ("no dark of 90 s (darks: 30 s): only the bias is subtracted; take darks of 90 s",)


def test_an_unknown_exposure_matches_nothing_and_says_how_to_set_it():
    use = choose([dark(90.0)], exposure_s=None)
    assert use.dark is None
    assert "set its exposure" in use.warnings[0]


@given(
    exposure_s=st.floats(0.01, 3600),
    darks=st.lists(st.tuples(st.floats(0.01, 3600), st.none() | st.floats(-60, 30)), max_size=5),
    has_bias=st.booleans(),
)
def test_whatever_the_darks_scaling_goes_down_only_and_never_without_a_bias(exposure_s, darks, has_bias):
    made = [dark(e, t, f"d{i}") for i, (e, t) in enumerate(darks)]
    use = choose(made, exposure_s=exposure_s, bias=BIAS if has_bias else None)
    assert 1 / SETTINGS.max_scale <= use.scale <= 1
    assert has_bias or use.scale == 1
    assert use.dark is not None or use.warnings
    assert use.scale == 1 or use.warnings


# -- a dark that a person chose ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exposure_s", "how"), [(30.0, "too little"), (300.0, "too much")])
def test_a_chosen_dark_of_another_exposure_is_used_as_it_is_and_said_to_be(exposure_s, how):
    use = chosen_dark(frame("a.fits", "science", exposure_s=90.0), dark(exposure_s), SETTINGS)
    assert (use.dark, use.scale) == (f"dark_{exposure_s:g}", 1.0)
    (words,) = use.warnings
    assert "not scaled" in words
    assert f"{exposure_s:g} s, which is {how}" in words
    assert "not scaled" in use.note


def test_a_chosen_dark_that_matches_needs_no_word():
    use = chosen_dark(frame("a.fits", "science", exposure_s=90.0), dark(90.3), SETTINGS)
    assert (use.scale, use.warnings, use.note) == (1.0, (), "")


@pytest.mark.parametrize(("of_frame", "of_dark"), [(None, 90.0), (90.0, None)])
def test_a_chosen_dark_is_said_to_be_uncertain_where_an_exposure_is_unknown(of_frame, of_dark):
    chosen = SimpleNamespace(name="mine", exposure_s=of_dark, temperature_c=-10.0)
    (words,) = chosen_dark(frame("a.fits", "science", exposure_s=of_frame), chosen, SETTINGS).warnings
    assert "exposure is unknown" in words


def test_a_chosen_dark_of_another_temperature_is_said_in_degrees():
    (words,) = chosen_dark(frame("a.fits", "science", exposure_s=90.0), dark(90.0, -16.0), SETTINGS).warnings
    assert "6.0 °C" in words


def test_why_a_long_dark_is_not_scaled_is_said_with_the_setting_that_says_so():
    (words,) = choose([dark(90.0)], exposure_s=20.0).warnings
    assert words == (
        "no dark of 20 s (darks: 90 s): only the bias is subtracted, for darks of more than 2 times the exposure are "
        "not scaled (dark.max_scale); take darks of 20 s"
    )
    assert choose([dark(90.0)], exposure_s=20.0, settings=DarkSettings(max_scale=5)).scale == pytest.approx(20 / 90)


@pytest.mark.parametrize(("darks", "bias"), [([dark(30.0)], BIAS), ([], BIAS), ([dark(900.0)], None)])
def test_no_limit_is_named_where_it_is_not_what_hinders(darks, bias):
    (words,) = choose(darks, bias=bias).warnings
    assert "max_scale" not in words


def test_flats_and_science_frames_name_the_same_darks_those_of_flats_apart():
    darks = [dark(45.0, is_flatdark=True), dark(90.0)]
    of_flat = no_dark_words([5.0], darks, BIAS, SETTINGS)
    use = choose_dark(frame("a.fits", "science", exposure_s=20.0), darks[1:], BIAS, SETTINGS, darks[:1])
    assert "(darks: 90 s; flat-darks: 45 s)" in of_flat
    assert "(darks: 90 s; flat-darks: 45 s)" in use.warnings[0]
    assert use.dark is None
