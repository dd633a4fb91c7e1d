"""Index files on this machine: where they lie, which fields they serve, and what is missing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from pipeline_core.errors import DataError
from pipeline_core.io.index_file import IndexFile, read_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SYSTEM_FOLDERS = ("/usr/share/astrometry", "/usr/local/astrometry/data", "/opt/homebrew/share/astrometry")
"""Where Debian's astrometry-data packages and other installations put them."""
DEBIAN_PACKAGES = {
    "07": ("astrometry-data-tycho2-07", 141),
    "08": ("astrometry-data-tycho2-08", 79),
    "09": ("astrometry-data-tycho2-09", 41),
    "10-19": ("astrometry-data-tycho2-10-19", 37),
}
"""Scale → Debian's package and the size of its index files on disk, MB."""
FOLDER_VARIABLE = "ASTEP_INDEX_DIR"


SCALE_UNKNOWN = (
    "the pixel scale is not known: no header has it (PIXSCALE or SECPIX; or XPIXSZ with FOCALLEN). Say it with "
    "`astep set OUT '*' --scale ARCSEC`: arcsec a pixel, 206.3 × pixel in µm / focal length in mm"
)
"""What is missing, and what to do."""


def user_folder() -> Path:
    """Return the user's own folder of indexes (it need not exist)."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("astep-harvest") / "indexes"


def folders(named: Iterable[str] = ()) -> list[Path]:
    """Return the places that are searched, the recipe's first."""
    return [*(Path(name).expanduser() for name in named), user_folder(), *(Path(name) for name in SYSTEM_FOLDERS)]


def find_indexes(named: Iterable[str] = ()) -> tuple[list[IndexFile], list[str]]:
    """Find the index files of this machine.

    Parameters
    ----------
    named : iterable of str
        Further files or folders, as a recipe names them.

    Returns
    -------
    indexes : list of IndexFile
        Smallest patterns first; of equal names the first found counts.
    problems : list of str
        Files that look like indexes and cannot be used, in words.
    """
    found: dict[str, IndexFile] = {}
    problems: list[str] = []
    for place in folders(named):
        for path in _candidates(place):
            if path.name in found:
                continue
            try:
                found[path.name] = read_index(path)
            except DataError as error:
                problems.append(str(error))
            except OSError as error:
                problems.append(f"cannot read {path}: {error.strerror or error}")
    return sorted(found.values(), key=lambda index: (index.smallest_arcmin, index.name)), problems


def index_signatures(named: Iterable[str] = ()) -> dict[str, str]:
    """Return name → size and time of change of the index files that :func:`find_indexes` would look at.

    No file is opened: a run without news asks for these, to see that there are none.
    """
    found: dict[str, str] = {}
    for place in folders(named):
        for path in _candidates(place):
            if path.name not in found:
                with suppress(OSError):  # gone meanwhile, or not ours to look at: finding will say so
                    status = path.stat()
                    found[path.name] = f"{status.st_size} bytes, {status.st_mtime_ns}"
    return found


def _candidates(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        return []
    # Debian's index-tycho2-07.littleendian.fits as well as index-4107.fits; big-endian twins serve other machines.
    return sorted(p for p in place.glob("index-*.fits") if ".bigendian." not in p.name)


def serving(indexes: Sequence[IndexFile], field_arcmin: float) -> list[IndexFile]:
    """Return the indexes whose patterns fit a field, those that fit best first."""
    fit = [index for index in indexes if index.serves(field_arcmin)]
    return sorted(fit, key=lambda index: (not index.serves_well(field_arcmin), index.smallest_arcmin))


def what_is_missing(indexes: Sequence[IndexFile], field_arcmin: float, scale_arcsec: float | None = None) -> str:
    """Say in words which indexes a field of this size wants and this machine lacks; empty if it lacks none.

    Where the size comes from a pixel scale, it is said: no index helps a frame whose header has a wrong one.
    """
    words = _missing(indexes, field_arcmin)
    if not words or scale_arcsec is None or not indexes:
        return words
    return (
        f"{words}; or is the scale wrong that this size comes from, {scale_arcsec:.3g}″ a pixel? "
        "`astep set OUT '*' --scale ARCSEC` corrects it"
    )


def _missing(indexes: Sequence[IndexFile], field_arcmin: float) -> str:
    if any(index.serves_well(field_arcmin) for index in indexes):
        return ""
    low, high = 0.25 * field_arcmin, 0.75 * field_arcmin
    wanted = f"a field of {field_arcmin:.0f}′ wants an index with patterns of {low:.0f}′ to {high:.0f}′"
    if field_arcmin >= 30.0:
        package = "08" if field_arcmin >= 40.0 else "07"
        how = f"; take Debian's astrometry-data-tycho2-{package} (`astep index install {package}`)"
    else:
        how = (
            "; Tycho-2 is too thin for it (a few stars a field, and eight must match): take the 5200 series of "
            "data.astrometry.net (Gaia-based) and add it with `astep index add FILE`; or do without, by Gaia's stars "
            "around the place that the header states: `astep catalogue fetch OUT` (with a network), then "
            "`astep solve OUT`"
        )
    if not indexes:
        return f"no index file was found; {wanted}{how}"
    smallest = min(index.smallest_arcmin for index in indexes)
    largest = max(index.largest_arcmin for index in indexes)
    return f"{wanted}; those at hand hold {smallest:.0f}′ to {largest:.0f}′{how}"
