"""Shifts count from the frame that a person chose, also those of frames that were judged apart from it."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import pytest

from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.chosen_reference import counted_from
from pipeline_core.measured_places import measured_places
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement

SHAPE = (300, 400)
MIDDLE = complex(199.5, 149.5)
TRUTH = {"a": (0j, 0.0), "b": (5 + 3j, 0.2), "c": (-7 + 2j, 179.9), "p": (1 - 4j, 0.1), "q": (9 + 9j, -179.7)}
"""Frame → how it lies on a: shift of the middle (px), turn (degrees). p and q are of another filter."""


def lies(path, on):
    """Return how a frame lies on another one: where the other's middle went, and the turn."""
    (shift, turn_deg), (base, base_deg) = TRUTH[path], TRUTH[on]
    turn_deg -= base_deg
    return shift - cmath.exp(1j * math.radians(turn_deg)) * base, turn_deg


def row(path, on):
    shift, turn_deg = lies(path, on)
    return QualityRow(
        path,
        ScienceMeasures("final", "electron"),
        dx_px=shift.real,
        dy_px=shift.imag,
        rotation_deg=turn_deg,
        extra={"reference": on, "airmass": 1.2},
    )


ROWS = [row("a", "a"), row("b", "a"), row("c", "a"), row("p", "p"), row("q", "p")]


def alignment(*paths, on="a"):
    def placement(path):
        shift, turn_deg = lies(path, on)
        turn = cmath.exp(1j * math.radians(turn_deg))
        return Placement.of(Alignment(turn, MIDDLE - turn * MIDDLE + shift), SHAPE)

    return NightAlignment(tuple(FrameAlignment(path, "field", on, placement(path)) for path in paths))


def assert_lies_on(row, on):
    shift, turn_deg = lies(row.path, on)
    assert complex(row.dx_px, row.dy_px) == pytest.approx(shift, abs=1e-6)
    assert math.remainder(row.rotation_deg - turn_deg, 360.0) == pytest.approx(0.0, abs=1e-9)
    assert -180.0 <= row.rotation_deg <= 180.0
    assert row.extra["reference"] == on


@pytest.mark.parametrize("chosen", ["a", "b", "c"])
def test_frames_that_were_judged_together_count_from_the_chosen_one(chosen):
    found = counted_from(ROWS, {chosen})
    for one in found[:3]:
        assert_lies_on(one, chosen)
        assert one.extra["airmass"] == 1.2
    reference = next(one for one in found if one.path == chosen)
    assert (reference.dx_px, reference.dy_px, reference.rotation_deg) == (0.0, 0.0, 0.0)
    assert found[3:] == ROWS[3:], "nothing says how the other filter lies on it"


@pytest.mark.parametrize("known", ["cp", "cq", "abcpq"])
def test_frames_of_another_filter_count_from_it_where_the_alignment_knows_them(known):
    for one in counted_from(ROWS, {"c"}, alignment(*known)):
        assert_lies_on(one, "c")


def test_counting_from_one_and_then_from_another_is_counting_from_the_other():
    once = counted_from(counted_from(ROWS, {"b"}), {"c"})
    for one in once[:3]:
        assert_lies_on(one, "c")


def test_rows_count_as_they_were_where_nothing_is_chosen_or_the_chosen_one_has_no_place():
    lost = replace(row("b", "a"), dx_px=None, dy_px=None)
    rows = [ROWS[0], lost, *ROWS[2:]]
    assert counted_from(rows, set()) == rows
    assert counted_from(rows, {"b"}) == rows
    assert counted_from(rows, {"nosuch"}) == rows


def test_a_row_without_a_place_or_in_a_mirror_keeps_its_figures():
    lost = replace(row("b", "a"), dx_px=None, dy_px=None)
    mirrored = replace(row("p", "a"), mirrored=True)
    found = counted_from([ROWS[0], lost, ROWS[2], mirrored], {"c"})
    assert found[1] == lost
    assert found[3] == mirrored


def test_counted_rows_are_still_known_against_each_other():
    """The star strip and the blink chain what the table says."""
    places = measured_places({one.path: one for one in counted_from(ROWS, {"b"}, alignment("b", "p"))})
    assert {place.reference for place in places.values()} == {"b"}
