"""A frame as its header describes it, in the units of :class:`pipeline_core.types.Frame`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.io.fits_names import FITS_NAME
from pipeline_core.io.frame_kind import frame_kind
from pipeline_core.io.header_times import mid_exposure
from pipeline_core.io.header_values import (
    HeaderValues,
    clean_text,
    is_sexagesimal,
    seconds_per_unit,
    to_number,
)
from pipeline_core.io.profiles import load_profile, match_profile, plain_word
from pipeline_core.types import Frame, FrameKind

if TYPE_CHECKING:
    from pipeline_core.errors import DataError
    from pipeline_core.io.fits_cards import Cards
    from pipeline_core.io.fits_layout import FoundImage
    from pipeline_core.io.profiles import Profile
    from pipeline_core.types import Section

_KELVIN = re.compile(r"(?i)\[K\]|\bkelvin|\bdeg(rees)? K\b")
_ADDED = re.compile(r"(?i)\badded\b")
# A gain of 10 or more e-/ADU that is a whole number is more often a setting of the camera than a gain.
_DOUBTFUL_GAIN = 10.0


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file of the night: where it lies and when it changed."""

    path: str
    """Relative to the night, with ``/``."""
    size_bytes: int
    mtime_ns: int
    root_name: str = ""
    """Name of the night's own folder, which may say what is in it."""

    @property
    def name(self) -> str:
        """File name without folders."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders on the way to it, the night's own first."""
        return (self.root_name, *self.path.split("/")[:-1])


def frame_from_header(found: FoundImage, file: RawFile, profile: Profile | None = None) -> Frame:
    """Describe a frame by its header, then its name, then what its instrument's profile knows.

    Parameters
    ----------
    found : FoundImage
        As :func:`pipeline_core.io.fits_layout.find_image` gives it.
    file : RawFile
    profile : Profile, optional
        How to read the header; by default the profile that header and folders point to.

    Returns
    -------
    Frame
        Whatever is missing or cannot be true is None, and said in ``problems``.
    """
    cards = found.cards
    profile = profile or match_profile(cards, file.folders)
    keys, defaults = profile.keywords, profile.defaults
    values = HeaderValues(cards)
    verdict = frame_kind(cards, profile, file.name, file.folders)
    kind = verdict.kind
    if kind is not FrameKind.OTHER and _is_calibrated(cards, file.name):
        kind = FrameKind.OTHER
        values.problems.append("already calibrated: not used")
    exposure_s, is_usual = _exposure(values, profile, kind)
    mid_utc, mid_share = mid_exposure(values, keys, exposure_s)
    gain, gain_source = _gain(values, profile)
    read_noise = values.number(keys.read_noise, 1e-3, 1e3, "read noise")
    saturation = values.number(keys.saturation, 1.0, 2.0**32, "saturation level")
    binning = _binning(values, profile)
    overscan, trim = _sections(values, profile, found.shape)
    ra_deg, dec_deg = (None, None) if _is_calibration(kind) else _pointing(values, profile)
    largest = 65535.0 if (found.layout.bitpix, found.layout.bzero) == (16, 32768.0) else None
    return Frame(
        path=file.path,
        kind=kind,
        size_bytes=file.size_bytes,
        mtime_ns=file.mtime_ns,
        filter=_filter(cards, profile) if kind.has_filter else None,
        exposure_s=exposure_s,
        mid_utc=mid_utc,
        mid_share=mid_share,
        exposure_is_usual=is_usual,
        temperature_c=_temperature(values, profile),
        binning=binning,
        shape=found.shape,
        gain_e_per_adu=gain,
        gain_source=gain_source,
        read_noise_e=read_noise.value if read_noise else defaults.read_noise_e,
        saturation_adu=saturation.value if saturation else defaults.saturation_adu or largest,
        pedestal_adu=_pedestal(values, profile),
        object=values.text(keys.object),
        ra_deg=ra_deg,
        dec_deg=dec_deg,
        overscan=overscan,
        trim=trim,
        pixel_scale_arcsec=_pixel_scale(values, profile, binning),
        camera=values.text(keys.camera),
        profile=profile.name,
        layout=found.layout,
        problems=(*verdict.problems, *dict.fromkeys(values.problems)),
        is_master=verdict.is_master,
    )


def unusable_frame(file: RawFile, error: DataError, profile: Profile | None = None) -> Frame:
    """List a file that cannot be used, with the reason; its name may still say what it was."""
    profile = profile or match_profile(None, file.folders)
    kind = frame_kind(None, profile, file.name, file.folders).kind
    words = " · ".join(part for part in (error.why, error.hint) if part)
    return Frame(
        path=file.path,
        kind=kind,
        size_bytes=file.size_bytes,
        mtime_ns=file.mtime_ns,
        profile=profile.name,
        problems=(f"cannot be used: {words}",),
        unusable=error.why or error.what,
    )


def _is_calibration(kind: FrameKind) -> bool:
    return kind in {FrameKind.BIAS, FrameKind.DARK, FrameKind.FLATDARK, FrameKind.FLAT}


def _is_calibrated(cards: Cards, name: str) -> bool:
    """Whether it is one of our own calibrated frames, copied among raw ones."""
    unit = str(cards.get("BUNIT") or "").strip().lower()
    return FITS_NAME.sub("", name).endswith("_CAL") and unit in {"electron", "electrons", "adu"}


def _exposure(values: HeaderValues, profile: Profile, kind: FrameKind) -> tuple[float | None, bool]:
    """Return the exposure time, s, and whether it is not the header's but what is usual for the instrument."""
    keys = profile.keywords
    day_s = 86_400.0
    # A unit in the comment may make 90,000,000 microseconds of it, so the limit is applied to seconds.
    for keyword in keys.exposure:
        raw = values.number((keyword,), 0.0, day_s * 1e6, "exposure time")
        if raw is None:
            continue
        seconds = raw.value * seconds_per_unit(values.cards.comment(keyword))
        if seconds < day_s:
            return _said_zero(values, kind, seconds), False
        values.problems.append(f"{keyword} = {raw.value:g} s is longer than a day: ignored")
    micro = values.number(keys.exposure_us, 0.0, day_s * 1e6, "exposure time")
    if micro is not None:
        return _said_zero(values, kind, micro.value * 1e-6), False
    usual = profile.defaults.exposure_s.get(kind)
    if usual is not None:
        values.problems.append(f"the header has no exposure time: {usual:g} s, usual for {profile.title}, is taken")
    elif kind is not FrameKind.BIAS:
        values.problems.append("the header has no exposure time")
    return usual, usual is not None


def _said_zero(values: HeaderValues, kind: FrameKind, seconds: float) -> float:
    if seconds == 0.0 and kind in {FrameKind.DARK, FrameKind.FLATDARK}:
        values.problems.append("a dark of 0 s: is it a bias?")
    return seconds


def _gain(values: HeaderValues, profile: Profile) -> tuple[float | None, str | None]:
    for keyword in profile.keywords.gain:
        # Real converters give 0.02 to 100 e-/ADU; 0 and 100 and more are settings of the camera.
        found = values.number((keyword,), 0.02, 100.0, "gain in e⁻/ADU (a setting of the camera?)")
        if found is None:
            continue
        if keyword == "GAIN" and found.value >= _DOUBTFUL_GAIN and found.value.is_integer():
            values.problems.append(f"GAIN = {found.value:g} may be a setting of the camera, not e⁻/ADU: ignored")
            continue
        return found.value, found.keyword
    usual = profile.defaults.gain_e_per_adu
    return usual, None if usual is None else "profile"


def _temperature(values: HeaderValues, profile: Profile) -> float | None:
    for keyword in profile.keywords.temperature:
        found = values.number((keyword,), -300.0, 400.0, "temperature")
        if found is None:
            continue
        celsius = found.value - 273.15 if _KELVIN.search(values.cards.comment(keyword)) else found.value
        if -273.15 <= celsius < 100.0:
            return celsius
        values.problems.append(f"{keyword} = {found.value:g} cannot be a camera's temperature in °C: ignored")
    return None


def _binning(values: HeaderValues, profile: Profile) -> tuple[int, int] | None:
    keys = profile.keywords
    x = values.number(keys.binning_x, 1, 1000, "binning")
    y = values.number(keys.binning_y, 1, 1000, "binning")
    if x is not None or y is not None:
        across = int((x or y).value)  # type: ignore[union-attr]
        return (int(y.value) if y is not None else across, across)
    text = values.text(keys.binning)
    parts = re.fullmatch(r"(\d{1,3})(?:[ xX,*]+(\d{1,3}))?", text.strip()) if text else None
    if parts is None or int(parts[1]) < 1:
        return None
    return (int(parts[2] or parts[1]) or 1, int(parts[1]))


def _pedestal(values: HeaderValues, profile: Profile) -> float:
    found = values.number(profile.keywords.pedestal, -65535.0, 65536.0, "pedestal")
    if found is None or found.value == 0.0:
        return 0.0
    # MaxIm and SBIG write what must be ADDED to get to zero, the negative of what the camera program put on;
    # programs that say "added" write that amount itself.
    was_added = _ADDED.search(values.cards.comment(found.keyword)) is not None
    pedestal = found.value if was_added else -found.value
    if pedestal < 0:
        values.problems.append(f"{found.keyword} = {found.value:g} would mean that counts were taken away")
    return pedestal


def _sections(values: HeaderValues, profile: Profile, shape: tuple[int, int]) -> tuple[Section | None, Section | None]:
    overscan = values.section(profile.keywords.overscan, shape, "overscan")
    trim = values.section(profile.keywords.trim, shape, "lit part of the chip")
    if overscan is not None and trim is not None:
        apart = overscan.x1 <= trim.x0 or trim.x1 <= overscan.x0 or overscan.y1 <= trim.y0 or trim.y1 <= overscan.y0
        if not apart:
            values.problems.append(
                f"overscan {overscan.as_fits()} lies over the lit pixels {trim.as_fits()}: neither is used"
            )
            return None, None
    return overscan, trim


def _filter(cards: Cards, profile: Profile) -> str | None:
    unknown = {plain_word(word) for word in profile.filters.unknown}
    empty = {plain_word(word) for word in profile.filters.empty_place}

    def named(keyword: str) -> str | None:
        value = cards.get(keyword)
        text = "" if value is None or isinstance(value, bool) else clean_text(value)
        return None if not text or plain_word(text) in unknown else text

    for keyword in profile.keywords.filter:
        if (name := named(keyword)) is not None:
            return name
    for wheels in profile.keywords.filter_wheels:
        places = [name for keyword in wheels if (name := named(keyword)) is not None]
        filters = [name for name in places if plain_word(name) not in empty]
        if places:
            return "+".join(filters) if filters else places[0]
    return None


def _pointing(values: HeaderValues, profile: Profile) -> tuple[float | None, float | None]:
    for ra_key, dec_key in zip(profile.keywords.ra, profile.keywords.dec, strict=True):
        ra, dec = values.angle(ra_key), values.angle(dec_key)
        if ra is None or dec is None:
            continue
        # Sexagesimal right ascensions are hours; decimal ones are degrees unless the comment says hours.
        in_hours = is_sexagesimal(values.cards.get(ra_key)) or "hour" in values.cards.comment(ra_key).lower()
        ra_deg = ra * 15 if in_hours else ra
        if not (0 <= ra_deg <= 360 and -90 <= dec <= 90):
            values.problems.append(f"{ra_key}, {dec_key} = {ra:g}, {dec:g} is no place in the sky: ignored")
        elif ra_deg == 0 and dec == 0:
            values.problems.append(f"{ra_key} = {dec_key} = 0 is taken as not known")
        else:
            return ra_deg % 360.0, dec
    return None, None


def _pixel_scale(values: HeaderValues, profile: Profile, binning: tuple[int, int] | None) -> float | None:
    """Return arcsec per pixel of the frame: by its WCS, a keyword, or pixel size and focal length."""
    keys, factor = profile.keywords, binning[1] if binning else 1
    if str(values.cards.get("CTYPE1") or "").upper().startswith(("RA", "DEC")):
        cd = [to_number(values.cards.get(k)) for k in ("CD1_1", "CD1_2", "CD2_1", "CD2_2")]
        if cd[0] is not None and cd[3] is not None:
            area = abs(cd[0] * cd[3] - (cd[1] or 0.0) * (cd[2] or 0.0))
            if 0.01 < (scale := 3600.0 * math.sqrt(area)) < 1000:
                return scale
    if (direct := values.number(keys.pixel_scale, 0.01, 1000, "pixel scale")) is not None:
        return direct.value
    if (unbinned := values.number(keys.pixel_scale_unbinned, 0.01, 1000, "pixel scale")) is not None:
        comment = values.cards.comment(unbinned.keyword).lower()
        return unbinned.value * (factor if "unbinned" in comment else 1)
    size_um = values.number(("XPIXSZ",), 0.5, 200, "pixel size")
    focal_mm = to_number(values.cards.get("FOCALLEN"))
    if size_um is None or focal_mm is None or not 10 < focal_mm < 1e6:
        stated = profile.defaults.pixel_scale_arcsec
        return stated * factor if stated is not None else None
    # XPIXSZ counts the binning in (SBIG's FITS extensions); 206.265 arcsec are one micrometre at a metre.
    return 206.265 * size_um.value / focal_mm


def profile_named(name: str | None) -> Profile | None:
    """Return the profile a person asked for, None when the frames are to decide."""
    return None if name is None else load_profile(name)
