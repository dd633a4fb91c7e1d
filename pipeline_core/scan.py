"""From a folder of raw files to a night: every file an entry, with its kind, its values and its problems."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.errors import DataError, NightError, near_folder
from pipeline_core.events import RunContext
from pipeline_core.io.fits_layout import find_image
from pipeline_core.io.fits_names import FITS_NAME
from pipeline_core.io.header_cache import HeaderCache, reader_key
from pipeline_core.io.header_site import site_from_header
from pipeline_core.io.headers import RawFile, frame_from_header, profile_named, unusable_frame
from pipeline_core.io.profiles import load_profile
from pipeline_core.types import Frame, FrameKind, Night, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline_core.io.profiles import Profile

Listing = frozenset[tuple[str, int, int]]
"""The files of a night: path inside it, size in bytes, time of the last change in ns."""

JOB = "reading headers"
NO_FILTER = "no filter is named, though other frames name theirs"
_PRODUCTS = ("masters", "calibrated", "rejected", "quality.ecsv", "recipe.toml", "log.jsonl")
_NO_TEXT = "its name is no UTF-8 text"
_SITE_TRIES = 5  # headers asked for the site before it is called unknown


@dataclass(frozen=True, slots=True)
class _Listed:
    """A file found on disk."""

    path: str
    size_bytes: int
    mtime_ns: int
    trouble: str = ""
    """Why it cannot be used, whatever is in it: a broken link, a pipe, a name that is no text."""


def scan_night(
    target: Path | Sequence[Path],
    ctx: RunContext | None = None,
    *,
    previous: Night | None = None,
    use_cache: bool = True,
    profile: str | None = None,
) -> Night:
    """Read what a night holds.

    Parameters
    ----------
    target : Path or sequence of Path
        A folder, read with all folders below it, or files and folders one by one.
    ctx : RunContext, optional
        Told of the progress, asked for a cancel.
    previous : Night, optional
        The same night as scanned before (before any decision): unchanged files are not read again.
    use_cache : bool
        Use what earlier scans left in the user's cache folder.
    profile : str, optional
        Instrument profile for all frames; by default each frame's header and folders decide.

    Returns
    -------
    Night
        One entry for every file with the name of a FITS file, sorted by path; those that cannot be used say
        why. Passed over are AppleDouble files (``._*``), hidden folders, other files and folders that hold
        our own products.

    Raises
    ------
    NightError
        If the folder is missing, holds no FITS file, or is an output of this program.
    UsageError
        If there is no such profile.
    """
    ctx = ctx or RunContext()
    root, listed = _list_files(target, ctx)
    if not listed:
        raise NightError(
            f"no frames in {root}",
            "there is no file named .fit, .fits or .fts (nor .fz, .gz or .bz2 of these)",
            "give the folder that holds the raw files of the night",
        )
    chosen = profile_named(profile)
    known = _known_frames(root, previous, profile, use_cache=use_cache)
    frames: list[Frame] = []
    unread: list[_Listed] = []
    for file in listed:
        frame = known.get(file.path)
        if frame is not None and (frame.size_bytes, frame.mtime_ns) == (file.size_bytes, file.mtime_ns):
            frames.append(frame)
        else:
            unread.append(file)
    fresh = [_read_frame(root, file, chosen) for file in ctx.track(JOB, unread)] if unread else []
    if use_cache:
        HeaderCache().save(root, reader_key(profile), fresh)
    frames = _with_missing_filters(sorted([*frames, *fresh], key=lambda frame: frame.path))
    name = profile or _commonest_profile(frames)
    site, problems = _site(root, frames, load_profile(name))
    return Night(root=root, frames=tuple(frames), problems=problems, site=site, profile=name)


def list_night(root: Path, ctx: RunContext | None = None) -> Listing:
    """Return which files a night's folder holds now; none is opened.

    Parameters
    ----------
    root : Path
        Folder of the night.
    ctx : RunContext, optional
        Asked for a cancel.

    Returns
    -------
    Listing
        What :func:`scan_night` would make an entry of; empty where the folder holds no frame any more.

    Raises
    ------
    NightError
        If the folder is missing.
    """
    _root, listed = _list_files(root, ctx or RunContext())
    return frozenset((file.path, file.size_bytes, file.mtime_ns) for file in listed)


def _read_frame(root: Path, file: _Listed, profile: Profile | None) -> Frame:
    raw = RawFile(file.path, file.size_bytes, file.mtime_ns, root.name)
    if file.trouble:
        return unusable_frame(raw, DataError(f"cannot use {raw.name}", file.trouble, "leave it out"), profile)
    try:
        return frame_from_header(find_image(root / file.path), raw, profile)
    except DataError as error:
        return unusable_frame(raw, error, profile)


def _known_frames(root: Path, previous: Night | None, profile: str | None, *, use_cache: bool) -> dict[str, Frame]:
    if previous is not None and previous.root == root:
        return {
            frame.path: replace(frame, problems=tuple(p for p in frame.problems if p != NO_FILTER))
            if NO_FILTER in frame.problems
            else frame
            for frame in previous.frames
            if profile in {None, frame.profile}
        }
    return HeaderCache().load(root, reader_key(profile)) if use_cache else {}


def _with_missing_filters(frames: list[Frame]) -> list[Frame]:
    """Say of flats and science frames without a filter that others have one."""
    lit = {FrameKind.FLAT, FrameKind.SCIENCE}
    if not any(frame.filter for frame in frames if frame.kind in lit):
        return frames
    return [
        replace(frame, problems=(*frame.problems, NO_FILTER))
        if frame.kind in lit and frame.filter is None and frame.unusable is None
        else frame
        for frame in frames
    ]


def _commonest_profile(frames: list[Frame]) -> str:
    usable = [frame.profile for frame in frames if frame.unusable is None]
    return Counter(usable or [frame.profile for frame in frames]).most_common(1)[0][0]


def _site(root: Path, frames: list[Frame], profile: Profile) -> tuple[Site | None, tuple[str, ...]]:
    if profile.known_site is not None:
        return profile.known_site, ()
    usable = [frame for frame in frames if frame.unusable is None]
    usable.sort(key=lambda frame: frame.kind is not FrameKind.SCIENCE)
    for frame in usable[:_SITE_TRIES]:
        try:
            site, problems = site_from_header(find_image(root / frame.path).cards, profile)
        except DataError:  # gone since it was read; another one tells the site as well
            continue
        if site is not None:
            return site, problems
    return None, ()


def _list_files(target: Path | Sequence[Path], ctx: RunContext) -> tuple[Path, list[_Listed]]:
    """Return the night's folder, absolute, and the files of it that may be frames."""
    paths = [Path(target)] if isinstance(target, (str, Path)) else [Path(path) for path in target]
    if not paths:
        raise NightError("no frames to read", "the list of files is empty", "give at least one file or folder")
    # The way a person wrote it, without following links: decisions are kept by the night-relative path.
    paths = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - Path.resolve follows links
    for path in paths:
        if not path.exists():
            raise NightError(f"there is no {path}", "no such file or folder", near_folder(path) or "check the spelling")
    if len(paths) == 1 and paths[0].is_dir():
        root = paths[0]
        if (root / "logbook.sqlite").exists():
            raise NightError(f"{root} is no raw night", "it holds results of this program", "give the raw folder")
    else:
        root = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))
    if (shown := _as_text(str(root))) != str(root):
        raise NightError(f"cannot use the folder {shown}", _NO_TEXT, "rename it, or the one that it lies in")
    listed: dict[str, _Listed] = {}
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path.is_dir():
            listed.update((file.path, file) for file in _walk(root, path, seen, ctx))
        else:
            file = _facts(root, str(path))
            listed[file.path] = file
    return root, [listed[path] for path in sorted(listed)]


def _walk(root: Path, folder: Path, seen: set[tuple[int, int]], ctx: RunContext) -> Iterator[_Listed]:
    """Yield the FITS-named files below a folder; each real folder is entered once, so links cannot loop."""
    waiting = [str(folder)]
    while waiting:
        ctx.check()
        here = waiting.pop()
        facts = os.stat(here)  # noqa: PTH116 - a string keeps thousands of entries fast
        if (facts.st_dev, facts.st_ino) in seen:
            continue
        seen.add((facts.st_dev, facts.st_ino))
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            ctx.say(JOB, f"cannot look into {here}: {error.strerror}", level="warning")
            continue
        for entry in entries:
            if entry.name.startswith("._"):
                continue
            if _is_folder(entry):
                if not entry.name.startswith(".") and not _holds_products(entry.path):
                    waiting.append(entry.path)
            elif FITS_NAME.search(entry.name):
                yield _facts(root, entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads nowhere or to itself
        return False


def _holds_products(folder: str) -> bool:
    """Whether a folder is an output of ours: it has a logbook, or the name and a product of one."""
    if os.path.exists(f"{folder}/logbook.sqlite"):  # noqa: PTH110
        return True
    named = re.search(r"_reduced\Z", folder) is not None
    return named and any(os.path.exists(f"{folder}/{product}") for product in _PRODUCTS)  # noqa: PTH110


def _as_text(path: str) -> str:
    r"""Return a path as text; a byte that is none in UTF-8, as on a disk of an old system, as ``\udce9``."""
    return path.encode("utf-8", "backslashreplace").decode()


def _facts(root: Path, path: str) -> _Listed:
    relative = os.path.relpath(path, root).replace(os.sep, "/")
    name = _as_text(relative)
    try:
        facts = os.stat(path)  # noqa: PTH116
    except OSError as error:
        why = "it is a link that leads nowhere" if os.path.islink(path) else str(error.strerror).lower()  # noqa: PTH114
        return _Listed(name, 0, 0, why)
    trouble = "" if stat.S_ISREG(facts.st_mode) else "it is no ordinary file (a folder, pipe or device)"
    if name != relative:
        trouble = f"{_NO_TEXT}, and no list, logbook or report can hold it: rename it"
    return _Listed(name, facts.st_size, facts.st_mtime_ns, trouble)
