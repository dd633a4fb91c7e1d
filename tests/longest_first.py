"""The order of the files of tests: what takes long begins first, so that at the end no process works alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = (
    # The kernels that these compile in a fresh checkout are others in each: no two processes compile the same.
    "core/test_cosmic.py",
    "core/test_trail.py",
    "core/test_combine.py",
    "core/test_warp.py",
    # From here on the longest first; beside the first, whose programs compile what is left, those that compile nothing.
    "core/test_fate.py",
    "core/test_runner.py",
    "core/test_judge.py",
    "gui/test_real_program.py",
    "gui/test_rows_stay.py",
    "gui/test_results.py",
    "gui/test_sky.py",
    "core/test_fate_executors.py",
    "real/test_reduce_real.py",
    "core/test_solve_night.py",
    "core/test_fate_decisions.py",
    "gui/test_gravest_warnings.py",
    "gui/test_calibrated_again.py",
    "gui/test_products_anew.py",
    "gui/test_quiet_memory.py",
    "gui/test_workflow.py",
    "core/test_quick_company.py",
    "core/test_reduce.py",
    "real/test_solve_real.py",
    "real/test_measure_real.py",
    "real/test_masters_real.py",
    "real/test_align_real.py",
    "gui/test_low_window.py",
    "gui/test_window_place.py",
    "core/test_truth_night.py",
    "core/test_solve_again.py",
    "core/test_align_night.py",
    "real/test_cosmic_real.py",
    "gui/test_memory.py",
    "core/test_executor.py",
    "core/test_steps.py",
    "core/test_sky_fields.py",
    "core/test_fate_places.py",
    "core/test_catalogues.py",
    "core/test_nova.py",
    "gui/test_words_seen.py",
    "gui/test_main_window.py",
)
"""Files that take ten seconds and more; a new one is worth a line here, a forgotten one is no fault."""


class Item(Protocol):
    """What is asked of a test."""

    path: Path


def longest_first(items: list[Item], tests: Path) -> None:
    """Put the tests of long files before all others; within a file, and among the others, the order stays.

    Parameters
    ----------
    items : list of tests
        As collected; sorted in place.
    tests : Path
        The folder that ``LONGEST`` is told from.
    """
    rank = {tests / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
