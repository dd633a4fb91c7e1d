"""Which dark serves a frame: the matching one, a longer one scaled down, or none; each second choice is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline_core.grouping import same_exposure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline_core.config import DarkSettings
    from pipeline_core.types import Frame


CHOSEN = "that was chosen for it"
"""How a warning begins that a master of a person's choice is not there."""


class DarkLike(Protocol):
    """What must be known of a master dark (or bias) to choose it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def exposure_s(self) -> float | None: ...  # noqa: D102
    @property
    def temperature_c(self) -> float | None: ...  # noqa: D102
    @property
    def is_flatdark(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class DarkUse:
    """A dark and how much of its current to subtract."""

    dark: str | None
    scale: float
    """1 subtracts it as it is; less scales the dark current (the bias stays whole)."""
    warnings: tuple[str, ...]
    note: str = ""
    """What the frame's own equation says of it."""


def choose_dark(
    frame: Frame,
    darks: Sequence[DarkLike],
    bias: DarkLike | None,
    settings: DarkSettings,
    aside: Sequence[DarkLike] = (),
) -> DarkUse:
    """Choose the master dark of a frame.

    In order: equal exposure and temperature; equal exposure at the nearest temperature (warned); a longer dark scaled
    down, which needs the bias (warned, with the noise it adds); the bias alone (warned); nothing.

    Parameters
    ----------
    frame : Frame
        Science frame or flat.
    darks : sequence of master darks
        Those that hold the bias; the first of equals is preferred.
    bias : master bias or None
    settings : DarkSettings
    aside : sequence of master darks, optional
        Those that serve flats only, unless a person chooses one: named where no dark serves.

    Returns
    -------
    DarkUse
    """
    if frame.exposure_s is None:
        return DarkUse(None, 1.0, ("its exposure is unknown: no dark can be matched; set its exposure",))
    exposure_s = frame.exposure_s
    equal = [d for d in darks if d.exposure_s is not None and same_exposure(d.exposure_s, exposure_s, settings)]
    if equal:
        best = min(equal, key=lambda d: _far(frame, d))
        far_c = _far(frame, best)
        if far_c <= settings.temperature_tolerance_c:
            return DarkUse(best.name, 1.0, ())
        return DarkUse(best.name, 1.0, (_far_words(best.name, far_c),))
    longer = [
        d for d in darks if d.exposure_s is not None and exposure_s < d.exposure_s <= exposure_s * settings.max_scale
    ]
    if longer and bias is not None:
        best = min(longer, key=lambda d: (_far(frame, d) > settings.temperature_tolerance_c, d.exposure_s))
        assert best.exposure_s is not None
        scale = exposure_s / best.exposure_s
        words = (
            f"no dark of {exposure_s:.4g} s: {best.name} is scaled by {scale:.3g} (its noise and the bias's "
            f"{abs(1 - scale):.2g} part come in); take darks of {exposure_s:.4g} s"
        )
        far_c = _far(frame, best)
        is_far = far_c > settings.temperature_tolerance_c
        return DarkUse(best.name, scale, (words, _far_words(best.name, far_c)) if is_far else (words,))
    return DarkUse(None, 1.0, (no_dark_words([exposure_s], darks, bias, settings, aside),))


def chosen_dark(frame: Frame, dark: DarkLike, settings: DarkSettings) -> DarkUse:
    """Use the master dark that a person chose, as it is; say where it does not match the frame.

    Parameters
    ----------
    frame : Frame
    dark : master dark
    settings : DarkSettings

    Notes
    -----
    It is not scaled: whoever names a dark may know that its header is wrong, and a chosen dark may hold no more than
    its name says. What that leaves in the frame is said.
    """
    warnings: list[str] = []
    note = ""
    takes_back = "choose another, or take the choice back"
    if frame.exposure_s is None:
        warnings.append(f"{dark.name} was chosen for a frame whose exposure is unknown; set its exposure")
    elif dark.exposure_s is None:
        warnings.append(f"{dark.name} was chosen, and its exposure is unknown: it may not match; {takes_back}")
    elif not same_exposure(dark.exposure_s, frame.exposure_s, settings):
        note = f"of {dark.exposure_s:.4g} s, chosen, not scaled"
        what = "too much" if dark.exposure_s > frame.exposure_s else "too little"
        warnings.append(
            f"{dark.name} was chosen for frames of {frame.exposure_s:.4g} s: it is subtracted as it is, not scaled, "
            f"with the dark current of {dark.exposure_s:.4g} s, which is {what}; {takes_back}"
        )
    far_c = _far(frame, dark)
    if far_c > settings.temperature_tolerance_c:
        warnings.append(_far_words(dark.name, far_c))
    return DarkUse(dark.name, 1.0, tuple(warnings), note)


def no_dark_words(
    exposures_s: Sequence[float],
    darks: Sequence[DarkLike],
    bias: DarkLike | None,
    settings: DarkSettings,
    aside: Sequence[DarkLike] = (),
) -> str:
    """Say that frames of some exposures have no dark, which darks there are and why none is scaled, what to take."""
    wanted = ", ".join(dict.fromkeys(f"{e:.4g}" for e in sorted(exposures_s))) + " s"
    of_flats = [d for d in (*darks, *aside) if d.is_flatdark]
    have = f"darks: {_exposures([d for d in darks if not d.is_flatdark])}"
    have += f"; flat-darks: {_exposures(of_flats)}" if of_flats else ""
    what = ": only the bias is subtracted" if bias is not None else " and no bias"
    limit = ""
    if bias is not None and any(d.exposure_s is not None and d.exposure_s > min(exposures_s) for d in darks):
        # An observer would scale the long dark by hand, and asks why it is not done.
        limit = f", for darks of more than {settings.max_scale:.3g} times the exposure are not scaled (dark.max_scale)"
    return f"no dark of {wanted} ({have}){what}{limit}; take darks of {wanted}"


def _exposures(darks: Sequence[DarkLike]) -> str:
    return ", ".join(dict.fromkeys(f"{d.exposure_s:.4g} s" for d in darks if d.exposure_s is not None)) or "none"


def _far_words(name: str, far_c: float) -> str:
    return (
        f"{name} was taken {far_c:.1f} °C away from the frame: hot pixels may stay or turn into holes; "
        "take darks at the temperature of the frames"
    )


def _far(frame: Frame, dark: DarkLike) -> float:
    """Difference of temperature in °C; unknown counts as equal, because nothing speaks against it."""
    if frame.temperature_c is None or dark.temperature_c is None:
        return 0.0
    return abs(frame.temperature_c - dark.temperature_c)
