"""The names of twilight and Moon in the timeline stand where no point is."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QRectF

from astep_gui.models.timeline_model import Span
from astep_gui.widgets.night_light import clear_place, named_parts

BOX = QRectF(0, 10, 50, 14)
NO_POINTS = np.zeros((0, 2))


def test_a_stretch_is_named_once_and_the_moon_apart_from_the_light():
    spans = [
        Span(0, 1, "night", moon_is_up=False),
        Span(1, 2, "nautical twilight", moon_is_up=False),
        Span(2, 3, "nautical twilight", moon_is_up=True),
        Span(3, 4, "night", moon_is_up=True),
    ]
    assert list(named_parts(spans)) == [("nautical twilight", 1, 3), ("Moon up", 2, 4)]


def test_without_points_a_name_stands_at_the_begin_of_its_stretch():
    assert clear_place(100, 400, BOX, NO_POINTS, []).left() == 100


def test_a_name_goes_past_the_points_that_it_would_cover():
    points = np.array([[120.0, 15.0], [180.0, 12.0], [300.0, 60.0]])
    place = clear_place(100, 400, BOX, points, [])
    assert 187 <= place.left() < 200  # past the second point; the third is far below


def test_names_do_not_stand_on_each_other():
    first = clear_place(100, 400, BOX, NO_POINTS, [])
    second = clear_place(100, 400, BOX, NO_POINTS, [first])
    assert second.left() - first.right() >= 10  # or both are read as one


def test_where_there_is_no_room_there_is_no_name():
    assert clear_place(100, 140, BOX, NO_POINTS, []) is None
    crowd = np.column_stack([np.arange(100.0, 400.0, 10.0), np.full(30, 15.0)])
    assert clear_place(100, 400, BOX, crowd, []) is None


def test_points_that_were_not_measured_take_no_room():
    assert clear_place(100, 400, BOX, np.array([[110.0, np.nan]]), []).left() == 100
