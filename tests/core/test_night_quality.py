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
            lambda: write_quality(logbook.output, night, plan, made, {}, Recipe(), logbook, KEYS),
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
