"""Gain and read noise from the night's own flats and biases: where the header is silent, and to check what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline_core.findings import Finding
from pipeline_core.gain_words import MEASURED
from pipeline_core.grouping import Geometry
from pipeline_core.stage import Made, Raw, Stage, Task
from pipeline_core.tasks import DEFAULT_READ_NOISE_E, CameraFacts, camera_facts, raw_input, section_list
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.config import Recipe
    from pipeline_core.plan import MasterPlan, Plan
    from pipeline_core.types import Frame, Night

PAIRS = 3
"""Pairs of flats and of biases that are measured: the median of three rejects one odd pair."""

DISAGREES = 0.15
"""A measured gain farther than this from the header's is said."""


def measure_gain(settings: Mapping[str, Any], inputs: Mapping[str, Path], out: Path, threads: int) -> Made:
    """Measure gain and read noise from pairs; a task's function (see :mod:`pipeline_core.stage`).

    ``settings`` are those of a group of calibration frames, flats first, with their number ``n_flats``. Nothing is
    written.
    """
    from pipeline_core.stages import masters  # noqa: PLC0415 - heavy, and planning does without

    del out
    return {"gain": asdict(masters.measure_gain(settings, inputs, threads))}


MEASURE_GAIN = Stage("gain and read noise", 3, measure_gain)


def gain_tasks(night: Night, plan: Plan, recipe: Recipe) -> dict[Geometry, Task]:
    """Return one measuring task for each geometry that has two flats of one filter and two biases."""
    tasks: dict[Geometry, Task] = {}
    for geometry in {m.geometry for m in plan.masters}:
        biases = _frames(night, plan, geometry, "bias")
        flats = max(
            (_frames_of(night, m.frames) for m in _combined(plan) if m.kind == "flat" and m.geometry == geometry),
            key=len,
            default=[],
        )
        if len(biases) < 2 or len(flats) < 2:
            continue
        # Neighbours in time are nearest in level: twilight changes fast.
        flats = sorted(flats, key=lambda f: (f.mid_utc is None, f.mid_utc, f.path))
        middle = max(0, len(flats) // 2 - PAIRS)
        n_flats = len(flats[middle : middle + 2 * PAIRS])
        frames = [*flats[middle : middle + 2 * PAIRS], *biases[: 2 * PAIRS]]
        overscan = plan.overscan.get(geometry)
        settings = {
            "n_flats": n_flats,
            "frames": [f.path for f in frames],
            "layouts": [asdict(f.layout) for f in frames if f.layout is not None],
            "shape": [geometry.ny, geometry.nx],
            "overscan": section_list(overscan[0] if overscan else None),
            "trim": section_list(plan.trims.get(geometry)),
            "pedestal_adu": [f.pedestal_adu for f in frames],
            "saturation_adu": camera_facts(flats[0], recipe, {}).saturation_adu,
            "recipe": {"overscan": recipe.overscan.model_dump()},
        }
        inputs: dict[str, Raw | Task] = {f"frame_{i:03d}": raw_input(night, f) for i, f in enumerate(frames)}
        tasks[geometry] = Task(MEASURE_GAIN, None, settings, inputs, f"gain {geometry}")
    return tasks


def judged_gain(
    night: Night, tasks: Mapping[Geometry, Task], made: Mapping[str, Made], recipe: Recipe
) -> tuple[dict[Geometry, CameraFacts], list[Finding]]:
    """Turn what was measured into facts, and say where the header disagrees by more than 15 %.

    Returns
    -------
    facts : dict of Geometry to CameraFacts
    warnings : list of Finding
    """
    facts: dict[Geometry, CameraFacts] = {}
    warnings: list[Finding] = []
    for geometry, task in tasks.items():
        found = made.get(task.label, {}).get("gain")
        if found is None:
            warnings.append(Finding(f"the gain of {geometry} frames could not be measured from flats and biases"))
            continue
        measured, read_noise = found["gain_e_per_adu"], found["read_noise_e"]
        facts[geometry] = CameraFacts(measured, MEASURED, read_noise or DEFAULT_READ_NOISE_E, None)
        stated = recipe.calibrate.gain_e_per_adu or next(
            (f.gain_e_per_adu for f in night.frames if f.shape and Geometry.of(f) == geometry and f.gain_e_per_adu),
            None,
        )
        if measured is None:
            continue
        paths = tuple(
            f.path
            for f in night.frames
            if f.kind is FrameKind.SCIENCE and f.shape and f.unusable is None and Geometry.of(f) == geometry
        )
        if stated is None:
            warnings.append(
                Finding(
                    f"no frame states its gain, so {measured:.3g} e⁻/ADU was measured from flats and biases",
                    "electrons, noise and depth stand on it",
                    "set calibrate.gain_e_per_adu in the recipe if you know better",
                    paths,
                )
            )
        elif abs(measured / stated - 1) > DISAGREES:
            warnings.append(
                Finding(
                    f"the gain is said to be {stated:.3g} e⁻/ADU, but flats and biases measure {measured:.3g}",
                    f"the stated one is used, and electrons may be {_too_many(stated / measured)}",
                    "set calibrate.gain_e_per_adu in the recipe to change it",
                    paths,
                )
            )
    return facts, warnings


def _too_many(ratio: float) -> str:
    percent = f"{100 * abs(ratio - 1):.0f} %"
    return f"{percent} too many" if ratio > 1 else f"{percent} too few"


def _frames_of(night: Night, paths: tuple[str, ...]) -> list[Frame]:
    return [night.by_path[path] for path in paths]


def _frames(night: Night, plan: Plan, geometry: Geometry, kind: str) -> list[Frame]:
    return [
        f for m in _combined(plan) if m.kind == kind and m.geometry == geometry for f in _frames_of(night, m.frames)
    ]


def _combined(plan: Plan) -> list[MasterPlan]:
    """Masters that are made from raw frames; the noise of an existing one says nothing of a single read-out."""
    return [m for m in plan.masters if not m.is_ready]
