"""A demo night made, reduced by the command line as a person would, and set beside its truth."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.cli import main
from pipeline_core.demo.night import make_demo_night
from pipeline_core.io.calibrated_file import read_calibrated

from .truth_checks import FlagReport, compare_cosmics, compare_flags, compare_pixels, compare_stars

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.demo.truth import Truth


@dataclass(frozen=True)
class NightReport:
    """What a reduced night came to, over its good science frames."""

    offset_sigma: float
    """Mean of calibrated minus truth over the noise, of the night."""
    worst_offset_sigma: float
    """Largest of any single frame."""
    pull_sigma: float
    """Mean over the frames."""
    worst_pull: float
    """The pull farthest from 1."""
    flux_ratio: float
    """Median of measured over true, stars of all frames pooled."""
    levels: Mapping[str, float]
    """Filter → median of calibrated over truth."""
    stars: int
    hurt: int
    events: int
    events_found: int
    pixels: int
    pixels_found: int
    inner_events: int
    """Events that do not touch the outermost two pixels of the frame."""
    inner_events_found: int
    flags: FlagReport
    stray_notes: tuple[tuple[str, str], ...]
    """Frames said to hold a streak or aurora that was not planted."""


def answer(*words: str | Path) -> dict[str, Any]:
    """Return what a command of astep answers with --json; it must not fail."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main([*map(str, words), "--json", "--quiet"])
    assert code in (0, 1), out.getvalue()
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def reduced_demo(folder: Path, **night: Any) -> tuple[Truth, Path]:
    """Make a demo night in ``folder`` and reduce it, with uncertainties; return its truth and the output."""
    truth = make_demo_night(folder / "night", **night)
    recipe = folder / "recipe.toml"
    recipe.write_text("[calibrate]\nuncertainty = true\n")
    out = folder / "out"
    answer("reduce", folder / "night", "-o", out, "--recipe", recipe, "--executor", "threads", "--workers", "1")
    return truth, out


def causes(out: Path) -> dict[str, set[str]]:
    """Return path → causes of the flags of ``astep quality`` and of the files that could not be used."""
    return {frame["path"]: {flag["cause"] for flag in frame["flags"]} for frame in answer("quality", out)["frames"]}


def unreadable(folder: Path) -> dict[str, set[str]]:
    """Return what the scan says of files that cannot be read, as causes."""
    scanned = answer("scan", folder)["frames"]
    return {f["path"]: {"unreadable"} for f in scanned if any("cut short" in words for words in f["problems"])}


def report(truth: Truth, out: Path, night: Path) -> NightReport:
    """Set a reduced demo night beside its truth."""
    flags: dict[str, set[str]] = causes(out)
    for path, found in unreadable(night).items():
        flags[path] = flags.get(path, set()) | found
    pixels, stars, rays, inner = [], [], [], []
    levels: dict[str, list[float]] = {}
    for path in truth.good_science():
        file = out / "calibrated" / path.replace(".fits", "_CAL.fits")
        frame = read_calibrated(file)
        pixels.append(compare_pixels(truth, path, frame.image, frame.mask, frame.uncertainty))
        stars.append(compare_stars(truth, path, frame.image, frame.mask))
        rays.append(compare_cosmics(truth, path, frame.mask))
        inner.append(compare_cosmics(truth, path, frame.mask, border=2))
        levels.setdefault(truth.frame(path).filter or "", []).append(pixels[-1].level_ratio)
    offsets = np.array([p.offset_sigma for p in pixels])
    pulls = np.array([p.pull_sigma for p in pixels])
    planted: dict[str, set[str]] = {}
    for row in truth.planted:
        planted.setdefault(row.path, set()).add(row.cause)
    stray = tuple(
        (path, cause)
        for path, found in flags.items()
        for cause in sorted(found & {"streak", "aurora"} - planted.get(path, set()))
    )
    return NightReport(
        float(offsets.mean()),
        float(np.abs(offsets).max()),
        float(pulls.mean()),
        float(pulls[np.argmax(np.abs(pulls - 1))]),
        float(np.median([ratio for s in stars for ratio in s.ratios])),
        {name: float(np.median(values)) for name, values in levels.items()},
        sum(s.checked for s in stars),
        sum(s.hurt for s in stars),
        sum(r.events for r in rays),
        sum(r.events_found for r in rays),
        sum(r.pixels for r in rays),
        sum(r.pixels_found for r in rays),
        sum(r.events for r in inner),
        sum(r.events_found for r in inner),
        compare_flags(truth, flags),
        stray,
    )
