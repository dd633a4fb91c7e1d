"""`astep status` tells what is, not what a run once said."""

import json

import pytest

from pipeline_core.cli import main
from pipeline_core.logbook import Logbook
from pipeline_core.stage import remembered
from pipeline_core.stages.quality import MEASURE_QUICK
from pipeline_core.store import Store


@pytest.fixture
def out(tmp_path):
    (tmp_path / "night").mkdir()
    folder = tmp_path / "out"
    folder.mkdir()
    with Logbook.open(folder, tmp_path / "night") as logbook, Store(folder, logbook.database) as store:
        for name, made in {"a.fits": {"solved": False}, "b.fits": {"solved": True}, "c.fits": {"stars": {}}}.items():
            store.finish(remembered(MEASURE_QUICK, None, name, name), None, None, made, 0.1)
        logbook.reject(["a.fits", "b.fits"], "dome light")
        logbook.note_told(
            [], [("a.fits", "rejected: dome light"), ("b.fits", "rejected: dome light"), ("d.fits", "cut short")]
        )
        logbook.accept(["a.fits"])
    return folder


def status(out, capsys):
    assert main(["status", str(out), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_search_in_vain_is_no_solution(out, capsys):
    said = status(out, capsys)
    assert said["made"] == {MEASURE_QUICK.name: 2}
    assert said["unsolved"] == 1
    assert main(["status", str(out)]) == 0
    assert "not solved: 1 frame;" in "".join(capsys.readouterr())


def test_a_frame_that_was_accepted_since_is_not_told_as_rejected(out, capsys):
    said = status(out, capsys)
    assert said["rejected"] == 1
    assert [item["path"] for item in said["left_out"]] == ["b.fits", "d.fits"]
