"""What a run would do now: nothing after a run, only what a decision touches after a decision, and why."""

from __future__ import annotations

import pytest

from pipeline_core import planned, solve_reduced
from pipeline_core import reduce as reduce_module
from pipeline_core.align_night import STAGE as ALIGNMENT
from pipeline_core.align_night import align_night, load_alignment
from pipeline_core.cli.reduce import reduction_document
from pipeline_core.config import Recipe
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.on_demand import night_tasks, steps_as_far_as_possible, task_of
from pipeline_core.plan import build_plan
from pipeline_core.recipe_file import recipe_changes
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.scan import scan_night
from pipeline_core.session import Place, choices_of, recipe_of
from pipeline_core.solve_reduced import passed_over
from pipeline_core.solve_tasks import SOLVE
from pipeline_core.solving.result import FrameSolution
from pipeline_core.stage import Stage, Task, remembered
from pipeline_core.stages.science import CALIBRATE
from pipeline_core.store import Store
from pipeline_core.survey import calibrated_file, calibrated_files, survey
from pipeline_core.tasks import calibration_quality_tasks
from pipeline_core.verdicts import SCIENCE_STAGE, move_products
from tests.gui.nights import small_night

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def surveyed(place):
    return survey(place, scan_night(place.night, RunContext()), recipe_of(place, None))


def reduced(place):
    return reduce_night(place, recipe_of(place, None), RunOptions(executor="threads"), RunContext())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small night, reduced once; the tests decide and take it back."""
    folder = tmp_path_factory.mktemp("survey")
    place = Place(small_night(folder / "night"), folder / "out")
    result = reduced(place)
    return place, result


@pytest.fixture
def place(made):
    place = made[0]
    yield place
    with Logbook.open(place.output) as logbook:
        while logbook.undo():
            pass


def test_before_anything_was_made_nothing_is_known(tmp_path):
    place = Place(small_night(tmp_path / "night"), tmp_path / "out")
    found = surveyed(place)
    assert not found.is_reduced
    assert not found.masters
    assert not place.output.exists()


def test_after_a_run_nothing_is_to_be_done(place):
    found = surveyed(place)
    assert found.is_up_to_date
    assert sorted(found.calibrated) == LIGHTS
    assert {master.name: master.state for master in found.masters} == dict.fromkeys(
        (master.name for master in found.masters), "up to date"
    )
    assert {"bias", "dark", "flat", "mask"} == {master.kind for master in found.masters}
    assert all((place.output / file).is_file() for file in found.calibrated.values())


def test_what_was_done_to_a_frame_is_told_as_its_steps_tell_it(place):
    with Logbook.open(place.output) as logbook:
        logbook.decide([LIGHTS[0]], "exposure_s", 12.0)
    found = surveyed(place)
    assert sorted(found.steps) == LIGHTS[1:], "what a run would make anew is not done"
    night = scan_night(place.night, RunContext())
    task = task_of(night_tasks(night, recipe_of(place, None), place.output).science, LIGHTS[1])
    shown = {step.name: step.note for step in steps_as_far_as_possible(task, place.output).steps.steps}
    assert found.steps[LIGHTS[1]] == shown
    assert [name for name, note in shown.items() if not note] == ["raw", "dark", "flat", "gain", "mask", "cosmic"]


def test_a_run_that_was_stopped_before_it_aligned_or_amid_solving_is_not_up_to_date(tmp_path, monkeypatch):
    place = Place(small_night(tmp_path / "night"), tmp_path / "out")
    reduced(place)
    assert (surveyed(place).unaligned, surveyed(place).unsolved) == ((), ())

    def stop(*_, **__):
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(solve_reduced, "solve_frames", stop)
        with pytest.raises(Cancelled):
            reduced(place)
    with Logbook.open(place.output) as logbook, Store(place.output, logbook.database) as store:
        first = store.products(SCIENCE_STAGE, LIGHTS[0])[0]
        answer = FrameSolution(LIGHTS[0], solved=False, reason="cloud").as_made() | {"pixels_of": first.key}
        store.finish(Task(Stage(SOLVE, 1, lambda *_: {}), None, {}, {}, LIGHTS[0]), None, None, answer, 0.1)
        for product in store.products(ALIGNMENT):
            store.drop_measurement(ALIGNMENT, product.label)
    found = surveyed(place)
    assert not found.is_up_to_date
    assert set(found.unaligned) <= set(LIGHTS)
    assert found.unaligned
    assert sorted(found.unsolved) == LIGHTS[1:]
    ended = reduced(place)  # though nothing here can solve these frames: another run would not do more
    assert ended.aligned_words == f"{len(found.unaligned)} frames aligned"
    assert not reduced(place).aligned_words
    assert surveyed(place).is_up_to_date
    with Logbook.open(place.output) as logbook, Store(place.output, logbook.database) as store:
        assert passed_over(store, logbook) == set(LIGHTS[1:])
        last = store.products(SCIENCE_STAGE, LIGHTS[-1])[0]
        store.finish(remembered(CALIBRATE, last.name, last.label, "another"), None, None, last.made, 0.1)
        assert passed_over(store, logbook) == set(LIGHTS[1:-1])


def test_a_rejected_frame_is_moved_and_nothing_is_computed(place):
    with Logbook.open(place.output) as logbook:
        logbook.reject(LIGHTS[:1], "cloud")
    found = surveyed(place)
    assert (dict(found.stale), found.moves, found.is_up_to_date) == ({}, (LIGHTS[0],), False)


def test_a_rejected_dark_changes_its_master_and_all_that_stands_on_it(place):
    with Logbook.open(place.output) as logbook:
        logbook.reject(["dark_000.fits"], "light leak")
    found = surveyed(place)
    changed = {master.name: master.why for master in found.masters if master.state == "changed"}
    dark = next(master.name for master in found.masters if master.kind == "dark")
    assert changed[dark] == "made from other frames or settings"
    assert not any(name == "bias" for name in changed)
    assert sorted(found.stale) == LIGHTS
    assert all(dark in why for why in found.stale.values())
    assert not found.new


@pytest.fixture
def bad_dark(tmp_path, monkeypatch):
    """A reduced night one of whose darks was found to hold stars, whatever is in it: (place, its path)."""
    bad = "dark_001.fits"
    for module in (planned, reduce_module):
        judge = module.judge_calibration
        monkeypatch.setattr(module, "hard_words", lambda flags: {bad: "it holds stars"} if bad in flags else {})
        monkeypatch.setattr(
            module, "judge_calibration", lambda frames, *more, judge=judge: dict.fromkeys((f.path for f in frames), ())
            | judge(frames, *more),
        )  # fmt: skip
    place = Place(small_night(tmp_path / "night"), tmp_path / "out")
    reduced(place)
    assert bad not in dark_master(place).frames
    return place, bad


def dark_master(place):
    return next(master for master in surveyed(place).masters if master.kind == "dark")


def test_a_rejected_science_frame_does_not_bring_a_bad_dark_back_into_its_master(bad_dark):
    """Its stars were looked for in the dark: the run looks for another's, and leaves the same dark out."""
    place, _ = bad_dark
    for light in LIGHTS[:3]:
        with Logbook.open(place.output) as logbook:
            logbook.reject([light], "cloud")
        found = surveyed(place)
        assert {master.name: master.why for master in found.masters if master.state != "up to date"} == {}
        assert not found.stale


def test_a_dark_whose_file_was_replaced_does_not_count_by_what_the_old_one_held(bad_dark):
    place, bad = bad_dark
    (place.night / bad).write_bytes((place.night / "dark_000.fits").read_bytes())
    assert bad in dark_master(place).frames
    assert dark_master(place).state != "up to date"


def test_a_frame_that_was_measured_as_a_flat_does_not_count_by_it_once_it_is_a_dark(place):
    flat = "flat_000.fits"
    with Logbook.open(place.output) as logbook, Store(place.output, logbook.database) as store:
        (before,) = store.products("quality of calibration frames", flat)
        assert before.made["of"]["kind"] == "flat"
        logbook.decide([flat], "kind", "dark")
        night = logbook.apply(scan_night(place.night))
        plan = build_plan(night, Recipe(), choices_of(logbook))
        check = calibration_quality_tasks(night, plan, Recipe(), {})[flat]
        assert len(check.inputs) > 1, "stars are looked for in it"
        assert planned._before(store, {flat: check}) == {}


def test_a_frame_of_another_filter_is_the_only_one_to_be_made_anew(place):
    with Logbook.open(place.output) as logbook:
        logbook.decide(LIGHTS[1:2], "filter", "V")
    assert list(surveyed(place).stale) == LIGHTS[1:2]


def test_a_frame_that_becomes_science_is_new(place):
    with Logbook.open(place.output) as logbook:
        logbook.decide(["mystery.fits"], "kind", "science")
        logbook.decide(["mystery.fits"], "filter", "R")
    found = surveyed(place)
    assert found.stale == {"mystery.fits": "it was not made yet"}
    assert found.new == {"mystery.fits"}


def test_a_setting_that_changes_pixels_makes_all_frames_stale_and_one_that_does_not_none(place):
    recipe = recipe_of(place, None)
    with Logbook.open(place.output) as logbook:
        changed = recipe.model_copy(update={"cosmic": recipe.cosmic.model_copy(update={"sigclip": 9.0})})
        logbook.decide_recipe(recipe_changes(recipe, changed), recipe_changes(changed, recipe), label="sigclip")
    found = surveyed(place)
    assert sorted(found.stale) == LIGHTS
    assert all(master.state == "up to date" for master in found.masters)
    with Logbook.open(place.output) as logbook:
        logbook.undo()
        rules = recipe.model_copy(update={"quality": recipe.quality.model_copy(update={"reject": ("fwhm_px > 99",)})})
        logbook.decide_recipe(recipe_changes(recipe, rules), recipe_changes(rules, recipe), label="rules")
    assert surveyed(place).is_up_to_date


def test_a_lost_file_is_missed(place):
    file = next(iter(surveyed(place).calibrated.values()))
    kept = (place.output / file).read_bytes()
    (place.output / file).unlink()
    try:
        assert list(surveyed(place).stale.values()) == ["its file is gone"]
    finally:
        (place.output / file).write_bytes(kept)


def test_what_the_survey_says_is_what_the_run_does(tmp_path):
    place = Place(small_night(tmp_path / "night", science=3), tmp_path / "out")
    reduced(place)
    with Logbook.open(place.output) as logbook:
        logbook.decide(LIGHTS[:2], "exposure_s", 12.0)
    found = surveyed(place)
    result = reduced(place)
    assert result.counts["done"] == len(found.stale) == 2
    assert result.counts["cached"] == 1
    assert surveyed(place).is_up_to_date


def test_after_a_run_nothing_is_left_whatever_verdicts_came_between(tmp_path):
    place = Place(small_night(tmp_path / "night"), tmp_path / "out")
    with Logbook.open(place.output, place.night) as logbook:
        logbook.reject(LIGHTS[1:2], "cloud")  # before it was ever calibrated
    reduced(place)
    assert surveyed(place).is_up_to_date
    with Logbook.open(place.output) as logbook:
        logbook.reject(LIGHTS[:1], "trailed")  # after it was calibrated
        logbook.accept(LIGHTS[1:2])
    found = surveyed(place)
    assert (list(found.stale), found.moves) == (LIGHTS[1:2], (LIGHTS[0],))
    for _ in range(2):
        reduced(place)
        assert (surveyed(place).unaligned, surveyed(place).is_up_to_date) == ((), True)
    known = load_alignment(place.output)
    assert {one.path for one in known.frames} == set(LIGHTS)
    assert [one.path for one in known.frames if one.rejected] == LIGHTS[:1]
    assert (
        align_night(place, recipe_of(place, None), RunContext()).by_path == known.by_path
    )  # the run's own work, and no other


def test_a_run_tells_the_noise_before_and_after(made):
    _place, result = made
    assert result.noise is not None
    assert result.noise.frames == len(LIGHTS)
    # Both frames and masters scatter by 5 ADU; the gain is 1.
    assert result.noise.pixel_raw == pytest.approx(5.0, rel=0.1)
    assert 5.0 < result.noise.pixel_calibrated < 7.5
    assert "→" in result.noise.words()
    told = reduction_document(result)["noise"]
    assert told["frames"] == len(LIGHTS)
    assert told["pixel"]["raw"] == pytest.approx(result.noise.pixel_raw, abs=1e-3)


def test_a_rejected_frame_that_no_alignment_looked_at_waits_for_none(place):
    with Logbook.open(place.output) as logbook:
        logbook.reject(LIGHTS[:1], "cloud")
        move_products(place.output, logbook)
    try:
        reduced(place)
        found = surveyed(place)
        assert LIGHTS[0] in found.calibrated
        assert found.is_up_to_date
    finally:
        with Logbook.open(place.output) as logbook:
            logbook.undo()
        reduced(place)


def test_the_noise_of_a_night_opened_again_is_that_of_its_last_run(place):
    with Logbook.open(place.output) as logbook:
        logbook.reject(LIGHTS[:1], "cloud")
    try:
        result = reduced(place)
        found = surveyed(place)
        assert found.noise == result.noise
        assert found.noise.frames == len(LIGHTS) - 1
    finally:
        with Logbook.open(place.output) as logbook:
            logbook.undo()
        reduced(place)


def test_what_the_last_run_warned_of_and_why_it_solved_nothing_is_told_again(made):
    place, result = made
    found = surveyed(place)
    assert found.warnings == result.warnings
    assert found.sky_words == result.sky_words
    assert found.solved is None or result.sky is not None


def test_a_run_that_never_ended_is_told_but_not_while_it_is_on(place):
    diary = place.output / "log.jsonl"
    before = diary.read_text()
    assert not surveyed(place).was_broken_off
    try:
        diary.write_text(before + '{"kind": "started", "job": "run"}\n')
        assert surveyed(place).was_broken_off
        with RunLock(place.output):
            assert not surveyed(place).was_broken_off
    finally:
        diary.write_text(before)


def test_the_calibrated_file_of_a_frame_is_found_where_its_verdict_put_it(place):
    assert calibrated_file(place, LIGHTS[0]) == place.output / "calibrated" / "light_000_CAL.fits"
    with Logbook.open(place.output) as logbook:
        logbook.reject(LIGHTS[:1], "cloud")
        move_products(place.output, logbook)
        assert calibrated_file(place, LIGHTS[0]) == place.output / "rejected" / "light_000_CAL.fits"
        logbook.undo()
        move_products(place.output, logbook)
    assert calibrated_file(place, "bias_000.fits") is None
    assert calibrated_file(Place(place.night, place.output / "nowhere"), LIGHTS[0]) is None


def test_the_calibrated_files_of_many_frames_are_found_by_one_question(place, monkeypatch):
    """Each goes through all products: of 5,000 frames that took 41 s, for which the window stood still."""
    asked, products = [], Store.products
    monkeypatch.setattr(Store, "products", lambda store, *what: asked.append(what) or products(store, *what))
    assert set(calibrated_files(place, [*LIGHTS, "bias_000.fits"])) == set(LIGHTS)
    assert len(asked) == 1


def test_the_calibrated_files_of_many_frames_are_found_at_one_opening_of_the_output(place, monkeypatch):
    opened = []
    honest = Logbook.read_only.__func__
    monkeypatch.setattr(Logbook, "read_only", classmethod(lambda cls, out: (opened.append(out), honest(cls, out))[1]))
    found = calibrated_files(place, [*LIGHTS, "bias_000.fits"])
    assert found == {path: place.output / "calibrated" / f"{path[:-5]}_CAL.fits" for path in LIGHTS}
    assert opened == [place.output]


def test_the_noise_is_that_of_the_frames_that_no_rule_rejected_after_a_run_and_opened_again(place, tmp_path):
    place = Place(place.night, tmp_path / "out")
    recipe = Recipe(quality={"reject": ["background > median(background)"]})
    result = reduce_night(place, recipe, RunOptions(executor="threads"), RunContext())
    number = result.counts["done"]
    assert number == len(LIGHTS) - result.counts["left_out"] < len(LIGHTS)
    assert result.noise is not None
    assert result.noise.of_frames == number
    assert surveyed(place).noise == result.noise
