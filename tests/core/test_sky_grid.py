"""Lines of right ascension and declination over a frame."""

import numpy as np
import pytest

from pipeline_core.science.sky_grid import dec_words, ra_words, sky_grid
from pipeline_core.science.tan_sip import TanSip

AREA = (0.0, 0.0, 1024.0, 1024.0)


def solution(ra=217.4, dec=-62.7, scale=3.72, turn=0.0, parity=1):
    step, turn = scale / 3600.0, np.radians(turn)
    matrix = step * np.array([[-parity * np.cos(turn), -np.sin(turn)], [-parity * np.sin(turn), np.cos(turn)]])
    return TanSip(ra, dec, 511.5, 511.5, matrix)


@pytest.mark.parametrize("turn", [0.0, 7.0, 90.0, 187.0])
@pytest.mark.parametrize("parity", [1, -1])
def test_every_point_of_a_line_has_its_value(turn, parity):
    sky = solution(turn=turn, parity=parity)
    lines = sky_grid(sky, AREA)
    assert {line.kind for line in lines} == {"ra", "dec"}
    for line in lines:
        ra, dec = sky.to_sky(line.x_px, line.y_px)
        off = (ra - line.value_deg + 180) % 360 - 180 if line.kind == "ra" else dec - line.value_deg
        assert np.abs(off).max() < 1e-9


@pytest.mark.parametrize(("scale", "dec"), [(0.05, -62.7), (0.93, -20.0), (3.72, -62.7), (30.0, 10.0), (100.0, 0.0)])
def test_any_field_has_some_lines_but_not_many(scale, dec):
    lines = sky_grid(solution(dec=dec, scale=scale), AREA, wanted=5)
    for kind in ("ra", "dec"):
        assert 2 <= sum(line.kind == kind for line in lines) <= 6


def test_a_field_across_the_zero_of_right_ascension_has_lines_on_both_sides():
    values = {line.value_deg for line in sky_grid(solution(ra=0.05, dec=0.0), AREA) if line.kind == "ra"}
    assert min(values) < 1.0
    assert max(values) > 359.0


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_around_a_pole_meridians_go_all_around_and_no_name_comes_twice(pole):
    lines = sky_grid(solution(ra=33.0, dec=pole * 0.9995), AREA)
    meridians = [line.words for line in lines if line.kind == "ra"]
    assert len(meridians) == len(set(meridians)) >= 8
    assert any(line.kind == "dec" for line in lines)


def test_names_are_as_exact_as_the_step():
    assert ra_words(217.5, 1.25) == "14h30m"
    assert ra_words(217.5, 0.125) == "14h30m00s"
    assert ra_words(217.5 + 15 * 0.5 / 3600, 15 * 0.5 / 3600) == "14h30m00.5s"
    assert ra_words(359.9999999, 1.25) == "00h00m"
    assert dec_words(-62.0, 1.0) == "−62°"
    assert dec_words(-62.6666667, 1 / 3) == "−62°40′"
    assert dec_words(-0.5, 1 / 6) == "−00°30′"
    assert dec_words(10 + 5 / 3600, 5 / 3600) == "+10°00′05″"
    assert dec_words(-1e-12, 1.0) == "+00°"
