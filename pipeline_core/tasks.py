"""From the plan to tasks: each master and each frame with all that decides its pixels, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core.gain_words import MEASURED
from pipeline_core.grouping import Geometry
from pipeline_core.io.output_names import calibrated_products, master_product
from pipeline_core.ready_masters import is_ready
from pipeline_core.stage import Raw, Task, digest
from pipeline_core.types import Frame, FrameKind, Night, Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.config import Recipe
    from pipeline_core.plan import MasterPlan, Plan, SciencePlan
    from pipeline_core.stage import Stage

DEFAULT_READ_NOISE_E = 10.0
"""Where neither header, profile, person nor measurement tells: typical of a CCD; only the noise model uses it."""


@dataclass(frozen=True)
class CameraFacts:
    """Gain, read noise and saturation of one geometry, from the best source there is."""

    gain_e_per_adu: float | None
    gain_source: str | None
    read_noise_e: float
    saturation_adu: float | None


@dataclass(frozen=True)
class NightTasks:
    """All tasks of a plan, by the name or path a person knows them by."""

    masters: Mapping[str, Task]
    science: Mapping[str, Task]
    quality: Mapping[str, Task]


def raw_input(night: Night, frame: Frame) -> Raw:
    """Return a raw frame as a task's input."""
    return Raw(night.file(frame), frame.path, frame.size_bytes, frame.mtime_ns)


def section_list(section: Section | None) -> list[int] | None:
    """Return a section as JSON holds it."""
    return None if section is None else [section.y0, section.y1, section.x0, section.x1]


def camera_facts(frame: Frame, recipe: Recipe, measured: Mapping[Geometry, CameraFacts]) -> CameraFacts:
    """Choose the facts of a frame's camera: recipe, then header or profile, then what flats and biases measured."""
    found = measured.get(Geometry.of(frame))
    settings = recipe.calibrate
    if settings.gain_e_per_adu is not None:
        gain, source = settings.gain_e_per_adu, "recipe"
    elif frame.gain_e_per_adu is not None:
        gain, source = frame.gain_e_per_adu, frame.gain_source or "header"
    elif found is not None and found.gain_e_per_adu is not None:
        gain, source = found.gain_e_per_adu, found.gain_source or MEASURED
    else:
        gain, source = None, None
    saturation = settings.saturation_adu or _trusted_up_to(frame)
    read_noise = settings.read_noise_e or frame.read_noise_e or (found.read_noise_e if found else None)
    return CameraFacts(gain, source, read_noise or DEFAULT_READ_NOISE_E, saturation)


def _trusted_up_to(frame: Frame) -> float | None:
    """Level from which a raw pixel says nothing: saturation, or where the profile says that the camera bends."""
    from pipeline_core.io.profiles import load_profile  # noqa: PLC0415 - reads the profiles' files

    limits = [frame.saturation_adu, load_profile(frame.profile).defaults.nonlinear_adu]
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


class TaskBuilder:
    """Builds the tasks of one plan."""

    def __init__(
        self,
        night: Night,
        plan: Plan,
        recipe: Recipe,
        measured: Mapping[Geometry, CameraFacts],
    ) -> None:
        self.night = night
        self.plan = plan
        self.recipe = recipe
        self.measured = measured
        self._masters: dict[str, Task] = {}
        self._products = calibrated_products(
            # Rejected frames too: a verdict must not rename another frame's product.
            f.path
            for f in night.frames
            if f.kind is FrameKind.SCIENCE
        )

    def build(self) -> NightTasks:
        """Return all tasks; masters first need their own masters, so they are made on demand."""
        for master in self.plan.masters:
            self.master(master.name)
        science = {s.path: self._science(s) for s in self.plan.science}
        return NightTasks(
            self._masters, science, {s.path: self._quality(s, science[s.path]) for s in self.plan.science}
        )

    def master(self, name: str) -> Task:
        """Return the task of a master, building those it stands on."""
        if name not in self._masters:
            plan = self.plan.master(name)
            assert plan is not None, f"the plan names {name} but does not hold it"
            self._masters[name] = self._master(plan)
        return self._masters[name]

    def _master(self, plan: MasterPlan) -> Task:
        from pipeline_core.stages import masters as stages  # noqa: PLC0415 - heavy, and planning does without

        if plan.is_ready:
            return self._ready(plan)
        frames = [self.night.by_path[path] for path in plan.frames]
        inputs: dict[str, Raw | Task] = {f"frame_{i:03d}": raw_input(self.night, f) for i, f in enumerate(frames)}
        needs = {"bias": plan.bias, "dark": plan.dark, "flat": plan.flat}
        inputs |= {kind: self.master(name) for kind, name in needs.items() if name is not None}
        stage = {"bias": stages.BIAS, "dark": stages.DARK, "flat": stages.FLAT, "mask": stages.MASK}[plan.kind]
        settings = self._combine_settings(plan, frames)
        return Task(stage, master_product(plan.name), settings, inputs, plan.name)

    def _ready(self, plan: MasterPlan) -> Task:
        from pipeline_core.stages.ready_master import READY  # noqa: PLC0415 - heavy

        frame = self.night.by_path[plan.frames[0]]
        assert frame.layout is not None, "the plan holds usable frames only"
        overscan, trim = self._sections(plan.geometry)
        inputs: dict[str, Raw | Task] = {"file": raw_input(self.night, frame)}
        if plan.bias is not None:
            inputs["bias"] = self.master(plan.bias)
        settings = {
            "name": plan.name,
            "kind": plan.kind,
            "file": frame.path,
            "layout": asdict(frame.layout),
            "shape": [plan.geometry.ny, plan.geometry.nx],
            "overscan": section_list(overscan),
            "overscan_order": self.recipe.overscan.order,
            "trim": section_list(trim),
            "pedestal_adu": frame.pedestal_adu,
            "gain_e_per_adu": camera_facts(self._served(plan, frame), self.recipe, self.measured).gain_e_per_adu,
            "exposure_s": plan.exposure_s,
            "temperature_c": plan.temperature_c,
            "filter": plan.filter,
        }
        return Task(READY, master_product(plan.name), settings, inputs, plan.name)

    def _served(self, plan: MasterPlan, frame: Frame) -> Frame:
        """Return a frame that a master serves: its gain holds, whatever another program wrote into the master."""
        science = (self.night.by_path[s.path] for s in self.plan.science)
        return next((f for f in science if Geometry.of(f) == plan.geometry), frame)

    def _combine_settings(self, plan: MasterPlan, frames: Sequence[Frame]) -> dict[str, Any]:
        if frames:
            facts = camera_facts(frames[0], self.recipe, self.measured)
        else:
            found = self.measured.get(plan.geometry)
            facts = found or CameraFacts(None, None, DEFAULT_READ_NOISE_E, None)
        overscan, trim = self._sections(plan.geometry)
        sections = {
            "bias": ("combine",),
            "dark": ("combine",),
            "flat": ("combine", "flat"),
            "mask": ("mask", "flat"),
        }
        return {
            "name": plan.name,
            "kind": plan.kind,
            "frames": [f.path for f in frames],
            "layouts": [asdict(f.layout) for f in frames if f.layout is not None],
            "shape": [plan.geometry.ny, plan.geometry.nx],
            "overscan": section_list(overscan),
            "trim": section_list(trim),
            "pedestal_adu": [f.pedestal_adu for f in frames],
            "gain_e_per_adu": facts.gain_e_per_adu,
            "read_noise_e": facts.read_noise_e,
            "saturation_adu": facts.saturation_adu,
            "exposure_s": plan.exposure_s,
            "temperature_c": plan.temperature_c,
            "filter": plan.filter,
            "dark_scales": list(plan.dark_scales),
            "exposures_s": [f.exposure_s for f in frames],
            "recipe": {name: getattr(self.recipe, name).model_dump() for name in sections[plan.kind]}
            | ({"overscan": {"order": self.recipe.overscan.order}} if overscan is not None else {}),
        }

    def _sections(self, geometry: Geometry) -> tuple[Section | None, Section | None]:
        overscan = self.plan.overscan.get(geometry)
        return (overscan[0] if overscan else None), self.plan.trims.get(geometry)

    def _science(self, plan: SciencePlan) -> Task:
        from pipeline_core.stages.science import CALIBRATE  # noqa: PLC0415 - heavy

        frame = self.night.by_path[plan.path]
        assert frame.layout is not None, "the plan holds usable frames only"
        facts = camera_facts(frame, self.recipe, self.measured)
        overscan, trim = self._sections(Geometry.of(frame))
        applied = {"bias": plan.bias, "dark": plan.dark, "flat": plan.flat, "mask": plan.mask}
        inputs: dict[str, Raw | Task] = {"raw": raw_input(self.night, frame)}
        inputs |= {kind: self.master(name) for kind, name in applied.items() if name is not None}
        bias = next((m for m in self.plan.masters if m.kind == "bias" and m.geometry == Geometry.of(frame)), None)
        if plan.dark is not None and bias is not None:
            inputs["bias"] = self.master(bias.name)  # not subtracted where the dark holds it: it tells the dark current
        warm = self._warm(plan)
        if warm is not None:
            inputs["warm"] = self.master(warm.name)
        settings = {
            "layout": asdict(frame.layout),
            "overscan": section_list(overscan),
            "overscan_order": self.recipe.overscan.order,
            "trim": section_list(trim),
            "pedestal_adu": frame.pedestal_adu,
            "gain_e_per_adu": facts.gain_e_per_adu,
            "gain_source": facts.gain_source,
            "read_noise_e": facts.read_noise_e,
            "saturation_adu": facts.saturation_adu,
            "grow_bleeding": self.recipe.mask.grow_bleeding,
            "dark_scale": plan.dark_scale,
            "warm_scale": (frame.exposure_s or 0.0) / warm.exposure_s if warm and warm.exposure_s else 1.0,
            "flat_floor": self.recipe.flat.floor,
            "uncertainty": self.recipe.calibrate.uncertainty,
            "compress": self.recipe.calibrate.compress,
            "cosmic": self._cosmic(),
            "equation": plan.equation,
            "masters": {kind: [name, self.master(name).key] for kind, name in applied.items() if name is not None},
            "frame": {
                "path": frame.path,
                "filter": frame.filter,
                "exposure_s": frame.exposure_s,
                "mid_utc": frame.mid_utc.isoformat() if frame.mid_utc else None,
                **({"exposure_is_usual": True} if frame.exposure_is_usual else {}),
            }
            | _decided_cards(frame),
            "recipe_key": recipe_key(self.recipe),
            # Only where there is one: frames of earlier runs stay as made.
            **({"unwanted": list(plan.unwanted)} if plan.unwanted else {}),
        }
        return Task(CALIBRATE, self._products[plan.path], settings, inputs, plan.path)

    def _warm(self, plan: SciencePlan) -> MasterPlan | None:
        """Return the dark that tells hot pixels from cosmic rays where none is subtracted: the longest one."""
        geometry = Geometry.of(self.night.by_path[plan.path])
        darks = [m for m in self.plan.masters if m.kind == "dark" and m.geometry == geometry and m.exposure_s]
        return None if plan.dark is not None or not darks else max(darks, key=lambda m: m.exposure_s or 0.0)

    def _cosmic(self) -> dict[str, Any] | None:
        if not self.recipe.cosmic.enabled:
            return None
        return self.recipe.cosmic.model_dump(exclude={"enabled"})

    def _quality(self, plan: SciencePlan, calibrated: Task) -> Task:
        from pipeline_core.stages.quality import MEASURE_SCIENCE  # noqa: PLC0415 - heavy

        frame = self.night.by_path[plan.path]
        facts = camera_facts(frame, self.recipe, self.measured)
        inputs: dict[str, Raw | Task] = {"calibrated": calibrated}
        if plan.bias_in_dark and "bias" in calibrated.inputs:
            inputs |= {kind: calibrated.inputs[kind] for kind in ("bias", "dark")}
        gain = facts.gain_e_per_adu
        settings = {
            "gain_e_per_adu": gain or 1.0,
            "raw_gain_e_per_adu": gain or 1.0,
            "read_noise_e": facts.read_noise_e,
            "saturation": facts.saturation_adu * (gain or 1.0) if facts.saturation_adu else None,
            "pixel_scale_arcsec": frame.pixel_scale_arcsec,
            "max_stars": self.recipe.quality.max_stars,
            "cosmic": self.recipe.cosmic.enabled,
        }
        return Task(MEASURE_SCIENCE, None, settings, inputs, plan.path)


def _decided_cards(frame: Frame) -> dict[str, Any]:
    """Return which cards of the raw header a person's word replaces; nothing, where there is none."""
    decided = [name for name in ("exposure_s", "mid_utc", "temperature_c") if name in frame.decided]
    facts = {"decided": decided, "temperature_c": frame.temperature_c} if decided else {}
    return facts | ({"mid_follows_exposure": True} if frame.mid_follows_exposure else {})


def calibration_quality_tasks(
    night: Night, plan: Plan, recipe: Recipe, measured: Mapping[Geometry, CameraFacts]
) -> dict[str, Task]:
    """Return a measuring task for each calibration frame that could serve."""
    from pipeline_core.stages.quality import MEASURE_CALIBRATION  # noqa: PLC0415 - heavy

    kinds = {
        FrameKind.BIAS: "bias",
        FrameKind.DARK: "dark",
        FrameKind.FLATDARK: "dark",
        FrameKind.FLAT: "flat",
    }
    left_out = {item.path for item in plan.left_out}
    stars = _StarTasks(night, plan, recipe)
    tasks: dict[str, Task] = {}
    for frame in night.frames:
        if frame.kind not in kinds or frame.layout is None or frame.path in left_out or is_ready(frame):
            continue
        facts = camera_facts(frame, recipe, measured)
        geometry = Geometry.of(frame)
        overscan = plan.overscan.get(geometry)
        settings = {
            "kind": kinds[frame.kind],
            "layout": asdict(frame.layout),
            "overscan": section_list(overscan[0] if overscan else None),
            "overscan_order": recipe.overscan.order,
            "trim": section_list(plan.trims.get(geometry)),
            "gain_e_per_adu": facts.gain_e_per_adu,
            "read_noise_e": facts.read_noise_e,
            "saturation_adu": facts.saturation_adu,
        }
        inputs: dict[str, Raw | Task] = {"raw": raw_input(night, frame)}
        if settings["kind"] == "dark":
            inputs |= stars.inputs_of(frame)
        tasks[frame.path] = Task(MEASURE_CALIBRATION, None, settings, inputs, frame.path)
    return tasks


def without_stars(check: Task) -> Task:
    """Return the measuring of a calibration frame that looks for no science frame's stars."""
    return Task(check.stage, None, check.settings, {"raw": check.inputs["raw"]}, check.label)


class _StarTasks:
    """Science frames whose stars are looked for in a dark: the nearest in time, and one from the night's middle.

    Two, as either may be clouded. What leaks into a dark, or was left on the chip, comes from the field it follows.
    """

    def __init__(self, night: Night, plan: Plan, recipe: Recipe) -> None:
        self._night, self._plan, self._recipe = night, plan, recipe
        self._frames: dict[Geometry, list[Frame]] = {}
        for science in plan.science:
            frame = night.by_path[science.path]
            self._frames.setdefault(Geometry.of(frame), []).append(frame)

    def inputs_of(self, dark: Frame) -> dict[str, Task]:
        from pipeline_core.stages.quality import FIND_STARS, STARS  # noqa: PLC0415 - heavy

        frames = self._frames.get(Geometry.of(dark), [])
        chosen = frames[len(frames) // 2 :][:1]
        timed = [frame for frame in frames if frame.mid_utc is not None]
        if dark.mid_utc is not None and timed:
            when = dark.mid_utc
            chosen.append(min(timed, key=lambda frame: abs((frame.mid_utc or when) - when)))
        return {
            f"{STARS}{number}": _quick_task(FIND_STARS, self._night, self._plan, self._recipe, frame)
            for number, frame in enumerate(dict.fromkeys(chosen))
        }


def quick_tasks(night: Night, plan: Plan, recipe: Recipe) -> dict[str, Task]:
    """Return a quick-look task for each science frame."""
    from pipeline_core.stages.quality import MEASURE_QUICK  # noqa: PLC0415 - heavy

    frames = (night.by_path[science.path] for science in plan.science)
    return {frame.path: _quick_task(MEASURE_QUICK, night, plan, recipe, frame) for frame in frames}


def _quick_task(stage: Stage, night: Night, plan: Plan, recipe: Recipe, frame: Frame) -> Task:
    assert frame.layout is not None, "the plan holds usable frames only"
    facts = camera_facts(frame, recipe, {})
    settings = {
        "layout": asdict(frame.layout),
        "trim": section_list(plan.trims.get(Geometry.of(frame))),
        "gain_e_per_adu": facts.gain_e_per_adu,
        "read_noise_e": facts.read_noise_e,
        "saturation_adu": facts.saturation_adu,
        "pixel_scale_arcsec": frame.pixel_scale_arcsec,
    }
    return Task(stage, None, settings, {"raw": raw_input(night, frame)}, frame.path)


def recipe_key(recipe: Recipe) -> str:
    """Return a key of what the recipe decides about a science frame; its masters have keys of their own."""
    return digest(recipe.model_dump(include={"overscan", "calibrate", "cosmic"}))
