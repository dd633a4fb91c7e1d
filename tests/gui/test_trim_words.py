"""The trim step says what it took off: an edge, a pedestal, or both."""

from types import SimpleNamespace

import numpy as np
import pytest

from astep_gui.models.step_words import deed_words
from pipeline_core.science.frame_steps import Step

RAW = Step("raw", np.full((64, 80), 1100, np.float32), "ADU", "")


@pytest.mark.parametrize(
    ("trim", "pedestal", "words"),
    [
        ([0, 64, 0, 80], 0.0, "Cut to its lit part: 80 × 64 pixels"),
        (None, 100.0, "Pedestal of 100 ADU subtracted"),
        (None, [0.0, 100.0], "Pedestal of 100 ADU subtracted"),
        ([0, 64, 0, 80], 100.0, "Cut to its lit part: 80 × 64 pixels; Pedestal of 100 ADU subtracted"),
    ],
)
def test_the_words_name_the_cut_and_the_pedestal(trim, pedestal, words):
    task = SimpleNamespace(label="frame", settings={"trim": trim, "pedestal_adu": pedestal})
    step = Step("trim", RAW.image - (100 if pedestal else 0), "ADU", "")
    assert deed_words(step, RAW, task) == words
