"""Flags name the cause an observer would, with its figures, and stay silent where nothing is known."""

import re
from dataclasses import fields, replace

import pytest

from pipeline_core.measures import CAUSES, NOT_JUDGED, headline
from pipeline_core.science.evidence import Evidence
from pipeline_core.science.flags import science_flags

GOOD = Evidence(
    stars=300,
    stars_clear=310,
    loss_mag=0.02,
    loss_neighbours_mag=0.02,
    patchy_mag=0.01,
    patchy_clear_mag=0.01,
    patch_mag=0.02,
    patch_clear_mag=0.01,
    persistence=0.1,
    long_persistence=0.0,
    fwhm_px=2.6,
    fwhm_clear_px=2.4,
    halo=1.11,
    halo_clear=1.10,
    halo_neighbours=1.10,
    ellipticity=0.07,
    ellipticity_clear=0.06,
    ellipticity_angle_deg=31.0,
    coherence=0.8,
    sky=410,
    sky_expected=400,
    sky_uncertain=0,
    sky_jump=1.01,
    sky_clear=390,
    noise=22,
    noise_expected=21.8,
    mesh_percent=0.3,
    mesh_clear_percent=0.3,
    saturated_fraction=1e-4,
    saturated_clear=1e-4,
    off_track_px=0.2,
    moved_px=10,
    moved_h=1.0,
    drift_px_per_hour=10,
    sun_altitude_deg=-30,
    moon_altitude_deg=-10,
)


def only(evidence):
    (flag,) = science_flags(evidence)
    return flag


def test_a_good_frame_has_no_flag():
    assert science_flags(GOOD) == ()


def test_nothing_known_is_nothing_said():
    assert science_flags(Evidence()) == ()


@pytest.mark.parametrize("name", [f.name for f in fields(Evidence) if f.default != f.default])
def test_any_one_measure_may_be_missing_from_a_good_frame(name):
    assert science_flags(replace(GOOD, **{name: float("nan")})) == ()


@pytest.mark.parametrize(
    ("change", "cause", "severity", "words"),
    [
        (
            {"loss_mag": 0.62, "patchy_mag": 0.21},
            "cloud",
            "bad",
            "cloud: stars are 0.62 mag fainter than in the clear reference, patchy, by 0.21 mag over the field",
        ),
        ({"loss_mag": 0.3, "loss_neighbours_mag": 0.28}, "cloud", "suspect", "0.30 mag fainter than in the clear"),
        ({"patch_mag": 0.45}, "cloud", "suspect", "a patch dims some stars by 0.45 mag more"),
        (
            {"halo": 1.25, "halo_neighbours": 1.24, "loss_mag": 0.2, "loss_neighbours_mag": 0.19},
            "frost",
            "suspect",
            "haloes are 14 % stronger than in the clear reference, stars 0.20 mag fainter",
        ),
        ({"fwhm_px": 3.6}, "defocus", "suspect", "FWHM 3.60 px is 1.50 times the clear reference's 2.40 px"),
        ({"fwhm_px": 4.8}, "defocus", "bad", "2.00 times"),
        ({"ellipticity": 0.6}, "trailed", "bad", "ellipticity 0.60 along 31° (0.06 in the clear reference)"),
        ({"ellipticity": 0.22}, "wind", "suspect", "ellipticity 0.22"),
        ({"off_track_px": 40}, "jump", "suspect", "40.0 px from where its neighbours say"),
        ({"aligned": False}, "jump", "suspect", "do not match the other frames"),
        ({"aligned": False, "near_cloud": True, "stars": 40}, "cloud", "bad", "40 stars are left of 310"),
        ({"stars": 90}, "few stars", "suspect", "90 where this sky would show about 302"),
        ({"sky": 700, "sky_jump": 1.75}, "bright sky", "suspect", "1.75 times its neighbours"),
        ({"sky": 700}, "bright sky", "suspect", "1.75 times what Sun (-30°), Moon (-10°) and air mass explain"),
        ({"sky": 900, "sky_expected": float("nan")}, "bright sky", "note", "2.3 times the clear reference"),
        ({"noise": 33}, "noise", "suspect", "1.51 times what a sky this bright gives"),
        ({"saturated_fraction": 0.02}, "saturated", "suspect", "2.0 % of the pixels"),
        ({"mesh_percent": 6.0, "sky": 700, "sky_jump": 1.7}, "aurora", "note", "uneven by 6.0 %"),
        ({"streaks": 2}, "streak", "note", "2 streaks"),
        (
            {"sun_altitude_deg": -10, "sky": 900, "sky_expected": 800, "sky_uncertain": 400},
            "twilight",
            "note",
            "the Sun is at -10.0°, the sky is 2.3 times",
        ),
        ({"moved_px": 0.3}, "too still", "note", "hot pixels will look fixed in the sky"),
        ({"stars": 0}, "no stars", "bad", "no stars (310 in the clear reference)"),
        ({"stars": 0, "sun_altitude_deg": -3, "sky": 390}, "no stars", "suspect", "the sky outshines them"),
    ],
)
def test_each_cause_is_named_with_its_figures(change, cause, severity, words):
    flag = science_flags(replace(GOOD, **change))[0]
    assert (flag.cause, flag.severity) == (cause, severity)
    assert words in flag.words
    assert cause in CAUSES


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"loss_mag": 0.62, "depth_loss_mag": 1.04}, "cloud: depth loss +1.04 mag, "),
        (
            {
                "halo": 1.25,
                "halo_neighbours": 1.24,
                "loss_mag": 0.2,
                "loss_neighbours_mag": 0.19,
                "depth_loss_mag": 0.3,
            },
            "frost: haloes are 14 % stronger than in the clear reference, depth loss +0.30 mag",
        ),
    ],
)
def test_lost_light_is_said_by_the_depth_that_the_table_shows_and_by_no_other_figure(change, words):
    said = science_flags(replace(GOOD, **change))[0].words
    assert said.startswith(words)
    assert f"{change['loss_mag']:.2f} mag" not in said


def test_haloes_that_only_their_neighbours_prove_are_told_with_them_and_not_by_the_frames_own_percent():
    halo = GOOD.halo_clear
    change = {"loss_mag": 0.35, "loss_neighbours_mag": 0.3, "halo": 1.01 * halo, "halo_neighbours": 1.2 * halo}
    said = science_flags(replace(GOOD, **change, may_freeze=False))[0]
    assert said.cause == "haloes"
    assert said.words.startswith(
        "haloes: 10 % stronger than in the clear reference, here and in the frames beside it, "
    ), "figure first: the end is what a narrow window cuts"


def test_a_sudden_loss_is_told_as_light_of_the_stars_against_what_the_frames_around_it_let_expect():
    said = science_flags(replace(GOOD, loss_mag=2.04, loss_neighbours_mag=0.48, depth_loss_mag=2.38))[0].words
    assert "depth loss +2.38 mag" in said
    assert said.endswith("its stars are 1.56 mag fainter than the frames around it let expect")


def test_lost_light_is_said_by_itself_where_the_depth_does_not_show_it():
    said = science_flags(replace(GOOD, loss_mag=0.3, depth_loss_mag=-0.1))[0].words
    assert "stars are 0.30 mag fainter than in the clear reference (depth loss -0.10 mag: a darker sky" in said


@pytest.mark.parametrize(("stars", "many"), [(1, "one star only"), (2, "2 stars only"), (4, "4 stars only")])
def test_a_frame_with_a_handful_of_stars_is_not_judged_rather_than_good(stars, many):
    flag = only(replace(GOOD, stars=stars, stars_clear=stars))
    assert (flag.cause, flag.severity) == (NOT_JUDGED, "note")
    assert many in flag.words
    assert flag.cause in CAUSES
    assert headline([flag]) == NOT_JUDGED


def test_a_frame_alone_in_its_group_is_not_judged_rather_than_good_and_what_speaks_against_it_is_said():
    flag = only(replace(GOOD, is_alone=True))
    assert (flag.cause, flag.severity, headline([flag])) == (NOT_JUDGED, "note", NOT_JUDGED)
    assert flag.words.startswith("not judged: alone in its group: no other frame")
    assert "3 stars only" in only(replace(GOOD, is_alone=True, stars=3, stars_clear=3)).words
    trailed = science_flags(replace(GOOD, is_alone=True, ellipticity=0.6, ellipticity_clear=0.6, coherence=0.9))
    assert [flag.cause for flag in trailed] == ["trailed"]


def test_five_stars_tell_a_frame_and_what_speaks_against_one_with_fewer_is_said():
    assert science_flags(replace(GOOD, stars=5, stars_clear=5)) == ()
    clouded = science_flags(replace(GOOD, stars=3, stars_clear=3, loss_mag=0.9))
    assert [flag.cause for flag in clouded] == ["cloud"]
    assert headline(clouded) == "cloud"


def test_a_trail_is_not_called_defocus_or_cloud_for_the_light_it_spills():
    assert only(replace(GOOD, ellipticity=0.6, fwhm_px=5.0, loss_mag=0.5, halo=1.3)).cause == "trailed"


@pytest.mark.parametrize(("stars", "severity"), [(4, "suspect"), (300, "bad")])
def test_of_a_trail_that_few_stars_tell_it_is_said_that_a_close_pair_looks_the_same(stars, severity):
    long = replace(GOOD, stars=stars, stars_clear=stars, ellipticity=0.47, coherence=0.95)
    trail = next(flag for flag in science_flags(long) if flag.cause == "trailed")
    assert trail.severity == severity
    assert trail.words.endswith("; only 4 stars show it, and a close pair of stars would look the same") == (stars == 4)


def test_a_trailed_frame_is_named_although_the_best_frames_of_its_group_are_trailed_too():
    flag = only(replace(GOOD, ellipticity=0.42, ellipticity_clear=0.42, coherence=0.97))
    assert (flag.cause, flag.severity) == ("trailed", "bad")
    assert "0.42 along 31°" in flag.words
    assert "optics and seeing make 0.30 at most" in flag.words
    assert "(the clear reference is long itself: 0.42); the telescope moved" in flag.words
    shaken = only(replace(GOOD, ellipticity=0.35, ellipticity_clear=0.30, coherence=0.97))
    assert (shaken.cause, shaken.severity) == ("wind", "suspect")


def test_a_trailed_frame_that_is_the_reference_of_its_group_says_so_instead_of_naming_itself_as_another():
    """Frame 068 of Jason: "the clear reference is long itself: 0.43" on a frame of an ellipticity of 0.43."""
    own = replace(GOOD, ellipticity=0.43, ellipticity_clear=0.43, coherence=0.97)
    alone = only(replace(own, reference_of=1)).words
    assert "(it is the reference of its group itself); the telescope moved" in alone
    assert "clear reference is long" not in alone
    assert "(it is one of the 2 reference frames of its group itself)" in only(replace(own, reference_of=2)).words


def test_of_a_value_just_above_its_limit_it_is_seen_that_it_is():
    """Frame 057 of Jason read "ellipticity 0.30 … judged against the 0.30"."""
    flag = only(replace(GOOD, ellipticity=0.3017, ellipticity_clear=0.25, coherence=0.97, trail_px=2.6))
    assert flag.words == (
        "trailed: ellipticity 0.302 along 31° all over the field, optics and seeing make 0.300 at most "
        "(the clear reference is long itself: 0.25); only 0.002 above that, uncertain by 0.020: look at it, the "
        "telescope may have moved evenly by 2.6 px"
    )


@pytest.mark.parametrize(
    ("ellipticity", "scatter", "severity"),
    [(0.31, 0.0, "suspect"), (0.322, 0.0, "bad"), (0.322, 0.03, "suspect"), (0.34, 0.03, "bad"), (0.42, 0.03, "bad")],
)
def test_what_lies_above_a_limit_by_less_than_it_is_known_is_suspect_and_not_bad(ellipticity, scatter, severity):
    e = replace(GOOD, ellipticity=ellipticity, ellipticity_clear=0.25, ellipticity_scatter=scatter, coherence=0.97)
    e = replace(e, stars=100.0)
    flag = only(replace(e, trail_px=2.6))
    assert (flag.cause, flag.severity) == ("trailed", severity)
    assert ("may have moved" in flag.words) == (severity == "suspect")


@pytest.mark.parametrize(
    "change",
    [
        {"ellipticity": 0.29},  # as long as a star that moved by less than 1.5 FWHM
        {"coherence": 0.6},  # corners of fast optics: long, but each its own way
        {"stars": 5},  # clumps of hot pixels
    ],
)
def test_what_optics_and_clumps_do_is_no_trail_where_the_whole_group_shows_it(change):
    long = replace(GOOD, ellipticity=0.5, ellipticity_clear=0.5, coherence=0.97, stars=60, stars_clear=60)
    assert "trailed" in {flag.cause for flag in science_flags(long)}
    causes = {flag.cause for flag in science_flags(replace(long, **change))}
    assert not causes & {"trailed", "wind"}


def test_stars_long_in_all_directions_are_no_wind():
    assert science_flags(replace(GOOD, ellipticity=0.2, coherence=0.1)) == ()


def test_wide_stars_scatter_more_under_aurora_and_are_no_cloud_for_it():
    curtain = replace(GOOD, mesh_percent=20.0, patch_mag=0.9, patchy_mag=0.45)
    wide = replace(curtain, fwhm_px=6.0, fwhm_clear_px=5.9)
    assert only(curtain).cause == "cloud"
    assert only(wide).cause == "aurora"


def test_stars_that_drown_in_a_curtain_of_aurora_are_no_cloud():
    assert only(replace(GOOD, mesh_percent=20.0, patch_mag=2.0)).cause == "aurora"
    assert only(replace(GOOD, mesh_percent=20.0, patch_mag=2.0, patchy_mag=0.4)).cause == "cloud"


def test_a_sudden_halo_is_not_frost():
    assert "frost" not in {f.cause for f in science_flags(replace(GOOD, halo=1.3, loss_mag=0.3))}


def test_a_fixed_slow_pattern_is_frost_where_haloes_are_not_measured():
    lost = replace(GOOD, halo=float("nan"), loss_mag=0.4, loss_neighbours_mag=0.38, patchy_mag=0.1)
    assert only(replace(lost, long_persistence=0.9)).cause == "frost"
    assert only(replace(lost, long_persistence=0.2)).cause == "cloud"


def test_a_jittery_night_asks_for_a_larger_loss():
    assert only(replace(GOOD, loss_mag=0.3)).cause == "cloud"
    assert science_flags(replace(GOOD, loss_mag=0.3, loss_scatter=0.08)) == ()


def test_fewer_stars_under_moonlight_are_explained():
    # The sky nine times as bright: a third of the stars.
    lit = {"sky": 3600, "sky_expected": 3600, "sky_jump": 1.0}
    assert science_flags(replace(GOOD, stars=100, **lit)) == ()


def test_the_gravest_comes_first_and_notes_last():
    flags = science_flags(replace(GOOD, loss_mag=0.3, ellipticity=0.6, streaks=1, saturated_fraction=0.02))
    order = [flag.severity for flag in flags]
    assert order == sorted(order, key=["bad", "suspect", "note"].index)
    assert order[0] == "bad"
    assert order[-1] == "note"


LOST = replace(GOOD, loss_mag=0.5, loss_neighbours_mag=0.45, persistence=0.3)


def test_light_that_is_slowly_lost_into_haloes_is_frost_even_if_the_haloes_are_weak():
    (flag,) = science_flags(replace(LOST, halo=1.17, halo_neighbours=1.15))
    assert flag.cause == "frost"


def test_haloes_too_uncertain_by_themselves_tell_frost_together_where_the_loss_grows_evenly():
    ramp = replace(LOST, halo=1.12, halo_neighbours=1.12, loss_growth_mag=0.1, loss_unsteady_mag=0.02, halo_share=0.07)
    assert only(ramp).cause == "frost"
    assert only(replace(ramp, halo_share=0.02)).cause == "cloud"
    assert only(replace(ramp, loss_unsteady_mag=0.2)).cause == "cloud"
    assert only(replace(ramp, loss_growth_mag=-0.1)).cause == "cloud"
    assert only(replace(ramp, may_freeze=False)).cause == "cloud"
    assert only(replace(ramp, loss_neighbours_mag=0.02)).cause == "cloud"


def test_light_that_is_slowly_lost_and_not_scattered_is_cloud():
    assert only(replace(LOST, halo=1.11, halo_neighbours=1.11)).cause == "cloud"
    # Two magnitudes are gone and hardly any of it is in the haloes: ice does not swallow light.
    thick = replace(LOST, loss_mag=2.0, loss_neighbours_mag=1.9, halo=1.17, halo_neighbours=1.15)
    assert only(thick).cause == "cloud"


def test_where_nothing_freezes_haloes_are_called_haloes():
    flag = only(replace(LOST, halo=float("nan"), halo_neighbours=1.18, may_freeze=False))
    assert flag.cause == "haloes"
    assert re.match(r"haloes: \d+ % stronger than in the clear reference, in the frames beside it, ", flag.words)
    assert flag.words.endswith("; dew, haze or thin cloud")
    assert "frost" not in flag.words


def test_a_halo_that_only_the_neighbours_show_still_tells_frost():
    assert only(replace(LOST, halo=float("nan"), halo_neighbours=1.18)).cause == "frost"


def test_a_sky_of_nothing_is_never_bright():
    for sky, clear in ((-0.9, -0.9), (3.0, 1.0), (-0.3, -0.9)):
        nothing = replace(GOOD, sky=sky, sky_clear=clear, sky_expected=float("nan"), noise=17.0)
        assert science_flags(nothing) == ()


def test_a_star_that_moved_by_twice_its_width_is_trailed_and_a_shaken_one_is_not():
    assert only(replace(GOOD, ellipticity=0.415)).cause == "trailed"
    assert only(replace(GOOD, ellipticity=0.385)).cause == "wind"


def test_one_clear_width_is_carried_to_the_frames_air_mass_and_the_words_say_so():
    there = replace(GOOD, fwhm_reference_px=1.42, airmass=2.0)
    flag = only(replace(there, fwhm_px=2.67, fwhm_clear_px=1.97))
    assert flag.cause == "defocus"
    assert flag.words == (
        "defocus: FWHM 2.67 px is 1.36 times the 1.97 px that the clear reference's 1.42 px become at this frame's "
        "air mass of 2.00, out of focus or worse seeing"
    )
    beside = only(replace(there, fwhm_px=1.9, fwhm_clear_px=1.43, airmass=1.1))
    assert beside.words == (
        "defocus: FWHM 1.90 px is 1.33 times the clear reference's 1.43 px, out of focus or worse seeing"
    )


def test_the_widest_frame_is_not_silent_where_its_air_mass_explains_it():
    low = replace(GOOD, fwhm_px=2.77, fwhm_clear_px=2.2, fwhm_reference_px=1.42, airmass=2.6)
    flag = only(low)
    assert (flag.cause, flag.severity) == ("low altitude", "note")
    assert flag.words == (
        "low altitude: FWHM 2.77 px is 1.95 times the clear reference's 1.42 px, but only 1.26 times the 2.20 px that "
        "these become at this frame's air mass of 2.60, which ordinary seeing explains"
    )
    assert not science_flags(replace(low, fwhm_px=1.7))
    assert not science_flags(replace(low, airmass=float("nan")))


def test_three_stars_of_a_short_exposure_tell_no_defocus():
    wide = {"fwhm_px": 2.5, "fwhm_clear_px": 1.38}
    assert "defocus" in {flag.cause for flag in science_flags(replace(GOOD, **wide, stars=40))}
    assert "defocus" not in {flag.cause for flag in science_flags(replace(GOOD, **wide, stars=3))}


@pytest.mark.parametrize(
    ("loss", "patchy", "words"),
    [
        (1.17, 0.10, "even to 0.10 mag over the field"),
        (0.72, 0.09, "even to 0.09 mag over the field"),
        (0.46, 0.146, "patchy, by 0.15 mag over the field"),
        (3.0, 0.44, "patchy, by 0.44 mag over the field"),
        (0.3, 0.03, "even to 0.03 mag over the field"),
        (0.3, 0.0, "even over the field"),
    ],
)
def test_cloud_is_called_patchy_by_its_figure_alone(loss, patchy, words):
    said = only(replace(GOOD, loss_mag=loss, loss_neighbours_mag=loss, patchy_mag=patchy)).words
    assert said.endswith(words)


CLOUDED = replace(GOOD, loss_mag=3.0, loss_neighbours_mag=3.0, sky=700, sky_jump=1.75)


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ({"sun_altitude_deg": -16.0}, "twilight"),
        ({"moon_altitude_deg": 20.0}, "the Moon or lamps"),
        ({}, "lamps or lightning"),
        ({"sun_altitude_deg": float("nan"), "moon_altitude_deg": float("nan")}, "twilight, the Moon or lamps"),
    ],
)
def test_a_bright_sky_under_cloud_is_laid_to_the_cloud_and_to_what_may_light_it(change, by):
    (bright,) = (f for f in science_flags(replace(CLOUDED, **change)) if f.cause == "bright sky")
    assert bright.words == f"bright sky: 1.75 times its neighbours; likely cloud, lit by {by}"
    under_stars = science_flags(replace(GOOD, sky=700, sky_jump=1.75, **change))[0]
    assert "a car" in under_stars.words, "without cloud it is none"


def test_cloud_explains_a_sky_brighter_than_sun_and_moon_make_it_too():
    (bright,) = (f for f in science_flags(replace(CLOUDED, sky_jump=1.0)) if f.cause == "bright sky")
    assert bright.words.endswith("air mass explain; likely cloud, lit by lamps or lightning")


UNSTEADY = replace(
    LOST,
    loss_mag=0.87,
    loss_neighbours_mag=0.9,
    halo=1.08 * GOOD.halo_clear,
    halo_neighbours=1.11 * GOOD.halo_clear,
    halo_share=0.01,
    loss_growth_mag=0.38,
    loss_unsteady_mag=0.93,
    may_freeze=False,
)
"""As a first look at a frame between clouds of the Jason night measured it."""


def test_light_that_comes_and_goes_with_weak_haloes_is_cloud_where_nothing_freezes_and_haloes_are_remarked():
    flag = only(UNSTEADY)
    assert (flag.cause, flag.severity) == ("cloud", "bad")
    assert flag.words.endswith("; haloes are 8 % stronger than in the clear reference")


@pytest.mark.parametrize(
    "change",
    [
        {"loss_unsteady_mag": 0.05},  # it came slowly: dew
        {"loss_growth_mag": 1.2},  # it grows more than it scatters
        {"halo": 1.4 * GOOD.halo_clear},  # strong haloes
        {"halo_share": 0.2},  # what is missing is found again in them
        {"loss_unsteady_mag": float("nan")},  # too few frames tell
    ],
)
def test_haloes_stay_haloes_where_they_are_strong_or_came_slowly(change):
    assert only(replace(UNSTEADY, **change)).cause == "haloes"


def test_where_ice_forms_a_cloud_that_passes_over_it_does_not_hide_it():
    assert only(replace(UNSTEADY, may_freeze=True)).cause == "frost"
