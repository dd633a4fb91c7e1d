"""What measuring costs: one science frame, one quick look, one dark."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from pipeline_core.science.calibration_quality import measure_calibration
from pipeline_core.science.quality import measure_science, quick_science
from tests.bench.timing import Row

GOALS = {"quick_science": "≤ 0.15 s"}


def field(size: int, stars: int, seed: int = 7) -> np.ndarray:
    """Return a frame of Gaussian stars of FWHM 2.6 px on a sky of 400 electrons."""
    rng = np.random.default_rng(seed)
    image = (400.0 + 22.0 * rng.standard_normal((size, size), np.float32)).astype(np.float32)
    grid = np.arange(-9, 10)
    for x, y, total in zip(
        rng.uniform(20, size - 20, stars), rng.uniform(20, size - 20, stars), 2e3 * rng.pareto(1.0, stars) + 2e3,
        strict=True,
    ):  # fmt: skip
        ix, iy = round(x), round(y)
        px, py = np.exp(-((grid + ix - x) ** 2) / 2.44), np.exp(-((grid + iy - y) ** 2) / 2.44)
        image[iy - 9 : iy + 10, ix - 9 : ix + 10] += min(total, 6e5) / 7.66 * py[:, None] * px
    return np.minimum(image, 60000.0)


def run(size: int = 4096, repeats: int = 3) -> list[Row]:
    """Return rows of seconds of one core each, medians."""
    image = field(size, stars=4000 * size * size // 4096**2)
    raw = np.clip(image, 0, 65535).astype(np.uint16)
    rng = np.random.default_rng(3)
    dark = rng.normal(1000, 9, image.shape).astype(np.float32)
    dark[rng.random(dark.shape) < 3e-3] += 400
    nothing = np.zeros(image.shape, bool)
    jobs = {
        "measure_science": lambda: measure_science(
            image, unit="electron", state="final", masked=nothing, saturated=image > 59000, gain_e_per_adu=1.0,
            read_noise_e=9.0, saturation=60000.0, pixel_scale_arcsec=1.0, cosmic_events=0, hot=nothing,
        ),
        "quick_science": lambda: quick_science(raw, gain_e_per_adu=2.0, read_noise_e=9.0, saturation=60000.0),
        "measure_calibration": lambda: measure_calibration(
            dark, "dark", gain_e_per_adu=2.0, read_noise_e=9.0, saturation_adu=65535.0
        ),
    }  # fmt: skip
    rows = []
    for name, job in jobs.items():
        job()
        times = []
        for _ in range(repeats):
            start = time.thread_time()
            job()
            times.append(time.thread_time() - start)
        rows.append(Row(name.replace("_", " "), median(times), goal=GOALS.get(name, "")))
    return rows


if __name__ == "__main__":
    for row in run():
        print(f"{row.work:24s} {row.ours_s:6.3f} s")
