"""What is taken off a filter's flats: the bias and the dark that a person chose for all of them, else what matches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.dark_choice import CHOSEN, choose_dark, chosen_dark, no_dark_words
from pipeline_core.plan_types import LeftOut, MasterPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline_core.config import DarkSettings
    from pipeline_core.types import Frame


@dataclass(frozen=True)
class FlatUse:
    """The flats of a filter that are combined, and what is taken off them."""

    frames: tuple[Frame, ...]
    bias: str | None
    dark: str | None
    scales: tuple[float, ...]
    """For each frame the part of the dark current to subtract, 0 for the bias alone."""
    warnings: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def calibration_of_flats(
    frames: Sequence[Frame],
    darks: Sequence[MasterPlan],
    bias: MasterPlan | None,
    forced: Mapping[str, Mapping[str, str]],
    settings: DarkSettings,
) -> FlatUse:
    """Choose bias and dark of a filter's flats: they are combined, so one of each serves all.

    Parameters
    ----------
    frames : sequence of Frame
        Flats of one filter and size.
    darks : sequence of MasterPlan
        Those of flats are preferred.
    bias : MasterPlan or None
        There is at most one of a size.
    forced : mapping
        Path → {"bias" | "dark": name, or "none"}, as a person chose. A choice that is not the same for all the flats,
        or names a master that is not there, is refused with words.
    settings : DarkSettings

    Returns
    -------
    FlatUse
    """
    darks = sorted(darks, key=lambda master: not master.is_flatdark)
    bias, notes = _bias(frames, bias, forced)
    bias_name = bias.name if bias is not None else None
    name, refused = _for_all(frames, "dark", forced)
    notes += refused
    if name == "none":  # a person knows, and goes without
        return FlatUse(tuple(frames), bias_name, None, (0.0,) * len(frames), tuple(notes))
    if (master := next((m for m in darks if m.name == name), None)) is not None:
        uses = [chosen_dark(f, master, settings) for f in frames]
        notes += dict.fromkeys(words for use in uses for words in use.warnings)
        return FlatUse(tuple(frames), bias_name, master.name, (1.0,) * len(frames), tuple(notes))
    if name is not None:
        have = ", ".join(m.name for m in darks) or "none"
        notes.append(f"the dark {CHOSEN}, {name}, does not exist (darks: {have}): the usual choice serves")
    return _with_matching_dark(frames, darks, bias, notes, settings)


def unheard_by_ready(flat: Frame, forced: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Say which masters were chosen for an existing master flat, off which nothing is taken."""
    chosen = {kind: name for kind, name in forced.get(flat.path, {}).items() if kind in {"bias", "dark"}}
    return tuple(
        f"the {kind} {CHOSEN}, {name}, is not taken off: an existing master flat serves as it is"
        for kind, name in chosen.items()
        if name != "none"
    )


def _bias(
    frames: Sequence[Frame], bias: MasterPlan | None, forced: Mapping[str, Mapping[str, str]]
) -> tuple[MasterPlan | None, list[str]]:
    """Return the bias of the flats, and what is to be said of the one that was chosen."""
    name, notes = _for_all(frames, "bias", forced)
    if name == "none":
        return None, notes
    if name is not None and (bias is None or bias.name != name):
        notes.append(
            f"the bias {CHOSEN}, {name}, does not exist: {'the usual one serves' if bias else 'there is none'}"
        )
    return bias, notes


def _for_all(
    frames: Sequence[Frame], kind: str, forced: Mapping[str, Mapping[str, str]]
) -> tuple[str | None, list[str]]:
    """Return the master of a kind that was chosen for all frames alike, else None and why no choice is followed."""
    chosen = [forced.get(frame.path, {}).get(kind) for frame in frames]
    if len(set(chosen)) == 1:
        return chosen[0], []
    named = " or ".join(sorted({name for name in chosen if name is not None}))
    count = sum(name is not None for name in chosen)
    words = f"was chosen for {count} of the {len(frames)} flats that are combined, not the same one for all"
    return None, [f"the {kind} {CHOSEN}, {named}, {words}: the usual choice serves; choose one for all of them"]


def _with_matching_dark(
    frames: Sequence[Frame],
    darks: Sequence[MasterPlan],
    bias: MasterPlan | None,
    notes: Sequence[str],
    settings: DarkSettings,
) -> FlatUse:
    """Choose the dark of a filter's flats: the one that most of them want serves all.

    Its current is scaled for flats of other exposures, which needs the bias. Without a bias only the flats it
    matches are combined: the zero level would stay in the others.
    """
    bias_name = bias.name if bias is not None else None
    uses = [choose_dark(f, darks, bias, settings) for f in frames]
    wanted = Counter(use.dark for use in uses if use.dark is not None)
    if not wanted:
        exposures = [f.exposure_s for f in frames if f.exposure_s is not None]
        if len(exposures) == len(frames):
            warnings = [no_dark_words(exposures, darks, bias, settings)]
        else:
            warnings = list(dict.fromkeys(words for use in uses for words in use.warnings))
        return FlatUse(tuple(frames), bias_name, None, (0.0,) * len(frames), (*notes, *warnings))
    dark = wanted.most_common(1)[0][0]
    if len(wanted) > 1 or len(set(wanted.elements())) < len(frames):
        serving = [master for master in darks if master.name == dark]
        uses = [
            use if use.dark == dark else choose_dark(f, serving, bias, settings)
            for f, use in zip(frames, uses, strict=True)
        ]
    pairs = list(zip(frames, uses, strict=True))
    left_out = []
    if bias is None:
        why = f"{dark} serves the other flats, not its exposure, and there is no bias"
        left_out = [LeftOut(f.path, why) for f, use in pairs if use.dark != dark]
        pairs = [(f, use) for f, use in pairs if use.dark == dark]
    scales = tuple(use.scale if use.dark == dark else 0.0 for _, use in pairs)
    warnings = list(dict.fromkeys(words for _, use in pairs for words in use.warnings))
    return FlatUse(tuple(f for f, _ in pairs), bias_name, dark, scales, (*notes, *warnings), tuple(left_out))
