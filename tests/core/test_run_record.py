"""What the last run took is known another day."""

import json
from dataclasses import replace

import pytest

from pipeline_core.io.database import Database
from pipeline_core.run_record import RunRecord, last_run, note_run
from pipeline_core.well_check import known_well

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


@pytest.mark.parametrize("told", ["no JSON", "[]", "3", "null", '"a run"', '{"saturated": 3}'])
def test_what_nobody_can_read_is_no_run(tmp_path, told):
    with Database(tmp_path) as database:
        database.remember("last run", told)
        assert last_run(database) is None


def test_pixels_warnings_and_words_of_a_run_come_back_as_they_were(tmp_path):
    record = replace(
        RECORD, saturated=(801, 14), saturated_before=(0, 0), findings=[{"what": "so"}], said_of_frames={"a": "cloud"}
    )
    with Database(tmp_path) as database:
        note_run(database, record)
        assert last_run(database) == record


def test_a_run_of_an_earlier_version_is_known_as_far_as_it_told(tmp_path):
    told = {"ended_utc": "2026-11-25T08:00:00+00:00", "seconds": 3.0, "peak_memory_mb": 9.0}
    with Database(tmp_path) as database:
        database.remember("last run", json.dumps({**told, "proposed_saturation_adu": 61_200.0}))
        record = last_run(database)
    assert (record.saturated, record.findings, record.said_of_frames) == (None, [], {})
    well = known_well(record)
    assert (well.level_adu, well.paths) == (61_200.0, ())
