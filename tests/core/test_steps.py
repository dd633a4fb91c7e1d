"""What each step did to a frame and to a pixel: the run's own code, looked at in between."""

import gc
import re
import tracemalloc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.config import Recipe
from pipeline_core.errors import NightError, UsageError
from pipeline_core.io.calibrated_file import read_calibrated
from pipeline_core.on_demand import steps_as_far_as_possible
from pipeline_core.plan import Choices
from pipeline_core.science.frame_steps import STEPS
from pipeline_core.stages.science import reduce_file
from pipeline_core.steps import frame_steps, input_files, pixel_story, step_words
from tests.core.steps_helpers import BRIGHT, DARK_PIXEL, GAIN, HIT, HOT, LIT, NX, NY, make, tasks_of, write_night


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The night with an overscan, reduced: (task of the light frame, output, calibrated file)."""
    root = tmp_path_factory.mktemp("steps")
    tasks = tasks_of(write_night(root / "night"))
    return tasks.science["light.fits"], root / "out", make(tasks, root / "out")


def night_made(tmp_path, recipe=None, choices=None, **features):
    tasks = tasks_of(write_night(tmp_path / "night", **features), recipe, choices)
    return tasks.science["light.fits"], tmp_path / "out", make(tasks, tmp_path / "out")


def test_the_last_step_is_the_calibrated_file_bit_for_bit(made):
    task, output, product = made
    last = frame_steps(task, output).steps[-1]
    calibrated = read_calibrated(product)
    np.testing.assert_array_equal(last.image, calibrated.image)
    np.testing.assert_array_equal(last.mask, calibrated.mask)
    assert last.unit == "electron"


def test_the_steps_stand_in_their_order_and_have_words(made):
    task, output, _ = made
    assert tuple(s.name for s in frame_steps(task, output).steps) == STEPS
    assert [step_words(name) for name in STEPS][3:6] == ["− bias", "− dark", "÷ flat"]


def test_the_first_step_is_the_raw_file(made):
    task, output, _ = made
    np.testing.assert_array_equal(frame_steps(task, output).step("raw").image, fits.getdata(task.inputs["raw"].path))


def test_a_dark_that_holds_the_bias_makes_the_bias_step_idle_and_it_says_so(made):
    task, output, _ = made
    found = frame_steps(task, output)
    assert {s.name: s.note for s in found.steps if s.note} == {"bias": "the dark holds the bias, both come off with it"}
    np.testing.assert_array_equal(found.step("bias").image, found.step("trim").image)


def test_the_difference_of_the_dark_step_is_the_master_dark(made):
    task, output, _ = made
    found = frame_steps(task, output)
    dark = fits.getdata(output / task.inputs["dark"].product)
    # A float32 near 65,535 ADU (the saturated pixel) is rounded to 0.004 ADU.
    np.testing.assert_allclose(-found.difference("dark"), dark, atol=4e-3)


def test_there_is_no_difference_where_shape_or_unit_change_or_nothing_was_done(made):
    task, output, _ = made
    found = frame_steps(task, output)
    assert [s.name for s in found.steps if found.difference(s.name) is None] == ["raw", "trim", "bias", "gain"]
    assert [s.name for s in found.steps if not found.has_difference(s.name)] == ["raw", "trim", "bias", "gain"]


def test_the_difference_of_the_cosmic_step_lies_under_its_mask_bit(made):
    task, output, _ = made
    found = frame_steps(task, output)
    changed = found.difference("cosmic") != 0
    assert changed[HIT]
    assert ((found.step("cosmic").mask[changed] & 16) != 0).all()


def test_a_step_that_does_not_exist_is_refused_with_those_that_do(made):
    task, output, _ = made
    with pytest.raises(UsageError, match="overscan, trim, bias"):
        frame_steps(task, output).step("fringe")


def test_every_step_that_has_nothing_to_do_says_why(tmp_path):
    recipe = Recipe(cosmic={"enabled": False})
    task, output, product = night_made(tmp_path, recipe, overscan=False, darks=(), biases=False, flats=False, gain=None)
    found = frame_steps(task, output)
    notes = {s.name: s.note for s in found.steps}
    assert notes.pop("mask") == ""
    assert notes.pop("raw") == ""
    assert all(notes.values())
    assert notes["gain"] == "the gain is unknown"
    assert notes["cosmic"] == "switched off in the recipe"
    np.testing.assert_array_equal(found.steps[-1].image, read_calibrated(product).image)


def test_without_a_dark_the_bias_is_its_own_step(tmp_path):
    task, output, _ = night_made(tmp_path, darks=())
    notes = {s.name: s.note for s in frame_steps(task, output).steps}
    assert notes["bias"] == ""
    assert notes["dark"] == "no dark for this exposure", "which of the two it is: none is there, not none wanted"


def test_a_scaled_dark_is_subtracted_after_the_bias(tmp_path):
    task, output, product = night_made(tmp_path, darks=(120.0,))
    found = frame_steps(task, output)
    assert not found.step("bias").note
    assert not found.step("dark").note
    hot = found.difference("dark")[HOT]
    # 40 e/s for 90 s at 2 e/ADU, from a 120 s dark: 1800 ADU; five frames know it to 1.5 %.
    assert hot == pytest.approx(-1800, rel=0.05)
    np.testing.assert_array_equal(found.steps[-1].image, read_calibrated(product).image)


def test_a_pedestal_is_taken_off_once_and_the_trim_step_does_not_call_itself_idle(tmp_path):
    task, output, _ = night_made(tmp_path, overscan=False, pedestal=100)
    found = frame_steps(task, output)
    assert not found.step("trim").note
    np.testing.assert_array_equal(found.difference("trim"), np.float32(-100))


def test_the_equation_of_a_pixel_has_the_brackets_of_its_arithmetic_and_tells_the_pedestal(tmp_path):
    task, output, _ = night_made(tmp_path, overscan=False, pedestal=100)
    story = pixel_story(task, output, 20, 20)
    assert story.pedestal_adu == 100.0
    left, result = story.equation.replace("−", "-").split(" = ")
    numbers = re.sub(r"(raw|pedestal|gain|bias|dark_\w+(-\w+)?|flat_\w+) ", "", left)
    assert numbers.startswith("(")
    by_hand = eval(numbers.replace("÷", "/").replace("×", "*"))
    assert by_hand == pytest.approx(float(result.split(" ")[0]), rel=0.01)


def test_a_pedestal_is_named_in_the_plan_and_in_the_history_of_the_calibrated_frame(tmp_path):
    task, _, product = night_made(tmp_path, overscan=False, pedestal=100)
    assert task.settings["equation"].startswith("raw − pedestal of 100 ADU − ")
    assert "raw - pedestal of 100 ADU" in "".join(fits.getheader(product)["HISTORY"])


def test_a_missing_master_is_named_with_the_command_that_makes_it(made, tmp_path):
    task, _, _ = made
    with pytest.raises(NightError, match="has not been made yet") as refused:
        input_files(task, tmp_path)
    assert "--only masters" in refused.value.hint


def test_the_steps_before_a_missing_master_are_freed_as_soon_as_nobody_wants_them(made, tmp_path):
    task, _, _ = made

    def look():
        shown = steps_as_far_as_possible(task, tmp_path)
        assert shown.missing is not None
        return weakref.ref(shown.steps.step("raw").image)

    gc.disable()  # as in the window, which searches seldom for what nobody can reach
    try:
        assert look()() is None
    finally:
        gc.enable()


# --- one pixel


def story_at(made, place):
    task, output, _ = made
    return pixel_story(task, output, place[1], place[0])


def test_the_numbers_of_the_equation_give_the_calibrated_value(made):
    task, _, product = made
    story = story_at(made, (10, 12))
    raw, overscan = story.values["raw"][0], story.values["overscan"][0]
    value = (overscan - story.masters["dark"][1]) / story.masters["flat"][1] * GAIN
    calibrated = read_calibrated(product).image[10, 12]
    assert value == pytest.approx(calibrated, abs=2e-3)
    assert story.values["cosmic"][0] == calibrated
    level = raw - overscan
    dark, flat = task.settings["masters"]["dark"][0], task.settings["masters"]["flat"][0]
    assert story.equation.startswith(
        f"(raw {raw:.6g} − overscan {level:.5g} − {dark} {story.masters['dark'][1]:.5g}) "
        f"÷ {flat} {story.masters['flat'][1]:.4g} × gain 2 = {calibrated:.0f} ± "
    )
    # Whole electrons of both: the error is 29 e⁻, and "1591.342 ± 29" would pretend to know more.
    assert re.search(r" = \d+ ± \d\d e⁻$", story.equation)
    assert not story.reasons


def test_the_error_of_a_pixel_is_its_uncertainty_whether_the_run_wrote_one_or_not(made):
    words = story_at(made, (10, 12)).equation
    sigma = float(words.split("±")[1].split()[0])
    # 800 e of sky, 9 e of dark current, 6 e of read noise, and the masters.
    assert sigma == pytest.approx(np.sqrt(800 + 9 + 36), rel=0.1)


@pytest.mark.parametrize(
    ("place", "reason"),
    [(HOT, "hot (in mask)"), (BRIGHT, "saturated"), (DARK_PIXEL, "bad (in mask)"), (HIT, "cosmic ray")],
)
def test_a_masked_pixel_says_why(made, place, reason):
    assert reason in story_at(made, place).reasons


def test_a_cosmic_ray_says_what_it_was_replaced_by(made):
    story = story_at(made, HIT)
    assert "a cosmic ray: replaced by" in story.equation
    assert story.values["mask"][0] > 4 * story.values["cosmic"][0]


def test_a_pixel_under_the_flats_floor_is_not_divided(made):
    story = story_at(made, DARK_PIXEL)
    assert "÷" not in story.equation
    assert story.values["flat"][0] == story.values["dark"][0]


def test_the_equation_of_a_scaled_dark_shows_bias_and_current(tmp_path):
    task, output, product = night_made(tmp_path, darks=(120.0,))
    story = pixel_story(task, output, HOT[1], HOT[0])
    bias, dark, flat = (story.masters[kind][1] for kind in ("bias", "dark", "flat"))
    value = (story.values["overscan"][0] - bias - 0.75 * (dark - bias)) / flat * GAIN
    assert value == pytest.approx(read_calibrated(product).image[HOT], rel=1e-4, abs=0.01)
    assert "− 0.75 × dark current" in story.equation


@pytest.mark.parametrize(("x", "y"), [(LIT, 0), (0, NY), (-1, 5), (5, -1), (NX + 5, 3)])
def test_a_pixel_outside_the_calibrated_frame_is_refused_with_the_part_that_remains(made, x, y):
    task, output, _ = made
    with pytest.raises(UsageError, match="not in the calibrated frame") as refused:
        pixel_story(task, output, x, y)
    assert f"[1:{LIT},1:{NY}]" in refused.value.why


def test_the_corners_of_the_lit_part_have_a_story(made):
    task, output, product = made
    image = read_calibrated(product).image
    for y, x in ((0, 0), (NY - 1, LIT - 1)):
        assert pixel_story(task, output, x, y).values["cosmic"][0] == image[y, x]


def test_a_frame_without_gain_has_its_story_in_adu(tmp_path):
    task, output, _ = night_made(tmp_path, gain=None, flats=False)
    story = pixel_story(task, output, 10, 10)
    assert story.equation.endswith(" ADU")
    assert "gain" not in story.equation


def test_no_dark_wanted_is_obeyed_by_the_steps(tmp_path):
    choices = Choices(forced={"light.fits": {"dark": "none", "flat": "none"}})
    task, output, product = night_made(tmp_path, choices=choices)
    found = frame_steps(task, output)
    assert found.step("dark").note == "no dark is wanted, as chosen"
    assert found.step("flat").note == "no flat is wanted, as chosen"
    np.testing.assert_array_equal(found.steps[-1].image, read_calibrated(product).image)


def test_looking_changes_no_file(made):
    task, output, _ = made
    before = {p: p.stat().st_mtime_ns for p in output.rglob("*")}
    frame_steps(task, output)
    pixel_story(replace(task, settings=dict(task.settings)), output, 3, 3)
    assert {p: p.stat().st_mtime_ns for p in output.rglob("*")} == before


def test_a_pixel_without_a_value_is_filled_in_the_mask_step_and_not_before(tmp_path):
    root = write_night(tmp_path / "night", overscan=False)
    with fits.open(root / "light.fits") as hdus:
        data, header = hdus[0].data.astype(np.float32), hdus[0].header
    data[5, 6] = np.nan
    fits.writeto(root / "light.fits", data, header, overwrite=True)
    task = tasks_of(root).science["light.fits"]
    output = tmp_path / "out"
    product = make(tasks_of(root), output)
    found = frame_steps(task, output)
    assert np.isnan(found.step("gain").image[5, 6])
    assert np.isfinite(found.step("mask").image).all()
    assert found.step("mask").mask[5, 6] & 32
    np.testing.assert_array_equal(found.steps[-1].image, read_calibrated(product).image)


def test_each_step_is_handed_on_as_soon_as_it_is_done(made):
    task, output, _ = made
    seen = []
    found = frame_steps(task, output, seen=lambda step: seen.append((step.name, len(seen))))
    assert seen == [(name, i) for i, name in enumerate(STEPS)]
    assert tuple(s.name for s in found.steps) == STEPS


def test_one_frame_holds_few_planes_of_its_size_at_a_time(tmp_path):
    """With them two workers of 4096² frames and the driver stay under 1.5 GB."""
    size = 2048
    rng = np.random.default_rng(3)
    (tmp_path / "night").mkdir()
    for name, kind, exposure_s, level in [
        *((f"bias_{i}", "Bias Frame", 0.0, 1000) for i in range(2)),
        *((f"dark_{i}", "Dark Frame", 90.0, 1010) for i in range(2)),
        *((f"flat_{i}", "Flat Field", 2.0, 20_000) for i in range(2)),
        ("light", "Light Frame", 90.0, 2000),
    ]:
        hdu = fits.PrimaryHDU(rng.normal(level, 9, (size, size)).round().astype(np.uint16))
        hdu.header.update({"IMAGETYP": kind, "EXPTIME": exposure_s, "RDNOISE": 6.0, "EGAIN": 2.0, "FILTER": "R"})
        hdu.writeto(tmp_path / "night" / f"{name}.fits")
    tasks = tasks_of(tmp_path / "night")
    task, output = tasks.science["light.fits"], tmp_path / "out"
    make(tasks, output)
    inputs = input_files(task, output)
    assert {"bias", "dark", "flat", "mask"} <= set(inputs)
    tracemalloc.start()
    try:
        reduce_file(task.settings, inputs)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Image and variance 8, the mask and five planes of bytes for the cosmic rays, and 4 for the light of stars out of
    # focus, which this empty frame is searched for. The raw frame is gone by then, and no master is held.
    assert peak < 19 * size * size
