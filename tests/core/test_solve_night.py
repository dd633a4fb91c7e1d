"""A night on the sky, end to end: solved by `astep reduce` and `astep solve`, kept, redone, cancelled, explained."""

import contextlib
import hashlib
import io
import json
import shutil
import threading
import time

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from pipeline_core.catalogues.reference import with_columns
from pipeline_core.catalogues.tile_cache import GAIA, GAIA_EPOCH, TileCache, tiles_in_cone
from pipeline_core.cli import main
from pipeline_core.config import Recipe, SolveSettings
from pipeline_core.demo.night import make_demo_night
from pipeline_core.demo.sky import placed
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.footprint import footprint
from pipeline_core.io.wcs_cards import SOLUTION_KEY
from pipeline_core.logbook import Logbook
from pipeline_core.quality_table import read_quality_table
from pipeline_core.resources import resource_path
from pipeline_core.science.catalogue_match import FrameStars
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.sky_view import sky_view
from pipeline_core.solve_memory import solutions
from pipeline_core.solve_night import SolveOptions, solve_output
from pipeline_core.solve_tasks import SOLVE
from pipeline_core.solving import embedded, index_files
from pipeline_core.store import Store
from tests.core.sky_simulation import needs_index

pytestmark = [
    needs_index,
    pytest.mark.skipif(not embedded.is_available(), reason="the package astrometry is not installed (extra [solve])"),
]
SIZE, SCALE = 512, 7.44
ALONE = ("--executor", "threads", "--workers", "1")
KEYS = {"path", "solved", "ra_deg", "dec_deg", "scale_arcsec", "rotation_deg", "parity", "rms_arcsec", "stars_matched",
        "reference", "reportable", "seconds", "reason"}  # fmt: skip


def run(capsys, *words):
    capsys.readouterr()
    code = main([*map(str, words), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def reduce(capsys, night, out, *words):
    return run(capsys, "reduce", night, "-o", out, *ALONE, *words)


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """No catalogue of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ASTEP_INDEX_DIR", str(tmp_path_factory.mktemp("indexes")))
        yield


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky") / "night"
    truth = make_demo_night(
        folder, size=SIZE, n_science=5, n_bias=4, n_dark=4, n_flat=3, events=(), scale_arcsec=SCALE, seed=3
    )
    return folder, truth


@pytest.fixture(scope="module")
def first(night):
    """The night reduced once, and with it solved."""
    out = night[0].parent / "first"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["reduce", str(night[0]), "-o", str(out), *ALONE, "--json", "--quiet"]) == 0
    return out, json.loads(said.getvalue())


@pytest.fixture
def reduced(first, night, tmp_path):
    """A copy of that output, to do with as a test likes."""
    shutil.copytree(first[0], tmp_path / "out")
    return tmp_path / "out", night[1], first[1]


def calibrated(out):
    return sorted(out.glob("calibrated/**/*_CAL.fits"))


def offset_arcsec(truth, path, header):
    """How far a header's sky is off, at worst, over the frame."""
    model = truth.frame(path).sky
    x, y = (g.ravel() for g in np.meshgrid(np.linspace(20, SIZE - 20, 7), np.linspace(20, SIZE - 20, 7)))
    ra, dec = truth.solution.to_sky(x, y)
    there = WCS(header).all_pix2world(*placed(model, x, y, SIZE), 0)
    return float(separation_deg(ra, dec, *there).max()) * 3600


def table(out):
    return {row.path: row for row in read_quality_table(out / "quality.ecsv")}


def test_one_reduction_tells_how_deep_each_frame_is(reduced):
    out, _, _ = reduced
    rows = table(out)
    assert len(rows) == 5
    for row in rows.values():
        assert row.extra["depth_reference"].startswith("Tycho-2")
        assert row.extra["depth_rough"] is True
        assert row.sky_mag_arcsec2 is not None
        assert 5 < row.limiting_mag < row.zero_point_mag < 30
    # Filters take turns; the stars of one clear field give each of them one zero point, to Tycho's tenth.
    points = [rows[path].zero_point_mag for path in sorted(rows, key=lambda path: path.rsplit("/", 1)[-1])]
    assert np.ptp(points[0::2]) < 0.15
    assert np.ptp(points[1::2]) < 0.15


def test_solving_by_itself_measures_depth_and_the_table_follows(capsys, night, tmp_path):
    out = tmp_path / "out"
    recipe = tmp_path / "later.toml"
    recipe.write_text('version = 1\n[solve]\nenabled = "never"\n')
    assert reduce(capsys, night[0], out, "--recipe", recipe)[0] == 0
    assert all(row.limiting_mag is None for row in table(out).values())
    assert run(capsys, "solve", out, "--offline", "--workers", "1")[0] == 0
    deep = table(out)
    assert all(row.limiting_mag is not None for row in deep.values())
    stamp = (out / "quality.ecsv").stat().st_mtime_ns
    assert reduce(capsys, night[0], out)[0] == 0
    assert table(out) == deep
    assert (out / "quality.ecsv").stat().st_mtime_ns == stamp  # nothing to judge again
    # A frame whose solution is gone has no depth any more.
    with Logbook.open(out) as logbook:
        Store(out, logbook.database).drop_measurement("plate solution", min(deep))
    assert reduce(capsys, night[0], out)[0] == 0
    assert {path for path, row in table(out).items() if row.limiting_mag is None} == {min(deep)}


def test_solving_without_the_raw_night_says_that_depth_is_not_measured(capsys, night, tmp_path):
    raw = shutil.copytree(night[0], tmp_path / "night")
    out = tmp_path / "out"
    recipe = tmp_path / "later.toml"
    recipe.write_text('version = 1\n[solve]\nenabled = "never"\n')
    assert reduce(capsys, raw, out, "--recipe", recipe)[0] == 0
    shutil.rmtree(raw)
    code, document = run(capsys, "solve", out, "--offline", "--workers", "1")
    assert code == 0
    assert any("depths are not measured" in words for words in document["warnings"])
    assert all(row.limiting_mag is None for row in table(out).values())


def test_a_reduced_night_is_solved_truly_and_says_against_what(reduced):
    out, truth, document = reduced
    assert document["solved"] == 5
    assert document["not_solved"] is None
    for path in calibrated(out):
        name = next(frame.path for frame in truth.frames if path.name.startswith(frame.path.split("/")[1][:-5]))
        header = fits.getheader(path)
        assert offset_arcsec(truth, name, header) < 0.25 * SCALE
        assert header["SOLVREP"] is False
        assert header["SOLVREF"].startswith("Tycho-2")


def test_the_raw_frames_are_never_written(night, reduced, capsys):
    folder, out = night[0], reduced[0]
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.fits")}
    assert run(capsys, "solve", out, "--force", "--offline")[0] == 0
    assert reduce(capsys, folder, out)[0] == 0
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.fits")} == before


def test_the_json_of_solve_is_the_contracts(reduced, capsys):
    out, truth, _ = reduced
    code, document = run(capsys, "solve", out, "--offline", "--force")
    assert code == 0
    assert document["schema"] == 1
    assert len(document["frames"]) == 5
    for frame in document["frames"]:
        assert set(frame) >= KEYS
        assert frame["solved"] is True
        assert frame["reason"] is None
        assert frame["parity"] == 1
        assert frame["scale_arcsec"] == pytest.approx(SCALE, rel=2e-3)
        assert frame["rotation_deg"] == pytest.approx(7.0, abs=0.1)
        assert frame["stars_matched"] > 40
    assert sum(frame["how"] == "predicted" for frame in document["frames"]) == 4
    del truth


def test_a_solved_frame_is_not_made_again_by_the_next_reduction(reduced, night, capsys):
    out, _, _ = reduced
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in calibrated(out)}
    code, document = reduce(capsys, night[0], out)
    assert code == 0
    assert document["counts"] == {"done": 0, "cached": 5, "failed": 0, "left_out": 0}
    assert document["solved"] == 5
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in calibrated(out)} == before


def test_a_frame_that_is_made_again_is_solved_again(reduced, night, capsys):
    out, _, _ = reduced
    lost = calibrated(out)[2]
    key = fits.getheader(lost)[SOLUTION_KEY]
    lost.unlink()
    code, document = reduce(capsys, night[0], out)
    assert (code, document["counts"]["done"]) == (0, 1)
    assert fits.getheader(lost)[SOLUTION_KEY] == key  # same pixels, same solution
    recipe = out.parent / "other.toml"
    recipe.write_text("version = 1\n[cosmic]\nenabled = false\n", encoding="utf-8")
    code, document = reduce(capsys, night[0], out, "--recipe", recipe)
    assert (code, document["counts"]["done"]) == (0, 5)
    assert document["solved"] == 5
    assert all("CRVAL1" in fits.getheader(path) for path in calibrated(out))


def test_a_rejected_frame_keeps_its_solution_on_its_way_and_back(reduced, capsys):
    out, _, _ = reduced
    name = calibrated(out)[0].name.replace("_CAL.fits", ".fits")
    assert run(capsys, "reject", out, f"*{name}", "--reason", "test")[0] == 0
    (moved,) = out.glob("rejected/**/*_CAL.fits")
    assert "CRVAL1" in fits.getheader(moved)
    code, document = run(capsys, "solve", out, "--offline")
    assert (code, len(document["frames"]), document["rejected_left_out"]) == (0, 4, 1)
    assert run(capsys, "accept", out, f"*{name}")[0] == 0
    assert len(calibrated(out)) == 5
    assert all("CRVAL1" in fits.getheader(file) for file in calibrated(out))


def test_rejected_frames_are_left_out_of_a_whole_night_and_solved_where_they_are_named(reduced, capsys):
    out, _, _ = reduced
    with Logbook.open(out) as logbook, Store(out, logbook.database) as store:
        path = min(solutions(store))
    assert run(capsys, "reject", out, path, "--reason", "cloud")[0] == 0
    code, document = run(capsys, "solve", out, "--offline", "--force")
    assert (code, document["rejected_left_out"]) == (0, 1)
    assert path not in {frame["path"] for frame in document["frames"]}
    code, document = run(capsys, "solve", out, path, "--offline")
    assert (code, document["rejected_left_out"]) == (0, 0)
    assert [frame["path"] for frame in document["frames"]] == [path]


def test_a_night_of_rejected_frames_has_nothing_to_solve_and_says_so(reduced, capsys):
    out, _, _ = reduced
    assert run(capsys, "reject", out, "*SCIENCE*", "--reason", "cloud")[0] == 0
    assert main(["solve", str(out), "--quiet"]) == 2
    assert "all its calibrated frames are rejected" in "".join(capsys.readouterr())


def test_a_reduction_of_rejected_frames_only_does_not_search_and_says_so(reduced, night, capsys):
    out, _, _ = reduced
    assert run(capsys, "reject", out, "*SCIENCE*", "--reason", "cloud")[0] == 0
    _, document = reduce(capsys, night[0], out)
    assert document["not_solved"] == "all calibrated frames are rejected"


def test_a_frame_that_is_rejected_while_the_night_is_solved_is_written_where_it_lies_then(reduced, capsys):
    out, _, _ = reduced
    for path in calibrated(out):
        fits.delval(path, SOLUTION_KEY)
    with Logbook.open(out) as logbook, Store(out, logbook.database) as store:
        for product in store.products("science frames"):
            store.resign(product.name)
    last = calibrated(out)[-1]
    decided = []

    def listen(event):
        if event.job == "plate solutions" and not decided:
            decided.append(last)
            assert main(["reject", str(out), f"*{last.name.replace('_CAL.fits', '.fits')}", "--quiet"]) == 0

    solve_output(
        out, Recipe(), SolveOptions(force=True, network=False, executor="threads", workers=1), RunContext(listen)
    )
    assert decided
    assert not last.exists()
    (moved,) = out.glob("rejected/**/*_CAL.fits")
    assert SOLUTION_KEY in fits.getheader(moved)
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        assert len(solutions(store)) == 5


def test_one_frame_is_solved_with_a_persons_hints(reduced, capsys):
    out, _, _ = reduced
    name = calibrated(out)[1].name.replace("_CAL.fits", ".fits")
    code, document = run(
        capsys, "solve", out, name, "--ra", "217.4", "--dec", "-62.7", "--scale", "7.4", "--force", "--offline"
    )
    assert code == 0
    assert [frame["path"].rsplit("/", 1)[-1] for frame in document["frames"]] == [name]
    assert document["frames"][0]["how"] == "hint"
    code, document = run(capsys, "solve", out, "nothing*")
    assert code == 2
    assert "no calibrated frame matches" in document["error"]["what"]


def test_a_wrong_hint_of_scale_does_not_give_a_wrong_solution(reduced, capsys):
    out, _, _ = reduced
    recipe = out / "recipe.toml"
    recipe.write_text(recipe.read_text("utf-8").replace("time_limit_s = 20.0", "time_limit_s = 2.0"), encoding="utf-8")
    code, document = run(capsys, "solve", out, "*_0000_*", "--scale", "1.0", "--force", "--offline")
    if code == 0:
        assert document["frames"][0]["scale_arcsec"] == pytest.approx(SCALE, rel=2e-3)
    else:
        assert document["frames"][0]["reason"]


def test_a_cancel_stops_the_night_within_two_seconds_and_keeps_what_was_solved(reduced):
    out, _, _ = reduced
    context = RunContext()
    stopped = []

    def listen(event):
        if event.job == "plate solutions" and event.kind == "progress" and not stopped:
            stopped.append(time.monotonic())
            threading.Thread(target=context.cancel).start()

    context._listener = listen
    with pytest.raises(Cancelled):
        solve_output(out, Recipe(), SolveOptions(force=True, network=False, executor="threads", workers=1), context)
    assert time.monotonic() - stopped[0] < 2.0
    again = solve_output(out, Recipe(), SolveOptions(network=False, executor="threads", workers=1), RunContext())
    assert again.solved == 5


def gaia_tiles(year):
    """The demo's real stars as if Gaia had them, where they stand in the demo night."""
    ra, dec, magnitude = np.loadtxt(resource_path("demo", "tycho2_stars.csv"), delimiter=",", skiprows=4).T
    zero = np.zeros(len(ra))
    columns = {
        "ra_deg": ra, "dec_deg": dec, "pm_ra_mas": zero, "pm_dec_mas": zero, "magnitude": magnitude, "colour": zero,
        "sigma_mas": zero + 0.1, "sigma_pm_mas": zero + 0.02,
    }  # fmt: skip
    stars = with_columns(columns, GAIA_EPOCH, GAIA)
    cache = TileCache()
    from astropy import units
    from astropy_healpix import HEALPix

    tiles = HEALPix(64, "nested").lonlat_to_healpix(ra * units.deg, dec * units.deg)
    for tile in tiles_in_cone(217.43, -62.68, 2.0):
        cache.save(tile, 17.0, stars.pick(tiles == tile))
    del year


def test_once_gaias_stars_are_on_disk_frames_are_solved_better_and_may_be_reported(reduced, capsys):
    out, _, _ = reduced
    gaia_tiles(2026.5)
    try:
        code, document = run(capsys, "solve", out, "--offline")
        assert code == 0
        assert all(frame["reference"] == "Gaia DR3" for frame in document["frames"])
        assert all(frame["reportable"] for frame in document["frames"])
        assert all(fits.getheader(path)["SOLVREP"] is True for path in calibrated(out))
        keys = [fits.getheader(path)[SOLUTION_KEY] for path in calibrated(out)]
        assert run(capsys, "solve", out, "--offline")[0] == 0
        assert [fits.getheader(path)[SOLUTION_KEY] for path in calibrated(out)] == keys
    finally:
        for file in TileCache().folder.rglob("*.npz"):
            file.unlink()


def test_a_search_that_fails_does_not_cost_the_solution_that_was_there(reduced):
    out, _, _ = reduced
    before = {path: path.read_bytes() for path in calibrated(out)}
    hurried = Recipe(solve=SolveSettings(time_limit_s=0.2, network=False))  # over before it begins
    options = SolveOptions(force=True, executor="threads", workers=1)
    night = solve_output(out, hurried, options, RunContext())
    assert night.solved == 5
    assert sum("its earlier solution stays" in words for words in night.warnings) == 5
    assert {path: path.read_bytes() for path in calibrated(out)} == before
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        assert all(frame.solved for frame in solutions(store).values())
    # Of other pixels it is no solution any more.
    with (
        Logbook.open(out) as logbook,
        Store(out, logbook.database) as store,
        store._database.transaction() as connection,
    ):
        connection.execute(
            "UPDATE products SET made = replace(made, 'pixels_of', 'of_others') WHERE stage = ?", (SOLVE,)
        )
    assert solve_output(out, hurried, options, RunContext()).solved == 0


def test_solutions_are_kept_in_the_logbook_for_the_window(reduced):
    out, truth, _ = reduced
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        known = solutions(store)
    assert len(known) == 5
    frame = known[truth.good_science()[0]]
    assert frame.solution is not None
    assert frame.shape == (SIZE, SIZE)


def test_a_frame_that_was_calibrated_anew_has_no_place_until_it_is_solved_again(reduced, night, capsys):
    out, _, _ = reduced
    recipe = out.parent / "other.toml"
    recipe.write_text("version = 1\n[cosmic]\nenabled = false\n[solve]\nenabled = 'never'\n", encoding="utf-8")
    assert reduce(capsys, night[0], out, "--recipe", recipe)[1]["counts"]["done"] == 5
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        assert solutions(store) == {}
        assert sky_view(store, night[1].good_science()[0], SolveSettings()) is None
    assert run(capsys, "solve", out, "--offline")[0] == 0
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        assert len(solutions(store)) == 5


def test_without_an_index_the_night_is_reduced_and_the_reason_is_said(night, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(index_files, "SYSTEM_FOLDERS", ())
    code, document = reduce(capsys, night[0], tmp_path / "out")
    assert (code, document["solved"]) == (0, 0)
    assert "no index file was found" in document["not_solved"]
    assert "astep index install 08" in document["not_solved"]
    code, document = run(capsys, "solve", tmp_path / "out", "--offline")
    assert code == 2
    assert "index" in document["error"]["what"]


def test_a_recipe_can_leave_solving_out(night, tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text('version = 1\n[solve]\nenabled = "never"\n', encoding="utf-8")
    code, document = reduce(capsys, night[0], tmp_path / "out", "--recipe", recipe)
    assert (code, document["solved"], document["not_solved"]) == (0, 0, None)
    assert "CRVAL1" not in fits.getheader(calibrated(tmp_path / "out")[0])


def test_a_small_field_is_reduced_and_says_which_index_it_would_want(tmp_path, capsys):
    make_demo_night(tmp_path / "small", size=256, n_science=2, n_bias=3, n_dark=3, n_flat=3, events=())
    code, document = reduce(capsys, tmp_path / "small", tmp_path / "out")
    assert code == 0
    assert "a field of 4′ wants an index with patterns of 1′ to 3′" in document["not_solved"]


def test_the_settings_refuse_what_makes_no_sense():
    with pytest.raises(ValueError):
        SolveSettings(order=9)
    with pytest.raises(ValueError):
        SolveSettings(engine="magic")


def test_a_file_that_someone_changed_is_left_alone_and_named(reduced, capsys):
    out, _, _ = reduced
    path = calibrated(out)[1]
    fits.setval(path, "OBJECT", value="by hand")
    changed = path.read_bytes()
    code, document = run(capsys, "solve", out, "--offline", "--force")
    assert code == 0
    # Its header already holds this very solution: nothing to write.
    assert path.read_bytes() == changed
    fits.delval(path, SOLUTION_KEY)
    changed = path.read_bytes()
    code, document = run(capsys, "solve", out, "--offline", "--force")
    assert path.read_bytes() == changed
    assert any("changed since it was made" in words for words in document["warnings"])


def test_a_frame_whose_pixels_someone_changed_is_not_solved_and_says_why(reduced):
    out, _, _ = reduced
    path = calibrated(out)[1]
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[100:200, 100:200] = 7.0
    changed = path.read_bytes()
    said = []
    fewer = Recipe(solve=SolveSettings(max_stars=200, network=False))  # star lists are made anew
    context = RunContext(lambda event: said.append(event.text))
    solved = solve_output(out, fewer, SolveOptions(executor="threads", workers=1), context)
    assert solved.solved == 4
    (lost,) = (frame for frame in solved.frames if not frame.solved)
    assert "was changed since it was made" in lost.reason
    assert not any("fault of the program" in words or "made again" in words for words in said if words)
    assert path.read_bytes() == changed


def test_what_is_drawn_over_a_frame_are_its_stars_the_catalogues_and_their_distances(reduced):
    out, truth, _ = reduced
    path = truth.good_science()[0]
    with Logbook.read_only(out) as logbook, Store(out, logbook.database) as store:
        view = sky_view(store, path, SolveSettings())
        assert sky_view(store, "no such frame", SolveSettings()) is None
    assert len(view.star) >= view.frame.stars_matched > 40
    assert len(view.reference) >= len(view.catalogue)
    rms = np.sqrt(np.mean(view.east_arcsec**2 + view.north_arcsec**2) / 2)
    assert rms < 3 * view.frame.rms_arcsec
    # On the chip and on the sky the same distance.
    assert np.hypot(view.dx_px, view.dy_px) * SCALE == pytest.approx(
        np.hypot(view.east_arcsec, view.north_arcsec), rel=0.01
    )
    ra, dec = footprint(view.frame)
    middle = separation_deg(view.frame.ra_deg, view.frame.dec_deg, ra, dec) * 60
    assert middle == pytest.approx(63.5 / np.sqrt(2), rel=0.01)


def test_a_reduction_without_news_reads_no_star_list_and_no_index(reduced, night, capsys, monkeypatch):
    from pipeline_core import solve_night

    def never(*_, **__):
        raise AssertionError("was asked for")

    monkeypatch.setattr(solve_night, "find_indexes", never)
    monkeypatch.setattr(FrameStars, "from_lists", never)
    code, document = reduce(capsys, night[0], reduced[0])
    assert (code, document["solved"]) == (0, 5)


def test_half_a_place_is_no_hint(reduced, capsys):
    code, document = run(capsys, "solve", reduced[0], "--ra", "217.4")
    assert code == 2
    assert "--dec" in document["error"]["hint"]


def test_an_output_without_frames_says_what_to_do(tmp_path, capsys):
    code, document = run(capsys, "solve", tmp_path)
    assert code == 2
    assert "astep reduce" in document["error"]["hint"]
