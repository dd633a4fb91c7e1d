"""What is said of a dark, a gain, or a master that is not there, names what an observer would ask."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from astep_gui.models.step_words import deed_words
from pipeline_core.gain_words import gain_from
from pipeline_core.plan import Choices
from pipeline_core.science.frame_steps import Step
from pipeline_core.stages.science import steps_done
from pipeline_core.steps import frame_steps, pixel_story
from tests.core.steps_helpers import make, tasks_of, write_night

CURRENT = 0.1 * 90 / 2
"""Of the night of the helpers, ADU: 0.1 e⁻/s for 90 s at 2 e⁻/ADU."""


def said(tmp_path, name="dark", *, lost=(), **features):
    """Return what is said of a step of a small night that was made."""
    tasks = tasks_of(write_night(tmp_path / "night", overscan=False, **features))
    task, output = tasks.science["light.fits"], tmp_path / "out"
    make(tasks, output)
    steps = frame_steps(task, output).steps
    for master in lost:
        (output / task.inputs[master].product).unlink()
    index = [step.name for step in steps].index(name)
    return deed_words(steps[index], steps[index - 1], task, output)


def numbers(words):
    return [float(number.replace(",", "")) for number in re.findall(r"(?<![\w.])\d[\d,.]*", words)]


def test_the_dark_current_is_told_apart_from_the_bias_in_electrons_a_second(tmp_path):
    words = said(tmp_path)
    level, bias, current, rate, *_ = numbers(words)
    assert (level, bias) == pytest.approx((1004, 1000), abs=2)
    assert current == pytest.approx(CURRENT, abs=1.0)
    assert rate == pytest.approx(0.1, abs=0.03)
    assert "are bias" in words
    assert "e⁻/s" in words
    assert words.endswith(" · dark_90s_-10C subtracted")


def test_without_a_gain_the_dark_current_is_told_in_adu_a_second(tmp_path):
    words = said(tmp_path, gain=None)
    assert "e⁻" not in words
    assert " ADU/s" in words


def test_without_a_bias_it_is_said_that_bias_and_dark_came_off_together(tmp_path):
    words = said(tmp_path, biases=False)
    assert "bias and dark current together" in words
    assert numbers(words)[0] == pytest.approx(1000 + CURRENT, abs=2)


def test_with_a_bias_that_was_deleted_since_nothing_is_made_up(tmp_path):
    assert "bias and dark current together" in said(tmp_path, lost=["bias"])


def test_over_an_overscan_without_a_bias_it_is_not_said_that_the_bias_came_off():
    task = tasks_with_dark(overscan=[0, 64, 64, 80])
    assert "what the overscan left of the bias together" in deed_words(DARK, RAW, task, None)


def test_of_a_scaled_dark_the_rate_is_that_of_the_dark_itself(tmp_path):
    words = said(tmp_path, darks=(120.0,))
    level, current, rate, *_ = numbers(words)
    assert level == pytest.approx(CURRENT, abs=1.0)
    assert current == pytest.approx(CURRENT, abs=1.0)
    assert rate == pytest.approx(0.1, abs=0.03)
    assert "are bias" not in words
    assert words.endswith("its dark current × 0.75")


def test_a_flat_without_a_dark_lost_its_bias_and_it_is_called_that():
    task = tasks_with_dark(dark=False)
    assert deed_words(DARK, RAW, task, None) == "Bias took off 900 ADU (median) · bias subtracted"


RAW = Step("trim", np.full((64, 80), 1000, np.float32), "ADU", "")
DARK = Step("dark", np.full((64, 80), 100, np.float32), "ADU", "")


def tasks_with_dark(*, dark=True, overscan=None):
    from pipeline_core.stage import Task
    from pipeline_core.stages.masters import BIAS
    from pipeline_core.stages.masters import DARK as DARK_STAGE

    made = (
        Task(DARK_STAGE, "masters/dark.fits", {"exposure_s": 90.0}, {}, "dark")
        if dark
        else Task(BIAS, "masters/bias.fits", {}, {}, "bias")
    )
    settings = {"overscan": overscan, "masters": {}}
    return SimpleNamespace(label="frame", settings=settings, inputs={"dark" if dark else "bias": made})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("flat and bias pairs", "× 1.841 e⁻/ADU, measured from flats and biases"),
        ("EGAIN", "× 1.841 e⁻/ADU, from the header's EGAIN"),
        ("profile", "× 1.841 e⁻/ADU, from the camera's profile"),
        ("person", "× 1.841 e⁻/ADU, as a person said"),
        ("recipe", "× 1.841 e⁻/ADU, set in the recipe"),
        (None, "× 1.841 e⁻/ADU"),
    ],
)
def test_the_step_gain_says_who_tells_the_gain(source, words):
    task = SimpleNamespace(label="frame", settings={"gain_e_per_adu": 1.841, "gain_source": source}, inputs={})
    assert deed_words(replace(DARK, name="gain"), RAW, task) == words


def test_a_pixel_says_who_tells_the_gain(tmp_path):
    tasks = tasks_of(write_night(tmp_path / "night"))
    make(tasks, tmp_path / "out")
    task = tasks.science["light.fits"]
    assert pixel_story(task, tmp_path / "out", 5, 5).gain_from == gain_from("EGAIN") == "from the header's EGAIN"


def test_a_master_that_was_not_wanted_is_not_said_to_be_missing(tmp_path):
    root = write_night(tmp_path / "night", darks=(600.0,))
    unwanted = tasks_of(root, choices=Choices(forced={"light.fits": {"dark": "none", "bias": "none", "flat": "none"}}))
    missing = tasks_of(root)
    done = {kind: steps_done(tasks.science["light.fits"].settings) for kind, tasks in
            (("unwanted", unwanted), ("missing", missing))}  # fmt: skip
    for kind in ("bias", "dark", "flat"):
        assert done["unwanted"][kind] == f"no {kind} is wanted, as chosen"
    assert done["missing"]["dark"] == "no dark for this exposure"
    assert done["missing"]["bias"] == ""
