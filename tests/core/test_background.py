import numpy as np
import pytest

from pipeline_core.science.background import sky_mesh, sky_plane, without_sky

from .stars_helpers import star_frame


def tilted(seed=1, rise_x=60.0, rise_y=80.0, shape=(512, 640), noise=15.0):
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[: shape[0], : shape[1]]
    sky = 1000 + rise_x * ((u + 0.5) / shape[1] - 0.5) + rise_y * ((v + 0.5) / shape[0] - 0.5)
    return (sky + rng.normal(0, noise, shape)).astype(np.float32)


def test_level_noise_and_tilt_of_a_tilted_sky_are_found():
    mesh = sky_mesh(tilted())
    plane = sky_plane(mesh)
    assert mesh.background == pytest.approx(1000, abs=3)  # the plane's median over few tiles
    assert mesh.noise == pytest.approx(15, rel=0.03)
    assert plane.rise_x == pytest.approx(60, abs=3)
    assert plane.rise_y == pytest.approx(80, abs=3)
    assert plane.peak_to_valley == pytest.approx(140, abs=5)
    assert plane.angle_deg == pytest.approx(np.degrees(np.arctan2(80 / 512, 60 / 640)), abs=3)


def test_an_even_sky_has_no_scatter_beyond_its_sampling_noise():
    assert sky_plane(sky_mesh(tilted(rise_x=0, rise_y=0))).rms < 0.35  # tiles know their level to 0.6


def test_waves_in_the_sky_show_as_mesh_scatter():
    image = tilted(rise_x=0, rise_y=0)
    image += (20 * np.sin(np.arange(640) / 35.0)).astype(np.float32)
    assert sky_plane(sky_mesh(image)).rms == pytest.approx(20 / np.sqrt(2), rel=0.25)


def test_stars_hardly_lift_the_sky():
    image, *_ = star_frame(stars=80, fwhm=3.0, sky=400, noise=20)
    assert sky_mesh(image).background == pytest.approx(400, abs=1.0)


def test_masked_and_saturated_pixels_do_not_count():
    image = tilted(rise_x=0, rise_y=0)
    masked, full = np.zeros(image.shape, bool), np.zeros(image.shape, bool)
    image[:, ::3], masked[:, ::3] = 9000, True
    image[::5], full[::5] = 60000, True
    assert sky_mesh(image, masked, full).background == pytest.approx(1000, abs=1.5)


def test_a_sky_of_whole_numbers_is_known_to_fractions():
    rng = np.random.default_rng(5)
    image = np.rint(rng.normal(100.4, 1.2, (512, 512))).astype(np.uint16)
    mesh = sky_mesh(image)
    assert mesh.background == pytest.approx(100.4, abs=0.05)
    assert mesh.noise == pytest.approx(np.hypot(1.2, 1 / np.sqrt(12)), rel=0.04)  # rounding is noise too


def test_subtraction_leaves_no_tilt_and_fills_masked_pixels_from_neighbours():
    image = tilted()
    masked = np.zeros(image.shape, bool)
    masked[100, 100], masked[200, 200] = True, True
    image[100, 100], image[200, 200], image[300, 300] = 50000, np.nan, np.inf
    bare = without_sky(image, sky_mesh(image, masked), masked)
    assert np.isfinite(bare).all()
    assert abs(bare[100, 100]) < 5 * 15 / np.sqrt(8)
    assert bare[300, 300] == 0.0
    for corner in (bare[:64, :64], bare[:64, -64:], bare[-64:, :64], bare[-64:, -64:]):
        assert abs(np.median(corner)) < 4


def test_a_saturated_core_is_kept_though_masked():
    image = tilted()
    full = np.zeros(image.shape, bool)
    full[50:53, 50:53], image[50:53, 50:53] = True, 60000
    assert without_sky(image, sky_mesh(image, full, full), full, full)[51, 51] > 50000


def test_a_frame_without_sky_is_no_error():
    mesh = sky_mesh(np.full((64, 64), np.nan, np.float32))
    assert np.isnan(mesh.background)
    assert sky_plane(mesh) is None
    assert (without_sky(np.full((64, 64), np.nan, np.float32), mesh) == 0).all()
