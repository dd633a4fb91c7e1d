"""The process that tells what the machine kept from all from what the measured process did to itself."""

import os
import signal
import sys
import time

import pytest

from tests.bench.witness import Witness


@pytest.mark.skipif(sys.platform == "win32", reason="a process is paused by a signal there is none of on Windows")
def test_a_pause_of_the_witness_is_told_where_it_was_and_nowhere_else():
    with Witness() as witness:
        time.sleep(0.05)
        since = time.perf_counter()
        os.kill(witness.pid, signal.SIGSTOP)
        time.sleep(0.3)
        os.kill(witness.pid, signal.SIGCONT)
        until = time.perf_counter()
        time.sleep(0.05)
    assert 0.2 < witness.away_s(since, until + 0.05) < until + 0.05 - since
    assert witness.away_s(since + 0.1, since + 0.2) == pytest.approx(0.1, abs=1e-6)
    assert witness.away_s(since - 10, since - 9) == 0


def test_a_witness_ends_with_what_it_watched():
    with pytest.raises(RuntimeError, match="measured"), Witness() as witness:
        raise RuntimeError("measured")
    assert witness._process.poll() == 0
