"""What the last run took is known another day."""

from pipeline_core.io.database import Database
from pipeline_core.run_record import RunRecord, last_run, note_run

RECORD = RunRecord("2026-06-22T05:12:00+00:00", 34.2, 1104.0, {"done": 4, "cached": 2}, {"bias": "made"})


def test_the_run_that_ended_last_is_told_as_it_was(tmp_path):
    with Database(tmp_path) as database:
        assert last_run(database) is None
        note_run(database, RunRecord("2026-06-21T05:12:00+00:00", 1.0, 2.0, only="masters"))
        note_run(database, RECORD)
    with Database(tmp_path, read_only=True) as database:
        assert last_run(database) == RECORD


def test_a_record_of_a_later_version_is_not_guessed_at(tmp_path):
    with Database(tmp_path) as database:
        database.remember("last run", '{"ended_utc": "", "seconds": 1, "peak_memory_mb": 1, "weather": "fine"}')
        assert last_run(database) is None
        database.remember("last run", "no JSON")
        assert last_run(database) is None
