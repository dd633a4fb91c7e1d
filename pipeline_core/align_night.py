"""The alignment of a night: each pointing's frames on one reference, kept as numbers in the store."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.errors import UsageError
from pipeline_core.grouping import Geometry, by_pointing, grouped
from pipeline_core.logbook import Logbook
from pipeline_core.opened_night import opened_night
from pipeline_core.plan import Choices, build_plan
from pipeline_core.science.placement import Placement
from pipeline_core.stage import Task
from pipeline_core.store import Store
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from pipeline_core.config import Recipe
    from pipeline_core.events import RunContext
    from pipeline_core.session import Place
    from pipeline_core.stage import Made
    from pipeline_core.store_lines import Product
    from pipeline_core.types import Frame, Night, Section

JOB = STAGE = "alignment"
"""Name of the stage, and of the job in progress events."""


@dataclass(frozen=True, slots=True)
class FrameAlignment:
    """One frame on the reference of its field, or why it has no place there."""

    path: str
    pointing: str
    """What the pointing is called: its object, numbered where two share it."""
    reference: str | None
    """Path of the frame it is placed on; of its pointing's first field where it is not placed."""
    placement: Placement | None = None
    """Where the reference's pixels lie in this frame."""
    flux_ratio: float | None = None
    """Light of its stars over that of the same stars in the reference."""
    reason: str | None = None
    """Why it is not aligned, in words."""
    on_chip: int | None = None
    """Sources that keep their pixels while the field moves: hot pixels. None where nothing can tell."""
    verdict: str = ""
    """That it is rejected, and why; such a frame is placed where its stars are known, but never counted."""

    @property
    def aligned(self) -> bool:
        """Whether it has a place."""
        return self.placement is not None

    @property
    def rejected(self) -> bool:
        """Whether a person or a rule rejected it."""
        return bool(self.verdict)


@dataclass(frozen=True)
class NightAlignment:
    """All science frames of a night, each with its place or the reason why it has none."""

    frames: tuple[FrameAlignment, ...]
    by_path: Mapping[str, FrameAlignment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_path", {frame.path: frame for frame in self.frames})

    @property
    def references(self) -> tuple[str, ...]:
        """The reference frames, the one with most frames first."""
        count: dict[str, int] = {}
        for frame in self.frames:
            if frame.aligned and frame.reference is not None:
                count[frame.reference] = count.get(frame.reference, 0) + 1
        return tuple(sorted(count, key=lambda path: (-count[path], path)))

    @property
    def counted(self) -> tuple[FrameAlignment, ...]:
        """The accepted frames: wherever it is told how many are aligned, it is told of these."""
        return tuple(frame for frame in self.frames if not frame.rejected)

    def between(self, from_: str, to: str) -> tuple[Placement, Placement] | None:
        """Return the placements of two frames of one field: ``to.moved(*from_.returned(x, y))`` leads across.

        None where one is not aligned, or they look at different fields.
        """
        first, second = self.by_path.get(from_), self.by_path.get(to)
        if first is None or second is None or first.placement is None or second.placement is None:
            return None
        return (first.placement, second.placement) if first.reference == second.reference else None


def align_night(place: Place, recipe: Recipe, context: RunContext, *, force: bool = False) -> NightAlignment:
    """Align the frames of a reduced night; what is up to date is not computed again.

    Parameters
    ----------
    place : Place
        With an output that was reduced: the stars are those that were measured then.
    recipe : Recipe
    context : RunContext
        Hears the progress; its cancel stops between two pointings, and what was finished stays.
    force : bool
        Compute everything anew.

    Returns
    -------
    NightAlignment

    Raises
    ------
    UsageError
        If no frame of the output was measured.
    NightError
        If another run is writing into the output.
    """
    # They stand on this module: the table counts shifts from the chosen reference.
    from pipeline_core.depth_night import known_depths  # noqa: PLC0415
    from pipeline_core.renewed_quality import renew_table  # noqa: PLC0415

    with opened_night(place, context) as opened:
        night = opened.night
        if not opened.measured():
            raise UsageError(
                f"nothing to align in {place.output}", "no frame's stars were measured", "run `astep reduce` first"
            )
        plan = build_plan(night, recipe, Choices())
        aligned = align_frames(
            night,
            plan.trims,
            opened.store,
            opened.logbook,
            recipe,
            context,
            force=force,
        )
        judged = renew_table(opened.store, opened.logbook, night, recipe, known_depths(opened.store))
        for words in judged.warnings if judged.anew else ():  # a rule may name other frames now
            context.say(JOB, words, level="warning")
        return aligned


def align_frames(
    night: Night,
    trims: Mapping[Geometry, Section],
    store: Store,
    logbook: Logbook,
    recipe: Recipe,
    context: RunContext,
    *,
    force: bool = False,
) -> NightAlignment:
    """Align all frames that :func:`to_place` names, and keep the result in the store.

    Parameters
    ----------
    night : Night
        With decisions applied.
    trims : mapping
        Of the plan.
    store, logbook
        Open, of the same output.
    recipe, context, force
        As in :func:`align_night`.
    """
    measured, rejected = to_place(night, store), logbook.rejected()
    tasks = _tasks(night, trims, measured, rejected, logbook.references(), recipe)
    _say_rejected_references(store, rejected, logbook.references(), context)
    known = {product.label for product in store.products(STAGE)}
    made: dict[str, Made] = {}
    for task in context.track(JOB, tasks):
        found = None if force else store.fresh(task)
        if found is None:
            stars = {path: measured[path].made for path in task.settings["frames"]}
            begun = time.perf_counter()
            found = task.stage.make({**task.settings, "measured": stars}, {}, Path(os.devnull), 1)
            store.finish(task, None, None, found, time.perf_counter() - begun)
        made[task.label] = found
    for label in known - set(made):  # a pointing that is no more: its frames were set to another kind, say
        store.drop_measurement(STAGE, label)
    paths = [frame.path for frame in _science(night)]
    unmeasured = dict.fromkeys(paths, "its stars were not measured: `astep reduce` says why")
    unmeasured |= {path: rejected_words(why) for path, why in rejected.items()}
    return _gathered(made, paths, unmeasured, rejected)


def rejected_words(why: str) -> str:
    """Say that a frame is rejected, and why where somebody said so."""
    return f"rejected: {why}" if why else "rejected"


def load_alignment(output: Path) -> NightAlignment | None:
    """Return what the last alignment of an output came to; None where there is none. Changes nothing."""
    with Logbook.read_only(output) as logbook, Store(output, logbook.database) as store:
        return last_alignment(store, logbook.rejected())


def last_alignment(store: Store, rejected: Mapping[str, str]) -> NightAlignment | None:
    """Return what the last alignment of an open output came to; None where there is none."""
    made = {product.label: product.made for product in store.products(STAGE)}
    return _gathered(made, sorted(_looked_at(made.values())), {}, rejected) if made else None


def to_place(night: Night, store: Store) -> dict[str, Product]:
    """Return the frames that an alignment looks at, by path: all that were measured, rejected ones as well.

    Parameters
    ----------
    night : Night
        With decisions applied.
    store : Store
    """
    measured = {product.label: product for product in store.products("quality")}
    return {f.path: measured[f.path] for f in _science(night) if f.path in measured and f.shape is not None}


def unplaced(night: Night, store: Store) -> set[str]:
    """Return the frames of :func:`to_place` that no alignment has looked at yet; it may have found no place for one."""
    return to_place(night, store).keys() - _looked_at(product.made for product in store.products(STAGE))


def rejected_references(store: Store, rejected: Container[str], chosen: Iterable[str]) -> list[str]:
    """Return the rejected frames on which an alignment stands, or that a person chose for that."""
    return [path for path in dict.fromkeys((*standing_references(store), *sorted(chosen))) if path in rejected]


def standing_references(store: Store) -> list[str]:
    """Return the frames on which alignments stand, rejected since or not."""
    return [field["reference"] for product in store.products(STAGE) for field in product.made["fields"]]


def realigned(
    night: Night, trims: Mapping[Geometry, Section], store: Store, logbook: Logbook, recipe: Recipe
) -> dict[str, str]:
    """Return the pointings that an update would place on another reference: name → why.

    Parameters
    ----------
    night : Night
        With decisions applied.
    trims, store, logbook, recipe
        As in :func:`align_frames`; nothing is changed.
    """
    measured, rejected, chosen = to_place(night, store), logbook.rejected(), logbook.references()
    made = {product.label: product.made for product in store.products(STAGE)}
    if not made or measured.keys() <= rejected.keys():
        return {}
    found = {}
    for task in _tasks(night, trims, measured, rejected, chosen, recipe):
        if task.label not in made or store.fresh(task) is not None:
            continue
        standing = [field["reference"] for field in made[task.label]["fields"]]
        wanted = task.settings["reference"]
        if any(path in rejected for path in standing):
            found[task.label] = REFERENCE_REJECTED
        elif wanted in _placed(made[task.label]) and wanted not in standing:
            found[task.label] = "the reference changed"
        elif any(store.fresh(_with_reference(task, path)) is not None for path in (None, *standing)):
            found[task.label] = "the reference changed"  # one that has no place yet, or quality chooses again
    return found


def _with_reference(task: Task, path: str | None) -> Task:
    return replace(task, settings={**task.settings, "reference": path})


def _say_rejected_references(
    store: Store, rejected: Container[str], chosen: Iterable[str], context: RunContext
) -> None:
    for path in rejected_references(store, rejected, chosen):
        context.say(JOB, "the reference is rejected: quality chooses another", path=path)


def _looked_at(made: Iterable[Made]) -> set[str]:
    return {path for one in made for path in (*_placed(one), *one["unaligned"])}


def _stage() -> Any:
    from pipeline_core.stages.align import ALIGN  # noqa: PLC0415 - scipy and numba, which looking does without

    return ALIGN


def _science(night: Night) -> list[Frame]:
    return [frame for frame in night.frames if frame.kind is FrameKind.SCIENCE and frame.unusable is None]


def _tasks(
    night: Night,
    trims: Mapping[Geometry, Section],
    measured: Mapping[str, Product],
    rejected: Container[str],
    chosen: Container[str],
    recipe: Recipe,
) -> list[Task]:
    science = [night.by_path[path] for path in measured]
    geometries = grouped(science, Geometry.of)
    tasks = []
    for geometry, alike in geometries.items():
        trim = trims.get(geometry)
        shape = trim.shape if trim is not None else (geometry.ny, geometry.nx)
        for pointing, frames in by_pointing(alike).items():
            in_time = sorted(frames, key=lambda f: (f.mid_utc is None, f.mid_utc, f.path))
            paths = [frame.path for frame in in_time]
            settings = {
                "frames": paths,
                "measured": {path: measured[path].key for path in paths},
                "shape": list(shape),
                "rejected": [path for path in paths if path in rejected],
                # A person's choice that was rejected since waits for its acceptance: quality chooses meanwhile.
                "reference": next((path for path in paths if path in chosen and path not in rejected), None),
                "max_order": recipe.align.max_order,
            }
            label = pointing if len(geometries) == 1 else f"{pointing} · {geometry}"
            tasks.append(Task(_stage(), None, settings, {}, label))
    return tasks


def _placed(made: Made) -> dict[str, str]:
    """Path → reference of its field."""
    return {path: field["reference"] for field in made["fields"] for path in field["frames"]}


def _gathered(
    made: Mapping[str, Made], paths: Sequence[str], unmeasured: Mapping[str, str], rejected: Mapping[str, str]
) -> NightAlignment:
    found: dict[str, FrameAlignment] = {}
    for pointing, one in made.items():
        for part in one["fields"]:
            for path, values in part["frames"].items():
                placement = Placement.from_dict(values["placement"])
                found[path] = FrameAlignment(
                    path, pointing, part["reference"], placement, values["flux_ratio"], on_chip=values.get("on_chip")
                )
        main = one["fields"][0]["reference"] if one["fields"] else None
        for path, why in one["unaligned"].items():
            found[path] = FrameAlignment(path, pointing, main, reason=why)
    frames = [found.get(path) or FrameAlignment(path, "", None, reason=unmeasured.get(path)) for path in paths]
    verdicts = {path: rejected_words(why) for path, why in rejected.items()}
    return NightAlignment(tuple(replace(one, verdict=verdicts.get(one.path, "")) for one in frames))
