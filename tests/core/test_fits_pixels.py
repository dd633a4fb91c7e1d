"""Our own way of writing and reading float images gives astropy's very bytes."""

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_pixels import read_floats, write_images
from pipeline_core.io.masters_file import shared_master, write_master


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


def test_a_master_is_read_once_for_many_frames_and_anew_when_it_was_made_again(tmp_path):
    path = tmp_path / "dark.fits"
    write_master(path, np.ones((20, 30), np.float32), {})
    first = shared_master(path, "dark")
    assert shared_master(path, "dark") is first
    write_master(path, np.full((21, 30), 2, np.float32), {})
    again = shared_master(path, "dark")
    assert again.image.shape == (21, 30)
    assert again.image[0, 0] == 2


def test_a_shared_master_refuses_to_be_written_to(tmp_path):
    path = tmp_path / "dark.fits"
    write_master(path, np.ones((20, 30), np.float32), {})
    with pytest.raises(ValueError, match="read-only"):
        shared_master(path, "dark").image[0, 0] = 3
