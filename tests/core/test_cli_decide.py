"""Decisions on the command line that are easily made wrongly: lists, masters by name, settings, a night that moved."""

import json
import re

import pytest

from pipeline_core.cli import main
from pipeline_core.demo.night import make_demo_night
from pipeline_core.logbook import Logbook
from pipeline_core.session import Place, recipe_of
from pipeline_core.store import Store


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A perfect small night, for tests that do not write into it."""
    folder = tmp_path_factory.mktemp("demo") / "night"
    make_demo_night(folder, size=256, n_science=4, n_bias=3, n_dark=3, n_flat=3, events=())
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def told(capsys):
    """A function that runs a command for a person: exit code and all that was said."""

    def run(*words):
        code = main([*map(str, words), "--quiet"])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def asked(capsys):
    """A function that runs a command with --json and returns its document."""

    def run(*words):
        main([*map(str, words), "--json", "--quiet"])
        return json.loads(capsys.readouterr().out)

    return run


def test_patterns_may_stand_behind_an_option(demo, out, told, asked):
    assert len(asked("reject", demo, "-o", out, "*_0000_SCIENCE*", "*_0001_SCIENCE*", "--reason", "x")["rejected"]) == 2
    assert asked("set", demo, "-o", out, "filter=V", "*_0000_SCIENCE*")["set"] == {"filter": "V"}
    code, said = told("reject", demo, "-o", out, "*_0000_*", "--raeson", "x")
    assert code == 2
    assert "--raeson" in said
    code, said = told("scan", demo, "another")
    assert code == 2
    assert "another" in said


# -- lists -----------------------------------------------------------------------------------------------------


def test_the_lists_of_an_output_reject_the_same_frames_for_the_same_reasons_elsewhere(demo, tmp_path, out, told):
    told("reject", demo, "*_0000_SCIENCE*", "-o", tmp_path / "one", "--reason", "dome light  # or the Moon")
    told("reject", demo, "*_0002_SCIENCE*", "-o", tmp_path / "one")
    code, said = told("reject", demo, "--list", tmp_path / "one" / "rejected.txt", "-o", out)
    assert code == 0, said
    assert (out / "rejected.txt").read_text() == (tmp_path / "one" / "rejected.txt").read_text()
    told("undo", out)
    assert (out / "rejected.txt").read_text() == ""
    code, said = told("accept", out, "--list", tmp_path / "one" / "rejected.txt")
    assert "accepted 2 frames" in said


def test_accepting_tells_the_frames_it_changed_from_those_that_were_accepted_already(demo, out, told):
    told("accept", demo, "*_0000_SCIENCE*", "-o", out)
    code, said = told("accept", demo, "*_0000_SCIENCE*", "*_0002_SCIENCE*", "-o", out)
    assert code == 0
    assert "accepted 1 frame" in said
    assert re.search(r"accepted already: .*_0000_SCIENCE.*; nothing changed", said)
    with Logbook.open(out) as logbook:
        assert re.fullmatch(r"accept .*_0002_SCIENCE.*", logbook.steps()[0][-1])
    _, said = told("accept", demo, "*_0000_SCIENCE*", "*_0002_SCIENCE*", "-o", out)
    assert "accepted 2" not in said
    assert "nothing changed" in said


def test_a_reason_that_is_typed_goes_before_those_of_the_list(demo, tmp_path, out, told):
    (tmp_path / "l.txt").write_text("2026-06-21_0000_SCIENCE_R.fits\tcloud\n2026-06-21_0002_SCIENCE_R.fits\n")
    told("reject", demo, "--list", tmp_path / "l.txt", "-o", out)
    assert [line.partition("  # ")[2] for line in (out / "rejected.txt").read_text().splitlines()] == [
        "cloud",
        "by hand",
    ]
    told("reject", demo, "--list", tmp_path / "l.txt", "-o", out, "--reason", "wind")
    assert (out / "rejected.txt").read_text().count("wind") == 2


@pytest.mark.parametrize(("content", "words"), [("nobody.fits\n", "no such frame"), ("# nothing\n", "is empty")])
def test_a_list_that_names_no_frame_of_the_night_is_refused(demo, tmp_path, out, told, content, words):
    (tmp_path / "l.txt").write_text(content)
    code, said = told("reject", demo, "--list", tmp_path / "l.txt", "-o", out)
    assert code == 2
    assert words in said
    assert (out / "rejected.txt").read_text() == ""


def test_a_frame_kept_in_its_master_is_kept_no_more_once_a_list_rejects_it(demo, tmp_path, out, told):
    told("accept", demo, "*-CAMS/*_0000_DARK*", "-o", out)
    (tmp_path / "l.txt").write_text("2026-06-21-CAMS/2026-06-21_0000_DARK.fits\n")
    with Logbook.open(out) as logbook:
        assert logbook.kept()
        logbook.import_rejected(tmp_path / "l.txt", ["2026-06-21-CAMS/2026-06-21_0000_DARK.fits"])
        assert not logbook.kept()


# -- masters by name -------------------------------------------------------------------------------------------


def test_a_master_that_does_not_exist_is_said_with_those_that_do(demo, out, told):
    code, said = told("set", demo, "dark=dark_9s", "*_SCIENCE_R*", "-o", out)
    assert code == 0
    assert "dark_9s, does not exist (darks: dark_90s" in said
    _, said = told("set", demo, "flat=flat_V", "*_SCIENCE_R*", "-o", out)
    assert "!" not in said


def test_a_master_chosen_for_a_frame_that_takes_none_is_said(demo, out, told):
    _, said = told("set", demo, "flat=flat_V", "*_0000_*", "-o", out)
    assert "of them are no usable science frames" in said
    _, said = told("set", demo, "dark=none", "*_SKYFLAT_*", "-o", out)
    assert "!" not in said
    _, said = told("set", demo, "dark=dark_9s", "*_SKYFLAT_*", "-o", out)
    assert "dark_9s, does not exist (darks: flatdark_10s" in said
    _, said = told("set", demo, "bias=none", "*_SKYFLAT_*", "-o", out)
    assert "!" not in said
    _, said = told("set", demo, "bias=bias_9", "*_SKYFLAT_*", "-o", out)
    assert "bias_9, does not exist" in said
    _, said = told("set", demo, "dark=none", "*_DARK*", "-o", out)
    assert "of them are no usable science frames or flats" in said


# -- settings of the recipe ------------------------------------------------------------------------------------


def test_a_setting_of_the_recipe_is_a_decision_that_can_be_taken_back(demo, out, told, asked):
    code, said = told("set", demo, "cosmic.sigclip=6", "mask.grow_bleeding=false", "-o", out, "--reason", "sharp stars")
    assert code == 0
    assert "for all frames" in said
    assert recipe_of(Place(demo, out), None).cosmic.sigclip == 6.0
    assert recipe_of(Place(demo, out), None).mask.grow_bleeding is False
    _, said = told("decisions", out)
    assert "2 decisions" in said
    assert "sharp stars" in said
    told("undo", out)
    assert recipe_of(Place(demo, out), None).cosmic.sigclip == 4.5
    document = asked("set", out, "quality.reject=fwhm_px > 1.5*median; stars < 5")
    assert document["set"] == {"quality.reject": "fwhm_px > 1.5*median; stars < 5"}
    assert recipe_of(Place(demo, out), None).quality.reject == ("fwhm_px > 1.5*median", "stars < 5")
    _, said = told("set", out, "quality.reject=fwhm_px > 1.5*median; stars < 5")
    assert "nothing changed" in said


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("cosmic.sigclp=6",), "did you mean sigclip?"),
        (("cosmic.sigclip=-1",), "greater than 0"),
        (("cosmic.sigclip=much",), "number"),
        (("cosmic.sigclip=inf",), "finite"),
        (("cosmic.sigclip=1e400",), "finite"),
        (("cosmic.sigclip=6", "*_SCIENCE_R*"), "holds for all frames"),
        (("cosmic.sigclip=6", "filter=R"), "holds for all frames"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_changes_nothing(demo, out, told, words, answer):
    code, said = told("set", demo, *words, "-o", out)
    assert code == 2
    assert answer in said
    with Logbook.open(out) as logbook:
        assert logbook.history() == []


# -- what the plan knows ---------------------------------------------------------------------------------------


def test_the_plan_of_an_output_leaves_out_what_a_run_found_bad(demo, out, asked, monkeypatch):
    flat = "2026-06-21-CAMS_SKYFLAT/2026-06-21_0000_SKYFLAT_R.fits"
    with Logbook.open(out, demo) as logbook, Store(out, logbook.database):
        pass
    monkeypatch.setattr(Store, "failure", lambda _store, task: "it cannot be read" if task.label == flat else None)
    document = asked("plan", out)
    assert {"path": flat, "reason": "it cannot be read"} in document["left_out"]
    assert flat not in next(m for m in document["masters"] if m["name"] == "flat_R")["frames"]


# -- a night that moved ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["undo", "plan", "quality", "reduce", "decisions", "align", "stack", "report"])
def test_an_output_whose_night_moved_says_how_it_is_told(command, tmp_path, out, told):
    night = tmp_path / "night"
    make_demo_night(night, size=256, n_science=1, n_bias=1, n_dark=1, n_flat=1, events=())
    told("reject", night, "*_0000_SCIENCE*", "-o", out, "--reason", "cloud")
    night.rename(tmp_path / "elsewhere")
    code, said = told(command, out)
    assert code == 2
    assert "moved" in said
    hint = re.search(rf"astep (\w+) NIGHT … -o {re.escape(str(out))}", said)
    quick = ["--only", "masters", "--executor", "threads"] if hint[1] == "reduce" else []
    told(hint[1], tmp_path / "elsewhere", "-o", out, *quick)  # once: then the output knows it
    code, said = told("decisions", out)
    assert (code, "cloud" in said) == (0, True)
