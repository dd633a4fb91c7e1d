"""What was made already."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from runner_helpers import MEASURE, ToyNight

from pipeline_core import store as store_module
from pipeline_core.errors import AstepError, NightError
from pipeline_core.io.atomic import atomic_file, part_path
from pipeline_core.io.database import Database
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


def test_a_product_that_is_removed_is_gone_and_forgotten(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    assert store.remove(task.product)
    assert not store.file(task.product).exists()
    assert store.products() == []
    assert store.fresh(task) is None
    assert store.remove(task.product)  # killed in between, or asked twice: it stays gone


def test_a_product_that_was_moved_is_removed_where_it_is(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    assert store.move(task.product, "rejected/sci_000.fits")
    assert store.remove(task.product)
    assert not store.file("rejected/sci_000.fits").exists()


def test_a_file_that_someone_changed_is_forgotten_and_not_removed(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    store.file(task.product).write_bytes(b"my own work")
    assert not store.remove(task.product)
    assert store.file(task.product).read_bytes() == b"my own work"
    assert store.products() == []


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


def test_only_what_is_asked_for_is_parsed_and_once(night, store, monkeypatch):
    """A night's star lists are long: whoever wants to know which frames were made wants none."""
    names = ["sci_000.fits", "sci_001.fits"]
    for name in names:
        store.finish(Task(MEASURE, None, {}, {"raw": night.raw(name)}, name), None, None, {"of": name}, 0.1)
    parsed, parse = [], json.loads
    monkeypatch.setattr("pipeline_core.store_lines.json.loads", lambda text: parsed.append(text) or parse(text))
    assert [product.label for product in store.products()] == names
    (one,) = store.products(MEASURE.name, names[1])
    assert parsed == []
    assert one.made == one.made == {"of": names[1]}
    assert parsed == ['{"of": "sci_001.fits"}']
    assert store.products("another stage", names[1]) == []


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
    assert night.products() == {"rejected/sci_000_CAL.fits": b"new pixels"}
    assert store.move("calibrated/sci_000_CAL.fits", "calibrated/sci_000_CAL.fits")
    assert night.products() == {"calibrated/sci_000_CAL.fits": b"new pixels"}


class Killed(BaseException):
    """As a kill -9: nothing of ours catches it."""


def kill_before_step(patch, number):
    """Die before the ``number``-th thing that finish() does to disk or database; return what it did until then."""
    done = []

    def counting(name, real):
        def step(*args, **kwargs):
            if len(done) == number:
                raise Killed(name)
            done.append(name)
            return real(*args, **kwargs)

        return step

    patch.setattr(store_module, "put_in_place", counting("rename", store_module.put_in_place))
    patch.setattr(Path, "unlink", counting("remove the old file", Path.unlink))
    patch.setattr(Database, "transaction", counting("note", Database.transaction))
    return done


@pytest.mark.parametrize("move_cut_short", [False, True])
@pytest.mark.parametrize("steps", range(5))
def test_killed_at_any_step_a_rejected_product_keeps_its_place_and_no_second_copy(
    night, monkeypatch, steps, move_cut_short
):
    name, aside = "calibrated/sci_000_CAL.fits", "rejected/sci_000_CAL.fits"
    new = night.frame("sci_000.fits", times=2)
    with Store(night.output) as store:
        finish(store, night.frame("sci_000.fits"), b"old pixels")
        with monkeypatch.context() as patch:
            if move_cut_short:
                patch.setattr(Store, "_rename", lambda *_: None)
            store.move(name, aside)
    with Store(night.output) as store, monkeypatch.context() as patch:
        done = kill_before_step(patch, steps)
        try:
            finish(store, new, b"new pixels")
        except Killed:
            assert len(done) == steps
        else:
            assert len(done) <= steps
            assert done[-1] == "note"
    with Store(night.output) as store:
        if store.fresh(new) is None:
            finish(store, new, b"new pixels")
        assert night.products() == {aside: b"new pixels"}
        assert [product.location for product in store.products()] == [aside]
        store.move(name, name)
        assert store.fresh(new) == {"n": 1}
    assert night.products() == {name: b"new pixels"}


def test_a_product_changed_by_hand_to_the_same_size_is_noticed(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task, b"pixels")
    assert not store.altered(task)
    store.path(task).write_bytes(b"PIXELS")
    later(store.path(task))
    assert store.fresh(task) is None
    assert store.altered(task)


def test_a_product_that_is_gone_was_not_changed_by_hand(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    store.path(task).unlink()
    assert store.fresh(task) is None
    assert not store.altered(task)


def test_a_product_that_was_only_copied_is_read_once_and_not_made_again(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    later(store.path(task))
    read = []
    assert store.fresh(task, lambda: read.append(1)) == {"n": 1}
    assert store.fresh(task, lambda: read.append(1)) == {"n": 1}
    assert read == [1]


def test_a_file_that_nobody_touched_is_not_read(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    read = []
    assert store.fresh(task, lambda: read.append(1)) == {"n": 1}
    assert read == []


def test_a_header_update_of_our_own_is_signed_anew(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    store.move(task.product, "rejected/sci_000_CAL.fits")
    with atomic_file(store.path(task)) as part:
        part.write_bytes(b"pixels and a solved position")
    assert store.fresh(task) is None
    store.resign(task.product)
    assert store.fresh(task) == {"n": 1}
    later(store.path(task))
    assert store.fresh(task) == {"n": 1}


def test_a_product_is_rewritten_where_it_lies_and_not_moved_away_meanwhile(night, store):
    task = night.frame("sci_000.fits")
    finish(store, task)
    store.move(task.product, "rejected/a.fits")
    asked = []

    def change(path):
        asked.append(path)
        with (
            closing(sqlite3.connect(store.output / "logbook.sqlite", timeout=0.05)) as other,
            pytest.raises(
                sqlite3.OperationalError,
                match="locked",  # what another process meets
            ),
        ):
            other.execute("BEGIN IMMEDIATE")
        path.write_bytes(b"with a new header")

    store.rewrite(task.product, change)
    assert asked == [store.output / "rejected" / "a.fits"]
    assert store.fresh(task) is not None
    with pytest.raises(NightError, match="never made"):
        store.rewrite("no/such.fits", change)


def test_what_was_never_made_or_is_gone_cannot_be_signed(night, store):
    task = night.frame("sci_000.fits")
    with pytest.raises(AstepError, match="never made"):
        store.resign(task.product)
    finish(store, task)
    store.path(task).unlink()
    with pytest.raises(AstepError, match="cannot find"):
        store.resign(task.product)


def test_a_failure_is_remembered_until_the_task_changes_or_succeeds(night, store):
    task = night.frame("sci_000.fits")
    assert store.failure(task) is None
    store.note_failure(task, "cut off")
    assert store.failure(task) == "cut off"
    assert store.failure(night.frame("sci_000.fits", times=2)) is None
    finish(store, task)
    assert store.failure(task) is None


def test_looking_completes_no_move_but_finds_the_file(night, store, monkeypatch):
    task = night.frame("sci_000.fits")
    finish(store, task)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_rename", lambda *_: None)
        store.move(task.product, "rejected/sci_000_CAL.fits")
    with Database(night.output, read_only=True) as database:
        looking = Store(night.output, database)
        assert looking.fresh(task) == {"n": 1}
        assert looking.path(task) == night.output / task.product
    assert night.products() == {task.product: b"pixels"}


@pytest.mark.parametrize("read_only", [True, False])
def test_an_output_of_format_1_is_looked_at_and_used_as_before(night, store, read_only):
    task = night.frame("sci_000.fits")
    finish(store, task)
    later(store.path(task))
    with store._database.transaction() as connection:
        connection.execute("DROP TABLE signatures")
        connection.execute("DROP TABLE failures")
        connection.execute("PRAGMA user_version=1")
    with Database(night.output, read_only=read_only) as database:
        again = Store(night.output, database)
        assert again.fresh(task) == {"n": 1}
        assert again.failure(task) is None


def later(path):
    """As if the file had been written an hour later: an edit within the clock's tick must not pass the test."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 3600 * 10**9))


def test_killed_between_rename_and_note_the_old_key_does_not_vouch_for_the_new_file(night, store, monkeypatch):
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
