"""What was made already."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from runner_helpers import MEASURE, ToyNight

from pipeline_core.errors import AstepError
from pipeline_core.io.atomic import part_path
from pipeline_core.stage import Task
from pipeline_core.store import Store


@pytest.fixture
def night(tmp_path):
    return ToyNight(tmp_path)


@pytest.fixture
def store(night):
    with Store(night.output) as opened:
        yield opened


def finish(store, task, content=b"pixels", made=None):
    part = part_path(store.file(task.product))
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(content)
    store.finish(task, part, len(content), made or {"n": 1}, 0.5)


def test_a_product_is_fresh_until_its_key_its_size_or_its_file_changes(night, store):
    task = night.frame("sci_000.fits")
    assert store.fresh(task) is None
    finish(store, task, made={"fwhm_px": 2.5})
    assert store.fresh(task) == {"fwhm_px": 2.5}
    assert store.fresh(night.frame("sci_000.fits", times=2)) is None
    store.path(task).write_bytes(b"cut")
    assert store.fresh(task) is None
    store.path(task).unlink()
    assert store.fresh(task) is None


def test_a_changed_raw_file_makes_its_product_stale(night, store):
    finish(store, night.frame("sci_000.fits"))
    (night.root / "sci_000.fits").write_bytes(b"another exposure")
    assert store.fresh(night.frame("sci_000.fits")) is None


def test_measurements_without_a_file_are_kept_by_label_and_stage(night, store):
    task = Task(MEASURE, None, {}, {"raw": night.raw("sci_000.fits")}, "sci_000.fits")
    store.finish(task, None, None, {"level": 3.0}, 0.1)
    assert store.fresh(task) == {"level": 3.0}
    assert store.fresh(Task(MEASURE, None, {"offset": 1}, task.inputs, task.label)) is None


def test_what_was_made_is_known_after_reopening(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    with Store(night.output) as again:
        assert again.fresh(task) == {"n": 1}
        assert again.products("science frames")[0].location == "calibrated/sci_000_CAL.fits"
        assert "numpy" in again.products()[0].versions


def test_a_rejected_product_moves_and_comes_back_without_being_made_again(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    assert store.move(task.product, "rejected/sci_000_CAL.fits")
    assert not (night.output / task.product).exists()
    assert store.path(task) == night.output / "rejected/sci_000_CAL.fits"
    assert store.fresh(task) == {"n": 1}
    assert store.move(task.product, task.product)
    assert (night.output / task.product).read_bytes() == b"pixels"
    assert store.fresh(task) == {"n": 1}


def test_a_move_cut_short_between_its_halves_is_completed(night, store, monkeypatch):
    task = night.frame("sci_000.fits")
    finish(store, task)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.move(task.product, "rejected/sci_000_CAL.fits")
    assert store.fresh(task) == {"n": 1}
    assert (night.output / "rejected/sci_000_CAL.fits").read_bytes() == b"pixels"
    assert not (night.output / task.product).exists()


def test_a_product_made_anew_while_it_lay_aside_leaves_no_second_copy(night, store):
    finish(store, night.frame("sci_000.fits"))
    store.move("calibrated/sci_000_CAL.fits", "rejected/sci_000_CAL.fits")
    finish(store, night.frame("sci_000.fits", times=2), b"new pixels")
    assert night.products() == {"calibrated/sci_000_CAL.fits": b"new pixels"}


def test_killed_between_rename_and_note_the_old_key_does_not_vouch_for_the_new_file(
    night, store, monkeypatch
):
    old, new = night.frame("sci_000.fits"), night.frame("sci_000.fits", times=2)
    finish(store, old, b"old pixels")
    with monkeypatch.context() as patch:
        patch.setattr("pipeline_core.store.put_in_place", _rename_and_die)
        with pytest.raises(KeyboardInterrupt):
            finish(store, new, b"new pixels")  # of the same size
    assert store.fresh(old) is None
    assert store.fresh(new) is None


def _rename_and_die(part, final):
    part.replace(final)
    raise KeyboardInterrupt


def test_moving_what_was_never_made_says_so(store):
    assert store.move("calibrated/none_CAL.fits", "rejected/none_CAL.fits") is False


@pytest.mark.parametrize("name", ["../escape.fits", "/etc/passwd", "a/../../b.fits", "C:/x.fits", "a\\..\\b"])
def test_nothing_is_ever_written_outside_the_output(store, name):
    with pytest.raises(AstepError, match="outside the output"):
        store.file(name)


def test_a_thousand_checks_take_a_fifth_of_a_second(night, store):
    raw = night.raw("sci_000.fits")
    tasks = [Task(MEASURE, None, {"offset": i}, {"raw": raw}, f"frame {i}") for i in range(1000)]
    with store._database.transaction() as connection:
        connection.executemany(
            "INSERT INTO products VALUES (?, NULL, NULL, ?, ?, ?, '{}', NULL, 1.0, '{}', '')",
            [(f"frame quality: {task.label}", task.label, task.stage.name, task.key) for task in tasks],
        )
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        assert all(store.fresh(task) == {} for task in tasks)
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.2


def test_the_time_of_a_stage_is_remembered(night, store):
    finish(store, night.frame("sci_000.fits"))
    assert store.typical_seconds() == {"science frames": 0.5}


def test_sweeping_removes_parts_where_products_go(night, store):
    stale = night.output / "calibrated" / "sub" / "x_CAL.fits.0011.part"
    stale.parent.mkdir(parents=True)
    stale.touch()
    assert store.sweep([night.frame("sci_000.fits")]) == [Path(stale)]


def test_sweeping_leaves_the_lists_alone_that_another_process_is_writing(night, store):
    code = (
        "import sys; from pathlib import Path; from pipeline_core.logbook import Logbook\n"
        "with Logbook.open(Path(sys.argv[1])) as book:\n"
        "    for i in range(40): book.reject([f'{i}.fits'], 'cloud')"
    )
    other = subprocess.Popen([sys.executable, "-c", code, night.output])
    removed = []
    while other.poll() is None:
        removed += store.sweep()
    assert other.returncode == 0
    assert removed == []
    assert len((night.output / "rejected.txt").read_text().splitlines()) == 40
