"""Stars in flats: the first look at each frame of a flat, and which of its blocks stars hide."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.science._local_kernels import bin_frame, cell_medians
from pipeline_core.science.combine import Clip, Combined, Correction, NoiseModel, combine_band
from pipeline_core.science.local import local_median, local_scatter, on_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.types import Image

Indices = npt.NDArray[np.int64]

BLOCK_PX = 4
"""Stars are looked for, and masked, in blocks of 4x4 pixels: a faint star's light adds up, and a mask is
small."""
STAR_SIGMA = 5.0
_BACKGROUND_BLOCKS = 15  # 60 px: a star up to 28 px across does not reach the running median
_CELL_BLOCKS = 16
_NO_IMAGE = np.empty((0, 0), np.float32)
_EVERY = 7  # blocks of which one is looked at for the tail of the noise
_STAR_EVIDENCE = 12.0  # chi-squared: 3.5 sigma, so that of ten thousand spots of the chip a few are taken for stars


@dataclass(frozen=True)
class FlatFrame:
    """What the first look at one dark-corrected flat tells."""

    level_adu: float
    """Median of the blocks without stars."""
    shape: tuple[int, int]
    """Of the block grid."""
    above: npt.NDArray[np.float16] | None
    """(by, bx) excess over the neighbourhood, as a fraction of the level. Half precision keeps a thousandth
    of it."""
    noise: Image | None
    """Scatter of ``above`` in cells of 16x16 blocks."""
    mesh: Image
    """Coarse image (medians of 16x16 blocks), for comparing illumination; ADU."""


def bin_band(
    band: npt.NDArray[np.uint16] | npt.NDArray[np.float32],
    correction: Correction,
    frame: int,
    y0: int,
    x0_x1: tuple[int, int],
    mean: Image,
    faint: Image,
) -> None:
    """Bin a band of rows of one flat into blocks of ``BLOCK_PX``. The GIL is released.

    Parameters
    ----------
    band : (1, rows, nx_raw) float32, or uint16 FITS words
        Starts at a multiple of ``BLOCK_PX``, and ends at one or at the frame's end.
    correction : Correction
        Of all frames; scale, weights and blocked stars are not used.
    frame, y0 : int
        Which frame; first row of the band in the trimmed frame.
    x0_x1 : (int, int)
        Raw columns of the trimmed frame.
    mean, faint : (by, bx) float32
        Written: the band's rows of what :func:`first_look` takes.
    """
    is_words = band.dtype == np.uint16
    rows = np.s_[y0 : y0 + band.shape[1]]
    first, last = y0 // BLOCK_PX, -(-(y0 + band.shape[1]) // BLOCK_PX)
    bin_frame(
        band if is_words else np.empty((0, 0, 0), np.uint16),
        np.empty((0, 0, 0), np.float32) if is_words else band,
        x0_x1[0], np.ascontiguousarray(correction.offsets[frame, rows]),
        _NO_IMAGE if correction.base is None else correction.base[rows],
        _NO_IMAGE if correction.current is None else correction.current[rows],
        correction.dark_scale[frame], float(correction.saturation_adu), BLOCK_PX, x0_x1[1] - x0_x1[0],
        mean[first:last], faint[first:last],
    )  # fmt: skip


def first_look(mean: Image, faint: Image, *, find_stars: bool = True) -> FlatFrame:
    """Measure level, stars and illumination of one binned, dark-corrected flat.

    Parameters
    ----------
    mean : (by, bx) float32, ADU
        Means of blocks of ``BLOCK_PX``; NaN where no pixel is usable.
    faint : (by, bx) float32, ADU
        Means of the blocks without their highest pixel: a single hot pixel is no star.
    find_stars : bool

    Returns
    -------
    FlatFrame

    Raises
    ------
    DataError
        If the frame holds no light.
    """
    shape = (mean.shape[0], mean.shape[1])
    lit = np.isfinite(faint)
    level = _median_of(mean, lit, every=4 if find_stars else 1)
    if not level > 0:
        raise DataError(
            "a flat holds no light", why="its median is not above its dark", hint="take it out of the flats"
        )
    filled = faint if lit.all() else np.where(lit, faint, np.float32(np.median(faint[lit])))
    if not find_stars:
        return FlatFrame(level, shape, None, None, _mesh(filled))
    above = filled - local_median(filled, _BACKGROUND_BLOCKS)
    cells = local_scatter(above, _CELL_BLOCKS)
    cells = np.where(cells > 0, cells, np.float32(level))  # a cell of equal values holds no star either
    level = float(np.median(mean[lit & (above < STAR_SIGMA * on_pixels(cells, _CELL_BLOCKS, 0, *shape))]))
    above /= np.float32(level)
    return FlatFrame(level, shape, above.astype(np.float16), cells / np.float32(level), _mesh(filled))


def star_blocks(
    frames: Sequence[FlatFrame], exposures_s: Sequence[float] | None = None, threads: int = 1
) -> npt.NDArray[np.bool_]:
    """Decide which blocks of each flat are hidden by stars, and grow them over the stars' wings.

    Parameters
    ----------
    frames : sequence of FlatFrame
    exposures_s : sequence of float or None, s
        Equal if not given.
    threads : int

    Returns
    -------
    (N, by, bx) bool
        True where a star stands in that frame.

    Notes
    -----
    What all flats have in common (their combined excess) is either the chip itself, a dust-free spot for
    instance, or a star that the telescope followed. The chip takes the same fraction of the light in each
    flat; a star adds the same light per second, whatever the twilight does. It is called a star where that
    explains the flats better by 3.5 sigma. Where the sky changed too little between flats to tell, it is the
    chip: a lamp is likelier than a sky so even. Of what a flat has beyond the others, everything above 5
    sigma is a star, unless the flat has as much below.
    """
    shape = frames[0].shape
    blocked = np.zeros((len(frames), *shape), np.bool_)
    if any(frame.above is None for frame in frames):
        return blocked
    common, is_star = _common_excess(frames, exposures_s)
    stars = np.nonzero(is_star)

    def look(index: int) -> None:
        frame = frames[index]
        assert frame.above is not None
        assert frame.noise is not None
        noise = on_pixels(frame.noise, _CELL_BLOCKS, 0, *shape)
        beyond = frame.above - common
        beyond /= noise
        beyond[stars] += common[stars] / noise[stars]
        # What is as common below as above is no star: dust that moved, a chip with a life of its own.
        threshold = max(STAR_SIGMA, -1.2 * float(np.percentile(beyond.ravel()[::_EVERY], 0.1)))
        chosen = np.flatnonzero(beyond > threshold)
        significance = beyond.ravel()[chosen]
        for radius, brighter in ((1, 0.0), (2, 20.0), (4, 100.0)):
            _grow_into(blocked[index], chosen[significance > brighter], radius)

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(look, range(len(frames))))
    return blocked


def _median_of(mean: Image, lit: npt.NDArray[np.bool_], every: int) -> float:
    """Median of the lit blocks, of some where a guess will do; NaN if there is no light."""
    if lit.any() and not lit[::every, ::every].any():
        every = 1
    seen = mean[::every, ::every][lit[::every, ::every]]
    return float(np.median(seen)) if seen.size else np.nan


def _mesh(filled: Image) -> Image:
    """Medians of cells of 16x16 blocks (smaller ones for small frames)."""
    by, bx = filled.shape
    cell = max(1, min(_CELL_BLOCKS, by // 8, bx // 8))
    out = np.empty((by // cell, bx // cell), np.float32)
    cell_medians(filled, cell, out)
    return out


def _common_excess(
    frames: Sequence[FlatFrame], exposures_s: Sequence[float] | None
) -> tuple[Image, npt.NDArray[np.bool_]]:
    """Return what all flats have above their neighbourhood, as a fraction, and where it is a star's light.

    A single flat has nothing in common with others: all it shows is taken for stars.
    """
    shape = frames[0].shape
    is_star = np.zeros(shape, np.bool_)
    if len(frames) == 1:
        return np.zeros(shape, np.float32), is_star
    noise = np.array([np.median(frame.noise) for frame in frames if frame.noise is not None], np.float32)
    model = NoiseModel(noise**2, np.zeros_like(noise))
    together = Combined.empty(shape)
    strip = 64
    for y0 in range(0, shape[0], strip):
        band = np.stack([frame.above[y0 : y0 + strip] for frame in frames if frame.above is not None])
        part = together.rows(y0, y0 + strip)
        combine_band(band.astype(np.float32), Correction.none(len(frames), band.shape[1]), Clip(), model, part)
    common = together.image
    spots = np.nonzero(common > STAR_SIGMA * np.median(noise) / np.sqrt(len(frames)))
    if spots[0].size:
        above = np.stack([frame.above[spots] for frame in frames if frame.above is not None]).astype(np.float64)
        levels = np.array([frame.level_adu for frame in frames])
        is_star[spots] = _follows_time(above, noise.astype(np.float64), levels, exposures_s)
    return common, is_star


def _follows_time(
    above: npt.NDArray[np.float64],
    noise: npt.NDArray[np.float64],
    levels: npt.NDArray[np.float64],
    exposures_s: Sequence[float] | None,
) -> npt.NDArray[np.bool_]:
    """Whether the light of spots (N, spots) follows the exposure time rather than the sky."""
    times = np.ones(levels.size) if exposures_s is None else np.asarray(exposures_s, float)
    times = np.where(times > 0, times, 1.0)

    def misfit(shape: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        weight = shape / noise**2
        strength = (weight[:, None] * above).sum(axis=0) / (weight * shape).sum()
        return np.asarray((((above - strength * shape[:, None]) / noise[:, None]) ** 2).sum(axis=0))

    return misfit(np.ones(levels.size)) > misfit(times / levels * levels.mean()) + _STAR_EVIDENCE


def _grow_into(mask: npt.NDArray[np.bool_], chosen: Indices, radius: int) -> None:
    """Set every block within ``radius`` (a square) of the chosen ones."""
    ny, nx = mask.shape
    y, x = np.divmod(chosen, nx)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            mask[np.clip(y + dy, 0, ny - 1), np.clip(x + dx, 0, nx - 1)] = True
