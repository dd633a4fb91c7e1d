"""The demo night's sky: stars keep their light, the Sun is where it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from pipeline_core.demo.sky import (
    LATITUDE_DEG,
    LONGITUDE_DEG,
    SkyModel,
    Stars,
    add_stars,
    expected_light,
    make_stars,
    placed,
    profile,
    sky_level,
    star_fluxes,
    sun_altitude_deg,
    transparency,
    twilight_e,
)

CALM = SkyModel("R", 100.0)


def half_width_px(model):
    """Return the FWHM of a centred star along x and y, on a spline through its middle lines."""
    stamp = profile(np.zeros(1, np.float32), np.zeros(1, np.float32), 24, model)[0]
    widths = []
    for line in (stamp[24], stamp[:, 24]):
        fine = CubicSpline(np.arange(49), line)(np.linspace(0, 48, 9601))
        widths.append(np.count_nonzero(fine > line.max() / 2) / 200)
    return widths


@pytest.mark.parametrize("fwhm_px", [2.5, 4.0, 6.0])
def test_a_star_is_as_wide_as_asked(fwhm_px):
    # A pixel's own width adds in squares: 1/12 px² of variance, about 0.46 px² of FWHM².
    for measured in half_width_px(replace(CALM, fwhm_px=fwhm_px)):
        assert measured == pytest.approx(np.sqrt(fwhm_px**2 + 0.46), rel=0.06)


@pytest.mark.parametrize("fwhm_px", [1.3, 2.5, 6.0])
@pytest.mark.parametrize("halo", [0.0, 0.3])
def test_a_star_keeps_its_light_wherever_it_falls_on_a_pixel(fwhm_px, halo):
    for x, y in ((90.0, 90.0), (90.5, 89.5), (90.23, 90.71)):
        image = np.zeros((181, 181), np.float32)
        add_stars(
            image, np.array([x]), np.array([y]), np.array([5000.0]), replace(CALM, fwhm_px=fwhm_px, halo=halo)
        )
        rows, columns = np.mgrid[:181, :181]
        assert image.sum() == pytest.approx(5000, rel=1e-4)
        assert (image * columns).sum() / image.sum() == pytest.approx(x, abs=0.06)
        assert (image * rows).sum() / image.sum() == pytest.approx(y, abs=0.06)


def test_wind_makes_stars_long_in_one_direction():
    wide, high = half_width_px(replace(CALM, elongation=1.6, angle_deg=0.0))
    assert wide / high == pytest.approx(1.6, rel=0.08)


def test_a_trail_spreads_the_same_light_along_its_direction():
    stars = Stars(np.array([64.0]), np.array([64.0]), {"R": np.array([1e5])})
    calm = expected_light(CALM, stars, 129) - 100
    trailed = expected_light(replace(CALM, trail_px=10, angle_deg=0), stars, 129) - 100
    assert trailed.sum() == pytest.approx(calm.sum(), rel=0.01)
    assert np.count_nonzero(trailed[64] > trailed.max() / 2) >= 9
    assert np.count_nonzero(trailed[:, 64] > trailed.max() / 2) <= 5


def test_frost_takes_light_on_the_chip_and_puts_some_of_it_into_a_halo():
    model = replace(CALM, frost=0.3, halo=0.24)
    worst = transparency(model, np.array([0.6 * 512]), np.array([0.45 * 512]), 512)
    assert worst[0] == pytest.approx(0.7, abs=1e-6)
    assert transparency(model, np.array([0.0]), np.array([511.0]), 512)[0] > worst[0] + 0.1
    calm = profile(np.zeros(1, np.float32), np.zeros(1, np.float32), 30, CALM)[0]
    icy = profile(np.zeros(1, np.float32), np.zeros(1, np.float32), 30, model)[0]
    rows, columns = np.mgrid[-30:31, -30:31]
    near, far = np.hypot(rows, columns) < 3.75, np.hypot(rows, columns) < 10
    assert icy[far].sum() / icy[near].sum() > calm[far].sum() / calm[near].sum() * 1.05


def test_a_moving_cloud_takes_light_only_where_it_is():
    model = replace(CALM, patches=((100.0, 100.0, 40.0, 0.7),))
    through = transparency(model, np.array([100.0, 400.0]), np.array([100.0, 400.0]), 512)
    assert through == pytest.approx([0.3, 1.0], abs=1e-6)


def test_drift_and_rotation_move_stars_about_the_middle():
    model = replace(CALM, dx_px=3.0, dy_px=-2.0, rotation_deg=90.0)
    x, y = placed(model, np.array([127.5, 227.5]), np.array([127.5, 127.5]), 256)
    assert x == pytest.approx([130.5, 130.5])
    assert y == pytest.approx([125.5, 225.5])


def test_aurora_is_structured_and_the_plain_sky_is_not():
    assert np.ptp(sky_level(CALM, 128)) == 0
    sky = sky_level(replace(CALM, aurora_e=150.0), 128)
    assert np.ptp(sky) > 100
    assert sky.min() >= 100


def test_stars_are_many_faint_and_few_bright_and_follow_the_seed():
    stars, again = (make_stars(1024, np.random.default_rng(2)) for _ in range(2))
    assert np.array_equal(stars.x_px, again.x_px)
    bright = np.count_nonzero(stars.flux_e["R"] > 8000)
    # N(>F) ∝ F^-0.75: ten times the faintest flux leaves 18 %.
    assert bright / len(stars.x_px) == pytest.approx(0.178, abs=0.06)


def test_cloud_dims_every_star_by_the_same_factor():
    stars = make_stars(256, np.random.default_rng(2))
    clear, dim = (star_fluxes(replace(CALM, clear=value), stars, 256)[2] for value in (1.0, 0.4))
    assert dim / clear == pytest.approx(np.full(len(clear), 0.4))


def test_the_sun_stands_where_astropy_puts_it():
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    place = EarthLocation(lon=LONGITUDE_DEG * units.deg, lat=LATITUDE_DEG * units.deg, height=3232 * units.m)
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("iers_degraded_accuracy", "ignore"):
        for hours in (0, 4, 9, 15, 21):
            when = datetime(2026, 6, 21, tzinfo=UTC) + timedelta(hours=hours)
            time = Time(when)
            altitude = get_sun(time).transform_to(AltAz(obstime=time, location=place)).alt.deg
            assert sun_altitude_deg(when) == pytest.approx(altitude, abs=0.03)


def test_twilight_rises_smoothly_with_the_sun_and_is_nothing_at_night():
    levels = [twilight_e(altitude, "R") for altitude in (-30, -18.1, -16, -12, -8.5)]
    assert levels[:2] == [0, 0]
    assert levels == sorted(levels)
    assert levels[-1] == pytest.approx(1600)
