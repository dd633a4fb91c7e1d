"""The calibrated frame as a file: image in electrons, mask, uncertainty, and a header that tells what was done.

``CCDData.read(path)`` opens it whole: ``BUNIT`` gives the unit, the extensions ``MASK`` and ``UNCERT`` carry the names
that astropy looks for. A tile-compressed image cannot be the primary HDU (FITS standard 4.0, section 10): such a file
is opened with ``CCDData.read(path, hdu=1)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from pipeline_core.io.ascii_words import ascii_words
from pipeline_core.io.card_room import fitting_card, shorten_comments
from pipeline_core.io.fits_pixels import read_floats, write_images
from pipeline_core.types import Bits, Frame, Image, MaskBit, Section

if TYPE_CHECKING:
    from pathlib import Path

UNTRUE_AFTERWARDS = frozenset(
    {
        "BZERO",
        "BSCALE",
        "BLANK",
        "DATAMIN",
        "DATAMAX",
        "CHECKSUM",
        "DATASUM",
        "ZHECKSUM",
        "ZDATASUM",
        "PEDESTAL",
        "BIASSEC",
        "TRIMSEC",
        "DATASEC",
        "CCDSEC",
        "DETSEC",
        "AMPSEC",
        "BIAS01",
        "TRIM01",
        "OVRSCAN",
        "BUNIT",
        "INHERIT",
        "CBLACK",
        "CWHITE",
        "CSTRETCH",
        "EXTNAME",
        "EXTVER",
        "EXTLEVEL",
        "MIPS-HI",
        "MIPS-LO",
        "MIPS-X",
    }
)
"""Cards that described the raw array: its scaling, sections, checksums and display limits."""

CAMERA_TIMES = frozenset(
    {
        *("DATE-OBS", "DATE_OBS", "DATEOBS", "DATE-BEG", "DATE-STA", "DATE-AVG", "DATE-MID", "DATE-END", "DATE-LOC"),
        *("UT-DATE", "TIME-OBS", "TIME-BEG", "TIME-END", "TIMESYS", "LOCALTIM", "ST", "LST", "SIDTIME"),
        *("UT", "UTC", "UT-OBS", "UTC-OBS", "UT-TIME", "UTSTART", "UTEND", "UTCSTART", "UTCEND", "UT-START", "UT-END"),
        *("MJD", "MJD-OBS", "MJD-BEG", "MJD-AVG", "MJD-MID", "MJD-END", "JD", "JD-OBS", "JD-BEG", "JD-MID", "JD_UTC"),
        *("JD-HELIO", "HJD", "BJD", "MIDTIMJD", "EXPSTART", "EXPEND", "SHUTOPEN", "SHUTCLOS"),
    }
)
"""Times as cameras write them: none of them is true once a person says that the clock was wrong."""
CAMERA_EXPOSURES = frozenset(
    {
        *("EXPTIME", "EXPOSURE", "EXP_TIME", "EXP-TIME", "ITIME", "EXPOSED", "ELAPTIME", "EXPOINUS", "DARKTIME"),
        *("DATE-END", "TIME-END", "UTEND", "UTCEND", "UT-END", "MJD-END", "EXPEND", "SHUTCLOS"),
    }
)
"""Exposures, and ends that stand on them."""
CAMERA_TEMPERATURES = frozenset(
    {"CCD-TEMP", "CCDTEMP", "DETTEMP", "DET-TEMP", "TEMP-CCD", "CCDATEMP", "CAMTEMP", "TEMPERAT"}
)

NUMERIC_WCS = (
    "CRPIX",
    "CRVAL",
    "CDELT",
    "CD1_",
    "CD2_",
    "PC1_",
    "PC2_",
    "CROTA",
    "EQUINOX",
    "LONPOLE",
    "LATPOLE",
)
_WCS_PREFIXES = (
    *NUMERIC_WCS,
    "CTYPE",
    "CUNIT",
    "PV1_",
    "PV2_",
    "RADESYS",
    "WCSAXES",
    "CRDELT",
    "CFINT",
)
EXPOSURE_IS_USUAL = "EXPUSUAL"
"""Card of a frame whose exposure, and mid-exposure with it, is what is usual for the instrument."""
_SIP_TERM = re.compile(r"[AB]P?_(ORDER|DMAX|\d+_\d+)")


def is_wcs_card(keyword: str) -> bool:
    """Whether a card says where the frame looks; a camera's B_FOCUS is no term of SIP."""
    return keyword.startswith(_WCS_PREFIXES) or _SIP_TERM.fullmatch(keyword) is not None


@dataclass(frozen=True)
class CalibratedFrame:
    """What a calibrated file holds."""

    image: Image
    mask: Bits
    uncertainty: Image | None
    header: fits.Header


def science_header(raw: fits.Header, frame: Frame, trim: Section | None) -> fits.Header:
    """Return the raw header without what calibration made untrue, shifted to the trimmed pixels.

    Parameters
    ----------
    raw : Header
        As read; it may hold cards that are no valid FITS.
    frame : Frame
        What was understood of it: exposure, filter and mid-exposure time are written in standard form.
    trim : Section or None
        The part of the raw frame that was kept.

    Returns
    -------
    Header
        Without BZERO, sections, checksums, or a WCS whose numbers are strings (astropy reads that as 0, 0), and
        without the camera's word on what a person decided: exposure, time, temperature.
    """
    header = fits.Header()
    drop_wcs = not _wcs_is_numeric(raw)
    denied = _denied(frame)
    for card in raw.cards:
        sound = _sound(card)
        if sound is None:
            continue
        keyword = card.keyword.upper()
        if keyword in UNTRUE_AFTERWARDS or keyword.startswith(
            ("NAXIS", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL", "TTYPE", "TFORM")
        ):
            continue
        if keyword in {
            "SIMPLE",
            "BITPIX",
            "EXTEND",
            "XTENSION",
            "PCOUNT",
            "GCOUNT",
            "TFIELDS",
            "END",
            "ZIMAGE",
            "ZCMPTYPE",
            "ZBITPIX",
            "ZSIMPLE",
            "ZEXTEND",
            "ZQUANTIZ",
            "ZDITHER0",
            "ZPCOUNT",
            "ZGCOUNT",
            "GROUPS",
            "THEAP",
        }:
            continue
        if keyword in denied or (drop_wcs and is_wcs_card(keyword)):
            continue
        header.append(sound)
    _tell_dropped(header, raw, is_dropped=drop_wcs)
    if trim is not None:
        _shift_to(header, trim)
    _put_what_is_known(header, frame)
    return header


def _put_what_is_known(header: fits.Header, frame: Frame) -> None:
    """Write exposure, filter and mid-exposure time in standard form."""
    if frame.exposure_s is not None:
        header["EXPTIME"] = (frame.exposure_s, "[s] exposure time")
    if frame.exposure_is_usual:
        header[EXPOSURE_IS_USUAL] = (True, "raw header had no exposure: the usual one")
    if frame.filter is not None:
        header["FILTER"] = (ascii_words(frame.filter), "filter")
    if frame.mid_utc is not None:
        header["DATE-AVG"] = (
            frame.mid_utc.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "UTC at mid-exposure",
        )
        header["TIMESYS"] = "UTC"
    _tell_decided(header, frame)


def _denied(frame: Frame) -> frozenset[str]:
    """Return the cards that a person's decisions made untrue."""
    denied: frozenset[str] = frozenset()
    for name, cards in (
        ("exposure_s", CAMERA_EXPOSURES),
        ("mid_utc", CAMERA_TIMES),
        ("temperature_c", CAMERA_TEMPERATURES),
    ):
        denied |= cards if name in frame.decided else frozenset()
    return denied


def _tell_decided(header: fits.Header, frame: Frame) -> None:
    """Write in standard form what a person decided, and that one did."""
    if "mid_utc" in frame.decided and frame.mid_utc is not None and frame.exposure_s is not None:
        start = frame.mid_utc.replace(tzinfo=None) - timedelta(seconds=frame.exposure_s / 2)
        header["DATE-OBS"] = (start.isoformat(timespec="milliseconds"), "UTC start of exposure")
    if "temperature_c" in frame.decided and frame.temperature_c is not None:
        header["CCD-TEMP"] = (frame.temperature_c, "[degC] chip temperature")
    words = {"exposure_s": "exposure", "mid_utc": "time", "temperature_c": "temperature"}
    told = [
        words[name]
        for name in frame.decided
        if name in words and not (name == "mid_utc" and frame.mid_follows_exposure)  # nobody corrected the clock
    ]
    if told:
        header.add_history(f"ASTEP Harvest: {', '.join(told)} as a person decided, not as the camera wrote")


def _sound(card: fits.Card) -> fits.Card | None:
    """Return a card as it can be written again; None if its number or text is one that no reader understands."""
    try:
        sound = fitting_card(card.keyword, card.value, card.comment)
        str(sound)
    except (ValueError, TypeError, fits.VerifyError):
        return None
    return sound


def _wcs_is_numeric(raw: fits.Header) -> bool:
    """Whether the header's WCS is one: both reference values are numbers and both axes are celestial."""
    for card in raw.cards:
        keyword = card.keyword.upper()
        if keyword.startswith(NUMERIC_WCS):
            try:
                value = card.value
            except fits.VerifyError:
                return False
            if isinstance(value, str):
                return False
    kinds = [str(raw.get(f"CTYPE{axis}", "")).upper() for axis in (1, 2)]
    return all("-" in kind and kind[:4] in {"RA--", "DEC-", "GLON", "GLAT", "ELON", "ELAT"} for kind in kinds)


def _tell_dropped(header: fits.Header, raw: fits.Header, *, is_dropped: bool) -> None:
    """Say in the header that the world coordinates of the raw one were left out, and why; if it stated any."""
    stated = [card for card in raw.cards if card.keyword.upper().startswith(("CRVAL", "CD1_", "CDELT", "CTYPE"))]
    if not is_dropped or not stated:
        return
    for card in stated:
        try:
            if isinstance(card.value, str) and card.keyword.upper().startswith(NUMERIC_WCS):
                why = f"its numbers are text ({card.keyword} = '{card.value.strip()[:20]}'), which readers take for 0"
                break
        except fits.VerifyError:
            why = f"{card.keyword} is no valid card"
            break
    else:
        why = "it names no celestial axes"
    words = f"ASTEP Harvest: the raw header's WCS was left out: {why}. Solve the frame to have one"
    header.add_history(ascii_words(words))


def _shift_to(header: fits.Header, trim: Section) -> None:
    """Move the reference pixel, and record where the kept pixels lay (IRAF's LTV convention)."""
    for card, offset in (("CRPIX1", trim.x0), ("CRPIX2", trim.y0)):
        if isinstance(header.get(card), (int, float)):
            header[card] = header[card] - offset
    header["LTV1"] = (float(-trim.x0), "trimmed x = raw x + LTV1")
    header["LTV2"] = (float(-trim.y0), "trimmed y = raw y + LTV2")
    header["LTM1_1"] = (1.0, "no change of scale")
    header["LTM2_2"] = (1.0, "no change of scale")


def write_calibrated(
    path: Path,
    image: Image,
    mask: Bits,
    uncertainty: Image | None,
    header: fits.Header,
    *,
    unit: str,
    compress: bool,
) -> None:
    """Write one calibrated frame.

    Parameters
    ----------
    path : Path
        Where; the caller renames it to its final name.
    image : (ny, nx) float32, electron or adu
    mask : (ny, nx) uint8
        :class:`~pipeline_core.types.MaskBit`.
    uncertainty : (ny, nx) float32 or None
        One sigma, in the image's unit.
    header : Header
    unit : {"electron", "adu"}
    compress : bool
        Tile-compress without loss (GZIP_2 for floats keeps every bit).
    """
    header = header.copy()
    header["BUNIT"] = (unit, "unit of the pixels")
    shorten_comments(header)
    mask_header = fits.Header()
    for bit, words in MaskBit.WORDS.items():
        mask_header[f"MASKB{bit.bit_length() - 1}"] = (words, f"meaning of bit value {bit}")
    uncertainty_header = fits.Header()
    uncertainty_header["UTYPE"] = ("StdDevUncertainty", "one standard deviation")
    uncertainty_header["BUNIT"] = unit

    def extension(data: Any, name: str, extra: fits.Header) -> Any:
        if compress:
            kind = "GZIP_2" if data.dtype.kind == "f" else "RICE_1"
            level = {"quantize_level": 0} if data.dtype.kind == "f" else {}
            return fits.CompImageHDU(data, extra, name=name, compression_type=kind, **level)
        return fits.ImageHDU(data, extra, name=name)

    hdus: list[Any] = (
        [fits.PrimaryHDU(), extension(image, "SCI", header)] if compress else [fits.PrimaryHDU(image, header)]
    )
    hdus.append(extension(mask, "MASK", mask_header))
    if uncertainty is not None:
        hdus.append(extension(uncertainty, "UNCERT", uncertainty_header))
    if compress:
        fits.HDUList(hdus).writeto(path, output_verify="silentfix", overwrite=True)
    else:
        write_images(path, fits.HDUList(hdus))


def read_calibrated(path: Path, *, with_uncertainty: bool = True) -> CalibratedFrame:
    """Read a file that :func:`write_calibrated` wrote.

    Parameters
    ----------
    path : Path
    with_uncertainty : bool
        Whether to read ``UNCERT``, where there is one.

    Returns
    -------
    CalibratedFrame
        Arrays in native byte order.
    """
    with fits.open(path, memmap=False) as hdus:
        main = hdus[0] if hdus[0].shape else hdus["SCI"]
        uncertainty = read_floats(path, hdus["UNCERT"]) if with_uncertainty and "UNCERT" in hdus else None
        image = read_floats(path, main)
        return CalibratedFrame(image, np.ascontiguousarray(hdus["MASK"].data), uncertainty, main.header.copy())
