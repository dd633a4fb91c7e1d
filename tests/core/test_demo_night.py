"""A demo night on disk: the telescope's layout, the truth beside it, and the two agree."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.demo.events import ALL_EVENTS, EVENTS, schedule
from pipeline_core.demo.night import make_demo_night
from pipeline_core.demo.truth import (
    cosmic_pixels,
    expected_electrons,
    expected_noise,
    load_truth,
    star_positions,
)
from pipeline_core.errors import DataError, UsageError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.measures import CAUSES
from pipeline_core.types import FrameKind, MaskBit
from tests.core.truth_checks import compare_cosmics, compare_flags, compare_pixels, compare_stars, overfull


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spoilt")
    return folder, make_demo_night(folder, size=256, seed=3, n_science=40, n_bias=3, n_dark=5, n_flat=5)


@pytest.fixture(scope="module")
def perfect(tmp_path_factory):
    folder = tmp_path_factory.mktemp("perfect")
    truth = make_demo_night(folder, size=512, seed=4, n_science=4, n_bias=2, n_dark=2, n_flat=2, events=())
    return folder, truth


def calibrated(folder, truth, path):
    """Calibrate with the true bias, dark and flat; mask as a perfect program would."""
    raw = fits.getdata(folder / path).astype(np.float32)
    chip, frame = truth.detector, truth.frame(path)
    image = (raw - chip.bias_adu()) * truth.gain_e_per_adu - chip.dark_e_per_s() * frame.exposure_s
    mask = np.zeros(raw.shape, np.uint8)
    mask[raw >= 65535] |= MaskBit.SATURATED
    mask.ravel()[chip.unstable] |= MaskBit.UNSTABLE
    mask.ravel()[chip.dead] |= MaskBit.BAD
    return image / chip.flats[frame.filter], mask


def test_every_file_of_the_truth_exists_and_no_other_frame(spoilt):
    folder, truth = spoilt
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*.fits")}
    assert on_disk == {frame.path for frame in truth.frames}
    assert len(on_disk) == 40 + 3 + 10 + 10


def test_the_truth_holds_nothing_that_could_be_taken_for_a_frame(spoilt):
    names = {path.name for path in (spoilt[0] / "truth").iterdir()}
    assert names == {"truth.json", "stars.npz", "cosmics.npz"}


def test_the_layout_and_the_headers_are_the_telescopes(spoilt):
    folder, truth = spoilt
    for kind, word, where in (
        (FrameKind.SCIENCE, "SCIENCE", "-CAMS/"),
        (FrameKind.FLAT, "SKYFLAT", "-CAMS_SKYFLAT/"),
        (FrameKind.BIAS, "BIAS", "-CAMS/"),
    ):
        paths = [frame.path for frame in truth.frames if frame.kind is kind]
        assert all(word in path and where in path for path in paths)
    frame = next(frame for frame in truth.frames if frame.kind is FrameKind.SCIENCE)
    header = fits.getheader(folder / frame.path)
    assert (header["BITPIX"], header["BZERO"], header["EXPTIME"], header["FILTER"]) == (
        16,
        32768,
        90.0,
        frame.filter,
    )
    assert header["DATE-OBS"] == frame.start_utc.replace(tzinfo=None).isoformat(timespec="milliseconds")
    assert (header["GAIN"], header["RDNOISE"], header["TELESCOP"]) == (2.0, 9.0, "ASTEP 400")


def test_truth_survives_being_saved_and_read(spoilt):
    folder, truth = spoilt
    read = load_truth(folder)
    assert read.frames == truth.frames
    assert read.planted == truth.planted
    assert np.array_equal(read.stars.flux_e["V"], truth.stars.flux_e["V"])
    path = truth.good_science()[0]
    assert np.array_equal(cosmic_pixels(read, path)[1], cosmic_pixels(truth, path)[1])
    assert np.array_equal(expected_electrons(read, path), expected_electrons(truth, path))


def test_the_same_seed_makes_the_same_files_whatever_the_number_of_threads(tmp_path):
    for name, workers in (("a", 1), ("b", 3)):
        make_demo_night(
            tmp_path / name, size=256, seed=9, n_science=3, n_bias=1, n_dark=1, n_flat=1, workers=workers
        )
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.fits"))
    assert len(files) == 3 + 1 + 2 + 2
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_frames_are_in_time_order_without_overlap_and_noon_is_in_the_middle(spoilt):
    frames = spoilt[1].frames
    gaps = [(b.start_utc - a.start_utc).total_seconds() - a.exposure_s for a, b in pairwise(frames)]
    assert min(gaps) > 0
    altitudes = [frame.sun_altitude_deg for frame in frames if frame.kind is FrameKind.SCIENCE]
    assert abs(int(np.argmax(altitudes)) - len(altitudes) / 2) <= 1
    assert max(altitudes) == pytest.approx(-8.5, abs=0.3)
    assert min(altitudes) < -25


def test_every_event_of_the_table_is_planted_with_a_known_cause(spoilt):
    planted = spoilt[1].planted
    assert {row.event for row in planted} == ALL_EVENTS - {"asteroids"}
    assert {row.cause for row in planted} <= set(CAUSES)
    assert all(any(row.plain for row in planted if row.event == event.name) for event in EVENTS)
    assert {row.path for row in planted} <= {frame.path for frame in spoilt[1].frames}


def test_a_frame_suffers_from_one_event_and_enough_frames_from_none():
    for number in (1, 4, 12, 40, 200):
        trouble = schedule(number, ALL_EVENTS)
        assert len(trouble) <= 0.6 * number + 1
        assert all(0 <= index < number for index in trouble)


def test_a_perfect_night_has_nothing_planted(perfect):
    truth = perfect[1]
    assert truth.planted == ()
    assert len(truth.good_science()) == 4


def test_the_truncated_file_is_shorter_than_its_header_says(spoilt):
    folder, truth = spoilt
    path = next(row.path for row in truth.planted if row.event == "truncated")
    assert (folder / path).stat().st_size < 256 * 256 * 2
    assert len(truth.troubles(path)) == 1


def test_the_saturated_flat_and_the_dark_with_stars_are_on_disk_what_the_truth_says(spoilt):
    folder, truth = spoilt
    flat = next(row.path for row in truth.planted if row.event == "saturated flat")
    assert np.mean(fits.getdata(folder / flat) == 65535) > 0.9
    dark = next(row.path for row in truth.planted if row.event == "stars in dark")
    x, y, flux = star_positions(truth, dark)
    inside = (x > 5) & (x < 250) & (y > 5) & (y < 250)
    brightest = np.argmax(np.where(inside, flux, 0))
    counts = fits.getdata(folder / dark).astype(float)
    assert counts[round(y[brightest]), round(x[brightest])] > np.median(counts) + 100


def test_three_asteroids_move_at_their_rates_and_shine_where_they_are(spoilt):
    truth = spoilt[1]
    science = [frame for frame in truth.frames if frame.kind is FrameKind.SCIENCE]
    hours = (science[-1].start_utc - science[0].start_utc).total_seconds() / 3600
    first, last = np.array(science[0].sky.asteroids), np.array(science[-1].sky.asteroids)
    rates = np.hypot(*(last - first)[:, :2].T) * 0.93 / (hours * 60)
    assert rates == pytest.approx([0.2, 0.5, 1.0], rel=1e-6)
    middle = science[20]
    with_them = expected_electrons(truth, middle.path)
    bare = replace(truth, frames=(replace(middle, sky=replace(middle.sky, asteroids=())),))
    added = with_them - expected_electrons(bare, middle.path)
    assert added.sum() == pytest.approx(38_000, rel=0.02)


def test_raw_frames_are_the_expected_light_through_the_chip(perfect):
    folder, truth = perfect
    for path in truth.good_science():
        image, mask = calibrated(folder, truth, path)
        report = compare_pixels(truth, path, image, mask)
        # 260,000 pixels: the mean is known to 0.002 sigma, the bias drift is 0.1 ADU of ~22 e⁻.
        assert abs(report.offset_sigma) < 0.04
        assert report.pull_sigma == pytest.approx(1, abs=0.01)
        assert report.level_ratio == pytest.approx(1, abs=0.003)
        assert report.pixels > 0.97 * image.size


def test_stars_of_a_perfect_calibration_have_their_flux_and_none_is_hurt(perfect):
    folder, truth = perfect
    path = truth.good_science()[0]
    image, mask = calibrated(folder, truth, path)
    report = compare_stars(truth, path, image, mask)
    assert report.stars > 15
    assert report.flux_ratio == pytest.approx(1, abs=0.005)
    assert report.hurt == 0


def test_a_star_whose_core_was_taken_for_a_cosmic_ray_counts_as_hurt(perfect):
    folder, truth = perfect
    path = truth.good_science()[0]
    image, mask = calibrated(folder, truth, path)
    x, y, flux = star_positions(truth, path)
    usable = (
        (x > 20)
        & (x < 490)
        & (y > 20)
        & (y < 490)
        & (flux < 1e5)
        & ~overfull(truth, path)[
            np.clip(np.rint(y), 0, 511).astype(int), np.clip(np.rint(x), 0, 511).astype(int)
        ]
    )
    star = np.argmax(np.where(usable, flux, 0))
    core = (round(y[star]), round(x[star]))
    mask[core] |= MaskBit.COSMIC
    image[core] = np.median(image)
    assert compare_stars(truth, path, image, mask).hurt == 1


def test_completeness_is_one_for_the_true_mask_and_nothing_for_an_empty_one(perfect):
    folder, truth = perfect
    path = truth.good_science()[1]
    mask = calibrated(folder, truth, path)[1]
    nothing = compare_cosmics(truth, path, mask)
    hit = cosmic_pixels(truth, path)[0]
    everything = compare_cosmics(truth, path, mask | np.where(hit, MaskBit.COSMIC, 0).astype(np.uint8))
    assert nothing.events > 3
    assert (nothing.events_found, nothing.pixels_found) == (0, 0)
    assert (everything.event_completeness, everything.pixel_completeness, everything.false_pixels) == (
        1,
        1,
        0,
    )
    false = mask.copy()
    quiet = np.argwhere(~hit)[len(mask) * 50]
    false[tuple(quiet)] |= MaskBit.COSMIC
    assert compare_cosmics(truth, path, false).false_pixels <= 1


def test_flags_are_compared_by_cause_and_good_frames_count_false_alarms(spoilt):
    truth = spoilt[1]
    right = {}
    for row in truth.planted:
        right.setdefault(row.path, []).append(row.cause)
    perfect_report = compare_flags(truth, right)
    assert (perfect_report.missed, perfect_report.false_alarms) == ((), ())
    assert perfect_report.named == sum(row.plain for row in truth.planted)
    blind = compare_flags(truth, {})
    assert len(blind.missed) == perfect_report.named
    good = truth.good_science()[0]
    alarmed = compare_flags(truth, {**right, good: ["cloud"]})
    assert alarmed.false_alarms == ((good, ("cloud",)),)
    assert alarmed.false_alarm_rate == pytest.approx(1 / alarmed.good)


def test_noise_grows_with_the_sky(spoilt):
    truth = spoilt[1]
    science = [frame for frame in truth.frames if frame.kind is FrameKind.SCIENCE and frame.filter == "R"]
    dark, bright = (np.median(expected_noise(truth, frame.path)) for frame in (science[0], science[10]))
    assert bright > 1.5 * dark


def test_a_cancelled_demo_stops_and_leaves_no_truth(tmp_path):
    context = RunContext(lambda event: context.cancel() if event.kind == "progress" else None)
    with pytest.raises(Cancelled):
        make_demo_night(tmp_path, size=256, n_science=20, n_bias=2, n_dark=2, n_flat=1, ctx=context)
    assert not (tmp_path / "truth" / "truth.json").exists()


@pytest.mark.parametrize(
    "wrong", [{"size": 100}, {"fwhm_px": 0.5}, {"events": ("earthquake",)}, {"n_science": -1}]
)
def test_settings_that_make_no_sense_are_refused_with_a_hint(tmp_path, wrong):
    with pytest.raises(UsageError) as caught:
        make_demo_night(tmp_path / "night", **wrong)
    assert caught.value.hint
    assert not (tmp_path / "night").exists()


def test_a_folder_without_truth_and_a_truth_of_another_version_are_refused(tmp_path):
    with pytest.raises(DataError, match="astep demo"):
        load_truth(tmp_path)
    make_demo_night(tmp_path, size=256, n_science=1, n_bias=0, n_dark=0, n_flat=0, events=())
    file = tmp_path / "truth" / "truth.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
    with pytest.raises(DataError, match="another version"):
        load_truth(tmp_path)


def test_asking_for_the_light_of_a_bias_or_of_an_unknown_frame_is_an_error(spoilt):
    truth = spoilt[1]
    bias = next(frame.path for frame in truth.frames if frame.kind is FrameKind.BIAS)
    for path in (bias, "nowhere.fits"):
        with pytest.raises(UsageError):
            expected_electrons(truth, path)
