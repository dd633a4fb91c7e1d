"""A helper process ends with the program that wants it, and not before."""

import os
import subprocess
import sys
import time

import psutil
import pytest

HELPER = (
    "import sys, time\n"
    "from pipeline_core.solving.with_parent import end_with_parent\n"
    "end_with_parent(int(sys.argv[1]))\n"
    "print('up', flush=True)\n"
    "time.sleep(30)\n"
)
LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"


def ended_after(process, limit_s):
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < limit_s:
        time.sleep(0.05)
    return process.poll() is not None


@pytest.mark.parametrize("launcher", [(), ("-c", LAUNCHER)], ids=["directly", "by a launcher"])
def test_a_helper_lives_as_long_as_its_program_though_a_launcher_started_it(launcher):
    words = [sys.executable, *launcher, "-c", HELPER, str(os.getpid())]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline().strip() == b"up"
            assert not ended_after(process, 1.6)
        finally:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.kill()


def test_a_helper_ends_with_its_program_though_nobody_has_asked_how_that_one_ended():
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    words = [sys.executable, "-c", HELPER, str(program.pid)]
    with program, subprocess.Popen(words, stdout=subprocess.PIPE) as helper:
        assert helper.stdout.readline().strip() == b"up"
        assert not ended_after(helper, 1.0)
        program.kill()  # and is no more than a number in the table of processes, until it is waited for
        assert ended_after(helper, 5.0)
        assert helper.returncode == 1


def test_a_helper_of_a_program_that_is_gone_ends_at_once():
    with subprocess.Popen([sys.executable, "-c", ""]) as program:
        program.wait()
    with subprocess.Popen([sys.executable, "-c", HELPER, str(program.pid)], stdout=subprocess.DEVNULL) as helper:
        assert ended_after(helper, 5.0)
