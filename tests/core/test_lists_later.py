"""Decisions that are brought to the disk in the background: whoever decides waits for no disk, and nothing is lost."""

import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from pipeline_core import lists_later
from pipeline_core.errors import AstepError
from pipeline_core.io import atomic, database
from pipeline_core.lists_later import ListsLater, bring_to_disk
from pipeline_core.logbook import Logbook
from pipeline_core.types import Frame, FrameKind, Night

SLOW_S = 0.4


@pytest.fixture
def told():
    return []


@pytest.fixture
def later(told):
    later = ListsLater(told.append)
    yield later
    assert later.flush(20)


@pytest.fixture
def logbook(tmp_path, later):
    root = tmp_path / "night"
    root.mkdir()
    frames = tuple(Frame(f"{name}.fits", FrameKind.SCIENCE, 1, 1) for name in "abcdef")
    with Logbook.open(tmp_path / "out", root, later.soon) as opened:
        opened.note_frames(Night(root, frames))
        assert later.flush()
        yield opened


def rejected(output):
    return (output / "rejected.txt").read_text().split()


def accepted(output):
    return (output / "accepted.txt").read_text().split()


@pytest.fixture
def slow_disk(monkeypatch):
    """Every sync takes long; tells how many there were in which thread."""
    real, syncs = os.fsync, []

    def slow(descriptor):
        syncs.append(threading.current_thread())
        time.sleep(SLOW_S)
        real(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", slow)
    return syncs


def test_who_decides_does_not_wait_for_the_disk_and_many_decisions_come_to_few_writings(logbook, later, slow_disk):
    begun = time.monotonic()
    for name in "abcde":
        logbook.reject([f"{name}.fits"])
    assert time.monotonic() - begun < SLOW_S
    assert later.flush()
    assert threading.current_thread() not in slow_disk
    assert rejected(logbook.output) == [f"{name}.fits" for name in "abcde"]
    assert accepted(logbook.output) == ["f.fits"]
    # Each writing is two lists, each synced with its folder: the first decision's, and that of all others.
    assert len(slow_disk) <= 3 * 4


def test_a_decision_is_in_the_logbook_when_the_call_returns_though_its_list_is_not_written(logbook, slow_disk):
    logbook.reject(["a.fits"])
    with Logbook.read_only(logbook.output) as other:
        assert list(other.rejected()) == ["a.fits"]


def test_what_another_process_decides_while_the_lists_are_written_is_in_them(logbook, later, monkeypatch):
    real, met = lists_later.write_lists, []

    def overtaken(output, texts):
        if not met:
            met.append(texts)
            with Logbook.open(output) as other:
                other.reject(["b.fits"])
            assert rejected(output) == ["a.fits", "b.fits"]
        real(output, texts)  # the lists of before, over those of the other

    monkeypatch.setattr(lists_later, "write_lists", overtaken)
    logbook.reject(["a.fits"])
    assert later.flush()
    assert met
    assert rejected(logbook.output) == ["a.fits", "b.fits"]


def test_a_list_swept_away_unfinished_by_a_run_that_begins_is_written_again(logbook, later, told, monkeypatch):
    real, swept = atomic.sync_file, []

    def sweep(path):
        real(path)
        if not swept:
            swept.append(path)
            path.unlink()

    monkeypatch.setattr(atomic, "sync_file", sweep)
    logbook.reject(["a.fits"])
    assert later.flush()
    assert swept
    assert not told
    assert rejected(logbook.output) == ["a.fits"]


def test_lists_that_cannot_be_written_are_told_and_written_with_the_next_decision(logbook, later, told, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(lists_later, "write_lists", full_disk)
        logbook.reject(["a.fits"])
        assert later.flush()
    assert [error.why for error in told] == ["the disk is full"]
    logbook.reject(["b.fits"])
    assert later.flush()
    assert rejected(logbook.output) == ["a.fits", "b.fits"]


def full_disk(output, _texts):
    raise AstepError(f"cannot write {output}", "the disk is full", "free some space")


def test_a_fault_that_nobody_foresaw_is_told_and_the_next_decision_is_written(logbook, later, told, monkeypatch):
    def broken(_output, _texts):
        raise ValueError("surrogates not allowed")

    with monkeypatch.context() as context:
        context.setattr(lists_later, "write_lists", broken)
        logbook.reject(["a.fits"])
        assert later.flush(5), "whoever waits is not left waiting"
    assert ["surrogates not allowed" in error.why for error in told] == [True]
    logbook.reject(["b.fits"])
    assert later.flush(5)
    assert rejected(logbook.output) == ["a.fits", "b.fits"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_cannot_hear_of_a_failure_holds_up_no_later_decision(tmp_path, monkeypatch):
    def gone(_error):
        raise RuntimeError("the window is gone")

    later = ListsLater(gone)
    with monkeypatch.context() as context, Logbook.open(tmp_path / "out", None, later.soon) as logbook:
        assert later.flush(5)
        context.setattr(lists_later, "write_lists", full_disk)
        logbook.reject(["a.fits"])
        assert later.flush(5)
    bring_to_disk(tmp_path / "out")
    assert rejected(tmp_path / "out") == ["a.fits"]


def test_lists_of_before_a_kill_are_written_when_the_night_is_opened_again(logbook, later, tmp_path):
    script = (
        "import os, sys, pathlib\n"
        "from pipeline_core.logbook import Logbook\n"
        "Logbook.open(pathlib.Path(sys.argv[1]), None, lambda output: None).reject(['c.fits'])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(logbook.output)], check=False, timeout=60)
    assert rejected(logbook.output) == []
    with Logbook.open(logbook.output, None, later.soon) as again:
        assert list(again.rejected()) == ["c.fits"]
        assert later.flush()
    assert rejected(logbook.output) == ["c.fits"]


def test_a_night_that_was_closed_has_its_lists_written_and_leaves_no_log_behind(logbook, later, slow_disk):
    logbook.reject(["a.fits"])
    logbook.close()
    assert later.flush()
    assert rejected(logbook.output) == ["a.fits"]
    assert not list(logbook.output.glob("*-wal"))


def test_an_output_that_was_thrown_away_is_not_made_again(tmp_path):
    bring_to_disk(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_decisions_are_moved_from_the_log_ahead_into_the_file_while_the_night_is_open(logbook, later):
    logbook.reject(["a.fits"])
    assert later.flush()
    for name in ("-wal", "-shm"):
        kept = logbook.database.path.with_name(database.DATABASE + name)
        assert kept.exists()
    copy = logbook.output.parent / "copy.sqlite"  # as a power cut would leave it that takes the log with it
    copy.write_bytes(logbook.database.path.read_bytes())
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT subject FROM decisions WHERE field = 'rejected'").fetchall() == [("a.fits",)]
    connection.close()


def test_what_a_reader_keeps_in_the_log_ahead_is_synced_there(logbook, later, monkeypatch):
    real, synced = atomic.sync_file, []
    monkeypatch.setattr(atomic, "sync_file", lambda path: (synced.append(path.name), real(path)))
    with sqlite3.connect(logbook.database.path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM decisions").fetchall()
        logbook.reject(["a.fits"])
        assert later.flush()
    reader.close()
    assert f"{database.DATABASE}-wal" in synced


def test_a_disk_that_fails_in_syncing_the_log_ahead_is_told_as_all_failing_disks_are(logbook, monkeypatch):
    def fails(_path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "sync_file", fails)
    with sqlite3.connect(logbook.database.path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM decisions").fetchall()
        logbook.reject(["a.fits"])
        with pytest.raises(AstepError, match=database.DATABASE):
            logbook.database.settle()
    reader.close()


def test_a_logbook_of_the_command_line_waits_for_the_disk_and_one_of_the_window_does_not(logbook):
    def synchronous(one):
        return one.database.rows("PRAGMA synchronous")[0][0]

    with Logbook.open(logbook.output) as other:
        assert (synchronous(logbook), synchronous(other)) == (1, 2)  # NORMAL, FULL
