"""Nothing is asked or counted of frames that the night does not hold any more, or not as science frames."""

from __future__ import annotations

import pytest

from astep_gui.models.results_words import suggested_words
from pipeline_core.kept_looks import QuickLook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS

CLOUD = Flag("cloud", "cloud: depth loss +0.84 mag", "bad")


@pytest.fixture
def flagged(opened, monkeypatch):
    night = opened.night
    # No run is on disk: a survey that ends meanwhile would forget the one that is played here.
    monkeypatch.setattr(night.judgements, "remember_run", lambda _said: None)
    night.looking.stop()
    night.looks_quickly = False
    rows = [QualityRow(path, ScienceMeasures("final", "ADU"), flags=(CLOUD,)) for path in LIGHTS]
    night.judgements.take_rows([QualityRow(path, ScienceMeasures("quick", "ADU")) for path in LIGHTS])
    night.judgements.run_begins()
    night._take_look(QuickLook(rows))
    night._ask_needs()
    assert asked(night) == LIGHTS
    assert suggested_words(night, None).startswith(f"{len(LIGHTS)} frames suggested")
    return opened


def asked(night):
    return [path for need in night.needs if need.severity for path in need.paths]


def test_a_flagged_frame_whose_file_is_gone_is_no_question_any_more(qtbot, flagged):
    night = flagged.night
    night.night.file(night.frame(LIGHTS[0])).unlink()
    night.refresh()
    qtbot.waitUntil(lambda: night.frame(LIGHTS[0]) is None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: asked(night) == LIGHTS[1:], timeout=PATIENCE_MS)
    assert suggested_words(night, None).startswith(f"{len(LIGHTS) - 1} frames suggested")
    flagged.results.follow()
    assert flagged.results._changed_verdicts() == LIGHTS[1:]


def test_a_flagged_frame_that_is_said_to_be_a_dark_is_no_question_any_more(qtbot, flagged):
    night = flagged.night
    flagged.decisions.set_field([LIGHTS[0]], "kind", "dark")
    night._ask_needs()
    assert asked(night) == LIGHTS[1:]
    assert suggested_words(night, None).startswith(f"{len(LIGHTS) - 1} frames suggested")
