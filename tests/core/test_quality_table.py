"""The quality table says what the rows say, whole or not at all."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline_core.errors import DataError, NightError, UsageError
from pipeline_core.judge import judge_night
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.quality_plot import plot_quality
from pipeline_core.quality_table import as_table, read_quality_table, write_quality_table

from . import judge_helpers as nights


@pytest.fixture(scope="module")
def rows():
    night = nights.troubled_night(3, 30)
    return judge_night(night.frames, night.measures, night.stars, nights.DOME_C, groups=night.groups)


BARE = QualityRow("odd name, with “quotes”.fits", ScienceMeasures("quick", "ADU"))
FULL = QualityRow(
    "a/b.fits",
    ScienceMeasures(
        "final",
        "electron",
        fwhm_method="moffat",
        cosmic_rays=3,
        streaks=((1.0, 2.0, 3.5, 4.0),),
        notes=("faint", "x|y"),
        fwhm_map=((1.0, None, 2.0), (2.5, 2.5, 2.5), (None, None, 3.0)),
    ),
    mirrored=True,
    flags=(Flag("cloud", 'cloud: "thick", 0.5 mag\n', "bad"), Flag("streak", "one", "note")),
    extra={"group": 2, "reference": None},
)


def test_what_is_written_is_read_back(rows, tmp_path):
    file = tmp_path / "quality.ecsv"
    everything = [*rows, BARE, FULL]
    write_quality_table(file, everything, rejected={"a/b.fits": "trailed"})
    back = read_quality_table(file)
    assert back == everything
    assert [p.name for p in tmp_path.iterdir()] == ["quality.ecsv"]


def test_how_far_stars_are_trailed_is_read_back_and_a_table_that_does_not_say_it_is_read_too(tmp_path):
    file = tmp_path / "quality.ecsv"
    trailed = replace(FULL, measures=replace(FULL.measures, trail_px=4.25))
    write_quality_table(file, [BARE, trailed])
    assert [row.measures.trail_px for row in read_quality_table(file)] == [None, 4.25]
    table = as_table([BARE, trailed])
    table.remove_column("trail_px")
    table.write(file, format="ascii.ecsv", overwrite=True)
    assert [row.measures.trail_px for row in read_quality_table(file)] == [None, None]


def test_the_table_is_one_that_astropy_reads_with_units_and_blanks(tmp_path):
    from astropy.table import Table

    file = tmp_path / "quality.ecsv"
    write_quality_table(
        file,
        [BARE, FULL],
        rejected={"a/b.fits": "by hand"},
        calibration_flags={"d.fits": (Flag("stars in dark", "stars", "bad"),)},
    )
    table = Table.read(file, format="ascii.ecsv")
    assert str(table["fwhm_px"].unit) == "pix"
    assert table["fwhm_px"].mask.all()
    assert list(table["rejected"].filled("")) == ["", "by hand"]
    assert list(table["causes"].filled("")) == ["", "cloud, streak"]
    assert table["cosmic_rays"][1] == 3
    assert table.meta["calibration_flags"]["d.fits"][0]["cause"] == "stars in dark"


def test_an_empty_night_gives_an_empty_table(tmp_path):
    write_quality_table(tmp_path / "q.ecsv", [])
    assert read_quality_table(tmp_path / "q.ecsv") == []
    assert len(as_table([])) == 0


def test_a_write_that_fails_leaves_the_old_table(tmp_path, monkeypatch):
    file = tmp_path / "quality.ecsv"
    write_quality_table(file, [BARE])
    before = file.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline_core.quality_table.os.fsync", full)
    with pytest.raises(NightError, match="No space left"):
        write_quality_table(file, [FULL])
    assert file.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["quality.ecsv"]


def test_another_file_is_refused_in_words(tmp_path):
    file = tmp_path / "quality.ecsv"
    file.write_text("a b\n1 2\n")
    with pytest.raises(DataError, match="not a quality table"):
        read_quality_table(file)
    with pytest.raises(DataError):
        read_quality_table(tmp_path / "absent.ecsv")


def test_the_night_is_drawn_with_and_without_times(rows, tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    start = datetime(2024, 6, 20, 22, 0, tzinfo=UTC)
    times = {row.path: start + timedelta(minutes=2 * k) for k, row in enumerate(rows)}
    for file, given in (("timed.png", times), ("numbered.png", {})):
        plot_quality(rows, tmp_path / file, times=given, rejected={rows[0].path: "x"})
        picture = imread(tmp_path / file)
        assert picture.shape[0] > 800
        # Something of each of the flag colours is on the page: orange-red marks the bad frames.
        red = (picture[..., 0] > 0.7) & (picture[..., 1] < 0.5) & (picture[..., 2] < 0.2)
        assert np.count_nonzero(red) > 50
    plot_quality([BARE], tmp_path / "bare.png")
    assert (tmp_path / "bare.png").stat().st_size > 1000


def test_the_clock_of_the_picture_goes_on_at_midnight_from_zero(rows, tmp_path):
    pytest.importorskip("matplotlib")
    start = datetime(2024, 6, 20, 22, 10, tzinfo=UTC)
    times = {row.path: start + timedelta(hours=9 * k / (len(rows) - 1)) for k, row in enumerate(rows)}
    plot_quality(rows, tmp_path / "night.svg", times=times)
    said = re.findall(r"<!-- (.+?) -->", (tmp_path / "night.svg").read_text())
    hours = [words for words in said if re.fullmatch(r"\d\d:\d\d", words)]
    assert hours == ["00:00", "02:00", "04:00", "06:00"]
    assert "UTC, from 2024-06-20" in said


def test_a_night_of_minutes_has_minutes_on_its_clock(rows, tmp_path):
    pytest.importorskip("matplotlib")
    start = datetime(2024, 6, 20, 23, 58, 30, tzinfo=UTC)
    times = {row.path: start + timedelta(seconds=180 * k / (len(rows) - 1)) for k, row in enumerate(rows)}
    plot_quality(rows, tmp_path / "night.svg", times=times)
    said = re.findall(r"<!-- (\d\d:\d\d) -->", (tmp_path / "night.svg").read_text())
    assert said == ["23:58", "23:59", "00:00", "00:01", "00:02"]


def test_drawing_without_matplotlib_says_how_to_install_it(rows, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(UsageError) as caught:
        plot_quality(rows, tmp_path / "x.png")
    assert "astep-harvest[plot]" in caught.value.hint


def test_nothing_to_draw_and_unknown_endings_are_refused(rows, tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(UsageError, match="no science frame"):
        plot_quality([], tmp_path / "x.png")
    with pytest.raises(UsageError, match="names no picture"):
        plot_quality(rows, tmp_path / "x.txt")
    with pytest.raises(NightError, match=r"cannot write x\.png"):
        plot_quality(rows, tmp_path / "absent" / "x.png")
