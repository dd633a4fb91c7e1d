"""What stands beside a frame: a mark, a word and a tone, never a colour alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from astep_gui.models.tip_words import wrapped
from astep_gui.models.window_words import in_window
from pipeline_core.measures import NOT_JUDGED
from pipeline_core.standing import ACCEPTED, ACCEPTED_WORDS, BAD, GOOD, NOT_MEASURED, REJECTED, SUSPECT, standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from astep_gui.models.sky_words import SkyStatus
    from pipeline_core.measures import Flag, QualityRow
    from pipeline_core.types import Frame

BAD_MARK, SUSPECT_MARK = "▲", "△"
"""What speaks against a frame: two marks, as in the plot, for whoever sees no colours, and for a selected row."""
AGAINST_MARKS = frozenset({BAD_MARK, SUSPECT_MARK})
UNTOLD = "?"
"""The mark of a frame of which too little was measured to judge it, and of one of unknown kind."""
REMARK = "a remark, no reason to reject"
"""What a "·" before a cause means."""
AS_REMARK = "(remark)"
"""The same in the line over the image, behind the cause: what is said stands first, and is not what is cut."""
NO_REASON = "no reason given"
"""Of a frame that was rejected without one."""
LEFT_OUT = "left out"
"""The word of a frame with which the reduction does nothing."""
SEE_HEADER = "see header"
"""Something in the header is odd; the panel beside the image shows it."""
BETWEEN = " · "
"""Between whole findings; a ";" divides one into halves."""
_WORST_FIRST = {"bad": 0, "suspect": 1, "note": 2}


_LETTERS_IN_ROW = len("dark too strong")
"""Of the longest cause: the column has room for them."""


@dataclass(frozen=True, slots=True)
class FrameState:
    """How a frame stands."""

    mark: str
    word: str
    tone: str
    """A colour token of the theme."""
    why: str = ""
    rank: int = 0
    """For sorting: the worst first."""
    against: str = ""
    """What was said against a frame that a person has judged since: words and figures stay."""
    remarks: str = ""
    """What is noted besides and speaks against no frame, in whole sentences."""
    noted: str = ""
    """The same in a word each, with the figure of a dark."""
    causes: tuple[str, ...] = ()
    """All that is said of it, each with its mark: what speaks against it first, then what is noted."""
    first_said: str = ""
    """What the first look at the raw frame said, where the final values say something else."""
    on_sky: str = ""
    """Solved, aligned or not, in a word."""
    sky_rank: int = 9
    sky_why: str = ""
    """The same with its reason, for a tip; empty where nobody would ask."""
    is_first_look: bool = False
    """It rests on the quick look at the raw frames: the reduction measures and judges anew."""
    good_mark: str = ""
    """The mark of a good frame, where something is remarked of it besides."""

    def with_sky(self, status: SkyStatus | None) -> FrameState:
        """Add how the frame stands on the sky, where that is known."""
        if status is None:
            return self
        why = f"{status.word}: {status.why}" if status.short and status.why else ""
        return replace(self, on_sky=status.short, sky_rank=status.rank, sky_why=why)

    @property
    def brief(self) -> str:
        """What stands in the row of the frame: mark and word; of a rejected one for what, if a few letters say it.

        A good frame with a remark has the mark of a good one there: often all of a night have one.
        """
        is_told = self.word == "rejected" and self.why != NO_REASON and 0 < len(self.why) <= _LETTERS_IN_ROW
        return f"{self.good_mark or self.mark} {self.why if is_told else self.word}"

    @property
    def words(self) -> str:
        """All of it in one line: "▲ cloud: stars are 0.84 mag fainter"."""
        if not self.why:
            return f"{self.mark} {self.word}"
        if self.is_reason_told:
            return f"{self.mark} {self.word} · {self.against}"
        # A person's own reason may hold the word: only a mere note is told as one.
        is_said = self.why.startswith((f"{self.word}:", f"{self.word} ")) or (
            self.mark == "·" and AS_REMARK in self.why
        )
        return f"{self.mark} {self.why if is_said else f'{self.word}: {self.why}'}"

    @property
    def verdict(self) -> str:
        """What stands over the image: why the frame stands as it does; empty where nobody would ask."""
        speaks = (self.mark in AGAINST_MARKS and self.word != SEE_HEADER) or self.is_remark
        speaks |= self.word == LEFT_OUT
        is_told = speaks or bool(self.against or self.first_said) or (self.mark, self.word) == (UNTOLD, NOT_JUDGED)
        if not is_told:
            return ""
        said = self.words
        if self.against and self.word != "accepted" and not self.is_reason_told:
            said += f" · said against it: {self.against}"
        noted = f" · noted besides: {self.noted}" if self.noted and not self.is_remark else ""
        return said + noted + (f" · {_first_words(self.first_said)}" if self.first_said else "")

    @property
    def is_reason_told(self) -> bool:
        """Whether the reason for which it was rejected is the cause that is said against it: it is named once."""
        return bool(self.why) and self.against.startswith(f"{self.why}:")

    @property
    def is_remark(self) -> bool:
        """Whether something is noted of a frame that nothing speaks against."""
        return self.mark == "·" and bool(self.remarks)


NO_STATE = FrameState("", "", "text")
"""Where nobody asks how a frame stands."""


def frame_state(
    frame: Frame,
    rejected: Mapping[str, str],
    left_out: Mapping[str, str],
    failed: Mapping[str, str],
    row: QualityRow | None,
    flags: tuple[Flag, ...] = (),
    *,
    is_kept: bool = False,
    is_finished: bool = False,
    is_unjudged: bool = False,
    is_awaited: bool = False,
    first_said: str = "",
) -> FrameState:
    """Return the one thing that matters most about a frame.

    Parameters
    ----------
    frame : Frame
    rejected, left_out, failed : mapping of path to reason
        By a person or a rule; by the plan; in the last run.
    row : QualityRow or None
        Its quality, for science frames.
    flags : tuple of Flag
        What is said of a calibration frame.
    is_kept : bool
        A person accepted it: suggestions are settled.
    is_finished : bool
        It was calibrated in this run.
    is_unjudged : bool
        It was measured, and its group is not judged yet: then it is neither good nor suspect.
    is_awaited : bool
        A quick look is at work and has not come to it yet.
    first_said : str
        What the first look said of it, where the final values say something else.

    Notes
    -----
    Whether it is rejected, accepted, bad, suspect, not judged or good is told by the core's one rule,
    :func:`~pipeline_core.standing.standing_of`, as in sentence, report and exports. Around it stands what only the
    window knows: that it cannot be used, failed, is of unknown kind, left out, odd in its header, to be judged.
    """
    state = _weightiest(
        frame, rejected, left_out, failed, row, flags,
        is_kept=is_kept, is_finished=is_finished, is_unjudged=is_unjudged, is_awaited=is_awaited,
    )  # fmt: skip
    if "`" in state.why or "`" in state.against:
        state = replace(state, why=in_window(state.why), against=in_window(state.against))
    said = (*(row.flags if row else ()), *flags)
    notes = [flag for flag in said if flag.severity == "note" and flag.cause != NOT_JUDGED]
    if len(said) > 1:
        ordered = sorted(said, key=lambda flag: _WORST_FIRST[flag.severity])
        state = replace(state, causes=tuple(in_window(f"{_mark(flag)} {_told(flag)}") for flag in ordered))
    if not (notes or first_said):
        return state  # most frames; thousands are asked for at once
    remarks = in_window(BETWEEN.join(flag.words for flag in notes))
    noted = ", ".join(dict.fromkeys(flag.brief for flag in notes))
    return replace(state, remarks=remarks, noted=noted, first_said=first_said)


def _weightiest(  # noqa: C901, PLR0911, PLR0912 - one line a state, in the order of weight
    frame: Frame,
    rejected: Mapping[str, str],
    left_out: Mapping[str, str],
    failed: Mapping[str, str],
    row: QualityRow | None,
    flags: tuple[Flag, ...],
    *,
    is_kept: bool,
    is_finished: bool,
    is_unjudged: bool,
    is_awaited: bool,
) -> FrameState:
    path = frame.path
    is_first = row is not None and row.measures.state == "quick"
    if frame.unusable is not None:
        return FrameState("✕", "unusable", "bad", frame.unusable, 0)
    if path in failed:
        return FrameState("!", "failed", "bad", failed[path], 1)
    said = sorted((*(row.flags if row else ()), *flags), key=lambda flag: _WORST_FIRST[flag.severity])
    against = [flag for flag in said if flag.severity != "note"]
    is_science = frame.kind.value == "science"
    is_measured = not is_science or (row is not None and row.measures.state != "none")
    stands = standing_of(said, is_rejected=path in rejected, is_kept=is_kept, is_measured=is_measured)
    if stands == REJECTED:
        return FrameState("✕", "rejected", "bad", rejected[path] or NO_REASON, 2, BETWEEN.join(map(_told, against)))
    if frame.kind.value == "unknown":
        return FrameState("?", "unknown", "warn", "nobody has said what it was taken for", 3)
    if path in left_out and not any(flag.severity == "bad" for flag in flags):  # else these say why
        return FrameState("–", LEFT_OUT, "dim", left_out[path], 6)
    if stands == ACCEPTED:
        why = BETWEEN.join(flag.words for flag in against)
        words = f"accepted in spite of: {why}" if why else f"{ACCEPTED_WORDS}{_since(row, said)}"
        return FrameState("✓", "accepted", "good", words, 8, why)
    if stands in {BAD, SUSPECT}:
        tone = "bad" if stands == BAD else "warn"
        why = BETWEEN.join(flag.words for flag in against)
        mark = BAD_MARK if stands == BAD else SUSPECT_MARK
        return FrameState(mark, against[0].cause, tone, why, 4 + (tone == "warn"), is_first_look=is_first)
    if stands != NOT_JUDGED and frame.problems:
        return FrameState(SUSPECT_MARK, SEE_HEADER, "warn", BETWEEN.join(frame.problems), 5)
    if stands == NOT_JUDGED:
        why = next(flag.words for flag in said if flag.cause == NOT_JUDGED)
        return FrameState(UNTOLD, NOT_JUDGED, "warn", why, 6, is_first_look=is_first)
    if said:
        good = "" if stands != GOOD or not is_science or is_unjudged else "○" if is_first else "✓"
        why = BETWEEN.join(map(_as_remark, said))
        return FrameState("·", said[0].cause, "dim", why, 7, is_first_look=is_first, good_mark=good)
    if is_unjudged:
        return FrameState("·", "first look", "dim", "measured; it is compared with its group when all of it is", 9)
    if is_first:
        return FrameState("○", "good", "dim", "good (first look): nothing speaks against it", 9, is_first_look=True)
    if row is not None and is_measured:
        return FrameState("✓", "good", "good", f"{row.measures.state} values: nothing speaks against it", 9)
    if is_finished:
        return FrameState("✓", "calibrated", "good", "can be looked at: Y shows it", 9)
    if is_awaited and is_science:
        return FrameState("·", "to be judged", "dim", "the quick look comes to it, then its verdict follows", 9)
    return FrameState("·", NOT_MEASURED if is_science else "in use", "dim", "", 9)


def _mark(flag: Flag) -> str:
    if flag.severity != "note":
        return BAD_MARK if flag.severity == "bad" else SUSPECT_MARK
    return UNTOLD if flag.cause == NOT_JUDGED else "·"


def _since(row: QualityRow | None, said: Sequence[Flag]) -> str:
    """Say what the final values say of a frame that was accepted, where nothing in them speaks against it."""
    if row is None or row.measures.state in {"none", "quick"}:
        return ""
    untold = next((flag.words for flag in said if flag.cause == NOT_JUDGED), "")
    return f"; reduced, it is {untold}" if untold else "; reduced, nothing speaks against it"


def _told(flag: Flag) -> str:
    """Return cause and words, the cause once."""
    return flag.words if flag.words.startswith(f"{flag.cause}:") else f"{flag.cause}: {flag.words}"


def _as_remark(flag: Flag) -> str:
    """Return the words of a note, called a remark behind its cause: "dark 5 % too weak for hot pixels (remark): …"."""
    cause, colon, rest = flag.words.partition(":")
    return f"{cause} {AS_REMARK}{colon}{rest}"


def _first_words(said: str, of: str = "") -> str:
    """Say what the first look said; what it called good may well have had a remark, which is its mark then."""
    return f"the first look{of} found nothing against it" if said == "good" else f"the first look{of} said: {said}"


FIRST_FIGURES = "its figures, in italics, are of a first look at the raw frame: not to be set beside reduced frames'"
"""Of a rejected frame of a reduced night: the run left it out, and measured the others anew."""


def frame_tip(frame: Frame, state: FrameState, *, is_reference: bool = False, has_first_figures: bool = False) -> str:
    """Say of a frame what its row has no room for: whole name, what it is, why it stands as it does."""
    exposure = "" if frame.exposure_s is None else f"{frame.exposure_s:g} s"
    facts = (frame.kind.value, frame.filter, exposure, frame.object)
    lines = [frame.path, " · ".join(fact for fact in facts if fact)]
    if state.causes:
        # Several: each has a line of its own, so that the gravest does not hide what else there is.
        if state.mark in {*AGAINST_MARKS, "·", UNTOLD} and state.word != SEE_HEADER:
            lines.append(f"{len(state.causes)} things are said of it (▲ is bad, △ suspect, · {REMARK}):")
        else:
            lines += [f"{state.mark} {state.word}" if state.against else state.words, "said of it:"]
        lines += state.causes
    else:
        lines += [state.words, REMARK] if state.is_remark else [state.words]
        if state.against and state.against not in state.why and not state.is_reason_told:
            lines.append(f"said against it: {state.against}")
        if state.remarks and not state.is_remark:
            lines.append(f"noted besides, no reason to reject: {state.remarks}")
    if state.first_said:
        lines.append(_first_words(state.first_said, " at the raw frame"))
    if state.sky_why:
        lines.append(f"on the sky: {state.sky_why}")
    if state.is_first_look:
        lines.append("a first look at the raw frame: the reduction measures and judges it anew")
    if has_first_figures:
        lines.append(FIRST_FIGURES)
    if is_reference:
        lines.append("the reference that others are compared with")
    return wrapped("\n".join(lines))
