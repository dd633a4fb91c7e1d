"""What `astep catalogue fetch` brings is what the night's frames will ask for: where, how wide and how deep."""

import json

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core import fetch_catalogue
from pipeline_core.catalogues.provider import CatalogueProvider
from pipeline_core.catalogues.reference import COLUMNS, with_columns
from pipeline_core.catalogues.tile_cache import GAIA, GAIA_EPOCH, TileCache
from pipeline_core.cli import main
from pipeline_core.decisions import RECIPE
from pipeline_core.events import RunContext
from pipeline_core.fetch_catalogue import fetch_night
from pipeline_core.logbook import Logbook
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.solve_hints import hint_changes
from pipeline_core.solving.result import FrameSolution
from pipeline_core.solving.where_to_look import cone_of

SHAPE = (64, 96)


class Archive:
    """Has the same twenty stars in every tile, and knows how deep it was asked."""

    name = "archive"

    def __init__(self):
        self.limits = set()

    def tiles(self, tiles, faintest_mag, context):
        del context
        self.limits.add(faintest_mag)
        columns = {name: np.linspace(8.0, 9.0, 20) for name in COLUMNS}
        return dict.fromkeys(tiles, with_columns(columns, GAIA_EPOCH, GAIA))


@pytest.fixture
def night(tmp_path):
    """Two pointings, half a degree high at 28 arcsec a pixel."""
    folder = tmp_path / "night"
    folder.mkdir()
    for k, (ra, dec) in enumerate([(40.0, 20.0), (40.01, 20.0), (120.0, -30.0)]):
        header = fits.Header()
        header["IMAGETYP"], header["EXPTIME"], header["FILTER"] = "LIGHT", 60.0, "R"
        header["DATE-OBS"], header["RA"], header["DEC"], header["PIXSCALE"] = "2026-06-21T03:00:00", ra, dec, 28.0
        fits.writeto(folder / f"{k}.fits", np.zeros(SHAPE, np.uint16), header)
    return folder


def fetched(night, tmp_path, **more):
    archive, cache = Archive(), TileCache(tmp_path / "tiles")
    what = fetch_night(night, RunContext(), services=[archive], cache=cache, **more)
    assert what.there == what.tiles
    return what, CatalogueProvider(cache, **{k: v for k, v in more.items() if k == "faintest_mag"}), archive


def places(what):
    return sorted((round(ra, 1), round(dec, 1)) for ra, dec in what.pointings)


def solved_at(monkeypatch, path, solution, shape=SHAPE):
    frame = FrameSolution(path, solved=True, solution=solution, shape=shape)
    monkeypatch.setattr(fetch_catalogue, "solutions", lambda _store: {path: frame})
    return frame


def scaled(ra, dec, arcsec):
    return TanSip(ra, dec, 47.5, 31.5, np.diag([-arcsec, arcsec]) / 3600.0)


def test_frames_that_lie_together_are_one_pointing(night, tmp_path):
    assert places(fetched(night, tmp_path)[0]) == [(40.0, 20.0), (120.0, -30.0)]


def test_a_night_that_is_solved_in_part_is_fetched_whole(night, tmp_path, monkeypatch):
    with Logbook.open(tmp_path / "night_reduced", night):
        pass
    solved_at(monkeypatch, "0.fits", scaled(44.0, 21.0, 28.0))
    what, provider, _ = fetched(tmp_path / "night_reduced", tmp_path)
    assert places(what) == [(40.0, 20.0), (44.0, 21.0), (120.0, -30.0)]
    assert provider.has_better_than_index(44.0, 21.0, 0.6)
    assert provider.has_better_than_index(120.0, -30.0, 0.6)


def test_a_persons_hint_is_fetched_not_the_headers_wrong_place(night, tmp_path):
    with Logbook.open(tmp_path / "night_reduced", night) as logbook:
        logbook.decide_all(hint_changes("2.fits", {"ra_deg": 200.0, "dec_deg": -60.0}), label="hints")
    assert places(fetched(night, tmp_path)[0]) == [(40.0, 20.0), (200.0, -60.0)]


@pytest.mark.parametrize("arcsec", [28.0, 120.0, 400.0])
def test_a_solved_frame_of_any_width_finds_all_it_asks_for(night, tmp_path, monkeypatch, arcsec):
    with Logbook.open(tmp_path / "night_reduced", night):
        pass
    frame = solved_at(monkeypatch, "0.fits", scaled(40.0, 20.0, arcsec))
    _, provider, _ = fetched(night, tmp_path)
    assert provider.has_better_than_index(*cone_of(frame.solution, frame.shape))


@pytest.mark.parametrize("arcsec", [28.0, 120.0, 400.0])
def test_a_frame_of_any_width_that_is_not_solved_yet_finds_all_it_will_ask_for(night, tmp_path, arcsec):
    with Logbook.open(tmp_path / "night_reduced", night) as logbook:
        for path in ("0.fits", "1.fits", "2.fits"):
            logbook.decide_all(hint_changes(path, {"scale_arcsec": arcsec}), label="hints")
    _, provider, _ = fetched(night, tmp_path)
    assert provider.has_better_than_index(*cone_of(scaled(120.0, -30.0, arcsec), SHAPE))


def test_the_depth_is_that_of_the_recipe_unless_it_is_named(night, tmp_path):
    output = tmp_path / "night_reduced"
    with Logbook.open(output, night) as logbook:
        logbook.decide([RECIPE], "solve.faintest_mag", 18.5)
    assert fetched(night, tmp_path)[2].limits == {18.5}
    assert fetched(night, tmp_path / "other", faintest_mag=15.0)[2].limits == {15.0}


def test_without_a_night_a_place_will_do_and_without_both_it_is_said(tmp_path, capsys):
    what = fetch_night(None, RunContext(), place=(40.0, 20.0), services=[Archive()], cache=TileCache(tmp_path))
    assert what.there == what.tiles > 0
    assert main(["catalogue", "fetch", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "neither a night nor a place" in error["why"]
    for words in (["--at", "40", "95"], ["--at", "400", "20"], ["--radius=-1"], ["--radius", "nan"]):
        assert main(["catalogue", "fetch", str(tmp_path), "--json", *words]) == 2
        assert "it is a number between" in json.loads(capsys.readouterr().out)["error"]["why"]


def test_an_output_whose_raw_night_is_not_there_is_fetched_by_its_solutions(night, tmp_path, monkeypatch):
    output = tmp_path / "night_reduced"
    with Logbook.open(output, night):
        pass
    solved_at(monkeypatch, "0.fits", scaled(44.0, 21.0, 28.0))
    night.rename(tmp_path / "elsewhere")
    assert places(fetched(output, tmp_path)[0]) == [(44.0, 21.0)]
