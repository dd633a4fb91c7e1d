"""Masters that exist already: a file of ours, upstream's, Siril's or AstroImageJ's becomes a master in our form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from pipeline_core.errors import DataError
from pipeline_core.io.fits_file import read_image, read_layout
from pipeline_core.io.masters_file import read_master, write_master
from pipeline_core.science.flat import normalised
from pipeline_core.science.overscan import subtract_overscan
from pipeline_core.science.ready_master import check_overscan_is_off, holds_bias, in_adu
from pipeline_core.science.robust import median_and_sigma
from pipeline_core.stage import Made, Stage
from pipeline_core.types import Image, ImageLayout, Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from pipeline_core.io.masters_file import HeaderValues

BIAS_WAS_SUBTRACTED = ("SUBBIAS", "SUBTRACT_BIAS", "ZEROCOR", "BIASCOR", "BIASSUB")
"""Cards that ccdproc, IRAF and others leave when they take the bias off."""
BIAS_ADDED = "master bias added"
ELECTRONS = frozenset({"electron", "electrons", "e-", "e"})


def import_master(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Bring an existing master to our form: trimmed, float32 in ADU, darks with the bias, flats with median 1.

    Parameters
    ----------
    settings : mapping
        ``name``, ``kind`` (bias, dark or flat), ``file`` (night-relative), ``layout``, ``shape`` (raw ny, nx of the
        frames it serves), ``overscan``, ``overscan_order``, ``trim``, ``pedestal_adu``, ``gain_e_per_adu``,
        ``exposure_s``, ``temperature_c``, ``filter``.
    inputs : mapping
        ``file``; for a dark also ``bias``, where there is one.
    out : Path
    threads : int
        Not used: one file is read and written.

    Returns
    -------
    dict
        ``level_adu`` (median), ``did`` (in words, what was changed), ``n_frames`` if the file says it.

    Notes
    -----
    A dark without the bias gets the master bias added, so that every dark of this program holds it: to subtract
    bias + dark current at once, or scaled, is then the same arithmetic for all.
    """
    del threads
    file = inputs["file"]
    header, _, _ = read_layout(file)
    pixels = read_image(file, ImageLayout(**settings["layout"]))
    image = pixels.astype(np.float32)
    image[~np.isfinite(image)] = np.nan
    did: list[str] = []
    try:
        image = _fitted(image, settings, did)
        if settings["kind"] == "flat":
            scale = 1 / normalised(image, np.isfinite(image))[1]
            did.append(f"scaled to median 1 (was {1 / scale:.6g})")
        else:
            image, scale = _zero_level(image, header, settings, inputs, did)
    except DataError as error:
        raise DataError(f"cannot use {settings['file']} as a master: {error.what}", error.why, error.hint) from error
    uncertainty, n_used = _planes(file, pixels.shape, settings)
    if uncertainty is not None:
        uncertainty *= np.float32(scale)
        if BIAS_ADDED in did and (noise := read_master(inputs["bias"]).uncertainty) is not None:
            uncertainty = np.hypot(uncertainty, noise)
    write_master(out, image, _header(settings, header, did), uncertainty, n_used)
    made: Made = {"level_adu": float(np.nanmedian(image)), "did": did}
    return made | ({"n_frames": n} if (n := _frames_combined(header)) else {})


READY = Stage("existing master", 3, import_master)


def _fitted(image: Image, settings: Mapping[str, Any], did: list[str]) -> Image:
    """Give the master the geometry of the trimmed frames; its overscan, if it still has one, goes with it."""
    if np.count_nonzero(np.isfinite(image)) < image.size / 2:
        raise DataError(
            "it holds hardly any value",
            why="more than half of its pixels are not a number",
            hint="take it out of the night, or make it again",
        )
    raw_shape = tuple(settings["shape"])
    trim = Section(*settings["trim"]) if settings["trim"] else None
    if image.shape == raw_shape:
        if settings["overscan"]:
            # On a master whose overscan was subtracted already this strip is zero and nothing changes.
            subtract_overscan(image, Section(*settings["overscan"]), settings["overscan_order"])
            did.append("overscan subtracted")
        if trim is not None:
            image = np.ascontiguousarray(image[trim.slices])
            did.append("trimmed")
        return image
    lit = trim.shape if trim is not None else raw_shape
    if image.shape != lit:
        raise DataError(
            "its size does not fit",
            why=f"it has {image.shape[1]}×{image.shape[0]} pixels, the frames have {lit[1]}×{lit[0]}",
            hint="choose a master of the same binning and window",
        )
    if settings["overscan"] and settings["kind"] == "bias":
        check_overscan_is_off(image)
    return image


def _zero_level(
    image: Image, header: fits.Header, settings: Mapping[str, Any], inputs: Mapping[str, Path], did: list[str]
) -> tuple[Image, float]:
    """Bring a bias or dark to ADU, and the bias into a dark; also return the factor of its uncertainty."""
    image, scale = in_adu(image, by_siril="siril" in str(header.get("PROGRAM", header.get("CREATOR", ""))).lower())
    if scale != 1.0:
        did.append(f"multiplied by {scale:.0f}: Siril writes parts of full scale")
    if str(header.get("BUNIT", "")).strip().lower() in ELECTRONS:
        if settings["gain_e_per_adu"] is None:
            raise DataError(
                "it is in electrons",
                why="the gain is unknown, so that it cannot be brought to ADU like the frames",
                hint="set the gain: `astep set NIGHT gain_e_per_adu=2.0 '*'`",
            )
        image *= np.float32(1 / settings["gain_e_per_adu"])
        scale /= settings["gain_e_per_adu"]
        did.append(f"divided by the gain {settings['gain_e_per_adu']:.4g}: it was in electrons")
    whole = settings["kind"] == "bias" or _holds_bias(image, header, settings, inputs, did)
    if whole and settings["pedestal_adu"]:
        image -= np.float32(settings["pedestal_adu"])
        did.append(f"pedestal {settings['pedestal_adu']:g} ADU subtracted")
    if not whole and "bias" in inputs:
        image += read_master(inputs["bias"], with_uncertainty=False).image
        did.append(BIAS_ADDED)
    elif not whole and not settings["overscan"]:
        raise DataError(
            "it does not hold the bias, and there is no bias",
            why="the bias level would stay in every frame",
            hint="add biases to the night, or a master bias with `astep set NIGHT kind=bias FILE`",
        )
    return image, scale


def _holds_bias(
    image: Image, header: fits.Header, settings: Mapping[str, Any], inputs: Mapping[str, Path], did: list[str]
) -> bool:
    """Whether a dark holds the bias: its header's word, else its level."""
    if isinstance(header.get("HOLDBIAS"), bool):
        found = bool(header["HOLDBIAS"])
        how = "HOLDBIAS"
    elif card := next((card for card in BIAS_WAS_SUBTRACTED if header.get(card) not in {None, False, ""}), ""):
        found, how = False, card
    else:
        bias = read_master(inputs["bias"], with_uncertainty=False).image if "bias" in inputs else None
        if bias is None and settings["overscan"]:
            found, how = True, "no bias, and the overscan is subtracted"
        else:
            found, how = holds_bias(image, None if bias is None else median_and_sigma(bias)[0]), "its level"
    did.append(f"{'holds' if found else 'does not hold'} the bias ({how})")
    return found


def _planes(
    file: Path, shape: tuple[int, ...], settings: Mapping[str, Any]
) -> tuple[Image | None, npt.NDArray[np.uint8] | None]:
    """Return the planes that a master of ours (or ccdproc's) carries: 1-sigma uncertainty and counts, trimmed."""
    trim = Section(*settings["trim"]) if settings["trim"] else None
    cut = trim is not None and shape == tuple(settings["shape"])
    planes: dict[str, npt.NDArray[Any] | None] = {"UNCERT": None, "NUSED": None}
    with fits.open(file, memmap=False) as hdus:
        for name in planes:
            if name not in hdus or hdus[name].data is None or hdus[name].data.shape != shape:
                continue
            if name == "UNCERT" and hdus[name].header.get("UTYPE", "StdDevUncertainty") != "StdDevUncertainty":
                continue  # a variance is not what the frames' uncertainty is made from
            data = hdus[name].data
            planes[name] = data[trim.slices] if cut and trim is not None else data
    uncertainty, used = planes["UNCERT"], planes["NUSED"]
    return (
        None if uncertainty is None else np.array(uncertainty, np.float32),
        None if used is None else np.array(used, np.uint8),
    )


def _frames_combined(header: fits.Header) -> int | None:
    for keyword in ("NCOMBINE", "STACKCNT", "NCOMBINED", "NSTACK"):
        number = header.get(keyword)
        if isinstance(number, int) and not isinstance(number, bool) and number > 0:
            return number
    return None


def _header(settings: Mapping[str, Any], found: fits.Header, did: list[str]) -> HeaderValues:
    """Cards that all masters have, and where this one came from."""
    cards: dict[str, tuple[str | float | int | bool, str]] = {
        "MASTER": (settings["name"], "name of this master"),
        "IMAGETYP": (settings["kind"], "what it is"),
        "HOLDBIAS": (settings["kind"] != "flat", "the bias level is in it" if settings["kind"] != "flat" else ""),
        "MADEFROM": (settings["file"][-60:].encode("ascii", "replace").decode(), "existing master, in the night"),
    }
    if (number := _frames_combined(found)) is not None:
        cards["NCOMBINE"] = (number, "frames combined, as the file says")
    for keyword, name, comment in (
        ("FILTER", "filter", "filter"), ("EXPTIME", "exposure_s", "[s] exposure of each frame"),
        ("CCD-TEMP", "temperature_c", "[deg C]"),
    ):  # fmt: skip
        if settings[name] is not None:
            cards[keyword] = (settings[name], comment)
    if settings["kind"] != "flat":
        cards["BUNIT"] = ("adu", "")
    for number, words in enumerate(did[:9], start=1):
        cards[f"IMPORT{number}"] = (words.encode("ascii", "replace").decode()[:66], "")
    return cards
