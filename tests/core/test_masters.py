"""Masters from raw files: what the stages write and report."""

from dataclasses import asdict

import numpy as np
import pytest
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_file import read_layout
from pipeline_core.io.masters_file import read_mask, read_master
from pipeline_core.stages.masters import BIAS, DARK, FLAT, MASK, measure_gain
from pipeline_core.types import MaskBit

GAIN, READ_NOISE_E, SATURATION = 2.0, 8.0, 65535.0
SHAPE = (128, 256)
BIAS_ADU = 1000.0


class Camera:
    """A chip with a known bias pattern, dark current and response."""

    def __init__(self, seed=11):
        self.rng = np.random.default_rng(seed)
        self.bias = BIAS_ADU + self.rng.normal(0, 3, SHAPE)
        self.dark_rate = np.full(SHAPE, 0.2)  # e/s
        self.hot = self.rng.random(SHAPE) < 0.004
        self.dark_rate[self.hot] = 30.0
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
        self.response = (1 - 0.3 * ((x / 256 - 0.5) ** 2 + (y / 128 - 0.5) ** 2)) * self.rng.normal(1, 0.01, SHAPE)
        self.response[60, 100] = 0.03
        self.response /= np.median(self.response)

    def expose(self, exposure_s=0.0, light_e=0.0, drift=0.0):
        electrons = self.rng.poisson(self.dark_rate * exposure_s + self.response * light_e)
        noise = self.rng.normal(0, READ_NOISE_E, SHAPE)
        return np.clip(np.round(self.bias + drift + (electrons + noise) / GAIN), 0, 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def camera():
    return Camera()


def task(folder, images, dtype=np.uint16, **more):
    """Settings and inputs as the plan gives them to a stage."""
    folder.mkdir(exist_ok=True)
    inputs, layouts = {}, []
    for index, image in enumerate(images):
        path = folder / f"{index}.fits"
        fits.PrimaryHDU(image.astype(dtype)).writeto(path)
        inputs[f"frame_{index:03d}"] = path
        layouts.append(asdict(read_layout(path)[1]))
    known = {"gain_e_per_adu": GAIN, "read_noise_e": READ_NOISE_E, "saturation_adu": SATURATION}
    frames = [path.name for path in inputs.values()]
    return {"frames": frames, "layouts": layouts, "shape": list(images[0].shape), **known, **more}, inputs


def make(stage, out, settings, inputs, **masters):
    return stage.make(settings, {**inputs, **masters}, out, 2)


@pytest.fixture(scope="module")
def night(tmp_path_factory, camera):
    """Master bias, dark and flat of the simulated chip, with what each stage reported."""
    root = tmp_path_factory.mktemp("night")
    made = {}
    biases = task(root / "b", [camera.expose() for _ in range(9)], name="bias", kind="bias")
    made["bias"] = make(BIAS, root / "bias.fits", *biases)
    images = [camera.expose(60, drift=d) for d in (0, 1, -1, 2, 0, -2, 1)]
    images[2][30, 40] += 2000
    darks = task(root / "d", images, name="dark_60s", kind="dark", exposure_s=60.0, temperature_c=-10.0)
    made["dark"] = make(DARK, root / "dark.fits", *darks)
    flats = task(
        root / "f", [camera.expose(6, light) for light in (60000, 48000, 38000, 30000, 24000)], name="flat_V",
        kind="flat", filter="V", exposure_s=6.0, dark_scales=[0.1] * 5,
    )  # fmt: skip
    made["flat"] = make(FLAT, root / "flat.fits", *flats, bias=root / "bias.fits", dark=root / "dark.fits")
    made["mask"] = make(MASK, root / "mask.fits", *darks, dark=root / "dark.fits", flat=root / "flat.fits")
    return root, made


def test_the_master_bias_is_the_bias_pattern_within_its_uncertainty(night, camera):
    root, made = night
    master = read_master(root / "bias.fits", with_counts=True)
    pull = (master.image - camera.bias) / master.uncertainty
    # The fixture holds 32,768 pixels: the mean pull is known to 0.006; frame levels are known to 0.02 ADU each.
    assert abs(pull.mean()) < 0.05
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    assert made["bias"]["noise_adu"] == pytest.approx(np.hypot(READ_NOISE_E / GAIN, 12**-0.5), rel=0.02)
    assert master.holds_bias
    assert master.header["NCOMBINE"] == 9
    assert master.n_used.mean() > 8.99


def test_a_master_dark_holds_the_bias_and_loses_the_hit_in_spite_of_drift(night, camera):
    root, made = night
    master = read_master(root / "dark.fits", with_counts=True)
    truth = camera.bias + camera.dark_rate * 60 / GAIN + 1 / 7
    pull = (master.image - truth) / master.uncertainty
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    assert abs(pull[30, 40]) < 4
    assert master.n_used[30, 40] == 6
    assert master.holds_bias
    assert (master.header["EXPTIME"], master.header["CCD-TEMP"]) == (60.0, -10.0)
    np.testing.assert_allclose(np.diff(made["dark"]["levels_adu"])[:3], [1, -2, 3], atol=0.15)


def test_the_master_flat_is_the_response_within_its_uncertainty(night, camera):
    root, made = night
    master = read_master(root / "flat.fits", with_counts=True)
    good = np.ones(SHAPE, bool)
    good[60, 100] = False
    pull = ((master.image - camera.response) / master.uncertainty)[good]
    assert np.median(master.image) == pytest.approx(1.0, abs=1e-6)
    # The dark and bias masters' own noise is not in the flat's uncertainty; it adds a percent or two.
    assert pull.std() == pytest.approx(1.0, abs=0.05)
    assert not master.holds_bias
    assert master.header["FILTER"] == "V"
    assert max(made["flat"]["tilts"]) < 0.2
    assert made["flat"]["hidden_pixels"] == 0


def test_the_mask_names_the_dead_and_the_hot(night, camera):
    root, made = night
    mask = read_mask(root / "mask.fits")
    assert mask.dtype == np.uint8
    assert mask[60, 100] & MaskBit.BAD
    assert ((mask[camera.hot] & MaskBit.HOT) > 0).mean() > 0.99
    assert made["mask"]["fraction"] == pytest.approx(np.count_nonzero(mask) / mask.size)
    assert (mask[~camera.hot] > 0).mean() < 1e-3


def test_stars_that_cross_the_flats_leave_no_trace(tmp_path, camera):
    images = []
    for index, light in enumerate((60000, 48000, 38000, 30000, 24000)):
        image = camera.expose(0, light)
        for y in (40, 90):
            image[y : y + 4, 100 + 15 * index : 104 + 15 * index] += 3000
        images.append(image)
    settings, inputs = task(tmp_path / "f", images, kind="flat", filter="V")
    bias = tmp_path / "bias.fits"
    make(BIAS, bias, *task(tmp_path / "b", [camera.expose() for _ in range(5)], kind="bias"))
    report = make(FLAT, tmp_path / "flat.fits", settings, inputs, bias=bias)
    master = read_master(tmp_path / "flat.fits", with_counts=True)
    pull = (master.image - camera.response) / master.uncertainty
    trail = np.zeros(SHAPE, bool)
    trail[40:44, 100:165] = trail[90:94, 100:165] = True
    assert abs(pull[trail].mean()) < 0.3
    assert (master.n_used[40:44, 100:104] == 4).all()
    assert 0 < max(report["star_fraction"]) < 0.08  # two bright stars with their wings on a small chip


def test_a_followed_star_is_interpolated_and_said(tmp_path, camera):
    images = [camera.expose(0, light) for light in (90000, 60000, 40000, 26000)]
    for image in images:
        image[40:44, 120:124] += 2500
    settings, inputs = task(tmp_path / "f", images, kind="flat", filter="V", exposures_s=[1.0] * 4)
    bias = tmp_path / "bias.fits"
    make(BIAS, bias, *task(tmp_path / "b", [camera.expose() for _ in range(5)], kind="bias"))
    report = make(FLAT, tmp_path / "flat.fits", settings, inputs, bias=bias)
    master = read_master(tmp_path / "flat.fits", with_counts=True)
    assert report["hidden_pixels"] >= 16
    assert (master.n_used[40:44, 120:124] == 0).all()
    np.testing.assert_allclose(master.image[40:44, 120:124], camera.response[40:44, 120:124], atol=0.05)


def test_flats_of_very_different_level_combine_without_losing_the_bright_ones(tmp_path, camera):
    images = [camera.expose(0, light) for light in (100000, 20000, 20500, 21000)]
    settings, inputs = task(tmp_path / "f", images, kind="flat", filter="V")
    bias = tmp_path / "bias.fits"
    make(BIAS, bias, *task(tmp_path / "b", [camera.expose() for _ in range(5)], kind="bias"))
    make(FLAT, tmp_path / "flat.fits", settings, inputs, bias=bias)
    counts = read_master(tmp_path / "flat.fits", with_counts=True).n_used
    assert counts.mean() > 3.9


def test_overscan_and_pedestal_come_off_and_the_rest_is_trimmed(tmp_path):
    rng = np.random.default_rng(3)
    levels = np.array([300.0, 305.0, 310.0, 295.0])
    images = [rng.normal(level + 100, 4, (64, 90)).round() for level in levels]
    for image in images:
        image[:, :70] += 50  # lit columns are 50 ADU above the overscan
    settings, inputs = task(
        tmp_path / "b", images, kind="bias", overscan=[0, 64, 70, 90], trim=[4, 60, 2, 66], pedestal_adu=[20.0] * 4,
        recipe={"overscan": {"use": "auto", "section": None, "trim": None, "order": 0}},
    )  # fmt: skip
    make(BIAS, tmp_path / "bias.fits", settings, inputs)
    master = read_master(tmp_path / "bias.fits")
    assert master.image.shape == (56, 64)
    assert master.image.mean() == pytest.approx(30, abs=0.3)


def test_float_files_and_plain_words_give_the_same_master(tmp_path, camera):
    images = [camera.expose() for _ in range(5)]
    make(BIAS, tmp_path / "w.fits", *task(tmp_path / "w", images, kind="bias"))
    make(BIAS, tmp_path / "f.fits", *task(tmp_path / "f", images, np.float32, kind="bias"))
    words, floats = read_master(tmp_path / "w.fits"), read_master(tmp_path / "f.fits")
    np.testing.assert_array_equal(words.image, floats.image)


def test_the_ccdproc_engine_agrees_with_ours_in_ccdproc_mode(tmp_path, camera):
    images = [camera.expose() for _ in range(12)]
    for engine in ("astep", "ccdproc"):
        recipe = {"combine": {"engine": engine, "clip": "ccdproc", "sigma": 3.0}}
        make(BIAS, tmp_path / f"{engine}.fits", *task(tmp_path / engine, images, kind="bias", recipe=recipe))
    ours, theirs = read_master(tmp_path / "astep.fits"), read_master(tmp_path / "ccdproc.fits")
    np.testing.assert_allclose(ours.image, theirs.image, atol=1e-3)


def test_the_gain_of_the_camera_is_found_from_its_files(tmp_path, camera):
    images = [camera.expose(0, 40000), camera.expose(0, 40000), camera.expose(), camera.expose(), camera.expose()]
    settings, inputs = task(tmp_path / "g", images, n_flats=2)
    estimate = measure_gain(settings, inputs, 1)
    assert estimate.gain_e_per_adu == pytest.approx(GAIN, rel=0.04)
    assert estimate.read_noise_e == pytest.approx(READ_NOISE_E, rel=0.04)


def test_a_mask_of_nothing_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither a flat nor a dark"):
        make(MASK, tmp_path / "mask.fits", {}, {})


def test_a_bias_of_another_size_is_refused_with_the_sizes(tmp_path, camera):
    small = [camera.expose()[:64] for _ in range(3)]
    make(BIAS, tmp_path / "bias.fits", *task(tmp_path / "b", small, kind="bias"))
    settings, inputs = task(tmp_path / "f", [camera.expose(0, 40000) for _ in range(3)], kind="flat")
    with pytest.raises(DataError, match=r"256 x 64.*256 x 128"):
        make(FLAT, tmp_path / "flat.fits", settings, inputs, bias=tmp_path / "bias.fits")


def test_a_master_opens_in_astropy_with_unit_and_uncertainty(night):
    from astropy.nddata import CCDData

    ccd = CCDData.read(night[0] / "bias.fits")
    assert str(ccd.unit) == "adu"
    assert ccd.uncertainty.array.shape == SHAPE


def test_a_file_that_is_no_master_is_refused_with_a_hint(tmp_path):
    path = tmp_path / "x.fits"
    path.write_bytes(b"no fits at all")
    with pytest.raises(DataError, match="cannot read the master") as error:
        read_master(path)
    assert error.value.hint
