"""Blinking across a meridian flip: frames are turned onto their reference, or shown as they were taken."""

from __future__ import annotations

import numpy as np
import pytest

from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.blink_turn import turn_of
from astep_gui.models.frame_images import Loaded
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement

SHAPE = (200, 240)
STAR = (60, 50)  # x, y on the reference


def flip():
    middle = complex((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    return Placement.of(Alignment(-1 + 0j, 2 * middle), SHAPE)


def image(x, y):
    frame = np.full(SHAPE, 1000, np.uint16)
    frame[y - 1 : y + 2, x - 1 : x + 2] = 9000
    return frame


def frames():
    x, y = (round(float(v)) for v in flip().moved(*STAR))
    first = BlinkFrame("a", "a", lambda: Loaded("a", image(*STAR), "adu"), shift=(0.0, 0.0), shape=SHAPE)
    turn = turn_of(flip(), (0, 0), (0, 0))
    other = BlinkFrame("b", "b", lambda: Loaded("b", image(x, y), "adu"), shift=(0.0, 0.0), shape=SHAPE, turn=turn)
    return first, other


@pytest.fixture
def model(qapp):
    model = BlinkModel()
    yield model
    model.close()


def star_of(shown):
    y, x = np.unravel_index(np.argmax(shown.codes[0]), shown.codes[0].shape)
    return x, y


def shown_frame(qtbot, model, index):
    qtbot.waitUntil(lambda: model.loaded == 2, timeout=5000)
    seen = []
    model.frame_due.connect(lambda shown, frame, offset: seen.append((shown, frame, offset)))
    model.go(index)
    return seen[-1]


def test_a_flipped_frame_shows_its_stars_where_the_reference_has_them(qtbot, model):
    model.set_frames(frames())
    for index in (0, 1):
        shown, _frame, offset = shown_frame(qtbot, model, index)
        assert np.abs(np.subtract(star_of(shown), STAR)).max() <= 1  # a star of three pixels
        assert offset == (0.0, 0.0)
    assert model.rests_turned
    assert model.has_shifts


def test_without_alignment_it_is_shown_as_it_was_taken_and_turned_again_when_asked(qtbot, model):
    model.set_frames(frames())
    qtbot.waitUntil(lambda: model.loaded == 2, timeout=5000)
    model.set_aligned(False)
    shown, _frame, _offset = shown_frame(qtbot, model, 1)
    assert np.abs(np.subtract(star_of(shown), [float(v) for v in flip().moved(*STAR)])).max() <= 1
    assert not model.rests_turned
    model.set_aligned(True)
    shown, _frame, _offset = shown_frame(qtbot, model, 1)
    assert np.abs(np.subtract(star_of(shown), STAR)).max() <= 1


def test_a_rejected_flipped_frame_is_still_turned(qtbot, model):
    model.set_frames(frames())
    model.set_badges({"b": "REJECTED"})
    assert model.frames[1].badge == "REJECTED"
    assert model.frames[1].turn is not None
