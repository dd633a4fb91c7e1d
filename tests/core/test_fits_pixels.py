"""Our own way of writing and reading float images gives astropy's very bytes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_pixels import StoredImage, read_floats, write_images
from pipeline_core.io.masters_file import stored_master, write_master


def some_hdus(seed=5):
    rng = np.random.default_rng(seed)
    image = rng.normal(1000, 10, (301, 257)).astype(np.float32)
    image[3, 4] = np.nan
    main = fits.PrimaryHDU(image)
    main.header["OBJECT"] = ("FIELD1", "where it looks")
    mask = fits.ImageHDU(rng.integers(0, 64, image.shape).astype(np.uint8), name="MASK")
    return fits.HDUList([main, mask, fits.ImageHDU(image[:, :100].copy(), name="UNCERT")])


def test_a_file_is_byte_for_byte_what_astropy_writes(tmp_path):
    write_images(tmp_path / "ours.fits", some_hdus())
    some_hdus().writeto(tmp_path / "theirs.fits", output_verify="silentfix")
    assert (tmp_path / "ours.fits").read_bytes() == (tmp_path / "theirs.fits").read_bytes()


@pytest.mark.parametrize("name", ["PRIMARY", "UNCERT"])
def test_pixels_come_back_as_they_were_written(tmp_path, name):
    path = tmp_path / "a.fits"
    write_images(path, some_hdus())
    with fits.open(path) as hdus:
        found = read_floats(path, hdus[name])
        assert found.dtype.isnative
        assert np.array_equal(found, hdus[name].data, equal_nan=True)


@pytest.mark.parametrize("ending", ["fits.gz", "fits"])
def test_pixels_of_other_programs_are_read_too(tmp_path, ending):
    path = tmp_path / f"other.{ending}"
    pixels = np.arange(12, dtype=np.uint16 if ending == "fits" else np.float32).reshape(3, 4)
    fits.PrimaryHDU(pixels).writeto(path)
    with fits.open(path) as hdus:
        assert np.array_equal(read_floats(path, hdus[0]), pixels)


def test_an_image_that_is_cut_short_is_refused_in_words(tmp_path):
    path = tmp_path / "short.fits"
    write_images(path, some_hdus())
    with fits.open(path) as hdus:
        header = hdus[0].header
        assert header["NAXIS1"] == 257
        path.write_bytes(path.read_bytes()[:100_000])
        with pytest.raises(DataError, match="cut short"):
            read_floats(path, hdus[0])


@pytest.mark.parametrize("name", ["PRIMARY", "MASK", "UNCERT"])
def test_rows_of_an_image_that_stays_in_its_file_are_those_of_the_whole(tmp_path, name):
    path = tmp_path / "a.fits"
    write_images(path, some_hdus())
    with fits.open(path) as hdus, StoredImage(path, hdus[name]) as image:
        whole = hdus[name].data
        assert image.shape == whole.shape
        for rows in (slice(0, 301), slice(7, 40), slice(290, 400), slice(300, 301), slice(5, 5)):
            found = image[rows]
            assert found.dtype.isnative
            assert np.array_equal(found, whole[rows], equal_nan=True)


def test_many_threads_read_rows_of_one_image_without_mixing_them_up(tmp_path):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.repeat(np.arange(400, dtype=np.float32)[:, None], 300, axis=1)).writeto(path)
    with fits.open(path) as hdus, StoredImage(path, hdus[0]) as image, ThreadPoolExecutor(4) as pool:
        for y, row in enumerate(pool.map(lambda y: image[y : y + 1], range(400))):
            assert (row == y).all()


@pytest.mark.parametrize("kind", ["gz", "scaled", "tiles", "double"])
def test_rows_of_images_stored_in_other_ways_are_the_same(tmp_path, kind):
    pixels = np.random.default_rng(2).normal(1000, 10, (60, 50))
    path, hdu = tmp_path / ("a.fits.gz" if kind == "gz" else "a.fits"), fits.PrimaryHDU(pixels.astype(np.float32))
    if kind == "scaled":
        hdu = fits.PrimaryHDU(pixels.astype(np.int16))
        hdu.header["BZERO"] = 7.5
    elif kind == "tiles":
        hdu = fits.CompImageHDU(pixels.astype(np.float32), compression_type="GZIP_2", quantize_level=0)
    elif kind == "double":
        hdu = fits.PrimaryHDU(pixels)
    fits.HDUList([hdu] if kind != "tiles" else [fits.PrimaryHDU(), hdu]).writeto(path)
    with fits.open(path) as hdus, StoredImage(path, hdus[-1]) as image:
        found = image[10:20]
        assert found.dtype == np.float32
        assert np.array_equal(found, hdus[-1].data[10:20].astype(np.float32))
        found[:] = 0  # a copy: the next reader sees the file's values
        assert image[10:20].any()


def test_rows_behind_the_end_of_a_file_are_refused_in_words(tmp_path):
    path = tmp_path / "short.fits"
    write_images(path, some_hdus())
    with fits.open(path) as hdus, StoredImage(path, hdus[0]) as image:
        path.write_bytes(path.read_bytes()[:100_000])
        assert np.isfinite(image[10:20]).all()
        with pytest.raises(DataError, match="cut short"):
            image[200:210]


def test_a_master_that_is_no_image_or_not_there_is_refused_in_words(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "empty.fits")
    with pytest.raises(DataError, match="no image"), stored_master(tmp_path / "empty.fits"):
        pass
    with pytest.raises(DataError, match="cannot read the master gone"), stored_master(tmp_path / "gone.fits"):
        pass


def test_a_stored_master_has_its_uncertainty_where_it_is_wanted(tmp_path):
    path = tmp_path / "dark.fits"
    write_master(path, np.ones((20, 30), np.float32), {}, np.full((20, 30), 0.5, np.float32))
    with stored_master(path) as bare, stored_master(path, with_uncertainty=True) as whole:
        assert bare.uncertainty is None
        assert (whole.image[3:5] == 1).all()
        assert (whole.uncertainty[3:5] == 0.5).all()
