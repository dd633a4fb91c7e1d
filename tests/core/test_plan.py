"""Planning: which master feeds which frame, what is left out, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.config import Recipe
from pipeline_core.plan import Choices, build_plan
from pipeline_core.plan_words import run_warnings
from pipeline_core.types import Section
from tests.core.frames_helpers import frame, full_night, night, series

RECIPE = Recipe()


def names(plan, kind=None):
    return [m.name for m in plan.masters if kind in {None, m.kind}]


def science_warnings(plan):
    return " | ".join(w for s in plan.science for w in s.warnings)


def test_a_complete_night_needs_no_warning_and_says_its_equation():
    plan = build_plan(full_night(), RECIPE)
    assert names(plan) == ["bias", "dark_90s_-10C", "flat_R", "mask"]
    assert {s.equation for s in plan.science} == {"raw − dark_90s_-10C [holds bias] ÷ flat_R"}
    assert all(s.bias_in_dark and s.bias is None and s.mask == "mask" for s in plan.science)
    assert not science_warnings(plan)
    assert not plan.left_out


def test_masters_say_the_pedestal_that_comes_off_their_frames():
    groups = [(kind, 5 if kind != "science" else 2) for kind in ("bias", "dark", "flat", "science")]
    plan = build_plan(night(*(series(kind, n, pedestal_adu=100.0) for kind, n in groups)), RECIPE)
    assert [m.equation for m in plan.masters[:3]] == [
        "combine 5 biases, each less its pedestal of 100 ADU",
        "combine 5 darks of 90 s, each less its pedestal of 100 ADU [holds bias]",
        "combine 5 × (flat − pedestal of 100 ADU − bias) ÷ its median",
    ]
    assert "pedestal" not in " ".join(m.equation for m in build_plan(full_night(), RECIPE).masters)


def test_frames_of_one_master_with_different_pedestals_each_lose_their_own():
    biases = [*series("bias", 3, pedestal_adu=100.0), *series("bias", 2, pedestal_adu=0.0, folder="old")]
    plan = build_plan(night(biases, series("science", 2)), RECIPE)
    assert plan.master("bias").equation == "combine 5 biases, each less its pedestal"


def test_a_dark_that_matches_holds_the_bias_so_the_bias_is_not_subtracted_twice():
    plan = build_plan(full_night(), RECIPE)
    assert all(s.bias is None and s.dark is not None for s in plan.science)


def test_flats_without_matching_dark_take_the_bias():
    flat = build_plan(full_night(), RECIPE).master("flat_R")
    assert flat.bias == "bias"
    assert flat.dark is None
    assert "− bias" in flat.equation


def test_flat_darks_of_the_flats_exposure_are_preferred_over_darks():
    plan = build_plan(
        night(
            series("bias", 5),
            series("dark", 5),
            series("dark", 5, exposure_s=10.0, folder="short"),
            series("flatdark", 5, exposure_s=10.0),
            series("flat", 5),
            series("science", 2),
        ),
        RECIPE,
    )
    flat = plan.master("flat_R")
    assert flat.dark == "flatdark_10s_-10C"
    assert flat.dark_scales == (1.0,) * 5


def test_flat_darks_of_another_exposure_do_not_serve():
    plan = build_plan(
        night(
            series("bias", 5),
            series("dark", 5),
            series("flatdark", 5, exposure_s=45.0),
            series("flat", 5, exposure_s=5.0),
            series("science", 2),
        ),
        RECIPE,
    )
    assert plan.master("flat_R").dark is None
    assert any("flatdark_45s" in item.reason for item in plan.left_out)


def test_a_filter_without_flats_gets_no_flat_and_says_so():
    plan = build_plan(
        night(
            series("bias", 5),
            series("dark", 5),
            series("flat", 5, filter="Clear"),
            series("science", 2, filter="Clear"),
            series("science", 2, filter="Visual", folder="visual"),
        ),
        RECIPE,
    )
    by_filter = {s.path.split("/")[0]: s for s in plan.science}
    assert by_filter["science"].flat == "flat_Clear"
    assert by_filter["visual"].flat is None
    assert "no flat for filter Visual" in science_warnings(plan)


def test_flats_of_two_filters_become_two_masters_and_two_masks():
    plan = build_plan(
        night(
            series("dark", 5),
            series("flat", 5),
            series("flat", 5, filter="V", folder="v"),
            series("science", 2),
            series("science", 2, filter="V", folder="sv"),
        ),
        RECIPE,
    )
    assert names(plan, "flat") == ["flat_R", "flat_V"]
    assert sorted(names(plan, "mask")) == ["mask_R", "mask_V"]


def test_a_flat_of_a_filter_nobody_used_is_left_out_with_its_reason():
    plan = build_plan(
        night(
            series("dark", 5),
            series("flat", 5),
            series("flat", 1, filter="V", folder="v"),
            series("science", 2),
        ),
        RECIPE,
    )
    assert names(plan, "flat") == ["flat_R"]
    assert [(item.path, "flat_V" in item.reason) for item in plan.left_out] == [("v/flat_000.fits", True)]


def test_darks_with_another_filter_name_serve_because_no_light_reaches_them():
    darks = [frame(f"d/{i}.fits", "dark", filter="Ha") for i in range(5)]
    plan = build_plan(night(darks, series("flat", 5), series("science", 2)), RECIPE)
    assert all(s.dark == "dark_90s_-10C" for s in plan.science)


def test_a_longer_dark_is_scaled_only_with_a_bias_and_the_noise_is_said():
    frames = (series("dark", 5, exposure_s=120.0), series("flat", 5), series("science", 2))
    without = build_plan(night(*frames), RECIPE)
    assert all(s.dark is None for s in without.science)
    plan = build_plan(night(series("bias", 5), *frames), RECIPE)
    assert all(s.dark == "dark_120s_-10C" and s.dark_scale == pytest.approx(0.75) for s in plan.science)
    assert all(s.bias == "bias" and not s.bias_in_dark for s in plan.science)
    assert "scaled by 0.75" in science_warnings(plan)
    assert "take darks of 90 s" in science_warnings(plan)


@pytest.mark.parametrize("exposure_s", [60.0, 200.0])
def test_a_shorter_or_much_longer_dark_is_not_scaled(exposure_s):
    plan = build_plan(night(series("bias", 5), series("dark", 5, exposure_s=exposure_s), series("science", 2)), RECIPE)
    assert all(s.dark is None and s.bias == "bias" for s in plan.science)
    assert "only the bias is subtracted" in science_warnings(plan)


def test_exposures_within_the_tolerance_are_equal():
    plan = build_plan(night(series("dark", 5, exposure_s=90.3), series("science", 2)), RECIPE)
    assert all(s.dark_scale == 1.0 and s.dark is not None for s in plan.science)


def test_darks_at_another_temperature_serve_with_a_warning():
    plan = build_plan(night(series("dark", 5, temperature_c=-20.0), series("science", 2)), RECIPE)
    assert all(s.dark == "dark_90s_-20C" for s in plan.science)
    assert "10.0 °C away" in science_warnings(plan)


def test_of_two_temperatures_the_nearer_serves():
    plan = build_plan(
        night(
            series("dark", 5, temperature_c=-20.0, folder="cold"),
            series("dark", 5, temperature_c=-10.5),
            series("science", 2),
        ),
        RECIPE,
    )
    assert {s.dark for s in plan.science} <= {"dark_90s_-10C", "dark_90s_-11C"}
    assert not any("away" in w for s in plan.science for w in s.warnings)


def test_a_night_without_calibration_is_planned_with_warnings():
    plan = build_plan(night(series("science", 3)), RECIPE)
    assert len(plan.science) == 3
    assert {s.equation for s in plan.science} == {"raw"}
    assert "no bias and no dark" in science_warnings(plan)


def test_a_night_of_calibration_frames_only_makes_all_masters():
    plan = build_plan(night(series("bias", 5), series("dark", 5), series("flat", 5)), RECIPE)
    assert {"bias", "dark_90s_-10C", "flat_R"} <= set(names(plan))


def test_rejected_and_unknown_and_unusable_frames_are_left_out_with_their_reason():
    strange = frame("x.fits", "unknown")
    broken = frame("y.fits", "unknown", unusable="the file ends too early", layout=None, shape=None)
    plan = build_plan(
        night(series("dark", 5), series("science", 3), [strange, broken]),
        RECIPE,
        Choices(rejected={"science/science_001.fits": "cloud"}),
    )
    assert {item.path: item.reason for item in plan.left_out} == {
        "science/science_001.fits": "rejected: cloud",
        "x.fits": "unknown kind: nobody has said what it was taken for",
        "y.fits": "the file ends too early",
    }
    assert len(plan.science) == 2


def test_a_set_aside_dark_leaves_its_master_unless_it_is_kept():
    aside = {"dark/dark_002.fits": "it holds 212 stars"}
    plan = build_plan(full_night(), RECIPE, set_aside=aside)
    assert len(plan.master("dark_90s_-10C").frames) == 4
    assert plan.left_out[0].reason == "it holds 212 stars"
    kept = build_plan(full_night(), RECIPE, Choices(kept=frozenset(aside)), aside)
    assert len(kept.master("dark_90s_-10C").frames) == 5


def test_changing_a_kind_changes_the_plan():
    frames = full_night().frames
    changed = [
        frame(f.path, "flat", mid_utc=f.mid_utc, exposure_s=10.0) if f.path == "dark/dark_000.fits" else f
        for f in frames
    ]
    plan = build_plan(night(changed), RECIPE)
    assert len(plan.master("flat_R").frames) == 6
    assert len(plan.master("dark_90s_-10C").frames) == 4


def test_a_forced_master_is_used_and_one_that_is_missing_is_said():
    path = "science/science_000.fits"
    forced = Choices(forced={path: {"flat": "none", "dark": "dark_5s"}})
    plan = build_plan(full_night(), RECIPE, forced)
    chosen = next(s for s in plan.science if s.path == path)
    assert chosen.flat is None
    assert chosen.dark == "dark_90s_-10C"
    assert any("dark_5s" in w for w in chosen.warnings)


def test_a_forced_dark_of_another_exposure_is_warned_of_in_frame_plan_and_run():
    frames = night(series("bias", 5), series("dark", 5), series("dark", 5, folder="short", exposure_s=30.0),
                   series("flat", 5), series("science", 2))  # fmt: skip
    path = "science/science_000.fits"
    plan = build_plan(frames, RECIPE, Choices(forced={path: {"dark": "dark_30s_-10C"}}))
    chosen, other = plan.science
    assert (chosen.dark, chosen.dark_scale, chosen.bias_in_dark) == ("dark_30s_-10C", 1.0, True)
    assert "not scaled" in chosen.equation
    assert any("dark_30s_-10C was chosen" in words and "not scaled" in words for words in chosen.warnings)
    assert not other.warnings
    assert "not scaled" not in other.equation
    assert any("not scaled" in words for words in map(str, run_warnings(frames, plan, RECIPE, {}, [])))


def test_two_sizes_get_masters_of_their_own():
    small = {"shape": (40, 50), "binning": (2, 2)}
    plan = build_plan(
        night(
            series("dark", 5),
            series("science", 2),
            series("dark", 5, folder="b", **small),
            series("science", 2, folder="c", **small),
        ),
        RECIPE,
    )
    assert len(names(plan, "dark")) == 2
    for science in plan.science:
        assert plan.master(science.dark).geometry.ny == (40 if science.path.startswith("c/") else 80)


def test_calibration_of_another_size_is_left_out_with_the_reason():
    plan = build_plan(night(series("dark", 5, shape=(40, 50)), series("science", 2)), RECIPE)
    assert all("no science frame has its size" in item.reason for item in plan.left_out)


def test_overscan_is_used_for_all_kinds_or_for_none():
    strip, lit = Section(0, 80, 90, 100), Section(0, 80, 0, 90)
    with_it = {"overscan": strip, "trim": lit}
    everyone = build_plan(night(series("bias", 5, **with_it), series("science", 2, **with_it)), RECIPE)
    assert list(everyone.overscan.values()) == [(strip, lit)]
    assert all("− overscan" in s.equation for s in everyone.science)
    some = build_plan(night(series("bias", 5), series("science", 2, **with_it)), RECIPE)
    assert not some.overscan
    assert any("BIASSEC is not the same" in w for w in some.warnings)


def test_two_fields_in_a_night_are_two_groups():
    plan = build_plan(
        night(
            series("science", 3, object="A", ra_deg=10.0, dec_deg=-70.0),
            series("science", 3, object="B", ra_deg=20.0, dec_deg=-70.0, folder="b"),
        ),
        RECIPE,
    )
    assert sorted(len(paths) for paths in plan.groups.values()) == [3, 3]
    assert any(name.startswith("A ·") for name in plan.groups)


def test_hostile_filter_names_cannot_become_paths():
    plan = build_plan(
        night(series("flat", 3, filter="../../etc/x"), series("science", 1, filter="../../etc/x")), RECIPE
    )
    assert all("/" not in m.name and ".." not in m.name for m in plan.masters)


def test_an_unknown_exposure_matches_no_dark_and_says_how_to_mend_it():
    plan = build_plan(night(series("dark", 5), series("bias", 3), series("science", 1, exposure_s=None)), RECIPE)
    assert "set its exposure" in science_warnings(plan)


def test_bytes_needed_count_images_masks_and_uncertainties():
    plain = build_plan(full_night(), RECIPE)
    more = build_plan(full_night(), Recipe.model_validate({"calibrate": {"uncertainty": True}}))
    assert more.bytes_needed - plain.bytes_needed == 4 * 4 * 80 * 100


KINDS = st.sampled_from(["bias", "dark", "flat", "flatdark", "science", "other", "unknown"])


@given(
    st.lists(
        st.tuples(
            KINDS,
            st.sampled_from([None, "R", "V", ""]),
            st.sampled_from([None, 0.0, 1.0, 45.0, 90.0]),
            st.sampled_from([None, -20.0, -10.0]),
            st.sampled_from([(80, 100), (40, 50)]),
        ),
        max_size=25,
    )
)
def test_every_frame_of_any_night_is_used_or_left_out_with_a_reason(rows):
    frames = [
        frame(f"{i}.fits", kind, filter=name, exposure_s=exposure, temperature_c=temperature, shape=shape)
        for i, (kind, name, exposure, temperature, shape) in enumerate(rows)
    ]
    plan = build_plan(night(frames), RECIPE)
    used = {path for m in plan.masters for path in m.frames} | {s.path for s in plan.science}
    left_out = {item.path for item in plan.left_out}
    assert used | left_out == {f.path for f in frames}
    assert not used & left_out
    assert all(item.reason for item in plan.left_out)
    made = {m.name for m in plan.masters}
    needed = {n for s in plan.science for n in (s.bias, s.dark, s.flat, s.mask) if n}
    needed |= {n for m in plan.masters for n in (m.bias, m.dark, m.flat) if n}
    assert needed <= made
    assert len(made) == len(plan.masters)


def test_sections_that_the_recipe_names_replace_those_of_the_headers():
    recipe = Recipe(overscan={"section": "[91:100,1:80]", "trim": "[1:90,1:80]"})
    odd = [frame("science/odd.fits", "science", overscan=Section(0, 80, 95, 100))]
    plan = build_plan(night(series("bias", 3), series("science", 2), odd), recipe)
    assert list(plan.overscan.values()) == [(Section(0, 80, 90, 100), Section(0, 80, 0, 90))]
    assert not plan.warnings


def test_a_section_of_the_recipe_that_does_not_fit_is_a_warning_with_its_reason():
    plan = build_plan(night(series("science", 2)), Recipe(overscan={"section": "[91:200,1:80]"}))
    assert not plan.overscan
    assert "overscan.section" in plan.warnings[0]
    assert "leaves the image" in plan.warnings[0]


def test_flats_of_several_exposures_without_a_dark_are_one_warning():
    flats = [frame(f"flat/{i}.fits", "flat", exposure_s=e) for i, e in enumerate([2.7, 3.3, 4.5])]
    flat = build_plan(night(series("bias", 3), flats, series("science", 1)), RECIPE).master("flat_R")
    assert [w for w in flat.warnings if "no dark" in w] == [
        "no dark of 2.7, 3.3, 4.5 s (darks: none): only the bias is subtracted; take darks of 2.7, 3.3, 4.5 s"
    ]


def test_a_flat_dark_that_serves_no_flat_says_which_exposures_flats_have():
    plan = build_plan(night(series("flatdark", 3, exposure_s=45.0), series("flat", 3), series("science", 1)), RECIPE)
    words = {i.reason for i in plan.left_out}
    assert words == {"flatdark_45s_-10C is not needed: no flat takes a dark of 45 s (exposures: 10 s)"}


def test_flats_of_two_exposures_share_the_dark_that_most_want_scaled_for_the_others():
    plan = build_plan(
        night(series("bias", 5), series("flatdark", 3, exposure_s=10.0), series("flat", 4, exposure_s=10.0),
              series("flat", 2, exposure_s=6.0, folder="short"), series("science", 2)),
        RECIPE,
    )  # fmt: skip
    flat = plan.master("flat_R")
    assert flat.dark == "flatdark_10s_-10C"
    assert sorted(flat.dark_scales) == [0.6, 0.6, 1.0, 1.0, 1.0, 1.0]
    assert any("scaled by 0.6" in words for words in flat.warnings)


def test_without_a_bias_flats_that_the_dark_does_not_match_are_left_out_not_combined_with_their_zero_level():
    plan = build_plan(
        night(series("flatdark", 3, exposure_s=5.0), series("flatdark", 3, exposure_s=10.0, folder="d10"),
              series("flat", 3, exposure_s=5.0), series("flat", 2, exposure_s=10.0, folder="long"),
              series("science", 2)),
        RECIPE,
    )  # fmt: skip
    flat = plan.master("flat_R")
    assert flat.dark == "flatdark_5s_-10C"
    assert all(path.startswith("flat/") for path in flat.frames)
    reasons = {item.path: item.reason for item in plan.left_out}
    assert "there is no bias" in reasons["long/flat_000.fits"]
    assert "another dark serves" in reasons["d10/flatdark_000.fits"]


def test_a_scaled_dark_of_another_temperature_is_said_too():
    plan = build_plan(
        night(series("bias", 3), series("dark", 3, exposure_s=120.0, temperature_c=5.0), series("science", 1)), RECIPE
    )
    assert "scaled by 0.75" in science_warnings(plan)
    assert "15.0 °C away" in science_warnings(plan)


def test_a_bias_that_is_refused_or_missing_never_stands_in_an_equation():
    path = "science/science_000.fits"
    frames = night(series("bias", 3), series("dark", 3, exposure_s=120.0), series("science", 1))
    refused = build_plan(frames, RECIPE, Choices(forced={path: {"bias": "none"}})).science[0]
    assert "None" not in refused.equation
    assert refused.dark is None
    missing = build_plan(frames, RECIPE, Choices(forced={path: {"bias": "nosuch"}})).science[0]
    assert any("nosuch" in words for words in missing.warnings)


# -- a dark chosen for flats -------------------------------------------------------------------------------------


def flats_with(**dark_of):
    """Plan a night with two darks for its flats, where some flats had one chosen: flat_000="dark_30s_-10C"."""
    frames = night(series("bias", 5), series("dark", 5), series("dark", 5, folder="short", exposure_s=30.0),
                   series("flatdark", 5, exposure_s=10.0), series("flat", 3), series("science", 2))  # fmt: skip
    forced = {f"flat/{name}.fits": {"dark": dark} for name, dark in dark_of.items()}
    return build_plan(frames, RECIPE, Choices(forced=forced)).master("flat_R")


def test_a_dark_chosen_for_all_flats_of_a_filter_is_subtracted_from_them_as_it_is():
    assert flats_with().dark == "flatdark_10s_-10C"
    flat = flats_with(**dict.fromkeys(("flat_000", "flat_001", "flat_002"), "dark_30s_-10C"))
    assert (flat.dark, flat.dark_scales) == ("dark_30s_-10C", (1.0,) * 3)
    assert len(flat.frames) == 3
    assert "− dark_30s_-10C [holds bias]" in flat.equation
    assert [w for w in flat.warnings if "not scaled" in w and "10 s" in w], "it says what that leaves in the flat"


def test_a_chosen_dark_that_matches_the_flats_is_used_without_a_word():
    flat = flats_with(**dict.fromkeys(("flat_000", "flat_001", "flat_002"), "flatdark_10s_-10C"))
    assert (flat.dark, flat.warnings) == ("flatdark_10s_-10C", flats_with().warnings)


@pytest.mark.parametrize("others", [{}, {"flat_001": "none", "flat_002": "dark_90s_-10C"}])
def test_a_dark_that_is_not_chosen_for_all_flats_alike_is_refused_with_words(others):
    flat = flats_with(flat_000="dark_30s_-10C", **others)
    assert flat.dark == "flatdark_10s_-10C"
    (words,) = [w for w in flat.warnings if "chosen" in w]
    assert all(name in words for name in ("dark_30s_-10C", *others.values()))
    assert f"for {1 + len(others)} of the 3 flats" in words


def test_a_dark_chosen_for_flats_that_does_not_exist_is_said_with_those_that_do():
    flat = flats_with(**dict.fromkeys(("flat_000", "flat_001", "flat_002"), "dark_7s"))
    assert flat.dark == "flatdark_10s_-10C"
    assert any("dark_7s, does not exist (darks: flatdark_10s_-10C, " in words for words in flat.warnings)


# -- a bias chosen for flats -------------------------------------------------------------------------------------

FLATS = ("flat_000", "flat_001", "flat_002")


def flats_with_bias(*, dark_s=90.0, **bias_of):
    """Plan a night whose flats of 10 s have no dark of their exposure, where some had a bias chosen."""
    frames = night(series("bias", 5), series("dark", 5, exposure_s=dark_s), series("flat", 3), series("science", 2))
    forced = {f"flat/{name}.fits": {"bias": bias} for name, bias in bias_of.items()}
    return build_plan(frames, RECIPE, Choices(forced=forced)).master("flat_R")


def test_flats_go_without_a_bias_where_a_person_wants_none():
    assert flats_with_bias().bias == "bias"
    flat = flats_with_bias(**dict.fromkeys(FLATS, "none"))
    assert flat.bias is None
    assert "bias" not in flat.equation
    assert len(flat.frames) == 3


def test_flats_without_a_bias_take_no_scaled_dark():
    assert flats_with_bias(dark_s=20.0).dark_scales == (0.5,) * 3
    flat = flats_with_bias(dark_s=20.0, **dict.fromkeys(FLATS, "none"))
    assert (flat.bias, flat.dark, flat.dark_scales) == (None, None, (0.0,) * 3)


def test_the_bias_that_serves_anyway_is_chosen_without_a_word():
    flat = flats_with_bias(**dict.fromkeys(FLATS, "bias"))
    assert flat == flats_with_bias()


def test_a_bias_that_is_not_chosen_for_all_flats_alike_is_refused_with_words():
    flat = flats_with_bias(flat_000="none", flat_001="none")
    assert flat.bias == "bias"
    assert any("the bias that was chosen for it, none, was chosen for 2 of the 3 flats" in w for w in flat.warnings)


def test_a_bias_chosen_for_flats_that_does_not_exist_is_said():
    flat = flats_with_bias(**dict.fromkeys(FLATS, "nosuch"))
    assert flat.bias == "bias"
    assert any("the bias that was chosen for it, nosuch, does not exist" in words for words in flat.warnings)


def test_a_frame_without_a_bias_takes_no_scaled_dark_when_the_chosen_one_is_missing():
    path = "science/science_000.fits"
    frames = night(series("bias", 3), series("dark", 3, exposure_s=120.0), series("science", 1))
    science = build_plan(frames, RECIPE, Choices(forced={path: {"bias": "none", "dark": "nosuch"}})).science[0]
    assert (science.bias, science.dark) == (None, None)
    assert "None" not in science.equation
