"""The depth of a night's frames: their stars beside a catalogue's, kept in the store, joined to the quality table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.io.profiles import load_profile
from pipeline_core.measures import StarList, science_measures
from pipeline_core.science.alignment import Alignment, match
from pipeline_core.science.depth import Depth, frame_depth, with_depth
from pipeline_core.stage import Stage, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt

    from pipeline_core.events import RunContext
    from pipeline_core.measures import QualityRow
    from pipeline_core.stage import Made
    from pipeline_core.store import Store
    from pipeline_core.types import Frame, Night

    Floats = npt.NDArray[np.float64]

JOB = STAGE = "depth"
"""Name under which depths stand in the store, and of the job in progress events."""
_VERSION = 1
_CATALOGUE_STEP_PX = 2.0
"""How far a star may lie from its catalogue place: solutions are better than half a pixel, crowded fields closer."""


@dataclass(frozen=True)
class CatalogueStars:
    """Catalogue stars where they lie in one frame."""

    x_px: Floats
    y_px: Floats
    """0-based in the trimmed frame, at the frame's epoch."""
    magnitude: Floats
    colour: Floats
    """BP - RP; NaN where not known."""
    name: str
    """As a person reads it: "Gaia DR3"."""
    band: str
    is_rough: bool = False
    """Magnitudes good to a tenth only (Tycho): the depth is marked."""
    magnitude_error: Floats | None = None
    scale_arcsec: float | None = None
    """Of the frame as it was solved, arcsec a pixel; better than what the header says."""


def measure_depths(
    night: Night,
    measured: Mapping[str, Made],
    keys: Mapping[str, str],
    solved: Mapping[str, str],
    catalogue: Callable[[str], CatalogueStars | None],
    store: Store,
    context: RunContext,
) -> dict[str, Depth]:
    """Measure the depth of every frame that has catalogue stars; what is up to date is not measured again.

    Parameters
    ----------
    night : Night
        With decisions applied.
    measured, keys : mapping
        Path → what its quality task reported, and that task's key.
    solved : mapping
        Path of a solved frame → a key that changes when its solution or the source of its stars does.
    catalogue : callable
        Path → the stars of its field, None where no catalogue is at hand. Asked for what is to be measured only.
    store : Store
        Open; hold its run lock.
    context : RunContext

    Returns
    -------
    dict
        Path → depth, of the frames that have one.
    """
    stage = Stage(STAGE, _VERSION, _never)
    known = {product.label for product in store.products(STAGE)}
    depths: dict[str, Depth] = {}
    for path in context.track(JOB, [path for path in measured if path in night.by_path and path in solved]):
        frame = night.by_path[path]
        facts = [frame.exposure_s, frame.pixel_scale_arcsec, frame.filter, _term(frame)]
        task = Task(stage, None, {"quality": keys[path], "catalogue": solved[path], "facts": facts}, {}, path)
        made = store.fresh(task)
        if made is None:
            stars = catalogue(path)
            if stars is None:
                continue
            depth = _depth(frame, measured[path], stars)
            made = {} if depth is None else depth.as_dict()
            store.finish(task, None, None, made, 0.0)
        known.discard(path)
        if made:
            depths[path] = Depth.from_dict(made)
    for path in known:  # solved no more: its depth stood on a solution that was taken back
        store.drop_measurement(STAGE, path)
    return depths


def known_depths(store: Store) -> dict[str, Depth]:
    """Return the depths that the store holds, by path."""
    return {p.label: Depth.from_dict(p.made) for p in store.products(STAGE) if p.made}


def join_depths(rows: Sequence[QualityRow], night: Night, depths: Mapping[str, Depth]) -> list[QualityRow]:
    """Add depth to the rows of the quality table; see :func:`~pipeline_core.science.depth.with_depth`."""
    if not depths:
        return list(rows)
    filters = {path: frame.filter for path, frame in night.by_path.items()}
    usual = load_profile(night.profile).photometry.extinction_mag
    return with_depth(rows, depths, usual_k_mag=usual, filters=filters)


def _term(frame: Frame) -> float | None:
    """Return the colour term that the instrument's profile knows for a frame's filter."""
    return load_profile(frame.profile).photometry.colour_terms.get(frame.filter or "")


def _depth(frame: Frame, made: Made, stars: CatalogueStars) -> Depth | None:
    listed = StarList.from_lists(made["stars"])
    measures = science_measures(made["measures"])
    nan = np.full(stars.x_px.size, np.nan)
    places = StarList(stars.x_px, stars.y_px, nan, nan)
    index = match(Alignment(1 + 0j, 0j), places, listed, _CATALOGUE_STEP_PX)
    found = np.flatnonzero(index >= 0)
    error = stars.magnitude_error
    return frame_depth(
        measures,
        listed.flux[index[found]],
        stars.magnitude[found],
        stars.colour[found],
        exposure_s=frame.exposure_s,
        gain_e_per_unit=1.0 if measures.unit == "electron" else frame.gain_e_per_adu or 1.0,
        pixel_scale_arcsec=stars.scale_arcsec or frame.pixel_scale_arcsec,
        colour_term=_term(frame),
        magnitude_error=None if error is None else error[found],
        reference=stars.name,
        band=stars.band,
        is_rough=stars.is_rough,
    )


def _never(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    del settings, inputs, out, threads
    raise AssertionError("depths are measured with a catalogue in memory, not by a worker")
