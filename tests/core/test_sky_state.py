"""What an output knows of the sky."""

import numpy as np
import pytest

from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.logbook import Logbook
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.science.tan_sip import TanSip, separation_deg
from pipeline_core.sky_state import NightSky, night_sky
from pipeline_core.solving.result import FrameSolution
from pipeline_core.store import Store

SHAPE = (500, 600)
SOLUTION = TanSip(217.4, -62.7, 299.5, 249.5, 2.0 / 3600 * np.array([[-1.0, 0.0], [0.0, 1.0]]))


def placed(path, shift, reference="ref"):
    placement = None if shift is None else Placement.of(Alignment(1 + 0j, complex(shift, 0.0)), SHAPE)
    return FrameAlignment(path, "M 5", reference, placement, reason="cloud" if shift is None else None)


def solved(path):
    return FrameSolution(path, solved=True, solution=SOLUTION, shape=SHAPE)


def sky(*names, frames=None):
    frames = frames or (placed("ref", 0.0), placed("a", 5.0), placed("b", -3.0), placed("lost", None))
    return NightSky({name: solved(name) for name in names}, NightAlignment(tuple(frames)))


def test_the_reference_serves_first_where_it_is_solved():
    assert sky("a", "ref", "b").base_of("b") == "ref"
    assert sky("b", "ref").base_of("a") == "ref"


def test_another_frame_serves_where_the_reference_does_not_solve():
    night = sky("a")
    found = night.through("b")
    assert found is not None
    solution, base = found
    assert base == "a"
    # A star at x on the reference lies at x + 5 in a and x - 3 in b.
    assert float(separation_deg(*solution.to_sky(97.0, 50.0), *SOLUTION.to_sky(105.0, 50.0))) * 3600 < 1e-3


@pytest.mark.parametrize("path", ["lost", "nowhere"])
def test_a_frame_that_is_not_aligned_has_no_place_through_another(path):
    assert sky("ref").base_of(path) is None
    assert sky("ref").through(path) is None


def test_frames_of_another_field_do_not_serve():
    frames = (placed("ref", 0.0), placed("a", 5.0), placed("other", 0.0, reference="other"))
    assert sky("other", frames=frames).base_of("a") is None


def test_an_output_that_was_never_written_to_knows_nothing_and_stays_so(tmp_path):
    night = night_sky(tmp_path / "out")
    assert night.is_empty
    assert not (tmp_path / "out").exists()


def test_why_the_last_run_solved_nothing_is_known(tmp_path):
    with Logbook.open(tmp_path / "out") as logbook:
        logbook.note_told((), (), "the pixel scale is not known")
        Store(tmp_path / "out", logbook.database).close()
    assert night_sky(tmp_path / "out").why_none == "the pixel scale is not known"


def test_a_frame_on_which_no_other_lies_is_alone():
    assert sky().alone == frozenset()
    assert sky(frames=(placed("ref", 0.0), placed("far", 0.0, "far"), placed("a", 2.0))).alone == {"far"}
    assert sky(frames=(placed("ref", 0.0), placed("lost", None))).alone == {"ref"}
