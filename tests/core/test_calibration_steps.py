"""A calibration frame step by step, up to the master that it goes into."""

import gc
import weakref

import numpy as np
import pytest

from pipeline_core.calibration_steps import CALIBRATION_STEPS, calibration_steps, master_of
from pipeline_core.errors import UsageError
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.types import MaskBit
from tests.core.steps_helpers import DARK_PIXEL, LIT, NX, NY, make, tasks_of, write_night


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The masters of a small night: (tasks by name, output)."""
    root = tmp_path_factory.mktemp("calibration_steps")
    tasks = tasks_of(write_night(root / "night"))
    make(tasks, root / "out")
    return tasks.masters, root / "out"


def test_a_dark_loses_its_overscan_is_trimmed_and_lies_around_its_master(made):
    tasks, output = made
    shown = calibration_steps(tasks, "dark90_2.fits", output)
    assert [step.name for step in shown.steps.steps] == list(CALIBRATION_STEPS["dark"])
    assert shown.steps.step("raw").image.shape == (NY, NX)
    assert shown.steps.step("trim").image.shape == (NY, LIT)
    master = shown.steps.step("master").image
    np.testing.assert_array_equal(master, read_master(output / "masters" / "dark_90s_-10C.fits").image)
    # One frame differs from its master by its own read noise: 6 e⁻ at 2 e⁻/ADU, and the Poisson noise of 9 e⁻.
    rest = shown.steps.difference("master")
    assert np.median(np.abs(rest)) * 1.48 == pytest.approx(3.4, rel=0.25)


def test_a_flat_has_its_dark_taken_off_and_its_median_brought_to_1(made):
    tasks, output = made
    shown = calibration_steps(tasks, "flat_0.fits", output)
    assert [step.name for step in shown.steps.steps] == list(CALIBRATION_STEPS["flat"])
    assert np.median(shown.steps.step("level").image) == pytest.approx(1.0, abs=1e-4)
    level, master = shown.steps.step("level").image, shown.steps.step("master").image
    assert np.median(np.abs(level / master - 1)) < 0.01


def test_the_mask_step_holds_the_bits_of_the_mask_that_was_made(made):
    tasks, output = made
    mask = calibration_steps(tasks, "flat_1.fits", output).steps.step("mask").mask
    np.testing.assert_array_equal(mask, read_mask(output / "masters" / "mask.fits"))
    assert mask[DARK_PIXEL] & MaskBit.BAD


def test_each_step_is_told_of_as_soon_as_it_is_done(made):
    tasks, output = made
    told = []
    calibration_steps(tasks, "bias_0.fits", output, seen=lambda step: told.append(step.name))
    assert told == list(CALIBRATION_STEPS["bias"])


def test_before_the_master_is_made_the_steps_that_need_none_are_shown(made, tmp_path):
    tasks, _ = made
    shown = calibration_steps(tasks, "dark90_0.fits", tmp_path)
    assert [step.name for step in shown.steps.steps] == ["raw", "overscan", "trim"]
    assert "has not been made yet" in shown.missing.why


def test_without_overscan_and_trim_these_steps_say_that_they_did_nothing(tmp_path):
    tasks = tasks_of(write_night(tmp_path / "night", overscan=False)).masters
    shown = calibration_steps(tasks, "bias_0.fits", tmp_path / "none")
    assert shown.steps.step("overscan").note.startswith("none is used")
    assert shown.steps.step("trim").note == "the whole chip is lit"


def test_a_frame_that_goes_into_no_master_is_refused_with_a_reason(made):
    with pytest.raises(UsageError, match="goes into no master"):
        master_of(made[0], "light.fits")


def test_the_steps_of_a_frame_whose_master_is_not_made_are_freed_as_soon_as_nobody_wants_them(made, tmp_path):
    tasks, _ = made

    def look():
        shown = calibration_steps(tasks, "dark90_0.fits", tmp_path)
        assert shown.missing is not None
        return weakref.ref(shown.steps.step("raw").image)

    gc.disable()  # as in the window, which searches seldom for what nobody can reach
    try:
        image = look()
        assert image() is None
    finally:
        gc.enable()
