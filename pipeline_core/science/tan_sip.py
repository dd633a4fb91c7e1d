"""From pixels to the sky and back: the gnomonic projection with SIP distortion, for arrays of stars.

Calabretta & Greisen (2002), A&A 395, 1077; SIP: Shupe et al. (2005), ASP Conf. 347, 491. Pixels are 0-based.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_SETTLED_PX = 1e-7
ARCSEC = 3600.0
"""Arcseconds in a degree."""


@dataclass(frozen=True)
class TanSip:
    """Where each pixel of a frame lies on the sky (ICRS)."""

    ra_deg: float
    dec_deg: float
    """Of the reference pixel, which is the tangent point."""
    x_px: float
    y_px: float
    """The reference pixel, 0-based."""
    matrix: Floats
    """(2, 2): degrees of the tangent plane (east, north) a pixel (x, y)."""
    a: Floats | None = None
    b: Floats | None = None
    """(n+1, n+1): SIP coefficients of u^i v^j, px; None without distortion."""

    @property
    def order(self) -> int:
        """Order of the distortion; 1 without any."""
        return 1 if self.a is None else len(self.a) - 1

    @property
    def is_sound(self) -> bool:
        """Whether it is a projection at all: finite numbers, a declination, and pixels that cover some sky."""
        place = (self.ra_deg, self.dec_deg, self.x_px, self.y_px)
        is_finite = bool(np.isfinite(place).all() and np.isfinite(self.matrix).all())
        return is_finite and abs(self.dec_deg) <= 90.0 and abs(float(np.linalg.det(self.matrix))) > 1e-20

    @property
    def scale_arcsec(self) -> float:
        """Side of a pixel at the reference pixel."""
        return ARCSEC * float(np.sqrt(abs(np.linalg.det(self.matrix))))

    @property
    def parity(self) -> int:
        """1 as on the sky (north up, east left), -1 mirrored."""
        return 1 if np.linalg.det(self.matrix) < 0 else -1

    @property
    def rotation_deg(self) -> float:
        """Direction of north at the reference pixel, from +y towards +x's opposite (counter-clockwise), -180 to 180."""
        north = np.linalg.inv(self.matrix)[:, 1]
        return float(np.degrees(np.arctan2(-north[0], north[1])))

    def to_sky(self, x_px: npt.ArrayLike, y_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return right ascension and declination, degrees, of places in the frame."""
        u, v = np.asarray(x_px, np.float64) - self.x_px, np.asarray(y_px, np.float64) - self.y_px
        u, v = self.distorted(u, v)
        xi = self.matrix[0, 0] * u + self.matrix[0, 1] * v
        eta = self.matrix[1, 0] * u + self.matrix[1, 1] * v
        return from_plane(xi, eta, self.ra_deg, self.dec_deg)

    def to_pixel(self, ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where sky positions lie in the frame, px; NaN beyond 90° of the tangent point."""
        xi, eta = to_plane(ra_deg, dec_deg, self.ra_deg, self.dec_deg)
        inverse = np.linalg.inv(self.matrix)
        big_u = inverse[0, 0] * xi + inverse[0, 1] * eta
        big_v = inverse[1, 0] * xi + inverse[1, 1] * eta
        u, v = big_u, big_v
        if self.a is not None:
            # Distortions are a few pixels in thousands: each round gains three digits.
            for _ in range(10):
                du, dv = self.distorted(u, v)
                step_u, step_v = big_u - du, big_v - dv
                u, v = u + step_u, v + step_v
                # NaN-safe: what lies behind the tangent plane never settles.
                if not (np.abs(step_u) > _SETTLED_PX).any() and not (np.abs(step_v) > _SETTLED_PX).any():
                    break
        return u + self.x_px, v + self.y_px

    def distorted(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Return u + A(u, v) and v + B(u, v), px from the reference pixel."""
        if self.a is None or self.b is None:
            return u, v
        du = np.polynomial.polynomial.polyval2d(u, v, self.a)
        dv = np.polynomial.polynomial.polyval2d(u, v, self.b)
        return u + du, v + dv

    def centre(self, shape: tuple[int, int]) -> tuple[float, float]:
        """Return RA and Dec, degrees, of the middle of a frame of (ny, nx) pixels."""
        ra, dec = self.to_sky((shape[1] - 1) / 2.0, (shape[0] - 1) / 2.0)
        return float(ra), float(dec)

    def radius_deg(self, shape: tuple[int, int]) -> float:
        """Return the angle from the middle of a frame to its farthest corner."""
        ra, dec = self.centre(shape)
        x, y = np.array([0.0, shape[1] - 1, 0.0, shape[1] - 1]), np.array([0.0, 0.0, shape[0] - 1, shape[0] - 1])
        return float(np.max(separation_deg(ra, dec, *self.to_sky(x, y))))

    def inverse_sip(self, shape: tuple[int, int]) -> tuple[Floats, Floats] | None:
        """Return SIP's inverse coefficients AP, BP for a frame of (ny, nx) pixels; None without distortion.

        Notes
        -----
        Fitted on a grid over the frame, one order higher than the distortion: an inverse of the same order leaves
        hundredths of a pixel in the corners.
        """
        if self.a is None or self.b is None:
            return None
        order = min(9, len(self.a))
        x, y = np.meshgrid(np.linspace(0, shape[1] - 1, 24), np.linspace(0, shape[0] - 1, 24))
        u, v = x.ravel() - self.x_px, y.ravel() - self.y_px
        big_u, big_v = self.distorted(u, v)
        scale = float(max(np.abs(big_u).max(), np.abs(big_v).max(), 1.0))
        powers = [(i, j) for i in range(order + 1) for j in range(order + 1 - i)]
        design = np.stack([(big_u / scale) ** i * (big_v / scale) ** j for i, j in powers], axis=1)
        found = np.linalg.lstsq(design, np.stack([u - big_u, v - big_v], axis=1), rcond=None)[0]
        tables = np.zeros((2, order + 1, order + 1))
        for (i, j), pair in zip(powers, found, strict=True):
            tables[:, i, j] = pair / scale ** (i + j)
        return tables[0], tables[1]

    def turned(self) -> TanSip:
        """Return the same sky on a chip turned by 180° about the reference pixel: what a meridian flip does.

        Notes
        -----
        Camera and optics turn together, so the distortion stays with the pixels and only the linear part turns.
        """
        return replace(self, matrix=-self.matrix)

    def shifted(self, dx_px: float, dy_px: float) -> TanSip:
        """Return the solution of a frame in which every star lies ``dx, dy`` px further."""
        # The reference pixel moves, not its RA and Dec: near a pole a step in RA would turn the field.
        return replace(self, x_px=self.x_px + dx_px, y_px=self.y_px + dy_px)

    def as_plain(self) -> dict[str, Any]:
        """Return plain lists and numbers, for JSON."""
        return {
            "ra_deg": self.ra_deg,
            "dec_deg": self.dec_deg,
            "x_px": self.x_px,
            "y_px": self.y_px,
            "matrix": self.matrix.tolist(),
            "a": None if self.a is None else self.a.tolist(),
            "b": None if self.b is None else self.b.tolist(),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> TanSip:
        """Rebuild from :meth:`as_plain`."""
        tables = {name: None if plain[name] is None else np.asarray(plain[name], np.float64) for name in ("a", "b")}
        return cls(
            plain["ra_deg"], plain["dec_deg"], plain["x_px"], plain["y_px"], np.asarray(plain["matrix"], np.float64),
            **tables,
        )  # fmt: skip


def to_plane(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, ra0_deg: float, dec0_deg: float) -> tuple[Floats, Floats]:
    """Project sky positions gnomonically: return (east, north), degrees, on the plane that touches at ``ra0, dec0``.

    NaN for what lies on the other half of the sky.
    """
    ra, dec = np.radians(np.asarray(ra_deg, np.float64) - ra0_deg), np.radians(np.asarray(dec_deg, np.float64))
    dec0 = np.radians(dec0_deg)
    cosine = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(cosine > 1e-6, cosine, np.nan)
        xi = np.cos(dec) * np.sin(ra) / below
        eta = (np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra)) / below
    return np.degrees(xi), np.degrees(eta)


def from_plane(xi_deg: Floats, eta_deg: Floats, ra0_deg: float, dec0_deg: float) -> tuple[Floats, Floats]:
    """Return RA and Dec, degrees, of places (east, north) on the plane that touches at ``ra0, dec0``."""
    xi, eta, dec0 = np.radians(xi_deg), np.radians(eta_deg), np.radians(dec0_deg)
    below = np.cos(dec0) - eta * np.sin(dec0)
    ra = ra0_deg + np.degrees(np.arctan2(xi, below))
    dec = np.degrees(np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, below)))
    return ra % 360.0, dec


def separation_deg(
    ra1_deg: npt.ArrayLike, dec1_deg: npt.ArrayLike, ra2_deg: npt.ArrayLike, dec2_deg: npt.ArrayLike
) -> Floats:
    """Return the angle between sky positions, degrees; exact for small ones too (haversine)."""
    ra1, dec1, ra2, dec2 = (np.radians(np.asarray(v, np.float64)) for v in (ra1_deg, dec1_deg, ra2_deg, dec2_deg))
    half = np.sin((dec2 - dec1) / 2) ** 2 + np.cos(dec1) * np.cos(dec2) * np.sin((ra2 - ra1) / 2) ** 2
    return np.asarray(2.0 * np.degrees(np.arcsin(np.sqrt(np.minimum(half, 1.0)))), np.float64)
