"""The camera of the demo night: what its chip does to light, and what it writes without any.

Counts are ``bias + (light · flat + dark · t + cosmic rays + noise) / gain``, rounded and clipped at 16
bits. The noise is one Gaussian of variance (electrons + read noise²): with 9 e⁻ of read noise the
skewness that Poisson would add never exceeds 0.05, and a frame costs one random number a pixel instead of
two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from pipeline_core.types import Image

GAIN_E_PER_ADU = 2.0
READ_NOISE_E = 9.0
BIAS_ADU = 1000.0
BIAS_COLUMNS_ADU = 1.5  # scatter of the columns' zero levels
BIAS_RAMP_ADU = 4.0  # from the first row read to the last
BIAS_DRIFT_ADU = 0.1  # of whole frames
DARK_E_PER_S = 0.05  # a cooled KAF-16801E
HOT_FRACTION = 1.5e-3
HOT_MEAN_E_PER_S = 15.0
DEAD_FRACTION = 2e-5
DEAD_RESPONSE = 0.2
UNSTABLE_FRACTION = 1e-4
UNSTABLE_E_PER_S = (5.0, 30.0)  # size of the random telegraph step
PIXEL_RESPONSE = 0.012  # scatter from pixel to pixel
FULL_WELL_E = 140_000.0  # above the converter's 129,000 e⁻: what bleeds also reads 65535
FULL_SCALE_ADU = 65535
DUST = {"R": (8, 0.05), "V": (12, 0.07)}  # rings for a 1024² chip, and their depth
VIGNETTING = {"R": 0.15, "V": 0.22}  # light lost in the corners
FILTERS = ("R", "V")
COSMICS_PER_MPX = 60.0  # in 90 s; about ten times the sky's own rate, so that few frames say much
TRACK_E_PER_PX = (250.0, 6000.0)  # charge along one pixel of path


@dataclass(frozen=True)
class Detector:
    """The chip, pixel by pixel. Arrays are (ny, nx); positions are flat indices into them."""

    size: int
    flats: dict[str, Image]
    """Response by filter; median 1."""
    columns_adu: npt.NDArray[np.float32]
    hot: npt.NDArray[np.int64]
    hot_e_per_s: npt.NDArray[np.float32]
    dead: npt.NDArray[np.int64]
    unstable: npt.NDArray[np.int64]
    unstable_e_per_s: npt.NDArray[np.float32]

    def bias_adu(self) -> Image:
        """Return the noiseless zero level, (ny, nx) float32, ADU."""
        ramp = np.linspace(-0.5, 0.5, self.size, dtype=np.float32) * np.float32(BIAS_RAMP_ADU)
        level: Image = np.float32(BIAS_ADU) + self.columns_adu[None, :] + ramp[:, None]
        return level

    def dark_e_per_s(self) -> Image:
        """Return the dark current without unstable steps: (ny, nx) float32, electrons a second."""
        dark = np.full(self.size * self.size, DARK_E_PER_S, np.float32)
        dark[self.hot] += self.hot_e_per_s
        return dark.reshape(self.size, self.size)


def make_detector(size: int, seed: int, *, vignetting: float | None = None) -> Detector:
    """Make the chip of one demo night.

    Parameters
    ----------
    size : int
        Pixels a side.
    seed : int
    vignetting : float or None
        Light lost in the corners, in every filter: 0.6 leaves 40 %. None: :data:`VIGNETTING`.
    """
    rng = np.random.default_rng([seed, 1])
    response = rng.standard_normal((size, size), dtype=np.float32)
    response *= np.float32(PIXEL_RESPONSE)
    response += 1
    count = size * size
    special = rng.permutation(
        rng.choice(count, _number(count, DEAD_FRACTION + HOT_FRACTION + UNSTABLE_FRACTION), replace=False)
    )
    n_dead, n_unstable = _number(count, DEAD_FRACTION), _number(count, UNSTABLE_FRACTION)
    dead, unstable, hot = np.split(special, [n_dead, n_dead + n_unstable])
    response.reshape(-1)[dead] = DEAD_RESPONSE
    flats = {}
    for name in FILTERS:
        lost = VIGNETTING[name] if vignetting is None else vignetting
        flats[name] = _flat(response, name, lost, rng)
    return Detector(
        size,
        flats,
        rng.normal(0, BIAS_COLUMNS_ADU, size).astype(np.float32),
        hot,
        rng.exponential(HOT_MEAN_E_PER_S, len(hot)).astype(np.float32),
        dead,
        unstable,
        rng.uniform(*UNSTABLE_E_PER_S, len(unstable)).astype(np.float32),
    )


def _number(count: int, fraction: float) -> int:
    """Return how many pixels a fraction is; at least three, so that the smallest night has some of each."""
    return max(3, round(count * fraction))


def _flat(response: Image, name: str, lost: float, rng: np.random.Generator) -> Image:
    """Return the response in one filter: vignetting, dust rings, pixels; median 1."""
    size = len(response)
    axis = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) / np.float32(size / 2)
    flat = 1 - np.float32(lost / 2) * (axis[:, None] ** 2 + axis[None, :] ** 2)
    number, depth = DUST[name]
    for _ in range(max(2, round(number * (size / 1024) ** 2))):
        x, y, radius = rng.uniform(0, size), rng.uniform(0, size), rng.uniform(12, 30)
        reach = int(radius + 16)
        rows = np.arange(max(0, int(y) - reach), min(size, int(y) + reach))
        columns = np.arange(max(0, int(x) - reach), min(size, int(x) + reach))
        ring = np.hypot(columns[None, :] - x, rows[:, None] - y) - radius
        flat[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] *= 1 - depth * np.exp(
            -((ring / 4) ** 2)
        ).astype(np.float32)
    flat *= response
    flat /= np.median(flat)
    return flat.astype(np.float32, copy=False)


@dataclass(frozen=True)
class CosmicHits:
    """Charge left by cosmic rays in one frame, pixel by pixel."""

    pixel: npt.NDArray[np.int64]
    """Flat index; a pixel may be hit twice."""
    electrons: npt.NDArray[np.float32]
    event: npt.NDArray[np.int32]
    """Number of the ray."""


def cosmic_hits(size: int, exposure_s: float, per_mpx: float, rng: np.random.Generator) -> CosmicHits:
    """Let rays go through the chip: straight tracks, charge in proportion to the path inside each pixel.

    Parameters
    ----------
    size : int
        Pixels a side.
    exposure_s : float
    per_mpx : float
        Rays in 90 s on 2²⁰ pixels.
    rng : Generator
    """
    number = int(rng.poisson(per_mpx * size * size / 2**20 * exposure_s / 90))
    x0, y0 = rng.uniform(0, size, number), rng.uniform(0, size, number)
    length = np.minimum(1 + rng.exponential(4, number), 30)
    angle = rng.uniform(0, 2 * np.pi, number)
    charge = np.exp(rng.uniform(np.log(TRACK_E_PER_PX[0]), np.log(TRACK_E_PER_PX[1]), number))
    step = 0.1  # px of path: fine enough that a pixel's share is right to a tenth
    pixels, electrons, events = [], [], []
    for ray in range(number):
        along = np.arange(0, length[ray], step)
        x = np.rint(x0[ray] + along * np.cos(angle[ray])).astype(int)
        y = np.rint(y0[ray] + along * np.sin(angle[ray])).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < size) & (y < size)
        pixel, steps = np.unique(y[inside] * size + x[inside], return_counts=True)
        pixels.append(pixel)
        electrons.append(charge[ray] * step * steps * rng.uniform(0.7, 1.3, len(pixel)))
        events.append(np.full(len(pixel), ray))
    if not pixels:
        return CosmicHits(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.int32))
    return CosmicHits(
        np.concatenate(pixels).astype(np.int64),
        np.concatenate(electrons).astype(np.float32),
        np.concatenate(events).astype(np.int32),
    )


def expose(
    detector: Detector,
    light: Image | None,
    exposure_s: float,
    hits: CosmicHits | None,
    rng: np.random.Generator,
    *,
    bias_adu: Image,
    dark_e_per_s: Image,
) -> npt.NDArray[np.uint16]:
    """Turn light into the counts of one raw frame.

    Parameters
    ----------
    detector : Detector
    light : (ny, nx) float32 or None
        Expected electrons after the flat's response; None with the shutter closed. Overwritten.
    exposure_s : float
    hits : CosmicHits or None
    rng : Generator
        The frame's own.
    bias_adu, dark_e_per_s : (ny, nx) float32
        Of this detector, made once a night.

    Returns
    -------
    (ny, nx) uint16, ADU
    """
    electrons = dark_e_per_s * np.float32(exposure_s) if light is None else light
    if light is not None and exposure_s > 0:
        electrons += dark_e_per_s * np.float32(exposure_s)
    flat_view = electrons.reshape(-1)
    jumped = rng.random(len(detector.unstable)) < 0.5
    flat_view[detector.unstable[jumped]] += detector.unstable_e_per_s[jumped] * np.float32(exposure_s)
    noise = rng.standard_normal(electrons.shape, dtype=np.float32)
    noise *= np.sqrt(electrons + np.float32(READ_NOISE_E**2))
    if hits is not None:
        # Added without noise of its own: what the truth says was deposited is what was deposited.
        np.add.at(flat_view, hits.pixel, hits.electrons)
    electrons += noise
    _bleed(electrons)
    electrons /= np.float32(GAIN_E_PER_ADU)
    electrons += bias_adu
    electrons += np.float32(rng.normal(0, BIAS_DRIFT_ADU))
    np.rint(electrons, out=electrons)
    np.clip(electrons, 0, FULL_SCALE_ADU, out=electrons)
    return electrons.astype(np.uint16)


def _bleed(electrons: Image) -> None:
    """Let pixels above the full well spill evenly up and down their column, in place."""
    over = electrons > FULL_WELL_E
    if over.mean() > 0.01:  # a saturated flat is full everywhere: nowhere to spill to
        np.minimum(electrons, FULL_WELL_E, out=electrons)
        return
    for x in np.flatnonzero(over.any(axis=0)):
        column: Any = electrons[:, x]
        for step in (1, -1):
            carried = 0.0
            for y in range(len(column))[::step]:
                excess = column[y] - FULL_WELL_E
                if excess > 0:  # half goes each way; the second pass takes what the first left
                    share = excess / 2 if step == 1 else excess
                    column[y] -= share
                    carried += share
                elif carried > 0:
                    taken = min(carried, -excess)
                    column[y] += taken
                    carried -= taken
