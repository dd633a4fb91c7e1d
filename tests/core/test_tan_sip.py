"""Pixels to the sky and back, against astropy.wcs."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.io.wcs_cards import put_solution
from pipeline_core.science.proper_motion import at_epoch, julian_year
from pipeline_core.science.tan_sip import TanSip, from_plane, separation_deg, to_plane
from tests.core.sky_simulation import Camera, truth_of

SHAPE = (4096, 4096)


def a_solution(dec=-62.7, parity=1, rotation=33.0):
    return truth_of(Camera(rotation_deg=rotation, parity=parity), 217.4, dec)


def grid():
    x, y = np.meshgrid(np.linspace(0, 4095, 9), np.linspace(0, 4095, 9))
    return x.ravel(), y.ravel()


def header_of(solution):
    header = fits.Header()
    put_solution(header, solution, SHAPE, {})
    return header


@pytest.mark.parametrize("dec", [-89.7, -75.1, 0.0, 89.9])
def test_the_sky_of_a_pixel_is_that_of_astropys_wcs(dec):
    solution = a_solution(dec)
    x, y = grid()
    ra, dec_ = solution.to_sky(x, y)
    theirs = WCS(header_of(solution)).all_pix2world(x, y, 0)
    assert float(separation_deg(ra, dec_, *theirs).max()) * 3600 < 1e-6


def test_a_place_goes_to_the_sky_and_back():
    x, y = grid()
    for parity in (1, -1):
        solution = a_solution(parity=parity)
        back = solution.to_pixel(*solution.to_sky(x, y))
        assert np.abs(back[0] - x).max() < 1e-6
        assert np.abs(back[1] - y).max() < 1e-6


def test_what_lies_behind_the_observer_has_no_pixel():
    x, _ = a_solution().to_pixel([37.4, 217.4], [62.7, -62.7])
    assert np.isnan(x[0])
    assert np.isfinite(x[1])


def test_readers_that_use_the_inverse_polynomials_are_right_to_a_hundredth_of_a_pixel():
    solution = a_solution()
    x, y = grid()
    wcs = WCS(header_of(solution))
    # sip_foc2pix is what programs with AP, BP do.
    focal = wcs.sip_pix2foc(x, y, 0)
    back = wcs.sip_foc2pix(*np.asarray(focal), 0)
    assert np.abs(back[0] - x).max() < 0.01
    assert np.abs(back[1] - y).max() < 0.01


def test_parity_and_rotation_are_those_that_made_the_field():
    assert (a_solution(parity=1).parity, a_solution(parity=-1).parity) == (1, -1)
    for turn in (-170.0, -33.0, 0.0, 90.0):
        assert a_solution(rotation=turn).rotation_deg == pytest.approx(turn, abs=1e-6)
    # North is where declination grows.
    solution = a_solution(rotation=20.0)
    x, y = solution.x_px, solution.y_px
    angle = np.radians(solution.rotation_deg)
    _, there = solution.to_sky(x - 100 * np.sin(angle), y + 100 * np.cos(angle))
    _, here = solution.to_sky(x, y)
    assert float(there - here) * 3600 == pytest.approx(93.0, abs=0.05)


def test_a_shift_moves_every_star_alike_at_the_pole_too():
    solution = a_solution(dec=-89.5)
    ra, dec = solution.to_sky(*grid())
    x, y = solution.shifted(31.0, -12.0).to_pixel(ra, dec)
    assert np.abs(x - grid()[0] - 31.0).max() < 0.5  # the distortion's centre moves along
    assert np.abs(y - grid()[1] + 12.0).max() < 0.5


def test_after_a_flip_the_middle_stays_and_the_corners_change_places():
    solution = a_solution()
    flipped = solution.turned()
    ra, dec = solution.to_sky(100.0, 200.0)
    x, y = flipped.to_pixel(ra, dec)
    assert float(np.hypot(x - (4095 - 100), y - (4095 - 200))) < 2.0  # but for the even part of the distortion


def test_a_solution_survives_json():
    import json

    solution = a_solution()
    again = TanSip.from_plain(json.loads(json.dumps(solution.as_plain())))
    assert np.array_equal(again.to_sky(*grid()), solution.to_sky(*grid()))


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 359.99), st.floats(-89.9, 89.9), st.floats(-5, 5), st.floats(-5, 5))
def test_the_plane_and_the_sky_are_each_others_inverse(ra0, dec0, xi, eta):
    ra, dec = from_plane(np.array(xi), np.array(eta), ra0, dec0)
    back = to_plane(ra, dec, ra0, dec0)
    assert float(back[0]) == pytest.approx(xi, abs=1e-8)
    assert float(back[1]) == pytest.approx(eta, abs=1e-8)


def test_proper_motion_is_that_of_astropy_near_the_pole_too():
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-0.9999, 0.9999, 200)))
    pm_ra, pm_dec = rng.normal(0, 300, (2, 200))
    sky = SkyCoord(
        ra * u.deg, dec * u.deg, pm_ra_cosdec=pm_ra * u.mas / u.yr, pm_dec=pm_dec * u.mas / u.yr,
        obstime=Time(2016.0, format="jyear"), frame="icrs", distance=np.full(200, 1e6) * u.kpc,
    )  # fmt: skip
    then = sky.apply_space_motion(new_obstime=Time(2026.5, format="jyear"))
    ours = at_epoch(ra, dec, pm_ra, pm_dec, 10.5)
    assert float(separation_deg(*ours, then.ra.deg, then.dec.deg).max()) * 3.6e6 < 0.1  # mas


def test_a_star_of_unknown_motion_stays():
    ra, dec = at_epoch(np.array([10.0]), np.array([20.0]), np.array([np.nan]), np.array([np.nan]), 30.0)
    assert (float(ra[0]), float(dec[0])) == pytest.approx((10.0, 20.0))


def test_a_julian_year_is_astropys():
    from datetime import UTC, datetime

    when = datetime(2026, 6, 21, 3, 48, tzinfo=UTC)
    assert julian_year(when) == pytest.approx(Time(when).jyear, abs=1e-5)
