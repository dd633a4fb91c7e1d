"""A night in a sentence: how many of its frames are good, which are best, and what the others were lost to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline_core.measures import NOT_JUDGED, headline
from pipeline_core.name_words import counted
from pipeline_core.next_time import next_time
from pipeline_core.short_names import numbers_of, short_names
from pipeline_core.standing import (
    ACCEPTED,
    ACCEPTED_WORDS,
    BAD,
    GOOD,
    NOT_MEASURED,
    REJECTED,
    SUSPECT,
    USABLE,
    cause_of,
    cause_of_rejection,
    standing,
)
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.plan import Plan
    from pipeline_core.types import Night

_WORDS = {
    GOOD: "good",
    ACCEPTED: ACCEPTED_WORDS,
    SUSPECT: "suspect",
    BAD: "bad",
    REJECTED: "rejected",
    NOT_JUDGED: "not judged",
    NOT_MEASURED: "not measured",
    "unreadable": "not to be read",
}
"""How frames may stand, in the order in which they are told."""
_NOUNS = {"trailed": "trailing", "dark too weak": "too weak a dark", "dark too strong": "too strong a dark"}
_MOST_BEST, _MOST_CAUSES = 2, 2


@dataclass(frozen=True, slots=True)
class NightTold:
    """What a person asks first in the morning, in plain words."""

    sentence: str
    """"Night: 19 science frames, 5 good, 8 rejected, 6 not judged. Best: 055, 069. Lost mostly to cloud (6 frames)."""
    next_time: tuple[str, ...] = ()
    """What to do otherwise, what concerns most frames first."""

    @property
    def advice(self) -> str:
        """All of it in one line: "Next time: take flats in Visual (9 frames have none); …"; empty where all is well."""
        return f"Next time: {'; '.join(self.next_time)}." if self.next_time else ""


def told_night(
    rows: Iterable[QualityRow],
    night: Night,
    plan: Plan | None,
    rejected: Mapping[str, str],
    kept: frozenset[str],
    calibration: Mapping[str, tuple[Flag, ...]] | None = None,
) -> NightTold | None:
    """Put a night into a sentence, and what it teaches into a few lines.

    Parameters
    ----------
    rows : iterable of QualityRow
        Of science frames, rejected ones included.
    night : Night
        As decided: what is no science frame by a person's word is none here.
    plan : Plan or None
        Tells which masters were missed.
    rejected : mapping of str to str
        Path → reason.
    kept : frozenset of str
        Paths of frames that a person accepted.
    calibration : mapping, optional
        Path → what is said of a bias, dark or flat.

    Returns
    -------
    NightTold or None
        None where there is no science frame.
    """
    science = {frame.path: frame for frame in night.frames if frame.kind is FrameKind.SCIENCE}
    if not science:
        return None
    known = {row.path: row for row in rows if row.path in science}
    stands = {
        path: "unreadable" if frame.unusable is not None else standing(path, known.get(path), rejected, kept)
        for path, frame in science.items()
    }
    sentences = [
        _counted(stands.values()),
        _best([row for path, row in known.items() if stands[path] in USABLE and headline(row.flags) == GOOD], night),
        _lost(known, stands, rejected),
    ]
    advice = next_time([*known.values()], night, plan, rejected, calibration or {}, kept)
    return NightTold(" ".join(filter(None, sentences)), advice)


def _counted(stands: Iterable[str]) -> str:
    found = Counter(stands)
    total = found.total()
    if found[GOOD] == total:
        return f"Night: {counted(total, 'science frame')}, {'all good' if total > 1 else 'good'}."
    none_good = ["none good"] if not any(found[how] for how in USABLE) else []
    return f"Night: {', '.join([counted(total, 'science frame'), *none_good, *counted_stands(found)])}."


def counted_stands(stands: Mapping[str, int]) -> list[str]:
    """Say how many frames stand how: ["3 good", "2 suspect"], in the order of the night's sentence.

    Parameters
    ----------
    stands : mapping
        How a frame stands (:func:`~pipeline_core.standing.standing_of`) → how many do.
    """
    return [f"{number} {words}" for name, words in _WORDS.items() if (number := stands.get(name, 0))]


def _best(good: Sequence[QualityRow], night: Night) -> str:
    """Name the deepest of them; of several fields, filters, exposures one each: they have own zeros.

    Parameters
    ----------
    good : sequence of QualityRow
        Nothing speaks against them: of those that a person accepted, too, those only that were judged so.
    night : Night
    """
    paths = [frame.path for frame in night.frames]  # of all: the window calls frames so too
    names = short_names(paths, numbers_of(paths))
    groups: dict[tuple[str, float | None, object], list[QualityRow]] = {}
    for row in good:
        if row.depth_loss_mag is not None:
            frame = night.by_path[row.path]
            groups.setdefault((frame.filter or "", frame.exposure_s, row.extra.get("group")), []).append(row)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    if len(good) < 2 or not ordered:
        return ""  # the only good one need not be praised
    if len(ordered) == 1:
        deepest = sorted(ordered[0][1], key=_depth)[:_MOST_BEST]
        return f"Best: {', '.join(names[row.path] for row in deepest)}."
    of_exposure = Counter((name, exposure_s) for name, exposure_s, _ in groups)
    of_filter = Counter(name for name, _ in of_exposure)
    told = []
    for (name, exposure_s, _), members in ordered[: _MOST_BEST + 1]:
        best = min(members, key=_depth).path
        words = [name or "no filter"] if of_filter.total() == len(of_filter) else [name, _seconds(exposure_s)]
        if of_exposure[name, exposure_s] > 1:
            words.insert(0, night.by_path[best].object or "")
        told.append(f"{names[best]} ({' '.join(filter(None, words))})")
    return f"Best: {', '.join(told)}."


def _depth(row: QualityRow) -> tuple[float, str]:
    return (row.depth_loss_mag if row.depth_loss_mag is not None else float("inf"), row.path)


def _lost(known: Mapping[str, QualityRow], stands: Mapping[str, str], rejected: Mapping[str, str]) -> str:
    """Say what the frames are lost to that are rejected or bad; where none is, what the suspect ones are suspect of."""
    for word, standings in (("Lost", {REJECTED, BAD}), ("Suspect", {SUSPECT})):
        paths = [path for path, how in stands.items() if how in standings]
        if not paths:
            continue
        causes = Counter(
            cause_of(known[path], rejected) if path in known else cause_of_rejection(rejected[path]) for path in paths
        ).most_common()
        told = [
            f"{_NOUNS.get(cause, cause)} ({counted(number, 'frame')})"
            for cause, number in causes[:_MOST_CAUSES]
            if cause
        ]
        told[1:] = [words.replace(" frames)", ")").replace(" frame)", ")") for words in told[1:]]
        mostly = "mostly " if len(causes) > len(told) else ""
        return f"{word} {mostly}{'to' if word == 'Lost' else 'for'} {' and '.join(told)}." if told else ""
    return ""


def _seconds(exposure_s: float | None) -> str:
    return f"{exposure_s:g} s" if exposure_s is not None else ""
