"""Cosmic-ray settings tried on a part of a frame: the run's own step, told in hits and stars."""

import numpy as np
import pytest

from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.cosmic_preview import cosmic_ground, cosmic_preview
from pipeline_core.errors import NightError
from pipeline_core.on_demand import night_tasks
from pipeline_core.scan import scan_night
from pipeline_core.science.frame_cosmic import CosmicChoices
from pipeline_core.science.star_places import star_places
from pipeline_core.science.stars_touched import still_there
from pipeline_core.stages.science import reduce_file
from pipeline_core.steps import input_files
from pipeline_core.types import MaskBit, Section

PART = Section(40, 200, 30, 220)
WHOLE = Section(0, 256, 0, 256)


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """A science frame of a demo night with its masters made: (task, output)."""
    root = tmp_path_factory.mktemp("preview")
    assert main(["demo", str(root / "night"), "--size", "256", "--frames", "6", "--quiet"]) == 0
    run = ["reduce", str(root / "night"), "-o", str(root / "out"), "--only", "masters", "--executor", "threads"]
    assert main([*run, "--workers", "1", "--quiet"]) == 0
    tasks = night_tasks(scan_night(root / "night", use_cache=False), Recipe(), root / "out").science
    return next(iter(tasks.values())), root / "out"


@pytest.fixture(scope="module")
def ground(frame):
    return cosmic_ground(*frame)


def of_the_run(frame, **changed):
    """Return the numbers, the hits and the cleaned image of the run's own step."""
    task, output = frame
    settings = {**task.settings, "cosmic": {**task.settings["cosmic"], **changed}}
    made = reduce_file(settings, input_files(task, output))
    return made.made, (made.mask & MaskBit.COSMIC) != 0, made.image


@pytest.mark.parametrize("sigclip", [3.0, 4.5, 7.0])
def test_of_the_whole_frame_it_finds_what_the_run_finds_pixel_by_pixel(frame, ground, sigclip):
    """Left-overs of hot pixels too: of what looks like a hit, the dark explains some."""
    preview = cosmic_preview(ground, WHOLE, CosmicChoices(sigclip=sigclip))
    numbers, hits, cleaned = of_the_run(frame, sigclip=sigclip)
    np.testing.assert_array_equal(preview.hits, hits)
    np.testing.assert_array_equal(preview.cleaned, cleaned)
    assert (preview.events, preview.pixels) == (numbers["cosmic_events"], numbers["cosmic_pixels"])


def test_the_dark_explains_some_of_what_looks_like_a_hit_in_this_frame(frame):
    """Else the comparison with the run above would say nothing of them."""
    numbers, hits, _ = of_the_run(frame, sigclip=2.5)
    assert numbers["hot_leftovers"] > 0
    assert hits.any()


def test_the_hits_of_a_part_are_those_of_the_run_there(frame, ground):
    preview = cosmic_preview(ground, PART, CosmicChoices(**frame[0].settings["cosmic"]))
    hits = of_the_run(frame)[1][PART.slices]
    assert hits.any()
    np.testing.assert_array_equal(preview.hits, hits)
    np.testing.assert_array_equal(preview.cleaned[~preview.hits], preview.before[~preview.hits])


def test_a_track_that_looks_like_a_star_is_not_counted_as_a_star_touched():
    """Three of a Jason frame were: no setting could make them none, since they are hits."""
    y, x = np.indices((80, 80))
    before = np.random.default_rng(3).normal(100.0, 5.0, (80, 80)).astype(np.float32)
    before += (600 * np.exp(-((x - 50) ** 2 + (y - 50) ** 2) / (2 * 0.85**2))).astype(np.float32)
    cleaned = before.copy()
    track = (np.array([18, 19, 19, 20]), np.array([19, 19, 20, 21]))
    before[track] += (520, 380, 490, 210)
    cleaned[50, 50] = (cleaned[49, 50] + cleaned[51, 50]) / 2  # a star that lost its peak is a star nevertheless
    stars = np.array([19.7, 50.0, 200.0]), np.array([19.0, 50.0, 3.0])
    assert still_there(*stars, 2.0, before, cleaned).tolist() == [False, True, False]


def test_a_lower_threshold_finds_more_and_without_protection_stars_are_touched(ground):
    usual = cosmic_preview(ground, PART, CosmicChoices())
    eager = cosmic_preview(ground, PART, CosmicChoices(sigclip=2.0, objlim=0.5, protect_below_fwhm_px=0.0))
    assert eager.events > usual.events
    assert (usual.touched, eager.touched > 0) == (0, True)
    assert usual.words == f"hits: {usual.events} ({usual.pixels} pixels) · stars touched: 0 of {usual.checked}"


def test_switched_off_nothing_is_hit(ground):
    preview = cosmic_preview(ground, PART, None)
    assert (preview.events, preview.pixels, preview.touched, preview.hits.any()) == (0, 0, 0, False)
    assert preview.checked == cosmic_preview(ground, PART, CosmicChoices()).checked > 0


def test_before_the_masters_are_made_it_is_refused_with_a_remedy(frame, tmp_path):
    with pytest.raises(NightError, match="made yet"):
        cosmic_ground(frame[0], tmp_path)


def test_it_can_be_ended_between_the_steps(frame):
    def stop():
        raise KeyError("stop")

    with pytest.raises(KeyError):
        cosmic_ground(*frame, check=stop)


def test_a_part_at_the_border_of_the_frame_is_as_large_as_asked(ground):
    corner = Section(0, 50, 200, ground.image.shape[1])
    preview = cosmic_preview(ground, corner, CosmicChoices())
    assert preview.hits.shape == preview.cleaned.shape == corner.shape


def test_stars_are_found_where_they_are_and_only_as_many_as_wanted():
    rng = np.random.default_rng(5)
    image = rng.normal(500, 8, (200, 240)).astype(np.float32)
    yy, xx = np.indices(image.shape)
    for x, y, peak in ((50, 60, 900), (150.5, 120.25, 2000), (200, 40, 400)):
        image += (peak * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * 1.5**2))).astype(np.float32)
    found = star_places(image)
    assert found.places == pytest.approx(np.array([(150.5, 120.25), (50, 60), (200, 40)]), abs=0.15)
    assert found.fwhm_px == pytest.approx(2.355 * 1.5, rel=0.25)
    assert len(star_places(image, most=1).places) == 1
    assert len(star_places(np.full((64, 64), 7.0, np.float32)).places) == 0
