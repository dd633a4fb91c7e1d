"""Real frames, measured: sharp Lowell stars, ghosts in a dark, darks that are just darks."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.science.quality import measure_calibration, measure_science, quick_science

DATA = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the real frames are not at {DATA}")


def pixels(path):
    with fits.open(path) as hdus:
        return next(hdu.data for hdu in hdus if hdu.data is not None).astype(np.float32)


def frames(folder):
    found = sorted((DATA / folder).glob("*.fz"))
    assert found
    return found


def test_the_ghosts_in_the_minsky_dark_are_noticed():
    measures = measure_calibration(pixels(frames("minsky_dark_ghosts")[0]), "dark", saturation_adu=65535.0)
    assert measures.sources >= 10


def test_the_darks_of_jason_hold_no_stars():
    for path in frames("ssp_jason6063/dark") + frames("ssp_jason6063/flatdark") + frames("ssp_jason6063/bias"):
        assert measure_calibration(pixels(path), "dark", saturation_adu=65535.0).sources == 0, path.name


def test_widths_of_lowell_stars_are_sensible_and_the_quick_look_agrees():
    for path in frames("lowell5945/science")[::6]:
        image = pixels(path)
        final, stars = measure_science(
            image, unit="ADU", state="final", gain_e_per_adu=2.0, read_noise_e=9.0, saturation=60000.0
        )
        quick, _ = quick_science(image, gain_e_per_adu=2.0, read_noise_e=9.0, saturation=60000.0)
        assert 1.1 < final.fwhm_px < 3.5, path.name
        assert quick.fwhm_px == pytest.approx(final.fwhm_px, rel=0.15), path.name
        assert len(stars) > 100, path.name
        assert final.streaks == (), path.name


def test_no_streaks_in_the_crowded_field_of_jason():
    for path in frames("ssp_jason6063/light")[::3]:
        image = pixels(path)
        measures, _ = measure_science(image, unit="ADU", state="final", gain_e_per_adu=2.0, read_noise_e=9.0)
        assert measures.streaks == (), path.name
