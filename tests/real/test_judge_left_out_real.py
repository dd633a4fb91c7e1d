"""What is said of Jason's frames stands, whichever of the clouded and trailed ones were rejected before the run."""

from itertools import combinations

import pytest

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.night_quality import judged_rows
from pipeline_core.plan import Choices, build_plan
from pipeline_core.scan import scan_night
from pipeline_core.store import Store

CLOUDED = ("040", "041", "042", "043", "066")
TRAILED = ("065", "067", "068")


@pytest.fixture(scope="module")
def measured(real_data, reduced_night, tmp_path_factory):
    """Return what judges Jason's measured frames without some: number → causes, notes and the dark's aside."""
    out = tmp_path_factory.mktemp("jason") / "out"
    reduced_night(real_data / "ssp_jason6063", out)
    night = scan_night(real_data / "ssp_jason6063", RunContext())
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        made = {product.label: product.made for product in store.products("quality")}
    groups = build_plan(night, Recipe(), Choices()).groups

    def without(*left_out):
        kept = {path: one for path, one in made.items() if number_of(path) not in left_out}
        return {
            number_of(row.path): {flag.cause for flag in row.flags if flag.severity != "note"}
            for row in judged_rows(night, groups, kept)
        }

    return without


def number_of(path):
    return path.split(".")[1][-3:]


def test_jasons_veiled_and_lit_frames_are_named_with_all_the_others(measured):
    said = measured()
    assert said["039"] == {"cloud"}, "a quarter of its light is gone"
    assert all(said[name] >= {"cloud", "bright sky"} for name in ("041", "042", "043", "066"))
    assert said["069"] == said["055"] == set()
    assert all(said[name] == {"trailed"} for name in TRAILED)


def test_no_clouded_frame_that_is_left_out_changes_what_is_said_of_the_others(measured):
    every = measured()
    for number in (1, len(CLOUDED) - 1, len(CLOUDED)):  # those between are some more of the same, and take a while
        for left_out in combinations(CLOUDED, number):
            said = measured(*left_out)
            for name, causes in said.items():
                # Haze or cloud: its few neighbours decide. That light is missing stands.
                alike = {"cloud" if cause == "haloes" else cause for cause in causes}
                assert alike == every[name], f"{name} without {left_out}"


def test_no_trailed_frame_that_is_left_out_does_so_while_one_of_three_is_there(measured):
    every = measured()
    for number in (1, 2):
        for left_out in combinations(TRAILED, number):
            said = measured(*left_out)
            assert said == {name: every[name] for name in said}, f"without {left_out}"
