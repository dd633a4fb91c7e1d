"""Reference stars: the order of sources, the cache, and services that answer well, badly or not at all."""

import io
import re
import threading
import time
from functools import partial

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

pytest.importorskip("pyvo", reason="the packages of the extra [solve] are not installed")

from pipeline_core.catalogues import services
from pipeline_core.catalogues.provider import CatalogueError, CatalogueProvider, depth_for
from pipeline_core.catalogues.reference import COLUMNS, ReferenceStars
from pipeline_core.catalogues.services import CatalogueServiceError, gaia_archive, source_ids, source_ranges, vizier
from pipeline_core.catalogues.tile_cache import GAIA, TileCache, tile_centre, tiles_in_cone
from pipeline_core.errors import AstepError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.fetch_catalogue import fetch_night
from pipeline_core.science.tan_sip import separation_deg
from tests.core.loopback import Loopback
from tests.core.sky_simulation import INDEXES, needs_index

GAIA_COLUMNS = (
    "ra",
    "dec",
    "pmra",
    "pmdec",
    "phot_g_mean_mag",
    "bp_rp",
    "ra_error",
    "dec_error",
    "pmra_error",
    "pmdec_error",
)
VIZIER_COLUMNS = ("RA_ICRS", "DE_ICRS", "pmRA", "pmDE", "Gmag", "BP-RP", "e_RA_ICRS", "e_DE_ICRS", "e_pmRA", "e_pmDE")
TAP_HTML = b"<html><head><title>502 Proxy Error</title></head><body><h1>Proxy Error</h1></body></html>"


def votable(columns=GAIA_COLUMNS, number=40, tile=None, seed=1):
    """A TAP answer: VOTable with QUERY_STATUS, as both services send it; one star has no motion, one no colour."""
    rng = np.random.default_rng(seed)
    ra, dec, radius = tile_centre(tile) if tile is not None else (217.4, -62.7, 0.3)
    values = [
        ra + rng.uniform(-radius, radius, number) * 0.4, dec + rng.uniform(-radius, radius, number) * 0.4,
        rng.normal(0, 8, number), rng.normal(0, 8, number), rng.uniform(8, 16, number), rng.uniform(0, 2, number),
        *(rng.uniform(0.01, 0.1, number) for _ in range(4)),
    ]  # fmt: skip
    table = Table()
    for name, column in zip(columns, values, strict=True):
        mask = np.zeros(number, bool)
        mask[3] = "pm" in name.lower()
        mask[5] = name.lower() in {"bp_rp", "bp-rp"}
        table[name] = MaskedColumn(column, mask=mask)
    return as_votable(table)


def as_votable(table, status="OK"):
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import Info

    made = from_table(table)
    made.resources[0].type = "results"
    made.resources[0].infos.append(Info(name="QUERY_STATUS", value=status))
    out = io.BytesIO()
    made.to_xml(out)
    return out.getvalue()


def asked_tiles(form):
    """The tiles that a question asks for."""
    ranges = re.findall(r"BETWEEN (\d+) AND (\d+)", form["QUERY"])
    return [tile for low, high in ranges for tile in range(int(low) >> 47, (int(high) >> 47) + 1)]


def as_a_service(path, form, number=40, most=10**6):
    """Answer a question for any tiles as the archive does: their stars together, with identifiers where asked.

    An archive that gives no more than ``most`` stars says so where it leaves some out.
    """
    del path
    tiles = asked_tiles(form)
    rng = np.random.default_rng(tiles[0])
    columns = {name: [] for name in ("source_id", *GAIA_COLUMNS)}
    for tile in tiles:
        ra, dec, radius = tile_centre(tile)
        for name, values in zip(
            columns,
            [(tile << 47) + rng.integers(0, 1 << 47, number), ra + rng.uniform(-0.3, 0.3, number) * radius,
             dec + rng.uniform(-0.3, 0.3, number) * radius, *rng.normal(0, 8, (2, number)),
             rng.uniform(8, 16, number), rng.uniform(0, 2, number), *rng.uniform(0.01, 0.1, (4, number))],
            strict=True,
        ):  # fmt: skip
            columns[name].extend(values)
    table = Table(columns)
    table.sort("phot_g_mean_mag")
    table = table[: int(form["QUERY"].split("TOP ")[1].split(" ")[0])]
    status = "OVERFLOW" if len(table) > most else "OK"
    table = table[:most]
    if "source_id" not in form["QUERY"].split(" FROM ")[0]:
        table.remove_column("source_id")
    return 200, "application/x-votable+xml", as_votable(table, status)


def answering(body, status=200, kind="application/x-votable+xml", behaviour=""):
    return lambda _path, _form: (status, kind, body, behaviour)


def quick(make, server):
    return make(f"{server.url}/tap", connect_s=0.3, whole_s=4.0)


@pytest.mark.parametrize(("make", "columns"), [(gaia_archive, GAIA_COLUMNS), (vizier, VIZIER_COLUMNS)])
def test_a_services_tile_becomes_stars_brightest_first_with_motions_and_errors(make, columns):
    with Loopback(answering(votable(columns))) as server:
        stars = quick(make, server).tile(40_000, 17.0, None)
    assert len(stars) == 40
    assert np.all(np.diff(stars.magnitude) >= 0)
    assert np.isnan(stars.pm_ra_mas).sum() == 1
    assert np.isnan(stars.colour).sum() == 1
    assert np.isfinite(stars.sigma_pm_mas).all()
    assert stars.sigma_pm_mas.max() == 10.0  # whose motion is unknown may move
    assert stars.source is GAIA
    path, form = server.asked[0]
    assert path.startswith("/tap/sync")
    low, high = source_ids(40_000)
    assert f"BETWEEN {low} AND {high}" in form["QUERY"]
    assert "17.00" in form["QUERY"]


def test_the_identifiers_of_a_tile_are_gaias_own():
    # Gaia DR3's Proxima Centauri, at 217.3924 -62.6761 (epoch 2016).
    (tile,) = tiles_in_cone(217.392321, -62.676075, 1e-6)
    low, high = source_ids(tile)
    assert low <= 5853498713190525696 <= high


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answering(TAP_HTML, 200, "text/html"), "no data"),
        (answering(TAP_HTML, 502, "text/html"), "HTTP 502"),
        (answering(b"slow down", 429, "text/plain"), "come back later"),
        (answering(votable(), behaviour="half"), "cut short"),
        (answering(b"", behaviour="silent"), "in time"),
        (answering(votable(("a", *GAIA_COLUMNS[1:]))), "lacks the column ra"),
        (answering(b"<?xml version='1.0'?><VOTABLE><RESOURCE type='results'><INFO name='QUERY_STATUS' value='ERROR'>"
                   b"Job queue full</INFO></RESOURCE></VOTABLE>"), "gave no stars"),
    ],
    ids=["html page", "502", "429", "half an answer", "silence", "other columns", "tap error"],
)  # fmt: skip
def test_a_service_on_a_bad_day_says_why_in_words(answer, words):
    with Loopback(answer) as server:
        begun = time.monotonic()
        with pytest.raises(CatalogueServiceError) as error:
            quick(gaia_archive, server).tile(40_000, 17.0, None)
        assert time.monotonic() - begun < 6.0
    assert words in str(error.value)
    assert "Traceback" not in str(error.value)


def test_a_service_that_is_not_there_cannot_be_reached():
    service = gaia_archive("http://127.0.0.1:9/tap", connect_s=0.3, whole_s=4.0)
    with pytest.raises(CatalogueServiceError, match="cannot be reached"):
        service.tile(40_000, 17.0, None)


def test_an_answer_that_trickles_is_given_up_and_a_cancel_is_heard_at_once():
    with Loopback(answering(votable(number=400), behaviour="slow")) as server:
        with pytest.raises(CatalogueServiceError, match="no whole answer in 1 s"):
            gaia_archive(f"{server.url}/tap", connect_s=5.0, whole_s=1.0).tile(1, 17.0, None)
        context = RunContext()
        threading.Timer(0.3, context.cancel).start()
        begun = time.monotonic()
        with pytest.raises(Cancelled):
            gaia_archive(f"{server.url}/tap", connect_s=5.0, whole_s=60.0).tile(1, 17.0, context)
        assert time.monotonic() - begun < 2.0


def test_what_was_fetched_once_is_taken_from_the_disk(tmp_path):
    with Loopback(as_a_service) as server:
        first = CatalogueProvider(TileCache(tmp_path), services=[quick(gaia_archive, server)])
        stars = first.cone(217.4, -62.7, 0.4)
        asked = len(server.asked)
        tiles = [tile for _, form in server.asked for tile in asked_tiles(form)]
        assert sorted(tiles) == tiles_in_cone(217.4, -62.7, 0.4)
        first.cone(217.41, -62.69, 0.35)
        assert len(server.asked) == asked  # from memory
    again = CatalogueProvider(TileCache(tmp_path)).cone(217.4, -62.7, 0.4)  # no network any more
    assert len(again) == len(stars)
    assert float(separation_deg(again.ra_deg, again.dec_deg, stars.ra_deg, stars.dec_deg).max()) * 3.6e6 < 0.01
    assert again.source.name == "Gaia DR3"
    assert np.all(separation_deg(217.4, -62.7, again.ra_deg, again.dec_deg) <= 0.4)
    assert TileCache(tmp_path).size_bytes() < 40_000


def test_a_shallow_tile_does_not_serve_a_deeper_wish_and_a_deep_one_serves_both(tmp_path):
    cache = TileCache(tmp_path)
    (tile,) = tiles_in_cone(217.4, -62.7, 1e-6)
    cache.save(tile, 15.0, some_stars())
    assert cache.load(tile, 16.0) is None
    assert len(cache.load(tile, 15.0)) == len(some_stars())
    assert cache.load(tile, 11.0).magnitude.max() <= 11.0


def test_a_spoilt_file_of_the_cache_is_fetched_anew(tmp_path):
    cache = TileCache(tmp_path)
    cache.save(7, 17.0, some_stars())
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:200])
    assert cache.load(7, 17.0) is None
    assert not cache.has(7, 17.0)


def test_whatever_bytes_of_a_kept_tile_are_spoilt_it_is_fetched_anew_and_nothing_breaks(tmp_path):
    cache = TileCache(tmp_path)
    rng = np.random.default_rng(8)
    columns = {name: rng.uniform(8.0, 14.0, 400) for name in COLUMNS}
    cache.save(7, 17.0, ReferenceStars(**columns, epoch=2016.0, source=GAIA))
    (file,) = tmp_path.rglob("*.npz")
    whole = file.read_bytes()
    for start in range(0, len(whole), len(whole) // 60):
        spoilt = bytearray(whole)
        spoilt[start : start + 24] = b"\xff" * len(spoilt[start : start + 24])
        file.write_bytes(spoilt)
        stars = cache.load(7, 17.0)
        assert stars is None or len(stars) == 400  # what no reader looks at may be spoilt


def test_a_tile_that_cannot_be_read_just_now_stays_on_disk(tmp_path, monkeypatch):
    cache = TileCache(tmp_path)
    cache.save(7, 17.0, some_stars())

    def refuse(*_, **__):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(np, "load", refuse)
        assert cache.load(7, 17.0) is None
    assert len(cache.load(7, 17.0)) == len(some_stars())


def test_a_cache_that_takes_nothing_costs_no_solution_and_is_not_said_to_hold_it(tmp_path, monkeypatch):
    def refuse(*_):
        raise AstepError("cannot write the cache", "the disk is full", "free some space")

    cache = TileCache(tmp_path)
    monkeypatch.setattr(cache, "save", refuse)
    with Loopback(answering(votable())) as server:
        provider = CatalogueProvider(cache, services=[quick(gaia_archive, server)])
        assert len(provider.cone(217.4, -62.7, 0.4)) > 0
        assert any("the disk is full" in words for words in provider.notes)
        asked = len(server.asked)
        fetched = fetch_night(
            tmp_path, RunContext(), place=(217.4, -62.7), services=[quick(gaia_archive, server)], cache=cache
        )
        assert len(server.asked) == asked + 1  # not tile after tile in vain
    assert fetched.there == 0
    assert "the disk is full" in fetched.failed[0]


@pytest.mark.parametrize("word", ["ra", "phot_g_mean_mag"])
def test_words_where_numbers_belong_are_no_stars(word):
    table = Table({name: np.linspace(8.0, 14.0, 5) for name in GAIA_COLUMNS})
    table[word] = ["a", "b", "c", "d", "e"]
    with pytest.raises(CatalogueServiceError, match="other things than numbers"):
        gaia_archive()._stars(table)


def test_stars_without_a_place_are_left_out():
    table = Table({name: np.linspace(8.0, 14.0, 5) for name in GAIA_COLUMNS})
    table["ra"][1], table["dec"][2], table["phot_g_mean_mag"][3] = np.nan, 95.0, np.inf
    assert gaia_archive()._stars(table).ra_deg.tolist() == [8.0, 14.0]


def some_stars():
    columns = {name: np.linspace(8.0, 14.0, 20) for name in COLUMNS}
    return ReferenceStars(**columns, epoch=2016.0, source=GAIA)


@needs_index
def test_when_gaia_fails_vizier_is_asked_and_at_last_the_index_serves_marked(tmp_path):
    said = []
    context = RunContext(lambda event: said.append(event.text))
    with Loopback(answering(b"no", 429, "text/plain")) as bad, Loopback(answering(TAP_HTML, 200, "text/html")) as worse:
        services = [quick(gaia_archive, bad), quick(vizier, worse)]
        provider = CatalogueProvider(TileCache(tmp_path), INDEXES, services, context=context)
        stars = provider.cone(217.4, -62.7, 0.7)
        asked = len(bad.asked)
        provider.cone(200.0, -30.0, 0.7)
        assert len(bad.asked) == asked == 1  # a service that failed is not waited for again
    assert stars.source.name.startswith("Tycho-2")
    assert not stars.source.reportable
    assert "not for reporting" in stars.source.words
    assert any("Gaia's archive" in words and "429" in words for words in said)
    assert any("VizieR" in words for words in said)


def test_without_any_source_the_error_says_how_to_get_one(tmp_path):
    with pytest.raises(CatalogueError, match="astep catalogue fetch"):
        CatalogueProvider(TileCache(tmp_path)).cone(10.0, 10.0, 0.5)


@needs_index
def test_the_index_can_be_asked_for_alone(tmp_path):
    cache = TileCache(tmp_path)
    for tile in tiles_in_cone(217.4, -62.7, 0.9):
        cache.save(tile, 17.0, some_stars())
    provider = CatalogueProvider(cache, INDEXES, which="index")
    assert provider.cone(217.4, -62.7, 0.5).source.name.startswith("Tycho-2")


def test_fetching_goes_on_where_it_was_cut(tmp_path):
    failing = {"left": 2}

    def answer(path, form):
        if failing["left"] <= 0:
            return 503, "text/html", TAP_HTML
        failing["left"] -= 1
        return as_a_service(path, form)

    cache = TileCache(tmp_path)
    with Loopback(answer) as server:
        cut = fetch_night(
            tmp_path, RunContext(), place=(217.4, -62.7), services=[quick(gaia_archive, server)], cache=cache
        )
        assert (cut.there, len(cut.failed)) == (3, 1)  # one tile, then two at once
        assert "HTTP 503" in cut.failed[0]
        failing["left"] = 100
        before = len(server.asked)
        whole = fetch_night(
            tmp_path, RunContext(), place=(217.4, -62.7), services=[quick(gaia_archive, server)], cache=cache
        )
        assert whole.there == whole.tiles
        again = [tile for _, form in server.asked[before:] for tile in asked_tiles(form)]
        assert len(again) == whole.tiles - 3
        assert whole.size_bytes < 60_000


def test_a_wide_field_is_fetched_by_few_questions_and_every_tile_holds_its_own_stars(tmp_path):
    cache = TileCache(tmp_path)
    with Loopback(as_a_service) as server:
        fetched = fetch_night(
            tmp_path, RunContext(), place=(40.0, 20.0), radius_deg=8.0, services=[quick(gaia_archive, server)],
            cache=cache,
        )  # fmt: skip
        assert fetched.there == fetched.tiles > 250
        assert len(server.asked) <= 7 + fetched.tiles // 64
        assert max(len(form["QUERY"]) for _, form in server.asked) < 6000
    tiles = tiles_in_cone(40.0, 20.0, 8.0)
    for tile in tiles[::40]:
        stars = cache.load(tile, 13.0)
        ra, dec, radius = tile_centre(tile)
        assert len(stars) > 10
        assert (separation_deg(ra, dec, stars.ra_deg, stars.dec_deg) < radius).all()
        assert np.all(np.diff(stars.magnitude) >= 0)
    # And a frame that fills half of it finds them.
    provider = CatalogueProvider(TileCache(tmp_path))
    assert provider.has_better_than_index(40.0, 20.0, 5.7)
    assert provider.cone(40.0, 20.0, 5.7).source is GAIA


def test_a_wide_cone_is_asked_less_deep_and_a_narrow_one_as_deep_as_wished():
    assert depth_for(0.85, 17.0) == 17.0
    assert depth_for(1.3, 19.0) == 19.0
    wide = [depth_for(radius, 17.0) for radius in (2.0, 5.0, 10.0, 30.0)]
    assert wide == sorted(wide, reverse=True)
    assert 13.5 <= wide[1] <= 14.5
    assert depth_for(5.0, 12.0) == 12.0


def test_an_answer_that_is_full_is_asked_for_by_halves(monkeypatch):
    monkeypatch.setattr(services, "MOST_STARS", 30)
    tiles = tiles_in_cone(40.0, 20.0, 1.5)[:4]
    with Loopback(as_a_service) as server:  # 40 stars a tile
        found = quick(gaia_archive, server).tiles(tiles, 17.0, None)
    assert [len(asked_tiles(form)) for _, form in server.asked] == [4, 2, 1, 1, 2, 1, 1]
    assert {tile: len(stars) for tile, stars in found.items()} == dict.fromkeys(tiles, 30)


@pytest.mark.filterwarnings("ignore:Results truncated")
def test_an_answer_that_the_archive_cut_short_is_not_taken_for_whole_tiles():
    tiles = tiles_in_cone(40.0, 20.0, 1.5)[:4]
    with Loopback(partial(as_a_service, most=100)) as server:  # 40 stars a tile, of which it gives two and a half
        found = quick(gaia_archive, server).tiles(tiles, 17.0, None)
        assert {tile: len(stars) for tile, stars in found.items()} == dict.fromkeys(tiles, 40)
        assert [len(asked_tiles(form)) for _, form in server.asked] == [4, 2, 2]
    with Loopback(partial(as_a_service, most=30)) as server:  # of one tile the brightest it gives are what there is
        assert len(quick(gaia_archive, server).tile(tiles[0], 17.0, None)) == 30


def test_a_service_that_cannot_give_many_tiles_at_once_gives_them_one_by_one(tmp_path):
    def answer(path, form):
        return as_a_service(path, form) if len(asked_tiles(form)) < 2 else (502, "text/html", TAP_HTML)

    with Loopback(answer) as server:
        fetched = fetch_night(
            tmp_path, RunContext(), place=(40.0, 20.0), services=[quick(gaia_archive, server)],
            cache=TileCache(tmp_path),
        )  # fmt: skip
        assert fetched.there == fetched.tiles
        assert len(server.asked) == fetched.tiles + 1
    assert fetched.failed == ()


def test_neighbouring_tiles_are_one_range_of_identifiers():
    assert source_ranges([7, 5, 6, 9]) == [(5 << 47, (8 << 47) - 1), (9 << 47, (10 << 47) - 1)]
    assert source_ranges([]) == []


def test_several_tiles_of_vizier_need_its_identifiers():
    table = Table({name: np.linspace(8.0, 14.0, 5) for name in VIZIER_COLUMNS})
    with pytest.raises(CatalogueServiceError, match="lacks the column Source"):
        vizier()._tiles_of(table)
    assert '"Source" BETWEEN' in vizier().query([5, 9], 15.0)
    assert vizier().query([5, 9], 15.0).startswith('SELECT TOP 6000 "RA_ICRS"')
