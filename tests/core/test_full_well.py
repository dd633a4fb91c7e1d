"""Wells that fill below the converter's limit are noticed, against truth; a night of clean stars is never accused."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.config import Recipe
from pipeline_core.demo import detector
from pipeline_core.demo.night import make_demo_night
from pipeline_core.events import RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.run_record import last_run
from pipeline_core.science.full_well import bright_places, full_well, fullest_place
from pipeline_core.session import Place
from pipeline_core.types import Frame, FrameKind, MaskBit, Night
from pipeline_core.well_check import FullWell, full_wells

LIMIT = 65535.0
BIAS = 1000  # of the demo's detector, ADU, within its structure


def frames(rng, number, well=None, spread=0.0, count=60):
    """Places whose brightness falls as that of stars does (index -1), cut off at a well if there is one."""
    brightness = 20_000 / rng.random((number, count))
    full = well * (1 + spread * rng.standard_normal((number, count))) if well else LIMIT
    peaks = np.sort(np.minimum(brightness, full), axis=1)[:, ::-1]
    return [np.concatenate([[1000.0], row]) for row in peaks]


@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_places_that_end_at_one_level_tell_a_full_well_whether_it_is_sharp_or_differs_by_pixel(spread):
    level = full_well(frames(np.random.default_rng(1), 8, 40_000.0, spread), LIMIT)
    assert level == pytest.approx(40_000, rel=0.03)
    assert level < 40_000


def test_stars_whose_brightness_falls_off_are_never_taken_for_full_ones():
    for seed in range(300):
        rng = np.random.default_rng(seed)
        peaks = frames(rng, 1, count=int(rng.integers(2, 60)))[0]
        below = np.concatenate([peaks[:1], peaks[1:][peaks[1:] < 0.9 * LIMIT]])
        # The same stars all night, a little clearer or less clear: what is chance in one frame is in all of them.
        night = [np.concatenate([below[:1], below[1:] * scale]) for scale in rng.normal(1, 0.01, 8)]
        assert full_well(night, LIMIT) is None, f"seed {seed}"


def test_a_camera_that_reaches_its_limit_has_nothing_to_be_told():
    assert full_well(frames(np.random.default_rng(2), 8), LIMIT) is None
    assert full_well(frames(np.random.default_rng(2), 8, 40_000.0), 40_000.0) is None, "it is known already"


def test_two_frames_are_too_few_and_so_are_three_stars():
    rng = np.random.default_rng(3)
    assert full_well(frames(rng, 2, 40_000.0), LIMIT) is None
    assert full_well([frame[:4] for frame in frames(rng, 8, 40_000.0)], LIMIT) is None


def test_one_star_with_its_trail_is_one_place_and_an_even_field_has_none():
    image = np.full((400, 400), 1000, np.uint16)
    image[50:120, 60:62] = 40_000
    image[10, 10] = 30_000
    assert bright_places(image)[0].tolist() == [1000, 40_000, 30_000]
    flat = np.random.default_rng(4).normal(30_000, 200, (200, 200)).astype(np.float32)
    flat[0, 0] = np.nan
    assert len(bright_places(flat)[0]) == 1


@pytest.mark.parametrize(("well", "limit"), [(180.0, 255.0), (3950.0, 4095.0), (61_234.0, LIMIT)])
def test_the_level_is_told_as_finely_as_the_camera_counts(well, limit):
    level = full_well([frame * (well / 40_000) for frame in frames(np.random.default_rng(1), 8, 40_000.0)], limit)
    assert 0.99 * well < level < well


def test_a_frame_without_a_value_has_no_places_and_warns_nobody(recwarn):
    image = np.full((64, 64), np.nan, np.float32)
    assert np.isnan(bright_places(image)[0]).all()
    image[1, 1] = 7.0
    assert np.isnan(bright_places(image)[0]).all()
    assert not recwarn.list
    assert full_well([bright_places(image)[0]] * 8, LIMIT) is None


def test_a_frame_half_of_which_is_bright_costs_no_list_of_its_pixels():
    image = np.full((1024, 1024), 1000, np.uint16)
    image[:, 550:] = 60_000
    tracemalloc.start()
    assert len(bright_places(image)[0]) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * image.size, "a byte a pixel, and the sample of the sky; 16 for each bright one before"


def two_settings(most, other="b"):
    """Frames whose wells fill at 40,000 ADU, and others, binned, that reach some level."""
    rng = np.random.default_rng(1)
    shallow = dict(zip("ABCDEFGH", frames(rng, 8, 40_000.0), strict=True))
    places = {**shallow, **{f"{other}{k}": np.array([1000.0, most]) for k in range(3)}}
    made = {
        Frame(path, FrameKind.SCIENCE, 1, 1, shape=(99, 99), binning=(2, 2) if path in shallow else (1, 1),
              saturation_adu=LIMIT): {"bright_places_adu": places[path].tolist()}
        for path in places
    }  # fmt: skip
    return full_wells(Night(Path(), tuple(made)), {frame.path: told for frame, told in made.items()}, Recipe())


def test_a_level_is_proposed_for_a_whole_night_only_if_no_other_camera_setting_holds_more():
    (well,) = two_settings(30_000.0)
    assert not well.others_hold_more
    (well,) = two_settings(60_000.0)
    assert well.others_hold_more
    assert "reduce these as a night of their own" in well.finding.words


def demo(folder, **more):
    return make_demo_night(folder, size=512, n_science=8, n_bias=2, n_dark=2, n_flat=2, events=(), workers=1, **more)


def raw_of(folder, truth):
    return [fits.getdata(folder / frame.path) for frame in truth.frames if frame.kind is FrameKind.SCIENCE]


def told(seen):
    """What is told by frames of which :func:`bright_places` was taken."""
    places, insides = zip(*seen, strict=True)
    return full_well(places, LIMIT, insides)


def seen(folder, truth):
    return told([bright_places(image) for image in raw_of(folder, truth)])


def short_frame(seed):
    """A frame of a second: stars of a field, of which the brightest is far from full."""
    rng = np.random.default_rng(seed)
    image = rng.normal(BIAS, 5, (512, 512))
    image[rng.integers(0, 512, 60), rng.integers(0, 512, 60)] += 8 / rng.uniform(0.01, 1, 60)
    return image.astype(np.uint16)


def some_of(frames, rng):
    return [frames[k] for k in rng.choice(len(frames), rng.integers(1, len(frames) + 1), replace=False)]


@pytest.mark.parametrize("seed", [1, 3, 5, 11])
def test_a_clean_simulated_night_is_not_accused_whichever_of_its_frames_are_kept(tmp_path, seed):
    images = raw_of(tmp_path, demo(tmp_path, seed=seed))
    frames = [bright_places(image) for image in (*images, *map(short_frame, range(4)))]
    assert told(frames) is None
    rng = np.random.default_rng(seed)
    assert not [level for _ in range(200) if (level := told(some_of(frames, rng))) is not None]


@pytest.fixture(scope="module")
def shallow(tmp_path_factory):
    """A night whose wells hold 5,000 e⁻: 2,500 ADU above the zero level."""
    folder = tmp_path_factory.mktemp("shallow") / "night"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detector, "FULL_WELL_E", 5000.0)
        return folder, demo(folder, seed=1)


def test_the_level_of_a_night_with_shallow_wells_is_the_true_one(shallow):
    truth_adu = BIAS + 5000 / 2
    assert seen(*shallow) == pytest.approx(truth_adu, rel=0.05)
    assert seen(*shallow) <= truth_adu


def test_any_six_frames_of_a_night_with_shallow_wells_tell_it_however_many_short_ones_are_kept(shallow):
    images = raw_of(*shallow)
    frames, short = ([bright_places(image) for image in of] for of in (images, map(short_frame, range(9))))
    level = told(frames)
    assert told(short) is None
    for few in combinations(frames, 6):
        assert told(few) == pytest.approx(level, rel=0.02)
        assert told([*few, *short]) == told(few)


def test_a_run_warns_and_what_it_proposes_masks_the_full_pixels_and_ends_the_warning(shallow, tmp_path):
    folder, truth = shallow
    options, place = RunOptions(executor="threads"), Place(folder, tmp_path / "out")
    first = reduce_night(place, Recipe(), options, RunContext())
    level = first.proposed_saturation_adu
    assert level == seen(folder, truth)
    assert any(f"set calibrate.saturation_adu to {level:.0f}," in words for words in first.warnings)
    with Logbook.read_only(place.output) as logbook:
        record = last_run(logbook.database)
    assert record is not None
    assert record.proposed_saturation_adu == level, "known another day too"
    masters_only = reduce_night(place, Recipe(), replace(options, only="masters"), RunContext())
    assert masters_only.proposed_saturation_adu == level, "it looked at no science frame"
    well = first.full_well
    assert FullWell.of_document(record.full_well) == well
    full = {
        f.path: int((bright_places(fits.getdata(folder / f.path))[0][1:] >= level).sum())
        for f in truth.frames
        if f.kind is FrameKind.SCIENCE
    }
    assert well.spots == sum(full.values())
    assert set(well.paths) == {path for path, number in full.items() if number}
    assert full[well.paths[0]] == max(full.values()), "the one that shows it best comes first"
    assert sum(well.peaks[int(level / well.limit_adu * len(well.peaks)) :]) >= well.spots
    (found,) = [one for one in first.findings if "saturate from" in one.what]
    assert found.paths == well.paths
    assert f"{well.spots} bright stars and hot pixels" in found.why
    reduce_night(place, Recipe(), RunOptions(executor="threads", only="masters"), RunContext())  # counts none
    again = reduce_night(place, Recipe(calibrate={"saturation_adu": level}), options, RunContext())
    assert again.proposed_saturation_adu is None
    assert first.saturated == (0, 0)
    assert again.saturated_before == (0, 0)
    assert again.saturated_words.endswith(" frames (0 before)")
    once_more = reduce_night(place, Recipe(calibrate={"saturation_adu": level}), options, RunContext())
    assert once_more.saturated == again.saturated
    assert "before" not in once_more.saturated_words, "nothing changed"
    assert not any("saturate from" in words for words in again.warnings)
    for frame in truth.frames:
        if frame.kind is FrameKind.SCIENCE:
            stem = frame.path.removesuffix(".fits")
            mask = fits.getdata(place.output / f"calibrated/{stem}_CAL.fits", "MASK")
            full = fits.getdata(folder / frame.path) >= level
            assert full.sum() > 5
            assert (mask[full] & MaskBit.SATURATED).all()
            assert_level_is_told_in_the_files_own_values(place.output, stem, fits.getdata(folder / frame.path), level)


def assert_level_is_told_in_the_files_own_values(output, stem, raw, level_adu):
    """Zero level and dark current came off: no pixel of the file has the raw level times the gain."""
    image, header = fits.getdata(output / f"calibrated/{stem}_CAL.fits", header=True)
    mask = fits.getdata(output / f"calibrated/{stem}_CAL.fits", "MASK")
    flat = fits.getdata(output / f"masters/{header['MASTFLAT']}.fits") if "MASTFLAT" in header else 1.0
    of_level = image * flat - (raw.astype(float) - level_adu) * header["RAWGAIN"]
    # The zero level has a structure of some ADU.
    assert header["SATURATE"] == pytest.approx(np.median(of_level[mask == 0]), abs=10)


def test_frames_scaled_to_1_or_nearly_even_are_not_accused():
    """Rounded to a tenth of an ADU, as a run keeps them, their brightest places are no more than the sky."""
    assert full_well([np.zeros(5), np.zeros(5), np.full(5, 1000.0)], LIMIT) is None
    assert full_well([frame / 50_000 for frame in frames(np.random.default_rng(1), 8, 40_000.0)], 1.0) is None


def test_the_fullest_place_is_the_middle_of_the_largest_group_of_full_pixels():
    image = np.full((60, 80), 100, np.uint16)
    image[10, 5] = 60_000
    image[30:33, 50:55] = 40_000
    assert fullest_place(image, 40_000) == (52.0, 31.0)
    assert fullest_place(image, 50_000) == (5.0, 10.0)
    assert fullest_place(image, 60_001) is None
