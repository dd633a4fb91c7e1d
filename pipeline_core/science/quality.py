"""What one frame is worth: the measures of a science frame, of a quick look, of a calibration frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline_core.measures import ScienceMeasures, StarList
from pipeline_core.science.aperture_correction import LISTED_FWHM, aperture_correction
from pipeline_core.science.background import SkyMesh, SkyPlane, is_structured, sky_mesh, sky_plane, without_sky
from pipeline_core.science.curtains import without_curtains
from pipeline_core.science.profile import aperture_flux, halo_ratio, profile_widths
from pipeline_core.science.psf import fit_moffats
from pipeline_core.science.robust import MAD_TO_SIGMA
from pipeline_core.science.shape import StarShapes, adaptive_moments, common_shape, field_map
from pipeline_core.science.stars import are_stars, clean_stars, find_sources, typical_width
from pipeline_core.science.streaks import find_streaks
from pipeline_core.science.trail import trail_length

if TYPE_CHECKING:
    from pipeline_core.science.components import Components
    from pipeline_core.types import Image, Mask

FloatArray = npt.NDArray[np.float64]
_LISTED = 400  # stars handed to the alignment
_SHARP = 2.0  # px: below it moments feel the pixel grid, and the fitted ellipse tells the shape
_LONG, _ONE_WAY = 0.15, 0.5  # ellipticity and coherence from which it is asked what drew the stars out
_LINEAR = 0.9  # of saturation: detectors bend before they are full
_QUICK_BLOCK = 448  # a quick look reads 3×3 blocks of this side, px: 11 % of a 4096² frame


@dataclass(frozen=True, slots=True)
class _Stars:
    """What the stars of a frame say together."""

    listed: StarList
    fwhm_px: float | None = None
    method: Literal["moffat", "profile"] | None = None
    shape: tuple[float, float, float] | None = None
    trail_px: float | None = None
    halo: float | None = None
    correction: float | None = None


def measure_science(
    image: Image,
    *,
    unit: Literal["ADU", "electron"],
    state: Literal["quick", "final"],
    masked: Mask | None = None,
    saturated: Mask | None = None,
    gain_e_per_adu: float | None = None,
    read_noise_e: float | None = None,
    saturation: float | None = None,
    pixel_scale_arcsec: float | None = None,
    cosmic_events: int | None = None,
    max_stars: int = 100,
    hot: Mask | None = None,
) -> tuple[ScienceMeasures, StarList]:
    """Measure one science frame by itself.

    Parameters
    ----------
    image : (ny, nx) float32
        In ``unit``; values that are not finite do not count.
    unit : {"ADU", "electron"}
    state : {"quick", "final"}
    masked : (ny, nx) bool, optional
        True where a pixel must not count (bad, hot, no data; saturated ones may be among them).
    saturated : (ny, nx) bool, optional
        True where the raw pixel was full. None: pixels at ``saturation`` and above.
    gain_e_per_adu : float or None
        Electrons per image unit (1 for electrons); None counts as 1.
    read_noise_e : float or None
        A lower bound of the noise where the sky is too faint or too quantised to show it.
    saturation : float or None
        Full pixels have this value, image unit, sky included.
    pixel_scale_arcsec : float or None
    cosmic_events : int or None
        Passed on to the measures.
    max_stars : int
        Stars fitted for the width.
    hot : (ny, nx) bool, optional
        True where a pixel is hot; joins ``masked``.

    Returns
    -------
    ScienceMeasures
        None where not measurable: an empty, clouded or constant frame has no width, but is no error.
    StarList
        Up to 400 clean stars, spread over the frame, brightest first.
    """
    image = plain(image)
    if saturated is None and saturation is not None:
        saturated = image >= saturation
    if hot is not None:
        masked = hot if masked is None else masked | hot
    mesh = sky_mesh(image, masked, saturated)
    plane = sky_plane(mesh)
    gain = gain_e_per_adu or 1.0
    noise = _noise(mesh, gain, read_noise_e)
    bare = without_sky(image, mesh, masked, saturated)
    sources = find_sources(bare, _at_least(mesh.sigma, noise), masked, saturated)
    likely = are_stars(sources, noise, bare.shape)
    if is_structured(mesh, plane):
        bare, mesh = without_curtains(image, mesh, bare, sources.pick(likely), masked, saturated)
        noise = _noise(mesh, gain, read_noise_e)
        sources = find_sources(bare, _at_least(mesh.sigma, noise), masked, saturated)
        likely = are_stars(sources, noise, bare.shape)
    stars = _measure_stars(
        bare, sources, likely, noise, gain, max_stars, masked, _too_bright(saturation, mesh.background)
    )
    streaks = find_streaks(bare, noise, sources, likely, stars.fwhm_px) if state == "final" else ()
    fraction = None if saturated is None else float(np.count_nonzero(saturated)) / image.size
    count = int(np.count_nonzero(likely))
    return _science(
        state, unit, mesh, plane, count, stars, pixel_scale_arcsec, fraction, cosmic_events, streaks
    ), stars.listed


def quick_science(
    raw: npt.NDArray[Any],
    *,
    gain_e_per_adu: float | None = None,
    read_noise_e: float | None = None,
    saturation: float | None = None,
    pixel_scale_arcsec: float | None = None,
    max_stars: int = 40,
) -> tuple[ScienceMeasures, StarList]:
    """Measure one raw science frame on a part of its pixels.

    Parameters
    ----------
    raw : (ny, nx) uint16, float32 or another real type, ADU
    gain_e_per_adu, read_noise_e, saturation, pixel_scale_arcsec
        As in :func:`measure_science`, in ADU.
    max_stars : int
        Stars fitted for the width.

    Returns
    -------
    ScienceMeasures
        ``state`` is "quick": the background still holds the bias; the number of stars is scaled up from the part
        looked at; streaks and cosmic rays are not looked for.
    StarList
        Stars of nine blocks spread over the frame, in pixels of ``raw``.

    Notes
    -----
    The sky comes from a sample of every tile, the stars from 3×3 blocks at full resolution.
    """
    if raw.dtype.byteorder not in "=|<" or raw.dtype.itemsize > 4:
        raw = raw.astype(np.float32)
    ny, nx = raw.shape
    gain = gain_e_per_adu or 1.0
    mesh = sky_mesh(raw, tile=max(32, min(ny, nx) // 16))
    plane = sky_plane(mesh)
    noise = _noise(mesh, gain, read_noise_e)
    blocks = blocks_of(ny, nx)
    parts, sigmas = [], []
    for rows in blocks[0]:
        line = [np.ascontiguousarray(raw[rows, columns], dtype=np.float32) for columns in blocks[1]]
        meshes = [sky_mesh(block, tile=64) for block in line]
        parts.append([without_sky(block, sky) for block, sky in zip(line, meshes, strict=True)])
        sigmas.append([sky.sigma for sky in meshes])
    bare = np.ascontiguousarray(np.block(parts))
    full = None
    if saturation is not None:
        full = np.ascontiguousarray(np.block([[raw[rows, columns] for columns in blocks[1]] for rows in blocks[0]]))
        full = full >= saturation
    seams = seams_of(bare.shape, blocks)
    sources = find_sources(bare, _at_least(np.block(sigmas), noise), seams, full)
    likely = are_stars(sources, noise, bare.shape)
    whole = sources.pick(sources.masked == 0.0)
    stars = _measure_stars(
        bare, whole, likely[sources.masked == 0.0], noise, gain, max_stars, seams,
        _too_bright(saturation, mesh.background),
    )  # fmt: skip
    fraction = None
    if saturation is not None:
        sample = raw[::4, ::4]
        fraction = float(np.count_nonzero(sample >= saturation)) / sample.size
    listed = StarList(
        _unfolded(stars.listed.x_px, blocks[1]), _unfolded(stars.listed.y_px, blocks[0]), stars.listed.flux,
        stars.listed.fwhm_px,
    )  # fmt: skip
    stars = replace(stars, listed=listed)
    count = round(float(np.count_nonzero(likely)) * raw.size / bare.size)
    return _science("quick", "ADU", mesh, plane, count, stars, pixel_scale_arcsec, fraction, None, ()), listed


def plain(image: npt.NDArray[Any]) -> Image:
    """Native, contiguous float32: what the kernels are compiled for."""
    return np.ascontiguousarray(image, dtype=np.float32)


def _noise(mesh: SkyMesh, gain: float, read_noise_e: float | None) -> float:
    """Sky noise; where the sky shows none (clipped at zero, constant) half of the read noise."""
    floor = 0.5 * (read_noise_e or 0.0) / gain
    measured = mesh.noise
    return max(measured, floor) if np.isfinite(measured) else floor


def _at_least(sigma: npt.NDArray[np.float32], noise: float) -> npt.NDArray[np.float32]:
    return np.where(sigma > 0.0, sigma, np.float32(noise if noise > 0.0 else np.nan)).astype(np.float32)


def _too_bright(saturation: float | None, background: float) -> float | None:
    return None if saturation is None or not np.isfinite(background) else _LINEAR * saturation - background


def _measure_stars(
    bare: Image,
    sources: Components,
    likely: npt.NDArray[np.bool_],
    noise: float,
    gain: float,
    max_stars: int,
    masked: Mask | None,
    too_bright: float | None,
) -> _Stars:
    """Choose the clean stars, then measure width, shape, wings."""
    nothing = _Stars(StarList(np.empty(0), np.empty(0), np.empty(0), np.empty(0)))
    stars = sources.pick(likely)
    guess = typical_width(bare, stars)
    if guess is None or not noise > 0.0:
        return nothing
    chosen = clean_stars(stars, sources, guess, bare.shape, masked=masked, too_bright=too_bright, most=_LISTED)
    if chosen.size == 0:
        return nothing
    x, y = stars.x[chosen].copy(), stars.y[chosen].copy()
    fit = slice(0, max_stars)
    fits = fit_moffats(bare, x[fit], y[fit], guess, noise=noise, gain=gain)
    width = _typical(fits.fwhm_px)
    if width is not None and not 0.75 < width / guess < 1.3:
        fits = fit_moffats(bare, x[fit], y[fit], width, noise=noise, gain=gain)
        width = _typical(fits.fwhm_px)
    reach = max(1.8 * guess, min(3.0 * guess, 20.0), 6.0)
    broad, dip = profile_widths(bare, x[fit], y[fit], reach)
    method: Literal["moffat", "profile"] = "moffat"
    widths = fits.fwhm_px
    if width is None or _is_no_peak(fits.fwhm_px, fits.residual, dip, stars.flux[chosen][fit], noise):
        method, widths = "profile", broad
        width = _typical(broad)
    if width is None:
        return nothing
    shapes = adaptive_moments(bare, x, y, width)
    centre_x, centre_y = shapes.x_px.copy(), shapes.y_px.copy()
    fwhm = np.full(chosen.size, np.nan)
    fwhm[fit] = widths
    if method == "moffat":
        fitted = np.isfinite(fits.x_px)
        centre_x[fit][fitted], centre_y[fit][fitted] = fits.x_px[fitted], fits.y_px[fitted]
    # Sharper than the others: a hit or a hot clump; wider: a galaxy, a blend.
    odd = (fwhm < 0.6 * width) | (fwhm > 1.7 * width)
    good = np.isfinite(centre_x) & np.isfinite(centre_y) & ~odd
    flux = aperture_flux(bare, centre_x[good], centre_y[good], LISTED_FWHM * width)
    order = np.argsort(-np.nan_to_num(flux))
    order = order[np.nan_to_num(flux)[order] > 0.0]
    listed = StarList(centre_x[good][order], centre_y[good][order], flux[order], fwhm[good][order])
    bright = good & (np.arange(chosen.size) < max_stars)
    if method == "moffat" and width < _SHARP:
        ellipse = fits.ellipse[good[fit]]
        shapes = StarShapes(x[fit][good[fit]], y[fit][good[fit]], *ellipse.T)
    else:
        shapes = adaptive_moments(bare, centre_x[bright], centre_y[bright], width)
    shape = common_shape(shapes)
    most = slice(0, max_stars)
    trail = None
    if method == "moffat" and shape is not None and shape[0] > _LONG and shape[2] > _ONE_WAY:
        places = listed.x_px[most], listed.y_px[most], listed.flux[most]
        trail = trail_length(bare, *places, width, 1.0 - shape[0], shape[1])
    wings = listed.x_px[most], listed.y_px[most], width, noise
    return _Stars(listed, width, method, shape, trail, halo_ratio(bare, *wings), aperture_correction(bare, *wings))


def _typical(values: FloatArray) -> float | None:
    """Median after outliers (beyond 4 robust sigma) have gone; None without a value."""
    values = values[np.isfinite(values) & (values > 0.8)]  # px: sharper is a hot pixel, no star
    if values.size == 0:
        return None
    middle = float(np.median(values))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
    return float(np.median(values[np.abs(values - middle) <= 4.0 * max(spread, 0.02 * middle)]))


def _is_no_peak(fwhm: FloatArray, residual: FloatArray, dip: FloatArray, flux: FloatArray, noise: float) -> bool:
    """Whether the images are discs or rings: a hole in the middle, or light that no Moffat profile can follow."""
    usable = np.isfinite(residual)
    if usable.sum() < max(1, 0.3 * fwhm.size):
        return True
    best = np.flatnonzero(usable)[:25]
    # What noise alone leaves: mean |noise| over the pixels of the ellipse grown twice.
    expected = 0.8 * noise * np.pi * fwhm[best] ** 2 / np.maximum(flux[best], 1e-9)
    hollow = np.isfinite(dip).any() and float(np.nanmedian(dip[:25])) < 0.7
    return hollow or float(np.median(residual[best] - expected)) > 0.2


def _science(
    state: Literal["quick", "final"],
    unit: Literal["ADU", "electron"],
    mesh: SkyMesh,
    plane: SkyPlane | None,
    count: int,
    stars: _Stars,
    pixel_scale_arcsec: float | None,
    saturated_fraction: float | None,
    cosmic_events: int | None,
    streaks: tuple[tuple[float, float, float, float], ...],
) -> ScienceMeasures:
    background = _known(mesh.background)
    noise = _known(mesh.noise)
    # Percent of a sky that is zero within its noise mean nothing.
    relative = plane is not None and background is not None and background > 0.05 * (noise or 0.0) and background > 0.0
    gradient = rms = angle = None
    if relative and plane is not None and background is not None:
        gradient, rms = 100.0 * plane.peak_to_valley / background, 100.0 * plane.rms / background
        angle = plane.angle_deg
    listed = stars.listed
    ellipticity, direction, coherence = stars.shape or (None, None, None)
    notes: tuple[str, ...] = ()
    if stars.method == "profile":
        notes = ("star width from the radial profile: the images are no single peaks",)
    return ScienceMeasures(
        state=state,
        unit=unit,
        background=background,
        noise=noise,
        gradient_percent=gradient,
        gradient_angle_deg=angle,
        mesh_rms_percent=rms,
        stars=count,
        fwhm_px=stars.fwhm_px,
        fwhm_arcsec=stars.fwhm_px * pixel_scale_arcsec if stars.fwhm_px and pixel_scale_arcsec else None,
        fwhm_method=stars.method,
        fwhm_map=field_map(listed.x_px, listed.y_px, listed.fwhm_px, mesh.shape) if stars.fwhm_px else None,
        ellipticity=ellipticity,
        ellipticity_angle_deg=direction,
        ellipticity_coherence=coherence,
        trail_px=stars.trail_px,
        saturated_fraction=saturated_fraction,
        cosmic_rays=cosmic_events,
        streaks=streaks,
        halo_ratio=stars.halo,
        aperture_correction=stars.correction,
        notes=notes,
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def blocks_of(ny: int, nx: int) -> tuple[list[slice], list[slice]]:
    """Rows and columns of the blocks of a quick look; one block where three would cover the frame anyway."""

    def along(n: int) -> list[slice]:
        if n <= 3 * _QUICK_BLOCK:
            return [slice(0, n)]
        return [
            slice(start, start + _QUICK_BLOCK)
            for start in (n // 12, (n - _QUICK_BLOCK) // 2, n - n // 12 - _QUICK_BLOCK)
        ]

    return along(ny), along(nx)


def seams_of(shape: tuple[int, int], blocks: tuple[list[slice], list[slice]]) -> Mask:
    """Return a mask of the borders between blocks that do not touch in the frame."""
    seams = np.zeros(shape, bool)
    for axis in (0, 1):
        edge = 0
        for block in blocks[axis][:-1]:
            edge += block.stop - block.start
            if axis == 0:
                seams[edge - 1 : edge + 1] = True
            else:
                seams[:, edge - 1 : edge + 1] = True
    return seams


def _unfolded(place: FloatArray, blocks: list[slice]) -> FloatArray:
    """Turn places in the joined blocks into places in the frame."""
    sizes = [block.stop - block.start for block in blocks]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    which = np.clip(np.searchsorted(first, place + 0.5, side="right") - 1, 0, len(blocks) - 1)
    starts = np.array([block.start for block in blocks])
    unfolded: FloatArray = place - first[which] + starts[which]
    return unfolded
