"""When frames are searched again: a person's hint, another index file, a neighbour that was solved since."""

import contextlib
import io
import json
import shutil

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy_healpix import HEALPix

from pipeline_core import solve_night
from pipeline_core.catalogues.provider import depth_for
from pipeline_core.catalogues.reference import with_columns
from pipeline_core.catalogues.tile_cache import GAIA, GAIA_EPOCH, TileCache, tile_centre, tiles_in_cone
from pipeline_core.cli import main
from pipeline_core.config import SolveSettings
from pipeline_core.demo.night import make_demo_night
from pipeline_core.demo.real_sky import DEC_DEG, RA_DEG
from pipeline_core.demo.sky import placed
from pipeline_core.events import RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.scan import scan_night
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.session import Place, recipe_of
from pipeline_core.solve_hints import solve_hints
from pipeline_core.solve_memory import solutions
from pipeline_core.solving import embedded, index_files
from pipeline_core.solving.at_hand import AtHand
from pipeline_core.solving.beside_catalogue import BesideCatalogue
from pipeline_core.solving.result import FrameSolution
from pipeline_core.store import Store
from pipeline_core.survey import survey
from tests.core.sky_simulation import INDEXES, needs_index

pytestmark = [
    needs_index,
    pytest.mark.skipif(not embedded.is_available(), reason="the package astrometry is not installed (extra [solve])"),
]
SIZE, SCALE = 512, 7.44
ALONE = ("--executor", "threads", "--workers", "1")


def run(capsys, *words):
    capsys.readouterr()
    code = main([*map(str, words), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A night of which no header tells the scale, reduced once: its frames cannot be solved."""
    folder = tmp_path_factory.mktemp("again")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ASTEP_INDEX_DIR", str(tmp_path_factory.mktemp("indexes")))
        make_demo_night(
            folder / "night", size=SIZE, n_science=3, n_bias=4, n_dark=4, n_flat=3, events=(), scale_arcsec=SCALE,
            seed=5,
        )  # fmt: skip
        for number, camera in enumerate(sorted(folder.glob("night/*/"))):  # by its name too
            camera.rename(camera.with_name(f"frames{number}"))
        for path in folder.glob("night/**/*.fits"):
            with fits.open(path, mode="update") as file:
                for keyword in ("PIXSCALE", "TELESCOP", "INSTRUME"):  # a known camera's scale is known
                    file[0].header.remove(keyword, ignore_missing=True)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            words = ["reduce", str(folder / "night"), "-o", str(folder / "out"), *ALONE, "--json", "--quiet"]
            assert main(words) == 0
        yield folder, json.loads(said.getvalue())


@pytest.fixture
def unsolved(first, tmp_path):
    """A copy of that output, to do with as a test likes."""
    folder, _ = first
    shutil.copytree(folder / "out", tmp_path / "out")
    return folder / "night", tmp_path / "out"


@pytest.fixture
def solved(unsolved, capsys):
    """The same after the scale was said."""
    night, out = unsolved
    assert run(capsys, "set", out, "*", "--scale", SCALE)[0] == 0
    assert reduce(capsys, night, out)["solved"] == 3
    return night, out


@pytest.fixture
def own_index(tmp_path, monkeypatch):
    """One folder of indexes, and nothing else: the frames are solved with one file, which may be replaced."""
    folder = tmp_path / "own"
    folder.mkdir()
    shutil.copy(INDEXES[1], folder)
    monkeypatch.setattr(index_files, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("ASTEP_INDEX_DIR", str(folder))
    return folder


def waiting(night, out):
    """Return the frames that a next run would search."""
    place = Place(night, out)
    return survey(place, scan_night(night, RunContext()), recipe_of(place, None)).unsolved


def reduce(capsys, night, out):
    code, document = run(capsys, "reduce", night, "-o", out, *ALONE)
    assert code == 0
    return document


def known(out):
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        return solutions(store)


@pytest.fixture
def searches(monkeypatch):
    """Count the frames that are really searched, by path; a set of paths is found nowhere."""
    counted, nowhere = [], set()
    search = solve_night.FrameSolver.solve

    def solve(self, wanted, context):
        counted.append(wanted.path)
        if nowhere == {"all"} or wanted.path in nowhere:
            return FrameSolution(wanted.path, solved=False, reason="no pattern", shape=wanted.shape)
        return search(self, wanted, context)

    monkeypatch.setattr(solve_night.FrameSolver, "solve", solve)
    return counted, nowhere


def test_a_scale_that_a_person_says_is_heard_by_the_next_reduction(first, unsolved, capsys):
    night, out = unsolved
    assert (first[1]["solved"], "--scale" in first[1]["not_solved"]) == (0, True)
    code, document = run(capsys, "set", out, f"hint_scale_arcsec={SCALE}", "*")
    assert code == 0
    assert len(document["paths"]) == 3  # "*" means what looks at the sky
    assert reduce(capsys, night, out)["solved"] == 3


def test_a_run_that_only_solves_says_how_many_it_found_and_the_next_one_nothing(unsolved, searches):
    night, out = unsolved
    place = Place(night, out)

    def reduction():
        return reduce_night(place, recipe_of(place, None), RunOptions(executor="threads"), RunContext())

    with Logbook.open(out) as logbook:
        paths = [frame.path for frame in scan_night(night, RunContext()).frames if "SCIENCE" in frame.path]
        logbook.decide(paths, "hint_scale_arcsec", SCALE)
    searches[1].add("all")
    found = reduction()
    assert (found.searched, found.placed, found.searched_words) == (3, 0, "0 of 3 frames solved")
    searches[1].clear()
    with Logbook.open(out) as logbook:
        logbook.decide(paths[:1], "hint_scale_arcsec", 1.001 * SCALE)
    assert reduction().searched_words == "1 frame solved", "after a search in vain"
    assert reduction().searched_words == "2 frames solved", "its neighbours by it"
    assert reduction().searched_words == ""


def test_of_one_frame_whose_scale_is_said_the_nights_others_are_predicted(unsolved, searches, capsys):
    night, out = unsolved
    counted, _ = searches
    assert run(capsys, "set", out, "*_0002_*", "--scale", SCALE)[0] == 0
    assert reduce(capsys, night, out)["solved"] == 3
    assert "_0002_" in counted[0]
    assert sorted(frame.how for frame in known(out).values()) == ["hint", "predicted", "predicted"]


def test_hints_are_listed_undone_and_taken_back(unsolved, capsys):
    _, out = unsolved
    place = ("hint_ra_deg=217.4", "hint_dec_deg=-62.7", "hint_radius_deg=4")
    assert run(capsys, "set", out, *place, "*_0001_*", "--reason", "DSS")[0] == 0
    _, document = run(capsys, "decisions", out)
    assert {(one["field"], one["new"]) for one in document["decisions"]} == {
        ("hint_ra_deg", 217.4), ("hint_dec_deg", -62.7), ("hint_radius_deg", 4.0),
    }  # fmt: skip
    with Logbook.read_only(out) as logbook:
        (hint,) = solve_hints(logbook).values()
    assert hint == {"ra_deg": 217.4, "dec_deg": -62.7, "radius_deg": 4.0}
    assert run(capsys, "set", out, "hint_radius_deg=", "*_0001_*")[0] == 0
    with Logbook.read_only(out) as logbook:
        assert "radius_deg" not in next(iter(solve_hints(logbook).values()))
    assert run(capsys, "undo", out, "-n", "2")[0] == 0
    with Logbook.read_only(out) as logbook:
        assert solve_hints(logbook) == {}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("hint_ra_deg=217.4", "*_0001_*"), "half a place"),
        (("hint_scale_arcsec=-1", "*_0001_*"), "hint_scale_arcsec"),
        (("hint_scale_arcsec=wide", "*_0001_*"), "hint_scale_arcsec"),
        (("hint_ra_deg=400", "hint_dec_deg=0", "*_0001_*"), "hint_ra_deg"),
        (("*BIAS*", "--scale", "7"), "looks at the sky"),
    ],
)
def test_a_hint_that_makes_no_sense_is_refused(unsolved, capsys, words, why):
    _, out = unsolved
    code, document = run(capsys, "set", out, *words)
    assert code == 2
    assert why in document["error"]["what"]
    with Logbook.read_only(out) as logbook:
        assert solve_hints(logbook) == {}


def test_a_hint_for_a_solved_frame_makes_that_one_solved_again(solved, searches, capsys):
    night, out = solved
    counted, _ = searches
    reduce(capsys, night, out)
    assert counted == []
    assert run(capsys, "set", out, "*_0001_*", "--ra", "217.4", "--dec", "-62.7")[0] == 0
    assert reduce(capsys, night, out)["solved"] == 3
    assert len(counted) == 1
    reduce(capsys, night, out)
    assert len(counted) == 1


def test_a_wrong_hint_leaves_the_earlier_solution_and_is_tried_once(solved, searches, capsys):
    night, out = solved
    counted, nowhere = searches
    assert run(capsys, "set", out, "*_0001_*", "--ra", "40", "--dec", "20")[0] == 0
    nowhere.update(path for path in known(out) if "_0001_" in path)
    document = reduce(capsys, night, out)
    assert (document["solved"], len(counted)) == (3, 1)
    assert any("its earlier solution stays" in words for words in document["warnings"])
    again = reduce(capsys, night, out)
    assert (again["solved"], len(counted)) == (3, 1)  # nothing came since: it would be in vain again
    assert any("its earlier solution stays" in words for words in again["warnings"])
    nowhere.clear()
    assert run(capsys, "set", out, "*_0001_*", "--ra", "217.4", "--dec", "-62.7")[0] == 0  # another hint is news
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (3, 2)
    assert run(capsys, "undo", out, "-n", "1")[0] == 0
    assert reduce(capsys, night, out)["solved"] == 3
    assert len(counted) == 3


def test_frames_in_vain_are_not_searched_again_until_an_index_comes(unsolved, searches, own_index, capsys):
    night, out = unsolved
    counted, nowhere = searches
    nowhere.add("all")
    run(capsys, "set", out, "*", "--scale", SCALE)
    assert reduce(capsys, night, out)["solved"] == 0
    assert len(counted) == 3
    document = reduce(capsys, night, out)
    assert (document["solved"], len(counted)) == (0, 3)  # nothing came: the answer stays
    nowhere.clear()
    shutil.copy(INDEXES[1], own_index / "index-more.fits")
    assert reduce(capsys, night, out)["solved"] == 3
    assert len(counted) == 6


def test_a_reduction_does_not_search_rejected_frames_and_searches_them_once_they_are_accepted(
    unsolved, searches, capsys
):
    night, out = unsolved
    counted, _ = searches
    run(capsys, "set", out, "*", "--scale", SCALE)
    assert run(capsys, "reject", out, "*_0001_SCIENCE*", "--reason", "cloud")[0] == 0
    document = reduce(capsys, night, out)
    assert (document["solved"], document["rejected_not_searched"], len(counted)) == (2, 1, 2)
    assert waiting(night, out) == (), "nothing waits for a rejected frame"
    assert run(capsys, "accept", out, "*_0001_SCIENCE*")[0] == 0
    assert len(waiting(night, out)) == 1
    document = reduce(capsys, night, out)
    assert (document["solved"], document["rejected_not_searched"], len(counted)) == (3, 0, 3)


def test_asked_to_solve_frames_in_vain_are_searched_again_all_the_same(unsolved, searches, capsys):
    night, out = unsolved
    counted, nowhere = searches
    nowhere.add("all")
    run(capsys, "set", out, "*", "--scale", SCALE)
    reduce(capsys, night, out)
    assert len(counted) == 3
    nowhere.clear()
    assert run(capsys, "solve", out, "--offline", "--workers", "1")[0] == 0
    assert len(counted) == 6


def test_a_frame_before_the_first_that_is_solved_is_tried_once_more_after_it(unsolved, monkeypatch, capsys):
    night, out = unsolved
    search, tried = solve_night.FrameSolver.solve, []

    def solve(self, wanted, context):
        tried.append(wanted.path)
        if len(tried) == 1:  # thin cloud: its patterns are in vain
            return FrameSolution(wanted.path, solved=False, reason="no pattern", shape=wanted.shape)
        return search(self, wanted, context)

    monkeypatch.setattr(solve_night.FrameSolver, "solve", solve)
    run(capsys, "set", out, "*", "--scale", SCALE)
    assert reduce(capsys, night, out)["solved"] == 3
    assert tried[-1] == tried[0]
    assert known(out)[tried[0]].how == "predicted"


def test_a_frame_that_was_spared_the_whole_sky_is_tried_once_more_after_the_next_that_is_solved(
    solved, monkeypatch, capsys
):
    _, out = solved
    search, tried = solve_night.FrameSolver.solve, []

    def solve(self, wanted, context):
        tried.append(wanted.path)
        self.spared = len(tried) == 2
        if self.spared:  # after a slew behind clouds, say
            return FrameSolution(wanted.path, solved=False, reason="not searched all over", shape=wanted.shape)
        return search(self, wanted, context)

    monkeypatch.setattr(solve_night.FrameSolver, "solve", solve)
    code, document = run(capsys, "solve", out, "--offline", "--force", "--workers", "1")
    assert code == 0
    assert [tried.index(path) for path in tried] == [0, 1, 2, 1]
    assert all(frame["solved"] for frame in document["frames"])


def test_of_a_frame_that_is_solved_when_it_is_tried_once_more_nobody_says_that_it_was_not(solved, monkeypatch, capsys):
    _, out = solved
    search, tried = solve_night.FrameSolver.solve, []

    def solve(self, wanted, context):
        tried.append(wanted.path)
        if len(tried) == 1:
            return FrameSolution(wanted.path, solved=False, reason="no pattern", shape=wanted.shape)
        return search(self, wanted, context)

    monkeypatch.setattr(solve_night.FrameSolver, "solve", solve)
    code, document = run(capsys, "solve", out, "--offline", "--force", "--workers", "1")
    assert (code, len(tried)) == (0, 4)
    assert tried[-1] == tried[0]
    assert not any("not solved anew" in words for words in document["warnings"])


def test_another_index_file_of_the_same_name_makes_what_stands_on_it_old(own_index, solved, searches, capsys):
    night, out = solved
    counted, _ = searches
    reduce(capsys, night, out)
    assert counted == []
    (mine,) = own_index.iterdir()
    mine.touch()
    assert reduce(capsys, night, out)["solved"] == 3
    assert len(counted) == 3
    reduce(capsys, night, out)
    assert len(counted) == 3
    mine.unlink()  # what is gone replaces nothing
    assert reduce(capsys, night, out)["solved"] == 3
    assert len(counted) == 3


def keep_tiles(ra, dec, radius_deg, seed=1, limit=17.0):
    """Put stars on the disk as Gaia's, hundreds a square degree, that are nowhere on the sky."""
    rng = np.random.default_rng(seed)
    number = 600
    for tile in tiles_in_cone(ra, dec, radius_deg):
        middle_ra, middle_dec, radius = tile_centre(tile)
        nothing = np.zeros(number)
        columns = {
            "ra_deg": (middle_ra + rng.uniform(-radius, radius, number) / np.cos(np.radians(middle_dec))) % 360.0,
            "dec_deg": middle_dec + rng.uniform(-radius, radius, number), "pm_ra_mas": nothing, "pm_dec_mas": nothing,
            "magnitude": np.sort(rng.uniform(8, 16, number)), "colour": nothing,
            "sigma_mas": nothing + 0.1, "sigma_pm_mas": nothing + 0.02,
        }  # fmt: skip
        TileCache().save(tile, limit, with_columns(columns, GAIA_EPOCH, GAIA))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_cache")
def test_gaias_stars_of_another_field_are_no_news_to_a_frame_in_vain_and_those_of_its_own_are(
    unsolved, searches, monkeypatch, capsys
):
    night, out = unsolved
    counted, _ = searches
    for engine in (embedded.EmbeddedEngine, BesideCatalogue):
        monkeypatch.setattr(engine, "solve", lambda *_: None)  # thin cloud: no pattern is found
    run(capsys, "set", out, "*", "--scale", SCALE)
    assert reduce(capsys, night, out)["solved"] == 0
    assert len(counted) == 3
    keep_tiles(40.0, 20.0, 0.5)
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (0, 3)
    keep_tiles(RA_DEG, DEC_DEG, 1.5)
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (0, 6)
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (0, 6)


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize("radius_deg", [0.5, 1.692])  # from 1.6905 degrees on less deep by half a magnitude
def test_stars_that_came_as_deep_as_a_cone_asks_for_them_are_news_to_it(radius_deg):
    cone = (RA_DEG, DEC_DEG, radius_deg)
    at_hand = AtHand(SolveSettings(), TileCache())
    before = at_hand.tiles([cone])
    keep_tiles(*cone, limit=depth_for(radius_deg, 17.0))
    at_hand.look_anew()
    assert at_hand.tiles([cone]) != before


@pytest.mark.usefixtures("own_cache")
def test_a_solution_that_gaias_stars_do_not_confirm_is_tried_with_them_once(solved, searches, capsys):
    night, out = solved
    counted, _ = searches
    keep_tiles(RA_DEG, DEC_DEG, 1.5)
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (3, 3)
    assert all(frame.reference.startswith("Tycho") for frame in known(out).values())
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (3, 3)
    keep_tiles(RA_DEG, DEC_DEG, 1.5, seed=2)  # they came anew
    assert (reduce(capsys, night, out)["solved"], len(counted)) == (3, 6)


def test_a_small_night_is_reduced_and_solved_without_any_index_once_gaias_stars_are_on_disk(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(index_files, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("ASTEP_INDEX_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    night, out = tmp_path / "night", tmp_path / "out"
    truth = make_demo_night(
        night, size=SIZE, n_science=3, n_bias=3, n_dark=3, n_flat=3, events=(), scale_arcsec=2.4, seed=6
    )
    document = reduce(capsys, night, out)
    assert document["solved"] == 0
    assert "astep catalogue fetch" in document["not_solved"]
    ra, dec = truth.solution.to_sky(truth.stars.x_px, truth.stars.y_px)
    light, nothing = truth.stars.flux_e["R"], np.zeros(len(ra))
    columns = {
        "ra_deg": ra, "dec_deg": dec, "pm_ra_mas": nothing, "pm_dec_mas": nothing,
        "magnitude": 20.0 - 2.5 * np.log10(light / light.min()), "colour": nothing,
        "sigma_mas": nothing + 0.1, "sigma_pm_mas": nothing + 0.02,
    }  # fmt: skip
    columns["magnitude"] -= columns["magnitude"].max() - 16.5
    order = np.argsort(columns["magnitude"])
    stars = with_columns({name: column[order] for name, column in columns.items()}, GAIA_EPOCH, GAIA)
    of_tile = HEALPix(64, "nested").lonlat_to_healpix(stars.ra_deg * units.deg, stars.dec_deg * units.deg)
    for tile in tiles_in_cone(RA_DEG, DEC_DEG, 1.5):
        TileCache().save(tile, 17.0, stars.pick(of_tile == tile))
    assert reduce(capsys, night, out)["solved"] == 3
    solved = known(out)
    assert {frame.reference for frame in solved.values()} == {"Gaia DR3"}
    assert {frame.engine for frame in solved.values()} == {"catalogue", None}  # the first, and those predicted from it
    first = min(solved)
    model = truth.frame(first).sky
    x, y = np.array([50.0, 256.0, 460.0]), np.array([60.0, 300.0, 400.0])
    off = separation_deg(*truth.solution.to_sky(x, y), *solved[first].solution.to_sky(*placed(model, x, y, SIZE)))
    assert off.max() * 3600 < 0.5
