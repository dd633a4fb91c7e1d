"""Frames of a blink are laid on one of them: turned only against each other, and known where they are not aligned."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QWidget

from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.blink_levels import BlinkLevels
from astep_gui.models.blink_places import BlinkPlace, blink_places
from astep_gui.models.frame_images import Loaded, shown_image
from astep_gui.models.levels import LevelsModel
from astep_gui.models.same_place import SamePlaces
from astep_gui.widgets.blink_bar import BlinkBar
from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement

SHAPE = (200, 240)
MIDDLE = complex((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
FAR = "beyond the meridian"


def placed(dx=0.0, dy=0.0, *, flipped=False):
    turn = -1 + 0j if flipped else 1 + 0j
    return Placement.of(Alignment(turn, MIDDLE - turn * MIDDLE + complex(dx, dy)), SHAPE)


def night(**placements):
    frames = [FrameAlignment(path, "field", FAR, placement) for path, placement in placements.items()]
    return NightAlignment((FrameAlignment(FAR, "field", FAR, Placement.identity(SHAPE)), *frames))


def row(dx, dy, *, reference="r", rotation=0.0):
    return SimpleNamespace(dx_px=dx, dy_px=dy, rotation_deg=rotation, mirrored=False, extra={"reference": reference})


def places(paths, alignment=None, rows=None):
    return blink_places(paths, alignment, rows or {}, dict.fromkeys(paths, SHAPE), lambda _path: (0, 0))


def test_frames_that_all_lie_beyond_the_flip_are_shifted_against_each_other_and_not_turned():
    found = places("abc", night(a=placed(1, 2, flipped=True), b=placed(4, 0, flipped=True), c=placed(flipped=True)))
    assert [found[path].turn for path in "abc"] == [None, None, None]
    assert found["a"].shift == pytest.approx((-3, 2), abs=1e-6)
    assert found["b"].shift == pytest.approx((0, 0), abs=1e-6)


def test_of_a_field_on_both_sides_of_the_meridian_the_smaller_part_is_turned():
    found = places("abc", night(a=placed(flipped=True), b=placed(2, 0, flipped=True), c=placed(1, 1)))
    assert found["a"].turn is None
    assert found["b"].turn is None
    assert found["c"].turn is not None


def test_a_frame_without_a_place_has_none_and_the_others_keep_theirs():
    found = places("abc", night(a=placed(flipped=True), b=None, c=placed(1, 0, flipped=True)))
    assert set(found) == {"a", "c"}


def test_a_frame_that_is_not_aligned_is_laid_by_its_measured_shift_on_the_others():
    rows = {"a": row(2.0, 0.0), "b": row(0.0, 0.0), "c": row(-1.0, 0.5)}
    found = places("abc", night(a=placed(flipped=True), b=None, c=placed(-3, 0.5, flipped=True)), rows)
    assert found["b"].turn is None
    # On the last of two: the alignment has the first 3 px to its left, the reduction the second 1 px to its right.
    assert found["c"].shift == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found["a"].shift == pytest.approx((3.0, -0.5), abs=1e-6)
    assert found["b"].shift == pytest.approx((1.0, -0.5))


def test_a_frame_that_was_rejected_before_the_reduction_is_laid_by_its_quick_look_on_aligned_ones_beyond_the_flip():
    # b was measured quickly on a, whose final values stand on r; seen from the other side of the meridian.
    rows = {"a": row(2.0, 1.0), "b": row(5.0, -4.0, reference="a"), "c": row(0.0, 0.0, reference="another filter's")}
    found = places("abc", night(a=placed(), b=None, c=placed(6, 0, flipped=True)), rows)
    assert set(found) == {"a", "b", "c"}
    both = places("ab", night(a=placed(), b=None), rows)
    assert both["b"].turn is None
    assert np.subtract(both["b"].shift, both["a"].shift) == pytest.approx((5.0, -4.0), abs=1e-6)
    # The only frame of its side on which c could be laid was moved by (5, -4) and is not aligned itself.
    assert found["b"].turn is None
    assert found["b"].shift == pytest.approx((5.0, -4.0), abs=1e-6)
    assert found["c"].turn is not None


def test_of_two_sides_with_as_many_frames_the_one_with_more_aligned_ones_stays_as_it_is():
    rows = {"a": row(0.0, 0.0, reference="a"), "b": row(1.0, 1.0, reference="a")}
    found = places("abcd", night(a=placed(flipped=True), b=None, c=placed(), d=placed(2, 0)), rows)
    assert [found[path].turn is None for path in "abcd"] == [False, False, True, True]


def test_measured_shifts_against_different_frames_are_not_mixed():
    rows = {"a": row(2.0, 0.0), "b": row(0.0, 0.0), "c": row(1.0, 0.0, reference="s"), "d": row(1.0, 0, rotation=179.9)}
    found = places("abcd", None, rows)
    assert set(found) == {"a", "b", "d"}
    assert places("c", None, rows) == {}


def test_measured_turns_lay_frames_on_each_other_across_the_flip_where_nothing_is_aligned():
    rows = {"a": row(2.0, 1.0), "b": row(0.0, 0.0), "c": row(-1.0, 4.0, rotation=179.75)}
    found = places("abc", None, rows)
    assert found["a"].turn is found["b"].turn is None
    assert found["c"].turn is not None
    assert found["c"].angle_deg == pytest.approx(179.75)
    x, y = 30, 40
    star = np.full(SHAPE, 1000, np.uint16)
    turn, middle = np.exp(1j * np.radians(179.75)), MIDDLE
    at = turn * (complex(x, y) - middle) + middle + complex(-1.0, 4.0)
    star[round(at.imag) - 2 : round(at.imag) + 3, round(at.real) - 2 : round(at.real) + 3] = 9000
    base = found["b"].shift  # all are laid on one of them: the middle one of the larger side
    seen = found["c"].turn(shown_image("c", Loaded("c", star, "adu")))
    top = np.argwhere(seen.codes[0] > 8000).mean(axis=0)[::-1]
    assert top == pytest.approx((x - base[0], y - base[1]), abs=0.7)


def test_the_frame_on_which_the_others_are_laid_can_be_chosen():
    night_of = night(a=placed(flipped=True), b=placed(2, 0, flipped=True), c=placed(1, 1))
    shapes = dict.fromkeys("abc", SHAPE)
    found = blink_places("abc", night_of, {}, shapes, lambda _path: (0, 0), "c")
    assert found["c"].turn is None
    assert found["c"].shift == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found["a"].turn is not None
    assert abs(found["a"].angle_deg) == pytest.approx(180.0, abs=1e-6)


def test_a_whole_image_that_is_turned_keeps_its_true_values_and_tells_the_place_of_each():
    found = places("abc", night(a=placed(), b=placed(1, 1), c=placed(3, -2, flipped=True)))
    image = np.random.default_rng(3).normal(500.0, 9.0, SHAPE).astype(np.float32)
    mask = np.zeros(SHAPE, np.uint8)
    whole = shown_image("c", Loaded("c", image, "electron", mask))
    turned = found["c"].turn(whole)
    x, y = turned.place(50, 60)
    assert turned.value(50, 60) == pytest.approx(float(image[round(y), round(x)]))
    assert abs(x - 50) > 20, "the other side of the field"
    assert turned.unit == "e⁻"
    assert turned.mask is None, "it is told in the frame's own pixels"
    assert turned.value(-40, 10) is None


def blink_frame(name, *, shift=None):
    image = np.random.default_rng(1).integers(900, 1100, SHAPE, np.uint16)
    return BlinkFrame(("raw", name), name, lambda: Loaded(name, image, "adu"), shift=shift, shape=SHAPE)


@pytest.fixture
def bar(qtbot):
    model, parent = BlinkModel(), QWidget()
    qtbot.addWidget(parent)
    bar = BlinkBar(model, BlinkLevels(model, LevelsModel(parent)), parent)
    bar.model = model
    parent.show()
    yield bar
    model.close()


def test_the_bar_says_how_many_are_not_aligned_and_names_them(bar):
    frames = [blink_frame(name, shift=(0.0, 0.0)) for name in "abc"]
    bar.model.set_frames([*frames, blink_frame("d.fits"), blink_frame("e.fits")])
    assert bar.notes.text() == "2 of 5 not aligned"
    assert bar.notes.isVisible()
    assert "d.fits" in bar.notes.toolTip()
    assert "e.fits" in bar.notes.toolTip()
    bar.model.set_aligned(False)
    assert not bar.notes.isVisible()


def test_the_toggles_keep_their_words_where_two_notes_are_said_in_fewer(qtbot, bar):
    """As on 19 frames of which ten are rejected, when Y makes the blink one of calibrated files."""
    bar.resize(720, bar.sizeHint().height())
    bar.show()
    bar.model.set_frames(
        [blink_frame(name, shift=(0.0, 0.0)) for name in "abcde"] + [blink_frame(f"{k}") for k in "wxyz"]
    )
    bar.say_left_out([], [f"rejected_{k}.fits" for k in range(10)])
    qtbot.wait(30)
    icons = Qt.ToolButtonStyle.ToolButtonIconOnly
    assert [toggle.text() for toggle in bar._toggles if toggle.toolButtonStyle() == icons] == []
    assert bar.notes.text() == "4 not aligned · 10 left out"
    assert "rejected_9.fits" in bar.notes.toolTip()
    bar.resize(940, bar.height())
    qtbot.wait(30)
    assert bar.notes.text() == "4 of 9 not aligned · 10 rejected left out, not calibrated"


def test_a_frame_alone_in_its_field_is_not_counted_as_not_aligned(bar):
    """As the results and the frame list count: nothing could be aligned there."""
    alone = replace(blink_frame("e.fits"), is_alone=True)
    bar.model.set_frames([*(blink_frame(name, shift=(0.0, 0.0)) for name in "abc"), blink_frame("d.fits"), alone])
    assert bar.notes.text() == "1 of 5 not aligned · 1 alone"
    assert "no other frame is of their field:\ne.fits" in bar.notes.toolTip()
    assert bar.model.unplaced == ("d.fits",)


def test_the_bar_says_nothing_where_all_are_aligned(bar):
    bar.model.set_frames([blink_frame(name, shift=(0.0, 0.0)) for name in "abc"])
    assert not bar.notes.isVisible()


def test_the_bar_says_which_frames_were_left_out(bar):
    bar.model.set_frames([blink_frame(name, shift=(0.0, 0.0)) for name in "ab"])
    bar.say_left_out(["c.fits", "d.fits"])
    assert bar.notes.text() == "2 not calibrated yet"
    assert "c.fits" in bar.notes.toolTip()
    bar.say_left_out(["c.fits"], ["d.fits", "e.fits"])
    assert bar.notes.text() == "1 not calibrated yet · 2 rejected left out, not calibrated"
    assert "e.fits" in bar.notes.toolTip()
    bar.say_left_out([])
    assert not bar.notes.isVisible()


def test_a_place_of_one_frame_is_told_in_another_that_was_moved_or_turned():
    found = blink_places(
        ["a", "b"], night(a=placed(3, -2), b=placed(8, 1)), {}, dict.fromkeys("ab", SHAPE), lambda _p: (0, 0), "a"
    )
    assert found["b"].moved(50.0, 60.0) == pytest.approx((55.0, 63.0))
    found = blink_places(
        ["a", "b"], night(a=placed(), b=placed(flipped=True)), {}, dict.fromkeys("ab", SHAPE), lambda _p: (0, 0), "a"
    )
    assert found["b"].moved(50.0, 60.0) == pytest.approx((2 * MIDDLE.real - 50.0, 2 * MIDDLE.imag - 60.0))


def same_places(lies):
    frames = {"a.fits": "a.fits", "b.fits": "b.fits"}
    known = SimpleNamespace(
        plan=None, frame=frames.get, rows={"b.fits": SimpleNamespace(measures=SimpleNamespace(fwhm_px=2.5))}
    )
    return SamePlaces(known, lambda paths, **how: {paths[1]: lies} if how["onto"] == paths[0] and lies else {})


def test_a_star_is_looked_for_where_the_measured_shift_puts_it_and_nowhere_if_none_was_measured():
    shown = SimpleNamespace(key=("raw", "b.fits", 7))
    assert same_places(BlinkPlace((4.0, -1.0))).same_place(("raw", "a.fits", 7), shown, 10.0, 20.0) == (14.0, 19.0)
    assert same_places(None).same_place(("raw", "a.fits", 7), shown, 10.0, 20.0) is None
    assert same_places(None).same_place(("step", "b.fits", "dark", False), shown, 10.0, 20.0) == (10.0, 20.0)
    assert same_places(None).same_place(("master", "bias"), shown, 10.0, 20.0) is None
    assert same_places(None).usual_fwhm(shown) == 2.5
