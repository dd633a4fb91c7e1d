"""Index files of astrometry.net: which scales they know, and the stars that lie in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import DataError
from pipeline_core.io.fits_cards import Cards, split_cards

if TYPE_CHECKING:
    from pathlib import Path

    Floats = npt.NDArray[np.float64]

_MOST_CARDS = 3600
_CHUNK = 200_000  # stars looked at together: 5 MB of directions


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One index: star patterns ("quads") of one range of sizes."""

    path: Path
    smallest_arcmin: float
    largest_arcmin: float
    """Sizes of its quads."""
    stars: int
    quads: int
    index_id: int
    is_all_sky: bool
    healpix: int
    """Number of the sky cell it covers, -1 for the whole sky."""
    nside: int

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name

    def serves(self, field_arcmin: float) -> bool:
        """Whether patterns of its sizes fit into a field and are large enough to be measured there."""
        return self.smallest_arcmin <= 0.9 * field_arcmin and self.largest_arcmin >= 0.08 * field_arcmin

    def serves_well(self, field_arcmin: float) -> bool:
        """Whether its patterns fill a quarter to three quarters of the field: those are many and well measured."""
        return self.smallest_arcmin <= 0.75 * field_arcmin and self.largest_arcmin >= 0.25 * field_arcmin


@dataclass(frozen=True, slots=True)
class IndexStars:
    """Stars of an index inside a cone, brightest first: by magnitude, else by the rank the index gives them."""

    ra_deg: Floats
    dec_deg: Floats
    magnitude: Floats
    """NaN where the index has none."""
    band: str
    """What the index calls its magnitude; empty where it has none."""


def read_index(path: Path) -> IndexFile:
    """Read what an index says of itself.

    Raises
    ------
    DataError
        If the file is no index, or is cut short.
    """
    head = _first_header(path)
    try:
        index = IndexFile(
            path,
            float(np.degrees(head["SCALE_L"])) * 60.0,
            float(np.degrees(head["SCALE_U"])) * 60.0,
            int(head["NSTARS"]),
            int(head["NQUADS"]),
            int(head.get("INDEXID") or 0),
            int(head.get("HEALPIX", -1)) < 0,
            int(head.get("HEALPIX", -1)),
            int(head.get("HPNSIDE") or 0),
        )
        dimension = int(head.get("DIMQUADS") or 4)
        # Directions of 12 bytes a star; the stars of each quad, and its code in 16-bit numbers.
        least = 12 * index.stars + (4 * dimension + 4 * (dimension - 2)) * index.quads
    except KeyError as error:
        raise _no_index(path, f"its header lacks {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise _no_index(path, f"its header cannot be read: {error}") from error
    if path.stat().st_size < least:
        raise _no_index(path, "the file is cut short")
    return index


def _first_header(path: Path) -> dict[str, Any]:
    """Return the cards of the first header; a folder of indexes is looked through in milliseconds."""
    cards: list[str] = []
    with path.open("rb") as file:
        while len(cards) < _MOST_CARDS and not any(card.startswith("END ") for card in cards[-36:]):
            block = file.read(2880)
            if len(block) < 2880:
                break
            cards += split_cards(block)
    if not cards or not cards[0].startswith("SIMPLE  ="):
        raise _no_index(path, "it is no FITS file")
    known = Cards(cards)
    return {keyword: known.get(keyword) for keyword in known}


def stars_within(path: Path, ra_deg: float, dec_deg: float, radius_deg: float) -> IndexStars:
    """Return the stars of an index inside a cone.

    Parameters
    ----------
    path : Path
    ra_deg, dec_deg, radius_deg : float

    Returns
    -------
    IndexStars

    Notes
    -----
    Stars are directions (x, y, z) in unsigned 32-bit steps over the range stated in the file (libkd of
    astrometry.net): 0.1 mas a step over -1 to 1.
    """
    tables = _tables(path, path.stat().st_mtime_ns)
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    towards = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    chord = 2.0 * np.sin(np.radians(min(radius_deg, 180.0)) / 2.0)
    steps = tables.stars
    low, scale = tables.low, tables.scale
    # Whole steps first: a box of directions leaves a hundredth of the stars to be looked at closely.
    lowest = np.clip((towards - chord - low) * scale, 0, 2**32 - 1).astype(np.uint32)
    highest = np.clip((towards + chord - low) * scale + 1, 0, 2**32 - 1).astype(np.uint32)
    found: list[npt.NDArray[np.intp]] = []
    for start in range(0, len(steps), _CHUNK):
        part = steps[start : start + _CHUNK]
        boxed = np.flatnonzero((part[:, 2] >= lowest[2]) & (part[:, 2] <= highest[2]))
        near = part[boxed]
        boxed = boxed[((near[:, :2] >= lowest[:2]) & (near[:, :2] <= highest[:2])).all(axis=1)]
        found.append(boxed + start)
    which = np.concatenate(found) if found else np.zeros(0, np.intp)
    directions = steps[which] / scale + low
    which = which[((directions - towards) ** 2).sum(axis=1) <= chord**2]
    directions = steps[which] / scale + low
    magnitude = np.full(len(which), np.nan)
    if tables.magnitudes is not None:
        magnitude = tables.magnitudes[which].astype(np.float64)
        magnitude[(magnitude < -5) | (magnitude > 30)] = np.nan
        order = np.argsort(magnitude, kind="stable")  # NaN last
        directions, magnitude = directions[order], magnitude[order]
    elif tables.rank is not None:
        directions = directions[np.argsort(tables.rank[which], kind="stable")]
    x, y, z = directions.T
    return IndexStars(
        np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y))), magnitude, tables.band
    )


@dataclass(frozen=True)
class _Tables:
    head: dict[str, Any]
    stars: npt.NDArray[np.uint32]
    """(n, 3), mapped from the file."""
    low: Floats
    scale: float
    magnitudes: npt.NDArray[Any] | None
    band: str
    rank: npt.NDArray[np.uint8] | None
    """Of each star in its part of the sky, the brightest first ("sweep"); read where there are no magnitudes."""


@lru_cache(maxsize=32)
def _tables(path: Path, _mtime_ns: int) -> _Tables:
    from astropy.io import fits  # noqa: PLC0415 - heavy

    try:
        with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
            head = dict(hdus[0].header)
            places = {}
            magnitudes, band = None, ""
            for hdu in hdus[1:]:
                names = list(hdu.columns.names) if hasattr(hdu, "columns") else []
                for name in names:
                    places[name] = (hdu.fileinfo()["datLoc"], hdu.header["NAXIS1"], hdu.header["NAXIS2"])
                if hdu.header.get("AN_FILE") == "TAGALONG":
                    wanted = [n for n in names if n.upper().startswith(("MAG", "PHOT_G", "J_M", "VT", "R_MAG"))]
                    if wanted:
                        magnitudes, band = np.array(hdu.data[wanted[0]]), wanted[0]
            rank = _rank(hdus) if magnitudes is None else None
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise _no_index(path, str(error) or type(error).__name__) from error
    if "kdtree_data_stars" not in places or "kdtree_range_stars" not in places or "SCALE_L" not in head:
        raise _no_index(path, "it has no star tree")
    order = _byte_order(head)
    start, width, count = places["kdtree_data_stars"]
    if width != 12:
        raise _no_index(path, f"its stars take {width} bytes each; 12 are known")
    if path.stat().st_size < start + width * count:
        raise _no_index(path, "the file is cut short")
    stars = np.memmap(path, f"{order}u4", "r", start, (count, 3))
    limits = np.fromfile(path, f"{order}f8", 7, offset=places["kdtree_range_stars"][0])
    if len(limits) < 7 or any(column is not None and len(column) != count for column in (magnitudes, rank)):
        raise _no_index(path, "the file is cut short")
    return _Tables(head, stars, limits[:3], float(limits[6]), magnitudes, band, rank)


def _rank(hdus: Any) -> npt.NDArray[np.uint8] | None:
    tables = (hdu for hdu in hdus[1:] if hasattr(hdu, "columns") and "sweep" in hdu.columns.names)
    return next((np.array(hdu.data["sweep"], np.uint8).ravel() for hdu in tables), None)


def _byte_order(head: dict[str, Any]) -> str:
    """Return how the file's numbers are stored: its ENDIAN card shows the bytes of 0x01020304."""
    return ">" if str(head.get("ENDIAN", "")).startswith("01") else "<"


def _no_index(path: Path, why: str) -> DataError:
    return DataError(
        f"cannot use {path.name} as an index of astrometry.net", why, "take it out of the index folder, or get it anew"
    )
