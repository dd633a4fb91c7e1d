"""One solved frame as it is shown: its stars, the catalogue's, which belong together and how far they lie apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline_core.science.catalogue_match import FrameStars, in_frame, pair
from pipeline_core.solve_means import make_provider
from pipeline_core.solve_memory import solutions
from pipeline_core.solve_tasks import STARS
from pipeline_core.solving.index_files import find_indexes

if TYPE_CHECKING:
    from pipeline_core.catalogues.reference import ReferenceStars
    from pipeline_core.config import SolveSettings
    from pipeline_core.solving.result import FrameSolution
    from pipeline_core.store import Store

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_WIDEST_PX = 3.0


@dataclass(frozen=True)
class SkyView:
    """What to draw over a frame. Pixels 0-based in the calibrated frame."""

    frame: FrameSolution
    stars: FrameStars
    """Measured."""
    reference: ReferenceStars
    """Catalogue stars inside the frame, brightest first."""
    reference_x_px: Floats
    reference_y_px: Floats
    """Where the solution puts them."""
    star: Indices
    catalogue: Indices
    """Pairs: index into ``stars``, index into ``reference``."""
    east_arcsec: Floats
    north_arcsec: Floats
    """Measured minus catalogue, of each pair."""
    dx_px: Floats
    dy_px: Floats
    """The same on the chip: to be drawn magnified."""


def sky_view(store: Store, path: str, settings: SolveSettings) -> SkyView | None:
    """Return what to draw over a solved frame; the network is not asked.

    Parameters
    ----------
    store : Store
        Of the output; may be read-only.
    path : str
        Night-relative path of the frame.
    settings : SolveSettings

    Returns
    -------
    SkyView or None
        None for a frame that is not solved, or whose catalogue is not at hand any more.
    """
    frame = solutions(store).get(path)
    listed = next((product.made for product in store.products(STARS, path)), None)
    if frame is None or frame.solution is None or frame.shape is None or listed is None:
        return None
    solution, shape = frame.solution, frame.shape
    indexes, _ = find_indexes(settings.indexes)
    provider = make_provider(settings, indexes, None, network=False)
    ra, dec = solution.centre(shape)
    known = list(provider.references(ra, dec, solution.radius_deg(shape) + 0.02))
    if not known:
        return None
    # Of the source that the solution stands on, where it is still here.
    reference = next((stars for stars in known if stars.source.name == frame.reference), known[0])
    sky = reference.at(listed["header"]["year"])
    inside = in_frame(sky, solution, shape)
    reference, sky = reference.pick(inside), sky.pick(inside)
    x, y = solution.to_pixel(sky.ra_deg, sky.dec_deg)
    stars = FrameStars.from_lists(listed["stars"])
    radius = max(_WIDEST_PX, 5.0 * (frame.rms_arcsec or 0.0) / solution.scale_arcsec)
    ours, theirs = pair(stars.x_px, stars.y_px, x, y, radius)
    star_ra, star_dec = solution.to_sky(stars.x_px[ours], stars.y_px[ours])
    ahead = (star_ra - sky.ra_deg[theirs] + 180.0) % 360.0 - 180.0
    east = 3600.0 * ahead * np.cos(np.radians(sky.dec_deg[theirs]))
    north = 3600.0 * (star_dec - sky.dec_deg[theirs])
    return SkyView(
        frame,
        stars,
        reference,
        x,
        y,
        ours,
        theirs,
        east,
        north,
        stars.x_px[ours] - x[theirs],
        stars.y_px[ours] - y[theirs],
    )
