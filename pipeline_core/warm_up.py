"""Compile every kernel on tiny arrays, so that workers and first frames find them ready."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import time
from concurrent.futures import wait
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core.compile_progress import CALIBRATION, SCIENCE, told_to
from pipeline_core.events import Cancelled
from pipeline_core.io.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline_core.events import RunContext
    from pipeline_core.executor import WorkerPool

SIDE = 96
_LOOK_S = 0.1
"""How often the wait for the compiler looks whether it was cancelled."""


def is_first_time(*, science: bool) -> bool:
    """Whether the kernels were never compiled here as they are now: a person should be told why it takes long.

    Parameters
    ----------
    science : bool
        Ask for those of science frames too.
    """
    return not _mark("science" if science else "calibration").is_file()


def first_time_words(*, science: bool) -> str:
    """Say what goes on meanwhile; calibration and science frames have their own first time."""
    takes = "it may take a minute" if science else "some seconds"
    return f"compiling the calculations for {_frames(science=science)} on this machine: only the first time, {takes}"


def compiled_words(seconds: float, *, science: bool) -> str:
    """Say that it is over, and which part it was: the other one may have been compiled before, or be to come."""
    return f"the calculations for {_frames(science=science)} are compiled ({seconds:.0f} s) and kept for later runs"


def _frames(*, science: bool) -> str:
    return "science frames" if science else "calibration frames"


def _mark(what: str) -> Path:
    """Return the file that says that these kernels were all compiled: of this source, for this processor.

    Notes
    -----
    Files of compiled code alone do not tell: those of an earlier version of the program lie there too, and numba
    compiles anew without a word.
    """
    import llvmlite.binding  # noqa: PLC0415 - heavy, on demand
    import numba  # noqa: PLC0415

    from pipeline_core import science  # noqa: PLC0415
    from pipeline_core.science import jit  # noqa: PLC0415, F401 - sets the folder

    about = [sys.version, numba.__version__, llvmlite.binding.get_host_cpu_name()]
    for folder in science.__path__:
        for file in sorted(Path(folder).glob("*.py")):
            facts = file.stat()
            about.append(f"{file} {facts.st_size} {facts.st_mtime_ns}")
    key = hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]
    return Path(os.environ["NUMBA_CACHE_DIR"]) / f"compiled_{what}_{key}"


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


def in_worker(
    context: RunContext,
    warm_up: Callable[[], None],
    pool: WorkerPool,
    so_far: Callable[[float], None] | None = None,
) -> None:
    """Compile kernels in a worker: a compiler in a thread here would make a window stutter.

    Parameters
    ----------
    context : RunContext
    warm_up : callable
        :func:`warm_up_calibration` or :func:`warm_up_science`.
    pool : WorkerPool
    so_far : callable, optional
        Called again and again with the seconds since the beginning.

    Raises
    ------
    Cancelled
        If a stop was asked for; the workers are ended then.
    """
    begun = time.monotonic()
    compiling = pool.submit(warm_up)
    while not wait([compiling], _LOOK_S).done:
        try:
            context.check()
        except Cancelled:
            pool.kill()
            raise
        if so_far is not None:
            so_far(time.monotonic() - begun)
    compiling.result()


def missing_kernels() -> tuple[tuple[str, float], ...]:
    """Return the kernels that :func:`warm_up_missing` compiles, and how long each took once (s)."""
    science = SCIENCE if is_first_time(science=True) else ()
    return science + (CALIBRATION if is_first_time(science=False) else ())


def warm_up_missing(told: Path | None = None) -> None:
    """Compile all that never was: what is said to be prepared once is then not prepared again by the first run.

    Parameters
    ----------
    told : Path, optional
        A file that a line is written into for each kernel: :func:`pipeline_core.compile_progress.told_to`.
    """
    with told_to(told) if told is not None else nullcontext():
        if is_first_time(science=True):
            warm_up_science()
        if is_first_time(science=False):
            warm_up_calibration()


def warm_up_calibration() -> None:
    """Call what looks at calibration frames once; what combines them is compiled where it is used, in one process."""
    from pipeline_core.science.calibration_quality import measure_calibration  # noqa: PLC0415 - heavy, on demand

    image = np.random.default_rng(1).normal(400, 22, (SIDE, SIDE)).astype(np.float32)
    measure = partial(measure_calibration, gain_e_per_adu=2.0, read_noise_e=9.0, saturation_adu=65535.0)
    measure(image, "dark", masked=np.zeros(image.shape, bool))
    measure(image, "dark")
    write_text(_mark("calibration"), "")


def warm_up_science() -> None:
    """Call each hot function of science frames once; later programs find the code in the user's cache."""
    from pipeline_core.science.calibrate import pixel_variance  # noqa: PLC0415 - heavy imports, on demand
    from pipeline_core.science.cosmic import clean_cosmic_rays  # noqa: PLC0415
    from pipeline_core.science.pixel_mask import saturated_bits  # noqa: PLC0415
    from pipeline_core.science.quality import measure_science, quick_science  # noqa: PLC0415

    rng = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    image = rng.normal(400, 22, (SIDE, SIDE)).astype(np.float32)
    for sx, sy in ((20.3, 30.6), (60.1, 22.4), (40.7, 70.2), (75.5, 60.5)):  # a few stars of 2.4 px
        image += (4000 * np.exp(-((x - sx) ** 2 + (y - sy) ** 2) / 2)).astype(np.float32)
    image[40, 40] += 5000
    for raw in (image.astype(np.uint16), image):
        saturated_bits(raw, 2000.0)
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
    raw = image.astype(np.uint16)
    for part in (raw, raw[:, 2:]):  # whole, and without an overscan: not in one piece of memory
        quick_science(part, gain_e_per_adu=2.0, read_noise_e=9.0, saturation=65535.0)
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
    write_text(_mark("science"), "")
