"""The star list that solving stands on: places true to their errors, masks heeded, the header's facts read."""

import numpy as np
import pytest
from astropy.io import fits
from scipy.spatial import cKDTree

from pipeline_core.demo.sky import SkyModel, add_stars
from pipeline_core.io.calibrated_file import write_calibrated
from pipeline_core.science.solve_stars import stars_for_solving
from pipeline_core.stages.solve import find_stars, header_facts
from pipeline_core.types import MaskBit

SIZE = 768
SKY = 300.0


def exposure(seed, fwhm=2.5, number=160, brightest=3e5):
    """An image with its stars' true places: noise of sky and light, as a chip of gain 1 has it."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(12, SIZE - 12, (2, number))
    flux = np.exp(rng.uniform(np.log(3e3), np.log(brightest), number))
    light = np.full((SIZE, SIZE), SKY, np.float32)
    add_stars(light, x, y, flux, SkyModel("R", SKY, fwhm_px=fwhm))
    return rng.normal(light, np.sqrt(light + 81.0)).astype(np.float32), x, y, flux


def matched(stars, x, y):
    distance, nearest = cKDTree(np.stack([x, y], axis=1)).query(np.stack([stars.x_px, stars.y_px], axis=1))
    return distance, nearest


@pytest.mark.parametrize("fwhm", [1.3, 1.6, 2.5, 4.0])
def test_places_are_true_to_their_stated_errors(fwhm):
    pulls = []
    for seed in range(3):
        image, x, y, _ = exposure(seed, fwhm, number=60)
        stars = stars_for_solving(image)
        distance, nearest = matched(stars, x, y)
        good = distance < 1.0
        assert good.mean() > 0.93
        error = np.concatenate([(stars.x_px - x[nearest])[good], (stars.y_px - y[nearest])[good]])
        pull = error / np.tile(stars.sigma_px[good], 2)
        pulls.append(1.4826 * np.median(np.abs(pull)))
    print(f"FWHM {fwhm}: pull {np.mean(pulls):.2f}")
    # The fit puts a common factor right; what matters is that bright and faint stars are weighed as they deserve.
    assert 0.6 < np.mean(pulls) < 1.4


def test_bright_stars_come_first_and_full_ones_are_listed_as_such():
    image, x, y, _ = exposure(4, brightest=4e6)
    full = image > 60_000
    stars = stars_for_solving(np.minimum(image, 60_000).astype(np.float32), saturated=full)
    assert np.all(np.diff(stars.flux) <= 0)
    assert stars.saturated.any()
    assert (stars.sigma_px[stars.saturated] > 0.3).all()
    distance, _ = matched(stars.pick(stars.saturated), x, y)
    assert np.median(distance) < 0.6


def test_hot_pixels_and_cosmic_rays_are_no_stars():
    image, x, y, _ = exposure(5)
    rng = np.random.default_rng(6)
    hot_y, hot_x = rng.integers(10, SIZE - 10, (2, 80))
    image[hot_y, hot_x] += 20_000
    masked = np.zeros(image.shape, bool)
    masked[hot_y, hot_x] = True
    stars = stars_for_solving(image, masked=masked)
    distance, _ = matched(stars, hot_x, hot_y)
    near_star, _ = matched(stars, x, y)
    assert ((distance < 1.0) & (near_star > 2.0)).sum() == 0


def test_the_list_is_spread_over_the_frame():
    image, *_ = exposure(7, number=400)
    image[:, : SIZE // 2] = 0.3 * (image[:, : SIZE // 2] - SKY) + SKY  # a cloud over one half
    stars = stars_for_solving(image, most=80)
    assert len(stars) == 80
    assert 20 < (stars.x_px < SIZE / 2).sum() < 60


def test_a_frame_without_stars_or_light_gives_an_empty_list():
    rng = np.random.default_rng(8)
    assert len(stars_for_solving(np.zeros((256, 256), np.float32))) == 0
    assert len(stars_for_solving(np.full((256, 256), np.nan, np.float32))) == 0
    assert len(stars_for_solving(rng.normal(300, 17, (256, 256)).astype(np.float32))) < 3


def calibrated(tmp_path, **cards):
    image, *_ = exposure(9)
    header = fits.Header()
    header["CALDONE"] = True
    for name, value in cards.items():
        header[name.replace("_", "-")] = value
    mask = np.zeros(image.shape, np.uint8)
    mask[100:103] = MaskBit.HOT
    path = tmp_path / "a_CAL.fits"
    write_calibrated(path, image, mask, None, header, unit="electron", compress=False)
    return path


def test_the_stage_lists_stars_and_what_the_header_says(tmp_path):
    path = calibrated(
        tmp_path, RA=217.43, DEC=-62.68, PIXSCALE=0.93, EXPTIME=90.0, DATE_AVG="2026-06-21T03:48:45", TIMESYS="UTC"
    )
    made = find_stars({"path": "night/a.fits", "max_stars": 100}, {"calibrated": path}, tmp_path / "x", 1)
    assert made["shape"] == [SIZE, SIZE]
    assert 60 < len(made["stars"]["x_px"]) <= 100
    assert made["header"]["scale_arcsec"] == 0.93
    assert (made["header"]["ra_deg"], made["header"]["dec_deg"]) == (217.43, -62.68)
    assert made["header"]["year"] == pytest.approx(2026.4687, abs=1e-3)
    assert made["header"]["time_note"] is None


def test_a_date_without_a_time_and_a_start_without_a_length_are_explained(tmp_path):
    facts = header_facts(calibrated(tmp_path, DATE_OBS="2019-03-26", EXPTIME=300.0), "a.fits")
    assert facts["year"] is None
    assert "a date without a time of day" in facts["time_note"]
    assert "not for reporting" in facts["time_note"]
    facts = header_facts(calibrated(tmp_path, DATE_OBS="2019-03-26T03:00:00"), "a.fits")
    assert facts["year"] is not None
    assert "only the start of the exposure is known" in facts["time_note"]
    usual = {"DATE_OBS": "2019-03-26T03:00:00", "DATE_AVG": "2019-03-26T03:00:45", "EXPTIME": 90.0, "EXPUSUAL": True}
    facts = header_facts(calibrated(tmp_path, **usual), "a.fits")
    assert facts["year"] is not None
    assert facts["time_note"].startswith("the header gives no exposure time: 90 s, as is usual, is taken")
    assert "not for reporting" in facts["time_note"]
    assert "astep set OUT exposure_s=" in facts["time_note"]


def test_the_profile_of_the_telescope_tells_the_scale_where_the_header_does_not(tmp_path):
    path = calibrated(tmp_path, TELESCOP="ASTEP 400", EXPTIME=90.0)
    assert header_facts(path, "a.fits")["scale_arcsec"] == 0.93
    path = calibrated(tmp_path, TELESCOP="ASTEP 400", EXPTIME=90.0, XBINNING=2, YBINNING=2)
    assert header_facts(path, "a.fits")["scale_arcsec"] == 1.86
