"""Master frames: many calibration frames become one.

Every stage here takes the frames of a group as ``opened`` in :mod:`pipeline_core.stages.calibration_group`
describes, and these settings (absent or None where unknown):

- ``name``, ``kind``, ``filter``, ``exposure_s``, ``temperature_c``: for the header
- ``gain_e_per_adu``, ``read_noise_e``, ``saturation_adu``
- ``recipe``: the sections ``combine``, ``flat``, ``mask``, ``overscan`` as dicts; absent ones have their
defaults
- flats: ``dark_scales`` (one per frame: part of the dark current to subtract; 0: the bias alone),
``exposures_s``

and the masters ``bias``, ``dark`` and ``flat`` among their inputs, where there are any. Masters of biases and
darks hold the bias, so that they are subtracted whole; only flats have everything taken off.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline_core.config import CombineSettings, FlatSettings, MaskSettings, RecipeSection
from pipeline_core.errors import DataError
from pipeline_core.io.masters_file import HeaderValues, read_master, write_mask, write_master
from pipeline_core.science import flat as flats
from pipeline_core.science import flat_stars, pixel_mask
from pipeline_core.science.combine import (
    ROUNDING_VARIANCE,
    Clip,
    Combined,
    Correction,
    NoiseModel,
    combine_band,
    combine_by_ccdproc,
    corrected,
    noise_model,
)
from pipeline_core.science.gain import GainEstimate, gain_from_pairs
from pipeline_core.stage import Made, Stage
from pipeline_core.stages.calibration_group import CalibrationGroup, as_float, opened, pair_noise
from pipeline_core.stages.flat_dark import dark_of_flats, without_idle_dark
from pipeline_core.types import MaskBit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline_core.io.bands import Band

SectionT = TypeVar("SectionT", bound=RecipeSection)

UNKNOWN_GAIN_E_PER_ADU = 1.0
"""Where nothing is known: only the Poisson part of the clipping model depends on it."""
UNKNOWN_READ_NOISE_E = 10.0


def make_bias(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Combine biases. See :func:`make_dark`, which does the same with an exposure."""
    return _make_zero_level(settings, inputs, out, threads)


def make_dark(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Combine darks of one exposure and temperature; the master holds the bias.

    Parameters
    ----------
    settings, inputs, out, threads
        As :data:`pipeline_core.stage.Make`; see the module for the settings.

    Returns
    -------
    dict
        ``n_frames``, ``level_adu``, ``noise_adu`` (of one frame, from differences), ``levels_adu`` (of each
        frame), ``clipped_fraction`` (of all values), ``master_noise_adu``.

    Notes
    -----
    The noise to clip against is measured on differences of the frames themselves, at their common level, with
    what the header says only where there is a single frame; pixels above that level get the Poisson noise of
    their excess. The level of a camera drifts by an ADU or so from frame to frame: each frame is shifted to
    the mean level first, so that a pixel's master value does not depend on which frames were clipped there.
    """
    return _make_zero_level(settings, inputs, out, threads)


def make_flat(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Combine flats of one filter: dark off, stars masked, scaled to a common level, clipped, median 1.

    Parameters
    ----------
    settings, inputs, out, threads
        As :data:`pipeline_core.stage.Make`; see the module for the settings.

    Returns
    -------
    dict
        ``n_frames``, ``levels_adu``, ``tilts`` (per frame: percent peak to valley against the others),
        ``tilt_angles_deg``, ``star_fraction`` (per frame, masked), ``hidden_pixels`` (interpolated: under a
        star in every flat), ``clipped_fraction``, ``level_adu`` (common level, the unit of 1).
    """
    recipe = _section(settings, "flat", FlatSettings)
    gain, read_noise_adu = _camera(settings)
    with opened(settings, inputs, threads) as group, dark_of_flats(inputs, group.shape) as (base, current):
        scales = settings.get("dark_scales") or [0.0 if current is None else 1.0] * group.n_frames
        correction = Correction(
            offsets=np.ascontiguousarray(group.row_zero), scale=np.ones(group.n_frames, np.float32),
            weight=np.ones(group.n_frames, np.float32), dark_scale=np.asarray(scales, np.float32), base=base,
            current=current, saturation_adu=settings.get("saturation_adu") or np.inf, block_px=flat_stars.BLOCK_PX,
        )  # fmt: skip
        correction = without_idle_dark(correction)
        levels, lighting, blocked = _first_looks(
            group, correction, settings.get("exposures_s"), stars=recipe.mask_stars, threads=threads
        )
        common = float(np.median(levels))
        scale = (common / levels).astype(np.float32)
        noise = noise_model(group.n_frames, read_noise_adu, gain, scale)
        # Where frames are lit differently, a difference of that size is no hit.
        uneven = np.array([light.rms * common for light in lighting], np.float32)
        noise = NoiseModel(noise.floor + uneven**2, noise.slope, noise.zero)
        correction = _replaced(
            correction, scale=scale, weight=flats.inverse_variance_weights(levels, read_noise_adu, gain),
            blocked=blocked if blocked is not None and blocked.any() else None,
        )  # fmt: skip
        master = _combined(group, correction, Clip(_clip_method(settings), recipe.sigma), noise, settings)
    hidden = flats.fill_hidden(master, np.asarray(blocked.all(axis=0))) if blocked is not None else 0
    _, level = flats.normalised(master.image, np.isfinite(master.image))
    np.multiply(master.uncertainty, np.float32(1 / level), out=master.uncertainty)
    tilts = [round(light.tilt_percent, 3) for light in lighting]
    header = _header(settings, group.n_frames) | {
        "HOLDBIAS": (False, "nothing is left in it but the response to light"),
        "FLATNORM": (level, "[ADU] level that was scaled to 1"),
        "NHIDDEN": (hidden, "[px] interpolated: a star in every flat"),
    }
    write_master(out, master.image, header, master.uncertainty, master.n_used)
    return {
        "n_frames": group.n_frames, "level_adu": level, "levels_adu": levels.tolist(), "tilts": tilts,
        "tilt_angles_deg": [round(light.tilt_angle_deg, 1) for light in lighting],
        "star_fraction": [0.0] * group.n_frames if blocked is None else [float(b.mean()) for b in blocked],
        "hidden_pixels": hidden, "clipped_fraction": _clipped_fraction(master, group.n_frames),
    }  # fmt: skip


def make_mask(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Make the mask of bad, hot and unstable pixels from a flat, a dark and its frames.

    Parameters
    ----------
    settings, inputs, out, threads
        As :data:`pipeline_core.stage.Make`. Frames, if any, are the darks of the master ``dark``; ``flat`` is
        optional.

    Returns
    -------
    dict
        ``bad``, ``hot``, ``unstable`` (pixels), ``fraction`` (of the chip), ``hot_sigma`` (the threshold
        used).
    """
    recipe = _section(settings, "mask", MaskSettings)
    floor = _section(settings, "flat", FlatSettings).floor
    bits: npt.NDArray[np.uint8] | None = None
    hot_sigma = recipe.hot_sigma
    if "flat" in inputs:
        flat = read_master(inputs["flat"], with_uncertainty=False).image
        bits = np.zeros(flat.shape, np.uint8)
        bits |= np.where(
            pixel_mask.bad_in_flat(flat, recipe.bad_sigma, floor, threads), np.uint8(MaskBit.BAD), np.uint8(0)
        )
    if "dark" in inputs:
        dark = read_master(inputs["dark"])
        bits = np.zeros(dark.image.shape, np.uint8) if bits is None else bits
        bits[~np.isfinite(dark.image)] |= MaskBit.BAD
        hot, hot_sigma = pixel_mask.hot_in_dark(
            dark.image, recipe.hot_sigma, recipe.max_fraction, threads, uncertainty=dark.uncertainty
        )
        bits[hot] |= MaskBit.HOT
        if settings.get("frames"):
            bits[_unstable(settings, inputs, threads, recipe)] |= MaskBit.UNSTABLE
    if bits is None:
        raise DataError(
            "cannot make a mask",
            why="there is neither a flat nor a dark",
            hint="add flats or darks to the night",
        )
    counts = {
        word: int(np.count_nonzero(bits & bit))
        for word, bit in (("bad", MaskBit.BAD), ("hot", MaskBit.HOT), ("unstable", MaskBit.UNSTABLE))
    }
    header: HeaderValues = {"MASKNAME": (str(settings.get("name", "mask")), "")} | {
        f"N{word.upper()}"[:8]: (number, f"[px] {word}") for word, number in counts.items()
    }
    write_mask(out, bits, header)
    return {**counts, "fraction": float(np.count_nonzero(bits) / bits.size), "hot_sigma": float(hot_sigma)}


def measure_gain(settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int) -> GainEstimate:
    """Measure gain and read noise from frames that a group's settings name.

    Parameters
    ----------
    settings : mapping
        As for the masters, with ``n_flats``: the first so many frames are flats of one filter, the others
        biases.
    inputs : mapping of name to file
    threads : int
        Reading only.

    Returns
    -------
    GainEstimate
    """
    n_flats = settings["n_flats"]
    with opened(settings, inputs, threads) as group:
        ny, nx = group.shape
        # A thousand rows around the middle hold more than the million pixels that are looked at.
        rows = min(ny, 1024)
        first = (ny - rows) // 2
        stack = np.empty((group.n_frames, rows, nx), np.float32)

        def keep(band: Band, y0: int, y1: int) -> None:
            a, b = max(y0, first), min(y1, first + rows)
            if a < b:
                values = as_float(band[:, a - y0 : b - y0])[:, :, group.trim.x0 : group.trim.x1]
                stack[:, a - first : b - first] = values - group.row_zero[:, a:b, None]

        group.for_each_band(keep)
    limit = 0.9 * (settings.get("saturation_adu") or np.inf)  # cameras bend before they saturate
    return gain_from_pairs(list(stack[:n_flats]), list(stack[n_flats:]), limit)


BIAS = Stage("master bias", 3, make_bias, wide=True)
DARK = Stage("master dark", 3, make_dark, wide=True)
FLAT = Stage("master flat", 3, make_flat, wide=True)
MASK = Stage("pixel mask", 1, make_mask, wide=True)


def _make_zero_level(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    clip = Clip(_clip_method(settings), _section(settings, "combine", CombineSettings).sigma)
    with opened(settings, inputs, threads) as group:
        levels, variance = pair_noise(group.sample())
        gain, read_noise_adu = _camera(settings)
        if not np.isfinite(variance):
            variance = read_noise_adu**2
        drift = levels - levels.mean()
        if clip.method != "noise" or np.abs(drift).max() < 0.1 * np.sqrt(variance):
            drift = np.zeros_like(drift)  # as read: whole numbers stay whole
        correction = Correction.none(group.n_frames, group.shape[0])
        correction = _replaced(
            correction, offsets=np.ascontiguousarray(group.row_zero + drift[:, None].astype(np.float32))
        )
        noise = NoiseModel(
            np.full(group.n_frames, max(variance, ROUNDING_VARIANCE), np.float32),
            np.full(group.n_frames, 1 / gain, np.float32), float(levels.mean()),
        )  # fmt: skip
        master = _combined(group, correction, clip, noise, settings)
    noise_adu = float(np.sqrt(variance))
    header = _header(settings, group.n_frames) | {
        "HOLDBIAS": (True, "the bias level is in it"),
        "LEVEL": (float(levels.mean()), "[ADU] usual level of the frames"),
        "NOISE": (noise_adu, "[ADU] of one frame, from differences"),
    }
    write_master(out, master.image, header, master.uncertainty, master.n_used)
    return {
        "n_frames": group.n_frames, "level_adu": float(levels.mean()), "noise_adu": noise_adu,
        "levels_adu": levels.tolist(), "clipped_fraction": _clipped_fraction(master, group.n_frames),
        "master_noise_adu": noise_adu / np.sqrt(group.n_frames),
    }  # fmt: skip


def _combined(
    group: CalibrationGroup,
    correction: Correction,
    clip: Clip,
    noise: NoiseModel,
    settings: Mapping[str, Any],
) -> Combined:
    """Combine the frames band by band, or all at once where ccdproc itself is asked for."""
    out = Combined.empty(group.shape)
    by_ccdproc = _section(settings, "combine", CombineSettings).engine == "ccdproc"
    x0, x1 = group.trim.x0, group.trim.x1
    stack = np.empty((group.n_frames, *group.shape), np.float32) if by_ccdproc else None

    def work(band: Band, y0: int, y1: int) -> None:
        if stack is not None:
            stack[:, y0:y1] = corrected(as_float(band)[:, :, x0:x1], correction, y0)
        else:
            combine_band(band, correction, clip, noise, out.rows(y0, y1), y0=y0, x_start=x0)

    group.for_each_band(work)
    return out if stack is None else combine_by_ccdproc(stack, clip)


def _first_looks(
    group: CalibrationGroup,
    correction: Correction,
    exposures_s: Sequence[float] | None,
    *,
    stars: bool,
    threads: int,
) -> tuple[npt.NDArray[np.float64], list[flats.Illumination], npt.NDArray[np.bool_] | None]:
    """Find level and light of each flat, and which blocks stars hide, as :func:`flat_stars.star_blocks` gives them."""
    looks = _looks(group, correction, stars=stars, threads=threads)
    levels = np.array([look.level_adu for look in looks])
    return levels, flats.illuminations(looks), flat_stars.star_blocks(looks, exposures_s, threads) if stars else None


def _looks(group: CalibrationGroup, correction: Correction, *, stars: bool, threads: int) -> list[flat_stars.FlatFrame]:
    """Look at each flat by itself."""
    ny = group.shape[0]
    # Every flat wants all of it: read once for the looks, by rows when they are combined and memory is dear.
    masters = {"base": correction.base, "current": correction.current}
    whole = {name: None if of is None else of[0:ny] for name, of in masters.items()}
    seen = _replaced(correction, **whole)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        return list(pool.map(lambda frame: _look(group, seen, frame, stars=stars), range(group.n_frames)))


def _look(group: CalibrationGroup, correction: Correction, frame: int, *, stars: bool) -> flat_stars.FlatFrame:
    """Bin one flat as its bands come in, and look at it."""
    ny, nx = group.shape
    shape = (-(-ny // flat_stars.BLOCK_PX), -(-nx // flat_stars.BLOCK_PX))
    mean, faint = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def work(band: Band, y0: int, _: int) -> None:
        flat_stars.bin_band(band, correction, frame, y0, (group.trim.x0, group.trim.x1), mean, faint)

    group.one(frame)(work)
    return flat_stars.first_look(mean, faint, find_stars=stars)


def _unstable(
    settings: Mapping[str, Any], inputs: Mapping[str, Path], threads: int, recipe: MaskSettings
) -> npt.NDArray[np.bool_]:
    """Find pixels that scatter between darks by more than their noise allows."""
    with opened(settings, inputs, threads) as group:
        levels, variance = pair_noise(group.sample())
        if group.n_frames < 4:
            return np.zeros(group.shape, np.bool_)
        gain, _ = _camera(settings)
        correction = _replaced(
            Correction.none(group.n_frames, group.shape[0]),
            offsets=(group.row_zero + (levels - levels.mean())[:, None]).astype(np.float32),
        )
        scatter = np.empty(group.shape, np.float32)
        x0 = group.trim.x0
        # A pixel that switches between two levels scatters by half of what they are apart.
        least = recipe.unstable_sigma / 2

        def work(band: Band, y0: int, y1: int) -> None:
            pixel_mask.unstable_in_band(
                band, correction, max(variance, ROUNDING_VARIANCE), gain, float(levels.mean()),
                scatter[y0:y1], least=least, y0=y0, x_start=x0,
            )  # fmt: skip

        group.for_each_band(work)
    unstable = scatter > least
    allowed = int(recipe.max_fraction * unstable.size)
    if np.count_nonzero(unstable) > allowed:
        unstable = scatter > np.partition(scatter.ravel(), scatter.size - allowed - 1)[scatter.size - allowed - 1]
    return unstable


def _camera(settings: Mapping[str, Any]) -> tuple[float, float]:
    """Gain (e⁻/ADU) and read noise (ADU)."""
    gain = float(settings.get("gain_e_per_adu") or UNKNOWN_GAIN_E_PER_ADU)
    read_noise_e = settings.get("read_noise_e")
    return gain, float(UNKNOWN_READ_NOISE_E if read_noise_e is None else read_noise_e) / gain


def _clip_method(settings: Mapping[str, Any]) -> Any:
    return _section(settings, "combine", CombineSettings).clip


def _section(settings: Mapping[str, Any], name: str, section: type[SectionT]) -> SectionT:
    return section(**settings.get("recipe", {}).get(name, {}))


def _replaced(correction: Correction, **changes: Any) -> Correction:
    return Correction(**{**correction.__dict__, **changes})


def _clipped_fraction(master: Combined, n_frames: int) -> float:
    """Part of all values that was not used (counts above 255 are not resolved)."""
    most = min(n_frames, 255)
    return float(1 - np.mean(master.n_used, dtype=np.float64) / most)


def _header(settings: Mapping[str, Any], n_frames: int) -> dict[str, tuple[str | float | int | bool, str]]:
    """Cards that all masters have; unknown values are left out."""
    cards: dict[str, tuple[str | float | int | bool, str]] = {
        "NCOMBINE": (n_frames, "frames combined"),
        "CLIP": (_clip_method(settings), "how values were rejected"),
    }
    for keyword, name, comment in (
        ("MASTER", "name", "name of this master"), ("IMAGETYP", "kind", "made from these frames"),
        ("FILTER", "filter", "filter"), ("EXPTIME", "exposure_s", "[s] exposure of each frame"),
        ("CCD-TEMP", "temperature_c", "[deg C]"), ("GAIN", "gain_e_per_adu", "[electron/ADU]"),
        ("RDNOISE", "read_noise_e", "[electron]"), ("SATURATE", "saturation_adu", "[ADU]"),
    ):  # fmt: skip
        if settings.get(name) is not None:
            cards[keyword] = (settings[name], comment)
    if settings.get("kind") != "flat":
        cards["BUNIT"] = ("adu", "")
    return cards
