"""Bands of many files at once."""

import threading

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.events import Cancelled
from pipeline_core.io.bands import BandReader, Source, for_each_band, rows_per_band
from pipeline_core.types import ImageLayout

SHAPE = (103, 60)
OFFSET = 2880
PLAIN = ImageLayout(
    hdu=0, bitpix=16, bscale=1.0, bzero=32768.0, compressed=False, wrapped=False, data_offset=OFFSET
)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 65536, (3, *SHAPE)).astype(np.uint16)
    sources = []
    for index, image in enumerate(images):
        path = tmp_path / f"f{index}.fits"
        path.write_bytes(bytes(OFFSET) + (image ^ np.uint16(0x8000)).astype(">u2").tobytes())
        sources.append(Source(path, PLAIN))
    return images, sources


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_row_comes_once_whatever_the_number_of_threads(files, threads, monkeypatch):
    monkeypatch.setattr("pipeline_core.io.bands.rows_per_band", lambda *_: 8)
    images, sources = files
    seen = np.zeros((3, *SHAPE), np.uint16)
    counts = np.zeros(SHAPE[0], int)

    def work(band, y0, y1):
        assert band.shape == (3, y1 - y0, SHAPE[1])
        seen[:, y0:y1] = band.byteswap() ^ np.uint16(0x8000)
        counts[y0:y1] += 1

    with BandReader(sources, SHAPE) as reader:
        assert reader.is_words
        for_each_band(reader, work, threads=threads)
    np.testing.assert_array_equal(seen, images)
    assert (counts == 1).all()


def test_only_the_asked_rows_are_read(files):
    _, sources = files
    rows = []
    with BandReader(sources, SHAPE) as reader:
        for_each_band(reader, lambda _, y0, y1: rows.extend(range(y0, y1)), threads=1, y0=7, y1=50)
    assert rows == list(range(7, 50))


def test_a_cancel_stops_before_the_next_band(files, monkeypatch):
    monkeypatch.setattr("pipeline_core.io.bands.rows_per_band", lambda *_: 8)
    _, sources = files
    done = []

    def check():
        if len(done) >= 2:
            raise Cancelled

    with BandReader(sources, SHAPE) as reader, pytest.raises(Cancelled):
        for_each_band(reader, lambda _, y0, y1: done.append((y0, y1)), threads=1, check=check)
    assert len(done) == 2


def test_an_error_in_one_thread_ends_the_others_and_is_raised(files, monkeypatch):
    monkeypatch.setattr("pipeline_core.io.bands.rows_per_band", lambda *_: 4)
    _, sources = files

    def work(_, y0, y1):
        if y0 == 8:
            raise DataError("broken")

    before = threading.active_count()
    with BandReader(sources, SHAPE) as reader, pytest.raises(DataError, match="broken"):
        for_each_band(reader, work, threads=3)
    assert threading.active_count() == before


def test_a_truncated_file_is_named(files):
    _, sources = files
    data = sources[1].path.read_bytes()
    sources[1].path.write_bytes(data[:-500])
    with BandReader(sources, SHAPE) as reader, pytest.raises(DataError, match=r"f1\.fits.*ends before"):
        for_each_band(reader, lambda *_: None, threads=2)


def test_memory_is_set_by_the_band_and_not_by_the_number_of_frames():
    for n in (5, 20, 300):
        rows = rows_per_band(n, 4096, 2, limit=8 << 20)
        assert rows % 4 == 0
        assert rows == 4 or n * rows * 4096 * 2 <= 8 << 20
