"""Keys of tasks: what makes a product stale, and what does not."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline_core.config import Recipe
from pipeline_core.decisions import decided_frame
from pipeline_core.grouping import Geometry
from pipeline_core.plan import Choices, build_plan
from pipeline_core.tasks import (
    DEFAULT_READ_NOISE_E,
    CameraFacts,
    TaskBuilder,
    calibration_quality_tasks,
    camera_facts,
    quick_tasks,
    without_stars,
)
from pipeline_core.types import Night, Section
from tests.core.frames_helpers import frame, full_night, night, series


def two_filters():
    return night(
        series("bias", 5),
        series("dark", 5),
        series("flat", 5),
        series("flat", 5, filter="V", folder="flat_v"),
        series("science", 2),
        series("science", 2, filter="V", folder="science_v"),
    )


def tasks(frames, recipe=None, choices=None, measured=None):
    recipe = recipe or Recipe()
    return TaskBuilder(frames, build_plan(frames, recipe, choices or Choices()), recipe, measured or {}).build()


def keys(*args, **more):
    found = tasks(*args, **more)
    return {name: task.key for name, task in {**found.masters, **found.science}.items()}


def changed(before, after):
    return {name for name in before if before[name] != after.get(name)}


def with_frame(frames, path, **facts):
    return Night(frames.root, tuple(replace(f, **facts) if f.path == path else f for f in frames.frames))


CHANGED = ("exposure_s", "mid_utc", "temperature_c", "decided", "mid_follows_exposure")
SCIENCE = {"science/science_000.fits", "science/science_001.fits"}
SCIENCE_V = {"science_v/science_000.fits", "science_v/science_001.fits"}
MASTERS = {"bias", "dark_90s_-10C", "flat_R", "flat_V", "mask_R", "mask_V"}


def test_the_same_night_and_recipe_have_the_same_keys():
    assert keys(two_filters()) == keys(two_filters())


def test_a_night_that_was_moved_keeps_all_keys():
    frames = two_filters()
    assert keys(replace(frames, root=Path("/elsewhere/night"))) == keys(frames)


def test_a_raw_frame_that_changed_changes_its_own_product_only():
    frames = two_filters()
    after = keys(with_frame(frames, "science/science_000.fits", mtime_ns=2))
    assert changed(keys(frames), after) == {"science/science_000.fits"}


def test_a_changed_bias_changes_all_that_stands_on_it():
    frames = two_filters()
    after = keys(with_frame(frames, "bias/bias_000.fits", size_bytes=1))
    # Not the dark: it holds the bias. Its mask is made from it and the flat.
    assert changed(keys(frames), after) == {"bias", "flat_R", "flat_V", "mask_R", "mask_V"} | SCIENCE | SCIENCE_V


def test_one_rejected_flat_changes_its_filter_only():
    frames = two_filters()
    after = keys(frames, choices=Choices(rejected={"flat_v/flat_002.fits": ""}))
    assert changed(keys(frames), after) == {"flat_V", "mask_V"} | SCIENCE_V


def test_a_rejected_science_frame_changes_nothing():
    frames = two_filters()
    after = keys(frames, choices=Choices(rejected={"science/science_000.fits": ""}))
    assert changed(keys(frames), after) - {"science/science_000.fits"} == set()


@pytest.mark.parametrize(
    "section", [{"cosmic": {"sigclip": 6.0}}, {"cosmic": {"enabled": False}}, {"calibrate": {"uncertainty": True}}]
)
def test_settings_of_the_last_steps_change_science_and_no_master(section):
    frames = two_filters()
    assert changed(keys(frames), keys(frames, Recipe(**section))) == SCIENCE | SCIENCE_V


def test_a_mask_setting_changes_masks_and_what_is_masked_with_them():
    frames = two_filters()
    after = keys(frames, Recipe(mask={"hot_sigma": 5.0}))
    assert changed(keys(frames), after) == {"mask_R", "mask_V"} | SCIENCE | SCIENCE_V


def test_a_clipping_setting_changes_everything():
    frames = two_filters()
    assert changed(keys(frames), keys(frames, Recipe(combine={"sigma": 4.0}))) == MASTERS | SCIENCE | SCIENCE_V


def test_a_quality_rule_changes_no_pixel():
    frames = two_filters()
    assert not changed(keys(frames), keys(frames, Recipe(quality={"reject": ("stars < 10",)})))


def test_a_shifted_clock_changes_headers_and_so_science_only():
    frames = two_filters()
    later = Night(frames.root, tuple(replace(f, mid_utc=f.mid_utc + timedelta(seconds=5)) for f in frames.frames))
    assert changed(keys(frames), keys(later)) == SCIENCE | SCIENCE_V


def test_the_masters_of_a_frame_are_inputs_of_its_task_and_a_bias_inside_the_dark_tells_the_current():
    task = tasks(full_night()).science["science/science_000.fits"]
    assert set(task.inputs) == {"raw", "bias", "dark", "flat", "mask"}
    assert set(task.settings["masters"]) == {"dark", "flat", "mask"}
    assert task.product == "calibrated/science/science_000_CAL.fits"


@pytest.mark.parametrize(
    ("recipe", "header", "measured", "expected"),
    [
        (3.0, 2.0, 1.8, (3.0, "recipe")),
        (None, 2.0, 1.8, (2.0, "GAIN")),
        (None, None, 1.8, (1.8, "flat and bias pairs")),
        (None, None, None, (None, None)),
    ],
)
def test_the_gain_comes_from_recipe_then_header_then_pairs(recipe, header, measured, expected):
    one = frame("a.fits", "science", gain_e_per_adu=header, gain_source="GAIN" if header else None)
    found = {Geometry.of(one): CameraFacts(measured, "flat and bias pairs" if measured else None, 7.0, None)}
    facts = camera_facts(one, Recipe(calibrate={"gain_e_per_adu": recipe}), found)
    assert (facts.gain_e_per_adu, facts.gain_source) == expected


def test_the_read_noise_falls_back_to_that_of_a_typical_ccd():
    one = frame("a.fits", "science", read_noise_e=None)
    assert camera_facts(one, Recipe(), {}).read_noise_e == DEFAULT_READ_NOISE_E


def test_only_frames_that_could_serve_are_measured_before_masters_are_made():
    frames = full_night()
    plan = build_plan(frames, Recipe(), Choices(rejected={"dark/dark_000.fits": ""}))
    measured = calibration_quality_tasks(frames, plan, Recipe(), {})
    assert len(measured) == 14
    assert "dark/dark_000.fits" not in measured
    assert not any(path.startswith("science") for path in measured)


def test_a_dark_is_searched_for_the_stars_of_the_frame_nearest_in_time_and_of_one_in_the_middle():
    frames = night(series("science", 6), series("dark", 3), series("bias", 2))
    plan = build_plan(frames, Recipe())
    checks = calibration_quality_tasks(frames, plan, Recipe(), {})
    # Darks and science frames begin together: the first dark lies beside the first science frame.
    stars = {source.label for name, source in checks["dark/dark_000.fits"].inputs.items() if name != "raw"}
    assert stars == {"science/science_000.fits", "science/science_003.fits"}
    assert list(checks["bias/bias_000.fits"].inputs) == ["raw"]
    alone = without_stars(checks["dark/dark_000.fits"])
    assert list(alone.inputs) == ["raw"]
    assert alone.label == "dark/dark_000.fits"


def test_a_dark_of_a_night_without_science_frames_is_measured_by_itself():
    frames = night(series("dark", 3), series("bias", 2), series("flat", 3))
    checks = calibration_quality_tasks(frames, build_plan(frames, Recipe()), Recipe(), {})
    assert list(checks["dark/dark_000.fits"].inputs) == ["raw"]


def test_a_quick_look_needs_the_raw_frame_alone():
    frames = full_night()
    found = quick_tasks(frames, build_plan(frames, Recipe()), Recipe())
    assert set(found) == {f"science/science_{i:03d}.fits" for i in range(4)}
    assert all(list(task.inputs) == ["raw"] for task in found.values())


def test_the_order_of_the_overscan_fit_decides_masters_too():
    strip, lit = Section(0, 80, 90, 100), Section(0, 80, 0, 90)
    frames = night(series("bias", 3, overscan=strip, trim=lit), series("science", 1, overscan=strip, trim=lit))
    keys = set()
    for order in (1, 2):
        recipe = Recipe.model_validate({"overscan": {"order": order}})
        tasks = TaskBuilder(frames, build_plan(frames, recipe), recipe, {}).build()
        keys.add(tasks.masters["bias"].key)
        assert tasks.masters["bias"].settings["recipe"]["overscan"]["order"] == order
    assert len(keys) == 2


def test_a_rejected_frame_does_not_rename_the_product_of_its_twin():
    frames = night([frame("a.fits", "science"), frame("a.fits.gz", "science")])
    both = TaskBuilder(frames, build_plan(frames, Recipe()), Recipe(), {}).build().science["a.fits.gz"]
    plan = build_plan(frames, Recipe(), Choices(rejected={"a.fits": ""}))
    alone = TaskBuilder(frames, plan, Recipe(), {}).build().science["a.fits.gz"]
    assert alone.product == both.product


def test_the_cards_that_a_person_denied_stand_with_the_frame_they_belong_to():
    frames = two_filters()
    path = "science/science_000.fits"
    when = frames.by_path[path].mid_utc

    def of(**decided):
        edited = decided_frame(frames.by_path[path], decided)
        return tasks(with_frame(frames, path, **{name: getattr(edited, name) for name in CHANGED})).science

    untouched = tasks(frames).science
    assert "decided" not in untouched[path].settings["frame"]
    shifted = of(time_offset_s=60.0)
    assert shifted[path].settings["frame"]["decided"] == ["mid_utc"]
    assert shifted[path].settings["frame"]["mid_utc"] == (when + timedelta(seconds=60)).isoformat()
    assert changed({p: t.key for p, t in untouched.items()}, {p: t.key for p, t in shifted.items()}) == {path}
    warm = of(temperature_c=-9.0)[path].settings["frame"]
    assert (warm["decided"], warm["temperature_c"]) == (["temperature_c"], -9.0)
    assert of(temperature_c=-10.0)[path].key == untouched[path].key  # what the header says too is no change
