"""One run at a time in an output."""

import os
import signal
import subprocess
import sys

import pytest

from pipeline_core.errors import NightError
from pipeline_core.lock import RunLock

HOLD = (
    "import sys, time; from pathlib import Path; from pipeline_core.lock import RunLock\n"
    "with RunLock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
)


def holder(folder):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def end(process):
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_run_is_refused_and_told_who_holds_the_output(tmp_path):
    process = holder(tmp_path)
    try:
        with pytest.raises(NightError, match=f"process {process.pid} on ") as told, RunLock(tmp_path):
            pytest.fail("two runs held one output")
        assert "since 20" in told.value.why
    finally:
        end(process)


def test_a_run_that_was_killed_holds_nothing(tmp_path):
    process = holder(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    end(process)
    with RunLock(tmp_path):
        pass


def test_the_same_program_cannot_hold_it_twice(tmp_path):
    with RunLock(tmp_path), pytest.raises(NightError, match="another run"), RunLock(tmp_path):
        pytest.fail("held twice")


def test_it_is_free_again_afterwards_also_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="stop"), RunLock(tmp_path / "new"):
        raise ValueError("stop")
    with RunLock(tmp_path / "new"):
        pass


def test_an_output_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(Exception, match="cannot use") as told, RunLock(tmp_path / "out"):
        pytest.fail("locked a file")
    assert told.value.hint
