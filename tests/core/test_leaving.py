"""How the program ends: all is said and put in order, and nobody waits for libraries to be taken down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALM = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def ended(code, **options):
    return subprocess.run([sys.executable, "-c", code], env=CALM, text=True, check=False, timeout=60, **options)


def leaving(before, code=0, in_a_hurry=False):
    return (
        f"import sys, threading, time\nfrom pipeline_core.cli.leaving import leave\n{before}\n"
        f"print('said')\nleave({code}, in_a_hurry={in_a_hurry})"
    )


@pytest.mark.parametrize("code", [0, 1, 130])
@pytest.mark.parametrize("in_a_hurry", [False, True])
def test_what_was_said_is_out_and_the_exit_code_is_the_runs(code, in_a_hurry):
    done = ended(leaving("", code, in_a_hurry), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (code, "said\n", "")


def test_what_libraries_put_in_order_at_the_end_is_done():
    done = ended(leaving("import atexit; atexit.register(print, 'in order')"), capture_output=True)
    assert done.stdout == "said\nin order\n"


def test_nothing_is_taken_down_after_that():
    clings = "class Clings:\n    def __del__(self): print('taken down', flush=True)\nsys.clings = Clings()"
    assert ended(leaving(clings), capture_output=True).stdout == "said\n"


def test_a_thread_that_still_writes_is_waited_for():
    slow = "threading.Thread(target=lambda: (time.sleep(0.3), print('written'))).start()"
    assert ended(leaving(slow), capture_output=True).stdout == "said\nwritten\n"


@pytest.mark.parametrize(
    "thread",
    ["threading.Thread(target=time.sleep, args=(30,))", "threading.Thread(target=time.sleep, args=(30,), daemon=True)"],
)
def test_who_stopped_the_program_waits_for_no_thread(thread):
    assert ended(leaving(f"{thread}.start()", 130, in_a_hurry=True), capture_output=True).returncode == 130


def test_a_compiler_that_a_stopped_run_left_behind_is_not_waited_for():
    busy = "threading.Thread(target=time.sleep, args=(30,), name='kernel compiler', daemon=True).start()"
    clings = "import atexit; atexit.register(print, 'in order')"  # could wait for the compiler's lock
    assert ended(leaving(f"{busy}\n{clings}", 2), capture_output=True).stdout == "said\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_an_answer_that_does_not_fit_on_the_disk_is_no_success():
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = ended(leaving(""), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "the answer could not be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_where_nothing_can_be_written_at_all_the_exit_code_still_tells():
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        assert ended(leaving(""), stdout=full, stderr=full).returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="a shell that closes streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_was_closed_from_the_start_changes_no_exit_code(closed):
    command = f'"$0" -c "$1" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, leaving("", 3)],
        env=CALM, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, "" if closed.startswith(">") else "said\n", "")


def test_a_reader_that_has_read_enough_is_no_fault():
    code = leaving("time.sleep(0.5)")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=CALM, text=True, **pipes) as program:
        program.stdout.close()
        words = program.stderr.read()
    assert (program.returncode, words) == (0, "")
