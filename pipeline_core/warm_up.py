"""Compile every kernel on tiny arrays, so that workers and first frames find them ready."""

from __future__ import annotations

import os
import threading
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.events import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool

SIDE = 96
_LOOK_S = 0.1
"""How often the wait for the compiler looks whether it was cancelled."""


def is_first_time(*, science: bool) -> bool:
    """Whether the kernels were never compiled on this account, so that a person should be told why it takes a minute.

    Parameters
    ----------
    science : bool
        Ask for those of science frames too.
    """
    from pipeline_core.science import jit  # noqa: PLC0415, F401 - sets the folder

    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    # The last module that each warm-up comes to: a compilation that was interrupted counts as none.
    last = "streaks" if science else "dark_sources"
    return not folder.is_dir() or next(folder.rglob(f"{last}.*.nbi"), None) is None


def unless_stopped(context: RunContext, warm_up: Callable[[], None]) -> None:
    """Compile kernels; a person who stops the run does not wait for the compiler.

    Parameters
    ----------
    context : RunContext
    warm_up : callable
        :func:`warm_up_calibration` or :func:`warm_up_science`.

    Raises
    ------
    Cancelled
        If a stop was asked for. The compiler is left behind in its thread, which ends with the program.
    """
    faults: list[Exception] = []

    def compile_all() -> None:
        try:
            warm_up()
        except Exception as error:  # noqa: BLE001 - raised again below, in the thread of the run
            faults.append(error)

    compiling = threading.Thread(target=compile_all, name="kernel compiler", daemon=True)
    compiling.start()
    while compiling.is_alive():
        context.check()
        compiling.join(_LOOK_S)
    if faults:
        raise faults[0]


def in_worker(context: RunContext, warm_up: Callable[[], None], pool: WorkerPool) -> None:
    """Compile kernels in a worker: a compiler in a thread here would make a window stutter.

    Parameters
    ----------
    context : RunContext
    warm_up : callable
        :func:`warm_up_calibration` or :func:`warm_up_science`.
    pool : WorkerPool

    Raises
    ------
    Cancelled
        If a stop was asked for; the workers are ended then.
    """
    compiling = pool.submit(warm_up)
    while not wait([compiling], _LOOK_S).done:
        try:
            context.check()
        except Cancelled:
            pool.kill()
            raise
    compiling.result()


def warm_up_calibration() -> None:
    """Call what looks at calibration frames once; what combines them is compiled where it is used, in one process."""
    from pipeline_core.science.calibration_quality import measure_calibration  # noqa: PLC0415 - heavy, on demand

    image = np.random.default_rng(1).normal(400, 22, (SIDE, SIDE)).astype(np.float32)
    measure = partial(measure_calibration, gain_e_per_adu=2.0, read_noise_e=9.0, saturation_adu=65535.0)
    measure(image, "dark", masked=np.zeros(image.shape, bool))
    measure(image, "dark")


def warm_up_science() -> None:
    """Call each hot function of science frames once; later programs find the code in the user's cache."""
    from pipeline_core.science.calibrate import pixel_variance  # noqa: PLC0415 - heavy imports, on demand
    from pipeline_core.science.cosmic import clean_cosmic_rays  # noqa: PLC0415
    from pipeline_core.science.pixel_mask import saturated_bits  # noqa: PLC0415
    from pipeline_core.science.quality import measure_science  # noqa: PLC0415

    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    image = rng.normal(400, 22, (SIDE, SIDE)).astype(np.float32)
    for sx, sy in ((20.3, 30.6), (60.1, 22.4), (40.7, 70.2), (75.5, 60.5)):  # a few stars of 2.4 px
        image += (4000 * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2)).astype(np.float32)
    image[40, 40] += 5000
    saturated_bits(image.astype(np.uint16), 65535.0)
    saturated_bits(image, 65535.0)
    variance = pixel_variance(image.copy(), None, 9.0, 2.0, 0.1)
    nothing = np.zeros(image.shape, bool)
    for fwhm_px in (1.5, None):  # with and without the guard of sharp stars
        clean_cosmic_rays(image, variance, nothing, nothing, iterations=2, fwhm_px=fwhm_px)
    rings = np.full((160, 160), 400, np.float32)  # stars out of focus: sixteen of 5 px radius, and a hit on one
    y, x = np.mgrid[:40, :40]
    ring = 4000 * np.exp(-((np.hypot(x - 20.3, y - 19.8) - 5) ** 2))
    rings += np.tile(ring, (4, 4)).astype(np.float32)
    rings[20, 26] += 20000
    clean_cosmic_rays(rings, rings + np.float32(81), iterations=2)
    measure_science(
        image,
        unit="electron",
        state="final",
        masked=nothing,
        saturated=nothing,
        gain_e_per_adu=1.0,
        read_noise_e=9.0,
        saturation=65535.0,
        pixel_scale_arcsec=None,
        cosmic_events=0,
        hot=nothing,
    )
