"""A run has done its work, whether or not the night can be told afterwards."""

from pipeline_core.config import Recipe
from pipeline_core.events import RunContext
from pipeline_core.plan import build_plan
from pipeline_core.reduced_night_told import reduced_night_told
from pipeline_core.reduction_told import Reduction
from tests.core.frames_helpers import full_night


def test_a_table_that_cannot_be_read_any_more_is_said_and_makes_no_run_a_failed_one(tmp_path):
    (tmp_path / "quality.ecsv").write_text("another program was here")
    heard = []
    reduction = Reduction(tmp_path, plan=build_plan(full_night(), Recipe()))
    assert reduced_night_told(reduction, RunContext(heard.append)) is None
    (event,) = heard
    assert event.level == "warning"
    assert "how good the night is cannot be told" in event.text
    assert "quality.ecsv" in event.text


def test_after_a_part_of_a_run_nothing_is_told(tmp_path):
    assert reduced_night_told(Reduction(tmp_path, plan=build_plan(full_night(), Recipe())), RunContext()) is None
