"""Running what is stale; fates of frames, workers and whole runs."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest
import runner_helpers as toy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runner_helpers import FRAME, JUDGE, MEASURE, ToyNight

from pipeline_core import memory, runner
from pipeline_core.errors import NightError, UsageError
from pipeline_core.events import RunContext
from pipeline_core.executor import ProcessWorkers
from pipeline_core.runner import RunCancelled, run
from pipeline_core.stage import Stage, Task
from pipeline_core.store import Store


@pytest.fixture
def night(tmp_path):
    return ToyNight(tmp_path)


@pytest.fixture
def store(night):
    with Store(night.output) as opened:
        yield opened


def names(tasks):
    return [task.label for task in tasks]


def in_threads(tasks, store, ctx=None, **how):
    return run(tasks, store, "threads", ctx, workers=2, cores=2, **how)


# -- what is done, and in which order ----------------------------------------------------------------


def test_masters_are_made_before_the_frames_that_need_them_and_once(night, store):
    report = in_threads(night.frames(night.master()), store)
    assert names(report.done)[0] == "dark_90s"
    assert sorted(names(report.done)[1:]) == ["sci_000.fits", "sci_001.fits", "sci_002.fits", "sci_003.fits"]
    assert report.failed == report.skipped == report.cached == []
    total = report.made["master dark"]["dark_90s"]["total"]
    assert night.products()["calibrated/sci_000_CAL.fits"].endswith(f"{total} ".encode())


def test_nothing_changed_nothing_is_done_and_the_reports_are_known(night, store):
    first = in_threads(night.frames(night.master()), store)
    again = in_threads(night.frames(night.master()), store)
    assert again.done == []
    assert len(again.cached) == 4
    assert again.made["science frames"] == first.made["science frames"]


def test_a_thousand_frames_that_are_up_to_date_take_less_than_a_second(tmp_path):
    night = ToyNight(tmp_path, frames=1000)
    with Store(night.output) as store:
        store._database._connection.execute("PRAGMA synchronous=OFF")  # the thousand writes are not what is timed
        in_threads(night.frames(night.master()), store)
        begun = time.perf_counter()
        report = in_threads(night.frames(night.master()), store)
        assert time.perf_counter() - begun < 1
    assert len(report.cached) == 1000


def test_only_what_depends_on_a_change_is_made_again(night, store):
    master = night.master()
    in_threads([*night.frames(master), night.frame("dark_000.fits")], store)
    changed = night.master(clip="none")
    report = in_threads([*night.frames(changed), night.frame("dark_000.fits")], store)
    assert len(report.done) == 5
    assert names(report.cached) == ["dark_000.fits"]
    report = in_threads(night.frames(changed, special={"sci_002.fits": {"times": 2}}), store)
    assert names(report.done) == ["sci_002.fits"]


def test_force_makes_everything_anew(night, store):
    tasks = night.frames(night.master())
    in_threads(tasks, store)
    assert len(in_threads(tasks, store, force=True).done) == 5


def test_a_deleted_product_is_made_again_from_the_master_that_is_there(night, store):
    tasks = night.frames(night.master())
    in_threads(tasks, store)
    before = night.products()
    (night.output / "calibrated/sci_001_CAL.fits").unlink()
    report = in_threads(tasks, store)
    assert names(report.done) == ["sci_001.fits"]
    assert night.products() == before


def test_the_list_gives_the_order(night, store):
    tasks = night.frames()[::-1]
    assert names(run(tasks, store, "threads", workers=1, cores=1).done) == names(tasks)


def test_what_was_measured_reaches_the_stage_that_judges(night, store):
    measures = {
        name: Task(MEASURE, None, {}, {"raw": night.raw(name)}, name) for name in ("sci_000.fits", "sci_002.fits")
    }
    judged = Task(JUDGE, None, {"frames": list(measures)}, measures, "night")
    report = in_threads([judged], store)
    assert report.made["night quality"]["night"]["mean"] == 100 * (3 + 1)
    assert len(in_threads([judged], store).cached) == 1


def test_two_results_of_one_name_are_refused_before_anything_runs(night, store):
    with pytest.raises(NightError, match="two results would be called calibrated/sci_000_CAL"):
        in_threads([night.frame("sci_000.fits"), night.frame("sci_000.fits", times=2)], store)
    assert night.products() == {}


def test_unfinished_files_of_a_killed_run_are_removed_also_those_of_masters_never_finished(night, store):
    stale = [night.output / name for name in ("masters/dark_90s.fits.0a1b.part", "calibrated/x_CAL.fits.2c3d.part")]
    for part in stale:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    in_threads(night.frames(night.master()), store)
    assert night.parts() == []


# -- one bad frame never stops a night ---------------------------------------------------------------


def test_a_bad_frame_fails_with_its_words_and_the_others_are_done(night, store):
    tasks = night.frames(night.master(), special={"sci_001.fits": {"bad": "it holds no stars"}})
    report = in_threads(tasks, store)
    assert [(bad.label, bad.reason) for bad in report.failed] == [
        ("sci_001.fits", "cannot use it · it holds no stars · take it out")
    ]
    assert len(report.done) == 4
    assert night.parts() == []


def test_a_fault_of_the_program_is_told_in_words_and_the_log_gets_the_place(night, store):
    events = []
    tasks = night.frames(special={"sci_001.fits": {"fault": "division of the sky"}})
    report = in_threads(tasks, store, RunContext(events.append))
    assert "division of the sky" in report.failed[0].reason
    assert "report it" in report.failed[0].reason
    failed = next(event for event in events if event.kind == "failed")
    assert failed.path == "sci_001.fits"
    assert "make_frame" in failed.data["trace"]


def test_what_needs_a_failed_master_is_named_with_it(night, store):
    broken = Stage("master dark", 1, toy.forgets_its_file)
    master = Task(broken, "masters/dark_90s.fits", {}, {"a": night.raw("dark_000.fits")}, "dark_90s")
    frame = night.frame("sci_000.fits", master)
    later = Task(MEASURE, None, {}, {"raw": frame}, "sci_000.fits")
    report = in_threads([later, night.frame("sci_001.fits")], store)
    assert names(report.done) == ["sci_001.fits"]
    assert names(report.failed) == ["dark_90s"]
    assert [lost.task for lost in report.skipped] == [frame, later]
    assert all("its master dark dark_90s failed: " in lost.reason for lost in report.skipped)


def test_a_frame_deleted_during_the_run_fails_with_its_reason(night, store):
    tasks = night.frames(night.master())
    (night.root / "sci_002.fits").unlink()
    report = in_threads(tasks, store)
    assert names(report.failed) == ["sci_002.fits"]
    assert "moved or deleted" in report.failed[0].reason


def test_a_frame_that_changed_since_the_scan_is_not_used(night, store):
    tasks = night.frames()
    (night.root / "sci_002.fits").write_bytes(b"still being written")
    report = in_threads(tasks, store)
    assert names(report.failed) == ["sci_002.fits"]
    assert "changed since the night was scanned" in report.failed[0].reason


def test_a_full_disk_fails_the_frame_with_a_hint_and_loses_nothing(night, store):
    in_threads(night.frames(), store)
    before = night.products()
    full = Task(Stage("science frames", 2, toy.full_disk), "calibrated/sci_000_CAL.fits", {}, {}, "sci_000.fits")
    report = in_threads([full], store)
    assert "the disk is full · free some space" in report.failed[0].reason
    assert night.products() == before
    assert night.parts() == []


def test_an_array_that_the_disk_took_only_in_part_is_a_full_disk_too(night, store):
    def short_write(settings, inputs, out, threads):
        raise OSError("65536 requested and 7320 written")  # what numpy says, without an error number

    task = Task(
        Stage("science frames", 1, short_write), "calibrated/a.fits", {}, {"raw": night.raw("sci_000.fits")}, "a"
    )
    [failed] = run([task], store, "threads").failed
    assert "the disk is full" in failed.reason
    assert "free some space" in failed.reason


def test_a_measurement_follows_its_frame_when_a_person_moves_it_meanwhile(night, store):
    """Rejected by another process between the hand-out and the reading: tried again where the file is now."""
    frame = night.frame("sci_000.fits")
    quality = Task(MEASURE, None, {}, {"raw": frame}, "sci_000.fits")

    def reject_now(event):
        if event.kind == "started" and event.job == MEASURE.name:
            store.move("calibrated/sci_000_CAL.fits", "rejected/sci_000_CAL.fits")

    report = run([frame, quality], store, "threads", RunContext(reject_now))
    assert report.failed == []
    assert len(report.done) == 2


def test_a_full_disk_at_the_rename_is_the_same(night, store, monkeypatch):
    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline_core.store.put_in_place", no_space)
    report = in_threads(night.frames(), store)
    assert len(report.failed) == 4
    assert "disk is full" in report.failed[0].reason
    assert night.parts() == []
    assert night.products() == {}


# -- processes ---------------------------------------------------------------------------------------


def test_worker_processes_give_the_same_files_as_threads(tmp_path):
    night, other = ToyNight(tmp_path / "a"), ToyNight(tmp_path / "b")
    with Store(night.output) as store:
        in_threads(night.frames(night.master()), store)
    with Store(other.output) as store:
        report = run(other.frames(other.master()), store, "processes", workers=2, cores=2)
    assert other.products() == night.products()
    frames = report.made["science frames"].values()
    assert {made["ppid"] for made in frames} == {os.getpid()}
    assert {made["threads"] for made in frames} == {1}
    assert report.made["master dark"]["dark_90s"]["threads"] == 2
    assert psutil.Process().children() == [] or all(
        "resource_tracker" in " ".join(c.cmdline()) for c in psutil.Process().children()
    )
    assert report.peak_memory_mb > 20


def test_wide_stages_may_stay_in_the_driver(night, store):
    report = run(night.frames(night.master()), store, "processes", workers=1, cores=2, inline_wide=True)
    assert report.made["master dark"]["dark_90s"]["pid"] == os.getpid()
    assert report.made["science frames"]["sci_000.fits"]["pid"] != os.getpid()


def test_a_worker_that_is_killed_is_replaced_and_its_frame_tried_again(night, store, tmp_path):
    said = []
    tasks = night.frames(special={"sci_001.fits": {"dies_unless": str(tmp_path / "died")}})
    report = run(tasks, store, "processes", RunContext(said.append), workers=2, cores=2)
    assert len(report.done) == 4
    assert report.failed == []
    assert [event.path for event in said if event.level == "warning"] == ["sci_001.fits"]
    assert night.parts() == []


def test_a_frame_that_kills_its_worker_twice_fails_alone(night, store):
    tasks = night.frames(special={"sci_001.fits": {"dies": True}})
    report = run(tasks, store, "processes", workers=2, cores=2)
    assert len(report.done) == 3
    assert names(report.failed) == ["sci_001.fits"]
    assert "worker died twice" in report.failed[0].reason
    assert night.parts() == []


def test_a_pool_can_be_kept_for_the_next_run(tmp_path):
    pool = ProcessWorkers(1, 1)
    try:
        for folder in ("a", "b"):
            night = ToyNight(tmp_path / folder, frames=1)
            with Store(night.output) as store:
                report = run(night.frames(), store, pool, cores=1)
            assert report.made["science frames"]["sci_000.fits"]["pid"] == pool.pids()[0]
    finally:
        pool.shutdown()


# -- cancel ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_a_cancel_ends_the_run_within_two_seconds_and_keeps_what_is_finished(night, store, executor):
    slow = {f"sci_{i:03d}.fits": {"sleep_s": 20 if executor == "processes" else 3} for i in (2, 3)}
    tasks = night.frames(special=slow)
    first_two = threading.Event()
    done = []

    def listen(event):
        done.append(event)
        if event.kind == "progress" and event.done == 2:
            first_two.set()

    ctx = RunContext(listen)
    when = []

    def stop():
        first_two.wait(10)
        time.sleep(0.3)
        when.append(time.perf_counter())
        ctx.cancel()

    threading.Thread(target=stop).start()
    with pytest.raises(RunCancelled) as cancelled:
        run(tasks, store, executor, ctx, workers=2, cores=2)
    assert time.perf_counter() - when[0] < 2
    assert len(cancelled.value.report.done) == 2
    assert done[-1].kind == "cancelled"
    assert night.parts() == []
    if executor == "processes":
        time.sleep(0.1)
        assert not [c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline())]
    assert len(night.products()) == 2
    report = in_threads(night.frames(special={k: {"sleep_s": 0} for k in slow}), store)
    assert len(report.cached) == 2


def test_a_cancel_before_the_start_does_nothing(night, store):
    ctx = RunContext()
    ctx.cancel()
    with pytest.raises(RunCancelled):
        run(night.frames(), store, "processes", ctx)
    assert night.products() == {}


# -- kill -9 -----------------------------------------------------------------------------------------

DRIVER = """
import sys
from pathlib import Path
from runner_helpers import ToyNight
from pipeline_core.lock import RunLock
from pipeline_core.runner import run
from pipeline_core.store import Store

if __name__ == "__main__":
    night = ToyNight(Path(sys.argv[1]), frames=8)
    with RunLock(night.output), Store(night.output) as store:
        print("go", flush=True)
        run(night.frames(night.master(sleep_s=0.1), sleep_s=0.1), store, "processes", workers=2, cores=2)
"""


@pytest.mark.parametrize("after_s", [0.05, 0.7, 1.1])
def test_killed_at_any_moment_and_run_again_the_files_are_the_same(tmp_path, after_s):
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(DRIVER))
    paths = os.pathsep.join([str(Path(runner.__file__).parents[1]), str(Path(__file__).parent)])
    command = [sys.executable, str(script), str(tmp_path / "a")]
    night = ToyNight(tmp_path / "a", frames=8)
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "go\n"
    time.sleep(after_s)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    _, alive = psutil.wait_procs(workers, timeout=3)
    assert alive == []
    whole = night.products()
    assert not [name for name, content in whole.items() if content == b"begun"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, check=True, stdout=subprocess.DEVNULL)
    other = ToyNight(tmp_path / "b", frames=8)
    with Store(other.output) as store:
        in_threads(other.frames(other.master(sleep_s=0.1)), store)
    assert night.products() == other.products()
    assert night.parts() == []
    assert len(night.products()) == 9


# -- progress, memory, warm-up -----------------------------------------------------------------------


def test_each_stage_tells_its_start_its_progress_with_the_time_left_and_its_end(night, store):
    events = []
    in_threads(night.frames(night.master(sleep_s=0.05), sleep_s=0.05), store, RunContext(events.append))
    dark = [event.kind for event in events if event.job == "master dark"]
    assert dark == ["started", "progress", "finished"]
    frames = [event for event in events if event.job == "science frames"]
    assert [event.kind for event in frames] == ["started", *["progress"] * 4, "finished"]
    assert [event.done for event in frames] == [0, 1, 2, 3, 4, 4]
    # The first frame of each of the two workers waits for imports and kernels: it tells nothing of the others.
    assert [event.data["eta_s"] for event in frames[:3]] == [None, None, None]
    assert 0 < frames[3].data["eta_s"] < 1
    assert frames[-1].data == {"eta_s": 0.0, "cached": 0, "run_done": 5, "run_total": 5}


def test_a_look_that_another_stage_asks_for_is_neither_told_nor_counted_unless_it_fails(night, store):
    aid = Stage("stars to look for", 1, toy.make_frame, is_aid=True)
    looks = [
        Task(aid, "stars_a.txt", {}, {"raw": night.raw("sci_000.fits")}, "a"),
        Task(aid, "stars_b.txt", {"bad": "no star"}, {"raw": night.raw("sci_001.fits")}, "b"),
    ]
    events = []
    in_threads([*looks, *night.frames(night.master())], store, RunContext(events.append))
    told = [event for event in events if event.job == "stars to look for"]
    assert [(event.kind, event.level) for event in told] == [("message", "warning")]
    assert "no star" in told[0].text
    assert {event.data["run_total"] for event in events if "run_total" in event.data} == {5}


def test_earlier_runs_tell_how_long_this_one_will_take(night, store):
    in_threads(night.frames(sleep_s=0.1)[:1], store)
    took_s = store.typical_seconds()["science frames"]
    assert took_s >= 0.1
    events = []
    in_threads(night.frames(sleep_s=0.1), store, RunContext(events.append))
    # Three frames of 0.1 s and of what the machine adds to them, two at a time.
    assert events[0].data["eta_s"] == pytest.approx(1.5 * took_s, abs=0.06)
    assert events[0].data["cached"] == 1


def test_tasks_that_would_not_fit_into_memory_together_run_one_after_the_other(night, store, monkeypatch):
    running, most, lock = 0, [0], threading.Lock()
    plain = runner.carry_out

    def counted(assignment):
        nonlocal running
        with lock:
            running += 1
            most[0] = max(most[0], running)
        try:
            return plain(assignment)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(runner, "carry_out", counted)
    run(night.frames(sleep_s=0.05), store, "threads", workers=4, cores=4, memory_bytes=2 << 30)
    assert most[0] == 4
    most[0] = 0
    big = {"bytes_per_task": lambda _task: 900 << 20, "memory_bytes": 2 << 30}
    run(night.frames(sleep_s=0.06), store, "threads", workers=4, cores=4, **big)
    assert most[0] == 1


def test_kernels_are_warmed_up_once_and_only_if_there_is_work(night, store):
    calls = []
    in_threads(night.frames(), store, warm_up=lambda: calls.append(1))
    in_threads(night.frames(), store, warm_up=lambda: calls.append(1))
    assert calls == [1]


def test_a_budget_that_one_worker_does_not_fit_into_is_refused_where_a_person_set_it_and_else_said():
    assert memory.check_budget(1_000_000_000, 1_000_000_000, "frames", was_asked=True) == ""
    with pytest.raises(UsageError) as refused:
        memory.check_budget(1_000_000_000, 1_410_000_001, "frames of 9 × 8 px", was_asked=True)
    assert refused.value.what == "cannot stay within 1.00 GB"
    assert refused.value.why.startswith("frames of 9 × 8 px need 1.41 GB")
    assert refused.value.hint == "give --memory 1.5GB or more"
    words = memory.check_budget(1_000_000_000, 1_410_000_000, "frames of 9 × 8 px", was_asked=False)
    assert words.startswith("frames of 9 × 8 px need 1.41 GB")
    assert "1.00 GB" in words


def test_memory_of_the_tree_counts_the_children():
    before = memory.tree_bytes()
    pool = ProcessWorkers(1, 1)
    try:
        pool.submit(bytes, 1).result()
        assert memory.tree_bytes() > before + 3e6
    finally:
        pool.shutdown()


def test_the_budget_is_a_quarter_of_the_machine_but_at_least_one_gigabyte(monkeypatch):
    assert memory.memory_budget(3 << 30) == 3 << 30
    assert memory.memory_budget() == max(1 << 30, psutil.virtual_memory().total // 4)
    with pytest.raises(Exception, match="program alone"):
        memory.memory_budget(1 << 20)
    assert memory.workers_within(1 << 30, 400 << 20, 8) == 1
    assert memory.workers_within(8 << 30, 400 << 20, 8) == 8


def test_the_toy_stages_are_narrow_and_wide_as_the_tests_assume():
    assert toy.MASTER.wide
    assert not FRAME.wide


# -- any run, any failure ----------------------------------------------------------------------------


def sum_up(settings, inputs, out, threads):
    """Write the settings' number and those of all inputs; fail where told to."""
    if Path(settings["failing"]).exists() and str(settings["n"]) in Path(settings["failing"]).read_text().split():
        raise ValueError("told to fail")
    total = settings["n"] + sum(int(path.read_text()) for path in inputs.values())
    out.write_text(str(total))
    return {"total": total}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    graph=st.lists(st.sets(st.integers(1, 12), max_size=3), min_size=1, max_size=12),
    failing=st.sets(st.integers(0, 11), max_size=4),
)
def test_in_any_graph_exactly_what_depends_on_a_failure_is_missing(tmp_path_factory, graph, failing):
    folder = tmp_path_factory.mktemp("fuzz")
    trouble = folder / "failing"
    stage, tasks = Stage("sums", 1, sum_up), []
    needs = [{i - back for back in backs if i - back >= 0} for i, backs in enumerate(graph)]
    for i, sources in enumerate(needs):
        inputs = {f"in{j}": tasks[j] for j in sorted(sources)}
        tasks.append(Task(stage, f"sums/{i}.fits", {"n": i, "failing": str(trouble)}, inputs, str(i)))
    lost, totals = set(failing) & set(range(len(tasks))), {}
    for i, sources in enumerate(needs):
        if sources & lost:
            lost.add(i)
        else:
            totals[i] = i + sum(totals[j] for j in sources)
    totals = {i: total for i, total in totals.items() if i not in lost}
    trouble.write_text(" ".join(map(str, failing)))
    with Store(folder / "out") as store:
        report = in_threads(tasks[::-1], store)
        assert {int(task.label): report.made["sums"][task.label]["total"] for task in report.done} == totals
        told = {int(failure.label) for failure in (*report.failed, *report.skipped)}
        assert told == lost
        assert {int(failure.label) for failure in report.failed} <= failing
        trouble.unlink()
        again = in_threads(tasks, store)
        assert {int(task.label) for task in again.done} == lost
        assert {int(task.label) for task in again.cached} == set(totals)
        assert not list((folder / "out").rglob("*.part"))


# -- Ctrl+C ------------------------------------------------------------------------------------------

INTERRUPTED = """
import sys
from pathlib import Path
from runner_helpers import ToyNight
from pipeline_core.events import RunContext
from pipeline_core.runner import RunCancelled, run
from pipeline_core.store import Store

if __name__ == "__main__":
    night = ToyNight(Path(sys.argv[1]))
    ctx = RunContext(lambda event: print(event.kind, event.job, flush=True))
    with Store(night.output) as store:
        try:
            inline = sys.argv[2] == "inline"
            tasks = night.frames(night.master(sleep_s=30 * inline), sleep_s=30)
            run(tasks, store, "processes", ctx, workers=2, cores=2, inline_wide=inline)
        except RunCancelled as cancelled:
            print("stopped after", len(cancelled.report.done), flush=True)
"""


@pytest.mark.parametrize("where", ["workers", "inline"])
def test_ctrl_c_on_a_terminal_ends_the_whole_program_within_two_seconds(tmp_path, where):
    script = tmp_path / "driver.py"
    script.write_text(textwrap.dedent(INTERRUPTED))
    paths = os.pathsep.join([str(Path(runner.__file__).parents[1]), str(Path(__file__).parent)])
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "a"), where],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths}, text=True, start_new_session=True,
    )  # fmt: skip
    wanted = "started science frames\n" if where == "workers" else "started master dark\n"
    while process.stdout.readline() != wanted:
        assert process.poll() is None
    time.sleep(0.5)
    begun = time.perf_counter()
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the workers too
    out, err = process.communicate(timeout=10)
    assert time.perf_counter() - begun < 2
    assert out.endswith(f"stopped after {int(where == 'workers')}\n")
    assert err == ""
    assert process.returncode == 0
    assert ToyNight(tmp_path / "a").parts() == []
