"""What an output folder knows of the sky: solutions, alignment, stacks. Looked at, never changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline_core.footprint import footprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.footprint import Floats
    from pipeline_core.science.depth import Depth
    from pipeline_core.science.tan_sip import TanSip
    from pipeline_core.solving.result import FrameSolution


@dataclass(frozen=True, slots=True)
class StackMade:
    """A stack that lies in the output."""

    group: str
    file: Path
    frames: int
    method: str
    exposure_s: float | None


@dataclass(frozen=True)
class NightSky:
    """Everything at once; empty where nothing was solved, aligned or stacked yet."""

    solutions: Mapping[str, FrameSolution] = field(default_factory=dict)
    alignment: NightAlignment | None = None
    stacks: tuple[StackMade, ...] = ()
    calibrated: frozenset[str] = frozenset()
    """Frames that are reduced: only these can be solved or aligned."""
    hints: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """In force now."""
    searched_with: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The hints that frames were last searched with, where that is known."""
    depths: Mapping[str, Depth] = field(default_factory=dict)
    """Zero point and limit of solved frames, where a catalogue was at hand."""
    why_none: str = ""
    """Why the last run solved nothing; empty if it did, or need not."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was solved, aligned or stacked."""
        return not self.solutions and self.alignment is None and not self.stacks

    def has_other_hints(self, path: str) -> bool:
        """Whether a frame was last searched with other hints than those in force: its answer is an old one."""
        return path in self.searched_with and self.searched_with[path] != self.hints.get(path, {})

    @cached_property
    def bases(self) -> Mapping[str, str]:
        """Reference of a field → the frame through which its others find their place: itself, or the first solved."""
        found: dict[str, str] = {}
        for one in self.alignment.frames if self.alignment is not None else ():
            solved = self.solutions.get(one.path)
            if one.reference is None or one.placement is None or solved is None or solved.solution is None:
                continue
            if one.path == one.reference or one.reference not in found:
                found[one.reference] = one.path
        return found

    @cached_property
    def alone(self) -> frozenset[str]:
        """Frames on which no other one lies: nothing was aligned there, though each has a place on itself."""
        placed = [one for one in (self.alignment.frames if self.alignment is not None else ()) if one.aligned]
        held = {one.reference for one in placed if one.reference != one.path}
        return frozenset(one.path for one in placed if one.reference == one.path and one.path not in held)

    @cached_property
    def footprints(self) -> tuple[tuple[Floats, Floats], ...]:
        """Corners of the solved frames on the sky, RA and Dec, degrees; a millisecond a frame the first time."""
        corners = (footprint(frame) for frame in self.solutions.values())
        return tuple(pair for pair in corners if pair is not None)

    def base_of(self, path: str) -> str | None:
        """Return the solved frame through which an aligned one finds its place."""
        one = self.alignment.by_path.get(path) if self.alignment is not None else None
        if one is None or one.placement is None or one.reference is None:
            return None
        return self.bases.get(one.reference)

    def through(self, path: str) -> tuple[TanSip, str] | None:
        """Return the sky of a frame that is not solved but aligned to one that is, and that one's path."""
        base = self.base_of(path)
        if base is None or self.alignment is None:
            return None
        own, other, solved = self.alignment.by_path[path], self.alignment.by_path[base], self.solutions[base]
        if own.placement is None or other.placement is None or solved.solution is None or solved.shape is None:
            return None
        from pipeline_core.science.placed_sky import sky_through  # noqa: PLC0415 - scipy

        # Frames of one pointing and reference are of one camera.
        return sky_through(own.placement, other.placement, solved.solution, solved.shape), base


def night_sky(output: Path) -> NightSky:
    """Read what is known; an output that was never written to knows nothing.

    Raises
    ------
    NightError
        If its logbook is damaged or newer.
    """
    if not (output / "logbook.sqlite").is_file():
        return NightSky()
    # A window that opens wants NightSky only, not what solving and stacking stand on.
    from pipeline_core.align_night import load_alignment  # noqa: PLC0415
    from pipeline_core.depth_night import known_depths  # noqa: PLC0415
    from pipeline_core.logbook import Logbook  # noqa: PLC0415
    from pipeline_core.solve_hints import SEARCHED_WITH, solve_hints  # noqa: PLC0415
    from pipeline_core.solve_memory import solutions  # noqa: PLC0415
    from pipeline_core.solve_tasks import SOLVE  # noqa: PLC0415
    from pipeline_core.stack_night import STAGE as STACKS  # noqa: PLC0415
    from pipeline_core.store import Store  # noqa: PLC0415
    from pipeline_core.verdicts import SCIENCE_STAGE  # noqa: PLC0415

    alignment = load_alignment(output)
    with Logbook.read_only(output) as logbook, Store(output, logbook.database) as store:
        stacks = tuple(
            StackMade(
                product.label,
                store.file(product.location),
                len(product.made.get("frames", ())),
                str(product.made.get("method", "")),
                product.made.get("exposure_s"),
            )
            for product in store.products(STACKS)
            if product.location is not None and store.file(product.location).is_file()
        )
        calibrated = frozenset(p.label for p in store.products(SCIENCE_STAGE) if p.location is not None)
        searched = {p.label: p.made[SEARCHED_WITH] for p in store.products(SOLVE) if SEARCHED_WITH in p.made}
        hints, why_none = solve_hints(logbook), logbook.told_of_sky()
        return NightSky(solutions(store), alignment, stacks, calibrated, hints, searched, known_depths(store), why_none)
