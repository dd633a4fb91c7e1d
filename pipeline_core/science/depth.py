"""The depth of the frames of a night, and how it joins what else is known of their quality."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.transparency import flux_error
from pipeline_core.science.zero_point import (
    USUAL_CORRECTION,
    Floats,
    absolute_transparency,
    fit_extinction,
    fit_zero_point,
    limiting_magnitude,
    sky_brightness,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.measures import QualityRow, ScienceMeasures


@dataclass(frozen=True, slots=True)
class Depth:
    """What the stars of a catalogue say of one frame."""

    zero_point_mag: float
    zero_point_error_mag: float
    stars: int
    scatter_mag: float
    colour_term: float
    limiting_mag: float | None = None
    """Of a star at five sigma."""
    sky_mag_arcsec2: float | None = None
    reference: str = ""
    """Catalogue, as a person reads it: "Gaia DR3"."""
    band: str = ""
    """Of its magnitudes."""
    is_rough: bool = False
    """From a catalogue that is too bright or too coarse to trust to better than a tenth of a magnitude (Tycho)."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Depth:
        """Rebuild from :meth:`as_dict`."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})


def frame_depth(
    measures: ScienceMeasures,
    flux: Floats,
    magnitude: Floats,
    colour: Floats,
    *,
    exposure_s: float | None,
    gain_e_per_unit: float,
    pixel_scale_arcsec: float | None,
    colour_term: float | None = None,
    magnitude_error: Floats | None = None,
    reference: str = "",
    band: str = "",
    is_rough: bool = False,
) -> Depth | None:
    """Measure the depth of one frame.

    Parameters
    ----------
    measures : ScienceMeasures
        Of the frame: noise, background, width, aperture correction.
    flux : (n,) float
        Of matched stars, as the star list gives it: aperture 3 FWHM across.
    magnitude, colour, magnitude_error : (n,) float
        Of the same stars in the catalogue.
    exposure_s : float or None
    gain_e_per_unit : float
        Electrons per unit of the image; 1 for electrons.
    pixel_scale_arcsec : float or None
    colour_term : float, optional
        Of the instrument's profile.
    reference, band, is_rough
        As in :class:`Depth`.

    Returns
    -------
    Depth or None
        None where exposure, noise or width are not known, or too few stars agree.
    """
    noise, fwhm = measures.noise, measures.fwhm_px
    if not exposure_s or exposure_s <= 0 or noise is None or not noise > 0 or fwhm is None or not fwhm > 0:
        return None
    # Eight FWHM across are not all of the light of undersampled stars; where too few stars told better, they must do.
    whole = measures.halo_ratio if measures.aperture_correction is None else measures.aperture_correction
    # Below 1 it is noise, above 1.5 a neighbour's light in a crowded field.
    correction = min(max(whole, 1.0), 1.5) if whole is not None and math.isfinite(whole) else USUAL_CORRECTION
    fitted = fit_zero_point(
        flux * gain_e_per_unit,
        flux_error(flux, noise, fwhm, gain_e_per_unit, floor=0.005),
        magnitude,
        colour,
        exposure_s=exposure_s,
        aperture_correction=correction,
        magnitude_error=magnitude_error,
        colour_term=colour_term,
    )
    if fitted is None:
        return None
    sky = None
    if measures.background is not None and pixel_scale_arcsec:
        sky = sky_brightness(fitted.magnitude, measures.background * gain_e_per_unit, exposure_s, pixel_scale_arcsec)
    return Depth(
        zero_point_mag=fitted.magnitude,
        zero_point_error_mag=fitted.error_mag,
        stars=fitted.stars,
        scatter_mag=fitted.scatter_mag,
        colour_term=fitted.colour_term,
        limiting_mag=limiting_magnitude(fitted.magnitude, noise * gain_e_per_unit, fwhm, exposure_s),
        sky_mag_arcsec2=sky,
        reference=reference,
        band=band,
        is_rough=is_rough,
    )


def with_depth(
    rows: Sequence[QualityRow], depths: Mapping[str, Depth], *, usual_k_mag: float, filters: Mapping[str, str | None]
) -> list[QualityRow]:
    """Add depth to the rows of the quality table.

    Parameters
    ----------
    rows : sequence of QualityRow
        Their ``extra`` holds the air mass, where it is known.
    depths : mapping of str to Depth
        By path; rows without one stay as they are.
    usual_k_mag : float
        Extinction where the night cannot tell it, mag an air mass.
    filters : mapping of str to str or None
        By path: extinction is one number a filter.

    Returns
    -------
    list of QualityRow
        With ``zero_point_mag``, ``limiting_mag``, ``sky_mag_arcsec2`` and ``transparency_absolute``; ``extra`` says
        against which catalogue, from how many stars and, for all frames of the filter, with which extinction.
    """
    out = list(rows)
    known = [k for k, row in enumerate(rows) if row.path in depths]
    for name in {filters.get(rows[k].path) for k in known}:
        these = [k for k in known if filters.get(rows[k].path) == name]
        found = [depths[rows[k].path] for k in these]
        zero = np.array([one.zero_point_mag for one in found])
        # Where no site tells the air mass all frames count as if taken at one: transparency still compares them.
        told = [rows[k].extra.get("airmass") for k in these]
        air = np.array([1.0 if value is None else float(value) for value in told])
        clear = fit_extinction(
            zero, air, np.array([one.zero_point_error_mag for one in found]), usual_k_mag=usual_k_mag
        )
        through = absolute_transparency(zero, air, clear)
        for k, one, part in zip(these, found, through, strict=True):
            extra = {
                **out[k].extra,
                "depth_reference": one.reference,
                "depth_rough": one.is_rough,
                "zero_point_error_mag": round(one.zero_point_error_mag, 4),
                "zero_point_stars": one.stars,
                "colour_term": round(one.colour_term, 4),
                "extinction_mag": round(clear.k_mag, 4),
                "extinction_measured": math.isfinite(clear.k_error_mag),
            }
            out[k] = replace(
                out[k],
                zero_point_mag=round(one.zero_point_mag, 4),
                limiting_mag=None if one.limiting_mag is None else round(one.limiting_mag, 3),
                sky_mag_arcsec2=None if one.sky_mag_arcsec2 is None else round(one.sky_mag_arcsec2, 3),
                transparency_absolute=round(float(part), 4),
                extra=extra,
            )
    return out
