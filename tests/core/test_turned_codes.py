"""Frames laid on one another to be looked at."""

import numpy as np
import pytest

from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.science.turned_codes import needs_turning, turned_codes

SHAPE = (240, 300)


def placed(turn_deg, dx=0.0, dy=0.0):
    turn = np.exp(1j * np.radians(turn_deg))
    centre = complex((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    return Placement.of(Alignment(turn, centre - turn * centre + complex(dx, dy)), SHAPE)


def blob(x, y, shape=SHAPE):
    rows, columns = np.indices(shape)
    return (100 + 4000 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18.0)).astype(np.uint16)


def middle(codes):
    light = np.maximum(codes.astype(float) - 150, 0)
    rows, columns = np.indices(codes.shape)
    return (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()


@pytest.mark.parametrize("turn", [180.0, 90.0, 12.5, 0.4])
def test_a_star_lands_where_the_reference_has_it(turn):
    placement = placed(turn, 3.3, -2.1)
    x, y = placement.moved(110.0, 130.0)
    found = middle(turned_codes(blob(float(x), float(y)), placement))
    assert found == pytest.approx((110.0, 130.0), abs=0.05)


def test_overscan_of_both_frames_is_taken_into_account():
    placement = placed(180.0)
    x, y = placement.moved(110.0, 130.0)
    raw = blob(float(x) + 16, float(y) + 4)
    found = middle(turned_codes(raw, placement, own_first=(16, 4), reference_first=(10, 2)))
    assert found == pytest.approx((120.0, 132.0), abs=0.05)


def test_a_small_version_is_turned_to_the_same_place():
    placement = placed(180.0, 5.0, 1.0)
    x, y = placement.moved(111.0, 131.0)
    whole = blob(float(x), float(y)).astype(float)
    small = whole.reshape(SHAPE[0] // 2, 2, SHAPE[1] // 2, 2).mean(axis=(1, 3)).astype(np.uint16)
    found = middle(turned_codes(small, placement, reduction=2))
    assert found == pytest.approx(((111.0 - 0.5) / 2, (131.0 - 0.5) / 2), abs=0.05)


def test_what_the_frame_does_not_reach_holds_no_data():
    turned = turned_codes(blob(100, 100), placed(0.4, 50.0, 0.0))
    assert (turned[:, -45:] == 0).all()
    assert (turned[5:-5, 5:200] > 0).all()


def test_only_a_turn_that_can_be_seen_is_made():
    assert not needs_turning(placed(0.0, 40.0, -12.0), SHAPE)
    assert not needs_turning(placed(0.05), SHAPE)  # 0.17 px in the corners
    assert needs_turning(placed(0.3), SHAPE)
    assert needs_turning(placed(180.0), SHAPE)
