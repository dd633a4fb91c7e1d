"""Sun and Moon over a site, and the light they bring."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline_core.science.sun_moon import airmass, moon_brightness, sun_and_moon, twilight_brightness

from .judge_helpers import DOME_C, LOWELL


def test_the_sun_at_dome_c_in_midwinter_stays_below_the_horizon():
    times = [datetime(2024, 6, 20, 12, tzinfo=UTC) + timedelta(minutes=10 * k) for k in range(145)]
    sun = sun_and_moon(times, DOME_C, [None] * 145, [None] * 145).sun_altitude_deg
    # Declination +23.44: highest at 90 - 75.10 - 23.44 = 8.54 below, lowest 38.34 below the horizon.
    assert sun.max() == pytest.approx(-8.54, abs=0.02)
    assert sun.min() == pytest.approx(-38.34, abs=0.02)


def test_phase_and_place_of_a_known_moon():
    # Full Moon of 2024-06-22 01:08 UTC; new Moon of 2024-07-05 22:57 UTC (Astronomical Almanac).
    full, new = datetime(2024, 6, 22, 1, 8, tzinfo=UTC), datetime(2024, 7, 5, 22, 57, tzinfo=UTC)
    sky = sun_and_moon([full, new], LOWELL, [270.0, 270.0], [-28.0, -28.0])
    assert sky.moon_phase[0] > 0.99
    assert sky.moon_phase[1] < 0.01
    assert sky.moon_distance_deg[0] < 3


def test_unknown_times_and_pointings_stay_unknown():
    known = datetime(2024, 6, 22, tzinfo=UTC)
    sky = sun_and_moon([None, known], DOME_C, [10.0, None], [10.0, 10.0])
    assert np.isnan(sky.sun_altitude_deg).tolist() == [True, False]
    assert np.isnan(sky.moon_distance_deg).all()
    assert np.isnan(sun_and_moon([None], DOME_C, [1.0], [1.0]).moon_phase).all()


def test_years_beyond_the_tables_warn_nobody(recwarn):
    sky = sun_and_moon([datetime(2040, 1, 1, tzinfo=UTC)], DOME_C, [0.0], [-80.0])
    assert np.isfinite(sky.sun_altitude_deg).all()
    assert not [w for w in recwarn if "ERFA" in str(w.message) or "polar" in str(w.message)]


def test_air_mass_is_the_secant_high_up_and_stays_finite_at_the_horizon():
    assert airmass(90.0) == pytest.approx(1.0, abs=1e-3)
    assert airmass(30.0) == pytest.approx(2.0, abs=0.01)
    assert airmass(-5.0, lowest_deg=0.0) == pytest.approx(38, abs=1)
    assert np.isnan(airmass(np.nan))


def test_twilight_is_night_below_18_degrees_and_steep_above():
    light = twilight_brightness([-30, -18.3, -15, -12, -9, np.nan])
    assert light[0] == light[1] == light[5] == 0
    assert (np.diff(light[1:5]) > 0).all()
    # Patat et al. (2006), the V parabola: 21.32 mag/arcsec² at -15 degrees, 17.00 at -9.
    assert 2.5 * np.log10((1 + light[4]) / (1 + light[2])) == pytest.approx(4.32, abs=0.01)


def test_moonlight_grows_with_phase_and_height_and_nearness():
    def glow(height, phase, distance):
        return moon_brightness([height], [phase], [distance], [60.0])[0][0]

    assert glow(40, 1.0, 60) > 5 * glow(40, 0.5, 60)
    assert glow(40, 1.0, 20) > glow(40, 1.0, 90)
    assert glow(60, 1.0, 60) > glow(5, 1.0, 60)
    assert glow(-10, 1.0, 60) < 0.01 * glow(5, 1.0, 60)
    # Krisciunas & Schaefer 1991, fig. 4: full Moon 60 degrees away, about 1000 to 2000 nanolamberts.
    assert 300 < glow(50, 1.0, 60) < 3000
    diffuse, direct = moon_brightness([0.0, 60.0], [1.0, 1.0], [90.0, 90.0], [60.0, 60.0])
    assert direct[0] < 0.1 * diffuse[0]
    assert direct[1] == pytest.approx(diffuse[1], rel=0.05)
