"""The recipe of a night: one section a stage, every field with its unit, its range and its reason."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline_core.errors import UsageError


class RecipeSection(BaseModel):
    """Settings of one stage. Unknown keys are refused; values never change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class OverscanSettings(RecipeSection):
    """Overscan: the electronic zero level that unexposed columns record."""

    use: Literal["auto", "never"] = Field("auto", description="auto: where all kinds of frames have one")
    section: str | None = Field(
        None, description="FITS section [x1:x2,y1:y2] that replaces the header's BIASSEC", max_length=80
    )
    trim: str | None = Field(
        None, description="FITS section of the lit pixels that replaces the header's TRIMSEC", max_length=80
    )
    order: int = Field(1, ge=0, le=8, description="order of the polynomial fitted along the overscan")


class CombineSettings(RecipeSection):
    """How calibration frames of one group become a master."""

    engine: Literal["astep", "ccdproc"] = Field("astep", description="ccdproc: the slow reference")
    clip: Literal["noise", "ccdproc", "none"] = Field(
        "noise",
        description="noise: deviation from the median against read noise, Poisson and quantisation, right "
        "for few frames; ccdproc: one pass of sigma about the mean",
    )
    sigma: float = Field(5.0, gt=0.5, le=20, description="clipping threshold in standard deviations")


class DarkSettings(RecipeSection):
    """Which darks may serve which frames."""

    exposure_tolerance_s: float = Field(0.05, ge=0, description="exposures closer than this are equal, s")
    exposure_tolerance_fraction: Fraction = Field(0.005, description="... or closer than this fraction")
    temperature_tolerance_c: float = Field(
        1.5, ge=0, description="temperatures closer than this match, °C; beyond it a warned fallback"
    )
    max_scale: float = Field(2.0, ge=1, le=100, description="a long dark may be scaled down by up to this")


class FlatSettings(RecipeSection):
    """Which flats count and how they are combined."""

    max_level: Fraction = Field(0.8, description="a flat whose median is above this part of saturation is left out")
    max_saturated: Fraction = Field(0.01, description="a flat with more saturated pixels than this is left out")
    min_signal_e: float = Field(2000.0, ge=0, description="a flat with less median signal is left out, e⁻")
    floor: Fraction = Field(0.1, description="pixels with less response are masked, not divided by")
    mask_stars: bool = Field(default=True, description="mask the stars of each twilight flat before combining")
    sigma: float = Field(5.0, gt=0.5, le=20, description="clipping threshold in standard deviations")


class MaskSettings(RecipeSection):
    """Which pixels are bad, hot, unstable, saturated."""

    bad_sigma: float = Field(
        8.0, gt=0, description="a flat pixel that differs from its neighbourhood by more is bad, sigma"
    )
    hot_sigma: float = Field(8.0, gt=0, description="a dark pixel above its neighbourhood by more is hot, sigma")
    unstable_sigma: float = Field(6.0, gt=0, description="a pixel that scatters between darks by more is unstable")
    max_fraction: Fraction = Field(0.02, description="at most this part of the chip is called hot or unstable")
    grow_bleeding: bool = Field(default=True, description="grow saturated pixels along the columns they bleed into")


class CalibrateSettings(RecipeSection):
    """From raw counts to electrons."""

    gain_e_per_adu: float | None = Field(None, gt=0, le=1000, description="replaces the header's gain, e⁻/ADU")
    read_noise_e: float | None = Field(None, gt=0, le=10000, description="replaces the header's read noise, e⁻")
    saturation_adu: float | None = Field(None, gt=0, description="replaces the header's saturation level, ADU")
    uncertainty: bool = Field(default=False, description="write the UNCERT plane (1 sigma, e⁻)")
    compress: bool = Field(
        default=False,
        description=(
            "lossless tile compression of the calibrated files; FITS keeps compressed images in extensions, where "
            "astropy's CCDData.read finds them with hdu=1 only"
        ),
    )


class CosmicSettings(RecipeSection):
    """Cosmic rays by L.A.Cosmic (van Dokkum 2001, PASP 113, 1420)."""

    enabled: bool = Field(default=True, description="find and replace cosmic rays")
    engine: Literal["astep", "astroscrappy"] = Field("astep", description="astroscrappy: the slow reference")
    sigclip: float = Field(4.5, gt=0, description="Laplacian-to-noise threshold, sigma")
    sigfrac: float = Field(0.3, gt=0, le=1, description="fraction of sigclip for pixels next to a hit")
    objlim: float | None = Field(
        None, gt=0, description="contrast between Laplacian and fine structure; None: from the measured FWHM"
    )
    iterations: int = Field(4, ge=1, le=10, description="passes at most")
    protect_below_fwhm_px: float = Field(
        8.0, ge=0, description="stars narrower than this are told from hits by their shape and kept, px; 0: never"
    )


class QualitySettings(RecipeSection):
    """How frames are judged."""

    reject: tuple[str, ...] = Field(
        (), description='rules that reject science frames, e.g. "fwhm_px > 1.5*median(fwhm_px)"'
    )

    @field_validator("reject")
    @classmethod
    def _understood(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a rule that cannot be understood when the recipe is read, not when the night is done."""
        from pipeline_core.science.rules import check  # noqa: PLC0415 - numpy only where there are rules

        for rule in rules:
            try:
                check(rule)
            except UsageError as error:
                # pydantic gathers ValueErrors, and names the field beside all other mistakes.
                raise ValueError(f"{error.what}: {error.why}; {error.hint}") from error
        return rules

    max_stars: int = Field(100, ge=5, le=2000, description="stars measured in each frame, the brightest that are clean")


class SolveSettings(RecipeSection):
    """Plate solving: where on the sky each frame looks."""

    enabled: Literal["auto", "never"] = Field(
        "auto", description="auto: `astep reduce` solves too, where an index that fits is at hand"
    )
    engine: Literal["auto", "astrometry", "solve-field", "nova"] = Field(
        "auto",
        description="auto: the embedded engine, else solve-field; nova sends star lists to nova.astrometry.net "
        "(only if named here)",
    )
    indexes: tuple[str, ...] = Field((), description="index files or folders, besides Debian's and the user's folder")
    scale_arcsec: float | None = Field(None, gt=0, le=1000, description="replaces the header's pixel scale, arcsec")
    scale_tolerance: Fraction = Field(0.03, description="the true scale lies within this part of the stated one")
    radius_deg: float = Field(1.5, gt=0, le=180, description="the true pointing lies within this of the header's, deg")
    time_limit_s: float = Field(20.0, gt=0.1, le=3600, description="the search for one frame is ended after this, s")
    max_stars: int = Field(600, ge=20, le=5000, description="stars measured for the solution, the brightest all over")
    order: int = Field(3, ge=1, le=5, description="order of the distortion (SIP); lowered where stars are few")
    catalogue: Literal["auto", "gaia", "index"] = Field(
        "auto", description="auto: Gaia DR3 where it is cached or can be fetched, else the stars of the index"
    )
    faintest_mag: float = Field(17.0, ge=5, le=21, description="faintest catalogue stars asked for, G")
    network: bool = Field(
        default=True, description="`astep solve` may ask Gaia's archive and VizieR; `astep reduce` never does"
    )


class AlignSettings(RecipeSection):
    """How frames are placed on the reference of their pointing."""

    enabled: bool = Field(default=True, description="align the frames of each pointing when a night is reduced")
    max_order: int = Field(
        2, ge=0, le=3, description="highest order tried: 0 shift, turn and scale; 1 affine; 2, 3 distortion too"
    )


class StackSettings(RecipeSection):
    """How aligned frames are combined."""

    method: Literal["mean", "median"] = Field("mean", description="mean of what agrees, or the median of all")
    sigma: float = Field(5.0, gt=0.5, le=20, description="values further from the median are left out, sigma")
    background: Literal["plane", "offset", "none"] = Field(
        "plane",
        description="what the sky of a frame has beyond the best one's is taken away: a plane (Moon, twilight), or one "
        "number; none leaves steps where frames end",
    )


class Recipe(RecipeSection):
    """Everything that decides what the pixels of a night become."""

    version: Literal[1] = 1
    overscan: OverscanSettings = OverscanSettings()
    combine: CombineSettings = CombineSettings()
    dark: DarkSettings = DarkSettings()
    flat: FlatSettings = FlatSettings()
    mask: MaskSettings = MaskSettings()
    calibrate: CalibrateSettings = CalibrateSettings()
    cosmic: CosmicSettings = CosmicSettings()
    quality: QualitySettings = QualitySettings()
    solve: SolveSettings = SolveSettings()
    align: AlignSettings = AlignSettings()
    stack: StackSettings = StackSettings()
