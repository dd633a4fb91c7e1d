"""Files that come with the program: instrument profiles, icons, the default recipe."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pipeline_core.errors import UsageError


def resource_path(*parts: str) -> Path:
    """Return the path of a file or folder below ``resources/``.

    Parameters
    ----------
    *parts : str
        Folders and file name, e.g. ``"instruments", "generic.toml"``.

    Returns
    -------
    Path
        It exists.

    Raises
    ------
    UsageError
        If the program was installed without it.
    """
    path = _root().joinpath(*parts)
    if not path.exists():
        raise UsageError(
            f"the program's file {'/'.join(parts)} is missing",
            f"looked in {_root()}",
            "install the program again",
        )
    return path


@cache
def _root() -> Path:
    """Find ``resources/``: inside the package in a wheel, beside it in a checkout and an editable install."""
    package = Path(__file__).resolve().parent
    places = (package / "_resources", package.parent / "resources")
    for place in places:
        if (place / "instruments").is_dir():
            return place
    raise UsageError(
        "the program's own files are missing",
        "looked in " + " and ".join(str(place) for place in places),
        "install the program again",
    )
