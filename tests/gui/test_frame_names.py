"""Names and searches of the frame table, without widgets."""

from __future__ import annotations

import pytest

from astep_gui.models.frame_columns import COLUMNS, shown_at_first
from astep_gui.models.frame_search import PLACEHOLDER, not_understood, search_for
from astep_gui.models.frame_state import FrameState
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.short_names import numbers_of, short_names
from pipeline_core.types import Frame, FrameKind

JASON = [f"light/Jason.{k:08d}.Entered Coordinates.fit.fz" for k in (55, 56, 112)]
PREFIX = [f"light/prefix.{k:08d}.Entered Coordinates.fit.fz" for k in (39, 40)]


def named(*groups):
    numbers = numbers_of(path for group in groups for path in group)
    return [list(short_names(group, numbers).values()) for group in groups]


def test_a_frame_is_called_by_its_running_number():
    assert named(JASON) == [["055", "056", "112"]]


def test_where_two_series_stand_together_each_name_says_which():
    assert named(JASON[:2] + PREFIX) == [["Jason 055", "Jason 056", "prefix 039", "prefix 040"]]


def test_a_frame_has_the_same_number_in_whatever_group_it_stands():
    assert named(JASON[:1], JASON[1:]) == [["055"], ["056", "112"]]


def test_a_frame_that_is_alone_in_its_series_keeps_its_name():
    assert named(["mystery.fits"], ["a/M5_R_90s.fits"]) == [["mystery"], ["M5_R_90s"]]


def test_of_several_numbers_all_that_differ_are_written():
    names = ["T_2026-06-21_0001_90.fits", "T_2026-06-22_0001_90.fits", "T_2026-06-22_0002_90.fits"]
    assert named(names) == [["21_0001", "22_0001", "22_0002"]]


def test_a_number_that_counts_the_frames_says_enough_whatever_dates_and_times_stand_before_it():
    names = ["P48_2026-06-21T23-58-10_R_00055.fits", "P48_2026-06-22T00-01-12_R_00056.fits"]
    assert named(names) == [["055", "056"]]
    times = ["P48_2026-06-21T23-58-10_R.fits", "P48_2026-06-21T23-59-11_R.fits"]
    assert named(times) == [["58-10", "59-11"]], "seconds that happen to grow count nothing"


def test_no_two_frames_of_a_group_are_called_alike():
    names = ["a/IMG_001.fits", "b/IMG_001.fits", "a/IMG_002.fits"]
    (shown,) = named(names)
    assert len(set(shown)) == len(names)
    assert shown[2] == "002"


def test_frames_of_one_name_in_two_folders_are_told_apart_by_a_word_and_not_by_their_whole_path():
    names = ["n-CAMS/n_DARK_003.fits", "n-CAMS_SKYFLAT/n_DARK_003.fits", "n-CAMS/n_DARK_004.fits"]
    assert named(names) == [["003", "SKYFLAT 003", "004"]]
    darks_and_flats = [*names, "n-CAMS_SKYFLAT/n_SKYFLAT_007.fits", "n-CAMS_SKYFLAT/n_SKYFLAT_008.fits"]
    assert named(darks_and_flats) == [["DARK 003", "SKYFLAT DARK 003", "DARK 004", "SKYFLAT 007", "SKYFLAT 008"]]


def test_names_of_many_forms_stay_apart():
    names = ["x.fits", "x-1.fits", "x_1.fits", "1.fits", "01.fits", "y1z2.fits", "y1z3.fits", ".fits"]
    (shown,) = named(names)
    assert len(set(shown)) == len(names)
    assert all(shown)


# -- searching ----------------------------------------------------------------------------------------------------

FRAME = Frame("night/light_007.fits", FrameKind.SCIENCE, 1, 1, "R", 90.0003, object="NGC 1866", temperature_c=-20.5)
ROW = QualityRow(FRAME.path, ScienceMeasures("final", "electron", background=812.0, fwhm_px=3.2), depth_loss_mag=0.4)
CLOUD = FrameState("▲", "cloud", "warn", "half of the light is missing")


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("", True), ("light 007", True), ("ngc r", True), ("half cloud", True), ("light 008", False),
        ("-cloud", False), ("-good light", True), ("-", True),
        ("kind:sci", True), ("kind:dark", False), ("filter:r", True), ("filter:v", False), ("state:cloud", True),
        ("object:1866", True), ("-filter:R", False),
        ("fwhm>3", True), ("fwhm>3.2", False), ("fwhm>=3.2", True), ("FWHM<3", False), ("depth>0.3", True),
        ("exp=90", True), ("exposure=91", False), ("temp<-20", True), ("temp<-21", False), ("sky<900 fwhm<4", True),
        ("-fwhm>3", False), ("stars>0", False),
        ("cloud, fwhm>3", True), ("cloud,fwhm>3.5", False), ("fwhm>3,1", True), ("fwhm>3,5", False),
        ("fwhm > 3", True), ("fwhm >= 3.3", False), ("kind = science; r", True), ("filter=R", True),
        ("filter=V", False), ("exp=90,filter:r", True), ("exp=90s", True), ("exp:90", True), ("exp:91", False),
        ("light_007, -cloud", False), ("temp < -20", True),
        ("fwhm>wide", False), ("nosuch>3", False), ("nosuch:3", False),
    ],
)  # fmt: skip
def test_a_search_finds_what_its_words_say(words, is_found):
    wanted = search_for(words)
    assert (wanted is None or wanted(FRAME, ROW, CLOUD)) == is_found


def test_the_search_that_the_line_itself_shows_as_an_example_is_understood():
    example = PLACEHOLDER.removeprefix("Search: ")
    assert search_for(example)(FRAME, ROW, CLOUD)
    assert not not_understood(example)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fwhm > two", "'two' is no number"),
        ("cloud, fwhm>", "a number is missing after 'fwhm>'"),
        ("-fwhm>wide", "'wide' is no number"),
        ("averylongnameofnothing>3", "'averylongname…' is no column"),
        ("seeing>3", "'seeing' is no column"),
        ("filter>R", "filter holds words, no numbers"),
        ("light_007 -cloud fwhm>2,5 filter=R exp=90s 04:30", ""),
    ],
)
def test_a_term_that_cannot_be_understood_is_named(words, said):
    assert not_understood(words) == said


def test_a_frame_that_was_not_measured_is_in_no_comparison():
    wanted, not_wanted = search_for("fwhm>0"), search_for("fwhm<99")
    assert not wanted(FRAME, None, CLOUD)
    assert not not_wanted(FRAME, None, CLOUD)


def test_a_grouped_table_does_not_repeat_what_its_headings_say():
    grouped, flat = shown_at_first(is_grouped=True), shown_at_first(is_grouped=False)
    assert {"name", "state", "fwhm", "depth", "utc", "on_sky"} == grouped
    assert {"kind", "filter", "exposure"} <= flat
    assert flat <= {column.key for column in COLUMNS}
