"""Headings of the frame table tell fields of one name apart."""

from __future__ import annotations

import pytest

from astep_gui.models.frame_groups import group_keys, heading, told_apart
from pipeline_core.grouping import by_pointing
from tests.core.frames_helpers import frame


def at(path, ra, dec, name="M 5"):
    return frame(path, "science", ra_deg=ra, dec_deg=dec, object=name, filter="R", exposure_s=90.0)


@pytest.mark.parametrize(
    ("ra", "dec", "words"),
    [
        (229.64, 2.98, "M 5 (2), 54′ N of the first"),
        (230.34, 2.78, "M 5 (2), 59′ NE of the first"),
        (229.64, -7.92, "M 5 (2), 10.0° S of the first"),
        (227.64, 2.08, "M 5 (2), 2.0° W of the first"),
    ],
)
def test_a_second_field_of_one_name_says_how_far_it_lies_from_the_first_and_where(ra, dec, words):
    frames = [at("a", 229.64, 2.08), at("b", ra, dec)]
    keys = group_keys(frames)
    assert [heading(keys[name]) for name in "ab"] == ["Science · M 5 · R · 90 s", f"Science · {words} · R · 90 s"]


def test_a_field_without_coordinates_and_one_whose_own_name_ends_in_a_number_keep_their_names():
    frames = [at("a", None, None), at("b", 10.0, 5.0), at("c", 100.0, 5.0, "Vesta (2)")]
    pointings = by_pointing(frames)
    assert [told_apart(name, pointings) for name in pointings] == list(pointings)
