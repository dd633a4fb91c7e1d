"""What a run says of the quality of its night stays true when somebody decides meanwhile."""

import pytest

from pipeline_core import night_quality
from pipeline_core.config import Recipe
from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.night_quality import write_quality
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quality_table import write_quality_table
from pipeline_core.types import Frame, FrameKind, Night

PATHS = ("a.fits", "b.fits", "c.fits")
KEYS = {path: f"key of {path}" for path in PATHS}


def with_rules(*rules):
    recipe = Recipe()
    return recipe.model_copy(update={"quality": recipe.quality.model_copy(update={"reject": list(rules)})})


@pytest.fixture
def quality(tmp_path, monkeypatch):
    """A function that judges a night of three clouded frames as a run does; what it said; its logbook."""
    frames = [Frame(path, FrameKind.SCIENCE, 1, 1, exposure_s=90.0, shape=(64, 64)) for path in PATHS]
    night = Night(tmp_path / "night", tuple(frames))
    night.root.mkdir()
    rows = [QualityRow(p, ScienceMeasures("final", "electron"), flags=(Flag("cloud", "cloud: thick"),)) for p in PATHS]
    monkeypatch.setattr(night_quality, "judged_rows", lambda *_: rows)
    plan, made = build_plan(night, Recipe(), Choices()), {path: {} for path in PATHS}
    with Logbook.open(tmp_path / "out", night.root) as logbook:
        yield (
            lambda rules=(): write_quality(logbook.output, night, plan, made, {}, with_rules(*rules), logbook, KEYS),
            logbook,
        )


def test_what_was_judged_is_not_judged_again_while_nobody_decides(quality):
    judge, _ = quality
    assert (judge().anew, judge().anew) == (3, 0)


@pytest.mark.parametrize("deed", ["accept", "reject"])
def test_a_decision_made_while_the_table_is_written_is_counted_by_the_next_run(quality, monkeypatch, deed):
    judge, logbook = quality

    def slowly(*args, **more):
        write_quality_table(*args, **more)
        monkeypatch.setattr(night_quality, "write_quality_table", write_quality_table)
        getattr(logbook, deed)(["b.fits"])

    monkeypatch.setattr(night_quality, "write_quality_table", slowly)
    assert judge().suggested == 3
    again = judge()
    assert again.suggested == 2
    assert again.anew == (3 if deed == "accept" else 2), "of frames in use, as all else that is counted"
    assert judge().anew == 0


def test_frames_that_a_rule_rejects_all_at_once_were_judged_and_the_rule_is_told(quality):
    judge, logbook = quality
    assert judge().anew == 3
    judged = judge(["streaks < 1"])
    assert set(logbook.rejected()) == set(PATHS)
    assert judged.anew == 3, "who says nothing of a table that is as it was would not tell the rule either"
    assert "3 of 3 frames are named by the rules" in judged.warnings[0]
    assert judge(["streaks < 1"]).anew == 0
