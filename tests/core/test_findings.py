"""Warnings as a sentence in parts: what is so, what it means, what to do, and of which frames."""

import json

import pytest

from pipeline_core.config import Recipe
from pipeline_core.findings import Finding, documents, each_once, finding_of, findings_of, gravest
from pipeline_core.plan import build_plan
from pipeline_core.plan_words import run_warnings
from pipeline_core.reduction_told import saturated_words
from pipeline_core.well_check import masked_as_full

from .frames_helpers import night, series


def test_a_warning_is_divided_outside_of_brackets_only_and_joined_as_it_was():
    words = "no flat for filter Visual (flats: Clear; none): dust and vignetting stay; take flats in this filter"
    found = finding_of(words, ["a.fits"])
    assert found.what == "no flat for filter Visual (flats: Clear; none)"
    assert (found.why, found.hint) == ("dust and vignetting stay", "take flats in this filter")
    assert found.words == words


def test_how_many_frames_and_which_master_are_said_with_what_is_so():
    found = finding_of("no dark of 5 s: only the bias is subtracted", of="flat_R", counted="9 science frames")
    assert found.words == "flat_R: no dark of 5 s, 9 science frames: only the bias is subtracted"


@pytest.mark.parametrize("words", ["one clause", "two clauses; do this"])
def test_words_without_a_reason_stay_whole(words):
    assert finding_of(words).words == words
    assert finding_of(words).why == ""


def test_the_gravest_concern_most_frames_and_what_concerns_none_is_not_among_them():
    few, many, all_ = Finding("a", paths=("1",)), Finding("b", paths=("1", "2")), Finding("c", paths=("1", "2", "3"))
    assert gravest([few, Finding("general"), many, all_], 2) == [all_, many]


def test_findings_survive_json_and_are_said_once():
    found = (Finding("a", "b", "c", ("1", "2")), Finding("d"))
    assert findings_of(json.loads(json.dumps(documents(found)))) == found
    assert each_once([*found, *found]) == found


def test_a_run_warns_of_a_missing_flat_with_the_frames_that_lack_it():
    frames = night(
        *(series("bias", 3), series("dark", 3), series("flat", 3)),
        *(series("science", 2), series("science", 3, filter="V", folder="v")),
    )
    plan = build_plan(frames, Recipe())
    (found,) = [one for one in run_warnings(frames, plan, Recipe(), {}, []) if one.what.startswith("no flat")]
    assert found.what.endswith(", 3 science frames")
    assert set(found.paths) == {f.path for f in frames.frames if f.filter == "V"}


def test_masked_pixels_are_told_with_those_of_the_run_before():
    assert saturated_words((801, 14), (0, 0)) == "801 pixels masked as saturated in 14 frames (0 before)"
    assert saturated_words((0, 0), (801, 14)) == "0 pixels masked as saturated (801 before)"
    assert saturated_words((801, 14), (801, 14)) == "801 pixels masked as saturated in 14 frames"
    assert saturated_words((1, 1), None) == "1 pixel masked as saturated in 1 frame"
    assert saturated_words((0, 0), (0, 0)) == saturated_words(None, None) == ""


def test_full_pixels_are_counted_only_where_all_frames_tell_them():
    assert masked_as_full({"a": {"saturated_px": 3}, "b": {"saturated_px": 0}}) == (3, 1)
    assert masked_as_full({"a": {"saturated_px": 3}, "b": {}}) is None
    assert masked_as_full({}) is None
