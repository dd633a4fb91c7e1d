"""Steps and the story of a pixel on real frames."""

import json

import numpy as np
import pytest

from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.io.masters_file import read_mask
from pipeline_core.steps import frame_steps, pixel_story
from pipeline_core.types import MaskBit, Section
from tests.core.steps_helpers import make, tasks_of


@pytest.fixture(scope="module")
def lowell(real_data, tmp_path_factory):
    """The asteroid's first frame: (task, output, calibrated file, place of (5945) in the raw frame)."""
    seen = json.loads((real_data / "truth" / "lowell5945.json").read_text())["frames"][0]
    tasks = tasks_of(real_data / "lowell5945")
    path = next(p for p in tasks.science if seen["file"] in p)
    output = tmp_path_factory.mktemp("lowell")
    return tasks.science[path], output, make(tasks, output, path), (seen["x"], seen["y"])


def test_the_steps_of_a_real_frame_end_at_its_calibrated_file(lowell):
    task, output, product, _ = lowell
    last = frame_steps(task, output).steps[-1]
    calibrated = read_calibrated(product)
    np.testing.assert_array_equal(last.image, calibrated.image)
    np.testing.assert_array_equal(last.mask, calibrated.mask)


def test_the_brightest_pixel_of_the_asteroid_tells_its_equation(lowell):
    task, output, product, (x, y) = lowell
    trim = Section(*task.settings["trim"])
    image = read_calibrated(product).image
    row, column = round(y) - trim.y0, round(x) - trim.x0
    near = image[row - 2 : row + 3, column - 2 : column + 3]
    dy, dx = np.unravel_index(near.argmax(), near.shape)
    # It was measured at this raw pixel: its light must peak there, shifted by the trim alone.
    assert max(abs(dy - 2), abs(dx - 2)) <= 1
    story = pixel_story(task, output, round(x) + int(dx) - 2, round(y) + int(dy) - 2)
    value = (story.values["overscan"][0] - story.masters["bias"][1]) / story.masters["flat"][1]
    value *= task.settings["gain_e_per_adu"]
    assert value == pytest.approx(near.max(), rel=1e-5)
    assert value > np.median(image) + 10 * np.sqrt(np.median(image))
    assert "− overscan" in story.equation
    assert "− bias" in story.equation
    assert "÷ flat_VR" in story.equation
    assert not story.reasons


def test_a_hot_pixel_of_jason_says_that_it_is_hot_and_in_which_mask(real_data, tmp_path):
    tasks = tasks_of(real_data / "ssp_jason6063")
    path = next(p for p, task in tasks.science.items() if {"dark", "flat"} <= set(task.settings["masters"]))
    product = make(tasks, tmp_path, path)
    task = tasks.science[path]
    name = task.settings["masters"]["mask"][0]
    mask = read_mask(tmp_path / task.inputs["mask"].product)
    image = read_calibrated(product)
    y, x = (int(i[0]) for i in np.nonzero((mask == MaskBit.HOT) & (image.mask == MaskBit.HOT)))
    story = pixel_story(task, tmp_path, x, y)
    assert story.reasons == (f"hot (in {name})",)
    assert story.values["cosmic"][0] == image.image[y, x]
    # Jason's camera program put 100 ADU on every pixel (PEDESTAL = -100): taken off once.
    assert "− pedestal 100 " in story.equation
    assert story.masters["dark"][1] > 0
