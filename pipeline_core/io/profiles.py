"""Instrument profiles: the keywords and words of a camera, what is known when its header is silent."""

from __future__ import annotations

import re
import tomllib
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline_core.errors import UsageError
from pipeline_core.resources import resource_path
from pipeline_core.types import FrameKind, Site

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline_core.io.fits_cards import Cards

Words = tuple[str, ...]


class ProfilePart(BaseModel):
    """A part of a profile. Unknown keys are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HeaderMatch(ProfilePart):
    """One card that gives an instrument away."""

    keyword: str
    pattern: str
    """Regular expression searched in the value."""


class Match(ProfilePart):
    """What shows that a frame comes from this instrument: any one card, or a folder's name."""

    header: tuple[HeaderMatch, ...] = ()
    folder: str = ""
    """Regular expression for a folder on the way to the frame; empty: folders say nothing."""


class SiteValues(ProfilePart):
    """Where the telescope stands."""

    name: str
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    altitude_m: float = Field(ge=-500, le=9000)


class Defaults(ProfilePart):
    """Values to take where the header has none, or none that can be true."""

    gain_e_per_adu: float | None = Field(None, gt=0)
    read_noise_e: float | None = Field(None, gt=0)
    saturation_adu: float | None = Field(None, gt=0)
    nonlinear_adu: float | None = Field(None, gt=0)
    """Level above which the camera is not linear, ADU."""
    pixel_scale_arcsec: float | None = Field(None, gt=0)
    """Of the unbinned chip."""
    exposure_s: dict[FrameKind, float] = {}


class Photometry(ProfilePart):
    """What is known of the instrument's light, for zero points."""

    colour_terms: dict[str, float] = {}
    """Filter → catalogue minus instrument magnitude, a mag of BP - RP; measured per frame where it is not given."""
    extinction_mag: float = Field(0.15, ge=0, le=2)
    """Usual extinction at the site, mag an air mass, where a night cannot tell its own."""


class Keywords(ProfilePart):
    """Where each quantity may stand, best keyword first."""

    kind: Words
    object: Words
    filter: Words
    filter_wheels: tuple[Words, ...]
    """Wheels in series; the names of the places that hold a filter are joined."""
    exposure: Words
    exposure_us: Words
    temperature: Words
    binning_x: Words
    binning_y: Words
    binning: Words
    """Both factors in one string: ``3 3``, ``2x2``."""
    gain: Words
    read_noise: Words
    saturation: Words
    pedestal: Words
    overscan: Words
    trim: Words
    ra: Words
    dec: Words
    pixel_scale: Words
    pixel_scale_unbinned: Words
    camera: Words
    mid: Words
    start: Words
    date: Words
    time: Words
    start_jd: Words
    span_jd: tuple[tuple[str, str], ...]
    latitude: Words
    longitude: Words
    altitude: Words
    site_name: Words


class FilterWords(ProfilePart):
    """Names that are no filter's name."""

    unknown: Words
    empty_place: Words


class Profile(ProfilePart):
    """How the frames of one instrument are read."""

    name: str
    title: str
    extends: str | None = None
    match: Match = Match()
    site: SiteValues | None = None
    longitude_positive: Literal["east", "west"] | None = None
    """Which way the instrument's headers count longitude; None: not known."""
    defaults: Defaults = Field(default_factory=lambda: Defaults.model_validate({}))
    photometry: Photometry = Field(default_factory=lambda: Photometry.model_validate({}))
    keywords: Keywords
    kinds: dict[FrameKind, Words]
    kind_codes: dict[int, FrameKind]
    filters: FilterWords

    @cached_property
    def kind_of_word(self) -> dict[str, FrameKind]:
        """Kind by its plain word (see :func:`plain_word`)."""
        return {plain_word(word): kind for kind, words in self.kinds.items() for word in words}

    @cached_property
    def known_site(self) -> Site | None:
        """The site, when the profile knows it."""
        if self.site is None:
            return None
        s = self.site
        return Site(s.latitude_deg, s.longitude_deg, s.altitude_m, s.name)

    def matches_header(self, cards: Cards) -> bool:
        """Whether a card gives this instrument away."""
        return any(re.search(m.pattern, str(cards.get(m.keyword) or "")) for m in self.match.header)

    def matches_folder(self, folders: Iterable[str]) -> bool:
        """Whether a folder's name gives this instrument away."""
        pattern = self.match.folder
        return bool(pattern) and any(re.search(pattern, folder) for folder in folders)


def plain_word(word: str) -> str:
    """Return a word without case, ``_``, ``-``, repeated blanks and a closing 'frame' or 'image'."""
    plain = " ".join(re.split(r"[\s_\-]+", word.lower().strip()))
    return re.sub(r" ?(frame|image)$", "", plain) or plain


@cache
def list_profiles() -> tuple[str, ...]:
    """Return the names of all profiles, the most particular ones first, ``generic`` last."""
    names = [path.stem for path in resource_path("instruments").glob("*.toml")]
    return tuple(sorted(names, key=lambda name: (-_depth(name), name)))


@cache
def load_profile(name: str) -> Profile:
    """Read a profile by its name.

    Parameters
    ----------
    name : str
        As :func:`list_profiles` gives it.

    Returns
    -------
    Profile

    Raises
    ------
    UsageError
        If there is no such profile, or its file is not right.
    """
    try:
        return Profile.model_validate({**_merged(name, ()), "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"cannot read the instrument profile {name}", f"{where}: {first['msg']}", f"mend {name}.toml"
        ) from error


def match_profile(cards: Cards | None, folders: Iterable[str]) -> Profile:
    """Return the profile that a frame's header, else its folders, point to; else ``generic``."""
    folders = tuple(folders)
    profiles = [load_profile(name) for name in list_profiles()]
    if cards is not None:
        for profile in profiles:
            if profile.matches_header(cards):
                return profile
    for profile in profiles:
        if profile.matches_folder(folders):
            return profile
    return load_profile("generic")


def _depth(name: str) -> int:
    parent = _document(name).get("extends")
    return 0 if parent is None else 1 + _depth(str(parent))


def _merged(name: str, below: tuple[str, ...]) -> dict[str, Any]:
    """Lay a profile's own values over those of the one it extends; title and match are not inherited."""
    if name in below:
        raise UsageError(f"cannot read the instrument profile {name}", "it extends itself", f"mend {name}.toml")
    own = _document(name)
    parent = own.get("extends")
    if parent is None:
        return own
    base = {k: v for k, v in _merged(str(parent), (*below, name)).items() if k not in {"match", "title"}}
    return _overlaid(base, own)


def _overlaid(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        old = result.get(key)
        result[key] = _overlaid(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


@cache
def _document(name: str) -> dict[str, Any]:
    if not re.fullmatch(r"\w+", name) or not (resource_path("instruments") / f"{name}.toml").is_file():
        known = sorted(path.stem for path in resource_path("instruments").glob("*.toml"))
        raise UsageError(
            f"there is no instrument profile '{name}'", f"known are {', '.join(known)}", "choose one of these"
        )
    try:
        return tomllib.loads(resource_path("instruments", f"{name}.toml").read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"cannot read the instrument profile {name}", str(error), f"mend {name}.toml") from error
