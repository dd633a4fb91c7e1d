"""The cache saves time and never decides: damaged, old or out of reach, the scan is the same."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline_core.io import header_cache
from pipeline_core.io.header_cache import HeaderCache, frame_from_json, frame_to_json, reader_key
from pipeline_core.types import Frame, FrameKind, ImageLayout, Section

ROOT = Path("/night")
FULL = Frame(
    path="a/b.fits",
    kind=FrameKind.FLAT,
    size_bytes=10,
    mtime_ns=20,
    filter="VR",
    exposure_s=0.1,
    mid_utc=datetime(2019, 3, 26, 2, 59, 10, 380001, tzinfo=UTC),
    temperature_c=-10.5,
    binning=(1, 2),
    shape=(5, 6),
    gain_e_per_adu=2.0,
    gain_source="profile",
    read_noise_e=9.0,
    saturation_adu=65535.0,
    pedestal_adu=100.0,
    object="M 31",
    ra_deg=1.0,
    dec_deg=-2.0,
    overscan=Section(0, 5, 0, 2),
    trim=Section(0, 5, 2, 6),
    pixel_scale_arcsec=0.9,
    camera="CCD",
    profile="astep400",
    layout=ImageLayout(1, 16, 1.0, 32768.0, compressed=True, wrapped=False, data_offset=None, blank=3),
    problems=("one", "two"),
    unusable=None,
    is_master=True,
)
BARE = Frame(
    path="c.fits", kind=FrameKind.UNKNOWN, size_bytes=0, mtime_ns=0, unusable="empty", problems=("empty",)
)


@pytest.fixture
def cache(tmp_path):
    return HeaderCache(tmp_path / "deep" / "frames.sqlite")


@pytest.mark.parametrize("frame", [FULL, BARE], ids=["full", "bare"])
def test_a_frame_survives_the_way_through_json(frame):
    assert frame_from_json(frame_to_json(frame)) == frame


def test_what_is_saved_is_loaded(cache):
    cache.save(ROOT, "key", [FULL, BARE])
    assert cache.load(ROOT, "key") == {FULL.path: FULL, BARE.path: BARE}


def test_another_night_or_another_reader_knows_nothing_of_it(cache):
    cache.save(ROOT, "key", [FULL])
    assert cache.load(Path("/other"), "key") == {}
    assert cache.load(ROOT, "other") == {}


def test_a_frame_read_again_replaces_the_old_one(cache):
    cache.save(ROOT, "key", [FULL])
    newer = frame_from_json(frame_to_json(FULL).replace("M 31", "M 33"))
    cache.save(ROOT, "key", [newer])
    assert cache.load(ROOT, "key") == {FULL.path: newer}


def test_an_unused_cache_creates_nothing(cache):
    assert cache.load(ROOT, "key") == {}
    cache.save(ROOT, "key", [])
    assert not cache.file.parent.exists()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_cache_is_thrown_away_and_works_again(cache, content):
    cache.file.parent.mkdir()
    cache.file.write_bytes(content)
    assert cache.load(ROOT, "key") == {}
    cache.save(ROOT, "key", [FULL])
    cache.save(ROOT, "key", [FULL])
    assert cache.load(ROOT, "key") == {FULL.path: FULL}


@pytest.mark.parametrize(
    "text", ["{}", "[]", "no json", '{"path": "x"}', '{"kind": "nebula", "problems": []}']
)
def test_an_entry_that_is_no_frame_is_thrown_away(cache, text):
    cache.save(ROOT, "key", [FULL])
    database = sqlite3.connect(cache.file)
    with database:
        database.execute("UPDATE frames SET frame = ?", (text,))
    database.close()
    assert cache.load(ROOT, "key") == {}
    cache.save(ROOT, "key", [FULL])
    assert cache.load(ROOT, "key") == {FULL.path: FULL}


def test_a_cache_out_of_reach_is_done_without(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    cache = HeaderCache(in_the_way / "frames.sqlite")
    cache.save(ROOT, "key", [FULL])
    assert cache.load(ROOT, "key") == {}


def test_a_busy_cache_is_kept(cache, monkeypatch):
    cache.save(ROOT, "key", [FULL])
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda file, timeout: real(file, timeout=0.05))
    other = real(cache.file)
    other.execute("BEGIN EXCLUSIVE")
    assert cache.load(ROOT, "key") == {}
    cache.save(ROOT, "key", [BARE])
    other.rollback()
    other.close()
    assert cache.load(ROOT, "key") == {FULL.path: FULL}


def test_the_oldest_frames_go_first(cache, monkeypatch):
    monkeypatch.setattr(header_cache, "MAX_FRAMES", 1)
    cache.save(ROOT, "key", [FULL])
    cache.save(ROOT, "key", [BARE])
    assert cache.load(ROOT, "key") == {BARE.path: BARE}


def test_another_profile_or_program_reads_anew(monkeypatch):
    before = reader_key(None)
    assert reader_key("generic") != before
    monkeypatch.setattr(header_cache, "FORMAT", header_cache.FORMAT + 1)
    assert reader_key(None) != before
