"""Planning the frames of one size and binning: masters bottom up, then what each science frame takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_core.dark_choice import CHOSEN, DarkUse, choose_dark, chosen_dark
from pipeline_core.flat_calibration import FlatUse, calibration_of_flats, unheard_by_ready
from pipeline_core.grouping import (
    Geometry,
    by_exposure,
    by_pointing,
    by_temperature,
    grouped,
    mean_exposure,
    mean_temperature,
    same_exposure,
)
from pipeline_core.plan_types import Choices, LeftOut, MasterPlan, SciencePlan
from pipeline_core.ready_masters import ready_plan, stand_in
from pipeline_core.types import Frame, FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.config import Recipe


class GeometryPlanner:
    """Plans the frames of one geometry; collects masters, science plans, left-out frames and warnings."""

    def __init__(
        self,
        frames: list[Frame],
        geometry: Geometry,
        suffix: str,
        recipe: Recipe,
        choices: Choices,
        *,
        has_overscan: bool,
    ) -> None:
        self.frames = frames
        self.geometry = geometry
        self.suffix = suffix
        self.recipe = recipe
        self.choices = choices
        self.has_overscan = has_overscan
        self.masters: list[MasterPlan] = []
        self.science: dict[str, SciencePlan] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.left_out: list[LeftOut] = []
        self.warnings: list[str] = []
        self._bias: MasterPlan | None = None
        self._darks: list[MasterPlan] = []
        self._flats: dict[str | None, MasterPlan] = {}
        self._masks: dict[tuple[str | None, str | None], str] = {}

    def plan(self, *, make_all: bool) -> None:
        """Plan masters bottom up, then science, then drop what nothing uses (unless all are wanted)."""
        self._bias = self._plan_bias()
        self._darks = self._plan_darks()
        self._flats = self._plan_flats()
        self._plan_science()
        candidates = [m for m in (self._bias, *self._darks, *self._flats.values()) if m is not None]
        used = {m.name for m in candidates} if make_all else self._used(candidates)
        self._plan_masks()
        self.masters = [m for m in candidates if m.name in used] + self.masters
        for master in candidates:
            if master.name not in used:
                reason = f"{master.name} is not needed: {self._not_needed(master)}"
                self.left_out += [LeftOut(path, reason) for path in master.frames]

    def _not_needed(self, master: MasterPlan) -> str:
        """Say why no frame takes a master."""
        if master.kind == "flat":
            return f"no science frame takes a flat of filter {master.filter or '(none)'}"
        takers = [FrameKind.FLAT] if master.is_flatdark else [FrameKind.SCIENCE, FrameKind.FLAT]
        exposures = sorted({f.exposure_s for f in self._of_kind(*takers) if f.exposure_s is not None})
        if any(
            master.exposure_s is not None and same_exposure(master.exposure_s, e, self.recipe.dark) for e in exposures
        ):
            return "another dark serves its frames"
        who = "flat" if master.is_flatdark else "science frame or flat"
        have = ", ".join(dict.fromkeys(f"{e:.4g} s" for e in exposures)) or "there is none"
        return f"no {who} takes a dark of {master.exposure_s:.4g} s (exposures: {have})"

    def _of_kind(self, *kinds: FrameKind) -> list[Frame]:
        return [f for f in self.frames if f.kind in kinds]

    def _plan_bias(self) -> MasterPlan | None:
        frames = self._of_kind(FrameKind.BIAS)
        if not frames:
            return None
        if (ready := self._ready_among(frames)) is not None:
            return ready_plan(ready, f"bias{self.suffix}", "bias", self.geometry, exposure_s=0.0)
        return MasterPlan(
            f"bias{self.suffix}",
            "bias",
            _paths(frames),
            self.geometry,
            exposure_s=0.0,
            temperature_c=mean_temperature(frames),
            holds_bias=True,
            equation=f"combine {len(frames)} biases{_less_pedestal(frames)}",
            warnings=_few(frames, "bias"),
        )

    def _ready_among(self, frames: list[Frame]) -> Frame | None:
        """Return the existing master of a group, if there is one; the others of the group are left out with words."""
        ready, others = stand_in(frames)
        self.left_out += others
        return ready

    def _plan_darks(self) -> list[MasterPlan]:
        masters: list[MasterPlan] = []
        for kind in (FrameKind.DARK, FrameKind.FLATDARK):
            for exposures in by_exposure(self._of_kind(kind), self.recipe.dark):
                if exposures[0].exposure_s is None:
                    self.left_out += [
                        LeftOut(f.path, "its exposure is unknown: set it, and it serves as a dark") for f in exposures
                    ]
                    continue
                for frames in by_temperature(exposures, self.recipe.dark.temperature_tolerance_c):
                    masters.append(self._one_dark(kind, frames, {m.name for m in masters}))
        return masters

    def _one_dark(self, kind: FrameKind, frames: list[Frame], taken: set[str]) -> MasterPlan:
        exposure_s, temperature_c = mean_exposure(frames), mean_temperature(frames)
        name = f"{kind.value}_{exposure_s:.4g}s"
        if temperature_c is not None:
            name += f"_{temperature_c:.0f}C".replace("-0C", "0C")
        name = _free_name(name + self.suffix, taken)
        if (ready := self._ready_among(frames)) is not None:
            bias = self._bias.name if self._bias is not None else None
            return ready_plan(ready, name, "dark", self.geometry, bias=bias)
        return MasterPlan(
            name,
            "dark",
            _paths(frames),
            self.geometry,
            exposure_s=exposure_s,
            temperature_c=temperature_c,
            holds_bias=True,
            is_flatdark=kind is FrameKind.FLATDARK,
            equation=f"combine {len(frames)} darks of {exposure_s:.4g} s{_less_pedestal(frames)} [holds bias]",
            warnings=_few(frames, "dark"),
        )

    def _plan_flats(self) -> dict[str | None, MasterPlan]:
        masters: dict[str | None, MasterPlan] = {}
        for name, members in grouped(self._of_kind(FrameKind.FLAT), lambda f: f.filter or None).items():
            label = _free_name(
                f"flat_{_file_safe(name or 'nofilter')}{self.suffix}", {m.name for m in masters.values()}
            )
            if (ready := self._ready_among(members)) is not None:
                deaf = unheard_by_ready(ready, self.choices.forced)
                masters[name] = replace(ready_plan(ready, label, "flat", self.geometry), warnings=deaf)
                continue
            use = calibration_of_flats(members, self._darks, self._bias, self.choices.forced, self.recipe.dark)
            self.left_out += use.left_out
            corrected = self._flat_equation(use)
            masters[name] = MasterPlan(
                label,
                "flat",
                _paths(use.frames),
                self.geometry,
                filter=name,
                exposure_s=mean_exposure(use.frames),
                temperature_c=mean_temperature(use.frames),
                bias=use.bias,
                dark=use.dark,
                dark_scales=use.scales,
                equation=f"combine {len(use.frames)} × ({corrected}) ÷ its median",
                warnings=(*use.warnings, *_few(use.frames, "flat")),
            )
        return masters

    def _flat_equation(self, use: FlatUse) -> str:
        raw = "flat − overscan" if self.has_overscan else "flat"
        if pedestal := _pedestal(use.frames):
            raw += f" − {pedestal}"
        if use.dark is not None and all(scale == 1.0 for scale in use.scales):
            return f"{raw} − {use.dark} [holds bias]"
        if use.dark is not None and use.bias is not None:
            return f"{raw} − {use.bias} − scaled ({use.dark} − {use.bias})"
        return f"{raw} − {use.bias}" if use.bias is not None else raw

    def _plan_science(self) -> None:
        science = self._of_kind(FrameKind.SCIENCE)
        for pointing, frames in by_pointing(science).items():
            for filter_name, filtered in grouped(frames, lambda f: f.filter or None).items():
                for exposures in by_exposure(filtered, self.recipe.dark):
                    first = exposures[0]
                    words = [pointing, filter_name or "no filter"]
                    words.append("exposure unknown" if first.exposure_s is None else f"{first.exposure_s:.4g} s")
                    group = " · ".join(words) + (f" · {self.geometry}" if self.suffix else "")
                    in_time = sorted(exposures, key=lambda f: (f.mid_utc is None, f.mid_utc, f.path))
                    self.groups[group] = tuple(f.path for f in in_time)
                    for frame in exposures:
                        self.science[frame.path] = self._one_science(frame, group)

    def _one_science(self, frame: Frame, group: str) -> SciencePlan:
        forced = self.choices.forced.get(frame.path, {})
        warnings: list[str] = []
        bias = self._forced_bias(forced["bias"], warnings) if "bias" in forced else self._bias
        use = (
            self._forced_dark(frame, forced["dark"], bias, warnings)
            if "dark" in forced
            else self._usual_dark(frame, bias)
        )
        warnings += use.warnings
        flat = (
            self._forced_flat(forced["flat"], warnings) if "flat" in forced else self._flats.get(frame.filter or None)
        )
        if flat is None and "flat" not in forced:
            have = ", ".join(sorted(str(f) for f in self._flats)) or "none"
            warnings.append(
                f"no flat for filter {frame.filter or '(none)'} (flats: {have}): dust and vignetting stay; take "
                "flats in this filter, or set the filter of the frames if it is named wrongly"
            )
        needs_bias = use.dark is None or use.scale != 1.0
        bias_name = bias.name if bias is not None and needs_bias else None
        if use.dark is None and bias is None:
            warnings.append("no bias and no dark: the zero level and the dark current stay in the frame; add some")
        return SciencePlan(
            path=frame.path,
            group=group,
            bias=bias_name,
            dark=use.dark,
            flat=flat.name if flat is not None else None,
            mask=self._mask_name(use.dark, flat.name if flat is not None else None),
            dark_scale=use.scale,
            bias_in_dark=use.dark is not None and use.scale == 1.0,
            equation=self._equation(frame, bias_name, use, flat.name if flat is not None else None),
            warnings=tuple(dict.fromkeys(warnings)),
            unwanted=tuple(kind for kind, name in sorted(forced.items()) if name == "none"),
        )

    def _forced_bias(self, name: str, warnings: list[str]) -> MasterPlan | None:
        if name == "none":
            return None
        if self._bias is None or self._bias.name != name:
            warnings.append(f"the bias {CHOSEN}, {name}, does not exist: the usual one serves")
        return self._bias

    def _usual_dark(self, frame: Frame, bias: MasterPlan | None) -> DarkUse:
        darks, aside = ([m for m in self._darks if m.is_flatdark is for_flats] for for_flats in (False, True))
        return choose_dark(frame, darks, bias, self.recipe.dark, aside)

    def _forced_dark(self, frame: Frame, name: str, bias: MasterPlan | None, warnings: list[str]) -> DarkUse:
        if name == "none":
            return DarkUse(None, 1.0, ())
        master = next((m for m in self._darks if m.name == name), None)
        if master is None:
            have = ", ".join(m.name for m in self._darks) or "none"
            warnings.append(f"the dark {CHOSEN}, {name}, does not exist (darks: {have}): the usual choice serves")
            return self._usual_dark(frame, bias)
        return chosen_dark(frame, master, self.recipe.dark)

    def _forced_flat(self, name: str, warnings: list[str]) -> MasterPlan | None:
        if name == "none":
            return None
        master = next((m for m in self._flats.values() if m.name == name), None)
        if master is None:
            have = ", ".join(m.name for m in self._flats.values()) or "none"
            warnings.append(f"the flat {CHOSEN}, {name}, does not exist (flats: {have}): no flat is used")
        return master

    def _equation(self, frame: Frame, bias: str | None, use: DarkUse, flat: str | None) -> str:
        words = "raw − overscan" if self.has_overscan else "raw"
        if frame.pedestal_adu:
            words += f" − pedestal of {frame.pedestal_adu:.5g} ADU"
        if use.dark is not None and use.scale == 1.0:
            words += f" − {use.dark} [holds bias{f'; {use.note}' if use.note else ''}]"
        elif use.dark is not None:
            words += f" − {bias} − {use.scale:.3g} × ({use.dark} − {bias})"
        elif bias is not None:
            words += f" − {bias}"
        return f"{words} ÷ {flat}" if flat is not None else words

    def _mask_name(self, dark: str | None, flat: str | None) -> str | None:
        if dark is None and flat is None:
            return None
        self._masks.setdefault((dark, flat), "")
        return f"{dark}|{flat}"  # a placeholder until all pairs are known: see _plan_masks

    def _plan_masks(self) -> None:
        """Name the masks: plain "mask" where there can be only one, with filter and dark where they tell them apart.

        What tells them apart is what the night holds, not what is used: rejecting frames must not rename a mask.
        """
        darks = [master for master in self._darks if not master.is_flatdark]
        by_name: dict[tuple[str | None, str | None], str] = {}
        for dark, flat in self._masks:
            parts = ["mask"]
            if flat is None and self._flats:
                parts.append("noflat")
            elif flat is not None and len(self._flats) > 1:
                parts.append(flat.removeprefix("flat_").removesuffix(self.suffix))
            if dark is None and darks:
                parts.append("nodark")
            elif dark is not None and len(darks) > 1:
                parts.append(dark.removeprefix("dark_").removesuffix(self.suffix))
            if self.suffix:
                parts.append(self.suffix.removeprefix("_"))
            by_name[dark, flat] = _free_name("_".join(parts), set(by_name.values()))
            found = [m for m in (*self._darks, *self._flats.values()) if m.name in {dark, flat}]
            self.masters.append(
                MasterPlan(
                    by_name[dark, flat],
                    "mask",
                    # An existing master has no frames whose scatter could be looked at.
                    tuple(path for m in found if m.kind == "dark" and not m.is_ready for path in m.frames),
                    self.geometry,
                    filter=next((m.filter for m in found if m.kind == "flat"), None),
                    dark=dark,
                    flat=flat,
                    bias=self._bias.name if self._bias is not None else None,
                    equation=" and ".join(
                        [
                            f"hot {'' if m.is_ready else 'and unstable '}pixels of {dark}"
                            for m in found
                            if m.kind == "dark"
                        ]
                        + ([f"bad pixels of {flat}"] if flat else [])
                    ),
                )
            )
        for path, science in self.science.items():
            if science.mask is not None:
                name = by_name[science.dark, science.flat]
                self.science[path] = SciencePlan(**{**science.__dict__, "mask": name})

    def _used(self, candidates: list[MasterPlan]) -> set[str]:
        """Names of the masters that some science frame needs, directly or through another master."""
        used: set[str] = set()
        for science in self.science.values():
            used |= {n for n in (science.bias, science.dark, science.flat) if n is not None}
        for master in candidates:
            if master.kind == "flat" and master.name in used:
                used |= {n for n in (master.bias, master.dark) if n is not None}
        # The bias also tells how hot a pixel of a dark is, and the gain: it is made wherever there are biases.
        return used | ({self._bias.name} if self._bias is not None else set())


def _paths(frames: Sequence[Frame]) -> tuple[str, ...]:
    return tuple(f.path for f in frames)


def _pedestal(frames: Sequence[Frame]) -> str:
    """Name the pedestal that comes off frames before they are combined: as large in all, or each its own."""
    found = {f.pedestal_adu or 0.0 for f in frames}
    if found == {0.0} or not found:
        return ""
    return f"pedestal of {found.pop():.5g} ADU" if len(found) == 1 else "its pedestal"


def _less_pedestal(frames: Sequence[Frame]) -> str:
    pedestal = _pedestal(frames)
    return f", each less {'' if pedestal.startswith('its') else 'its '}{pedestal}" if pedestal else ""


def _few(frames: Sequence[Frame], kind: str) -> tuple[str, ...]:
    if len(frames) >= 3:
        return ()
    return (f"only {len(frames)} {kind} frame{'s' if len(frames) > 1 else ''}: a hit cannot be told from the pixel",)


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, numbered if it is taken; names that differ only in case are one file on some systems."""
    used = {other.lower() for other in taken}
    free, number = name, 2
    while free.lower() in used:
        free, number = f"{name}_{number}", number + 1
    return free


def _file_safe(name: str) -> str:
    """Filter names come from headers: keep letters, digits, dots, plus and minus, so that they can never be a path."""
    safe = "".join(c if c.isalnum() or c in "+-" else "_" for c in name)[:40]
    return safe or "unnamed"
