"""Flat fields: level, stars, illumination, and what a flat must be to count."""

import numpy as np
import pytest

from pipeline_core.errors import DataError
from pipeline_core.science.combine import Combined
from pipeline_core.science.flat import fill_hidden, illuminations, inverse_variance_weights, normalised
from pipeline_core.science.flat_stars import BLOCK_PX, first_look, star_blocks

SHAPE = (128, 128)  # blocks


def binned(level, seed, excess=None, response=None):
    """One flat as the stage bins it, with light added in some blocks."""
    rng = np.random.default_rng(seed)
    image = level * (np.ones(SHAPE) if response is None else response) + rng.normal(0, 0.002 * level, SHAPE)
    if excess is not None:
        image = image + excess
    return image.astype(np.float32)


def look(image):
    return first_look(image, image)


def spots(places, light):
    out = np.zeros(SHAPE)
    for y, x in places:
        out[y, x] = light
    return out


PLACES = [(20, 30), (60, 90), (100, 40)]


def test_a_star_in_the_flat_does_not_change_its_level():
    flat = np.full((20, 20), 500.0, np.float32)
    flat[5:8, 5:8] = 40000
    result, level = normalised(flat, np.ones((20, 20), bool))
    assert level == 500
    assert np.median(result) == 1


def test_only_valid_pixels_set_the_level():
    flat = np.full((20, 20), 500.0, np.float32)
    flat[:15] = 900
    valid = np.zeros((20, 20), bool)
    valid[15:] = True
    assert normalised(flat, valid)[1] == 500


def test_a_flat_without_valid_pixels_is_refused_with_a_hint():
    with pytest.raises(DataError, match="no valid pixel") as error:
        normalised(np.ones((4, 4), np.float32), np.zeros((4, 4), bool))
    assert error.value.hint


def test_a_flat_without_light_is_refused_with_a_hint():
    with pytest.raises(DataError, match="no light") as error:
        normalised(np.full((4, 4), -3, np.float32), np.ones((4, 4), bool))
    assert error.value.hint


def test_stars_that_drift_are_masked_where_they_stand_in_each_flat():
    frames = [look(binned(20000, i, spots([(y, x + 6 * i) for y, x in PLACES], 2000))) for i in range(5)]
    blocked = star_blocks(frames)
    for i in range(5):
        for y, x in PLACES:
            assert blocked[i, y - 1 : y + 2, x + 6 * i - 1 : x + 6 * i + 2].all()
        assert blocked[i].mean() < 0.02


def test_a_followed_star_is_told_from_the_chip_by_the_changing_twilight():
    chip = np.ones(SHAPE)
    chip[40, 100] = 1.05  # a spot that takes 5 % more light, always
    levels = (30000, 24000, 18000, 13000, 10000)
    frames = [look(binned(v, i, spots(PLACES, 900), chip)) for i, v in enumerate(levels)]
    blocked = star_blocks(frames)
    assert all(blocked[:, y, x].all() for y, x in PLACES)
    assert not blocked[:, 40, 100].any()


def test_longer_exposures_of_a_fading_sky_show_a_followed_star_too():
    exposures = (1.0, 2.0, 4.0, 8.0)  # the person keeps the level at 20,000 ADU
    frames = [look(binned(20000, i, spots(PLACES, 300 * t))) for i, t in enumerate(exposures)]
    blocked = star_blocks(frames, exposures)
    assert all(blocked[:, y, x].all() for y, x in PLACES)


def test_under_a_steady_lamp_what_never_moves_is_the_chip():
    chip = np.ones(SHAPE)
    for y, x in PLACES:
        chip[y, x] = 1.05
    frames = [look(binned(20000, i, response=chip)) for i in range(6)]
    assert star_blocks(frames).mean() < 1e-3


def test_an_edge_between_amplifiers_is_no_star():
    chip = np.ones(SHAPE)
    chip[:, 67:] = 1.03
    frames = [look(binned(v, i, response=chip)) for i, v in enumerate((30000, 20000, 15000))]
    assert star_blocks(frames).mean() < 1e-3


def test_a_dark_frame_among_the_flats_is_refused():
    with pytest.raises(DataError, match="no light"):
        look(np.zeros(SHAPE, np.float32))


def test_the_level_is_that_of_the_sky_between_the_stars():
    rng = np.random.default_rng(1)
    crowded = binned(10000, 1) + 5000 * (rng.random(SHAPE) < 0.1)
    assert look(crowded.astype(np.float32)).level_adu == pytest.approx(10000, rel=1e-3)


def test_the_tilt_of_one_flat_against_the_others_is_measured():
    x = (np.arange(SHAPE[1]) + 0.5) / SHAPE[1] - 0.5
    frames = [look(binned(20000, i)) for i in range(4)]
    frames.append(look(binned(20000, 9, response=1 + 0.04 * np.broadcast_to(x, SHAPE))))
    lights = illuminations(frames)
    assert lights[4].tilt_percent == pytest.approx(4.0, abs=0.1)
    assert lights[4].tilt_angle_deg == pytest.approx(0.0, abs=3)
    assert max(light.tilt_percent for light in lights[:4]) < 0.1
    assert lights[4].rms == pytest.approx(0.04 / np.sqrt(12), rel=0.1)


def test_brighter_flats_weigh_more_as_their_photons_do():
    weights = inverse_variance_weights(np.array([10000.0, 20000.0, 40000.0]), 5.0, 1.0)
    np.testing.assert_allclose(weights / weights[0], [1, 2, 4], rtol=0.01)
    assert weights.mean() == pytest.approx(1.0)


def test_pixels_under_a_star_in_every_flat_get_the_level_around_them():
    rng = np.random.default_rng(2)
    shape = (SHAPE[0] * BLOCK_PX, SHAPE[1] * BLOCK_PX)
    image = rng.normal(1, 0.01, shape).astype(np.float32)
    master = Combined(image, np.full(shape, 0.002, np.float32), np.full(shape, 5, np.uint8))
    hidden = np.zeros(SHAPE, bool)
    hidden[30:33, 50:53] = True
    box = np.s_[120:132, 200:212]
    image[box], master.uncertainty[box], master.n_used[box] = np.nan, np.nan, 0
    assert fill_hidden(master, hidden) == 144
    np.testing.assert_allclose(image[box], 1.0, atol=0.005)
    np.testing.assert_allclose(master.uncertainty[box], 0.01, rtol=0.1)
    assert (master.n_used[box] == 0).all()


@pytest.mark.parametrize("shape", [(128, 128), (130, 260), (40, 33)])
def test_the_mesh_of_a_flat_is_the_median_of_each_cell(shape):
    rng = np.random.default_rng(8)
    binned = rng.normal(20_000, 50, shape).astype(np.float32)
    mesh = first_look(binned, binned - np.float32(10), find_stars=False).mesh
    cell = max(1, min(16, shape[0] // 8, shape[1] // 8))
    rows, columns = shape[0] // cell, shape[1] // cell
    cut = (binned - np.float32(10))[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    assert np.array_equal(mesh, np.median(cut, axis=(1, 3)))


def test_threads_find_the_same_stars():
    frames = [look(binned(20_000, seed, spots([place], 2_000))) for seed, place in enumerate(PLACES)]
    alone = star_blocks(frames)
    assert alone.any()
    assert np.array_equal(star_blocks(frames, threads=3), alone)
