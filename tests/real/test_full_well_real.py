"""Jason's camera fills at 61,000 ADU: asked by what frames show, and masked to the middle of its stars."""

import numpy as np
import pytest
from scipy import ndimage

from pipeline_core.io.fits_file import read_image, read_layout
from pipeline_core.science.full_well import bright_places, full_well
from pipeline_core.science.pixel_mask import saturated_bits

LIMIT = 65535.0
SHOWING = ("056", "057", "058", "059")
"""Frames of the Visual filter with enough places at the top; 055 has not, and 070 to 073 are of 1 to 20 s."""
MUTE = ("055", "070", "071", "072", "073")


@pytest.fixture(scope="module")
def lights(real_data):
    """Number of a frame → its raw pixels."""
    files = sorted((real_data / "ssp_jason6063" / "light").iterdir())
    return {file.name.split(".")[1][-3:]: read_image(file, read_layout(file)[1]) for file in files}


@pytest.fixture(scope="module")
def seen(lights):
    return {name: bright_places(image) for name, image in lights.items()}


def told(seen, names):
    places, insides = zip(*(seen[name] for name in names), strict=True)
    return full_well(places, LIMIT, insides)


def test_jason_is_asked_whichever_frames_are_kept_if_three_show_it(seen):
    level = told(seen, seen)
    assert 60_000 < level < 61_000
    for number in range(len(MUTE) + 1):
        assert told(seen, [*SHOWING, *MUTE[:number]]) == pytest.approx(level, rel=0.02), f"with {MUTE[:number]}"
    assert told(seen, MUTE) is None
    rng = np.random.default_rng(1)
    names = np.array(sorted(seen))
    for _ in range(300):
        few = rng.choice(names, rng.integers(3, len(names)), replace=False)
        if told(seen, few) is not None:
            assert told(seen, [*few, *MUTE]) is not None, f"a short frame outvotes {few}"


def test_jasons_full_stars_are_marked_to_their_middle(lights, seen):
    level = told(seen, seen)
    stars = 0
    for image in lights.values():
        mask = saturated_bits(image, level, grow=False) > 0
        # A full star's pixels: whole groups of ten and more from 60,500 ADU on. All that lies inside of one is marked.
        groups, number = ndimage.label(image >= 60_500, np.ones((3, 3)))
        for k in range(1, number + 1):
            star = groups == k
            if star.sum() >= 10:
                stars += 1
                inside = ndimage.binary_erosion(ndimage.binary_fill_holes(star))
                assert mask[inside].all()
                np.testing.assert_array_equal(mask & star, ndimage.binary_fill_holes(mask & star))
    assert stars >= 5
