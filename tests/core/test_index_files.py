"""Index files: found, understood, their stars read, and what is missing named."""

import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.cli import index as index_command
from pipeline_core.cli import main
from pipeline_core.errors import DataError
from pipeline_core.io.index_file import read_index, stars_within
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.solving import index_files
from pipeline_core.solving.index_files import find_indexes, serving, user_folder, what_is_missing
from tests.core.sky_simulation import INDEXES, needs_index


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("ASTEP_INDEX_DIR", str(tmp_path / "mine"))


@needs_index
def test_an_index_tells_its_scale_and_its_stars():
    index = read_index(INDEXES[0])
    assert (index.smallest_arcmin, index.largest_arcmin) == pytest.approx((22.0, 30.0), abs=0.01)
    assert index.stars == 1_871_011
    assert index.is_all_sky


@needs_index
@pytest.mark.parametrize("place", [(217.39, -62.68), (0.02, 0.0), (359.99, 45.0), (10.0, 89.8), (200.0, -89.9)])
def test_the_stars_of_a_cone_are_all_those_within_it(place):
    found = stars_within(INDEXES[1], *place, 0.8)
    # Against the whole sky, read in the plain way.
    with fits.open(INDEXES[1], memmap=True) as hdus:
        tree = next(h for h in hdus if hasattr(h, "columns") and h.columns.names == ["kdtree_data_stars"])
        offset, count = tree.fileinfo()["datLoc"], tree.header["NAXIS2"]
    steps = np.fromfile(INDEXES[1], "<u4", 3 * count, offset=offset).reshape(count, 3)
    x, y, z = (steps * (2.0 / (2**32 - 1)) - 1.0).T
    ra, dec = np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
    inside = separation_deg(*place, ra, dec) <= 0.8
    assert len(found.ra_deg) == inside.sum() > 10
    assert np.sort(found.dec_deg) == pytest.approx(np.sort(dec[inside]), abs=1e-7)
    assert np.all(np.diff(found.magnitude[np.isfinite(found.magnitude)]) >= 0)
    assert found.band == "MAG_VT"


@needs_index
def test_positions_are_those_of_the_sky():
    # HD 209458, V 7.65, at J2000.
    found = stars_within(INDEXES[1], 330.794887, 18.884319, 0.05)
    assert float(separation_deg(330.794887, 18.884319, found.ra_deg, found.dec_deg).min()) * 3600 < 0.5


def small_index(path, seed=1, number=500, limits=7):
    """An index file as build-astrometry-index writes it without magnitudes: stars in the order of a tree."""
    rng = np.random.default_rng(seed)
    ra, dec = np.radians(np.sort(rng.uniform(30.0, 31.0, number))), np.radians(rng.uniform(-20.5, -19.5, number))
    towards = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    steps = np.round((towards + 1.0) * (2**32 - 1) / 2.0).astype("<u4")
    rank = rng.integers(0, 20, number).astype(np.uint8)

    def table(name, rows):
        width = rows.shape[1] * rows.itemsize
        raw = np.ascontiguousarray(rows).view(f"S{width}")
        return fits.BinTableHDU.from_columns([fits.Column(name, f"{width}A", array=raw.ravel())])

    head = fits.PrimaryHDU()
    head.header.update({"SCALE_L": 1e-4, "SCALE_U": 1e-3, "NSTARS": number, "NQUADS": 0, "ENDIAN": "04:03:02:01"})
    scale = np.array([[-1.0], [-1.0], [-1.0], [1.0], [1.0], [1.0], [(2**32 - 1) / 2.0]], "<f8")[:limits]
    # astropy trims NUL bytes off strings: the numbers are put into the file as they are.
    hdus = fits.HDUList([head, table("kdtree_data_stars", steps), table("kdtree_range_stars", scale)])
    hdus.insert(1, fits.BinTableHDU.from_columns([fits.Column("sweep", "1B", array=rank)]))
    hdus.writeto(path)
    with fits.open(path) as made, path.open("r+b") as file:
        for name, rows in (("kdtree_data_stars", steps), ("kdtree_range_stars", scale)):
            hdu = next(h for h in made[1:] if h.columns.names == [name])
            file.seek(hdu.fileinfo()["datLoc"])
            file.write(rows.tobytes())
    return np.degrees(ra), np.degrees(dec), rank


def test_an_index_without_magnitudes_gives_its_stars_in_the_order_of_their_rank(tmp_path):
    ra, dec, rank = small_index(tmp_path / "index-5200.fits")
    found = stars_within(tmp_path / "index-5200.fits", 30.5, -20.0, 0.3)
    inside = np.flatnonzero(separation_deg(30.5, -20.0, ra, dec) <= 0.3)
    expected = inside[np.argsort(rank[inside], kind="stable")]
    assert len(expected) > 80
    assert found.ra_deg == pytest.approx(ra[expected], abs=1e-6)
    assert found.dec_deg == pytest.approx(dec[expected], abs=1e-6)
    assert np.isnan(found.magnitude).all()


def test_an_index_whose_star_tree_is_cut_short_is_refused_in_words(tmp_path):
    small_index(tmp_path / "index-5200.fits", limits=3)
    whole = (tmp_path / "index-5200.fits").read_bytes()
    (tmp_path / "index-cut.fits").write_bytes(whole.rstrip(b"\0"))
    with pytest.raises(DataError, match="cut short"):
        stars_within(tmp_path / "index-cut.fits", 30.5, -20.0, 0.3)


def test_a_file_that_is_no_index_is_refused_in_words(tmp_path):
    for name, content in (("index-a.fits", b"nothing"), ("index-b.fits", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="as an index"):
            read_index(tmp_path / name)
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(tmp_path / "index-c.fits")
    with pytest.raises(DataError, match="lacks"):
        read_index(tmp_path / "index-c.fits")


@needs_index
def test_an_index_that_is_cut_short_is_a_problem_not_a_crash(tmp_path):
    short = user_folder() / "index-short.fits"
    short.parent.mkdir()
    with INDEXES[1].open("rb") as file:
        short.write_bytes(file.read(60_000_000))
    indexes, problems = find_indexes()
    assert any("index-short.fits" in words for words in problems)
    assert {index.name for index in indexes} >= {path.name for path in INDEXES}


@needs_index
def test_the_recipes_folder_comes_first_and_a_name_counts_once(tmp_path):
    folder = tmp_path / "named"
    folder.mkdir()
    (folder / INDEXES[1].name).symlink_to(INDEXES[1])
    indexes, _ = find_indexes([str(folder)])
    ours = [index for index in indexes if index.name == INDEXES[1].name]
    assert [index.path.parent for index in ours] == [folder]


@needs_index
def test_fields_get_the_indexes_whose_patterns_fit():
    indexes = [read_index(path) for path in INDEXES]
    assert [index.name[:15] for index in serving(indexes, 63.5)] == ["index-tycho2-07", "index-tycho2-08"]
    assert serving(indexes, 8.0) == []
    assert what_is_missing(indexes, 63.5) == ""
    assert "5200 series" in what_is_missing(indexes, 8.0)
    assert "is the scale wrong" in what_is_missing(indexes, 8.0, 0.93)
    assert "is the scale wrong" not in what_is_missing([], 8.0, 0.93)
    assert "astrometry-data-tycho2-07" in what_is_missing([], 35.0)
    assert "astrometry-data-tycho2-08" in what_is_missing([], 63.5)
    assert "astep index install 08" in what_is_missing([], 63.5)


def test_the_list_says_what_is_missing(capsys, monkeypatch):
    import json

    monkeypatch.setattr(index_files, "SYSTEM_FOLDERS", ())
    assert main(["index", "list", "--json", "--quiet"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["indexes"] == []
    assert "astrometry-data-tycho2-08" in document["missing"]


@needs_index
def test_an_index_is_added_by_copy_and_found_then(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(index_files, "SYSTEM_FOLDERS", ())
    source = tmp_path / "index-small.fits"
    shutil.copy(INDEXES[1], source)
    assert main(["index", "add", str(source), "--quiet"]) == 0
    assert (user_folder() / "index-small.fits").read_bytes() == source.read_bytes()
    assert [index.name for index in find_indexes()[0]] == ["index-small.fits"]
    (tmp_path / "index-bad.fits").write_bytes(b"no")
    assert main(["index", "add", str(tmp_path / "index-bad.fits"), "--quiet"]) == 2
    assert not (user_folder() / "index-bad.fits").exists()
    capsys.readouterr()


def test_install_without_root_or_apt_prints_the_exact_line_and_size(capsys, monkeypatch):
    monkeypatch.setattr(index_command.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(index_command.os, "geteuid", lambda: 1000)
    assert main(["index", "install", "07"]) == 2
    out = capsys.readouterr().out
    assert "sudo apt-get install -y --no-install-recommends astrometry-data-tycho2-07" in out
    assert "141 MB" in out
    monkeypatch.setattr(index_command.shutil, "which", lambda _name: None)
    assert main(["index", "install"]) == 2
    out = capsys.readouterr().out
    assert "https://packages.debian.org/astrometry-data-tycho2-08" in out
    assert str(user_folder()) in out


def test_install_as_root_runs_apt_and_says_its_last_word_when_it_fails(capsys, monkeypatch):
    ran = []

    def fake(line, **_):
        ran.append(line)
        return subprocess.CompletedProcess(line, 100 if len(ran) > 1 else 0, "", "E: Unable to locate package")

    monkeypatch.setattr(index_command.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(index_command.os, "geteuid", lambda: 0)
    monkeypatch.setattr(index_command.subprocess, "run", fake)
    assert main(["index", "install", "08"]) == 0
    assert ran[0][-1] == "astrometry-data-tycho2-08"
    assert main(["index", "install", "08"]) == 2
    assert "Unable to locate package" in capsys.readouterr().err
