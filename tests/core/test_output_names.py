"""Names of products."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.io.output_names import calibrated_product, calibrated_products, rejected_product, stem


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("a.fits", "a"),
        ("a.fit", "a"),
        ("a.fts", "a"),
        ("a.fits.fz", "a"),
        ("a.FIT.gz", "a"),
        ("a.fits.bz2", "a"),
        ("Jason.00000055.Entered Coordinates.fit.fz", "Jason.00000055.Entered Coordinates"),
        ("20190326.0132.fits", "20190326.0132"),
        ("noending", "noending"),
        (".fits", ".fits"),
    ],
)
def test_a_stem_drops_format_and_compression_and_nothing_else(raw, name):
    assert stem(raw) == name


def test_a_product_keeps_the_folders_of_its_night():
    assert calibrated_product("2026-06-21-CAMS/x_SCIENCE.fits") == "calibrated/2026-06-21-CAMS/x_SCIENCE_CAL.fits"
    assert calibrated_product("x.fits") == "calibrated/x_CAL.fits"


def test_two_raw_files_never_share_a_product():
    names = calibrated_products(["n/a.fits", "n/a.fits.gz", "n/A.fit", "n/b.fits"])
    assert len({product.lower() for product in names.values()}) == 4
    assert names["n/b.fits"] == "calibrated/n/b_CAL.fits"


def test_a_rejected_product_lies_apart_under_the_same_path():
    assert rejected_product("calibrated/n/b_CAL.fits") == "rejected/n/b_CAL.fits"


PART = st.text(st.characters(categories=["L", "N"], include_characters="._- "), min_size=1, max_size=8).filter(
    lambda part: part.strip(". ") != ""
)


@given(st.lists(st.lists(PART, min_size=1, max_size=3).map("/".join), unique=True, max_size=12))
def test_products_of_any_names_are_as_many_as_their_frames(paths):
    names = calibrated_products(paths)
    assert len(names) == len(paths)
    assert all(product.startswith("calibrated/") and product.endswith("_CAL.fits") for product in names.values())
