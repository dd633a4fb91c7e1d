import numpy as np
import pytest

from pipeline_core.science.quality import measure_science

from .stars_helpers import add_streak, star_frame

SETTINGS = {"unit": "electron", "state": "final", "gain_e_per_adu": 1.0, "read_noise_e": 9.0}


def streaks(image):
    return measure_science(image, **SETTINGS)[0].streaks


@pytest.mark.parametrize(("start", "end"), [((60, 90), (480, 400)), ((500, 20), (30, 250)), ((0, 300), (511, 322))])
def test_a_satellite_of_two_sigma_is_found_with_its_ends(start, end):
    image, *_ = star_frame(stars=50, seed=31)
    found = streaks(add_streak(image, start, end, per_px=40.0))
    assert len(found) == 1
    ends = np.array(found[0]).reshape(2, 2)
    for true in (start, end):
        # A star near an end may hide the rest of it: 8 % of the length.
        assert np.hypot(*(ends - true).T).min() < 42


def test_two_satellites_are_two():
    image, *_ = star_frame(stars=50, seed=32)
    image = add_streak(image, (30, 40), (470, 200), per_px=60.0)
    assert len(streaks(add_streak(image, (60, 480), (430, 60), per_px=60.0))) == 2


def test_frames_without_satellites_have_no_streak():
    for seed in range(6):
        image, *_ = star_frame(shape=(384, 384), stars=60, seed=40 + seed, fwhm=2.0 + 0.5 * seed, spacing=12.0)
        assert streaks(image) == (), f"seed {40 + seed}"


def test_a_frame_whose_stars_all_trail_is_no_streak_but_elongated():
    image, *_ = star_frame(trail_px=30, angle_deg=20, stars=40, spacing=55, margin=40, flux=(5e4, 1e6), seed=33)
    measures, _ = measure_science(image, **SETTINGS)
    assert measures.streaks == ()
    assert measures.ellipticity > 0.6
    assert measures.ellipticity_coherence > 0.95
    assert measures.ellipticity_angle_deg == pytest.approx(20, abs=3)


def test_bad_columns_and_bleeding_are_no_streaks():
    image, *_ = star_frame(stars=50, seed=34)
    image[:, 200] += 500
    image[100:400, 350:353] = 60000
    assert streaks(image) == ()


def test_an_edge_in_the_sky_is_no_streak():
    image, *_ = star_frame(stars=20, seed=35)
    y, x = np.mgrid[:512, :512]
    assert streaks((image + 120 * (y > 0.4 * x + 100)).astype(np.float32)) == ()


def test_a_bright_line_along_a_border_is_no_streak():
    image, *_ = star_frame(stars=50, seed=36)
    assert streaks(add_streak(image, (5, 100), (12, 420), per_px=300.0)) == ()
