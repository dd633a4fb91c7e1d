"""What is compiled once is counted, and the time that is left is reckoned from the usual shares."""

import numba
import numpy as np
import pytest

from pipeline_core import warm_up
from pipeline_core.compile_progress import (
    CALIBRATION,
    SCIENCE,
    CompileProgress,
    compiled_by,
    left_words,
    told_to,
)

USUAL = (("few", 2.0), ("many", 10.0), ("few", 4.0), ("last", 4.0))


def test_kernels_are_counted_and_the_rest_is_reckoned_from_their_shares():
    progress = CompileProgress(USUAL)
    assert progress.at([], 1.0) == (0, 4, None), "nothing tells yet how fast this machine is"
    done, total, left_s = progress.at([("few", 4.0)], 4.0)
    assert (done, total) == (1, 4)
    assert left_s == pytest.approx(2 * 18.0), "half as fast as the one of the table"
    assert progress.at([("few", 4.0)], 10.0).left_s == pytest.approx(2 * 18.0 - 6.0)
    done, _, left_s = progress.at([("few", 4.0), ("many", 20.0), ("few", 8.0)], 33.0)
    assert (done, left_s) == (3, pytest.approx(8.0))


def test_a_kernel_that_takes_longer_promises_nothing_and_goes_on_being_counted():
    progress = CompileProgress(USUAL)
    compiled = [("few", 2.0), ("many", 10.0), ("few", 4.0)]
    assert progress.at(compiled, 17.0).left_s == pytest.approx(4.0)
    late = [progress.at(compiled, seconds) for seconds in (25.0, 60.0)]
    assert late == [(3, 4, None), (3, 4, None)]
    assert progress.at([*compiled, ("last", 50.0)], 70.0) == (4, 4, None)
    early = CompileProgress(USUAL)
    assert early.at([("few", 2.0)], 2.0).left_s == pytest.approx(18.0)
    assert early.at([("few", 2.0)], 40.0).left_s == pytest.approx(8.0), "the others still take their time"


def test_kernels_that_were_ready_are_passed_over_and_unknown_ones_count_nothing():
    progress = CompileProgress(USUAL)
    done, _, left_s = progress.at([("many", 10.0), ("unheard of", 99.0)], 10.0)
    assert (done, left_s) == (2, pytest.approx(8.0))


@pytest.mark.parametrize(("left_s", "words"), [(0.7, 5), (12.4, 10), (28.0, 30), (58.0, 60), (64.0, 60), (96.0, 100)])
def test_the_time_left_is_said_as_roughly_as_it_is_known(left_s, words):
    assert left_words(left_s) == f"about {words} s left"


def test_each_kernel_that_is_compiled_writes_a_line_and_what_it_calls_is_a_part_of_it(tmp_path):
    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x) * 2

    file = tmp_path / "compiled.txt"
    assert compiled_by(file) == []
    with told_to(file):
        outer(np.float64(1.0))
        outer(np.float64(2.0))
    outer(np.float32(1.0))
    ((name, seconds),) = compiled_by(file)
    assert name == "outer"
    assert seconds > 0
    with file.open("a") as lines:
        lines.write("half_writ")
    assert len(compiled_by(file)) == 1


def test_the_table_names_kernels_that_there_are():
    """One that was renamed would count as passed over; the shares are then to be measured anew."""
    words = "".join(file.read_text() for folder in _science() for file in sorted(folder.glob("*.py")))
    assert not [name for name, _ in SCIENCE + CALIBRATION if f"def {name}(" not in words]
    assert all(seconds > 0 for _, seconds in SCIENCE + CALIBRATION)


def _science():
    from pathlib import Path

    from pipeline_core import science

    return [Path(folder) for folder in science.__path__]


def test_only_what_is_missing_is_counted(monkeypatch):
    monkeypatch.setattr(warm_up, "is_first_time", lambda *, science: not science)
    assert warm_up.missing_kernels() == CALIBRATION
    monkeypatch.setattr(warm_up, "is_first_time", lambda *, science: True)
    assert warm_up.missing_kernels() == SCIENCE + CALIBRATION
