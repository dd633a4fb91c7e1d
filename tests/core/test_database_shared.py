"""The logbook's file is shared: the window holds it open, the command line writes into it, and both look at it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

from pipeline_core.io.database import DATABASE, Database

WRITER = """
import sys
from pathlib import Path
from pipeline_core.io.database import Database
folder, name = Path(sys.argv[1]), sys.argv[2]
for k in range(int(sys.argv[3])):
    with Database(folder, waits=k % 2 == 0) as database:
        database.remember_all([(f"{name}-{k}-{i}", "x" * 500) for i in range(10)])
    with Database(folder, read_only=True) as database:
        database.facts(name)
"""


def another(folder, name, times):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name, str(times)])


def test_a_look_at_the_logbook_leaves_this_process_its_locks(tmp_path):
    """A look read the file's first bytes: closing it dropped the locks, and the next program took the log away."""
    with Database(tmp_path) as held:
        held.remember("before", "1")
        with Database(tmp_path, read_only=True) as look:
            assert look.fact("before") == "1"
        assert another(tmp_path, "other", 1).wait(60) == 0
        assert (tmp_path / f"{DATABASE}-wal").exists(), "the other one, closing, must not think that it was the last"
        held.remember("after", "2")
        with Database(tmp_path, read_only=True) as look:
            assert (look.fact("before"), look.fact("after"), len(look.facts("other"))) == ("1", "2", 10)
    assert integrity(tmp_path) == "ok"


def test_programs_that_write_and_look_at_once_lose_nothing(tmp_path):
    """The file was damaged within seconds."""
    with Database(tmp_path) as held:
        others = [another(tmp_path, name, 40) for name in ("a", "b")]
        for k in range(200):
            held.remember(f"own-{k}", "y" * 2000)
            with Database(tmp_path, read_only=True) as look:
                assert len(look.facts("own")) == k + 1
        assert [one.wait(120) for one in others] == [0, 0]
        assert [len(held.facts(name)) for name in ("own", "a", "b")] == [200, 400, 400]
    assert integrity(tmp_path) == "ok"


def test_a_look_leaves_no_helper_files_where_nobody_writes(tmp_path):
    with Database(tmp_path) as database:
        database.remember("one", "1")
    with Database(tmp_path, read_only=True) as look:
        assert look.fact("one") == "1"
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def integrity(folder):
    with sqlite3.connect(folder / DATABASE) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
