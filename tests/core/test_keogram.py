"""Keogram: one averaged column a frame, laid out in time."""

import numpy as np
import pytest

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.io.fits_file import read_layout
from pipeline_core.keogram import frame_column, night_columns
from pipeline_core.plan import Choices, build_plan
from pipeline_core.scan import scan_night
from pipeline_core.science.keogram import band_rows, frames_at, in_time, keogram_codes, sky_column
from pipeline_core.types import FrameKind, Section


@pytest.mark.parametrize(("ny", "bands"), [(4096, 128), (1000, 128), (100, 100), (1, 1)])
def test_bands_cover_a_frame_in_order_with_at_most_four_rows_each(ny, bands):
    rows = band_rows(ny)
    assert len(rows) == bands
    assert all(0 <= a < b <= ny and b - a <= 4 for a, b in rows)
    assert rows == sorted(rows)


def test_stars_hot_pixels_and_missing_data_do_not_brighten_the_sky():
    rng = np.random.default_rng(3)
    band = rng.normal(1000, 10, (4, 2000)).astype(np.float32)
    clean = sky_column([band])[0]
    band[:, ::10] = 60000  # a tenth of the pixels: far more than any field of stars
    band[0, 1::40] = np.nan
    # Clipping a tenth on one side moves the middle half by 0.14 sigma.
    assert sky_column([band])[0] == pytest.approx(clean, abs=3.0)


def test_a_band_without_data_is_unknown():
    assert np.isnan(sky_column([np.full((4, 50), np.nan, np.float32)])[0])


def test_a_gradient_keeps_its_direction_and_the_picture_has_high_y_at_the_top():
    column = np.linspace(100, 200, 16, dtype=np.float32)
    codes = keogram_codes([column, column + 1])
    assert codes[0, 0] > codes[-1, 0]


def test_a_frame_that_could_not_be_read_is_a_gap_of_code_zero():
    column = np.linspace(100, 200, 16, dtype=np.float32)
    codes = keogram_codes([column, None, column])
    assert (codes[:, 1] == 0).all()
    assert (codes[:, 0] > 0).all()


def test_twilight_does_not_hide_the_dark_sky():
    dark = [np.full(8, level, np.float32) for level in np.linspace(1000, 1060, 20)]
    codes = keogram_codes([*dark, np.full(8, 50000, np.float32)])
    assert codes[0, 20] == 255
    # 6 % more of a dark sky is seen beside a sky fifty times brighter.
    assert int(codes[0, 19]) - int(codes[0, 0]) >= 30


def test_structure_shows_a_cloud_and_not_the_vignetting_of_every_frame():
    vignetting = (1000 * (1 - 0.3 * np.linspace(-1, 1, 32) ** 2)).astype(np.float32)
    columns = [vignetting.copy() for _ in range(9)]
    columns[4][:8] *= 1.05
    codes = keogram_codes(columns, "structure")[::-1].astype(int)
    assert codes[4, 4] - codes[20, 4] > 100
    assert np.ptp(codes[:, 0]) < 30


def test_alternating_filters_do_not_draw_stripes():
    columns = [np.full(8, 1400 if k % 2 else 1200, np.float32) + np.float32(k) for k in range(20)]
    striped = keogram_codes(columns).astype(int)
    even = keogram_codes(columns, groups=["V" if k % 2 else "R" for k in range(20)]).astype(int)
    assert abs(striped[0, 10] - striped[0, 11]) > 100
    assert abs(even[0, 10] - even[0, 11]) < 40


def test_each_pixel_of_the_time_axis_shows_its_nearest_frame_and_gaps_stay_empty():
    times = np.array([30.0, 10.0, 20.0, 90.0])
    shown = frames_at(times, 0.0, 100.0, 100)
    assert shown[10] == 1
    assert shown[20] == 2
    assert shown[29] == 0
    assert shown[60] == -1
    assert shown[90] == 3
    laid = in_time(np.array([[1, 2, 3, 4]], np.uint8), shown)
    assert laid[0, 60] == 0
    assert laid[0, 90] == 4


def test_frames_without_times_fill_no_axis():
    assert (frames_at(np.array([np.nan, np.nan]), 0.0, 1.0, 5) == -1).all()


def test_a_column_read_by_rows_equals_one_of_the_whole_frame(tmp_path):
    from astropy.io import fits

    rng = np.random.default_rng(5)
    pixels = rng.integers(900, 1100, (300, 200)).astype(np.uint16)
    fits.PrimaryHDU(pixels).writeto(tmp_path / "a.fits")
    _, layout, _ = read_layout(tmp_path / "a.fits")
    trim = Section(10, 290, 5, 195)
    seen = pixels[trim.slices]
    expected = sky_column([seen[a:b] for a, b in band_rows(280)])
    assert np.array_equal(frame_column(tmp_path / "a.fits", layout, trim), expected)


def test_a_damaged_frame_leaves_a_gap_and_is_named(tmp_path):
    from astropy.io import fits

    for name in ("a", "b"):
        header = fits.Header({"IMAGETYP": "LIGHT", "EXPTIME": 90.0, "DATE-OBS": "2024-06-20T20:00:00"})
        fits.PrimaryHDU(np.full((64, 64), 1000, np.uint16), header).writeto(tmp_path / f"{name}.fits")
    night = scan_night(tmp_path, RunContext())
    (tmp_path / "b.fits").write_bytes((tmp_path / "b.fits").read_bytes()[:4000])
    said = []
    frames = [f for f in night.frames if f.kind is FrameKind.SCIENCE]
    plan = build_plan(night, Recipe(), Choices())
    columns = dict(night_columns(night, plan, frames, RunContext(said.append)))
    assert columns["b.fits"] is None
    assert columns["a.fits"] is not None
    assert any("b.fits" in event.text for event in said if event.kind == "message")
