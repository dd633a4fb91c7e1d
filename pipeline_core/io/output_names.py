"""Names of products: made from the raw file's own name, never from header text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WRAPPINGS = (".fz", ".gz", ".bz2")
FORMATS = (".fits", ".fit", ".fts")


def stem(name: str) -> str:
    """Return a raw file's name without its FITS and compression endings, whatever their case."""
    for endings in (WRAPPINGS, FORMATS):
        for ending in endings:
            if name.lower().endswith(ending) and len(name) > len(ending):
                name = name[: -len(ending)]
                break
    return name


def master_product(name: str) -> str:
    """Where a master lies in the output folder."""
    return f"masters/{name}.fits"


def calibrated_product(raw_path: str) -> str:
    """Where a calibrated frame lies in the output folder.

    Parameters
    ----------
    raw_path : str
        Night-relative, with ``/``; its folders are kept, so equal names in two folders stay apart.
    """
    folder, _, name = raw_path.rpartition("/")
    return "/".join(part for part in ("calibrated", folder, f"{stem(name)}_CAL.fits") if part)


def calibrated_products(raw_paths: Iterable[str]) -> dict[str, str]:
    """Name the product of each raw frame so that no two share one.

    ``a.fits`` beside ``a.fits.gz`` would both become ``a_CAL.fits``; such frames keep their whole name instead.
    File systems that ignore case are respected.
    """
    claims: dict[str, list[str]] = {}
    for path in raw_paths:
        claims.setdefault(calibrated_product(path).lower(), []).append(path)
    names: dict[str, str] = {}
    for paths in claims.values():
        for path in paths:
            names[path] = calibrated_product(path) if len(paths) == 1 else f"calibrated/{path}_CAL.fits"
    return names


def rejected_product(product: str) -> str:
    """Where a calibrated product lies while its frame is rejected."""
    return "rejected/" + product.removeprefix("calibrated/")
