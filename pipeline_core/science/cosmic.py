"""Cosmic rays: what a particle left on the chip and no telescope could, found and replaced.

L.A.Cosmic (van Dokkum 2001, PASP 113, 1420) with the arithmetic of astroscrappy 1.3 (McCully 2014), which stays
selectable as the reference. Two things are added: the noise is known for each pixel, so that the rate of false hits is
the same in a vignetted corner; and stars as sharp as a hit are told from hits by their shape
(:mod:`pipeline_core.science.star_guard`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError, UsageError
from pipeline_core.science import _lacosmic_kernels as kernels
from pipeline_core.science.bad_fill import lend_to_bad_pixels
from pipeline_core.science.cosmic_reference import by_astroscrappy
from pipeline_core.science.cosmic_search import detect, level_of
from pipeline_core.science.frame_margin import close_margin, framed, mirror_border, mirrored
from pipeline_core.science.round_stars import RoundStars, measure_round_stars
from pipeline_core.science.star_guard import StarGuard, measure_star_width

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

Closed = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]

PROTECTED_PX = 8.0
"""Stars of any width gain from being told by their shape."""
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


class CosmicLimits(TypedDict, total=False):
    """What decides of a hit; those not given have the defaults of :func:`replace_cosmic_rays`."""

    sigclip: float
    sigfrac: float
    objlim: float | None
    iterations: int
    fwhm_px: float | None
    protect_below_fwhm_px: float
    protected: Mask | None
    threads: int
    engine: Literal["astep", "astroscrappy"]


def clean_cosmic_rays(
    image: Image,
    variance: Image,
    masked: Mask | None = None,
    bad: Mask | None = None,
    **limits: Unpack[CosmicLimits],
) -> CosmicResult:
    """Find cosmic-ray hits and put the mean of their good neighbours in their place.

    Parameters
    ----------
    image : (ny, nx) float32, electrons
        Calibrated, sky included. Not changed.
    variance : (ny, nx) float32, electrons squared
        Of each pixel: sky, dark current, read noise, over the flat squared. Not changed.
    masked, bad : (ny, nx) bool, optional
    **limits
        As in :func:`replace_cosmic_rays`, which does the same in place.

    Returns
    -------
    CosmicResult

    Raises
    ------
    DataError
        If the arrays do not have one two-dimensional shape.
    UsageError
        If a threshold is not positive or the engine is unknown.
    """
    _check(
        image, {"variance": variance, "mask": masked, "bad-pixel mask": bad, "protected mask": limits.get("protected")}
    )
    margin = margin_for(image.shape, limits.get("engine", "astep"), limits.get("protect_below_fwhm_px", PROTECTED_PX))
    work = mirrored(image, margin)
    found = replace_cosmic_rays(work, mirrored(variance, margin), masked, bad, margin=margin, **limits)
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
    protect_below_fwhm_px: float = PROTECTED_PX,
    protected: Mask | None = None,
    threads: int = 1,
    engine: Literal["astep", "astroscrappy"] = "astep",
) -> CosmicResult:
    """Find cosmic-ray hits and put the mean of their good neighbours in their place, in the given planes.

    Parameters
    ----------
    image, variance : (ny + 2 margin, nx + 2 margin) float32, contiguous, electrons and their square
        The frame, calibrated and with its sky, and the variance of each pixel, in the middle of ``margin`` pixels whose
        values do not matter. Hits are replaced in ``image``; every other pixel of the frame, and all of ``variance``,
        is afterwards what it was.
    masked : (ny, nx) bool, optional
        True where neither a pixel nor those that touch it can be judged: saturated ones, bleeding included. They are no
        hits and lend their value to none. NaN and infinite pixels count as masked wherever they are.
    bad : (ny, nx) bool, optional
        True on pixels that have no value of their own while their neighbours are sound: dead, hot. They are no hits and
        lend their value to none; while hits are looked for beside them they hold the median of their neighbours.
    margin : int, px
        From :func:`margin_for`.
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
        ``cleaned`` is the frame inside ``image``: a view.

    Raises
    ------
    UsageError
        If a threshold is not positive or the engine is unknown.

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
        hits, before = by_astroscrappy(image, variance, mask, protected, sigclip, sigfrac, objlim, iterations)
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


def count_events(hits: Mask) -> int:
    """Count groups of hits that touch by side or corner."""
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(hits))
    return int(kernels.count_events(np.array(hits, np.uint8), rows, columns))


def grown(mask: Mask) -> Mask:
    """Return the mask with the eight neighbours of each pixel; the frame's outermost pixels as they are."""
    out = mask.copy()
    rows, columns = (np.asarray(at, np.int32) for at in np.nonzero(mask))
    kernels.grow_mask(mask, rows, columns, 1, True, out)  # noqa: FBT003 - a kernel takes no names
    return out


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
