"""The same night on every executor: the same pixels."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_core.demo.night import make_demo_night
from tests.core.fate_helpers import astep, astep_process, environment, parts, pixels
from tests.core.test_executor import SBATCH, SCANCEL

N_SCIENCE = 4


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fate") / "night"
    make_demo_night(folder, size=256, n_science=N_SCIENCE, n_bias=3, n_dark=3, n_flat=3, events=())
    return folder


@pytest.fixture(scope="module")
def expected(night):
    """Pixels of a run in threads of one process."""
    out = night.parent / "threads"
    assert astep("reduce", night, "-o", out, "--executor", "threads").code == 0
    return pixels(out)


def check(answer, out, expected):
    assert answer.code == 0, answer
    assert answer.document["counts"] == {"done": N_SCIENCE, "cached": 0, "failed": 0, "left_out": 0}
    assert pixels(out) == expected
    assert parts(out) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_make_the_pixels_that_threads_make(night, expected, tmp_path, workers):
    answer = astep_process("reduce", night, "-o", tmp_path / "out", "--executor", "processes", "--workers", workers)
    check(answer, tmp_path / "out", expected)
    assert answer.document["peak_memory_mb"] > 50


def test_a_dask_cluster_of_two_worker_processes_makes_the_same_pixels(night, expected, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as made:
        dask = f"dask:{made.scheduler_address}"
        answer = astep_process("reduce", night, "-o", tmp_path / "out", "--executor", dask)
    check(answer, tmp_path / "out", expected)


def test_slurm_jobs_make_the_same_pixels(night, expected, tmp_path):
    pytest.importorskip("dask_jobqueue", reason="the extra 'dask' is not installed")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tools / name).write_text(text.format(folder=tmp_path))
        (tools / name).chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    words = ("reduce", night, "-o", tmp_path / "out", "--executor", "slurm", "--workers", 2)
    check(astep_process(*words, PATH=path), tmp_path / "out", expected)
    assert len((tmp_path / "jobs").read_text().split()) == 2


def test_a_run_takes_no_more_memory_than_it_may(tmp_path):
    """1024², two workers, 1 GB; the number of frames is the point: twelve take what two take."""
    make_demo_night(tmp_path / "night", size=1024, n_science=12, n_bias=3, n_dark=3, n_flat=3, events=())
    words = ("reduce", tmp_path / "night", "-o", tmp_path / "out", "--memory", "1GB", "--workers", 2)
    answer = astep_process(*words)
    assert answer.code == 0
    assert 100 < answer.document["peak_memory_mb"] < 1000


def test_memory_that_one_frame_does_not_fit_into_is_refused_before_anything_is_made(night, tmp_path):
    answer = astep_process("reduce", night, "-o", tmp_path / "out", "--memory", "300MB", "--workers", 1)
    assert answer.code == 2
    error = answer.document["error"]
    assert error["what"] == "cannot stay within 0.30 GB"
    assert "one frame in the making" in error["why"]
    assert "--memory 0.4GB or more" in error["hint"]
    assert not (tmp_path / "out").exists()


def test_an_executor_that_cannot_be_had_is_explained_in_one_document(night, tmp_path):
    answer = astep("reduce", night, "-o", tmp_path / "out", "--executor", "cloud")
    assert answer.code == 2
    assert "cloud" in answer.error["what"]


def test_a_fault_of_the_program_reaches_the_person_in_words_and_the_diary_has_its_place(night, tmp_path):
    out, script = tmp_path / "out", tmp_path / "broken.py"
    script.write_text(
        "import sys, pipeline_core.reduce as r\n"
        "def broken(*_): raise ZeroDivisionError('a sky of nothing')\n"
        "r._Reducer._judge_calibration = broken\n"
        "from pipeline_core.cli import main\n"
        "if __name__ == '__main__': sys.exit(main())\n"
    )
    words = [sys.executable, str(script), "reduce", str(night), "-o", str(out), "--json", "--executor", "threads"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=60, check=False)
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "a sky of nothing" in done.stdout
    assert "log.jsonl" in done.stdout
    assert "Traceback" not in done.stderr
    assert "in broken" in (out / "log.jsonl").read_text()


def test_a_fault_where_there_is_no_output_is_kept_in_the_cache_folder(night, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text(
        "import sys, pipeline_core.cli.scan as s\n"
        "def broken(*_): raise ZeroDivisionError('no stars')\n"
        "s.scan_night = broken\n"
        "from pipeline_core.cli import main\n"
        "if __name__ == '__main__': sys.exit(main())\n"
    )
    words = [sys.executable, str(script), "scan", str(night), "--json"]
    env = environment(XDG_CACHE_HOME=str(tmp_path / "cache"), LOCALAPPDATA=str(tmp_path / "cache"))
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=60, check=False)
    assert done.returncode == 2
    assert "no stars" in done.stdout
    assert "Traceback" not in done.stderr
    assert "in broken" in next(Path(tmp_path / "cache").rglob("faults.log")).read_text()
