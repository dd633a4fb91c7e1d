"""The run's diary: what is kept in log.jsonl."""

import json

import pytest

from pipeline_core.errors import NightError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.journal import into_file, was_broken_off


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_happens_is_written_and_passed_on_and_progress_is_only_passed_on(tmp_path):
    heard = []
    context = into_file(RunContext(heard.append), tmp_path / "log.jsonl")
    list(context.track("master darks", [1, 2]))
    context.say("plan", "no flat for filter V", level="warning", path="a/b.fits")
    assert [e.kind for e in heard] == ["started", "progress", "progress", "finished", "message"]
    found = lines(tmp_path / "log.jsonl")
    assert [line["kind"] for line in found] == ["started", "finished", "message"]
    assert found[1]["count"] == "2/2"
    assert (found[2]["text"], found[2]["level"], found[2]["path"]) == ("no flat for filter V", "warning", "a/b.fits")
    assert found[0]["when"].endswith("+00:00")


def test_a_second_run_is_written_below_the_first(tmp_path):
    for number in range(2):
        into_file(RunContext(), tmp_path / "log.jsonl").say("run", f"run {number}")
    assert [line["text"] for line in lines(tmp_path / "log.jsonl")] == ["run 0", "run 1"]


def test_cancelling_either_context_cancels_both(tmp_path):
    outer = RunContext()
    inner = into_file(outer, tmp_path / "log.jsonl")
    outer.cancel()
    with pytest.raises(Cancelled):
        inner.check()


def test_a_folder_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    with pytest.raises(NightError, match="cannot write into") as refused:
        into_file(RunContext(), tmp_path / "none" / "log.jsonl")
    assert "-o" in refused.value.hint


def test_a_diary_that_cannot_be_written_any_more_says_so_once_and_stops_nothing(tmp_path):
    heard = []
    folder = tmp_path / "out"
    folder.mkdir()
    context = into_file(RunContext(heard.append), folder / "log.jsonl")
    (folder / "log.jsonl").unlink()
    folder.rmdir()
    context.say("run", "one")
    context.say("run", "two")
    assert [e.text for e in heard if "log cannot be written" not in e.text] == ["one", "two"]
    assert sum("log cannot be written" in e.text for e in heard) == 1


def told(output, *lines):
    (output / "log.jsonl").write_text("\n".join(lines) + "\n")


BEGUN = '{"kind": "started", "job": "run"}'


@pytest.mark.parametrize("kind", ["finished", "failed", "cancelled"])
def test_a_run_that_told_its_end_was_not_broken_off(tmp_path, kind):
    told(tmp_path, BEGUN, f'{{"kind": "{kind}", "job": "run"}}', '{"kind": "started", "job": "solve"}')
    assert not was_broken_off(tmp_path)


def test_a_run_that_began_and_told_no_end_was_broken_off(tmp_path):
    told(tmp_path, BEGUN, '{"kind": "finished", "job": "run"}', BEGUN, '{"kind": "finished", "job": "masters"}')
    assert was_broken_off(tmp_path)


def test_a_diary_that_was_cut_short_in_a_line_still_tells_that_the_run_was_broken_off(tmp_path):
    told(tmp_path, BEGUN, '{"kind": "fini')
    assert was_broken_off(tmp_path)


def test_where_no_run_ever_was_none_was_broken_off(tmp_path):
    assert not was_broken_off(tmp_path)
