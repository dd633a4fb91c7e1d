"""Transparency: how much of the same stars' light reaches each frame.

Fluxes of the same stars in all frames make a table F[frame, star]. Taking logarithms, ``F = star + frame``: the star's
clear flux plus the frame's loss. The clear frames (best fifth) fix the first, the median over stars the second.
A star that should have been seen and was not is dimmer than the faintest that was: it counts with that limit, so that
cloud does not look thinner because its victims are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science.baseline import clear_frames
from pipeline_core.science.robust import weighted_median

if TYPE_CHECKING:
    from pipeline_core.measures import StarList

Floats = npt.NDArray[np.float64]

CELLS = 8
"""The transparency map has this many cells along each side of the chip."""

# Magnitudes per unit of natural logarithm.
MAG = 2.5 / np.log(10)


def detection_limit(stars: StarList) -> float:
    """Return the flux below which a frame's star list is incomplete.

    The fifth percentile of the listed fluxes rather than the faintest, which may be a noise peak; NaN without stars.
    """
    flux = stars.flux[stars.flux > 0]
    return float(np.percentile(flux, 5)) if flux.size else float("nan")


def curtain_error(structure: float, noise: float, fwhm_px: float) -> float:
    """Return what curtains in the sky add to or take from the light in a star's aperture, the image's unit.

    Parameters
    ----------
    structure : float
        Scatter of the sky mesh after its plane, the image's unit a pixel.
    noise : float
        Sky noise of one pixel; where the structure is below half of it there are no curtains, and nothing is added.
    fwhm_px : float

    Notes
    -----
    The sky beneath a star is interpolated over its aperture: a twentieth of the structure stays, as demo nights show.
    """
    if not structure > 0.5 * noise or not fwhm_px > 0.0:
        return 0.0
    return float(0.05 * structure * np.pi * (1.5 * fwhm_px) ** 2)


def flux_error(
    flux: Floats, noise: float, fwhm_px: float, gain_e_per_adu: float, floor: float = 0.02, sky_error: float = 0.0
) -> Floats:
    """Return the relative error of aperture fluxes (the CCD equation, Howell 2006, eq. 4.4).

    Parameters
    ----------
    flux : (...) float
        In the image's unit.
    noise : float
        Sky noise of one pixel, the image's unit.
    fwhm_px : float
        The aperture is 3 FWHM across: ``pi (1.5 FWHM)²`` pixels.
    gain_e_per_adu : float
        Electrons per unit of the image; 1 for electrons.
    floor : float
        Scintillation, flat-field residue, seeing in the aperture.
    sky_error : float
        From :func:`curtain_error`.
    """
    pixels = np.pi * (1.5 * fwhm_px) ** 2
    positive = np.maximum(flux, 1e-9)
    sky = (pixels * noise**2 + sky_error**2) / positive**2
    error: Floats = np.sqrt(floor**2 + 1 / (positive * gain_e_per_adu) + sky)
    return np.minimum(error, 1.0)


def solve(
    flux: Floats, limit: Floats, inside: npt.NDArray[np.bool_], sky_error: Floats | None = None
) -> tuple[Floats, Floats]:
    """Separate stars from frames.

    Parameters
    ----------
    flux : (frames, stars) float
        NaN where a star was not matched.
    limit : (frames,) float
        Flux below which a star would not have been listed; NaN when unknown.
    inside : (frames, stars) bool
        Where the star lies on the chip at all.
    sky_error : (frames,) float, optional
        From :func:`curtain_error`; where it is not 0 each star counts by what it knows.

    Returns
    -------
    transparency : (frames,) float
        1 in the clear frames, NaN where fewer than three stars tell.
    clear_flux : (stars,) float
        Each star's flux in the clear frames, NaN if never seen.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        log_flux = np.log(np.where(flux > 0, flux, np.nan))
        log_limit = np.log(limit)
    errors = np.zeros(flux.shape[0]) if sky_error is None else sky_error
    star = _median(log_flux, axis=0)
    frame = np.zeros(flux.shape[0])
    clear = np.arange(flux.shape[0])
    for _ in range(4):
        frame = _frame_loss(log_flux, log_limit, inside, star, errors)
        clear = clear_frames(frame)
        if not clear.size:
            break
        frame = frame - np.median(frame[clear])
        of_clear = _median(log_flux[clear] - frame[clear, None], axis=0)
        of_all = _median(log_flux - frame[:, None], axis=0)
        star = np.where(np.isfinite(of_clear), of_clear, of_all)
    return np.exp(frame), np.exp(star)


def residuals(flux: Floats, transparency: Floats, clear_flux: Floats) -> Floats:
    """Return each star's own loss in magnitudes beyond that of its frame; positive is fainter.

    Parameters
    ----------
    flux : (frames, stars) float
    transparency : (frames,) float
    clear_flux : (stars,) float
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        off = -MAG * np.log(flux / (transparency[:, None] * clear_flux[None, :]))
    return np.where(np.isfinite(off), off, np.nan)


def patchiness(off_mag: Floats, error: Floats) -> float:
    """Return how unevenly one frame is dimmed: the scatter of its stars beyond their errors, magnitudes.

    Parameters
    ----------
    off_mag : (stars,) float
        From :func:`residuals`; NaN where not matched.
    error : (stars,) float
        Relative flux errors.

    Returns
    -------
    float
        0 when the errors explain the scatter; NaN with fewer than five stars.

    Notes
    -----
    A standard deviation between the 5th and 95th percentile: a patch over a tenth of the field must count, one star
    next to a cosmic ray must not.
    """
    good = np.isfinite(off_mag) & np.isfinite(error) & (error < 0.3)
    if good.sum() < 5:
        return float("nan")
    pull = off_mag[good] - np.median(off_mag[good])
    pull = np.clip(pull, *np.percentile(pull, (5, 95)))
    return float(np.sqrt(max(float(np.mean(np.square(pull))) - float(np.median(np.square(MAG * error[good]))), 0.0)))


def hidden_losses(
    off_mag: Floats, transparency: float, clear_flux: Floats, limit: float, inside: npt.NDArray[np.bool_]
) -> Floats:
    """Return the least loss that hides each star that should have been seen and was not, magnitudes.

    Parameters
    ----------
    off_mag : (stars,) float
        One frame's losses beyond its own, NaN where not matched.
    transparency : float
    clear_flux : (stars,) float
    limit : float
        Flux below which a star is not listed.
    inside : (stars,) bool
        Where the star lies on the chip.

    Returns
    -------
    (stars,) float
        NaN for stars that were seen, and for those near the limit (0.75 mag, twice its flux), which may be missing
        by chance.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        hidden = MAG * np.log(transparency * clear_flux / limit)
    return np.where(np.isnan(off_mag) & inside & (hidden > 0.75), hidden, np.nan)


def deepest_patch(
    x_px: Floats,
    y_px: Floats,
    off_mag: Floats,
    hidden_mag: Floats,
    error: Floats,
    *,
    shape: tuple[int, int],
    blocks: int = 4,
) -> float:
    """Return the loss in the most dimmed part of the field, magnitudes, surely present (three errors taken off).

    Parameters
    ----------
    x_px, y_px : (n,) float
        Stars in this frame.
    off_mag, hidden_mag, error : (n,) float
        Their losses beyond the frame's, those of the stars that are missing, and their relative flux errors.
    shape : (ny, nx)
    blocks : int
        The field is cut into this many blocks a side; one with fewer than three stars says nothing.

    Notes
    -----
    Three errors: sixteen blocks of a hundred frames are tried. Two missing stars of a block are passed over: a cosmic
    ray or a close neighbour takes one off the list as well.
    """
    column = np.clip((x_px / shape[1] * blocks), 0, blocks - 1)
    row = np.clip((y_px / shape[0] * blocks), 0, blocks - 1)
    told = np.isfinite(off_mag) | np.isfinite(hidden_mag)
    block = np.where(told, np.floor(np.nan_to_num(row)) * blocks + np.floor(np.nan_to_num(column)), -1)
    deepest = float("nan")
    for one in np.unique(block[told]).tolist():
        members = block == one
        missing = np.sort(hidden_mag[members & np.isfinite(hidden_mag)])[:-2]
        seen = off_mag[members & np.isfinite(off_mag)]
        # Cloud that hides stars dims the others. Where those keep their light, the missing ones are missing for another
        # reason: among thousands, sharp stars are listed in one frame and not in the next; among few, close ones are
        # taken for one, or lie under a streak.
        hidden_by_cloud = not seen.size or float(np.median(seen)) > 0.1
        losses = np.concatenate([seen, missing]) if hidden_by_cloud else seen
        if losses.size < 3:
            continue
        # The median of n values has 1.25 times the error of their mean.
        sigma = 1.25 * MAG * float(np.median(error[members])) / np.sqrt(losses.size)
        surely = float(np.median(losses)) - 3 * sigma
        deepest = surely if not surely <= deepest else deepest
    return deepest


def transparency_map(x_px: Floats, y_px: Floats, ratio: Floats, shape: tuple[int, int], cells: int = CELLS) -> Floats:
    """Average the stars' transparency over the cells of the chip.

    Parameters
    ----------
    x_px, y_px : (n,) float
        Where the stars are in this frame, 0-based.
    ratio : (n,) float
        Flux over clear flux; NaN does not count.
    shape : (ny, nx)

    Returns
    -------
    (cells, cells) float
        Median of the stars in each cell, first row at low y; NaN where there is none.
    """
    out = np.full((cells, cells), np.nan)
    good = np.isfinite(ratio)
    column = np.clip((x_px[good] / shape[1] * cells).astype(int), 0, cells - 1)
    row = np.clip((y_px[good] / shape[0] * cells).astype(int), 0, cells - 1)
    cell, values = row * cells + column, ratio[good]
    order = np.argsort(cell, kind="stable")
    edges = np.flatnonzero(np.diff(cell[order])) + 1
    for group in np.split(order, edges) if order.size else ():
        out.flat[cell[group[0]]] = np.median(values[group])
    return out


def persistence(maps: Floats, step: int = 1) -> Floats:
    """Return how alike each frame's pattern is to its neighbours': 1 fixed on the chip (frost), 0 moving (cloud).

    Parameters
    ----------
    maps : (frames, cells, cells) float
        Transparency, in time order.
    step : int
        Compared with the frames this far before and after.

    Returns
    -------
    (frames,) float
        Correlation of the logarithms after their means, averaged over both neighbours; NaN where fewer than
        twelve cells are common.
    """
    n = maps.shape[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        flat = np.log(np.where(maps > 0, maps, np.nan)).reshape(n, -1)
    total, count = np.zeros(n), np.zeros(n)
    for k in range(n - step):
        a, b = flat[k], flat[k + step]
        common = np.isfinite(a) & np.isfinite(b)
        if common.sum() < 12:
            continue
        a, b = a[common] - a[common].mean(), b[common] - b[common].mean()
        power = float(np.sqrt((a @ a) * (b @ b)))
        if power <= 0:
            continue
        for frame in (k, k + step):
            total[frame] += float(a @ b) / power
            count[frame] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _median(values: Floats, axis: int) -> Floats:
    """Median of the finite values; NaN where there is none, without numpy's warning about it."""
    out = np.full(values.shape[1 - axis], np.nan)
    some = np.isfinite(values).any(axis=axis)
    if some.any():
        out[some] = np.nanmedian(values[:, some] if axis == 0 else values[some], axis=axis)
    return out


def _frame_loss(
    log_flux: Floats, log_limit: Floats, inside: npt.NDArray[np.bool_], star: Floats, sky_error: Floats
) -> Floats:
    """Median log loss of each frame, with upper limits for stars that should have been seen."""
    ratio = log_flux - star[None, :]
    bound = log_limit[:, None] - star[None, :]
    # Only a star at least e^0.7 = 2 times above the limit must have been listed in a clear frame.
    missing = ~np.isfinite(ratio) & inside & (bound < -0.7)
    # Where those that are seen have all their light, the others are missing for another reason (a curtain of aurora,
    # a trail of light): cloud that hides most stars dims the rest. Half of them by 0.16 mag is a dimming.
    for k in range(ratio.shape[0]):
        matched = np.isfinite(ratio[k])
        if matched.sum() >= 8 and _middle(ratio[k, matched], star[matched], sky_error[k]) > -0.15:
            missing[k] = False
    ratio = np.where(missing, bound, ratio)
    # Faint stars are listed only where they are bright by chance: the brighter half decides where it can.
    seen = np.isfinite(ratio)
    out = np.full(ratio.shape[0], np.nan)
    for k in range(ratio.shape[0]):
        usable = seen[k]
        if usable.sum() < 3:
            continue
        if usable.sum() >= 10 and not sky_error[k]:
            usable = usable & (star >= np.median(star[usable]))
        out[k] = _middle(ratio[k, usable], star[usable], sky_error[k])
    return out


def _middle(ratio: Floats, star: Floats, sky_error: float) -> float:
    """Median log loss of stars of given log flux; under curtains bright ones alone know it well."""
    if not sky_error:
        return float(np.median(ratio))
    return weighted_median(ratio, 1 / (0.02**2 + (sky_error / np.exp(star)) ** 2))
