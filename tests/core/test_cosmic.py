"""The cosmic-ray step finds what the reference finds, and touches nothing else."""

import astroscrappy
import numpy as np
import pytest

from pipeline_core.errors import DataError, UsageError
from pipeline_core.science import _lacosmic_kernels, cosmic, cosmic_search
from pipeline_core.science.bad_fill import lend_to_bad_pixels
from pipeline_core.science.frame_margin import mirrored
from pipeline_core.science.stars_touched import stars_touched
from tests.core.cosmic_simulation import simulate

LIMITS = (np.float32(4.5), np.float32(0.3) * np.float32(4.5), np.float32(5))


def reference(image, variance, mask=None, satlevel=np.inf):
    return astroscrappy.detect_cosmics(
        image, inmask=mask, invar=variance, satlevel=satlevel, sepmed=True, fsmode="median", cleantype="meanmask"
    )


def as_the_original(image, variance, mask=None, threads=1):
    return cosmic.clean_cosmic_rays(image, variance, mask, objlim=5.0, protect_below_fwhm_px=0, threads=threads)


def saturated_cores(image, level):
    """What astroscrappy masks for ``satlevel``: bright pixels in bright surroundings, grown by 2 twice."""
    out = np.zeros(image.shape, bool)
    for y, x in np.argwhere(image >= np.float32(level)).tolist():
        inside = 3 <= y < image.shape[0] - 3 and 3 <= x < image.shape[1] - 3
        around = image[y - 3 : y + 4, x - 3 : x + 4] if inside else image[y : y + 1, x : x + 1]
        out[y, x] = np.median(np.median(around, axis=1)) > np.float32(level) / 10
    for _ in range(2):
        rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(out))
        _lacosmic_kernels.grow_mask(out.copy(), rows, columns, 2, False, out)
    return out


@pytest.fixture(scope="module")
def field():
    return simulate(11, 2.5, size=320)


@pytest.mark.parametrize("threads", [1, 2])
def test_hits_and_values_are_the_references_with_scalar_noise(field, threads):
    variance = field.image + np.float32(81)
    hits, cleaned = astroscrappy.detect_cosmics(field.image, readnoise=9, gain=1.0, satlevel=np.inf)
    result = as_the_original(field.image, variance, threads=threads)
    assert hits.sum() > 500
    assert np.array_equal(result.hits, hits)
    assert np.array_equal(result.cleaned, cleaned)


def test_hits_are_the_references_with_a_variance_of_each_pixel(field):
    variance = np.random.default_rng(2).uniform(200, 900, field.image.shape).astype(np.float32)
    hits, cleaned = reference(field.image, variance)
    result = as_the_original(field.image, variance)
    assert np.array_equal(result.hits, hits)
    assert np.array_equal(result.cleaned, cleaned)


@pytest.mark.parametrize("fraction", [0.002, 0.02])
def test_hits_are_the_references_beside_bad_pixels(field, fraction):
    rng = np.random.default_rng(3)
    mask = rng.random(field.image.shape) < fraction
    image = field.image.copy()
    image[mask] = rng.choice([0, 5000, 60000], int(mask.sum()))
    variance = image + np.float32(81)
    hits, _ = reference(image, variance, mask)
    assert np.array_equal(as_the_original(image, variance, mask).hits, hits)


def test_saturated_cores_are_the_references(field):
    image = np.minimum(field.image, np.float32(9000))
    variance = image + np.float32(81)
    hits, _ = reference(image, variance, satlevel=9000)
    closed = saturated_cores(image, 9000)
    mine, _, _ = cosmic_search.detect(image.copy(), variance.copy(), closed.view(np.uint8), LIMITS, 4, None, 1)
    assert closed.any()
    assert np.array_equal(mine, hits)


@pytest.mark.parametrize("shape", [(301, 217), (7, 7), (8, 40), (33, 20), (19, 65)])
def test_odd_and_tiny_frames_and_their_borders_are_the_references(shape):
    rng = np.random.default_rng(4)
    image = rng.normal(400, 22, shape).astype(np.float32)
    struck = rng.random(shape) < 0.02
    image[struck] += 3000
    hits, _ = reference(image, image + np.float32(81))
    assert np.array_equal(as_the_original(image, image + np.float32(81)).hits, hits)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 3), (6, 90), (2, 2)])
def test_frames_too_small_to_judge_come_back_as_they_are(shape):
    image = np.full(shape, 400, np.float32)
    image[0, 0] = 9000
    result = cosmic.clean_cosmic_rays(image, image)
    assert not result.hits.any()
    assert np.array_equal(result.cleaned, image)


def test_a_hole_without_good_neighbours_takes_a_wider_window_where_the_reference_takes_the_frames_median():
    # The one intended difference: a blob of hits inside a large mask.
    image = np.full((96, 96), 400, np.float32)
    image[:, 48:] = 4000
    mask = np.zeros(image.shape, bool)
    hits = np.zeros(image.shape, np.uint8)
    hits[70, 70] = 1
    mask[60:81, 60:81] = True
    rows = columns = np.array([70], np.int32)
    work = image.copy()
    cosmic_search._replace(work, image.copy(), hits, mask.view(np.uint8), rows, columns)
    assert work[70, 70] == 4000
    everything = np.ones(image.shape, np.uint8)
    cosmic_search._replace(work, image.copy(), hits, everything, rows, columns)
    assert np.isfinite(work[70, 70])


def test_only_hits_change_bit_for_bit_and_the_input_stays(field):
    before = field.image.copy()
    result = cosmic.clean_cosmic_rays(field.image, field.variance, field.masked, fwhm_px=2.5)
    assert np.array_equal(field.image, before)
    assert np.array_equal(result.cleaned[~result.hits], before[~result.hits])
    assert result.n_pixels == result.hits.sum() > 0
    assert 0 < result.n_events < result.n_pixels


def test_nan_pixels_are_masked_and_never_spread(field):
    image, variance = field.image.copy(), field.variance.copy()
    rng = np.random.default_rng(5)
    unknown = rng.random(image.shape) < 0.003
    image[unknown] = rng.choice([np.nan, np.inf, -np.inf], int(unknown.sum()))
    variance[rng.random(image.shape) < 0.001] = np.nan
    result = cosmic.clean_cosmic_rays(image, variance, fwhm_px=2.5)
    assert result.n_pixels > 300
    assert not (result.hits & unknown).any()
    assert np.isfinite(result.cleaned[~unknown]).all()
    assert np.array_equal(result.cleaned[unknown], image[unknown], equal_nan=True)


def test_a_frame_of_nothing_but_nan_holds_no_hits():
    image = np.full((40, 40), np.nan, np.float32)
    assert not cosmic.clean_cosmic_rays(image, image).hits.any()


def test_the_false_rate_is_even_to_a_corner_of_40_percent():
    rates = []
    for flat in (1.0, 0.4):
        rng = np.random.default_rng(6)
        collected = rng.poisson(400 * flat, (1024, 1024)) + rng.normal(0, 9, (1024, 1024))
        image = (collected / flat).astype(np.float32)
        variance = np.full(image.shape, (400 * flat + 81) / flat**2, np.float32)
        result = cosmic.clean_cosmic_rays(image, variance, objlim=5.0, sigclip=3.7, protect_below_fwhm_px=0)
        rates.append(result.n_events)
    # Counts of a few hundred: Poisson, three sigma of their difference.
    assert min(rates) > 50
    assert abs(rates[0] - rates[1]) < 3 * np.sqrt(sum(rates)) + 0.15 * sum(rates)


def test_quiet_sky_has_hardly_a_hit_of_noise():
    rng = np.random.default_rng(8)
    image = np.round(rng.poisson(400, (1024, 1024)) + rng.normal(0, 9, (1024, 1024))).astype(np.float32)
    variance = np.maximum(image, 0) + np.float32(81)
    # The original finds 18 events here; a normal distribution has 1.4 pixels over 4.7 sigma, Poisson's a little more.
    assert cosmic.clean_cosmic_rays(image, variance).n_events <= 6
    assert as_the_original(image, variance).n_events >= 12


@pytest.mark.parametrize(("y", "x"), [(0, 30), (1, 0), (63, 63), (40, 62), (61, 5)])
def test_a_hit_is_found_up_to_the_last_pixel_of_the_frame(y, x):
    image = np.random.default_rng(9).normal(400, 22, (64, 64)).astype(np.float32)
    image[y, x] += 4000
    result = cosmic.clean_cosmic_rays(image, np.full(image.shape, 481, np.float32))
    assert result.hits[y, x]
    assert abs(result.cleaned[y, x] - 400) < 60


def test_a_bad_pixel_borrows_a_value_and_a_lonely_one_closes_its_neighbours():
    image = np.full((20, 20), 400, np.float32)
    bad = np.zeros(image.shape, bool)
    bad[5, 5] = True
    bad[8:19, 8:19] = True
    image[bad] = 60000
    rows, columns = lend_to_bad_pixels(image, image.copy(), bad, np.zeros(image.shape, bool))
    assert image[5, 5] == 400
    assert image[9, 9] == 400
    assert {(13, 13), (12, 14)} <= set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert image[13, 13] == 60000


def test_the_margin_is_a_mirror():
    plane = np.arange(600, dtype=np.float32).reshape(20, 30)
    assert np.array_equal(mirrored(plane, 8), np.pad(plane, 8, mode="reflect"))


def test_a_protected_pixel_is_no_hit():
    image = np.random.default_rng(7).normal(400, 22, (64, 64)).astype(np.float32)
    image[30, 30] += 4000
    protected = np.zeros(image.shape, bool)
    protected[30, 30] = True
    variance = np.full(image.shape, 481, np.float32)
    assert cosmic.clean_cosmic_rays(image, variance).hits[30, 30]
    assert not cosmic.clean_cosmic_rays(image, variance, protected=protected).hits[30, 30]


def test_the_reference_engine_answers_at_the_same_door(field):
    ours = as_the_original(field.image, field.variance, field.masked)
    theirs = cosmic.clean_cosmic_rays(
        field.image, field.variance, field.masked, objlim=5.0, fwhm_px=2.5, engine="astroscrappy"
    )
    assert np.array_equal(ours.hits, theirs.hits)
    assert ours.n_events == theirs.n_events


def test_a_cut_out_away_from_its_edge_has_the_hits_of_the_whole_frame(field):
    whole = as_the_original(field.image, field.variance).hits
    part = as_the_original(field.image[40:240, 50:290], field.variance[40:240, 50:290]).hits
    # Four passes, each reaching at most 8 pixels further.
    assert np.array_equal(part[32:-32, 32:-32], whole[72:208, 82:258])


def test_stars_touched_counts_cores_only():
    hits = np.zeros((50, 50), bool)
    hits[20, 21] = hits[35, 44] = True
    x = np.array([20.3, 40.0, 10.0, np.nan, 90.0])
    y = np.array([20.2, 35.0, 10.0, 5.0, 5.0])
    assert stars_touched(x, y, 2.5, hits) == (1, 3)


def test_touching_hits_are_one_event():
    image = np.full((64, 64), 400, np.float32)
    for k in range(12):
        image[20 + k, 20 + k] += 3000
    image[50, 20] += 3000
    result = cosmic.clean_cosmic_rays(image, np.full(image.shape, 481, np.float32))
    assert result.n_events == 2


def test_shapes_that_differ_and_useless_limits_are_refused_in_words():
    image = np.ones((20, 20), np.float32)
    with pytest.raises(DataError, match="trim both"):
        cosmic.clean_cosmic_rays(image, image[1:])
    with pytest.raises(DataError, match="one plane"):
        cosmic.clean_cosmic_rays(image[0], image[0])
    with pytest.raises(UsageError, match="sigclip"):
        cosmic.clean_cosmic_rays(image, image, sigclip=0)
    with pytest.raises(UsageError, match="engine"):
        cosmic.clean_cosmic_rays(image, image, engine="other")
    with pytest.raises(UsageError, match="FWHM"):
        cosmic.objlim_for_fwhm(float("nan"))


@pytest.mark.parametrize(("engine", "protect"), [("astep", 8.0), ("astep", 0.0), ("astroscrappy", 8.0)])
def test_in_place_hits_alone_are_changed_and_what_bad_pixels_borrowed_is_given_back(field, engine, protect):
    rng = np.random.default_rng(4)
    masked, bad = rng.random(field.image.shape) < 1e-3, rng.random(field.image.shape) < 5e-3
    image, variance = field.image.copy(), field.image + np.float32(81)
    image[10, 20] = np.nan
    variance[30, 40] = np.inf
    image[bad] = 20_000
    choices = {"engine": engine, "protect_below_fwhm_px": protect}
    margin = cosmic.margin_for(image.shape, engine, protect)
    assert (margin > 0) == (engine == "astep" and protect > 0)
    room, noise = (np.ascontiguousarray(mirrored(plane, margin)) for plane in (image, variance))
    inner = tuple(slice(margin, margin + n) for n in image.shape)
    found = cosmic.replace_cosmic_rays(room, noise, masked, bad, margin=margin, **choices)
    expected = cosmic.clean_cosmic_rays(image, variance, masked, bad, **choices)
    assert found.n_pixels == expected.n_pixels > 300
    assert np.array_equal(found.hits, expected.hits)
    assert np.array_equal(found.cleaned, expected.cleaned, equal_nan=True)
    assert np.shares_memory(found.cleaned, room)
    assert np.array_equal(room[inner][~found.hits], image[~found.hits], equal_nan=True)
    assert np.array_equal(noise[inner], variance)
