"""The solution as header cards: TAN-SIP, as ``astropy.wcs.WCS``, DS9 and astrometry.net read and write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.io.ascii_words import ascii_words

if TYPE_CHECKING:
    from astropy.io import fits

    from pipeline_core.science.tan_sip import TanSip

SOLUTION_KEY = "SOLVEKEY"
"""Card that names the solution in a header, to see whether it is the current one."""

_OLD = (
    "CTYPE", "CUNIT", "CRVAL", "CRPIX", "CDELT", "CROTA", "CD1_", "CD2_", "PC1_", "PC2_", "PC001", "PC002",
    "PV1_", "PV2_", "CRDELT", "CRDER", "CSYER", "CFINT", "LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX",
    "WCSAXES", "WCSNAME", "WAT0_", "WAT1_", "WAT2_", "WCSDIM", "PLTSOLVD", "SOLV", "CPDIS", "CQDIS", "CPERR", "CQERR",
    "D2IMDIS", "D2IMERR",
)  # fmt: skip
"""Beginnings of keywords that state an older solution, in any of the usual dialects."""
_OLD_WHOLE = re.compile(r"EPOCH|[AB]P?_(ORDER|DMAX|\d+_\d+)|D[PQ]\d(\..+)?")
"""The same, whole: a camera's B_FOCUS is no term of SIP."""


def solution_cards(solution: TanSip, shape: tuple[int, int], facts: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """Return (keyword, value, comment) of a solution.

    Parameters
    ----------
    solution : TanSip
    shape : (ny, nx)
    facts : dict
        ``rms_arcsec``, ``error_arcsec``, ``stars_matched``, ``reference``, ``reportable``, ``engine``, ``index``,
        ``log_odds``, ``key``; what is None is left out.
    """
    has_sip = solution.a is not None and solution.order >= 2
    ending = "-SIP" if has_sip else ""
    matrix = solution.matrix
    cards: list[tuple[str, Any, str]] = [
        ("WCSAXES", 2, "number of axes"),
        ("CTYPE1", f"RA---TAN{ending}", "gnomonic projection" + (" + SIP distortion" if has_sip else "")),
        ("CTYPE2", f"DEC--TAN{ending}", "gnomonic projection" + (" + SIP distortion" if has_sip else "")),
        ("CUNIT1", "deg", "unit of CRVAL1 and CD1"),
        ("CUNIT2", "deg", "unit of CRVAL2 and CD2"),
        ("CRVAL1", solution.ra_deg, "[deg] right ascension of the reference pixel"),
        ("CRVAL2", solution.dec_deg, "[deg] declination of the reference pixel"),
        ("CRPIX1", solution.x_px + 1.0, "[px] reference pixel, first is 1"),
        ("CRPIX2", solution.y_px + 1.0, "[px] reference pixel, first is 1"),
        ("CD1_1", float(matrix[0, 0]), "[deg/px]"),
        ("CD1_2", float(matrix[0, 1]), "[deg/px]"),
        ("CD2_1", float(matrix[1, 0]), "[deg/px]"),
        ("CD2_2", float(matrix[1, 1]), "[deg/px]"),
        ("RADESYS", "ICRS", "celestial reference system"),
        ("EQUINOX", 2000.0, "[yr] equinox, for older readers"),
        ("LONPOLE", 180.0, "[deg] native longitude of the celestial pole"),
    ]
    inverse = solution.inverse_sip(shape) if has_sip else None
    if has_sip and inverse is not None:
        assert solution.a is not None, "has_sip says so"
        assert solution.b is not None, "comes with A"
        for name, table in (("A", solution.a), ("B", solution.b), ("AP", inverse[0]), ("BP", inverse[1])):
            cards += _polynomial(name, table)
    for keyword, name, comment in (
        ("SOLVRMS", "rms_arcsec", "[arcsec] residual of one axis, matched stars"),
        ("SOLVERR", "error_arcsec", "[arcsec] error of the solution itself, one axis"),
        ("SOLVNUM", "stars_matched", "stars that the solution stands on"),
        ("SOLVREF", "reference", "reference catalogue"),
        ("SOLVREP", "reportable", "positions may be reported"),
        ("SOLVENG", "engine", "what found the field"),
        ("SOLVIDX", "index", "index whose pattern matched"),
        ("SOLVODDS", "log_odds", "natural log of the odds against chance"),
        (SOLUTION_KEY, "key", "names this solution"),
    ):
        value = facts.get(name)
        if value is not None:
            cards.append((keyword, _storable(value), comment))
    return cards


def _polynomial(name: str, table: Any) -> list[tuple[str, Any, str]]:
    order = len(table) - 1
    cards: list[tuple[str, Any, str]] = [(f"{name}_ORDER", order, f"order of the SIP polynomial {name}")]
    forward = name in {"A", "B"}
    # The standard's forward polynomials begin at second order.
    return cards + [
        (f"{name}_{i}_{j}", float(table[i, j]), "")
        for i in range(order + 1)
        for j in range(order + 1 - i)
        if table[i, j] != 0.0 and (i + j >= 2 or not forward)
    ]


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return ascii_words(value)[:60]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 5)
    return value


def remove_solution(header: fits.Header) -> None:
    """Take every card of an older world coordinate system out of a header, in place."""
    for keyword in {card.keyword for card in header.cards}:
        if keyword.upper().startswith(_OLD) or _OLD_WHOLE.fullmatch(keyword.upper()):
            header.remove(keyword, ignore_missing=True, remove_all=True)


def put_solution(header: fits.Header, solution: TanSip, shape: tuple[int, int], facts: dict[str, Any]) -> None:
    """Replace whatever world coordinate system a header has by this solution, in place."""
    remove_solution(header)
    for keyword, value, comment in solution_cards(solution, shape, facts):
        header[keyword] = (value, comment)
