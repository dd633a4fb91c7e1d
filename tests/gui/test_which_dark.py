"""Which dark may be chosen, and for which frames: those that a choice fits."""

from types import SimpleNamespace

from astep_gui.which_dark import which_dark
from pipeline_core.config import Recipe
from pipeline_core.errors import NightError
from pipeline_core.plan import Choices, build_plan
from tests.core.frames_helpers import night, series


def asked(the_night, path, forced=()):
    choices = Choices(forced=dict(forced))
    plan = build_plan(the_night, Recipe(), choices)
    opened = SimpleNamespace(
        night=the_night, recipe=Recipe(), plan=plan, frame=the_night.by_path.get, choices=choices, calibration_flags={}
    )
    return which_dark(opened, path)


def test_a_dark_is_chosen_for_no_frame_of_another_size():
    """Where none has a dark, all frames of an exposure have the same: none."""
    the_night = night(
        series("bias", 3), series("dark", 3), series("science", 2),
        series("science", 3, folder="small", shape=(40, 50)),
    )  # fmt: skip
    mine = [f.path for f in the_night.frames if f.path.startswith("science/")]
    found = asked(the_night, mine[0], {f.path: {"dark": "none"} for f in the_night.frames if f.exposure_s == 90.0})
    assert found.paths == tuple(mine)
    assert [words.endswith("for 2 frames of 90 s") for words, _ in found.choices] == [True, True]
    assert found.choices[0][0].startswith("Use dark_90s")


def test_a_dark_that_no_frame_takes_now_may_be_chosen_too():
    the_night = night(
        series("bias", 3), series("dark", 3), series("dark", 3, folder="long", exposure_s=300.0), series("science", 2)
    )
    found = asked(the_night, "science/science_000.fits")
    assert [value for _, value in found.choices] == ["dark_300s_-10C", "none"]
    assert found.choices[0][0] == "Use dark_300s_-10C (3 frames of 300 s at -10 °C), as it is, for 2 frames of 90 s"


def test_where_no_plan_can_be_made_it_is_said_why_and_not_that_one_is_being_made(opened):
    opened.night._take_plan(None, NightError("no plan can be made", "two sites are said"))
    opened.deeds.which_dark()
    said = opened.log.line.full_text
    assert "two sites are said" in said
    assert "being made" not in said
