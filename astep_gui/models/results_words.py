"""What came of a night, in words: of the run that just ended, or of what lies in the results of another day."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from astep_gui.models.needs_words import questions
from astep_gui.models.window_words import in_window
from pipeline_core.measures import to_look_at
from pipeline_core.name_words import counted
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from astep_gui.models.judgements import ChangedVerdicts
    from astep_gui.models.night_model import NightModel
    from pipeline_core.findings import Finding
    from pipeline_core.noise_summary import NoiseSummary
    from pipeline_core.reduction_told import Reduction
    from pipeline_core.run_record import RunRecord
    from pipeline_core.survey import Survey

FACT_TIPS = {
    "Noise": (
        "Before and after the calibration, as the frames' median. Pixel to pixel: the grain of the sky. From place to "
        "place: how uneven the sky is over the frame, by shade in the corners, dust, slopes. × 0.21: a fifth of it is "
        "left. Less than × 1 is better; from place to place a good flat brings it far below."
    ),
    "Masters": (
        "bias, dark, flat: combined frames. mask: pixels that are bad, hot or unsteady, marked in calibrated files; "
        "mask_noflat: the same for frames without a flat, by the dark alone."
    ),
}
"""What a fact means, to whoever rests the pointer on it."""
_NO_RESULTS = "There are no results yet: Ctrl+R reduces the night"
_BROKEN_OFF = "▲ A run was broken off; Ctrl+R goes on"

FILES = {
    "report.html": "the night on one page",
    "report_small.html": "the same below 100 KB",
    "quality.ecsv": "what was measured of each frame",
    "accepted.txt": "frames that are used",
    "rejected.txt": "frames that are not, with the reasons",
    "recipe.toml": "the settings",
    "logbook.sqlite": "decisions, and what was made of what",
    "log.jsonl": "what the runs said",
}
"""Files of the results that a person may want to open, and what is in them."""
MOST_NAMED = 2
"""Frames of one changed verdict that are named."""
BEFORE_CHANGES = "before your last changes"


def headline(result: Reduction) -> str:
    """Say in one line how the run ended."""
    counts = result.counts
    if result.failed:
        return f"! Finished, {len(result.failed)} failed"
    if not counts["done"] and not any(state == "made" for state in result.masters.values()):
        # Judging, aligning, solving, moving make no product: nothing was up to date for the person who asked for it.
        return f"✓ {_without_product(result)}"
    if not counts["done"]:
        made = sum(state == "made" for state in result.masters.values())
        return f"✓ {counted(made, 'master')} made"
    return f"✓ {counted(counts['done'], 'frame')} calibrated"


def _without_product(result: Reduction) -> str:
    judged = f"{counted(result.judged, 'frame')} judged anew" if result.judged else ""
    told = (judged, result.aligned_words, result.searched_words, result.moved_words)
    words = ", ".join(filter(None, told))
    return words[:1].upper() + words[1:] if words else "Everything was up to date"


def run_facts(result: Reduction) -> dict[str, str]:
    """Sum up the run that just ended: name → words; "To look at" is there, and empty, for who knows better."""
    counts = result.counts
    made = sum(state == "made" for state in result.masters.values())
    says = {"cached": "up to date" if counts["done"] else "were up to date", "failed": "failed"}
    frames = [f"{counts[name]} {how}" for name, how in says.items() if counts[name]]
    if counts["done"] or not frames:  # "0 calibrated" beside frames that are up to date sounds like a failure
        frames.insert(0, f"{counts['done']} calibrated")
    frames += [left_out_words(counts["left_out"], sum(counts.values()))] if counts["left_out"] else []
    cached = len(result.masters) - made
    masters = f"{made} made" if made or not cached else ""
    standing = f"{cached} {'was' if cached == 1 else 'were'} up to date" if cached else ""
    facts = {"Frames": " · ".join(frames), "Masters": " · ".join(filter(None, (masters, standing)))}
    if result.noise is not None:
        facts["Noise"] = _two_lines(result.noise)
    if result.saturated_words:
        facts["Saturated"] = result.saturated_words
    if result.sky is not None:
        left_out = f" · {result.sky.left_out} rejected left out" if result.sky.left_out else ""
        facts["Solved"] = f"{result.sky.solved} of {counted(len(result.sky.frames), 'frame')}{left_out}"
    elif result.sky_words:
        facts["Solved"] = f"none: {in_window(result.sky_words)}"
    facts["To look at"] = ""
    facts["Took"] = _took(result.seconds, result.peak_memory_mb)
    return facts


def known_facts(survey: Survey | None, night: NightModel) -> dict[str, str]:
    """Sum up what lies in the results, by the rules of a run: rejected frames are not counted."""
    if survey is None or not survey.is_reduced:
        return {}
    ready = sum(master.state == "up to date" for master in survey.masters)
    used = [path for path in survey.calibrated if path not in night.rejected]
    stale = sum(path in survey.stale for path in used)
    # Verdicts, places or moves may wait for a run though no file does.
    none_stale = "all up to date" if survey.is_up_to_date else "none to be made anew"
    standing = none_stale if not stale else f"{len(used) - stale} up to date"
    moves = len({*used} & {*survey.moves})  # accepted again since: the file still lies with the rejected
    standing += f", {moves} still among the rejected" if moves else ""
    left, of, _ = left_out_of(night)
    facts = {
        "Frames": f"{len(used)} calibrated, {standing}" + (f" · {left_out_words(left, of)}" if left else ""),
        "Masters": f"{ready} of {len(survey.masters)} up to date",
    }
    if survey.noise is not None:
        facts["Noise"] = _two_lines(survey.noise)
    if survey.last_run is not None and (saturated := _known_saturated(survey.last_run)):
        facts["Saturated"] = saturated
    if survey.solved is not None:
        facts["Solved"] = f"{survey.solved[0]} of {counted(survey.solved[1], 'frame')}"
    elif survey.sky_words:
        facts["Solved"] = f"none: {in_window(survey.sky_words)}"
    facts["To look at"] = ""
    if survey.last_run is not None:
        facts["Took"] = _last_took(survey.last_run)
    return facts


def standing_words(survey: Survey | None) -> str:
    """Say in one line how the results of another day stand."""
    if survey is None or not survey.is_reduced:
        return _BROKEN_OFF if survey is not None and survey.was_broken_off else _NO_RESULTS
    if survey.is_up_to_date:
        return "✓ Reduced; everything is up to date"
    if survey.was_broken_off:
        return _BROKEN_OFF
    return "▲ Reduced, but decisions changed since: Ctrl+R makes anew what they change"


def suggested_words(night: NightModel, result: Reduction | None) -> str:
    """Say how many frames wait for an answer now: those that a person settled since the run wait no more."""
    rows = night.rows.values()
    if (
        result is not None
        and night.awaits_final
        and any(row.measures.state == "quick" and path not in night.left_out for path, row in night.rows.items())
    ):
        rows = {}.values()  # the first look's, until the run's own are read
    number = len(to_look_at(rows, night.rejected, night.choices.kept)) if rows else result.flagged if result else 0
    suggested = f"{counted(number, 'frame')} suggested" if number else "nothing is suggested"
    return f"{suggested} · {questions(night.needs)} left" if night.needs else suggested


def sentence(words: str) -> str:
    """Return a warning of the core as a sentence of the window: with its own ways, and a capital."""
    said = in_window(words)
    first, _, _ = said.partition(" ")
    # A master's name stays as it is written in its file.
    return said if "_" in first else said[:1].upper() + said[1:]


def told_findings(result: Reduction | None, record: RunRecord | None) -> tuple[Finding, ...]:
    """Return what the last run warned of: the one that just ended, else the one that is remembered."""
    if result is not None:
        return result.findings
    if record is None:
        return ()
    from pipeline_core.findings import findings_of  # noqa: PLC0415 - for what was kept only

    try:
        return findings_of(record.findings)
    except TypeError:  # of a later version
        return ()


def _known_saturated(record: RunRecord) -> str:
    from pipeline_core.reduction_told import saturated_words  # noqa: PLC0415 - for what was kept only

    return saturated_words(record.saturated, record.saturated_before)


def old_reports_words(reports: Mapping[str, bool]) -> str:
    """Say which reports do not show what holds now; empty where all do."""
    old = [name for name, is_old in reports.items() if is_old]
    return f"▲ {' and '.join(old)} {'is' if len(old) == 1 else 'are'} from {BEFORE_CHANGES}" if old else ""


def left_out_of(night: NightModel) -> tuple[int, int, int]:
    """Count what takes no part: science frames left out, all science frames, calibration frames left out."""
    # Of those that a rule rejected the plan makes files all the same, to judge them again.
    frames = [frame for path in {*night.left_out, *night.rejected} if (frame := night.frame(path)) is not None]
    science = sum(frame.kind is FrameKind.SCIENCE for frame in frames)
    return science, sum(frame.kind is FrameKind.SCIENCE for frame in night.frames), len(frames) - science


def left_out_words(science: int, of: int, calibration: int = 0) -> str:
    """Return "1 of 60 science frames and 6 calibration frames left out"; empty where all take part.

    Parameters
    ----------
    science, of : int
        Science frames left out, and all of them.
    calibration : int
        Other frames left out; a run counts its science frames only.
    """
    parts = [f"{science} of {counted(of, 'science frame')}"] if science else []
    parts += [counted(calibration, "other frame")] if calibration else []
    return f"{' and '.join(parts)} left out" if parts else ""


def verdicts_words(changes: ChangedVerdicts, name: Callable[[str], str]) -> str:
    """Say which verdicts the last run changed: "changed by the last run: 055 now cloud · 3 frames no longer haloes".

    Parameters
    ----------
    changes : ChangedVerdicts
        What was said of frames that are not judged now is not named: it might be read as what is said.
    name : callable
        Path → what a person calls the frame; few are named, more are counted.
    """
    parts: list[str] = []
    for changed, says in (
        (changes.flagged, "now {}"),
        (changes.no_longer, "no longer {}"),
        (changes.otherwise, "now {}, another cause before"),
        (dict.fromkeys(changes.unjudged, ""), "not judged any more"),
    ):
        of_cause: dict[str, list[str]] = {}
        for path, cause in changed.items():
            of_cause.setdefault(cause, []).append(path)
        for cause, paths in of_cause.items():
            who = " and ".join(map(name, paths)) if len(paths) <= MOST_NAMED else counted(len(paths), "frame")
            parts.append(f"{who} {says.format(cause)}")
    return f"changed by the last run: {' · '.join(parts)}" if parts else ""


def _took(seconds: float, peak_memory_mb: float) -> str:
    return f"{seconds:.0f} s · {peak_memory_mb / 1000:.1f} GB of memory at most"


def _last_took(record: RunRecord) -> str:
    """Say what the last run took, and when it ended: it was another day perhaps."""
    words = _took(record.seconds, record.peak_memory_mb)
    try:
        ended = datetime.fromisoformat(record.ended_utc)
    except ValueError:  # written by something else
        return words
    part = f", {record.only} only" if record.only else ""
    return f"{words} · ended {ended:%Y-%m-%d %H:%M} UTC{part}"


def _two_lines(noise: NoiseSummary) -> str:
    return noise.words().replace(" · ", "\n")
