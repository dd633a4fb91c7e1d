"""What can befall a whole run: it is killed, stopped, started twice, or its files go away."""

import os
import shutil
import signal
import time

import psutil
import pytest
from astropy.table import Table

from pipeline_core.demo.night import make_demo_night
from tests.core.fate_helpers import (
    astep,
    astep_process,
    begin,
    family,
    files,
    finish,
    log,
    parts,
    pixels,
    product,
    raw_hashes,
    science,
    wait_for,
    whole_lines,
)

N_SCIENCE = 6


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A small perfect night that no test may change."""
    folder = tmp_path_factory.mktemp("fate") / "night"
    make_demo_night(folder, size=256, n_science=N_SCIENCE, n_bias=4, n_dark=4, n_flat=4, events=())
    return folder


@pytest.fixture(scope="module")
def undisturbed(night):
    """The output of a run that nothing happened to."""
    out = night.parent / "undisturbed"
    before = raw_hashes(night)
    answer = astep_process("reduce", night, "-o", out, "--workers", 2)
    assert answer.code == 0
    assert answer.document["counts"] == {"done": N_SCIENCE, "cached": 0, "failed": 0, "left_out": 0}
    assert raw_hashes(night) == before
    return out


@pytest.fixture
def out(undisturbed, tmp_path):
    """A copy of a finished output that a test may damage."""
    shutil.copytree(undisturbed, tmp_path / "out", copy_function=shutil.copy2)
    return tmp_path / "out"


def again(night, out, *words):
    """Run once more, in this process and in threads."""
    return astep("reduce", night, "-o", out, "--executor", "threads", *words)


# -- killed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "after_s"), [("master flat", 0), ("science frames", 0.05), ("science frames", 0.3), ("quality", 0.05)]
)
def test_killed_and_run_again_the_pixels_are_those_of_an_undisturbed_run(night, undisturbed, tmp_path, stage, after_s):
    out = tmp_path / "out"
    process = begin("reduce", night, "-o", out, "--workers", 2)
    wait_for(process, out, stage)
    time.sleep(after_s)
    workers = family(process)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == [], "a worker outlived its run"
    finished = pixels(out)  # each opens: none is half a file
    assert finished.items() <= pixels(undisturbed).items()
    answer = again(night, out)
    assert answer.code == 0
    assert answer.document["counts"]["done"] + answer.document["counts"]["cached"] == N_SCIENCE
    assert pixels(out) == pixels(undisturbed)
    assert parts(out) == []


def test_a_killed_run_goes_on_with_its_own_recipe(night, tmp_path):
    out, recipe = tmp_path / "out", tmp_path / "my.toml"
    recipe.write_text("[calibrate]\nuncertainty = true\n")
    process = begin("reduce", night, "-o", out, "--recipe", recipe, "--workers", 1)
    wait_for(process, out, "science frames")
    process.kill()
    process.communicate()
    assert again(night, out).code == 0
    assert all(len(arrays) == 3 for name, arrays in pixels(out).items() if name.startswith("calibrated/"))


# -- stopped ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "stage"),
    [(signal.SIGINT, "science frames"), (signal.SIGTERM, "science frames"), (signal.SIGINT, "master dark")],
)
def test_stopped_it_ends_within_two_seconds_and_a_second_run_continues(night, undisturbed, tmp_path, number, stage):
    out = tmp_path / "out"
    process = begin("reduce", night, "-o", out, "--workers", 2)
    wait_for(process, out, stage)
    workers = family(process)
    begun = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to the workers too
    else:
        process.send_signal(number)
    answer = finish(process)
    assert time.monotonic() - begun < 2
    assert answer.code == 130
    assert answer.error["what"] == "cancelled"
    assert log(out)[-1]["kind"] == "cancelled"
    assert parts(out) == []
    _, alive = psutil.wait_procs(workers, timeout=3)
    assert alive == []
    finished = pixels(out)
    assert finished.items() <= pixels(undisturbed).items()
    answer = again(night, out)
    assert answer.code == 0
    kept = sum(name.startswith("calibrated/") for name in finished)
    assert answer.document["counts"] == {"done": N_SCIENCE - kept, "cached": kept, "failed": 0, "left_out": 0}
    assert pixels(out) == pixels(undisturbed)


def test_stopped_while_the_kernels_are_compiled_it_ends_within_two_seconds(night, tmp_path):
    out = tmp_path / "out"
    process = begin("reduce", night, "-o", out, NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
    wait_for_words(process, out, "compiling")
    time.sleep(1)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    answer = finish(process)
    assert time.monotonic() - begun < 2
    assert answer.code == 130


def wait_for_words(process, out, words):
    deadline = time.monotonic() + 30
    while not any(words in line["text"] for line in whole_lines(out)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


# -- two at once -----------------------------------------------------------------------------------------


def test_a_second_run_is_told_who_runs_since_when_and_the_first_is_not_disturbed(night, undisturbed, tmp_path):
    out = tmp_path / "out"
    first = begin("reduce", night, "-o", out, "--workers", 1)
    wait_for(first, out, "quality of calibration frames")
    second = astep("reduce", night, "-o", out)
    status = astep("status", out)
    assert second.code == 2
    assert f"process {first.pid} on " in second.error["why"]
    assert "since 20" in second.error["why"]
    assert f"process {first.pid} on " in status.document["running"]
    assert finish(first).code == 0
    assert pixels(out) == pixels(undisturbed)
    assert astep("status", out).document["running"] is None


# -- products that go away -------------------------------------------------------------------------------


def test_a_master_that_was_cut_short_is_made_again_and_never_used(night, undisturbed, out):
    dark = next((out / "masters").glob("dark*.fits"))
    whole = dark.stat().st_size
    with dark.open("r+b") as file:
        file.truncate(whole // 2)
    removed = product(out, science(night)[0], night)
    removed.unlink()
    answer = again(night, out)
    assert answer.code == 0
    assert answer.document["masters"][dark.stem] == "made"
    assert answer.document["counts"] == {"done": 1, "cached": N_SCIENCE - 1, "failed": 0, "left_out": 0}
    assert pixels(out) == pixels(undisturbed)


def test_products_and_masters_that_were_deleted_come_back(night, undisturbed, out):
    removed = [product(out, science(night)[1], night), *(out / "masters").glob("flat_*.fits"), out / "quality.ecsv"]
    for file in removed:
        file.unlink()
    missing = astep("status", out).document["missing"]
    assert sorted(missing) == sorted(f.relative_to(out).as_posix() for f in removed if f.suffix == ".fits")
    assert again(night, out).code == 0
    assert pixels(out) == pixels(undisturbed)
    assert len(Table.read(out / "quality.ecsv")) >= N_SCIENCE


def test_force_makes_everything_anew_with_the_same_pixels(night, undisturbed, out):
    answer = again(night, out, "--force")
    assert answer.document["counts"]["done"] == N_SCIENCE
    assert set(answer.document["masters"].values()) == {"made"}
    assert pixels(out) == pixels(undisturbed)


def test_only_masters_makes_no_frame(night, undisturbed, tmp_path):
    answer = again(night, tmp_path / "out", "--only", "masters")
    assert answer.code == 0
    assert not (tmp_path / "out" / "calibrated").exists()
    masters = {name: pixel for name, pixel in pixels(undisturbed).items() if name.startswith("masters/")}
    assert pixels(tmp_path / "out") == masters


# -- raw frames that go away -----------------------------------------------------------------------------


@pytest.mark.parametrize("fate", ["deleted", "replaced"])
def test_a_frame_that_goes_during_the_run_fails_with_its_reason_and_the_others_are_done(night, tmp_path, fate):
    folder, out = tmp_path / "night", tmp_path / "out"
    shutil.copytree(night, folder, copy_function=shutil.copy2)
    process = begin("reduce", folder, "-o", out, "--workers", 1)
    wait_for(process, out, "quality of calibration frames")
    last = science(folder)[-1]
    if fate == "deleted":
        last.unlink()
    else:
        os.utime(last, (1, 1))
    answer = finish(process)
    assert answer.code == 1
    assert answer.document["counts"] == {"done": N_SCIENCE - 1, "cached": 0, "failed": 1, "left_out": 0}
    [failed] = answer.document["failed"]
    assert failed["path"] == last.relative_to(folder).as_posix()
    assert ("deleted" if fate == "deleted" else "changed since") in failed["reason"]
    assert any(line["kind"] == "failed" and line.get("path") == failed["path"] for line in log(out))


# -- what is said ----------------------------------------------------------------------------------------


def test_the_diary_is_json_and_tells_how_the_run_began_and_ended(undisturbed):
    lines = log(undisturbed)
    assert [line["kind"] for line in lines if line["job"] == "run"] == ["started", "finished"]
    assert f"{N_SCIENCE} done" in lines[-1]["text"]
    assert all({"when", "kind", "job", "level", "text"} <= set(line) for line in lines)


def test_plain_progress_is_a_few_lines_and_none_when_quiet(night, tmp_path):
    spoken = again(night, tmp_path / "a", "--only", "masters")
    assert 0 < len(spoken.words.splitlines()) < 20
    assert again(night, tmp_path / "a", "--quiet").words == ""


def test_the_quality_table_opens_in_astropy(undisturbed):
    table = Table.read(undisturbed / "quality.ecsv")
    assert len(table) >= N_SCIENCE


def test_nothing_of_a_run_is_left_but_its_products(undisturbed):
    names = {file.relative_to(undisturbed).parts[0] for file in files(undisturbed)}
    assert names - {".run.lock"} == {
        "masters", "calibrated", "quality.ecsv", "accepted.txt", "rejected.txt", "recipe.toml", "logbook.sqlite",
        "log.jsonl",
    }  # fmt: skip
