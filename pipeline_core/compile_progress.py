"""How far the compiling of the kernels is, and how long it still takes: counted, and reckoned from the usual shares."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# fmt: off
SCIENCE = (
    ("mark_full", 0.4), ("fill_enclosed", 1.3), ("lengthen_runs", 0.3), ("mark_full", 0.1), ("fill_enclosed", 0.8),
    ("grow_mask", 0.1), ("_medians_around", 0.7), ("variance_floors", 0.3), ("screen", 0.4), ("detect_cells", 10.2),
    ("collect", 0.3), ("protect_stars", 4.7), ("protect_lit_around", 0.8), ("fill", 0.3), ("_lit_boxes", 6.1),
    ("_in_high_groups", 0.6), ("put", 0.2), ("mark_cells", 0.2), ("count_events", 0.8), ("isolated_peaks", 3.0),
    ("best_widths", 2.1), ("bright_blocks", 1.2), ("centred", 1.0), ("radial_samples", 0.5), ("blocks_near", 0.5),
    ("fit_stars", 6.4), ("too_bright", 0.6), ("_tile_statistics", 1.4), ("_tile_statistics", 0.6),
    ("_subtract", 0.5), ("_label", 2.3), ("_fit_all", 3.0), ("_profiles", 1.0), ("_moments", 0.6),
    ("_apertures", 0.2), ("_rings", 2.0), ("_tile_statistics", 0.9), ("_means", 0.2), ("_vote", 0.2),
)
"""Kernels of science frames in the order in which :func:`pipeline_core.warm_up.warm_up_science` comes to them, and the
seconds that each took once, on two cores of 2026 that others used too: only their shares of the whole count."""
CALIBRATION = (
    ("_median_of_nine", 0.3), ("count_above", 0.1),
)
"""Those of calibration frames beyond them; with fewer kernels ready the others are compiled too, uncounted."""
# fmt: on
_TELLS = 0.1
"""Part of the whole that has to be done before it tells how fast this machine is: the first ones are slow anywhere."""


class HowFar(NamedTuple):
    """Of the kernels that are to be compiled."""

    done: int
    total: int
    left_s: float | None
    """Seconds that the rest takes; None while this machine's speed is not known, and when what was reckoned is over."""


class CompileProgress:
    """Follows a compiler by what it says it has compiled.

    Parameters
    ----------
    usual : sequence of (str, float)
        What will be compiled, in order, and how long each took once (s).
    """

    def __init__(self, usual: Sequence[tuple[str, float]]) -> None:
        self._usual = tuple(usual)
        self._reached = self._heard = 0
        self._since_s = self._took_s = self._counted_s = 0.0

    def at(self, compiled: Sequence[tuple[str, float]], seconds: float) -> HowFar:
        """Return how far it is.

        Parameters
        ----------
        compiled : sequence of (str, float)
            Kernels that are compiled by now, and how long each took here (s).
        seconds : float
            Since the beginning, now.
        """
        for name, took_s in compiled[self._heard :]:
            at = next((k for k in range(self._reached, len(self._usual)) if self._usual[k][0] == name), None)
            if at is not None:  # those between were ready already
                self._reached, self._since_s = at + 1, seconds
                self._took_s += took_s
                self._counted_s += self._usual[at][1]
        self._heard = max(self._heard, len(compiled))
        return HowFar(self._reached, len(self._usual), self._left_s(seconds))

    def _left_s(self, seconds: float) -> float | None:
        rest = [usual_s for _, usual_s in self._usual[self._reached :]]
        whole_s = sum(usual_s for _, usual_s in self._usual)
        if not rest or self._counted_s < _TELLS * whole_s:
            return None
        speed = self._took_s / self._counted_s
        # The one that is being compiled takes its share at least: once that is over, nothing is promised of it.
        now_s = max(speed * rest[0] - (seconds - self._since_s), 0.0)
        left_s = now_s + speed * sum(rest[1:])
        return left_s if left_s > 0.5 else None


def left_words(left_s: float) -> str:
    """Return "about 30 s left": in steps of five, above a minute of ten seconds."""
    step = 5 if left_s < 60 else 10
    return f"about {max(step, step * round(left_s / step))} s left"


@contextmanager
def told_to(file: Path) -> Iterator[None]:
    """Write a line for each kernel that is compiled meanwhile in this process: its name, and the seconds it took.

    Through a file: whoever compiles is a process of its own, whose work is waited for as a whole.
    """
    from numba.core import event  # noqa: PLC0415 - heavy, on demand

    class Listener(event.Listener):
        """Hears of kernels; those that another one calls are a part of it."""

        depth = 0
        begun = 0.0

        def on_start(self, _event: event.Event) -> None:
            if not self.depth:
                self.begun = time.monotonic()
            self.depth += 1

        def on_end(self, event: event.Event) -> None:
            self.depth -= 1
            if not self.depth:
                name = event.data["dispatcher"].py_func.__name__
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(f"{name} {time.monotonic() - self.begun:.3f}\n")

    with event.install_listener("numba:compile", Listener()):
        yield


def compiled_by(file: Path) -> list[tuple[str, float]]:
    """Return what stands in such a file; a line that is being written is none yet."""
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = (line.split() for line in lines if line.endswith("\n"))
    return [(name, float(seconds)) for name, seconds in whole]
