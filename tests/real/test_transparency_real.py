"""A clear real night: its transparency falls as the air mass grows, whatever the seeing does on coarse pixels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.quality_table import read_quality_table
from pipeline_core.quick_look import quick_look
from pipeline_core.scan import scan_night
from pipeline_core.session import Place

DATA = Path(os.environ.get("ASTEP_REAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
NIGHT = DATA / "lowell5945"
pytestmark = pytest.mark.skipif(not NIGHT.exists(), reason=f"no real night at {DATA} (set ASTEP_REAL_DATA)")


def is_clear_night(rows):
    """Whether the stars fade by the air mass alone, though they are 1.3 px wide in the first frame, 2.8 in the last."""
    width = np.array([row.measures.fwhm_px for row in rows])
    assert width.max() > 2 * width.min()
    air = np.array([row.extra["airmass"] for row in rows])
    through = np.log([row.transparency for row in rows])
    line = np.polyfit(air, through, 1)
    k, scatter = -1.0857 * line[0], float(np.std(through - np.polyval(line, air)))
    print(f"{len(rows)} frames: {k:.3f} mag an air mass, scatter about it {100 * scatter:.2f} %")
    return 0.08 < k < 0.2 and scatter < 0.01


def test_lowells_transparency_falls_with_the_air_mass_and_not_with_the_width_of_its_stars(reduced_night, tmp_path):
    reduced_night(NIGHT, tmp_path / "out")
    assert is_clear_night(read_quality_table(tmp_path / "out" / "quality.ecsv"))


def test_a_first_look_at_lowells_raw_frames_says_so_too_and_sees_no_cloud(tmp_path):
    place = Place(NIGHT, tmp_path / "none")
    night = scan_night(place.night, RunContext())
    rows = quick_look(place, night, Recipe(), RunContext(), lambda _rows: None).rows
    assert is_clear_night(rows)
    # The sharpest frame was said to have a patch of a third of a magnitude: close pairs, of which the wider stars of
    # the other frames have both in their apertures.
    assert not [flag.words for row in rows for flag in row.flags if flag.cause in {"cloud", "haloes", "frost"}]
