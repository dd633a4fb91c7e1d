"""Pixels come as they were written, and nothing is believed that a header only claims."""

import bz2
import gzip
import os
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io import fits_layout
from pipeline_core.io.fits_file import RowReader, read_image, read_layout

RNG = np.random.default_rng(20190326)
RAW = RNG.integers(0, 65536, (50, 37), dtype=np.uint16)


def card(keyword, value):
    return f"{keyword:8}= {value:>20}".ljust(80).encode()


def fits_bytes(*cards, data=b""):
    head = b"".join([card("SIMPLE", "T"), *cards, b"END".ljust(80)])
    return head.ljust(-(-len(head) // 2880) * 2880) + data.ljust(-(-len(data) // 2880) * 2880, b"\0")


def claims(bitpix, *axes, extra=()):
    sizes = [card(f"NAXIS{n}", length) for n, length in enumerate(axes, 1)]
    return [card("BITPIX", bitpix), card("NAXIS", len(axes)), *sizes, *extra]


def write(path, data, **header):
    hdu = fits.PrimaryHDU(data)
    hdu.header.update(header)
    hdu.writeto(path)
    return path


def read(path):
    _, layout, shape = read_layout(path)
    image = read_image(path, layout)
    assert image.shape == shape
    return image


def reason(path):
    with pytest.raises(DataError) as caught:
        read(path)
    assert path.name in caught.value.what
    assert caught.value.hint
    return caught.value.why


def test_unsigned_words_come_back_as_native_uint16(tmp_path):
    image = read(write(tmp_path / "a.fits", RAW))
    assert image.dtype == np.uint16
    assert image.dtype.isnative
    np.testing.assert_array_equal(image, RAW)


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64, np.float32, np.float64, np.uint32])
def test_other_numbers_come_back_as_float32(tmp_path, kind):
    data = RNG.integers(0, 30000, (9, 11)).astype(kind)
    image = read(write(tmp_path / "a.fits", data))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, data.astype(np.float32))


def test_bytes_fit_into_uint16(tmp_path):
    data = np.arange(30, dtype=np.uint8).reshape(5, 6)
    image = read(write(tmp_path / "a.fits", data))
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, data)


def test_scaled_numbers_are_scaled_and_blank_ones_are_nan(tmp_path):
    data = np.array([[1, 2], [-99, 4]], ">i2")
    extra = [card("BSCALE", 0.5), card("BZERO", 10.0), card("BLANK", -99)]
    path = tmp_path / "a.fits"
    path.write_bytes(fits_bytes(*claims(16, 2, 2, extra=extra), data=data.tobytes()))
    np.testing.assert_array_equal(read(path), np.array([[10.5, 11.0], [np.nan, 12.0]], np.float32))


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
def test_tile_compressed_images_are_decoded(tmp_path, compression):
    path = tmp_path / "a.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(RAW, compression_type=compression)]).writeto(path)
    image = read(path)
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image, RAW)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("tiles", [False, True])
def test_files_compressed_as_a_whole_are_unpacked(tmp_path, pack, tiles):
    plain = tmp_path / "a.fits"
    hdu = fits.CompImageHDU(RAW) if tiles else fits.ImageHDU(RAW)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(plain)
    packed = tmp_path / "a.fits.packed"  # the bytes tell, not the name
    packed.write_bytes(pack(plain.read_bytes()))
    assert read_layout(packed)[1].wrapped
    np.testing.assert_array_equal(read(packed), RAW)


@pytest.mark.parametrize("name", ["plain", "tiles", "gzip"])
def test_bands_of_rows_equal_the_whole_image(tmp_path, name):
    path = tmp_path / "a.fits"
    if name == "tiles":
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(RAW)]).writeto(path)
    else:
        write(path, RAW)
    if name == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    with RowReader(path, read_layout(path)[1]) as rows:
        assert rows.shape == RAW.shape
        for y0, y1 in [(0, 7), (7, 8), (43, 50), (20, 20)]:
            for dtype in (np.uint16, np.float32):
                out = np.empty((y1 - y0, RAW.shape[1]), dtype)
                rows.read_rows(y0, y1, out)
                np.testing.assert_array_equal(out, RAW[y0:y1])


def test_rows_that_do_not_fit_are_refused(tmp_path):
    path = write(tmp_path / "a.fits", RAW)
    with RowReader(path, read_layout(path)[1]) as rows:
        for y0, y1, shape in [(0, 51, (51, 37)), (0, 5, (4, 37)), (-1, 2, (3, 37))]:
            with pytest.raises(ValueError, match="do not fit"):
                rows.read_rows(y0, y1, np.empty(shape, np.uint16))


def test_fractions_do_not_go_into_uint16(tmp_path):
    path = write(tmp_path / "a.fits", RAW.astype(np.float32))
    with RowReader(path, read_layout(path)[1]) as rows, pytest.raises(ValueError, match="do not fit"):
        rows.read_rows(0, 1, np.empty((1, 37), np.uint16))


def test_an_extension_inherits_what_it_does_not_say_itself(tmp_path):
    primary = fits.PrimaryHDU()
    primary.header.update(EXPTIME=90.0, GAIN=1.0)
    image = fits.ImageHDU(RAW)
    image.header["GAIN"] = 6.4
    path = tmp_path / "a.fits"
    fits.HDUList([primary, image, fits.ImageHDU(RAW[:5])]).writeto(path)
    header, layout, shape = read_layout(path)
    assert (header["EXPTIME"], header["GAIN"], header["NAXIS"]) == (90.0, 6.4, 2)
    assert (layout.hdu, shape) == (1, RAW.shape)


def test_an_axis_of_length_one_is_dropped(tmp_path):
    np.testing.assert_array_equal(read(write(tmp_path / "a.fits", RAW[None])), RAW)
    path = tmp_path / "b.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(RAW[None])]).writeto(path)
    np.testing.assert_array_equal(read(path), RAW)


def test_a_cube_is_no_frame(tmp_path):
    assert "3 dimensions" in reason(write(tmp_path / "a.fits", np.zeros((3, 4, 5), np.uint16)))


def test_a_spectrum_and_a_table_are_no_frames(tmp_path):
    assert "one dimension" in reason(write(tmp_path / "a.fits", np.zeros(5, np.uint16)))
    path = tmp_path / "b.fits"
    table = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1, 2])])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    assert reason(path) == "it holds no image"


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x00\x05\x16\x07Mac", b"\x1f\x8b", b"BZh9", b"SIMPLE"])
def test_files_that_are_something_else_say_so(tmp_path, content):
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    assert reason(path)


def test_a_file_cut_short_says_how_much_is_there(tmp_path):
    path = write(tmp_path / "a.fits", RAW)
    path.write_bytes(path.read_bytes()[: 2880 + 1000])
    assert reason(path) == "the file is cut short: 1000 of 3700 bytes of its image are there"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_cut_short_is_refused_when_it_is_scanned(tmp_path, pack):
    plain = write(tmp_path / "a.fits", RNG.integers(0, 65536, (300, 300), dtype=np.uint16))
    path = tmp_path / "b.fits.packed"
    path.write_bytes(pack(plain.read_bytes())[:-30])
    with pytest.raises(DataError, match="cut short"):
        read_layout(path)


def test_a_header_without_end_is_refused(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(b"SIMPLE  =                    T".ljust(80) * (5 << 14))
    assert "END" in reason(path)


@pytest.mark.parametrize(
    "cards",
    [
        claims(16, 777777701, 2),
        claims(16, 10**30, 10**30),
        claims(16, -5, 5),
        claims(17, 5, 5),
        claims(16, "'5'", 5),
        [card("BITPIX", 16), card("NAXIS", 10**9)],
        [card("BITPIX", 16), card("NAXIS", 2)],
        [card("NAXIS", 0)],
        claims(8, 5, 5, extra=[card("BSCALE", 0)]),
        claims(8, 5, 5, extra=[card("BZERO", "'much'")]),
        [card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 10**15)],
    ],
)
def test_no_claim_is_believed_nor_memory_taken_for_it(tmp_path, cards):
    path = tmp_path / "a.fits"
    path.write_bytes(fits_bytes(*cards, data=b"\0" * 5000))
    tracemalloc.start()
    assert reason(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_compressed_image_larger_than_its_tiles_is_refused(tmp_path):
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(RAW)]).writeto(path)
    good = path.read_bytes()
    for keyword, old, new in [
        (b"ZNAXIS2", b"50", b"9999999"),
        (b"ZTILE1 ", b"37", b"0"),
        (b"ZNAXIS1", b"37", b"-1"),
    ]:
        at = good.index(keyword + b" ") if keyword[-1:] != b" " else good.index(keyword)
        line = good[at : at + 80]
        bad = (line[:10] + line[10:30].replace(b" " * (len(new) - len(old)) + old, new) + line[30:])[:80]
        assert bad != line
        path.write_bytes(good.replace(line, bad.ljust(80)))
        assert reason(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    # A first HDU of claimed tables, 600 MB of zeros in 0.6 MB, then nothing.
    path = tmp_path / "bomb.fits.gz"
    head = fits_bytes(card("BITPIX", 8), card("NAXIS", 1), card("NAXIS1", 600 << 20))
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(head)
        for _ in range(300):
            packed.write(bytes(1 << 20))
    assert "other compressed data" in reason(path)


def test_an_image_that_gzip_cannot_hold_is_refused(tmp_path):
    path = tmp_path / "a.fits.gz"
    path.write_bytes(gzip.compress(fits_bytes(*claims(16, 40000, 40000))))
    assert "cut short or cannot hold" in reason(path)


def test_a_pipe_named_like_a_frame_does_not_hang(tmp_path):
    path = tmp_path / "a.fits"
    os.mkfifo(path)
    assert "not a file" in reason(path)


def test_a_file_that_changed_since_the_scan_is_not_misread(tmp_path):
    path = write(tmp_path / "a.fits", RAW)
    layout = read_layout(path)[1]
    path.unlink()
    write(path, RAW.astype(np.float32))
    with pytest.raises(DataError, match="changed since"):
        read_image(path, layout)


def test_more_headers_than_any_camera_writes_end_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(fits_layout, "MAX_HDUS", 3)
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU() for _ in range(4)), fits.ImageHDU(RAW)]).writeto(path)
    assert reason(path) == "it holds no image"


def test_damaged_tiles_are_told_in_words(tmp_path):
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(RAW, compression_type="GZIP_1")]).writeto(path)
    raw = bytearray(path.read_bytes())
    raw[-2880 * 2 : -2000] = os.urandom(2880 * 2 - 2000)
    path.write_bytes(raw)
    assert "damaged" in reason(path)
