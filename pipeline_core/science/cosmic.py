"""Cosmic rays: what a particle left on the chip and no telescope could, found and replaced.

L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) with the arithmetic of astroscrappy 1.3 (McCully 2014), which stays
selectable as the reference. Two things are added: the noise is known for each pixel, so that the rate of false hits is
the same in a vignetted corner; and stars as sharp as a hit are told from hits by their shape
(:mod:`pipeline_core.science.star_guard`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError, UsageError
from pipeline_core.science import _lacosmic_kernels as kernels
from pipeline_core.science.bad_fill import lend_to_bad_pixels
from pipeline_core.science.cosmic_search import detect, level_of
from pipeline_core.science.frame_margin import close_margin, framed, mirror_border, mirrored
from pipeline_core.science.round_stars import RoundStars, measure_round_stars
from pipeline_core.science.star_guard import StarGuard, measure_star_width

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

Closed = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]

STOCK_OBJLIM = 5.0
"""The original's contrast limit: right for stars of 2 px and more."""


@dataclass(frozen=True, slots=True)
class CosmicResult:
    """What the cosmic-ray step found and made."""

    cleaned: Image
    """(ny, nx) float32, electrons: hits replaced, every other pixel as it came, bit for bit (NaN too)."""
    hits: Mask
    """True where a cosmic ray hit."""
    before: npt.NDArray[np.float32]
    """(n_pixels,) electrons: what the hits held, in the order of ``np.nonzero(hits)``."""
    n_pixels: int
    n_events: int
    """Groups of hits that touch by side or corner."""
    iterations: int
    """Passes made; the last may have found nothing."""
    fwhm_px: float | None
    """Star width the step worked with, given or measured; None when there was no star to tell."""
    objlim: float
    protected_stars: int
    """Sharp stars that were taken for hits and kept; where no width fits the stars (rings), all that were modelled."""


def clean_cosmic_rays(
    image: Image,
    variance: Image,
    masked: Mask | None = None,
    bad: Mask | None = None,
    *,
    sigclip: float = 4.5,
    sigfrac: float = 0.3,
    objlim: float | None = None,
    iterations: int = 4,
    fwhm_px: float | None = None,
    protect_below_fwhm_px: float = 8.0,
    protected: Mask | None = None,
    threads: int = 1,
    engine: Literal["astep", "astroscrappy"] = "astep",
) -> CosmicResult:
    """Find cosmic-ray hits and put the mean of their good neighbours in their place.

    Parameters
    ----------
    image : (ny, nx) float32, electrons
        Calibrated, sky included. Not changed.
    variance : (ny, nx) float32, electrons squared
        Of each pixel: sky, dark current, read noise, over the flat squared. Not changed.
    masked : (ny, nx) bool, optional
        True where neither a pixel nor those that touch it can be judged: saturated ones, bleeding included. They are no
        hits and lend their value to none. NaN and infinite pixels count as masked wherever they are.
    bad : (ny, nx) bool, optional
        True on pixels that have no value of their own while their neighbours are sound: dead, hot. They are no hits and
        lend their value to none; while hits are looked for beside them they hold the median of their neighbours.
    sigclip : float
        Laplacian over noise that makes a hit.
    sigfrac : float
        Fraction of ``sigclip`` that is enough beside a hit.
    objlim : float, optional
        Contrast of the Laplacian over the fine structure; :func:`objlim_for_fwhm` when not given.
    iterations : int
        Passes at most; each finds what the one before uncovered.
    fwhm_px : float, optional
        Width of the stars; measured on the frame when not given.
    protect_below_fwhm_px : float
        Stars sharper than this are told from hits by their shape, and those without a width (rings) by the frame's own
        profile; 0 switches that off, and the check that a hit stands above the noise with it: what is left is the
        original. The default takes all: faint stars of 2 to 6 px gain from it too.
    protected : (ny, nx) bool, optional
        True where no hit may be found although the pixel is good (a star a person marked).
    threads : int
        Processor cores to use.
    engine : {"astep", "astroscrappy"}
        The reference does no more than the original: no protection by shape.

    Returns
    -------
    CosmicResult

    Raises
    ------
    DataError
        If the arrays do not have one two-dimensional shape.
    UsageError
        If a threshold is not positive or the engine is unknown.

    Notes
    -----
    Works on copies, with a margin around them; :func:`replace_cosmic_rays` does the same in place.
    """
    planes = {"variance": variance, "mask": masked, "bad-pixel mask": bad, "protected mask": protected}
    _check(image, planes)
    margin = margin_for(image.shape, engine, protect_below_fwhm_px)
    work = mirrored(image, margin)
    found = replace_cosmic_rays(
        work,
        mirrored(variance, margin),
        masked,
        bad,
        margin=margin,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        iterations=iterations,
        fwhm_px=fwhm_px,
        protect_below_fwhm_px=protect_below_fwhm_px,
        protected=protected,
        threads=threads,
        engine=engine,
    )
    return replace(found, cleaned=np.ascontiguousarray(found.cleaned))


def margin_for(shape: tuple[int, ...], engine: str, protect_below_fwhm_px: float) -> int:
    """Return how many pixels :func:`replace_cosmic_rays` wants around a frame of ``shape``, in both directions.

    None where its parity with the original is asked for, or where the frame is too small to be mirrored.
    """
    beyond = engine == "astep" and protect_below_fwhm_px > 0
    return kernels.HALO if beyond and min(shape) > 2 * kernels.HALO else 0


def replace_cosmic_rays(
    image: Image,
    variance: Image,
    masked: Mask | None = None,
    bad: Mask | None = None,
    *,
    margin: int,
    sigclip: float = 4.5,
    sigfrac: float = 0.3,
    objlim: float | None = None,
    iterations: int = 4,
    fwhm_px: float | None = None,
    protect_below_fwhm_px: float = 8.0,
    protected: Mask | None = None,
    threads: int = 1,
    engine: Literal["astep", "astroscrappy"] = "astep",
) -> CosmicResult:
    """Do :func:`clean_cosmic_rays` in place.

    Parameters
    ----------
    image, variance : (ny + 2 margin, nx + 2 margin) float32, contiguous
        The frame in the middle of ``margin`` pixels whose values do not matter. Hits are replaced in ``image``; every
        other pixel of the frame, and all of ``variance``, is afterwards what it was.
    masked, bad, protected : (ny, nx) bool, optional
    margin : int, px
        From :func:`margin_for`.
    sigclip, sigfrac, objlim, iterations, fwhm_px, protect_below_fwhm_px, threads, engine
        As there.

    Returns
    -------
    CosmicResult
        ``cleaned`` is the frame inside ``image``: a view.

    Notes
    -----
    The frame is mirrored beyond its border, so that hits are found to its last pixel; the original finds none within 3
    pixels of it. Temporaries: five planes of bytes, whatever the number of threads; where stars are rings, one float32
    plane more.
    """
    _check_limits({"sigclip": sigclip, "sigfrac": sigfrac, "objlim": objlim, "iterations": iterations})
    # What is more than the original: its parity is tested without.
    beyond = engine == "astep" and protect_below_fwhm_px > 0
    shape = tuple(n - 2 * margin for n in image.shape)
    inner = tuple(slice(margin, margin + n) for n in shape)
    mirror_border(image, margin)
    mirror_border(variance, margin)
    mask = framed(masked, shape, margin)
    del masked  # a whole plane, where the caller keeps none
    borrowed = [_cover_unknown(plane, mask) for plane in (image, variance)]
    closed = grown(mask.view(bool)).view(np.uint8)
    if bad is not None:
        unsound = framed(bad, shape, margin).view(bool)
        del bad
        closed |= unsound.view(np.uint8)
        borrowed += [_Borrowed(plane, unsound, plane[unsound]) for plane in (image, variance)]
        at = lend_to_bad_pixels(image, variance, unsound, mask.view(bool))
        kernels.grow_mask(unsound, *at, 1, True, closed.view(bool))  # noqa: FBT003 - a kernel takes no names
        mask |= unsound.view(np.uint8)
    close_margin(closed, margin)
    close_margin(mask, margin)

    if fwhm_px is None and (objlim is None or protect_below_fwhm_px > 0):
        fwhm_px = measure_star_width(image, variance, mask.view(bool))
    if objlim is None:
        objlim = objlim_for_fwhm(fwhm_px)
    if protected is not None:
        closed[inner] |= np.asarray(protected, bool).view(np.uint8) * np.uint8(kernels.PROTECTED)

    guard: StarGuard | RoundStars | None = None
    if engine == "astroscrappy":
        hits, before = _by_astroscrappy(image, variance, mask, protected, sigclip, sigfrac, objlim, iterations)
        passes = iterations
    elif engine == "astep":
        if fwhm_px is None and protect_below_fwhm_px > 0:
            guard = measure_round_stars(image, variance, mask.view(bool))
        elif fwhm_px is not None and fwhm_px < protect_below_fwhm_px:
            guard = StarGuard(fwhm_px)
        del mask
        limits = (np.float32(sigclip), np.float32(np.float32(sigfrac) * np.float32(sigclip)), np.float32(objlim))
        hits, passes, before = detect(image, variance, closed, limits, iterations, guard, threads, refuse_noise=beyond)
    else:
        raise UsageError(f"there is no cosmic-ray engine '{engine}'", "", "choose astep or astroscrappy")

    # No hit is on a pixel that borrowed its value: those are closed. The first lender is paid back last.
    for loan in reversed(borrowed):
        loan.give_back()
    del borrowed, closed
    hits = np.ascontiguousarray(hits[inner])
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(hits))
    n_events = int(kernels.count_events(hits.view(np.uint8), rows, columns))
    stars = 0 if guard is None else guard.stars
    return CosmicResult(image[inner], hits, before, len(rows), n_events, passes, fwhm_px, float(objlim), stars)


def objlim_for_fwhm(fwhm_px: float | None) -> float:
    """Contrast limit for stars of a given width.

    Parameters
    ----------
    fwhm_px : float or None
        None: unknown.

    Returns
    -------
    float
        The original's 5 at every width. It spares stars of 2 px and more. Higher limits do not save sharper ones
        without losing the hits too; those are told by shape.
    """
    if fwhm_px is not None and not (math.isfinite(fwhm_px) and fwhm_px > 0):
        raise UsageError("the stars' width is not usable", f"{fwhm_px} px", "give a positive FWHM, or none")
    return STOCK_OBJLIM


def stars_touched(
    star_x: npt.NDArray[np.float64],
    star_y: npt.NDArray[np.float64],
    fwhm_px: float,
    hits: Mask,
) -> tuple[int, int]:
    """Count the stars whose core has a replaced pixel.

    Parameters
    ----------
    star_x, star_y : (n,) float, px
        0-based positions; those outside the frame or without a number are not checked.
    fwhm_px : float
        The core is everything within half of it, and the pixel the star is on.
    hits : (ny, nx) bool
        Replaced pixels.

    Returns
    -------
    touched, checked : int
    """
    ny, nx = hits.shape
    radius = fwhm_px / 2
    reach = math.ceil(radius)
    touched = checked = 0
    for x, y in zip(np.asarray(star_x, float), np.asarray(star_y, float), strict=True):
        if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
            continue
        checked += 1
        column, row = math.floor(x + 0.5), math.floor(y + 0.5)
        y0, x0 = max(0, row - reach), max(0, column - reach)
        window = hits[y0 : row + reach + 1, x0 : column + reach + 1]
        if window.any():
            yy, xx = np.nonzero(window)
            yy, xx = yy + y0, xx + x0
            near = (yy - y) ** 2 + (xx - x) ** 2 <= radius**2
            touched += bool(np.any(near | ((yy == row) & (xx == column))))
    return touched, checked


def count_events(hits: Mask) -> int:
    """Count groups of hits that touch by side or corner."""
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(hits))
    return int(kernels.count_events(np.array(hits, np.uint8), rows, columns))


def saturated_cores(image: Image, level: float) -> Mask:
    """Find saturated stars as astroscrappy's ``satlevel`` does: bright pixels in bright surroundings, grown by 4.

    Parameters
    ----------
    image : (ny, nx) float32
        In the unit of ``level``.
    level : float
        Saturation.

    Returns
    -------
    (ny, nx) bool
        A lone saturated pixel (a hit) is not in it: its 7×7 median is below a tenth of ``level``.
    """
    out = np.zeros(image.shape, bool)
    bright = np.asarray(image, np.float32) >= np.float32(level)
    for y, x in np.argwhere(bright).tolist():
        out[y, x] = _separable_median7_at(image, y, x) > np.float32(level) / 10
    for _ in range(2):
        rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(out))
        before = out.copy()
        kernels.grow_mask(before, rows, columns, 2, False, out)  # noqa: FBT003 - a kernel takes no names
    return out


def grown(mask: Mask) -> Mask:
    """Return the mask with the eight neighbours of each pixel; the frame's outermost pixels as they are."""
    out = mask.copy()
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(mask))
    kernels.grow_mask(mask, rows, columns, 1, True, out)  # noqa: FBT003 - a kernel takes no names
    return out


def _separable_median7_at(image: Image, y: int, x: int) -> float:
    ny, nx = image.shape
    if y < 3 or x < 3 or y >= ny - 3 or x >= nx - 3:
        return float(image[y, x])
    return float(np.median(np.median(image[y - 3 : y + 4, x - 3 : x + 4], axis=1)))


@dataclass(frozen=True)
class _Borrowed:
    """Values that pixels had before they took others for the search."""

    plane: Image
    where: Mask
    values: Image

    def give_back(self) -> None:
        if self.values.size:
            self.plane[self.where] = self.values


def _check(image: Image, planes: dict[str, Any]) -> None:
    if image.ndim != 2 or image.size == 0:
        raise DataError("cannot look for cosmic rays", f"the image has shape {image.shape}", "give one plane of pixels")
    for name, other in planes.items():
        if other is not None and other.shape != image.shape:
            raise DataError(
                "cannot look for cosmic rays",
                f"the {name} has shape {other.shape}, the image {image.shape}",
                "trim both the same way",
            )


def _check_limits(limits: dict[str, float | None]) -> None:
    for name, value in limits.items():
        if value is not None and not value > 0:
            raise UsageError(f"{name} = {value} finds no cosmic rays", "it must be positive", f"raise {name}")


def _cover_unknown(plane: Image, mask: Closed) -> _Borrowed:
    """Mask pixels without a value and give them the frame's level, so that nothing spreads from them."""
    # A sum is finite only if all its terms are: one pass, no temporary. An overflow only costs the second look.
    with np.errstate(all="ignore"):
        if math.isfinite(float(plane.sum())):
            return _Borrowed(plane, np.zeros((0, 0), bool), np.empty(0, np.float32))
    unknown = ~np.isfinite(plane)
    mask[unknown] = 1
    loan = _Borrowed(plane, unknown, plane[unknown])
    if loan.values.size:
        plane[unknown] = level_of(plane, ~unknown)
    return loan


def _by_astroscrappy(
    image: Image,
    variance: Image,
    mask: Closed,
    protected: Mask | None,
    sigclip: float,
    sigfrac: float,
    objlim: float,
    iterations: int,
) -> tuple[Mask, npt.NDArray[np.float32]]:
    """Let the reference find the hits; ``image`` receives its replacements. Returns hits, and what they held."""
    from astroscrappy import detect_cosmics  # noqa: PLC0415 - only when it is asked for

    hits, cleaned = detect_cosmics(
        image,
        inmask=mask.view(bool),
        invar=variance,
        sigclip=sigclip,
        sigfrac=sigfrac,
        objlim=objlim,
        satlevel=np.inf,  # saturation is in the mask, from raw counts
        niter=iterations,
        sepmed=True,
        fsmode="median",
        cleantype="meanmask",
    )
    hits = np.asarray(hits, bool)
    if protected is not None:
        hits &= ~protected
    before = image[hits]
    image[hits] = cleaned[hits]
    return hits, before
