import numpy as np
import pytest

from pipeline_core.science.quality import measure_calibration, measure_science, quick_science

from .stars_helpers import star_frame

SETTINGS = {"unit": "electron", "state": "final", "gain_e_per_adu": 1.0, "read_noise_e": 9.0}


def test_a_frame_with_known_stars_is_measured_as_it_was_made():
    image, x, y, flux = star_frame(fwhm=2.8, stars=60, seed=51, ellipticity=0.2, angle_deg=70)
    measures, stars = measure_science(image, pixel_scale_arcsec=1.1, cosmic_events=7, **SETTINGS)
    assert measures.state == "final"
    assert measures.background == pytest.approx(400, abs=1.5)
    assert measures.noise == pytest.approx(20, rel=0.03)
    assert measures.stars == pytest.approx(60, abs=3)
    assert measures.fwhm_px == pytest.approx(2.8, rel=0.03)
    assert measures.fwhm_arcsec == pytest.approx(1.1 * measures.fwhm_px)
    assert measures.fwhm_method == "moffat"
    assert measures.ellipticity == pytest.approx(0.2, abs=0.03)
    assert measures.ellipticity_angle_deg == pytest.approx(70, abs=4)
    assert measures.cosmic_rays == 7
    assert len(stars) > 50
    assert (np.diff(stars.flux) <= 0).all()
    distance = np.hypot(stars.x_px[:, None] - x, stars.y_px[:, None] - y)
    nearest = distance.argmin(axis=1)
    assert np.median(distance.min(axis=1)) < 0.05
    assert np.std(np.log(stars.flux / flux[nearest])[:30]) < 0.03


@pytest.mark.parametrize("ring", [(0, 9), (4, 10), (9, 16)])
def test_defocused_stars_get_their_width_from_the_profile(ring):
    image, *_ = star_frame(ring=ring, fwhm=4, stars=36, spacing=62, margin=50, flux=(5e4, 1e6), seed=52)
    measures, stars = measure_science(image, **SETTINGS)
    assert measures.fwhm_method == "profile"
    assert measures.fwhm_px == pytest.approx(2 * ring[1], rel=0.05)
    assert "profile" in measures.notes[0]
    assert len(stars) > 15


def test_bad_pixels_saturated_stars_and_borders_stay_out_of_the_list():
    image, x, y, flux = star_frame(stars=40, seed=53, margin=4)
    bright = np.argsort(-flux)[:3]
    level = 400 + 0.06 * flux[bright[-1]]
    full = image > level
    image[full] = level
    rng = np.random.default_rng(54)
    masked = rng.random(image.shape) < 3e-3
    image[masked] += 20000
    _, stars = measure_science(image, masked=masked, saturated=full, saturation=level, **SETTINGS)
    assert len(stars) >= 15
    for k in bright:
        assert np.hypot(stars.x_px - x[k], stars.y_px - y[k]).min() > 3
    distance = np.hypot(stars.x_px[:, None] - x, stars.y_px[:, None] - y).min(axis=1)
    assert np.mean(distance < 1.0) > 0.95


def test_hot_pixels_of_a_raw_frame_do_not_sharpen_its_stars():
    image, *_ = star_frame(stars=60, fwhm=2.5, seed=55)
    rng = np.random.default_rng(56)
    image[rng.random(image.shape) < 3e-3] += 2000
    measures, _ = quick_science(image.astype(np.uint16), gain_e_per_adu=1.0, read_noise_e=9.0)
    assert measures.fwhm_px == pytest.approx(2.5, rel=0.08)


def test_a_quick_look_at_a_large_frame_agrees_and_maps_its_stars_back():
    image, x, y, _ = star_frame(shape=(1536, 1600), stars=300, fwhm=2.5, seed=57, spacing=30)
    measures, stars = quick_science(image.astype(np.uint16), gain_e_per_adu=1.0, read_noise_e=9.0, saturation=60000)
    assert measures.state == "quick"
    assert measures.fwhm_px == pytest.approx(2.5, rel=0.04)
    assert measures.stars == pytest.approx(300, rel=0.15)
    assert measures.background == pytest.approx(400, abs=2)
    distance = np.hypot(stars.x_px[:, None] - x, stars.y_px[:, None] - y).min(axis=1)
    assert len(stars) > 80
    assert np.median(distance) < 0.05
    assert distance.max() < 1


@pytest.mark.parametrize("dtype", [">i2", ">f4", "int32", "float64"])
def test_a_quick_look_takes_any_type_of_pixel(dtype):
    image, *_ = star_frame(shape=(256, 256), stars=20, seed=58, flux=(5e3, 5e4))
    measures, _ = quick_science(image.astype(dtype))
    assert measures.fwhm_px == pytest.approx(2.5, rel=0.05)


@pytest.mark.parametrize(
    "image",
    [
        np.full((32, 32), 5.0, np.float32),
        np.full((64, 64), np.nan, np.float32),
        np.zeros((33, 200), np.float32),
        np.random.default_rng(59).normal(100, 5, (32, 40)).astype(np.float32),
        np.random.default_rng(60).normal(100, 5, (256, 256)).astype(np.float32),
    ],
    ids=["constant", "nan", "zero", "tiny noise", "no stars"],
)
def test_a_frame_without_stars_has_no_width_and_is_no_error(image):
    for measures, stars in (measure_science(image, **SETTINGS), quick_science(image)):
        assert measures.stars == 0
        assert measures.fwhm_px is None
        assert measures.streaks == ()
        assert len(stars) == 0
    assert measure_calibration(image, "dark").sources == 0


def test_a_frame_masked_whole_is_no_error():
    image, *_ = star_frame(shape=(128, 128), stars=5, seed=61, margin=15)
    measures, stars = measure_science(image, masked=np.ones(image.shape, bool), **SETTINGS)
    assert measures.background is None
    assert len(stars) == 0


def test_at_most_four_hundred_stars_spread_over_the_frame():
    image, *_ = star_frame(shape=(1024, 1024), stars=700, fwhm=2.0, seed=62, spacing=17, margin=12)
    _, stars = measure_science(image, **SETTINGS)
    assert 300 < len(stars) <= 400
    cells = np.histogram2d(stars.y_px, stars.x_px, bins=4, range=[[0, 1024], [0, 1024]])[0]
    assert cells.min() >= 8
