"""What will be done with a night, before anything is done: which masters, from which frames, for which frames.

:func:`build_plan` is pure: the same frames, recipe and choices give the same plan. It reads and writes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline_core.grouping import Geometry, grouped
from pipeline_core.io.header_values import parse_section
from pipeline_core.plan_geometry import GeometryPlanner
from pipeline_core.plan_types import NO_CHOICES, Choices, LeftOut, MasterPlan, Plan, SciencePlan
from pipeline_core.ready_masters import fits, is_ready, left_out_words
from pipeline_core.types import Frame, FrameKind, Night, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline_core.config import Recipe

__all__ = ["NO_CHOICES", "Choices", "LeftOut", "MasterPlan", "Plan", "SciencePlan", "build_plan"]


def build_plan(
    night: Night,
    recipe: Recipe,
    choices: Choices = NO_CHOICES,
    set_aside: Mapping[str, str] = MappingProxyType({}),
    *,
    make_all: bool = False,
) -> Plan:
    """Decide which master feeds which frame.

    Parameters
    ----------
    night : Night
        Frames with a person's edits applied.
    recipe : Recipe
    choices : Choices
        Rejections, kept frames and forced masters.
    set_aside : mapping of path to reason
        Calibration frames that failed a hard check of their pixels; those in ``choices.kept`` stay.
    make_all : bool
        Name masters that no frame takes too: a person may choose one of them.

    Returns
    -------
    Plan
        With what it would be without forced masters, where there are some.
    """
    plan = _build(night, recipe, choices, set_aside, make_all=make_all)
    if not choices.forced:
        return plan
    return replace(plan, unforced=_build(night, recipe, replace(choices, forced={}), set_aside, make_all=make_all))


def _build(night: Night, recipe: Recipe, choices: Choices, set_aside: Mapping[str, str], *, make_all: bool) -> Plan:
    """Decide which master feeds which frame, with just these choices."""
    usable, left_out = _sort_out(night, choices, set_aside)
    warnings: list[str] = []
    ready = [f for f in usable if is_ready(f)]
    usable = [f for f in usable if not is_ready(f)]
    overscan, trims = _overscan_for_all(usable, recipe, warnings)
    geometries = sorted({Geometry.of(f) for f in usable if f.kind is FrameKind.SCIENCE})
    alone = not geometries  # a night of calibration frames only: make every master it allows
    geometries = geometries or sorted({Geometry.of(f) for f in usable})

    masters: list[MasterPlan] = []
    science: dict[str, SciencePlan] = {}
    groups: dict[str, tuple[str, ...]] = {}
    for geometry in geometries:
        frames = [f for f in usable if Geometry.of(f) == geometry]
        frames += [f for f in ready if fits(f, geometry, trims.get(geometry))]
        suffix = "" if len(geometries) == 1 else f"_{geometry}"
        planner = GeometryPlanner(frames, geometry, suffix, recipe, choices, has_overscan=geometry in overscan)
        planner.plan(make_all=alone or make_all)
        masters += planner.masters
        science |= planner.science
        groups |= planner.groups
        left_out += planner.left_out
        warnings += planner.warnings
    for frame in usable:
        if Geometry.of(frame) not in geometries:
            left_out.append(LeftOut(frame.path, f"no science frame has its size and binning ({Geometry.of(frame)})"))
    for frame in ready:
        if not any(fits(frame, geometry, trims.get(geometry)) for geometry in geometries):
            left_out.append(LeftOut(frame.path, f"no science frame has its size and binning ({Geometry.of(frame)})"))
    return Plan(
        masters=tuple(masters),
        science=tuple(science[path] for path in sorted(science)),
        left_out=tuple(sorted(left_out, key=lambda item: item.path)),
        warnings=tuple(dict.fromkeys(warnings)),
        bytes_needed=_bytes_needed(masters, science, night, trims, recipe),
        overscan=overscan,
        trims=trims,
        groups=groups,
    )


def _sort_out(night: Night, choices: Choices, set_aside: Mapping[str, str]) -> tuple[list[Frame], list[LeftOut]]:
    """Separate the frames that take part from those that do not, with the reason."""
    usable: list[Frame] = []
    left_out: list[LeftOut] = []
    for frame in night.frames:
        reason = None
        if frame.unusable is not None:
            reason = frame.unusable
        elif frame.path in choices.rejected:
            reason = f"rejected: {choices.rejected[frame.path]}" if choices.rejected[frame.path] else "rejected"
        elif frame.kind is FrameKind.UNKNOWN:
            reason = "unknown kind: nobody has said what it was taken for"
        elif frame.kind is FrameKind.OTHER:
            reason = left_out_words(frame) if frame.is_master else "neither calibration nor science"
        elif frame.path in set_aside and frame.path not in choices.kept:
            reason = set_aside[frame.path]
        if reason is None:
            usable.append(frame)
        else:
            left_out.append(LeftOut(frame.path, reason))
    return usable, left_out


def _overscan_for_all(
    frames: list[Frame], recipe: Recipe, warnings: list[str]
) -> tuple[dict[Geometry, tuple[Section, Section | None]], dict[Geometry, Section]]:
    """Decide for each geometry whether the overscan is used: by all of its frames or by none."""
    overscan: dict[Geometry, tuple[Section, Section | None]] = {}
    trims: dict[Geometry, Section] = {}
    settings = recipe.overscan
    for geometry, members in grouped(frames, Geometry.of).items():
        if settings.trim is not None:
            trim = _named(settings.trim, "overscan.trim", geometry, warnings)
        else:
            trim = _common(members, [f.trim for f in members], warnings, "TRIMSEC")
        if trim is not None:
            trims[geometry] = trim
        if settings.use == "never":
            continue
        if settings.section is not None:
            region = _named(settings.section, "overscan.section", geometry, warnings)
        else:
            region = _common(members, [f.overscan for f in members], warnings, "BIASSEC")
        if region is not None:
            overscan[geometry] = (region, trim)
    return overscan, trims


def _named(text: str, field: str, geometry: Geometry, warnings: list[str]) -> Section | None:
    """Return a section that the recipe names, or none, with a warning, where it does not fit the frames."""
    try:
        return parse_section(text, (geometry.ny, geometry.nx))
    except ValueError as error:
        warnings.append(f"{field} = {text!r} in the recipe cannot be used for frames of {geometry}: {error}")
        return None


def _common(members: list[Frame], sections: list[Section | None], warnings: list[str], card: str) -> Section | None:
    """Return the section that all frames agree on; where they differ none, with a warning: all are treated alike."""
    if len(set(sections)) == 1:
        return sections[0]
    odd = [f.path for f, s in zip(members, sections, strict=True) if s != sections[0]]
    warnings.append(
        f"{card} is not the same in all frames of one size (for instance {odd[0]}): it is used for none of them. "
        "Name the section in the recipe (overscan.section, overscan.trim) to use it for all"
    )
    return None


def _bytes_needed(
    masters: list[MasterPlan],
    science: Mapping[str, SciencePlan],
    night: Night,
    trims: Mapping[Geometry, Section],
    recipe: Recipe,
) -> int:
    """Estimate what the products take on disk."""

    def pixels(geometry: Geometry) -> int:
        ny, nx = trims[geometry].shape if geometry in trims else (geometry.ny, geometry.nx)
        return ny * nx

    # Masters: image and uncertainty in float32 and a count; science: image, mask and, if asked for, uncertainty.
    total = sum(pixels(m.geometry) * (1 if m.kind == "mask" else 9) + 20_000 for m in masters)
    per_pixel = 5 + (4 if recipe.calibrate.uncertainty else 0)
    total += sum(pixels(Geometry.of(night.by_path[path])) * per_pixel + 30_000 for path in science)
    return total
