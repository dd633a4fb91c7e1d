"""Where to look: coordinates in any usual form, or a name that is known without a network."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline_core.errors import AstepError, UsageError
from pipeline_core.resources import resource_path

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMS = "14 29 43 -62 40 46, 14:29:43.0 -62:40:46, 14h29m43s -62d40m46s, 217.43 -62.68 (degrees), or J142943-624046"
_EPOCH = 2000.0
_NETWORK_S = 15


@dataclass(frozen=True, slots=True)
class Target:
    """A direction, ICRS."""

    name: str
    """As it was asked for, or as the list calls it."""
    ra_deg: float
    dec_deg: float
    source: str
    """Where its place comes from, in words."""


def find_target(
    text: str, objects: Mapping[str, tuple[float, float]] | None = None, *, year: float | None = None
) -> Target:
    """Understand coordinates or a name.

    Parameters
    ----------
    text : str
        What a person typed.
    objects : mapping, optional
        Further names → (RA, Dec) degrees: those of the night's headers.
    year : float, optional
        Julian year to which the proper motion of a bright star is applied; J2000.0 if not known.

    Returns
    -------
    Target

    Raises
    ------
    UsageError
        If it is neither.
    """
    words = " ".join(text.replace("−", "-").replace("–", "-").split())
    if not words:
        raise UsageError("nothing to go to", "neither coordinates nor a name were given", f"type {_FORMS}, or a name")
    if _looks_like_coordinates(words):
        return Target(words, *parse_coordinates(words), "coordinates as typed")
    key = _key(words)
    for name, (ra, dec) in (objects or {}).items():
        if _key(name) == key:
            return Target(name, ra, dec, "the night's own headers")
    star = bright_stars().get(key)
    if star is not None:
        return _moved(star, year)
    found = deep_sky().get(key)
    if found is not None:
        return found
    raise UsageError(
        f"{words!r} is not known here",
        "it is no object of the night's headers, no NGC or Messier object and no bright star with a name",
        f"type its coordinates: {_FORMS}",
    )


def parse_coordinates(text: str) -> tuple[float, float]:
    """Return RA and Dec, degrees (ICRS), of coordinates in any usual form.

    Raises
    ------
    UsageError
        If they cannot be read, or lie beyond the sky.
    """
    from astropy import units  # noqa: PLC0415 - heavy
    from astropy.coordinates import SkyCoord  # noqa: PLC0415

    numbers = re.findall(r"[-+]?\d+(?:\.\d*)?|[-+]?\.\d+", text)
    letters = re.search(r"[hms°d'′\"″:]", text)
    try:
        if re.match(r"^[Jj]\d", text.strip()):
            numbers = _of_name(text.strip())
            place = SkyCoord(" ".join(numbers), unit=(units.hourangle, units.deg))
        elif len(numbers) == 2 and not letters:
            ra, dec = (float(number) for number in numbers)
            if not 0.0 <= ra <= 360.0:
                raise ValueError(f"{ra:g} is no right ascension: 0 to 360 degrees")  # noqa: TRY301 - told below
            place = SkyCoord(ra, dec, unit=units.deg)
        else:
            plain = re.sub(r"[,;]", " ", text.replace("′", "'").replace("″", '"'))
            is_degrees = "h" not in plain and re.match(r"^\s*\d+(\.\d*)?\s*[d°]", plain) is not None
            place = SkyCoord(plain, unit=(units.deg if is_degrees else units.hourangle, units.deg))
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else "they cannot be read"
        raise UsageError(f"cannot read the coordinates {text!r}", why, f"write them like {_FORMS}") from None
    return float(place.ra.deg) % 360.0, float(place.dec.deg)


def ask_network(name: str) -> Target:
    """Ask the name resolver of CDS Strasbourg; only ever called when a person wants it.

    Raises
    ------
    AstepError
        If it does not know the name, or cannot be reached.
    """
    from astropy.coordinates import SkyCoord  # noqa: PLC0415 - heavy
    from astropy.coordinates.name_resolve import NameResolveError  # noqa: PLC0415
    from astropy.utils.data import conf  # noqa: PLC0415

    try:
        with conf.set_temp("remote_timeout", _NETWORK_S):
            place = SkyCoord.from_name(name)
    except NameResolveError as error:
        raise AstepError(
            f"{name!r} was not found",
            str(error).splitlines()[0],
            "check the spelling and the network, or type coordinates",
        ) from None
    return Target(name, float(place.ra.deg), float(place.dec.deg), "CDS Sesame, over the network")


@cache
def bright_stars() -> Mapping[str, tuple[str, float, float, float, float]]:
    """Return the bright stars by key: name, RA, Dec (degrees, epoch 2000) and proper motion (mas a year)."""
    stars: dict[str, tuple[str, float, float, float, float]] = {}
    for row in _rows("bright_stars.csv"):
        ra, dec, pm_ra, pm_dec = (float(value) for value in row[:4])
        for name in row[5].split("|"):
            stars[_key(name)] = (name, ra, dec, pm_ra, pm_dec)
    return stars


@cache
def deep_sky() -> Mapping[str, Target]:
    """Return NGC and Messier objects, and others with a common name, by key."""
    return {
        _key(name): Target(name, float(row[0]), float(row[1]), "OpenNGC")
        for row in _rows("deep_sky.csv")
        for name in row[2].split("|")
    }


def known_names() -> list[str]:
    """Return names for completion: bright stars, Messier objects, and objects with a common name."""
    objects = [target.name for target in deep_sky().values() if not target.name.startswith(("NGC", "IC"))]
    return sorted([star[0] for star in bright_stars().values()] + objects)


def _rows(file: str) -> list[list[str]]:
    with resource_path("names", file).open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(line for line in lines if not line.startswith(("#", "ra_deg"))))


def _moved(star: tuple[str, float, float, float, float], year: float | None) -> Target:
    import numpy as np  # noqa: PLC0415 - the only use

    from pipeline_core.science.proper_motion import at_epoch  # noqa: PLC0415

    name, *values = star
    ra, dec, pm_ra, pm_dec = (np.array([value]) for value in values)
    at_ra, at_dec = at_epoch(ra, dec, pm_ra, pm_dec, 0.0 if year is None else year - _EPOCH)
    when = "epoch 2000.0" if year is None else f"epoch {year:.1f}"
    return Target(name, float(at_ra[0]), float(at_dec[0]), f"bright stars (Hipparcos), {when}")


def _key(name: str) -> str:
    """Return a name without what people write in different ways: case, spaces, leading zeros, "Messier"."""
    low = re.sub(r"[^a-z0-9+]", "", name.lower())
    low = re.sub(r"^messier", "m", low)
    return re.sub(r"^(m|ngc|ic)0+(?=\d)", r"\1", low)


def _looks_like_coordinates(words: str) -> bool:
    if re.match(r"^[Jj]\d{4}", words):
        return True
    return re.fullmatch(r"[-+.\d][-+\d.,;:°'\"′″hmsdHMSD\s]+", words) is not None


def _of_name(text: str) -> list[str]:
    """Split J142943.0-624046 into its six numbers."""
    found = re.fullmatch(r"[Jj](\d{2})(\d{2})(\d{2}(?:\.\d*)?)([-+]\d{2})(\d{2})(\d{2}(?:\.\d*)?)", text)
    if found is None:
        raise ValueError("six numbers of two digits follow the J")
    return list(found.groups())
