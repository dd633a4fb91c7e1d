"""Where on the sky a pixel lies, as the header's gnomonic (TAN) projection says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SkyMap:
    """A gnomonic projection, with SIP distortion if the header has it."""

    ra_deg: float
    dec_deg: float
    """Of the reference pixel."""
    x_px: float
    y_px: float
    """The reference pixel, 0-based."""
    matrix: Matrix
    """(2, 2): degrees of the tangent plane (east, north) a pixel (x, y)."""
    distortion: tuple[Matrix, Matrix] | None = None
    """SIP coefficients A[i, j], B[i, j] of u^i v^j, px."""

    @property
    def scale_arcsec(self) -> float:
        """Side of a pixel."""
        return 3600.0 * float(np.sqrt(abs(np.linalg.det(self.matrix))))

    def sky(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Return right ascension and declination, degrees, of a place in the frame (0-based)."""
        u, v = x_px - self.x_px, y_px - self.y_px
        if self.distortion is not None:
            powers_u = u ** np.arange(len(self.distortion[0]))
            powers_v = v ** np.arange(len(self.distortion[0]))
            du, dv = (float(powers_u @ table @ powers_v) for table in self.distortion)
            u, v = u + du, v + dv
        xi, eta = np.radians(self.matrix @ (u, v))
        # Calabretta & Greisen (2002), A&A 395, 1077, section 5.1.3, the pole at the reference point.
        dec0 = np.radians(self.dec_deg)
        below = np.cos(dec0) - eta * np.sin(dec0)
        ra = self.ra_deg + np.degrees(np.arctan2(xi, below))
        dec = np.degrees(np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, below)))
        return float(ra % 360.0), float(dec)

    def cut(self, x0: int, y0: int) -> SkyMap:
        """Return the projection of a part of the frame whose first pixel is (x0, y0), 0-based."""
        return replace(self, x_px=self.x_px - x0, y_px=self.y_px - y0)

    def north_east(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the directions of north and east in the frame: unit vectors (x, y)."""
        inverse = np.linalg.inv(self.matrix)
        east, north = inverse[:, 0], inverse[:, 1]
        north, east = north / np.hypot(*north), east / np.hypot(*east)
        return (float(north[0]), float(north[1])), (float(east[0]), float(east[1]))


def sky_map(cards: Mapping[str, Any]) -> SkyMap | None:
    """Read the projection from header cards.

    Parameters
    ----------
    cards : mapping
        Keyword → value.

    Returns
    -------
    SkyMap or None
        None without a complete, numeric RA/Dec TAN projection that can be inverted.
    """
    if not str(cards.get("CTYPE1", "")).startswith("RA---TAN") or not str(cards.get("CTYPE2", "")).startswith(
        "DEC--TAN"
    ):
        return None
    reference = [_number(cards.get(name)) for name in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    matrix = _matrix(cards)
    if matrix is None or any(value is None for value in reference) or abs(np.linalg.det(matrix)) < 1e-20:
        return None
    ra, dec, x, y = (float(value) for value in reference if value is not None)
    distortion = None
    if str(cards["CTYPE1"]).endswith("-SIP"):
        distortion = (_polynomial(cards, "A"), _polynomial(cards, "B"))
    return SkyMap(ra, dec, x - 1.0, y - 1.0, matrix, distortion)


def _matrix(cards: Mapping[str, Any]) -> Matrix | None:
    """Return degrees a pixel: from CD, from PC and CDELT, or from CDELT and CROTA2."""
    names = ((1, 1), (1, 2), (2, 1), (2, 2))
    if any(f"CD{i}_{j}" in cards for i, j in names):
        values = [_number(cards.get(f"CD{i}_{j}", 0.0)) for i, j in names]
        return None if None in values else np.array(values, np.float64).reshape(2, 2)
    steps = [_number(cards.get(f"CDELT{axis}")) for axis in (1, 2)]
    if None in steps:
        return None
    if any(f"PC{i}_{j}" in cards for i, j in names):
        values = [_number(cards.get(f"PC{i}_{j}", 1.0 if i == j else 0.0)) for i, j in names]
        if None in values:
            return None
        return np.array(steps, np.float64)[:, None] * np.array(values, np.float64).reshape(2, 2)
    turn = np.radians(_number(cards.get("CROTA2", 0.0)) or 0.0)
    dx, dy = (float(step) for step in steps if step is not None)
    # FITS WCS paper II, equation 189.
    return np.array([[dx * np.cos(turn), -dy * np.sin(turn)], [dx * np.sin(turn), dy * np.cos(turn)]])


def _polynomial(cards: Mapping[str, Any], name: str) -> Matrix:
    order = min(9, int(_number(cards.get(f"{name}_ORDER")) or 0))
    table = np.zeros((10, 10))
    for i in range(order + 1):
        for j in range(order + 1 - i):
            table[i, j] = _number(cards.get(f"{name}_{i}_{j}")) or 0.0
    return table


def _number(value: Any) -> float | None:
    """Return a card's value as a finite number; None for text: a WCS of strings is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if np.isfinite(value) else None


def sexagesimal(ra_deg: float, dec_deg: float) -> tuple[str, str]:
    """Write RA as ``hh mm ss.ss`` and Dec as ``±dd mm ss.s``."""
    hundredths = round((ra_deg % 360.0) / 15.0 * 360000.0) % (24 * 360000)
    tenths = round(abs(dec_deg) * 36000.0)
    minutes, rest = divmod(hundredths, 6000)
    arcminutes, arcrest = divmod(tenths, 600)
    return (
        f"{minutes // 60:02d} {minutes % 60:02d} {rest / 100:05.2f}",
        f"{'-' if dec_deg < 0 else '+'}{arcminutes // 60:02d} {arcminutes % 60:02d} {arcrest / 10:04.1f}",
    )
