"""What a frame was taken for: by its header, its name and its folder, in this order.

Flat-darks have no keyword of their own with most cameras. A dark is a flat-dark when

- its folder is called so (``flatdark``, ``flat-dark``, ``dark flats``, ...),
- its file name holds both words (``Cflat.00000027.Dark.fit``), or
- it lies among the flats: in a folder ``flat``, ``flats``, ``skyflat``..., or in ASTEP's ``..._SKYFLAT``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.io.fits_names import FITS_NAME
from pipeline_core.io.header_values import shown, to_number
from pipeline_core.io.profiles import plain_word
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.io.fits_cards import Cards
    from pipeline_core.io.profiles import Profile

_ASTEP_SKYFLAT = re.compile(r"\d{4}-\d{2}-\d{2}-\w+_SKYFLAT\Z", re.IGNORECASE)
# Combined frames by name: upstream's MASTERDARK, Siril's dark_stacked, AstroImageJ's mdark_90s.
_MASTER_NAME = re.compile(
    r"master[ _-]*(bias|dark|flat|zero|offset)|(bias|dark|flat|offset)s?_stacked|^m(bias|dark|flat)(?![a-z])",
    re.IGNORECASE,
)
_COUNTS = ("NCOMBINE", "STACKCNT", "NCOMBINED", "NSTACK")
_CALIBRATION = {FrameKind.BIAS, FrameKind.DARK, FrameKind.FLAT, FrameKind.FLATDARK}
_WORDS_IN_NAMES = {
    "BIAS": FrameKind.BIAS, "BIASES": FrameKind.BIAS, "ZERO": FrameKind.BIAS, "OFFSET": FrameKind.BIAS,
    "DARK": FrameKind.DARK, "DARKS": FrameKind.DARK,
    "FLAT": FrameKind.FLAT, "FLATS": FrameKind.FLAT, "FLATFIELD": FrameKind.FLAT, "SKYFLATS": FrameKind.FLAT,
    "FLATDARK": FrameKind.FLATDARK, "DARKFLAT": FrameKind.FLATDARK, "FLATDARKS": FrameKind.FLATDARK,
    "DARKFLATS": FrameKind.FLATDARK,
    "SCIENCE": FrameKind.SCIENCE, "LIGHT": FrameKind.SCIENCE, "LIGHTS": FrameKind.SCIENCE,
    "FOCUS": FrameKind.OTHER, "AUTOFOCUS": FrameKind.OTHER,
}  # fmt: skip
_WORDS_IN_FOLDERS = {"science", "sci", "light", "lights", "focus", "autofocus"}


@dataclass(frozen=True, slots=True)
class KindVerdict:
    """The kind of a frame, whether it is a combined product already, and what is doubtful about it."""

    kind: FrameKind
    is_master: bool = False
    problems: tuple[str, ...] = ()


def frame_kind(cards: Cards | None, profile: Profile, name: str, folders: Sequence[str]) -> KindVerdict:
    """Decide what a frame was taken for.

    Parameters
    ----------
    cards : Cards or None
        Its header; None when it cannot be read.
    profile : Profile
        Knows the keywords and their words.
    name : str
        File name.
    folders : sequence of str
        Names of the folders on the way to it, the nearest last.

    Returns
    -------
    KindVerdict
        The header wins over the name, the name over the folder; where they disagree it says so. Masters and
        focus frames are ``other``, so that nothing uses them by itself.
    """
    stem = FITS_NAME.sub("", name)
    said, master_word, problems = _kind_by_header(cards, profile)
    named = _kind_by_name(stem)
    placed = _kind_by_folder(folders, profile)
    kind = said or named or placed or FrameKind.UNKNOWN
    if named is FrameKind.OTHER and kind in {FrameKind.SCIENCE, FrameKind.UNKNOWN}:
        kind = FrameKind.OTHER  # cameras call focus frames lights
    elif kind is FrameKind.DARK and _belongs_to_flats(named, placed):
        kind = FrameKind.FLATDARK
    elif said is not None:
        other, where = (named, "file name") if named else (placed, "folder")
        if other is not None and not _agree(kind, other):
            problems.append(f"the header says {kind}, the {where} says {other}: taken as {kind}")
    if kind is FrameKind.UNKNOWN and not problems:
        problems.append("neither header, name nor folder says what it was taken for")
    combined = _combined_frames(cards)
    if master_word or combined > 1 or _MASTER_NAME.search(stem) or (cards is not None and "HOLDBIAS" in cards):
        made_of = f" of {combined} frames" if combined > 1 else ""
        is_master = kind is not FrameKind.SCIENCE
        word = f"master {kind}" if kind in _CALIBRATION else "combined image"
        problems.append(f"already a {word}{made_of}: not used unless you say so")
        return KindVerdict(FrameKind.OTHER, is_master, tuple(problems))
    return KindVerdict(kind, problems=tuple(problems))


def _kind_by_header(cards: Cards | None, profile: Profile) -> tuple[FrameKind | None, bool, list[str]]:
    """Return the kind by the first keyword that says one, whether it says 'master', and what is doubtful."""
    problems: list[str] = []
    kind, master, by = None, False, ""
    strange = ""
    for keyword in profile.keywords.kind if cards is not None else ():
        raw = cards.get(keyword) if cards is not None else None
        if raw is None or isinstance(raw, bool) or not str(raw).strip():
            continue
        if keyword == "PICTTYPE":
            this, is_master = profile.kind_codes.get(int(to_number(raw) or 0)), False
        else:
            this, is_master = _kind_of_word(str(raw), profile)
        if this is None:
            strange = strange or f"{keyword} = {shown(raw)} is no kind of frame that is known"
        elif kind is None:
            kind, master, by = this, is_master, keyword
        elif not _agree(kind, this):
            problems.append(f"{by} says {kind}, {keyword} says {this}: taken as {kind}")
    if kind is None and strange:
        problems.append(strange)
    return kind, master, problems


def _kind_of_word(text: str, profile: Profile) -> tuple[FrameKind | None, bool]:
    word = plain_word(text)
    bare = re.sub(r"^master ?|^stacked ?| ?master$", "", word)
    return profile.kind_of_word.get(bare), bare != word


def _kind_by_name(stem: str) -> FrameKind | None:
    kinds: list[FrameKind] = []
    for token in re.split(r"[^A-Za-z]+", stem):
        word = token.upper()
        bare = re.sub(r"^(MASTER|M(?=(BIAS|DARK|FLAT)$))", "", word)
        kind = _WORDS_IN_NAMES.get(bare)
        if kind is None and word.endswith("FLAT"):  # SKYFLAT, DOMEFLAT, Cflat
            kind = FrameKind.FLAT
        if kind is not None:
            kinds.append(kind)
    if not kinds:
        return None
    if {FrameKind.DARK, FrameKind.FLAT} <= set(kinds):
        return FrameKind.FLATDARK
    return kinds[-1]


def _kind_by_folder(folders: Sequence[str], profile: Profile) -> FrameKind | None:
    for folder in reversed(folders):
        if _ASTEP_SKYFLAT.match(folder):
            return FrameKind.FLAT
        word = plain_word(folder)
        kind = profile.kind_of_word.get(word)
        if kind in _CALIBRATION or word in _WORDS_IN_FOLDERS:
            return kind or FrameKind.OTHER
    return None


def _belongs_to_flats(named: FrameKind | None, placed: FrameKind | None) -> bool:
    if FrameKind.FLATDARK in {named, placed}:
        return True
    return named in {None, FrameKind.DARK} and placed is FrameKind.FLAT


def _agree(one: FrameKind, other: FrameKind) -> bool:
    darks = {FrameKind.DARK, FrameKind.FLATDARK}
    return one is other or {one, other} <= darks


def _combined_frames(cards: Cards | None) -> int:
    counts = [to_number(cards.get(keyword)) for keyword in _COUNTS] if cards is not None else []
    return max((int(count) for count in counts if count is not None and 0 < count < 1e6), default=0)
