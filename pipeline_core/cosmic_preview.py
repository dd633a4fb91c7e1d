"""What other cosmic-ray settings would do to a part of a frame: the step of the run, on a cut-out, at once."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.science.cosmic import count_events, margin_for
from pipeline_core.science.frame_cosmic import CosmicChoices, remove_cosmic_rays
from pipeline_core.science.frame_margin import mirrored
from pipeline_core.science.quality import measure_science
from pipeline_core.science.stars_touched import stars_touched, still_there
from pipeline_core.stages.science import masters_of, reduce_file
from pipeline_core.steps import input_files
from pipeline_core.types import MaskBit, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from pipeline_core.science.frame_steps import Step
    from pipeline_core.science.reduction import Masters
    from pipeline_core.stage import Task
    from pipeline_core.types import Bits, Image, Mask, Rows

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
    """Of the stars, as the step of the run sees it; None where it cannot tell."""
    stars: npt.NDArray[np.float64]
    """(n, 2) x, y, 0-based, of stars that are there with and without the hits that the usual settings find."""
    fwhm_px: float
    """Usual width of those stars."""
    settings: Mapping[str, Any]
    inputs: Mapping[str, Path]
    """Of the frame's task: which masters it has, and where they lie."""


@dataclass(frozen=True, eq=False)
class CosmicPreview:
    """The step done on a part of the frame."""

    part: Section
    before: Image
    cleaned: Image
    hits: Mask
    """True where a cosmic ray hit; all three of the part's shape."""
    events: int
    """Groups of hits that touch: what the file's header counts."""
    pixels: int
    """What the step in the window counts."""
    touched: int
    checked: int
    """Stars in the part whose core was changed, of how many."""

    @property
    def words(self) -> str:
        """All counts in a line."""
        return f"hits: {self.events} ({self.pixels} pixels) · stars touched: {self.touched} of {self.checked}"


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
    found: dict[str, Step] = {}

    def keep(step: Step) -> None:
        if check is not None:
            check()
        if step.name in {"mask", "cosmic"}:
            found[step.name] = step

    inputs = input_files(task, output)
    # With the usual settings, whatever the recipe has: they tell the stars from the hits, and the stars' width.
    usual = {**task.settings, "cosmic": asdict(CosmicChoices()), "uncertainty": False}
    width = reduce_file(usual, inputs, threads, keep).made["cosmic_fwhm_px"]
    step, cleaned = found["mask"], found["cosmic"].image
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
    fwhm_px = measures.fwhm_px or width or USUAL_FWHM_PX
    # Measured before the step, so that none is missing for having been touched; but a track looks like a star then.
    are_stars = still_there(stars.x_px, stars.y_px, fwhm_px, step.image, cleaned)
    places = np.column_stack([stars.x_px, stars.y_px])[are_stars]
    return CosmicGround(step.image, step.variance, step.mask, step.unit, width, places, fwhm_px, task.settings, inputs)


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
        return CosmicPreview(part, before, before, np.zeros(before.shape, bool), 0, 0, 0, _stars_in(ground, part)[2])
    bits = ground.bits[wide.slices].copy()
    margin = margin_for(wide.shape, choices.engine, choices.protect_below_fwhm_px)
    room = mirrored(np.ascontiguousarray(ground.image[wide.slices]), margin)
    noise = mirrored(np.ascontiguousarray(ground.variance[wide.slices]), margin)
    with masters_of(ground.settings, ground.inputs) as masters:
        remove_cosmic_rays(
            room,
            noise,
            margin,
            bits,
            _cut(masters, wide),
            ground.settings["gain_e_per_adu"] or 1.0,
            choices,
            threads,
            # Of the whole frame the step measures it itself, to more digits.
            None if wide.shape == ground.image.shape else ground.width_px,
        )
    hits = (bits[inner] & MaskBit.COSMIC) != 0
    cleaned = room[margin : room.shape[0] - margin, margin : room.shape[1] - margin][inner]
    x, y, _ = _stars_in(ground, part)
    touched, checked = stars_touched(x, y, ground.fwhm_px, hits)
    return CosmicPreview(part, before, cleaned, hits, count_events(hits), int(np.count_nonzero(hits)), touched, checked)


def _cut(masters: Masters, part: Section) -> Masters:
    """Return what tells hot pixels from hits, of a part of the frame."""

    def cut(rows: Rows | None) -> Image | None:
        return None if rows is None else np.asarray(rows[part.y0 : part.y1], np.float32)[:, part.x0 : part.x1]

    return replace(
        masters, bias=cut(masters.bias), dark=cut(masters.dark), flat=cut(masters.flat), warm=cut(masters.warm)
    )


def _stars_in(ground: CosmicGround, part: Section) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """Return x and y of the stars inside a part, counted from its corner, and how many they are."""
    x, y = ground.stars[:, 0] - part.x0, ground.stars[:, 1] - part.y0
    inside = (x > -0.5) & (y > -0.5) & (x < part.shape[1] - 0.5) & (y < part.shape[0] - 0.5)
    return x[inside], y[inside], int(inside.sum())
