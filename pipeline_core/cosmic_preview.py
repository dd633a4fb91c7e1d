"""What other cosmic-ray settings would do to a part of a frame: the step of the run, on a cut-out, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.science.cosmic import clean_cosmic_rays, count_events
from pipeline_core.science.quality import measure_science
from pipeline_core.science.star_guard import measure_star_width
from pipeline_core.science.stars_touched import stars_touched
from pipeline_core.stages.science import reduce_file
from pipeline_core.steps import input_files
from pipeline_core.types import MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from pipeline_core.science.frame_cosmic import CosmicChoices
    from pipeline_core.science.frame_steps import Step
    from pipeline_core.stage import Task
    from pipeline_core.types import Bits, Image, Mask

MARGIN_PX = 64
"""Computed around the part that is asked for: hits reach, stars have wings, and both are told by their surroundings."""

USUAL_FWHM_PX = 3.0
"""Where no star tells."""


@dataclass(frozen=True, eq=False)
class CosmicGround:
    """A frame calibrated as far as the cosmic-ray step, and what that step measures on the whole of it."""

    image: Image
    """(ny, nx) electrons, or ADU where the gain is unknown."""
    variance: Image
    bits: Bits
    unit: str
    width_px: float | None
    """Of the stars, as the step sees it; None where it cannot tell."""
    stars: npt.NDArray[np.float64]
    """(n, 2) x, y of the clean stars that quality is measured on, 0-based."""
    fwhm_px: float
    """Usual width of those stars."""


@dataclass(frozen=True, eq=False)
class CosmicPreview:
    """The step done on a part of the frame."""

    part: Section
    before: Image
    cleaned: Image
    hits: Mask
    """True where a cosmic ray hit; all three of the part's shape."""
    events: int
    """Groups of hits that touch."""
    touched: int
    checked: int
    """Stars in the part whose core was changed, of how many."""

    @property
    def words(self) -> str:
        """Both counts in a line."""
        return f"hits: {self.events} · stars touched: {self.touched} of {self.checked}"


def cosmic_ground(
    task: Task, output: Path, *, threads: int = 1, check: Callable[[], None] | None = None
) -> CosmicGround:
    """Calibrate a frame as far as the cosmic-ray step.

    Parameters
    ----------
    task : Task
        Of the science frame.
    output : Path
        Where the masters lie.
    threads : int
    check : callable, optional
        Called between the steps; what it raises ends the work.

    Raises
    ------
    NightError
        If a master has not been made yet.
    """
    found: list[Step] = []

    def keep(step: Step) -> None:
        if check is not None:
            check()
        if step.name == "mask":
            found.append(step)

    reduce_file({**task.settings, "cosmic": None, "uncertainty": False}, input_files(task, output), threads, keep)
    step = found[0]
    assert step.mask is not None, "the mask step has a mask"
    assert step.variance is not None, "and the noise of each pixel"
    full = (step.mask & MaskBit.SATURATED) != 0
    measures, stars = measure_science(
        step.image,
        unit=step.unit or "ADU",
        state="quick",
        masked=(step.mask != 0) & ~full,
        saturated=full,
        read_noise_e=task.settings["read_noise_e"],
    )
    width = measure_star_width(step.image, step.variance, step.mask != 0)
    places = np.column_stack([stars.x_px, stars.y_px])
    return CosmicGround(
        step.image, step.variance, step.mask, step.unit, width, places, measures.fwhm_px or width or USUAL_FWHM_PX
    )


def cosmic_preview(
    ground: CosmicGround, part: Section, choices: CosmicChoices | None, *, threads: int = 1
) -> CosmicPreview:
    """Do the cosmic-ray step on a part of a frame.

    Parameters
    ----------
    ground : CosmicGround
    part : Section
        Inside the frame.
    choices : CosmicChoices or None
        None: the step is switched off.
    threads : int
    """
    ny, nx = ground.image.shape
    wide = Section(
        max(0, part.y0 - MARGIN_PX), min(ny, part.y1 + MARGIN_PX),
        max(0, part.x0 - MARGIN_PX), min(nx, part.x1 + MARGIN_PX),
    )  # fmt: skip
    inner = Section(part.y0 - wide.y0, part.y1 - wide.y0, part.x0 - wide.x0, part.x1 - wide.x0).slices
    before = ground.image[part.slices]
    if choices is None:
        return CosmicPreview(part, before, before, np.zeros(before.shape, bool), 0, 0, _stars_in(ground, part)[2])
    bits = ground.bits[wide.slices]
    spilling = (bits & (MaskBit.SATURATED | MaskBit.NO_DATA)) != 0
    found = clean_cosmic_rays(
        np.ascontiguousarray(ground.image[wide.slices]),
        np.ascontiguousarray(ground.variance[wide.slices]),
        spilling,
        (bits != 0) & ~spilling,
        sigclip=choices.sigclip,
        sigfrac=choices.sigfrac,
        objlim=choices.objlim,
        iterations=choices.iterations,
        fwhm_px=ground.width_px,
        protect_below_fwhm_px=choices.protect_below_fwhm_px,
        threads=threads,
        engine=choices.engine,
    )
    hits = found.hits[inner]
    x, y, _ = _stars_in(ground, part)
    touched, checked = stars_touched(x, y, ground.fwhm_px, hits)
    return CosmicPreview(part, before, found.cleaned[inner], hits, count_events(hits), touched, checked)


def _stars_in(ground: CosmicGround, part: Section) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """Return x and y of the stars inside a part, counted from its corner, and how many they are."""
    x, y = ground.stars[:, 0] - part.x0, ground.stars[:, 1] - part.y0
    inside = (x > -0.5) & (y > -0.5) & (x < part.shape[1] - 0.5) & (y < part.shape[0] - 0.5)
    return x[inside], y[inside], int(inside.sum())
