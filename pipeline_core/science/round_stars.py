"""Stars of any round shape: rings of a defocused telescope, broad blobs, known from the frame itself.

No formula fits them, but all stars of a frame look alike and no two hits do. The median radial profile of the brightest
is measured; each star is fitted with it; what a hit left must still stand out when the stars are taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science import _round_kernels as kernels
from pipeline_core.science._star_kernels import MASKED, PROTECTED

if TYPE_CHECKING:
    from pipeline_core.types import Image, Mask

REACH = 15  # px; the widest star that is looked for
STEP_PX = 0.25  # of the radial profile: a pixel's light is smoother than that
ENOUGH_STARS = 300
FEWEST_STARS = 8
BRIGHT_SIGMAS = 40.0  # stars that make the profile: a tenth of their height is seen in each pixel
FAINT_SIGMAS = 8.0  # stars that are fitted: below it no pixel of a star this wide is suspected
SMALLEST_PX = 1.2  # rms radius; a hit of one or two pixels is smaller, sharper stars are known by their width
ROUND = 0.25  # largest ellipticity; tracks are longer
MISMATCH = 0.12  # of the profile, one sigma: centres are good to 0.05 px, real stars are not quite round
CLIP = 4.5
FURTHER_PX = 12  # a fit wants its neighbours fitted too, and later passes find hits up to 8 px further
DROPPED = (0, 4, 4)  # brightest pixels of 16 left out, round by round: faint stars beside bright ones, then beside hits

Profile = npt.NDArray[np.float32]


class RoundStars:
    """Tells stars of one shape from hits.

    Parameters
    ----------
    profile : (n,) float32
        Light of a star of unit flux in a pixel at 0, 0.25, 0.5 … px from its centre.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.width_px = 1.3 * len(profile) * STEP_PX
        """Of a box that holds most of a star's light."""
        self.stars = 0
        """Those near a suspect, which were fitted."""
        self._light: Image | None = None

    def tell(
        self,
        image: Image,
        variance: Image,
        closed: npt.NDArray[np.uint8],
        hits: npt.NDArray[np.uint8],  # noqa: ARG002 - asked like StarGuard
        rows: npt.NDArray[np.int32],
        columns: npt.NDArray[np.int32],
    ) -> Mask:
        """Judge suspects. The first call decides where stars are fitted: later suspects lie beside hits of the first.

        Parameters
        ----------
        image, variance : (ny, nx) float32, electrons and electrons squared
        closed : (ny, nx) uint8
            Bit 1 on pixels without a value to trust. Pixels of stars receive bit 2: no hit is looked for there again.
        hits : (ny, nx) uint8
            Not needed here.
        rows, columns : (n,) int32

        Returns
        -------
        (n,) bool
            True for a hit: too bright for the stars there, or where no star is.
        """
        if self._light is None:
            masked = (closed & MASKED).view(bool)
            self._light, self.stars = modelled(image, variance, masked, self.profile, rows, columns)
        is_hit = np.asarray(kernels.too_bright(image, variance, self._light, rows, columns, CLIP, MISMATCH))
        closed[rows[~is_hit], columns[~is_hit]] |= PROTECTED
        return is_hit


def measure_round_stars(image: Image, variance: Image, masked: Mask) -> RoundStars | None:
    """Measure the common profile of a frame's stars and model each of them.

    Parameters
    ----------
    image, variance : (ny, nx) float32, electrons and electrons squared
        Hits may be in it.
    masked : (ny, nx) bool
        True on pixels without a value to trust.

    Returns
    -------
    RoundStars or None
        None if fewer than eight bright stars look alike.
    """
    if min(image.shape) < 4 * REACH:
        return None
    everywhere = np.ones(tuple(n // kernels.BLOCK + 1 for n in image.shape), bool)
    rows, columns, sigmas = _bright_places(image, variance, masked, np.zeros(image.shape, np.float32), everywhere, 0)
    profile = _common_profile(image, variance, masked, rows[sigmas > BRIGHT_SIGMAS], columns[sigmas > BRIGHT_SIGMAS])
    if profile is None:
        return None
    return RoundStars(profile)


def modelled(
    image: Image,
    variance: Image,
    masked: Mask,
    profile: Profile,
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
) -> tuple[Image, int]:
    """Fit the stars near some places.

    Parameters
    ----------
    image, variance : (ny, nx) float32, electrons and electrons squared
    masked : (ny, nx) bool
    profile : (n,) float32
    rows, columns : (n,) int32
        The places.

    Returns
    -------
    light : (ny, nx) float32, electrons
        Of all the fitted stars together.
    stars : int
    """
    wanted = kernels.blocks_near(rows, columns, image.shape[0], image.shape[1], len(profile) * STEP_PX + FURTHER_PX)
    light = np.zeros(image.shape, np.float32)
    stars = 0
    for dropped in DROPPED:
        ys, xs, _ = _bright_places(image, variance, masked, light, wanted, dropped)
        stars += int(kernels.fit_stars(image, variance, masked, ys, xs, profile, STEP_PX, light))
    return light, stars


def _bright_places(
    image: Image, variance: Image, masked: Mask, light: Image, wanted: Mask, dropped: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows, columns and significance of where stars may be, the brightest first."""
    found = kernels.bright_blocks(image, variance, masked, light, wanted, np.float32(FAINT_SIGMAS), dropped)
    order = np.argsort(-found[2], kind="stable")
    return found[0][order], found[1][order], found[2][order]


def _common_profile(
    image: Image, variance: Image, masked: Mask, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> Profile | None:
    """Median radial profile of the bright round stars, cut where it reaches the sky."""
    shapes = kernels.centred(image, variance, masked, rows[:ENOUGH_STARS], columns[:ENOUGH_STARS], REACH)
    y, x, size, ellipticity = shapes.T
    with np.errstate(invalid="ignore"):
        alike = (size > SMALLEST_PX) & (ellipticity < ROUND)
    y, x, size = y[alike], x[alike], size[alike]
    # The blocks on a ring lead to one centre: one star, counted once.
    _, first = np.unique(np.round(np.column_stack([y, x]) / 4), axis=0, return_index=True)
    y, x, size = y[first], x[first], size[first]
    if len(y) < FEWEST_STARS:
        return None
    usual = np.abs(size / np.median(size) - 1) < 0.25
    y, x = y[usual], x[usual]
    if len(y) < FEWEST_STARS:
        return None
    distances, values = kernels.radial_samples(image, variance, masked, y, x, REACH)
    cells = np.floor(distances / STEP_PX + 0.5).astype(np.int64)
    profile = np.zeros(int(REACH / STEP_PX), np.float32)
    for k in range(len(profile)):
        # Few pixels lie at the very centre: the neighbouring steps help.
        here = np.abs(cells - k) <= (1 if k < 4 else 0)
        if here.any():
            profile[k] = np.median(values[here])
    if not profile.max() > 0:
        return None
    beyond = np.flatnonzero(profile > 0.02 * profile.max())[-1] + 2
    profile[beyond:] = 0
    return np.maximum(profile[: beyond + 1], 0)
