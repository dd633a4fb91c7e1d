"""Streaks: satellites and planes that cross a frame in long straight lines."""

# Compiled loops take their arguments by position and are one loop each.
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.science.background import sky_mesh, without_sky
from pipeline_core.science.jit import kernel

if TYPE_CHECKING:
    from pipeline_core.science.components import Components
    from pipeline_core.types import Image

Streak = tuple[float, float, float, float]
_SIDE = 320  # binned pixels along the shorter side: a trail is then seldom split between two of them
_ANGLES = 360  # 0.5°: one binned pixel at the end of a line across the frame; a fit refines it
_BRIGHT = 2.0  # a binned pixel above its surroundings by this many sigma of its surroundings may belong to a streak
_COVERED = 0.5  # part of a streak's length that must be bright: stars by chance reach 0.1
_MOST = 5


def find_streaks(
    image: Image, noise: float, sources: Components, stars: npt.NDArray[np.bool_], fwhm_px: float | None
) -> tuple[Streak, ...]:
    """Find long straight lines.

    Parameters
    ----------
    image : (ny, nx) float32
        Sky removed, finite.
    noise : float
        Standard deviation of the sky, image unit.
    sources : Components
        Everything that stands out.
    stars : (n,) bool
        Which of the sources look like stars.
    fwhm_px : float or None
        Width of the stars.

    Returns
    -------
    tuple of (x0, y0, x1, y1)
        Ends in px, 0-based; at most five, the longest first.

    Notes
    -----
    The frame is averaged in blocks, compact bright sources are taken out, and the bright blocks vote for lines (Hough).
    A line counts if at least half of a run of it is bright and the run is longer than 15 % of the frame's shorter side
    and than three typical stars: stars that all trail are short and alike, and are taken out with the sources. Lines
    along rows or columns within 0.3° are bleeding or bad columns and do not count; nor do lines that are wider than a
    point of light in motion can be (curtains of aurora, edges of cloud), or that run along a border of the frame, where
    the flat is steep.
    """
    if not noise > 0.0 or min(image.shape) < 64:
        return ()
    block = max(1, round(min(image.shape) / _SIDE))
    binned = _block_means(image, block)
    # Against its own surroundings: raw frames hold the flat's structure, which binning does not average away.
    around = sky_mesh(binned, tile=32)
    spread = np.where(np.isfinite(around.sigma), around.sigma, np.inf)
    rows = np.arange(binned.shape[0]) * spread.shape[0] // binned.shape[0]
    columns = np.arange(binned.shape[1]) * spread.shape[1] // binned.shape[1]
    local = np.maximum(spread[np.ix_(rows, columns)], noise / block)
    bare = without_sky(binned, around)
    bright = bare > _BRIGHT * local
    typical = _take_out(bright, sources, stars, block, noise, fwhm_px)
    shortest = max(0.15 * min(image.shape), 3.0 * typical, 48.0) / block
    found: list[tuple[float, Streak]] = []
    points_y, points_x = np.nonzero(bright)
    if points_x.size > 0.25 * bright.size:
        return ()  # a quarter of the frame is bright: clouds or a nebula, and every line is covered
    failures = 0
    crowd = 1.0 - (1.0 - points_x.size / bright.size) ** 3.2  # a band 3.2 px wide is covered that much by chance
    covered = max(_COVERED, 0.5 + 0.5 * crowd)
    for _ in range(_MOST + 2):
        if points_x.size < 0.3 * shortest:
            break
        line = _strongest_line(points_x, points_y, bright.shape)
        ends, on_line = _run(points_x, points_y, line, shortest, covered)
        if ends is not None:
            length, streak = ends
            angle = float(np.degrees(np.arctan2(streak[3] - streak[1], streak[2] - streak[0])))
            off_axis = min(angle % 90.0, 90.0 - angle % 90.0)
            if (
                off_axis > 0.3
                and not _along_border(streak, bare.shape)
                and _is_narrow(bare, streak, (fwhm_px or 2.0) / block)
                and _is_ridge(binned, streak, (fwhm_px or 2.0) / block)
            ):
                x0, y0, x1, y1 = (block * (v + 0.5) - 0.5 for v in streak)
                found.append((length, (x0, y0, x1, y1)))
        else:
            failures += 1
            if failures == 2:
                break
        points_x, points_y = points_x[~on_line], points_y[~on_line]
    return tuple(streak for _, streak in sorted(found, reverse=True)[:_MOST])


def _take_out(
    bright: npt.NDArray[np.bool_],
    sources: Components,
    stars: npt.NDArray[np.bool_],
    block: int,
    noise: float,
    fwhm_px: float | None,
) -> float:
    """Clear the blocks of compact and of saturated sources; return the length of a typical bright source, px."""
    if len(sources) == 0:
        return 0.0
    length = sources.length
    a, b = sources.axes
    order = np.argsort(np.where(stars, -sources.flux, 0.0))[:40]
    order = order[stars[order]]
    typical = float(np.median(length[order])) if order.size >= 3 else 0.0
    trailed = order.size >= 3 and float(np.median(a[order] / b[order])) > 2.0
    # A faint streak breaks into pieces that are long for their brightness; stars are round, or as long as the others.
    compact = (sources.peak > 5.0 * noise) & (length < 3.0 * max(typical, 6.0)) & ((a < 2.0 * b) | trailed)
    ny, nx = bright.shape
    grow = 1.0 + (fwhm_px or 2.0) / block
    for k in np.flatnonzero(compact & ~sources.saturated):
        x0, x1, y0, y1 = sources.box[k]
        if not trailed:
            # A star on a streak may hold a piece of it: clear what the star itself covers.
            half = max(0.5 * typical, 3.0 * b[k])
            x0, x1 = max(x0, sources.x[k] - half), min(x1, sources.x[k] + half)
            y0, y1 = max(y0, sources.y[k] - half), min(y1, sources.y[k] + half)
        rows = slice(max(int(y0 / block - grow), 0), min(int(y1 / block + grow) + 1, ny))
        columns = slice(max(int(x0 / block - grow), 0), min(int(x1 / block + grow) + 1, nx))
        bright[rows, columns] = False
    for k in np.flatnonzero(sources.saturated):
        # Halo and spikes of a full star; not its whole group, which may have grown along a streak that crosses it.
        radius = (2.0 * np.sqrt(min(sources.pixels[k], 40_000.0)) + 4.0) / block
        cx, cy = sources.x[k] / block, sources.y[k] / block
        y, x = np.ogrid[
            max(int(cy - radius), 0) : min(int(cy + radius) + 2, ny),
            max(int(cx - radius), 0) : min(int(cx + radius) + 2, nx),
        ]
        bright[y, x] &= np.hypot(y - cy, x - cx) > radius
    return typical if trailed else min(typical, 10.0 * (fwhm_px or 3.0))


def _block_means(image: Image, block: int) -> npt.NDArray[np.float32]:
    ny, nx = image.shape[0] // block, image.shape[1] // block
    out = np.empty((ny, nx), np.float32)
    _means(image, block, out)
    return out


def _strongest_line(x: npt.NDArray[Any], y: npt.NDArray[Any], shape: tuple[int, int]) -> tuple[float, float]:
    """Return direction (radians) and offset of the line with most votes above what its length expects."""
    votes, offset = _vote(x.astype(np.float32), y.astype(np.float32), _ANGLES, shape[0], shape[1])
    # Three neighbouring offsets together: a streak is rarely inside one.
    wide = votes[:, :-2] + votes[:, 1:-1] + votes[:, 2:]
    k, r = np.unravel_index(int(np.argmax(wide)), wide.shape)
    return float(np.pi * k / _ANGLES), float(r + 1 - offset)


def _run(
    x: npt.NDArray[Any], y: npt.NDArray[Any], line: tuple[float, float], shortest: float, covered: float
) -> tuple[tuple[float, Streak] | None, npt.NDArray[np.bool_]]:
    """Return the longest covered run of points along a line, refined, and which points lie on the line."""
    angle, rho = line
    on_line = np.zeros(x.size, bool)
    for width in (2.5, 1.6, 1.6):
        # rho is the distance of the line from the origin along its normal (-sin, cos).
        along = x * np.cos(angle) + y * np.sin(angle)
        off = -x * np.sin(angle) + y * np.cos(angle) - rho
        on_line = np.abs(off) <= width
        ends = _longest(along[on_line], covered)
        if ends is None or ends[1] - ends[0] < shortest:
            return None, np.abs(off) <= 2.5
        inside = on_line & (along >= ends[0]) & (along <= ends[1])
        tilt, shift = np.polyfit(along[inside], off[inside], 1)
        rho = (rho + shift) / np.hypot(1.0, tilt)
        angle += float(np.arctan(tilt))
    along = x * np.cos(angle) + y * np.sin(angle)
    off = -x * np.sin(angle) + y * np.cos(angle) - rho
    ends = _longest(along[np.abs(off) <= 1.6], covered)
    on_line = np.abs(off) <= 3.5
    if ends is None or ends[1] - ends[0] < shortest:
        return None, on_line
    first, last = ends
    inside = (along >= first) & (along <= last)
    core = np.count_nonzero(inside & (np.abs(off) <= 1.6))
    beside = max(np.count_nonzero(inside & (off * side > 4.0) & (off * side <= 7.2)) for side in (-1.0, 1.0))
    if core < 2.5 * beside + 5.0 * np.sqrt(beside + 1.0):
        return None, on_line  # a band of crowded stars or a bright edge: its sides are as bright
    streak = (
        float(first * np.cos(angle) - rho * np.sin(angle)),
        float(first * np.sin(angle) + rho * np.cos(angle)),
        float(last * np.cos(angle) - rho * np.sin(angle)),
        float(last * np.sin(angle) + rho * np.cos(angle)),
    )
    return (last - first, streak), on_line


def _along_border(streak: Streak, shape: tuple[int, int]) -> bool:
    """Whether both ends lie in the outermost 3 % along one side of the frame."""
    x0, y0, x1, y1 = streak
    ny, nx = shape
    rim = 0.03 * min(shape)
    return max(x0, x1) < rim or max(y0, y1) < rim or min(x0, x1) > nx - 1 - rim or min(y0, y1) > ny - 1 - rim


def _is_narrow(bare: npt.NDArray[np.float32], streak: Streak, fwhm: float) -> bool:
    """Whether the light of a line, all in binned pixels, falls to less than half on either side of it."""
    far = _beyond_wings(fwhm)
    core = max(_level(bare, streak, -1.0), _level(bare, streak, 0.0), _level(bare, streak, 1.0))
    # An edge of the sky, its level taken off, is a bright line beside a dark one.
    if min(_level(bare, streak, float(off)) for off in np.arange(-far, far + 0.5)) < -0.5 * core:
        return False
    # A point of light in motion is as narrow as a star; two blocks allow for a line that is half a block off.
    near = max(2.0, 1.5 * fwhm + 1.0)
    sides = max(_level(bare, streak, -near), _level(bare, streak, near))
    return core > 0.0 and sides < 0.5 * core


def _is_ridge(binned: npt.NDArray[np.float32], streak: Streak, fwhm: float) -> bool:
    """Whether a line is brighter than both of its sides before its surroundings are taken off.

    The knee where vignetting begins is not: one of its sides is brighter.
    """
    far = _beyond_wings(fwhm)
    core = max(_level(binned, streak, -1.0), _level(binned, streak, 0.0), _level(binned, streak, 1.0))
    return core > max(_level(binned, streak, -far, -far - 1.0), _level(binned, streak, far, far + 1.0))


def _beyond_wings(fwhm: float) -> float:
    """Distance at which a star's own wings have gone: a Moffat image has a twentieth of its peak there."""
    return max(5.0, 1.5 * fwhm)


def _level(plane: npt.NDArray[np.float32], streak: Streak, *offsets: float) -> float:
    """Median along the lines that run beside a streak at these distances."""
    x0, y0, x1, y1 = streak
    length = float(np.hypot(x1 - x0, y1 - y0))
    step = np.arange(0.0, length)
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    values = []
    for off in offsets:
        x, y = np.rint(x0 + step * ux - off * uy).astype(int), np.rint(y0 + step * uy + off * ux).astype(int)
        inside = (x >= 0) & (y >= 0) & (x < plane.shape[1]) & (y < plane.shape[0])
        values.append(plane[y[inside], x[inside]])
    together = np.concatenate(values)
    return float(np.median(together)) if together.size else 0.0


def _longest(along: npt.NDArray[Any], covered: float) -> tuple[float, float] | None:
    """Return the ends of the longest stretch in which at least ``covered`` of the steps hold a point."""
    if along.size < 4:
        return None
    start = int(np.floor(along.min()))
    lit = np.zeros(int(np.floor(along.max())) - start + 1)
    lit[np.floor(along).astype(int) - start] = 1.0
    # Each lit step earns, each dark one costs: the best sum is the best covered stretch; a gap of more than
    # 16 steps ends it.
    best, best_ends = 0.0, None
    score, first, dark = 0.0, 0, 0
    for k, value in enumerate(lit):
        if value > 0:
            if score <= 0.0:
                first, score = k, 0.0
            score += 1.0 - covered
            dark = 0
            if score > best:
                best, best_ends = score, (first, k)
        else:
            score -= covered
            dark += 1
            if dark > 16:
                score = 0.0
    if best_ends is None:
        return None
    return float(best_ends[0] + start), float(best_ends[1] + start + 1)


@kernel
def _means(image: Any, block: int, out: Any) -> None:
    row = np.empty(image.shape[1], np.float32)
    scale = np.float32(1.0 / (block * block))
    for j in range(out.shape[0]):
        row[:] = 0.0
        for y in range(j * block, (j + 1) * block):
            for x in range(row.size):
                row[x] += image[y, x]
        for i in range(out.shape[1]):
            total = np.float32(0.0)
            for x in range(i * block, (i + 1) * block):
                total += row[x]
            out[j, i] = total * scale


@kernel
def _vote(x: Any, y: Any, angles: int, ny: int, nx: int) -> tuple[Any, int]:
    offset = int(np.hypot(ny, nx)) + 2
    votes = np.zeros((angles, 2 * offset + 1), np.int32)
    for k in range(angles):
        s, c = np.float32(np.sin(np.pi * k / angles)), np.float32(np.cos(np.pi * k / angles))
        row = votes[k]
        half = np.float32(offset + 0.5)  # makes it positive: int() then rounds down
        for i in range(x.size):
            row[int(y[i] * c - x[i] * s + half)] += 1
    return votes, offset
