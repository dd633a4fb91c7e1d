"""The night's models without a window: jobs, commands, states, runs."""

from __future__ import annotations

import threading
import time

import pytest
from PyQt6.QtCore import Qt

from astep_gui.commands import Decisions
from astep_gui.jobs import Jobs, coalesced
from astep_gui.models.frame_table_model import FrameTableModel
from astep_gui.models.night_model import NightModel
from astep_gui.models.reduction_model import ReductionModel, duration_words
from pipeline_core.errors import UsageError
from pipeline_core.events import Event
from pipeline_core.kept_looks import QuickLook
from pipeline_core.measures import Flag
from pipeline_core.types import Frame, FrameKind, Night


@pytest.fixture
def night(qtbot, night_folder):
    jobs = Jobs()
    model = NightModel(jobs)
    model.looks_quickly = False
    model.open(night_folder)
    qtbot.waitUntil(lambda: model.plan is not None, timeout=8000)
    yield model
    jobs.close()
    model.close()


def test_of_each_stages_progress_only_the_newest_is_kept_and_no_message_is_lost():
    events = [Event("progress", "darks", done=k, total=9) for k in range(5)]
    events.insert(2, Event("message", "darks", text="odd"))
    assert [(e.kind, e.done) for e in coalesced(events)] == [("message", 0), ("progress", 4)]


def test_progress_that_is_kept_names_all_that_was_done_since_the_last():
    events = [Event("progress", "science frames", done=k, total=9, data={"label": f"{k}.fits"}) for k in (1, 2, 3)]
    (kept,) = coalesced(events)
    assert (kept.done, kept.data["labels"]) == (3, ["1.fits", "2.fits", "3.fits"])


def test_a_job_answers_in_the_thread_that_asked(qtbot):
    jobs, heard = Jobs(), []
    job = jobs.job("sum", lambda _context: (threading.current_thread(), 42))
    job.done.connect(lambda result: heard.append((threading.current_thread(), *result)))
    job.start()
    qtbot.waitUntil(lambda: bool(heard), timeout=3000)
    asked, worked, answer = heard[0]
    assert (asked is worked, answer) == (False, 42)


def test_an_error_of_a_job_arrives_with_its_three_parts(qtbot):
    def fail(_context):
        raise UsageError("what", "why", "hint")

    job = Jobs().job("fail", fail)
    with qtbot.waitSignal(job.failed, timeout=3000) as said:
        job.start()
    assert said.args[0].hint == "hint"


def test_a_cancelled_job_ends_within_two_seconds(qtbot):
    def wait(context):
        while True:
            context.check()
            time.sleep(0.01)

    job = Jobs().job("wait", wait)
    job.start()
    with qtbot.waitSignal(job.cancelled, timeout=2000):
        job.cancel()


def test_a_decision_that_changes_nothing_is_no_step_of_undo(night):
    decisions = Decisions(night)
    decisions.set_field(["light_000.fits"], "filter", "V")
    decisions.set_field(["light_000.fits"], "filter", "V")
    assert decisions.stack.count() == 1


def test_looking_at_a_night_makes_no_output_folder(night):
    assert not night.place.output.exists()


def test_a_night_of_five_thousand_frames_is_sorted_and_searched_in_a_second(qtbot, tmp_path):
    model = NightModel(Jobs())
    frames = [Frame(f"light_{k:05d}.fits", FrameKind.SCIENCE, 1, 1, "RV"[k % 2], 90.0) for k in range(5000)]
    model.night = model.raw = Night(tmp_path, tuple(frames))
    table = FrameTableModel(model)
    begun = time.process_time()  # others may be at work here
    table.rebuild()
    table.sort(0, Qt.SortOrder.DescendingOrder)
    table.search("light 04")
    assert time.process_time() - begun < 1.0
    assert table.ordered()[0] == "light_04998.fits"
    begun = time.process_time()
    table.filter_again()
    assert time.process_time() - begun < 0.4, "it goes on while values come in"


def test_the_plan_leaves_out_calibration_frames_that_a_run_found_bad_until_a_person_keeps_them(qtbot, night):
    dark = next(frame.path for frame in night.night.frames if frame.kind is FrameKind.DARK)
    stars = Flag("stars in dark", "30 star-like sources", "bad")
    with qtbot.waitSignal(night.plan_changed):
        night.looking.ended.emit(QuickLook([], {dark: (stars,)}))
    assert {item.path: item.reason for item in night.plan.left_out}[dark] == "30 star-like sources"
    assert night.state_of(dark).word == "stars in dark"
    with qtbot.waitSignal(night.plan_changed):
        Decisions(night).accept([dark])
    assert dark not in {item.path for item in night.plan.left_out}


def test_what_was_said_of_a_frame_as_a_dark_is_not_held_against_it_once_a_person_calls_it_science(qtbot, night):
    dark = next(frame.path for frame in night.night.frames if frame.kind is FrameKind.DARK)
    stars = Flag("stars in dark", "30 star-like sources", "bad")
    with qtbot.waitSignal(night.plan_changed):
        night.looking.ended.emit(QuickLook([], {dark: (stars,)}))
    with qtbot.waitSignal(night.plan_changed):
        Decisions(night).set_field([dark], "kind", "science")
    assert dark in {science.path for science in night.plan.science}
    assert night.state_of(dark).word not in {"left out", "stars in dark"}
    with qtbot.waitSignal(night.plan_changed):  # back again, it is what a run found bad
        Decisions(night).set_field([dark], "kind", "dark")
    assert {item.path: item.reason for item in night.plan.left_out}[dark] == "30 star-like sources"


def test_a_run_says_how_far_it_is_and_leaves_products(qtbot, night):
    run = ReductionModel(night, night._jobs)
    words = set()
    run.changed.connect(lambda: words.add(run.words))
    from pipeline_core.reduce import RunOptions

    with qtbot.waitSignal(run.finished, timeout=60_000) as ended:
        run.start(RunOptions(executor="threads", only="masters"))
    assert not ended.args[0].failed
    assert (night.place.output / "masters" / "bias.fits").is_file()
    assert any(said.startswith("Cancel · ") for said in words)
    assert run.words == "Reduce night"


@pytest.mark.parametrize(
    ("seconds", "words"), [(2, "a few seconds left"), (42, "40 s left"), (300, "5 min left"), (7200, "2.0 h left")]
)
def test_the_time_left_is_said_as_exactly_as_it_is_known(seconds, words):
    assert duration_words(seconds) == words
