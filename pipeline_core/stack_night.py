"""The stacks of a night: each group's accepted frames together, made anew when a verdict or an alignment changes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from pipeline_core.align_night import align_frames
from pipeline_core.errors import UsageError
from pipeline_core.executor import ThreadWorkers, usable_cores
from pipeline_core.grouping import Geometry
from pipeline_core.opened_night import calibrated_task, opened_night
from pipeline_core.plan import Choices, build_plan
from pipeline_core.runner import run
from pipeline_core.stage import MadeBefore, Raw, Task, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline_core.align_night import NightAlignment
    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.store import Store
    from pipeline_core.store_lines import Product
    from pipeline_core.types import Night

JOB = STAGE = "stacks"
"""Name of the stage, and of the job in progress events."""
_SCIENCE = "science frames"

_ON_CHIP = " (chip)"
"""Ending of the label of a stack of frames as they lie on the chip."""

Fixed = Literal["sky", "chip"]


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What is stacked, and how."""

    groups: tuple[str, ...] = ()
    """Globs or parts of groups' names; empty: all groups."""
    method: Literal["mean", "median"] | None = None
    """None: as the recipe says."""
    fixed: Fixed = "sky"
    """"chip": frames as they lie on the chip, so that hot pixels stand out and stars drift away; by the median."""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack, or why there is none."""

    group: str
    file: Path | None
    """None where it was not made."""
    frames: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    """Frames of the group that are not in it, and why."""
    reference: str | None = None
    method: str = "mean"
    exposure_s: float | None = None
    """Of all frames together."""
    mid_utc: str | None = None
    cached: bool = False
    """Up to date already."""
    failed: bool = False
    """Whether making it was tried, in vain; a group without a frame to stack is no failure."""
    reason: str | None = None
    """Why it was not made, in words."""


@dataclass(frozen=True, slots=True)
class NightStacks:
    """The stacks of a night."""

    stacks: tuple[Stack, ...]
    """One a group, in the order of the plan."""
    removed: tuple[Path, ...] = ()
    """Old stacks whose group is no more, or has no frame left to stack."""
    warnings: tuple[str, ...] = ()
    """What a person should know: frames whose files someone changed."""


def stack_night(place: Place, recipe: Recipe, options: StackOptions, context: RunContext) -> NightStacks:
    """Align and stack the accepted frames of a reduced night.

    Parameters
    ----------
    place : Place
        With an output that was reduced.
    recipe : Recipe
    options : StackOptions
    context : RunContext
        Hears the progress; its cancel stops within a second or two, finished stacks stay.

    Returns
    -------
    NightStacks

    Raises
    ------
    UsageError
        If nothing was reduced, or no group has the asked name.
    NightError
        If another run is writing into the output.
    """
    with opened_night(place, context) as opened:
        night, logbook, store = opened.night, opened.logbook, opened.store
        plan = build_plan(night, recipe, Choices())  # rejected frames keep their group, to be named as left out
        calibrated = {p.label: p for p in store.products(_SCIENCE) if p.location is not None}
        measured = opened.measured()
        if not calibrated or not measured:
            raise UsageError(f"nothing to stack in {place.output}", "no frame is reduced", "run `astep reduce` first")
        groups = _chosen(plan.groups, options.groups)
        rejected = logbook.rejected()
        changed = _changed(
            store, [calibrated[p] for g in groups.values() for p in g if p in calibrated.keys() - rejected]
        )
        warnings = tuple(_words(path) for path in changed)
        for words in warnings:
            context.say(JOB, words, level="warning")
        aligned = align_frames(
            night,
            plan.trims,
            store,
            logbook,
            recipe,
            context,
        )
        builder = _Builder(
            place.output, night, recipe, options, calibrated, measured, aligned, rejected, file_names(plan.groups),
            changed,
        )  # fmt: skip
        planned = [builder.build(group, paths, _shape(night, plan.trims, paths)) for group, paths in groups.items()]
        tasks = [task for _, task in planned if task is not None]
        with ThreadWorkers(1, usable_cores()) as pool:
            report = run(tasks, store, pool, context, force=options.force, inline_wide=True)
        made = report.made.get(STAGE, {})
        failed = {failure.label: failure.reason for failure in (*report.failed, *report.skipped)}
        cached = {task.label for task in report.cached}
        stacks = tuple(
            _finished(stack, place.output, task, made, failed, cached) if task is not None else stack
            for stack, task in planned
        )
        kept = {task.product for task in tasks}
        removed = _remove_old(store, kept, _gone(store, plan.groups, set(groups), options.fixed), context)
        return NightStacks(stacks, removed, warnings)


def _changed(store: Store, products: Sequence[Product]) -> frozenset[str]:
    """Return the frames whose calibrated file is not as it was made, or as this program wrote into it since."""
    tasks = [calibrated_task(product) for product in products]
    return frozenset(task.label for task in tasks if store.altered(task))


def _words(path: str) -> str:
    return (
        f"{path}: its calibrated file was changed by someone since it was made, and is stacked as it is now; "
        "`astep reduce` makes it again"
    )


def _gone(store: Store, groups: Mapping[str, Any], looked_at: set[str], fixed: Fixed) -> list[Product]:
    """Return the stacks of groups that the night has no more, and those kinds of stack that were planned anew."""

    def is_gone(product: Product) -> bool:
        group = product.label.removesuffix(_ON_CHIP)
        return group not in groups or (group in looked_at and product.label.endswith(_ON_CHIP) == (fixed == "chip"))

    return [product for product in store.products(STAGE) if is_gone(product)]


def _remove_old(
    store: Store, kept: set[str | None], candidates: Sequence[Product], context: RunContext
) -> tuple[Path, ...]:
    """Take away old stacks that no group stands for: whoever finds one would take it for the night's."""
    removed = []
    for product in candidates:
        if product.name in kept or product.location is None:
            continue
        if store.remove(product.name):
            removed.append(store.file(product.location))
        else:
            words = f"{product.location} is the stack of a group that is no more; it was changed by hand and stays"
            context.say(JOB, words, level="warning")
    return tuple(removed)


def _finished(
    stack: Stack,
    output: Path,
    task: Task,
    made: Mapping[str, Mapping[str, Any]],
    failed: Mapping[str, str],
    cached: set[str],
) -> Stack:
    if task.label in failed or task.product is None:
        return Stack(stack.group, None, left_out=stack.left_out, failed=True, reason=failed.get(task.label))
    one = made[task.label]
    thick = tuple((path, "too little light came through to add anything") for path in one["left_out"])
    return Stack(
        stack.group, output / task.product, tuple(one["frames"]), (*stack.left_out, *thick), one["reference"],
        one["method"], one["exposure_s"], one["mid_utc"], task.label in cached,
    )  # fmt: skip


def _chosen(groups: Mapping[str, tuple[str, ...]], patterns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if not patterns:
        return dict(groups)
    chosen: dict[str, tuple[str, ...]] = {}
    for pattern in patterns:
        low = pattern.lower()
        found = {name: paths for name, paths in groups.items() if low in name.lower() or fnmatchcase(name.lower(), low)}
        if not found:
            raise UsageError(f"no group is called {pattern!r}", "there are: " + ", ".join(groups), "quote the name")
        chosen |= found
    return {name: paths for name, paths in groups.items() if name in chosen}


def _shape(night: Night, trims: Mapping[Geometry, Any], paths: Sequence[str]) -> tuple[int, int]:
    geometry = Geometry.of(night.by_path[paths[0]])
    trim = trims.get(geometry)
    return trim.shape if trim is not None else (geometry.ny, geometry.nx)


def _wcs_key(file: Path) -> str | None:
    """Return a key of a calibrated file's projection; None where the file is gone, which making the stack will say."""
    from pipeline_core.io.calibrated_file import is_wcs_card  # noqa: PLC0415 - astropy, which planning does without
    from pipeline_core.io.calibrated_rows import CalibratedRows  # noqa: PLC0415

    if not file.is_file():
        return None
    with CalibratedRows(file) as rows:
        return digest([(c.keyword, c.value) for c in rows.header.cards if is_wcs_card(c.keyword)])


@dataclass(frozen=True)
class _Builder:
    """Builds the tasks of all groups."""

    output: Path
    night: Night
    recipe: Recipe
    options: StackOptions
    calibrated: Mapping[str, Product]
    measured: Mapping[str, Product]
    aligned: NightAlignment
    rejected: Mapping[str, str]
    names: Mapping[str, str]
    """Of the groups' files."""
    changed: frozenset[str]
    """Frames whose calibrated file someone changed."""

    def build(self, group: str, paths: Sequence[str], shape: tuple[int, int]) -> tuple[Stack, Task | None]:
        """Return what can be said of a group's stack before it is made, and the task that makes it."""
        reasons = {path: self._why_not(path) for path in paths}
        usable = [path for path in paths if reasons[path] is None]
        reference = self._reference(usable)
        if self.options.fixed == "sky":
            other = "it lies on another reference than most frames of its group"
            reasons |= {path: other for path in usable if self.aligned.by_path[path].reference != reference}
            usable = [path for path in usable if reasons[path] is None]
        left_out = tuple((path, why) for path, why in reasons.items() if why is not None)
        if not usable:
            return Stack(group, None, left_out=left_out, reason="no frame of this group can be stacked"), None
        inputs: dict[str, Raw | Task] = {f"frame_{k:04d}": self._input(path) for k, path in enumerate(usable)}
        solved = reference if reference is not None and reference in self.calibrated else None
        if solved is not None:
            inputs["reference"] = self._input(solved)
        on_chip = self.options.fixed == "chip"
        settings = {
            "group": group,
            "method": "median" if on_chip else self.options.method or self.recipe.stack.method,
            "sigma": self.recipe.stack.sigma,
            "background": "none" if on_chip else self.recipe.stack.background,
            "fixed": self.options.fixed,
            "shape": list(shape),
            "reference": reference,
            # A reference that is solved later gives the stack its place on the sky.
            "wcs": _wcs_key(self._input(solved).path) if solved is not None else None,
            "frames": [self._frame(f"frame_{k:04d}", path) for k, path in enumerate(usable)],
        }
        from pipeline_core.stages.stack import STACK  # noqa: PLC0415 - heavy

        product = f"stacks/{self.names[group]}{'_chip' if on_chip else ''}.fits"
        label = f"{group}{_ON_CHIP}" if on_chip else group
        return Stack(group, None, left_out=left_out, reference=reference), Task(STACK, product, settings, inputs, label)

    def _why_not(self, path: str) -> str | None:
        if path in self.rejected:
            return f"rejected: {self.rejected[path]}" if self.rejected[path] else "rejected"
        if path not in self.calibrated or path not in self.measured:
            return "not reduced"
        one = self.aligned.by_path.get(path)
        if self.options.fixed == "sky" and (one is None or not one.aligned):
            return f"not aligned: {one.reason if one is not None else 'unknown'}"
        return None

    def _reference(self, usable: Sequence[str]) -> str | None:
        """Return the reference that most frames of a group lie on; None on the chip."""
        if self.options.fixed == "chip":
            return None
        count: dict[str, int] = {}
        for path in usable:
            name = self.aligned.by_path[path].reference
            if name is not None:
                count[name] = count.get(name, 0) + 1
        return max(count, key=lambda name: count[name]) if count else None

    def _input(self, path: str) -> MadeBefore:
        product = self.calibrated[path]
        assert product.location is not None, "products without a file are passed over"
        file = self.output / product.location
        stat = file.stat() if file.is_file() else None
        size, mtime = (stat.st_size, stat.st_mtime_ns) if stat is not None else (0, 0)
        # What someone wrote is known by nothing but its size and time.
        key = digest(product.key, size, mtime) if path in self.changed else product.key
        return MadeBefore(file, product.name, size, mtime, key)

    def _frame(self, name: str, path: str) -> dict[str, Any]:
        frame, one = self.night.by_path[path], self.aligned.by_path.get(path)
        measures = self.measured[path].made["measures"]
        placement = one.placement if one is not None and self.options.fixed == "sky" else None
        return {
            "input": name,
            "path": path,
            "placement": placement.as_dict() if placement is not None else None,
            "flux_ratio": one.flux_ratio if one is not None else None,
            "sky": measures["background"],
            "noise": measures["noise"],
            "exposure_s": frame.exposure_s,
            "mid_utc": frame.mid_utc.isoformat() if frame.mid_utc is not None else None,
        }


def file_names(groups: Iterable[str]) -> dict[str, str]:
    """Return a file name for each group, of which no two are alike on any file system.

    A group's words come from headers: only what is harmless in a name is kept, and of "M 31" and "M_31" the same is
    left.
    """
    plain = {}
    for group in groups:
        words = [re.sub(r"[^A-Za-z0-9+.-]+", "_", word).strip("_.")[:40] for word in group.split(" · ")]
        plain[group] = "_".join(word for word in words if word) or "group"
    count = Counter(name.lower() for name in plain.values())
    # "_chip" is what the stacks of the chip end with.
    return {
        group: f"{name}_{digest(group)[:6]}" if count[name.lower()] > 1 or name.lower().endswith("_chip") else name
        for group, name in plain.items()
    }
