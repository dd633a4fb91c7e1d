"""Frames that no alignment placed lie where they were measured, whatever reference they were measured against."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace

import pytest

from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.measured_places import measured_places, onto_final, with_measured
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement

SHAPE = (300, 400)
MIDDLE = complex(199.5, 149.5)
TRUTH = {"f": (0j, 0.0), "a": (5 + 3j, 0.2), "q": (-7 + 2j, 179.8), "r": (4 - 9j, 180.1), "s": (1 + 1j, 0.0)}
"""Frame → how it lies on f: shift of the middle (px), turn (degrees)."""


def there(path, z):
    shift, turn_deg = TRUTH[path]
    return MIDDLE + shift + cmath.exp(1j * math.radians(turn_deg)) * (z - MIDDLE)


def row(path, on, state="final"):
    (shift, turn), (base, base_turn) = TRUTH[path], TRUTH[on]
    moved = shift - cmath.exp(1j * math.radians(turn - base_turn)) * base
    place = {"dx_px": moved.real, "dy_px": moved.imag, "rotation_deg": turn - base_turn}
    return QualityRow(path, ScienceMeasures(state, "ADU"), **place, extra={"reference": on})


def aligned(*paths):
    def placement(path):
        shift, turn_deg = TRUTH[path]
        turn = cmath.exp(1j * math.radians(turn_deg))
        return Placement.of(Alignment(turn, MIDDLE - turn * MIDDLE + shift), SHAPE)

    return NightAlignment(tuple(FrameAlignment(path, "field", "f", placement(path)) for path in paths))


def led(alignment, from_, to, z):
    first, second = alignment.between(from_, to)
    x, y = second.moved(*first.returned(z.real, z.imag))
    return complex(float(x), float(y))


def test_a_quick_look_is_chained_through_its_reference_onto_that_of_the_final_values():
    rows = {"f": row("f", "f"), "q": row("q", "f"), "r": row("r", "q", "quick")}
    place = measured_places(rows)["r"]
    assert place.reference == "f"
    assert place.shift == pytest.approx(TRUTH["r"][0])
    assert place.turn_deg == pytest.approx(TRUTH["r"][1])


def test_frames_of_which_no_reference_is_told_are_not_known_against_each_other():
    rows = {path: replace(row(path, "f"), extra={}) for path in "aq"}
    assert measured_places(rows) == {}
    assert measured_places({path: replace(one, extra={"reference": None}) for path, one in rows.items()}) == {}


def test_references_that_lead_in_a_circle_end():
    rows = {"a": row("a", "q"), "q": row("q", "a")}
    assert set(measured_places(rows)) == {"a", "q"}


@pytest.mark.parametrize("known", ["af", "a"])
def test_a_frame_in_no_alignment_gets_its_measured_place_among_those_that_are(known):
    rows = {"f": row("f", "f"), "a": row("a", "f"), "q": row("q", "f"), "r": row("r", "q", "quick")}
    found = with_measured(aligned(*known), rows, {"r": SHAPE, "a": SHAPE})
    assert found.by_path["r"].reference == "f"
    star = 310 + 40j
    assert led(found, "a", "r", there("a", star)) == pytest.approx(there("r", star), abs=1e-6)
    assert found.by_path["a"].placement == aligned("a").by_path["a"].placement, "what is aligned stays as it is"


def test_a_frame_of_which_nothing_leads_to_an_aligned_one_stays_without_a_place():
    rows = {"a": row("a", "f"), "r": row("r", "q", "quick"), "s": replace(row("s", "f"), mirrored=True)}
    found = with_measured(aligned("f", "a"), rows, dict.fromkeys("ars", SHAPE))
    assert found.between("a", "r") is None
    assert found.between("a", "s") is None


def test_quick_looks_that_stand_on_a_rejected_frame_are_said_against_a_reduced_one():
    looked = {path: row(path, "q", "quick") for path in "aqr"}
    rebased = {one.path: one for one in onto_final([looked["q"], looked["r"]], looked, {"a", "f"})}
    assert {one.extra["reference"] for one in rebased.values()} == {"a"}
    rows = {**rebased, "a": row("a", "f"), "f": row("f", "f")}
    assert measured_places(rows)["r"].shift == pytest.approx(TRUTH["r"][0])
    assert -180.0 <= rebased["r"].rotation_deg < 180.0


def test_quick_looks_on_a_reduced_frame_and_those_beside_no_reduced_one_stay_as_they_are():
    on_a = {path: row(path, "a", "quick") for path in "ar"}
    assert onto_final([on_a["r"]], on_a, {"a"}) == [on_a["r"]]
    alone = {path: row(path, "q", "quick") for path in "qr"}
    assert onto_final(list(alone.values()), alone, {"a"}) == list(alone.values())
