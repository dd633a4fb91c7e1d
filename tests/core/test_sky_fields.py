"""Simulated fields of ASTEP all over the sky: found, and never in the wrong place."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline_core.errors import AstepError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.io.index_file import read_index
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solving import embedded, solve_field
from pipeline_core.solving.embedded import EmbeddedEngine
from pipeline_core.solving.engine import EngineError, EngineStoppedError, Found, Hint, TimeLimitError
from pipeline_core.solving.frame_solver import FrameSolver
from pipeline_core.solving.solve_field import SolveFieldEngine
from pipeline_core.solving.wanted import SolverOptions, Wanted
from tests.core.sky_simulation import (
    INDEXES,
    SCALE,
    YEAR,
    Camera,
    OneCatalogue,
    asteps_fields,
    index_catalogue,
    needs_index,
    simulate,
    truth_of,
)

needs_engine = pytest.mark.skipif(
    not embedded.is_available(), reason="the package astrometry is not installed (extra [solve])"
)
pytestmark = [needs_index, needs_engine]
TRUE_WITHIN_ARCSEC = 30.0  # a solution beyond is one of another place, not a worse one


def noise_stars(rng, number=120, size=4096):
    x, y = rng.uniform(0, size, (2, number))
    return FrameStars(x, y, np.sort(rng.uniform(1e3, 1e6, number))[::-1], np.full(number, 0.05), np.zeros(number, bool))


def wanted_of(field, name="frame", off_deg=0.3, **more):
    """What a header would say of a field: scale right, pointing a little off."""
    known = {"scale_arcsec": SCALE, "ra_deg": field.truth.ra_deg % 360, "dec_deg": field.truth.dec_deg, "year": YEAR}
    if known["dec_deg"] is not None:
        known["dec_deg"] = float(np.clip(known["dec_deg"] + off_deg, -89.9, 89.9))
    return Wanted(name, field.stars, field.shape, **(known | more))


@pytest.fixture
def solver():
    made = FrameSolver(
        [EmbeddedEngine(INDEXES)], index_catalogue(), [read_index(p) for p in INDEXES], SolverOptions(time_limit_s=3.0)
    )
    yield made
    made.close()


@pytest.mark.timeout(240)
def test_at_least_47_of_48_fields_are_solved_and_none_wrongly(solver):
    solved, seconds, errors = 0, [], []
    for k, field in enumerate(asteps_fields(48, 1)):
        # Each for itself, as the first frame of a night.
        solver._cameras.clear()
        found = solver.solve(wanted_of(field, str(k)), RunContext())
        if not found.solved:
            continue
        solved += 1
        seconds.append(found.seconds)
        error = field.error_arcsec(found.solution)
        errors.append(np.sqrt(np.mean(error**2)))
        assert np.hypot(*error).max() < TRUE_WITHIN_ARCSEC, f"field {k} lies elsewhere"
        assert found.parity == (1 if k % 2 else -1)
        assert not found.reportable
    print(
        f"{solved} of 48 solved, {1000 * np.median(seconds):.0f} ms (longest {1000 * max(seconds):.0f}), "
        f"true rms {np.median(errors):.2f} arcsec against Tycho"
    )
    assert solved >= 47
    assert np.median(errors) < 0.5


def test_blind_and_mirrored_without_any_hint_of_place_a_field_is_found(solver):
    field = simulate(np.random.default_rng(5), 100.0, -20.0, Camera(rotation_deg=-140.0, parity=-1))
    found = solver.solve(wanted_of(field, ra_deg=None, dec_deg=None), RunContext())
    assert found.solved
    assert found.how == "blind"
    assert np.hypot(*field.error_arcsec(found.solution)).max() < TRUE_WITHIN_ARCSEC


def test_noise_is_refused_with_a_reason_and_in_bounded_time(solver):
    rng = np.random.default_rng(6)
    begun = time.monotonic()
    found = solver.solve(Wanted("0", noise_stars(rng), (4096, 4096), SCALE, 217.4, -62.7, YEAR), RunContext())
    assert not found.solved
    assert found.reason
    assert time.monotonic() - begun < 3.0 + 8.0


def test_after_three_frames_in_vain_the_whole_sky_is_not_searched_again(solver):
    solver._camera((4096, 4096)).in_vain = 3
    begun = time.monotonic()
    stars = noise_stars(np.random.default_rng(7))
    found = solver.solve(Wanted("x", stars, (4096, 4096), SCALE, 217.4, -62.7, YEAR), RunContext())
    assert not found.solved
    assert "not searched all over the sky" in found.reason
    assert time.monotonic() - begun < 8.0


def test_now_and_then_a_frame_is_searched_all_the_same_so_that_clouds_at_dusk_cost_no_night(solver):
    field = simulate(np.random.default_rng(5), 100.0, -20.0, Camera())
    nowhere = wanted_of(field, ra_deg=None, dec_deg=None)
    camera = solver._camera((4096, 4096))
    tried = []
    for count in range(10):
        camera.last, camera.in_vain = None, count
        solved = solver.solve(nowhere, RunContext()).solved
        assert solver.spared != solved
        assert camera.in_vain == (0 if solved else count + 1)
        tried.append(solved)
    assert [count for count, done in enumerate(tried) if done] == [0, 1, 2, 4, 8]


def test_a_run_of_clouds_after_solved_frames_is_not_searched_frame_by_frame(solver):
    field = simulate(np.random.default_rng(5), 100.0, -20.0, Camera())
    assert solver.solve(wanted_of(field), RunContext()).solved
    solver._camera((4096, 4096)).in_vain = 5
    begun = time.monotonic()
    cloud = Wanted("x", noise_stars(np.random.default_rng(7)), (4096, 4096), SCALE, 100.0, -20.0, YEAR)
    assert not solver.solve(cloud, RunContext()).solved
    assert solver.spared
    assert time.monotonic() - begun < 8.0
    assert solver.solve(wanted_of(field), RunContext()).how == "predicted"  # and a clear one is found as ever
    assert not solver.spared


def test_too_few_stars_are_no_failure_of_the_index(solver):
    found = solver.solve(Wanted("x", noise_stars(np.random.default_rng(8), 5), (4096, 4096), SCALE), RunContext())
    assert found.reason.startswith("only 5 stars")


def test_a_field_too_small_for_the_index_names_the_scale_that_is_missing(solver):
    stars = noise_stars(np.random.default_rng(9), 60, 512)
    found = solver.solve(Wanted("x", stars, (512, 512), SCALE, 217.4, -62.7), RunContext())
    assert not found.solved
    assert "a field of 8′ wants an index with patterns of 2′ to 6′" in found.reason


class LyingEngine:
    """Finds whatever it is told, as a false match would."""

    name = "lying"

    def __init__(self, solution):
        self.solution = solution

    def solve(self, stars, shape, hint, context, time_limit_s):
        return Found(self.solution, self.name, "index-of-lies", 100.0, 20)

    def close(self):
        pass


def test_a_wrong_field_that_an_engine_is_sure_of_is_refused():
    field = simulate(np.random.default_rng(10), 217.4, -62.7, Camera())
    for wrong in (
        truth_of(Camera(rotation_deg=3.0), 217.4, -62.7),
        truth_of(Camera(), 217.9, -62.5),
        truth_of(Camera(), 10, 10),
    ):
        for catalogue in (index_catalogue(), OneCatalogue(field.reference)):
            found = FrameSolver([LyingEngine(wrong)], catalogue, [], SolverOptions()).solve(
                wanted_of(field), RunContext()
            )
            assert not found.solved
            assert "refused" in found.reason or "few stars" in found.reason


def test_frames_after_the_first_are_predicted_and_a_slew_is_solved_anew(solver):
    rng = np.random.default_rng(15)
    first = simulate(rng, 217.4, -62.7, Camera(rotation_deg=12.0))
    assert solver.solve(wanted_of(first), RunContext()).how == "hint"
    drifted = simulate(rng, 217.42, -62.69, Camera(rotation_deg=12.05, cloud=True))
    second = solver.solve(wanted_of(drifted), RunContext())
    assert second.how == "predicted"
    assert np.hypot(*drifted.error_arcsec(second.solution)).max() < 10.0
    flipped = simulate(rng, 217.41, -62.7, Camera(rotation_deg=192.0))
    third = solver.solve(wanted_of(flipped), RunContext())
    assert third.how == "predicted"
    assert np.hypot(*flipped.error_arcsec(third.solution)).max() < 10.0
    slewed = simulate(rng, 201.0, -47.5, Camera(rotation_deg=12.0))
    fourth = solver.solve(wanted_of(slewed), RunContext())
    assert fourth.solved
    assert fourth.how != "predicted"
    assert np.hypot(*slewed.error_arcsec(fourth.solution)).max() < TRUE_WITHIN_ARCSEC


def test_binned_frames_among_others_are_solved_with_their_own_scale_and_distortion(solver):
    rng = np.random.default_rng(21)
    whole = simulate(rng, 217.4, -62.7, Camera())
    binned = simulate(rng, 217.4, -62.7, Camera(scale=2 * SCALE, size=2048))
    hows = []
    for field, scale in ((whole, SCALE), (binned, 2 * SCALE), (whole, SCALE), (binned, 2 * SCALE)):
        found = solver.solve(wanted_of(field, scale_arcsec=scale), RunContext())
        assert found.solved, found.reason
        assert np.hypot(*field.error_arcsec(found.solution)).max() < 10.0
        hows.append(found.how)
    assert hows[2:] == ["predicted", "predicted"]


def test_a_frame_with_stars_in_one_half_only_takes_the_nights_distortion(solver):
    rng = np.random.default_rng(16)
    clear = simulate(rng, 217.4, -62.7, Camera())
    assert solver.solve(wanted_of(clear), RunContext()).solved
    half = simulate(rng, 217.4, -62.7, Camera(cloud=True, clear=0.5))
    kept = half.stars.pick(half.stars.x_px > 2300)
    found = solver.solve(Wanted("x", kept, half.shape, SCALE, 217.4, -62.7, YEAR), RunContext())
    assert found.solved
    # A free cubic through one half errs by tens of arcseconds in the other.
    assert np.hypot(*half.error_arcsec(found.solution)).max() < 8.0


def test_a_frame_without_a_time_is_solved_and_not_for_reporting(solver):
    field = simulate(np.random.default_rng(17), 217.4, -62.7, Camera())
    solver.catalogue = OneCatalogue(field.reference)
    dated = solver.solve(wanted_of(field), RunContext())
    assert dated.reportable
    undated = solver.solve(wanted_of(field, year=None, time_note="DATE-OBS is a date without a time"), RunContext())
    assert undated.solved
    assert not undated.reportable
    assert any("without a time" in note for note in undated.notes)


def test_a_first_frame_with_stars_in_one_corner_only_is_solved_and_not_for_reporting():
    field = simulate(np.random.default_rng(1), 217.4, -62.7, Camera(clear=0.5))
    found = {}
    for name, kept in (
        ("all", field.stars),
        ("corner", field.stars.pick((field.stars.x_px > 2700) & (field.stars.y_px > 2700))),
    ):
        solver = FrameSolver([LyingEngine(field.truth)], OneCatalogue(field.reference), [], SolverOptions())
        found[name] = solver.solve(Wanted(name, kept, field.shape, SCALE, 217.4, -62.7, YEAR), RunContext())
    assert found["all"].reportable
    assert found["corner"].solved
    assert np.hypot(*field.error_arcsec(found["corner"].solution)).max() > 2.0  # in the empty corner
    assert not found["corner"].reportable
    assert any("not for reporting" in note for note in found["corner"].notes)


def test_a_hopeless_search_is_ended_at_its_limit_and_the_engine_works_on():
    engine = EmbeddedEngine(INDEXES)
    try:
        begun = time.monotonic()
        with pytest.raises(TimeLimitError):
            # Any scale, anywhere: minutes of work.
            engine.solve(noise_stars(np.random.default_rng(18)), (4096, 4096), Hint(), RunContext(), 1.0)
        assert time.monotonic() - begun < 8.0
        field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
        hint = Hint((0.9, 0.96), 217.4, -62.7)
        assert engine.solve(field.stars, field.shape, hint, RunContext(), 20.0) is not None
    finally:
        engine.close()


def test_a_cancel_ends_a_search_within_two_seconds():
    engine = EmbeddedEngine(INDEXES)
    context = RunContext()
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
    engine.solve(field.stars, field.shape, Hint((0.9, 0.96), 217.4, -62.7), context, 20.0)  # it runs
    worker = engine._process
    timer = threading.Timer(0.5, context.cancel)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        engine.solve(noise_stars(np.random.default_rng(18)), (4096, 4096), Hint(), context, 60.0)
    assert time.monotonic() - begun < 2.5
    assert worker.poll() is not None  # no process is left behind


def test_an_engine_that_dies_says_so_and_the_next_one_takes_over():
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
    dead = EmbeddedEngine(INDEXES)
    dead._start(RunContext())
    dead._process.kill()
    dead._process.wait()
    # A process that ended between two frames is started anew.
    assert dead.solve(field.stars, field.shape, Hint((0.9, 0.96), 217.4, -62.7), RunContext(), 20.0) is not None
    dead.close()

    class Broken(LyingEngine):
        def solve(self, *_):
            raise EngineError("it cannot work", "broken", "mend it")

    said = []
    solver = FrameSolver([Broken(None), LyingEngine(field.truth)], OneCatalogue(field.reference), [], SolverOptions())
    found = solver.solve(wanted_of(field), RunContext(lambda event: said.append(event.text)))
    assert found.solved
    assert found.engine == "lying"
    assert any("it cannot work" in words for words in said)


def test_when_no_engine_works_every_frame_says_why_not_only_the_first():
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())

    class Broken(LyingEngine):
        def solve(self, *_):
            raise EngineError("it cannot work", "broken", "mend it")

    indexes = [read_index(path) for path in INDEXES]
    solver = FrameSolver([Broken(None)], OneCatalogue(field.reference), indexes, SolverOptions())
    reasons = [solver.solve(wanted_of(field), RunContext()).reason for _ in range(3)]
    assert all("it cannot work" in reason for reason in reasons), reasons


def test_an_engine_that_breaks_down_on_one_frame_solves_the_next():
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
    engine = EmbeddedEngine(INDEXES)
    solver = FrameSolver(
        [engine], index_catalogue(), [read_index(p) for p in INDEXES], SolverOptions(time_limit_s=30.0)
    )
    try:
        engine._start(RunContext())
        killer = threading.Timer(0.5, engine._process.kill)
        killer.start()
        hopeless = Wanted("x", noise_stars(np.random.default_rng(18)), (4096, 4096), None, None, None, YEAR)
        found = solver.solve(hopeless, RunContext())
        assert not found.solved
        assert "the solving engine stopped" in found.reason
        assert solver.solve(wanted_of(field), RunContext()).solved
    finally:
        solver.close()


def test_an_engine_that_breaks_down_three_times_in_turn_is_left_and_the_next_one_serves_meanwhile():
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
    asked = []

    class Fragile(LyingEngine):
        def solve(self, *_):
            asked.append(1)
            raise EngineStoppedError("it stopped", "broken", "mend it")

    solver = FrameSolver([Fragile(None), LyingEngine(field.truth)], OneCatalogue(field.reference), [], SolverOptions())
    for _ in range(5):
        solver._cameras.clear()  # or the next is predicted and no engine asked
        assert solver.solve(wanted_of(field), RunContext()).solved
    assert len(asked) == 3


def test_an_answer_that_is_no_projection_is_refused():
    field = simulate(np.random.default_rng(10), 217.4, -62.7, Camera())
    step = np.eye(2) * SCALE / 3600
    for answer in (
        TanSip(np.nan, -62.0, 2000.0, 2000.0, step),
        TanSip(217.0, 100.0, 2000.0, 2000.0, step),
        TanSip(217.0, -62.0, 2000.0, 2000.0, np.zeros((2, 2))),
        TanSip(217.0, -62.0, np.inf, 2000.0, step),
    ):
        solver = FrameSolver([LyingEngine(answer)], OneCatalogue(field.reference), [], SolverOptions())
        found = solver.solve(wanted_of(field), RunContext())
        assert not found.solved
        assert "no place on the sky" in found.reason


def test_the_engines_process_imports_nothing_from_the_folder_it_is_started_in(tmp_path, monkeypatch):
    for name in ("astrometry.py", "json.py", "numpy.py"):
        (tmp_path / name).write_text("raise SystemExit('not of this program')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    field = simulate(np.random.default_rng(19), 217.4, -62.7, Camera())
    engine = EmbeddedEngine(INDEXES)
    try:
        hint = Hint((0.9, 0.96), 217.4, -62.7)
        assert engine.solve(field.stars, field.shape, hint, RunContext(), 20.0) is not None
    finally:
        engine.close()


@pytest.mark.skipif(not solve_field.is_available(), reason="solve-field (Debian's astrometry.net) is not installed")
@pytest.mark.timeout(120)
def test_solve_field_finds_the_same_place_from_the_star_list_whatever_pythonpath_says(monkeypatch, tmp_path):
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    field = simulate(np.random.default_rng(20), 217.4, -62.7, Camera(rotation_deg=30.0))
    engine = SolveFieldEngine(INDEXES)
    hint = Hint((0.9, 0.96), 217.4, -62.7)
    found = engine.solve(field.stars, field.shape, hint, RunContext(), 30.0)
    assert found is not None
    middle = np.array(found.solution.centre(field.shape)) - field.truth.centre(field.shape)
    assert np.abs(middle).max() * 3600 < 30.0
    solver = FrameSolver([engine], index_catalogue(), [], SolverOptions(time_limit_s=30.0))
    solved = solver.solve(wanted_of(field), RunContext())
    assert solved.solved
    assert solved.engine == "solve-field"
    context = RunContext()
    threading.Timer(0.3, context.cancel).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        engine.solve(noise_stars(np.random.default_rng(18)), (4096, 4096), Hint(), context, 60.0)
    assert time.monotonic() - begun < 2.5


def test_without_the_package_or_an_index_the_words_say_what_to_do(monkeypatch):
    with pytest.raises(EngineError, match="astep index install"):
        EmbeddedEngine([])
    monkeypatch.setattr(embedded, "find_spec", lambda _name: None)
    with pytest.raises(AstepError, match=r"none for Windows"):
        EmbeddedEngine(INDEXES)


def test_the_worker_answers_a_broken_index_in_words(tmp_path):
    bad = tmp_path / "index-bad.fits"
    bad.write_bytes(b"no index")
    engine = EmbeddedEngine([bad])
    stars = noise_stars(np.random.default_rng(18))
    with pytest.raises(EngineError):
        engine.solve(stars, (4096, 4096), Hint((0.9, 0.96)), RunContext(), 10.0)
    engine.close()


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at processes as Linux lists them")
def test_a_busy_worker_ends_with_the_process_that_was_killed_above_it():
    script = (
        "import sys, threading, time\n"
        "from pipeline_core.events import RunContext\n"
        "from pipeline_core.solving.embedded import EmbeddedEngine\n"
        "from pipeline_core.solving.engine import Hint\n"
        "from tests.core.sky_simulation import INDEXES\n"
        "from tests.core.test_sky_fields import noise_stars\n"
        "import numpy as np\n"
        "engine = EmbeddedEngine(INDEXES)\n"
        "engine._start(RunContext())\n"
        "print(engine._process.pid, flush=True)\n"
        "stars = noise_stars(np.random.default_rng(18))\n"
        "engine.solve(stars, (4096, 4096), Hint(), RunContext(), 60.0)\n"  # any scale, anywhere: minutes of work
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as parent:
        worker = int(parent.stdout.readline())
        time.sleep(1.0)
        assert is_alive(worker)
        parent.kill()
        parent.wait()
    until = time.monotonic() + 5.0
    while is_alive(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(worker)


def is_alive(process):
    """Whether a process works; one that has ended and is only still listed does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
