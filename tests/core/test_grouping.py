"""Which frames belong together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.config import DarkSettings
from pipeline_core.grouping import (
    Geometry,
    by_exposure,
    by_pointing,
    by_temperature,
    mean_exposure,
    mean_temperature,
    pointing_offset_deg,
    separation_deg,
)
from tests.core.frames_helpers import frame

SETTINGS = DarkSettings()


def at(path, ra=None, dec=None, name=None):
    return frame(path, "science", ra_deg=ra, dec_deg=dec, object=name)


def paths(groups):
    return [[f.path for f in group] for group in groups]


def test_a_geometry_is_named_by_width_height_and_binning():
    assert str(Geometry.of(frame("a", "dark"))) == "100x80"
    assert str(Geometry.of(frame("a", "dark", binning=(2, 3)))) == "100x80_bin3x2"


def test_an_unstated_binning_is_one_by_one():
    assert Geometry.of(frame("a", "dark", binning=None)) == Geometry.of(frame("b", "dark", binning=(1, 1)))


def test_exposures_are_grouped_within_tolerance_and_unknown_ones_apart():
    frames = [frame(str(i), "dark", exposure_s=e) for i, e in enumerate([90.0, 10.0, None, 90.3, 10.04])]
    assert paths(by_exposure(frames, SETTINGS)) == [["1", "4"], ["0", "3"], ["2"]]


def test_a_chain_of_close_exposures_does_not_grow_without_end():
    frames = [frame(f"{i:02d}", "dark", exposure_s=10.0 + 0.04 * i) for i in range(6)]
    groups = by_exposure(frames, SETTINGS)
    assert all(g[-1].exposure_s - g[0].exposure_s <= 0.0511 for g in groups)
    assert len(groups) > 1


def test_temperatures_are_grouped_within_twice_the_tolerance():
    frames = [frame(str(i), "dark", temperature_c=t) for i, t in enumerate([-10.0, -8.9, -13.5, -5.0])]
    assert paths(by_temperature(frames, 1.5)) == [["2"], ["0", "1"], ["3"]]


def test_frames_without_temperature_join_the_only_group_or_form_their_own():
    cold, warm = frame("c", "dark", temperature_c=-30.0), frame("w", "dark", temperature_c=-10.0)
    silent = frame("s", "dark", temperature_c=None)
    assert paths(by_temperature([cold, silent], 1.5)) == [["c", "s"]]
    assert paths(by_temperature([cold, warm, silent], 1.5)) == [["c"], ["w"], ["s"]]


def test_means_count_what_is_known():
    frames = [frame("a", "dark", temperature_c=-10.0, exposure_s=None), frame("b", "dark", temperature_c=None)]
    assert (mean_temperature(frames), mean_exposure(frames)) == (-10.0, 90.0)
    assert mean_temperature([]) is None


def test_the_angle_between_pointings_is_that_on_the_sphere():
    assert separation_deg(at("a", 10.0, 60.0), at("b", 12.0, 60.0)) == pytest.approx(1.0, rel=1e-3)
    assert separation_deg(at("a", 0.0, -90.0), at("b", 180.0, -90.0)) == pytest.approx(0.0, abs=1e-9)
    assert separation_deg(at("a", 359.9, 0.0), at("b", 0.1, 0.0)) == pytest.approx(0.2)
    assert separation_deg(at("a", 1.0, 1.0), at("b")) is None


def test_dithered_frames_are_one_field_and_distant_ones_another_of_the_same_name_numbered():
    frames = [at("a", 10.0, 0.0, "M 1"), at("b", 10.2, 0.1, "M 1"), at("c", 30.0, 0.0, "M 1")]
    assert {name: [f.path for f in field] for name, field in by_pointing(frames).items()} == {
        "M 1": ["a", "b"],
        "M 1 (2)": ["c"],
    }


def test_a_field_has_the_name_that_one_of_its_frames_knows():
    assert list(by_pointing([at("a", 10.0, 0.0), at("b", 10.0, 0.0, "Vesta")])) == ["Vesta"]


def test_frames_without_coordinates_are_told_apart_by_their_object():
    fields = by_pointing([at("a", name="x"), at("b", name="y"), at("c", name="x"), at("d")])
    assert {name: len(field) for name, field in fields.items()} == {"x": 2, "y": 1, "field": 1}


@given(st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90)), max_size=12))
def test_every_frame_is_in_exactly_one_field(places):
    frames = [at(str(i), ra, dec) for i, (ra, dec) in enumerate(places)]
    found = [f.path for field in by_pointing(frames).values() for f in field]
    assert sorted(found) == sorted(f.path for f in frames)


def test_an_offset_is_counted_to_the_east_and_to_the_north_in_true_degrees():
    assert pointing_offset_deg(at("a", 10.0, 60.0), at("b", 11.0, 60.0)) == pytest.approx((0.5, 0.004), abs=2e-3)
    assert pointing_offset_deg(at("a", 10.0, 0.0), at("b", 10.0, -2.0)) == pytest.approx((0.0, -2.0), abs=1e-9)
    assert pointing_offset_deg(at("a", 359.9, 0.0), at("b", 0.1, 0.0)) == pytest.approx((0.2, 0.0), abs=1e-9)


def test_without_coordinates_there_is_no_offset_and_on_the_spot_none_either():
    assert pointing_offset_deg(at("a", 10.0, 0.0), at("b")) is None
    assert pointing_offset_deg(at("a", 10.0, 5.0), at("b", 10.0, 5.0)) == (0.0, 0.0)
