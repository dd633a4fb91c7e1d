"""The trim step says what it took off: an edge, a pedestal, or both."""

from types import SimpleNamespace

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.step_words import deed_words
from pipeline_core.science.frame_steps import Step

FROM = " (the header says that the camera program added it)"
RAW = Step("raw", np.full((64, 80), 1100, np.float32), "ADU", "")


@pytest.mark.parametrize(
    ("trim", "pedestal", "words"),
    [
        ([0, 64, 0, 80], 0.0, "Cut to its lit part: 80 × 64 pixels"),
        (None, 100.0, f"Pedestal of 100 ADU subtracted{FROM}"),
        (None, [0.0, 100.0], f"Pedestal of 100 ADU subtracted{FROM}"),
        ([0, 64, 0, 80], 100.0, f"Cut to its lit part: 80 × 64 pixels; Pedestal of 100 ADU subtracted{FROM}"),
    ],
)
def test_the_words_name_the_cut_and_the_pedestal(trim, pedestal, words):
    task = SimpleNamespace(label="frame", settings={"trim": trim, "pedestal_adu": pedestal})
    step = Step("trim", RAW.image - (100 if pedestal else 0), "ADU", "")
    assert deed_words(step, RAW, task) == words


def test_before_the_masters_are_made_a_step_that_is_there_says_what_it_did(qtbot, opened):
    rail = opened.viewing.rail
    opened.night.select(["light_000.fits"])
    qtbot.waitUntil(lambda: opened.viewing.view.title == "light_000.fits", timeout=20_000)
    qtbot.mouseClick(rail.buttons["raw"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rail.model.missing is not None, timeout=60_000)
    said = rail.note.full_text
    assert said.startswith("! Later steps need masters, which are not made yet.")
    assert said.endswith(" · As the camera wrote it: 64 × 64 pixels")
    assert rail.make.isVisible()
