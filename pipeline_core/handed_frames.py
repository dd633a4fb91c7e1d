"""Which calibrated frames an export takes, how they stand, and why others are left out: the same for every door."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline_core.measures import gravest_cause
from pipeline_core.name_words import counted, named
from pipeline_core.night_told import counted_stands
from pipeline_core.short_names import numbers_of, short_names
from pipeline_core.standing import USABLE, standing
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline_core.measures import QualityRow
    from pipeline_core.types import Frame, Night

MOST_NAMED = 4
"""Frames named of those that are left out for one reason; of more the first, and how many more."""
NO_TIME = "time not known"


@dataclass(frozen=True)
class HandedFrames:
    """Calibrated frames that nobody rejected: those that an export takes, and those that it leaves out."""

    stands: Mapping[str, str] = field(default_factory=dict)
    """Path → how a frame stands that is taken."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Path → why a frame is not good enough: what speaks against it, "not judged", or "not measured"."""
    untimed: tuple[str, ...] = ()
    """Frames that would be taken, if it were known when they were exposed."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Path → what a frame of the night is called in a line of words."""

    @property
    def how(self) -> str:
        """How those that are taken stand: "12 good, 1 accepted by a person"."""
        return ", ".join(counted_stands(Counter(self.stands.values())))

    @property
    def left_words(self) -> str:
        """Which are left out, and why: "2 frames left out: cloud (040), not judged (058)"; "" where none is."""
        reasons: dict[str, list[str]] = {}
        for path, why in (*self.left_out.items(), *((path, NO_TIME) for path in self.untimed)):
            reasons.setdefault(why, []).append(self.names.get(path, path))
        if not reasons:
            return ""
        by_number = sorted(reasons.items(), key=lambda item: -len(item[1]))
        told = ", ".join(f"{why} ({named(names, MOST_NAMED)})" for why, names in by_number)
        return f"{counted(len(self.left_out) + len(self.untimed), 'frame')} left out: {told}"


def handed_frames(
    calibrated: Iterable[Frame],
    night: Night,
    rows: Mapping[str, QualityRow],
    rejected: Collection[str],
    kept: Collection[str],
    *,
    only_good: bool,
) -> HandedFrames:
    """Choose the frames of an export.

    Parameters
    ----------
    calibrated : iterable of Frame
        Those of which there is a calibrated file; frames that are rejected, or no science frames, are passed over.
    night : Night
        All frames, by which they are called short.
    rows : mapping of str to QualityRow
        By path.
    rejected, kept : collections of str
        Paths of frames that were rejected, and that a person accepted.
    only_good : bool
        Take frames only that nothing speaks against, or that a person accepted: whoever looked, and took a frame,
        expects it there.
    """
    stands: dict[str, str] = {}
    left_out: dict[str, str] = {}
    untimed: list[str] = []
    for frame in calibrated:
        path, row = frame.path, rows.get(frame.path)
        if frame.kind is not FrameKind.SCIENCE or frame.unusable is not None or path in rejected:
            continue
        how = standing(path, row, (), kept)
        if only_good and how not in USABLE:
            left_out[path] = (gravest_cause(row.flags) if row is not None else "") or how
        elif frame.mid_utc is None:
            untimed.append(path)
        else:
            stands[path] = how
    paths = [frame.path for frame in night.frames]
    return HandedFrames(stands, left_out, tuple(untimed), short_names(paths, numbers_of(paths)))
