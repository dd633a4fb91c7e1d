"""Cosmic-ray settings tried on a part of a frame: the run's own step, told in hits and stars."""

import numpy as np
import pytest

from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.cosmic_preview import cosmic_ground, cosmic_preview
from pipeline_core.errors import NightError
from pipeline_core.on_demand import night_tasks, steps_as_far_as_possible
from pipeline_core.scan import scan_night
from pipeline_core.science.frame_cosmic import CosmicChoices
from pipeline_core.science.star_places import star_places
from pipeline_core.types import MaskBit, Section

PART = Section(40, 200, 30, 220)


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


def test_the_hits_of_a_part_are_those_of_the_run_there(frame, ground):
    choices = CosmicChoices(**frame[0].settings["cosmic"])
    preview = cosmic_preview(ground, PART, choices)
    mask = steps_as_far_as_possible(*frame).steps.step("cosmic").mask
    of_the_run = (mask[PART.slices] & MaskBit.COSMIC) != 0
    assert of_the_run.any()
    # The width of the stars is measured without the mirrored border: a faint hit may be told otherwise.
    assert np.count_nonzero(preview.hits != of_the_run) <= 0.03 * np.count_nonzero(of_the_run)
    np.testing.assert_array_equal(preview.cleaned[~preview.hits], preview.before[~preview.hits])


def test_a_lower_threshold_finds_more_and_without_protection_stars_are_touched(ground):
    usual = cosmic_preview(ground, PART, CosmicChoices())
    eager = cosmic_preview(ground, PART, CosmicChoices(sigclip=2.0, objlim=0.5, protect_below_fwhm_px=0.0))
    assert eager.events > usual.events
    assert (usual.touched, eager.touched > 0) == (0, True)
    assert usual.words == f"hits: {usual.events} · stars touched: 0 of {usual.checked}"


def test_switched_off_nothing_is_hit(ground):
    preview = cosmic_preview(ground, PART, None)
    assert (preview.events, preview.touched, preview.hits.any()) == (0, 0, False)
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
