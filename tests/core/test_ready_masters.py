"""Masters that exist already: when they serve, what they stand in for, and what a file becomes."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.config import Recipe
from pipeline_core.decisions import decided_frame
from pipeline_core.errors import DataError
from pipeline_core.io.fits_file import read_layout
from pipeline_core.io.masters_file import read_master, write_master
from pipeline_core.plan import Choices, build_plan
from pipeline_core.stages.ready_master import READY
from pipeline_core.types import FrameKind, Section
from tests.core.frames_helpers import frame, night, series

RECIPE = Recipe()
SHAPE = (80, 100)
BIAS_ADU = 1000.0


def existing(path, **facts):
    """A master as a scan sees it: of no kind until a person says one."""
    return frame(path, "other", is_master=True, **facts)


def named(master, **fields):
    """The same after a person's `astep set`."""
    return decided_frame(master, fields)


def reasons(plan):
    return {item.path: item.reason for item in plan.left_out}


# --- the plan


def test_an_existing_master_is_left_out_until_a_person_names_its_kind():
    master = existing("masters/dark.fits")
    plan = build_plan(night(series("bias", 5), [master], series("science", 2)), RECIPE)
    assert "kind=bias|dark|flat 'masters/dark.fits'" in reasons(plan)["masters/dark.fits"]
    assert all(s.dark is None for s in plan.science)


def test_a_named_master_dark_serves_and_the_plan_says_how():
    master = named(existing("masters/dark.fits"), kind="dark")
    plan = build_plan(night(series("bias", 5), [master], series("science", 2)), RECIPE)
    dark = plan.master("dark_90s_-10C")
    assert dark.is_ready
    assert dark.frames == ("masters/dark.fits",)
    assert "masters/dark.fits as it is" in dark.equation
    assert all(s.dark == dark.name and s.bias_in_dark for s in plan.science)


def test_a_named_master_stands_in_for_the_raw_frames_of_its_group_only():
    master = named(existing("m.fits"), kind="dark")
    short = series("dark", 5, exposure_s=30.0, folder="short")
    plan = build_plan(
        night(
            series("dark", 5), short, [master], series("science", 2), series("science", 1, exposure_s=30.0, folder="s")
        ),
        RECIPE,
    )
    assert plan.master("dark_90s_-10C").is_ready
    assert not plan.master("dark_30s_-10C").is_ready
    left = reasons(plan)
    assert sorted(left) == [f"dark/dark_{i:03d}.fits" for i in range(5)]
    assert "m.fits serves in its place" in left["dark/dark_000.fits"]


def test_a_master_of_another_exposure_scales_like_any_dark():
    master = named(existing("m.fits", exposure_s=120.0), kind="dark")
    plan = build_plan(night(series("bias", 5), [master], series("science", 1)), RECIPE)
    assert plan.science[0].dark_scale == pytest.approx(0.75)
    assert plan.science[0].bias == "bias"
    assert "− 0.75 × (dark_120s_-10C − bias)" in plan.science[0].equation


def test_the_exposure_and_filter_that_a_person_sets_decide_where_it_serves():
    dark = named(existing("d.fits", exposure_s=None), kind="dark", exposure_s=90.0)
    flat = named(existing("f.fits", filter=None), kind="flat", filter="R")
    plan = build_plan(night([dark, flat], series("science", 1)), RECIPE)
    assert plan.science[0].dark == "dark_90s_-10C"
    assert plan.science[0].flat == "flat_R"


def test_a_master_dark_without_exposure_is_left_out_with_the_remedy():
    dark = named(existing("d.fits", exposure_s=None), kind="dark")
    plan = build_plan(night([dark], series("science", 1)), RECIPE)
    assert "set it" in reasons(plan)["d.fits"]


def test_a_flat_needs_neither_dark_nor_raw_flats():
    flat = named(existing("f.fits", filter="R"), kind="flat")
    plan = build_plan(night(series("bias", 3), series("flat", 3), [flat], series("science", 1)), RECIPE)
    master = plan.master("flat_R")
    assert (master.is_ready, master.bias, master.dark, master.warnings) == (True, None, None, ())


def test_a_bias_or_dark_chosen_for_an_existing_master_flat_is_refused_with_words():
    flat = named(existing("f.fits", filter="R"), kind="flat")
    frames = night(series("bias", 3), series("dark", 3), [flat], series("science", 1))
    chosen = Choices(forced={"f.fits": {"bias": "bias", "dark": "none"}})
    (words,) = build_plan(frames, RECIPE, chosen).master("flat_R").warnings
    assert "the bias that was chosen for it, bias, is not taken off" in words


def test_of_two_masters_of_a_group_one_serves_and_the_other_says_which():
    masters = [named(existing(p), kind="bias") for p in ("a.fits", "b.fits")]
    frames = night(masters, series("science", 1))
    assert "a.fits serves in its place" in reasons(build_plan(frames, RECIPE))["b.fits"]
    rejected = build_plan(frames, RECIPE, Choices(rejected={"a.fits": ""}))
    assert rejected.master("bias").frames == ("b.fits",)


def test_a_trimmed_master_serves_frames_with_overscan_and_another_size_does_not():
    overscan, trim = Section(0, 80, 90, 100), Section(0, 80, 0, 90)
    science = series("science", 1, overscan=overscan, trim=trim)
    good = named(existing("good.fits", shape=(80, 90)), kind="bias")
    other = named(existing("other.fits", shape=(40, 50)), kind="flat", filter="R")
    plan = build_plan(night([good, other], science), RECIPE)
    assert plan.master("bias").is_ready
    assert "size and binning" in reasons(plan)["other.fits"]
    assert plan.overscan  # a master without sections does not switch the overscan off


def test_the_mask_of_an_existing_dark_looks_at_no_raw_frames():
    master = named(existing("m.fits"), kind="dark")
    plan = build_plan(night(series("dark", 5), [master], series("science", 1)), RECIPE)
    mask = plan.master(plan.science[0].mask)
    assert mask.frames == ()
    assert "unstable" not in mask.equation


def test_a_kind_taken_back_makes_it_an_existing_master_again():
    master = existing("m.fits")
    assert named(master, kind="dark").kind is FrameKind.DARK
    assert named(named(master), kind=None).kind is FrameKind.OTHER


# --- the file


def write(path, image, dtype=np.float32, **cards):
    hdu = fits.PrimaryHDU(np.asarray(image).astype(dtype))
    for key, value in cards.items():
        hdu.header[key] = value
    hdu.writeto(path)
    return path


def bring(path, kind, bias=None, **more):
    """Run the stage as the plan would; return the master and what was done to it."""
    settings = {
        "name": f"{kind}_x", "kind": kind, "file": path.name, "layout": asdict(read_layout(path)[1]),
        "shape": list(SHAPE), "overscan": None, "overscan_order": 1, "trim": None, "pedestal_adu": 0.0,
        "gain_e_per_adu": 2.0, "exposure_s": 90.0, "temperature_c": -10.0, "filter": "R" if kind == "flat" else None,
    } | more  # fmt: skip
    out = path.with_name("out.fits")
    made = READY.make(settings, {"file": path} | ({"bias": bias} if bias else {}), out, 1)
    return read_master(out, with_counts=True), made


def pattern(level, seed=3, sigma=2.0):
    return np.random.default_rng(seed).normal(level, sigma, SHAPE).astype(np.float32)


@pytest.fixture
def bias(tmp_path):
    path = tmp_path / "masters_bias.fits"
    write_master(path, pattern(BIAS_ADU, seed=1), {"HOLDBIAS": (True, "")})
    return path


def test_our_own_master_comes_back_pixel_by_pixel_with_its_uncertainty_and_counts(tmp_path, bias):
    image = pattern(1040)
    sigma, used = np.full(SHAPE, 0.7, np.float32), np.full(SHAPE, 9, np.uint8)
    write_master(tmp_path / "ours.fits", image, {"HOLDBIAS": (True, ""), "NCOMBINE": (9, "")}, sigma, used)
    master, made = bring(tmp_path / "ours.fits", "dark", bias)
    np.testing.assert_array_equal(master.image, image)
    np.testing.assert_array_equal(master.uncertainty, sigma)
    np.testing.assert_array_equal(master.n_used, used)
    assert (master.holds_bias, master.header["NCOMBINE"], made["n_frames"]) == (True, 9, 9)
    assert master.header["MADEFROM"] == "ours.fits"


@pytest.mark.parametrize("cards", [{"HOLDBIAS": False}, {"SUBBIAS": "subtract_bias"}, {"ZEROCOR": "Mar  2 bias.fits"}])
def test_a_dark_whose_header_says_the_bias_is_off_gets_it_back(tmp_path, bias, cards):
    # High enough that its level would say the contrary: the header's word counts.
    image = pattern(1200)
    master, made = bring(write(tmp_path / "d.fits", image, **cards), "dark", bias)
    np.testing.assert_allclose(master.image, image + read_master(bias).image, rtol=1e-6)
    assert master.holds_bias
    assert "master bias added" in made["did"]


def test_a_dark_without_the_bias_is_known_by_its_level(tmp_path, bias):
    image = pattern(12)
    master, made = bring(write(tmp_path / "mdark_90.fits", image), "dark", bias)
    np.testing.assert_allclose(master.image, image + read_master(bias).image, rtol=1e-6)
    assert "does not hold the bias (its level)" in made["did"]


def test_a_dark_with_the_bias_is_known_by_its_level(tmp_path, bias):
    image = pattern(BIAS_ADU + 30)
    master, made = bring(write(tmp_path / "mdark_90.fits", image), "dark", bias)
    np.testing.assert_array_equal(master.image, image)
    assert "holds the bias (its level)" in made["did"]


def test_a_dark_whose_level_tells_nothing_is_refused_with_the_card_to_write(tmp_path, bias):
    with pytest.raises(DataError, match=r"700\.0 ADU") as refused:
        bring(write(tmp_path / "d.fits", pattern(700, sigma=0.1)), "dark", bias)
    assert "HOLDBIAS" in refused.value.hint


def test_a_dark_without_bias_and_no_bias_at_all_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no bias") as refused:
        bring(write(tmp_path / "d.fits", pattern(3)), "dark")
    assert "kind=bias" in refused.value.hint


def test_siril_writes_parts_of_full_scale_and_they_become_adu(tmp_path, bias):
    image = pattern(BIAS_ADU + 40)
    path = write(tmp_path / "dark_stacked.fit", image / 65535, PROGRAM="Siril v1.2.0", STACKCNT=20, LIVETIME=1800.0)
    master, made = bring(path, "dark", bias)
    np.testing.assert_allclose(master.image, image, rtol=1e-6)
    assert made["n_frames"] == 20
    assert any("Siril" in words for words in made["did"])


def test_siril_files_of_16_bit_are_taken_as_they_are(tmp_path):
    image = np.round(pattern(BIAS_ADU)).astype(np.uint16)
    path = write(tmp_path / "bias_stacked.fit", image, np.uint16, PROGRAM="Siril v1.2.0", STACKCNT=20)
    master, _ = bring(path, "bias")
    np.testing.assert_array_equal(master.image, image)


def test_parts_of_full_scale_of_an_unknown_program_are_refused_with_a_hint(tmp_path):
    with pytest.raises(DataError, match="not in ADU") as refused:
        bring(write(tmp_path / "b.fits", pattern(BIAS_ADU) / 65535), "bias")
    assert "16 bit" in refused.value.hint


def test_a_master_in_electrons_is_divided_by_the_gain(tmp_path):
    master, _ = bring(write(tmp_path / "b.fits", pattern(BIAS_ADU) * 2, BUNIT="electron"), "bias")
    np.testing.assert_allclose(master.image, pattern(BIAS_ADU), rtol=1e-6)


def test_a_master_in_electrons_is_refused_where_the_gain_is_unknown(tmp_path):
    with pytest.raises(DataError, match="gain is unknown"):
        bring(write(tmp_path / "b.fits", pattern(2000), BUNIT="electron"), "bias", gain_e_per_adu=None)


@pytest.mark.parametrize("level", [31_000.0, 1.0, 0.4])
def test_any_flat_gets_median_1_and_its_uncertainty_with_it(tmp_path, level):
    response = np.random.default_rng(5).normal(1, 0.02, SHAPE).astype(np.float32)
    path = tmp_path / "f.fits"
    write_master(path, response * np.float32(level), {}, np.full(SHAPE, 0.01 * level, np.float32))
    master, _ = bring(path, "flat")
    np.testing.assert_allclose(master.image, response / np.median(response), rtol=1e-5)
    assert np.median(master.image) == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(master.uncertainty, 0.01 / np.median(response), rtol=1e-5)
    assert not master.holds_bias


def test_a_raw_sized_master_loses_its_overscan_and_its_margin(tmp_path):
    image = pattern(BIAS_ADU)
    image[:, 90:] = BIAS_ADU
    master, _ = bring(write(tmp_path / "b.fits", image), "bias", overscan=[0, 80, 90, 100], trim=[0, 80, 0, 90])
    np.testing.assert_allclose(master.image, image[:, :90] - BIAS_ADU, atol=0.01)


def test_a_trimmed_master_whose_overscan_was_subtracted_is_taken_as_it_is(tmp_path):
    image = pattern(0.5)[:, :90]
    master, _ = bring(write(tmp_path / "b.fits", image), "bias", overscan=[0, 80, 90, 100], trim=[0, 80, 0, 90])
    np.testing.assert_array_equal(master.image, image)


def test_a_trimmed_master_that_still_holds_its_overscan_level_is_refused(tmp_path):
    path = write(tmp_path / "b.fits", pattern(BIAS_ADU)[:, :90])
    with pytest.raises(DataError, match="overscan was cut off") as refused:
        bring(path, "bias", overscan=[0, 80, 90, 100], trim=[0, 80, 0, 90])
    assert "overscan.use" in refused.value.hint


def test_unknown_pixels_stay_unknown_and_infinite_ones_become_so(tmp_path):
    image = pattern(BIAS_ADU)
    image[3, 4], image[5, 6] = np.nan, np.inf
    master, _ = bring(write(tmp_path / "b.fits", image), "bias")
    assert np.flatnonzero(~np.isfinite(master.image)).tolist() == [304, 506]
    assert np.isnan(master.image[5, 6])


def test_a_master_without_values_is_refused(tmp_path):
    with pytest.raises(DataError, match="hardly any value"):
        bring(write(tmp_path / "b.fits", np.full(SHAPE, np.nan)), "bias")


def test_a_pedestal_that_its_raw_frames_had_is_subtracted_once(tmp_path, bias):
    holds, _ = bring(write(tmp_path / "a.fits", pattern(BIAS_ADU + 130)), "dark", bias, pedestal_adu=100.0)
    assert np.median(holds.image) == pytest.approx(BIAS_ADU + 30, abs=0.1)
    free, _ = bring(write(tmp_path / "b.fits", pattern(30), HOLDBIAS=False), "dark", bias, pedestal_adu=100.0)
    assert np.median(free.image) == pytest.approx(BIAS_ADU + 30, abs=0.1)


def test_a_compressed_master_is_read_too(tmp_path):
    path = tmp_path / "b.fits.gz"
    write(path, pattern(BIAS_ADU))
    master, _ = bring(path, "bias")
    np.testing.assert_array_equal(master.image, pattern(BIAS_ADU))


def test_a_master_becomes_stale_when_its_file_changes_and_not_otherwise():
    from pipeline_core.tasks import TaskBuilder

    def key(master):
        frames = night([master], series("science", 1))
        return TaskBuilder(frames, build_plan(frames, RECIPE), RECIPE, {}).build().masters["bias"].key

    master = named(existing("m.fits"), kind="bias")
    assert key(master) == key(replace(master))
    assert key(master) != key(replace(master, mtime_ns=2))


@pytest.mark.parametrize("kind", ["bias", "dark", "flat", "flatdark"])
def test_the_command_that_makes_a_master_serve_names_the_kind_that_the_scan_saw(kind):
    master = existing("m.fits", problems=(f"already a master {kind} of 20 frames: not used unless you say so",))
    plan = build_plan(night([master], series("science", 1)), RECIPE)
    assert f"kind={kind} 'm.fits'" in reasons(plan)["m.fits"]


def test_a_dark_that_gets_its_bias_back_gets_the_noise_of_the_bias_too(tmp_path):
    level, free = tmp_path / "bias.fits", tmp_path / "d.fits"
    write_master(level, pattern(BIAS_ADU), {}, np.full(SHAPE, 4.0, np.float32))
    write_master(free, pattern(10), {"HOLDBIAS": (False, "")}, np.full(SHAPE, 3.0, np.float32))
    master, _ = bring(free, "dark", level)
    np.testing.assert_allclose(master.uncertainty, 5.0)
