"""What is said for and against the frames of the night, and where a final judgement differs from the first look."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline_core.events import Event
from pipeline_core.measures import NOT_JUDGED, headline
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from pipeline_core.kept_looks import QuickLook
    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.types import Frame

    FrameOf = Callable[[str], Frame | None]

MOST_NAMED = 20
"""Frames that have a line of their own in the log; the tip of each says it too."""
JOB = "quality"
GOOD = "good"
"""What :func:`headline` says of a frame that nothing speaks against."""


class ChangedVerdicts(NamedTuple):
    """Frames of which a run says something else than what was said before it, path → cause."""

    flagged: dict[str, str]
    """What speaks against a frame now; nothing did."""
    no_longer: dict[str, str]
    """What spoke against a frame that is good now."""
    otherwise: dict[str, str]
    """What speaks against a frame now, in the place of another cause."""
    unjudged: dict[str, str]
    """What was said of a frame that cannot be judged now: a cause, or "good"."""


class Judgements:
    """The quality of the night's frames as far as it is known."""

    def __init__(self) -> None:
        self.rows: dict[str, QualityRow] = {}
        """Science frames of the night, measured; judged but for those that a quick look has just measured."""
        self._measured: dict[str, QualityRow] = {}
        """The same with frames that are gone, or are said to be of another kind: they may come back."""
        self.calibration_flags: Mapping[str, tuple[Flag, ...]] = {}
        self._said: dict[str, tuple[FrameKind, tuple[Flag, ...]]] = {}
        """As what each calibration frame was judged, and what was said of it as such."""
        self._first: dict[str, str] = {}
        """What the first look at a raw frame said of it."""
        self.first_said: dict[str, str] = {}
        """The same of frames of which the final values say something else."""
        self._before: dict[str, str] = {}
        """What was said of each measured frame when the last run began, as :func:`headline` says it."""

    def take_look(self, look: QuickLook, frame_of: FrameOf) -> dict[str, str]:
        """Take over what was judged.

        Parameters
        ----------
        look : QuickLook
        frame_of : callable
            Path → the frame as it is decided now, None where there is none.

        Returns
        -------
        dict
            Path → "cloud → good", of the frames of which the final values are the first to say something else.
        """
        flags = look.calibration_flags
        self._said = {path: (frame.kind, flags[path]) for path in flags if (frame := frame_of(path)) is not None}
        self.heed(frame_of)
        self._first |= look.first_said
        news = {}
        for row in look.rows:
            says = headline(row.flags)
            if row.measures.state == "quick":
                self._first[row.path] = says
                self.first_said.pop(row.path, None)
            elif row.measures.state == "final":
                first = self._first.get(row.path, says)
                if first == says:
                    self.first_said.pop(row.path, None)
                elif self.first_said.get(row.path) != first:
                    self.first_said[row.path] = first
                    if row.path not in look.first_said:  # else it was told when it was new
                        news[row.path] = f"{first} → {says}"
        return news

    def take_rows(self, rows: Iterable[QualityRow], frame_of: FrameOf | None = None) -> list[str]:
        """Take over rows, judged or not yet, of frames that are science frames now; return their paths."""
        taken = {row.path: row for row in rows}
        self._measured |= taken
        here = {path: row for path, row in taken.items() if frame_of is None or _is_science(frame_of(path))}
        self.rows |= here
        return list(here)

    def run_begins(self, unjudged: Collection[str] = ()) -> None:
        """Remember what is said of the frames, to tell afterwards what a run changed.

        Parameters
        ----------
        unjudged : collection of str
            Frames that were measured and not compared yet: that nothing is said of them does not make them good.
        """
        self._before = {
            path: NOT_JUDGED if path in unjudged else headline(row.flags) for path, row in self.rows.items()
        }

    @property
    def said_before_run(self) -> dict[str, str]:
        """What was said of each frame when the last run began; kept with the run."""
        return dict(self._before)

    def remember_run(self, said: Mapping[str, str]) -> None:
        """Know what was said before a run of another day, or of another program: nothing where it kept nothing."""
        self._before = dict(said)

    def changed_by_run(self, answered: Collection[str]) -> ChangedVerdicts:
        """Return what the last run changed, of frames that wait for a decision; a mere note changes no verdict.

        Parameters
        ----------
        answered : collection of str
            Frames that were rejected or accepted: what is said of them is nobody's question any more.
        """
        changed = ChangedVerdicts({}, {}, {}, {})
        for path, before in self._before.items():
            row = self.rows.get(path)
            if row is None or row.measures.state != "final" or path in answered:
                continue
            says = headline(row.flags)
            if says == before:
                continue
            if says == NOT_JUDGED:  # no news of a frame that was flagged is good news
                changed.unjudged[path] = before
            elif says == GOOD:
                if before != NOT_JUDGED:
                    changed.no_longer[path] = before
            elif before in {GOOD, NOT_JUDGED}:
                changed.flagged[path] = says
            else:
                changed.otherwise[path] = says
        return changed

    def heed(self, frame_of: FrameOf) -> None:
        """Hold nothing against a frame that is gone, or that was said of it as another kind than the one it is now."""
        self.rows = {path: row for path, row in self._measured.items() if _is_science(frame_of(path))}
        now = {path: frame.kind for path in self._said if (frame := frame_of(path)) is not None}
        self.calibration_flags = {path: flags for path, (kind, flags) in self._said.items() if now.get(path) is kind}


def _is_science(frame: Frame | None) -> bool:
    return frame is not None and frame.kind is FrameKind.SCIENCE


def changed_events(news: Mapping[str, str]) -> list[Event]:
    """Say which verdicts the final values changed: a line for each of the first frames, then one for all.

    Parameters
    ----------
    news : mapping
        Path → "cloud → good"; not empty.
    """
    lines = [
        Event("message", JOB, text=f"first look → final: {news[path]}", path=path) for path in list(news)[:MOST_NAMED]
    ]
    words = f"{len(news)} verdicts differ" if len(news) > 1 else "a verdict differs"
    words += " from the first look: rest the pointer on a row"
    return [*lines, Event("message", JOB, text=words)]
