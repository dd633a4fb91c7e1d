"""Decisions: in force, undone, kept through kills and moves, seen by others."""

import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline_core.decision_steps import IN_FORCE, MANY
from pipeline_core.decisions import NIGHT, RECIPE
from pipeline_core.errors import AstepError, NightError, UsageError
from pipeline_core.io import database
from pipeline_core.logbook import Logbook
from pipeline_core.types import Frame, FrameKind, Night

MID = datetime(2026, 6, 21, 3, 0, tzinfo=UTC)
PATHS = ["sci/a.fits", "sci/b.fits", "cal/dark.fits", "cal/flat.fits"]


@pytest.fixture
def night(tmp_path):
    root = tmp_path / "night"
    root.mkdir()
    frames = (
        Frame("sci/a.fits", FrameKind.SCIENCE, 1, 1, filter="R", exposure_s=90.0, mid_utc=MID),
        Frame("sci/b.fits", FrameKind.SCIENCE, 1, 1, filter="R", exposure_s=90.0, mid_utc=None),
        Frame("cal/dark.fits", FrameKind.DARK, 1, 1, exposure_s=90.0, mid_utc=MID),
        Frame("cal/flat.fits", FrameKind.FLAT, 1, 1, filter="V", exposure_s=10.0),
    )
    return Night(root, frames)


@pytest.fixture
def logbook(night, tmp_path):
    with Logbook.open(tmp_path / "out", night.root) as opened:
        opened.note_frames(night)
        yield opened


def lists(logbook):
    return [(logbook.output / name).read_text().splitlines() for name in ("accepted.txt", "rejected.txt")]


# -- deciding --------------------------------------------------------------------------------------------


def test_frames_are_what_the_person_says_and_the_night_given_is_untouched(night, logbook):
    logbook.decide(["cal/dark.fits"], "kind", "flatdark")
    logbook.decide(["sci/a.fits", "sci/b.fits"], "filter", "VR")
    logbook.decide(["sci/a.fits"], "exposure_s", "120")
    logbook.decide(["sci/a.fits"], "gain_e_per_adu", 1.5)
    logbook.decide(["sci/a.fits"], "temperature_c", -60)
    logbook.decide(["sci/a.fits"], "time_offset_s", 30)
    decided = logbook.apply(night)
    a = decided.by_path["sci/a.fits"]
    assert (a.filter, a.exposure_s, a.gain_e_per_adu, a.gain_source, a.temperature_c) == (
        "VR",
        120.0,
        1.5,
        "person",
        -60.0,
    )
    assert a.mid_utc == MID + timedelta(seconds=30)
    assert decided.by_path["cal/dark.fits"].kind is FrameKind.FLATDARK
    assert decided.by_path["cal/flat.fits"] is night.by_path["cal/flat.fits"]
    assert night.by_path["sci/a.fits"].filter == "R"


def test_a_frame_without_light_has_no_filter_whatever_was_decided(night, logbook):
    logbook.decide(["cal/flat.fits"], "kind", "dark")
    logbook.decide(["cal/flat.fits"], "filter", "V")
    assert logbook.apply(night).by_path["cal/flat.fits"].filter is None


def test_an_empty_filter_means_none(night, logbook):
    logbook.decide(["sci/a.fits"], "filter", "")
    assert logbook.apply(night).by_path["sci/a.fits"].filter is None


def test_a_clock_that_was_wrong_all_night_is_set_once_and_a_frames_own_offset_wins(night, logbook):
    logbook.decide([NIGHT], "time_offset_s", -3600)
    logbook.decide(["cal/dark.fits"], "time_offset_s", 5)
    decided = logbook.apply(night)
    assert decided.by_path["sci/a.fits"].mid_utc == MID - timedelta(hours=1)
    assert decided.by_path["cal/dark.fits"].mid_utc == MID + timedelta(seconds=5)
    assert decided.by_path["sci/b.fits"].mid_utc is None


def test_the_middle_of_an_exposure_follows_how_long_it_is_said_to_be(night, logbook):
    (first, *others) = night.frames
    by_start = replace(first, path="sci/by_start.fits", exposure_s=90.0, mid_utc=MID, mid_share=0.5)
    night = replace(night, frames=(
        *others,
        by_start,
        replace(by_start, path="sci/by_end.fits", mid_share=-0.5),
        replace(by_start, path="sci/by_middle.fits", mid_share=0.0),
        replace(by_start, path="sci/unknown.fits", exposure_s=None),
        replace(by_start, path="sci/usual.fits", exposure_is_usual=True),
    ))  # fmt: skip
    named = ["by_start", "by_end", "by_middle", "unknown", "usual"]
    logbook.decide([f"sci/{name}.fits" for name in named], "exposure_s", 60.0)
    logbook.decide(["sci/by_end.fits"], "time_offset_s", 100.0)
    decided = [logbook.apply(night).by_path[f"sci/{name}.fits"] for name in named]
    assert [(one.mid_utc - MID).total_seconds() for one in decided] == [-15.0, 115.0, 0.0, 30.0, -15.0]
    assert not any(one.exposure_is_usual for one in decided)
    assert [one.mid_follows_exposure for one in decided] == [True, False, False, True, True]


def test_forced_masters_and_recipe_changes_are_told(logbook):
    logbook.decide(["sci/a.fits"], "dark", "dark_90s_-10C")
    logbook.decide(["sci/a.fits"], "flat", "none")
    logbook.decide([RECIPE], "cosmic.sigclip", 5.0)
    assert logbook.forced_masters() == {"sci/a.fits": {"dark": "dark_90s_-10C", "flat": "none"}}
    assert logbook.recipe_changes() == {"cosmic.sigclip": 5.0}


def test_none_gives_the_frame_its_own_value_back(night, logbook):
    logbook.decide(["sci/a.fits"], "filter", "V")
    logbook.decide(["sci/a.fits"], "filter", None)
    assert logbook.apply(night) == night
    assert logbook.current() == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "star"), ("exposure_s", "long"), ("exposure_s", -1), ("gain_e_per_adu", 0),
     ("temperature_c", float("nan")),
     ("colour", "red"), ("filter", 3), ("time_offset_s", float("inf"))],
)  # fmt: skip
def test_values_without_sense_are_refused_and_nothing_is_noted(logbook, field, value):
    with pytest.raises(UsageError):
        logbook.decide(PATHS, field, value)
    assert logbook.history() == []


def test_deciding_the_same_again_is_no_step(logbook):
    assert logbook.decide(["sci/a.fits"], "filter", "V") is not None
    assert logbook.decide(["sci/a.fits"], "filter", "V") is None
    assert len(logbook.history()) == 1


# -- rejecting -------------------------------------------------------------------------------------------


def test_both_lists_are_current_after_every_decision(logbook):
    assert lists(logbook) == [["sci/a.fits", "sci/b.fits"], []]
    logbook.reject(["sci/b.fits", "cal/dark.fits"], "trailed")
    assert lists(logbook) == [["sci/a.fits"], ["cal/dark.fits  # trailed", "sci/b.fits  # trailed"]]
    logbook.decide(["sci/a.fits"], "kind", "other")
    assert lists(logbook)[0] == []
    logbook.undo(2)
    assert lists(logbook) == [["sci/a.fits", "sci/b.fits"], []]


def test_accepting_takes_a_rejection_back_and_keeps_a_doubted_calibration_frame(logbook):
    logbook.reject(["cal/dark.fits"], "it has stars")
    assert logbook.rejected() == {"cal/dark.fits": "it has stars"}
    logbook.accept(["cal/dark.fits"], "they are hot pixels")
    assert logbook.rejected() == {}
    assert logbook.kept() == {"cal/dark.fits"}
    logbook.reject(["cal/dark.fits"])
    assert logbook.kept() == frozenset()
    assert logbook.rejected() == {"cal/dark.fits": ""}


def test_a_step_is_named_after_the_frames_it_changed_not_after_all_that_were_asked_for(logbook):
    logbook.accept(["sci/a.fits"])
    logbook.accept(["sci/a.fits", "sci/b.fits"])
    logbook.reject(["sci/b.fits"], "cloud")
    logbook.reject(["sci/a.fits", "sci/b.fits"], "cloud")
    logbook.decide(["sci/a.fits"], "filter", "R")
    logbook.decide(["sci/a.fits", "sci/b.fits"], "filter", "R")
    done, _undone = logbook.steps()
    assert done[1:] == [
        "accept sci/b.fits",
        "reject sci/b.fits",
        "reject sci/a.fits",
        "filter = R for sci/a.fits",
        "filter = R for sci/b.fits",
    ]
    assert logbook.undo() == ["filter = R for sci/b.fits"]


def test_rules_follow_the_recipe_but_never_overrule_a_person(logbook):
    logbook.accept(["sci/a.fits"])
    logbook.follow_rules({"sci/a.fits": "fwhm", "sci/b.fits": "fwhm"})
    assert logbook.rejected() == {"sci/b.fits": "fwhm"}
    assert logbook.follow_rules({"sci/a.fits": "fwhm", "sci/b.fits": "fwhm"}) is None
    logbook.follow_rules({})
    assert logbook.rejected() == {}


def test_what_a_rule_said_comes_back_when_the_person_is_undone(logbook):
    logbook.follow_rules({"sci/b.fits": "fwhm"})
    logbook.accept(["sci/b.fits"])
    logbook.undo()
    assert logbook.rejected() == {"sci/b.fits": "fwhm"}
    logbook.follow_rules({})
    assert logbook.rejected() == {}


def test_a_list_of_names_or_paths_is_imported_as_one_step(logbook, tmp_path):
    file = tmp_path / "bad.txt"
    file.write_text("# from the observer\nb.fits  # wind\ncal/dark.fits\n\n", encoding="utf-8")
    logbook.import_rejected(file, PATHS)
    assert logbook.rejected() == {"sci/b.fits": "wind", "cal/dark.fits": ""}
    assert {line.source for line in logbook.history()} == {"import"}
    logbook.undo()
    assert logbook.rejected() == {}
    logbook.import_accepted(file, PATHS)
    assert logbook.kept() == {"sci/b.fits", "cal/dark.fits"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("sci/b.fits\twind  # and frost", "wind  # and frost"),
        ("sci/b.fits  # wind\tand frost", "wind\tand frost"),
        ("sci/b.fits\t", ""),
    ],
)
def test_a_reason_begins_at_the_first_tab_or_number_sign(logbook, tmp_path, line, reason):
    (tmp_path / "bad.txt").write_text(f"{line}\n", encoding="utf-8")
    logbook.import_rejected(tmp_path / "bad.txt", PATHS)
    assert logbook.rejected() == {"sci/b.fits": reason}


def test_our_own_list_can_be_imported_again(logbook, tmp_path):
    logbook.reject(["sci/b.fits"], "wind # and frost")
    with Logbook.open(tmp_path / "other") as other:
        other.import_rejected(logbook.output / "rejected.txt", PATHS)
        assert other.rejected() == {"sci/b.fits": "wind # and frost"}


@pytest.mark.parametrize(
    ("content", "words"), [(b"nobody.fits\n", "no such frame"), (b"\xff\xfe\x00", "not a text file")]
)
def test_a_list_that_does_not_fit_the_night_changes_nothing(logbook, tmp_path, content, words):
    file = tmp_path / "bad.txt"
    file.write_bytes(b"sci/a.fits\n" + content)
    with pytest.raises(UsageError, match=words):
        logbook.import_rejected(file, PATHS)
    with pytest.raises(AstepError, match="cannot find"):
        logbook.import_rejected(tmp_path / "none.txt", PATHS)
    assert logbook.history() == []


def test_a_bare_name_that_two_folders_have_is_refused(logbook, tmp_path):
    file = tmp_path / "bad.txt"
    file.write_text("a.fits\n")
    with pytest.raises(UsageError, match="two folders"):
        logbook.import_rejected(file, ["one/a.fits", "two/a.fits"])


# -- undo and history ------------------------------------------------------------------------------------


def test_a_group_is_undone_and_made_again_as_one(logbook):
    logbook.decide(PATHS, "filter", "V")
    logbook.reject(["sci/a.fits"], "cloud")
    assert logbook.undo(5) == ["reject sci/a.fits", "filter = V for 4 frames"]
    assert logbook.current() == {}
    assert logbook.redo() == ["filter = V for 4 frames"]
    assert logbook.current() == {path: {"filter": "V"} for path in PATHS}
    assert logbook.redo(9) == ["reject sci/a.fits"]
    assert logbook.rejected() == {"sci/a.fits": "cloud"}


def test_a_new_decision_after_an_undo_ends_the_redo(logbook):
    logbook.decide(["sci/a.fits"], "filter", "V")
    logbook.undo()
    logbook.decide(["sci/a.fits"], "filter", "B")
    assert logbook.redo() == []
    assert logbook.current() == {"sci/a.fits": {"filter": "B"}}


def test_history_keeps_everything_also_what_was_undone(logbook):
    logbook.decide(["sci/a.fits"], "filter", "V", "written on the wheel")
    logbook.undo()
    first, second = logbook.history()
    assert (first.old, first.new, first.reason, first.source, first.undone) == (
        None, "V", "written on the wheel", "person", True,
    )  # fmt: skip
    assert (second.deed, second.old, second.new) == ("undo", "V", None)
    assert datetime.fromisoformat(first.when_utc).tzinfo == UTC


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["reject", "accept", "filter", "undo", "redo"]), max_size=12),
    st.integers(0, 9999),
)
def test_any_order_of_deeds_undone_completely_leaves_nothing(tmp_path_factory, deeds, seed):
    rng = random.Random(seed)
    states = [{}]  # what a plain list of states, moved back and forth, would hold
    position = 0
    with Logbook.open(tmp_path_factory.mktemp("out")) as logbook:
        for deed in deeds:
            if deed == "undo":
                position -= len(logbook.undo())
            elif deed == "redo":
                position += len(logbook.redo())
            else:
                some = rng.sample(PATHS, 2)
                step = (
                    logbook.decide(some, "filter", rng.choice("RVB"))
                    if deed == "filter"
                    else getattr(logbook, deed)(some)
                )
                if step is not None:
                    position += 1
                    states[position:] = [logbook.current()]
            assert logbook.current() == states[position]
        logbook.undo(100)
        assert logbook.current() == {}


# -- the file --------------------------------------------------------------------------------------------


def test_a_decision_survives_a_kill_right_after_it(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path; from pipeline_core.logbook import Logbook\n"
        "Logbook.open(Path(sys.argv[1])).reject(['sci/a.fits'], 'cloud')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "out"], check=False)
    assert ended.returncode == -signal.SIGKILL
    with Logbook.open(tmp_path / "out") as logbook:
        assert logbook.rejected() == {"sci/a.fits": "cloud"}
    assert (tmp_path / "out" / "rejected.txt").read_text() == "sci/a.fits  # cloud\n"


def test_another_process_may_decide_meanwhile_and_its_changes_are_seen(logbook):
    seen = logbook.last_id()
    code = (
        "import sys; from pathlib import Path; from pipeline_core.logbook import Logbook\n"
        "with Logbook.open(Path(sys.argv[1])) as book:\n"
        "    for i in range(20): book.reject([f'{sys.argv[2]}/{i}.fits'], 'cloud')"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, logbook.output, name]) for name in ("x", "y")]
    for i in range(20):
        logbook.reject([f"own/{i}.fits"], "wind")
    assert [process.wait(20) for process in others] == [0, 0]
    changes = logbook.changes_since(seen)
    assert sorted({line.subject for line in changes}) == sorted(
        f"{who}/{i}.fits" for who in ("own", "x", "y") for i in range(20)
    )
    assert len(lists(logbook)[1]) == 60


def test_a_moved_night_keeps_its_decisions(night, tmp_path):
    out = tmp_path / "out"
    with Logbook.open(out, night.root) as logbook:
        logbook.decide(["sci/a.fits"], "filter", "V")
    moved = night.root.rename(tmp_path / "archive")
    with Logbook.open(out, moved) as logbook:
        assert logbook.night == moved
        assert logbook.apply(Night(moved, night.frames)).by_path["sci/a.fits"].filter == "V"


def test_the_output_of_another_night_is_refused(logbook, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    stranger = Night(other, (Frame("x.fits", FrameKind.SCIENCE, 1, 1),))
    before = logbook.night
    with Logbook.open(logbook.output, other) as again:
        with pytest.raises(NightError, match="another night"):
            again.note_frames(stranger)
        assert again.night == before


def test_an_output_inside_the_night_is_allowed_but_never_the_night_itself(night):
    with pytest.raises(NightError, match="it is the night itself"):
        Logbook.open(night.root, night.root)
    assert list(night.root.iterdir()) == []
    with Logbook.open(night.root / "reduced", night.root):
        pass


def test_looking_changes_nothing(night, logbook, tmp_path):
    logbook.reject(["sci/a.fits"])
    with Logbook.read_only(logbook.output) as looking:
        assert looking.rejected() == {"sci/a.fits": ""}
        assert looking.night == night.root
        with pytest.raises(NightError, match="writing is not allowed"):
            looking.reject(["sci/b.fits"])
    with pytest.raises(NightError, match="no logbook"):
        Logbook.read_only(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_looking_leaves_no_trace(tmp_path):
    with Logbook.open(tmp_path) as logbook:
        logbook.reject(["sci/a.fits"])
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    with Logbook.read_only(tmp_path) as looking:
        assert looking.rejected() == {"sci/a.fits": ""}
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_a_newer_logbook_is_refused_politely(logbook):
    logbook.database._connection.execute("PRAGMA user_version=99")
    with pytest.raises(NightError, match="newer ASTEP Harvest"):
        Logbook.open(logbook.output)


def test_a_damaged_logbook_is_explained_and_left_as_it_is(tmp_path):
    (tmp_path / "logbook.sqlite").write_bytes(b"this is no database, it is a poem" * 50)
    with pytest.raises(NightError, match="damaged, or not a logbook"):
        Logbook.open(tmp_path)
    assert (tmp_path / "logbook.sqlite").read_bytes().startswith(b"this is no database")


def test_an_output_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AstepError) as told:
        Logbook.open(tmp_path / "file" / "out")
    assert told.value.hint


@pytest.mark.skipif(os.name == "nt", reason="a folder's mode does not forbid writing there")
def test_a_read_only_output_is_explained():
    code = (
        "import os, sys, psutil, urllib.parse; from pathlib import Path\n"
        "import pipeline_core.io.atomic; from pipeline_core.logbook import Logbook\n"
        "os.geteuid() == 0 and os.setuid(65534)\n"  # root may write everywhere
        "Logbook.open(Path(sys.argv[1]))"
    )
    with tempfile.TemporaryDirectory() as out:  # not pytest's folder, which only its owner may enter
        Path(out).chmod(0o555)
        ended = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=False)
        Path(out).chmod(0o755)
    assert "writing is not allowed there · choose another output folder" in ended.stderr


@pytest.mark.parametrize(("kind", "journal"), [("ext4", "wal"), ("nfs4", "delete"), ("fuse.sshfs", "delete")])
def test_network_disks_get_a_rollback_journal(tmp_path, monkeypatch, kind, journal):
    class Mount:
        mountpoint, fstype, opts = str(tmp_path), kind, "rw"

    monkeypatch.setattr("psutil.disk_partitions", lambda **_: [Mount])
    opened = database.Database(tmp_path / "out")
    assert opened.rows("PRAGMA journal_mode") == [(journal,)]
    assert opened.rows("PRAGMA synchronous") == [(2,)]
    opened.close()


def test_a_logbook_is_light_to_import():
    code = (
        "import sys, pipeline_core.logbook, pipeline_core.store, pipeline_core.runner\n"
        "print([name for name in ('numba', 'astropy', 'scipy', 'distributed') if name in sys.modules])"
    )
    root = Path(database.__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert told.stdout.strip() == "[]"


def test_one_reference_takes_the_place_of_another_in_one_step_and_quality_chooses_again(night, tmp_path):
    with Logbook.open(tmp_path / "out", night.root) as book:
        book.choose_reference("sci/a.fits")
        book.choose_reference("sci/b.fits")
        assert book.references() == {"sci/b.fits"}
        assert book.undo() == ["reference sci/b.fits"]
        assert book.references() == {"sci/a.fits"}
        book.choose_reference(None)
        assert not book.references()
        assert book.choose_reference(None) is None


def test_what_is_in_force_is_read_with_a_decision_and_again_when_another_process_decided(logbook, night, monkeypatch):
    asked = []
    rows = logbook.database.rows
    monkeypatch.setattr(
        logbook.database, "rows", lambda sql, *more: (asked.append(sql == IN_FORCE), rows(sql, *more))[1]
    )
    logbook.reject(["sci/a.fits"], "cloud")
    asked.clear()
    for _ in range(3):
        logbook.apply(night)
        assert logbook.rejected() == {"sci/a.fits": "cloud"}
        assert logbook.rejected_by_rule() == frozenset()
        assert logbook.references() == frozenset()
    assert not any(asked), "it was read under the lock of the decision"
    with Logbook.open(logbook.output) as other:
        other.reject(["sci/b.fits"], "frost")
    assert logbook.rejected() == {"sci/a.fits": "cloud", "sci/b.fits": "frost"}
    logbook.undo()
    assert logbook.rejected() == {"sci/a.fits": "cloud"}
    assert sum(asked) == 1


# -- many at once ----------------------------------------------------------------------------------------


def test_who_follows_is_told_each_subject_once_in_the_order_of_the_first_decision_about_it(logbook):
    logbook.reject(["b.fits"], "cloud")
    seen = logbook.last_id()
    logbook.reject(["c.fits", "a.fits"], "wind")
    logbook.undo()
    logbook.decide(["b.fits"], "filter", "V")
    assert logbook.subjects_since(seen) == ["c.fits", "a.fits", "b.fits"]
    assert logbook.subjects_since(logbook.last_id()) == []


@pytest.mark.parametrize("count", [3, MANY + 1])
def test_thousands_are_decided_as_a_few_are_and_what_was_decided_so_is_left_out(logbook, count):
    paths = [f"{k:04d}.fits" for k in range(count)]
    logbook.reject(paths[:2], "cloud")
    logbook.reject(paths, "wind")
    logbook.accept(paths[:1])
    logbook.reject(paths, "wind")
    assert logbook.steps()[0][-1] == "reject 0000.fits", "the others were rejected so already"
    logbook.undo(2)
    assert logbook.rejected() == dict.fromkeys(paths, "wind")
    logbook.undo()
    assert logbook.rejected() == dict.fromkeys(paths[:2], "cloud")


def test_a_rule_for_thousands_does_not_speak_over_a_person(logbook):
    paths = [f"{k:04d}.fits" for k in range(MANY + 1)]
    logbook.reject(paths[:1], "wind")
    logbook.follow_rules(dict.fromkeys(paths, "too wide"))
    assert logbook.rejected() == {**dict.fromkeys(paths, "too wide"), paths[0]: "wind"}
    logbook.reject(paths, "too wide")
    assert not logbook.rejected_by_rule(), "the same said by a person stands against rules now"
