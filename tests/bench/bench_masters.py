"""How fast masters are made, beside ccdproc doing the same work on the same files. Asserts nothing about
time."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from pipeline_core.io.fits_file import read_layout
from pipeline_core.io.masters_file import read_master
from pipeline_core.science.pixel_mask import bad_in_flat, saturated_bits
from pipeline_core.stages.masters import make_bias, make_dark, make_flat

THREADS = 2
GOALS = {
    "dark, ccdproc's clipping": "≥ 35×",
    "dark, default clipping": "≥ 20×",
    "flat": "≥ 50×",
    "bad pixels of a flat": "≥ 50×",
}


def run(size=4096, n=20, *, with_ccdproc=True):
    """Time each kind of master.

    Parameters
    ----------
    size, n : int
        Frames are size x size, and n of them make a master.
    with_ccdproc : bool
        Whether to run ccdproc too (minutes at full size).

    Returns
    -------
    list of dict
        ``work``, ``ours_s``, ``goal``, and where ccdproc ran ``peer``, ``peer_s`` and ``ratio``.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        darks, flats = _frames(root, size, n)
        recipes = {clip: {"combine": {"clip": clip, "sigma": s}} for clip, s in (("ccdproc", 3.0), ("noise", 5.0))}
        tasks = {
            "dark, ccdproc's clipping": lambda: _make(make_dark, darks, root / "dark_c.fits", recipes["ccdproc"]),
            "dark, default clipping": lambda: _make(make_dark, darks, root / "dark.fits", recipes["noise"]),
            "flat": lambda: _make(make_flat, flats, root / "flat.fits", recipes["noise"], bias=root / "dark.fits"),
        }
        _make(make_bias, darks[:3], root / "warm.fits", recipes["noise"])  # compile before anything is timed
        _make(make_flat, flats[:3], root / "warm_flat.fits", recipes["noise"], bias=root / "warm.fits")
        _make(make_dark, darks[:3], root / "warm.fits", recipes["ccdproc"])
        rows = [{"work": name, **_timed(task)} for name, task in tasks.items()]
        flat = read_master(root / "flat.fits").image
        raw = _pixels(darks[0])
        bad_in_flat(flat, 8.0, threads=THREADS)
        rows.append({"work": "bad pixels of a flat", **_timed(lambda: bad_in_flat(flat, 8.0, threads=THREADS))})
        saturated_bits(raw, 60000)
        rows.append({"work": "saturated pixels", **_timed(lambda: saturated_bits(raw, 60000))})
        if with_ccdproc:
            _add_ccdproc(rows, root, darks, flats, flat)
    for row in rows:
        row["goal"] = GOALS.get(row["work"], "")
        print("  ".join(f"{key} {value:.3g}" if isinstance(value, float) else str(value) for key, value in row.items()))
    return rows


def _frames(root, size, n):
    """Write n darks and n flats as plain 16-bit files."""
    from astropy.io import fits

    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    vignetting = 1 - 0.2 * (x * x + y * y)
    darks, flats = [], []
    for index in range(n):
        dark = rng.normal(1000, 5, (size, size))
        dark.ravel()[rng.integers(0, size * size, size * size // 5000)] += rng.exponential(800)
        light = vignetting * rng.uniform(18000, 30000)
        for images, name, pixels in (
            (darks, "dark", dark),
            (flats, "flat", 1000 + light + np.sqrt(light) * rng.standard_normal((size, size))),
        ):
            path = root / f"{name}{index}.fits"
            fits.PrimaryHDU(np.clip(np.round(pixels), 0, 65535).astype(np.uint16)).writeto(path)
            images.append(path)
    return darks, flats


def _make(stage, files, out, recipe, **masters):
    found = [read_layout(path) for path in files]
    settings = {
        "frames": [path.name for path in files],
        "layouts": [asdict(layout) for _, layout, _ in found],
        "shape": list(found[0][2]),
        "gain_e_per_adu": 1.0,
        "read_noise_e": 5.0,
        "saturation_adu": 65535.0,
        "recipe": recipe,
    }
    inputs = {f"frame_{index:03d}": path for index, path in enumerate(files)} | masters
    return stage(settings, inputs, out, THREADS)


def _pixels(path):
    from pipeline_core.io.fits_file import read_image

    return read_image(path, read_layout(path)[1])


def _timed(task, repeats=3):
    """Median time of some repeats, and how much memory one before them added at its peak."""
    gc.collect()
    process = psutil.Process()
    before = peak = process.memory_info().rss
    stop = threading.Event()

    def watch():
        nonlocal peak
        while not stop.wait(0.005):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    task()
    stop.set()
    watcher.join()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return {"ours_s": statistics.median(times), "rss_growth_mb": (peak - before) / 1e6}


def _add_ccdproc(rows, root, darks, flats, flat):
    """Do the same with ccdproc, as its documentation does it, and compare the results."""
    import ccdproc
    from astropy.nddata import CCDData
    from astropy.stats import mad_std

    def combine(files, out, **how):
        master = ccdproc.combine(
            [str(f) for f in files],
            unit="adu",
            mem_limit=2e9,
            sigma_clip=True,
            sigma_clip_low_thresh=3,
            sigma_clip_high_thresh=3,
            **how,
        )
        master.write(out, overwrite=True)
        return master

    start = time.perf_counter()
    theirs = combine(darks, root / "dark_ccdproc.fits", method="average")
    seconds = time.perf_counter() - start
    for row in rows[:2]:
        row |= {"peer": "ccdproc", "peer_s": seconds, "ratio": seconds / row["ours_s"]}
    ours = read_master(root / "dark_c.fits").image
    rows[0]["largest_difference_adu"] = float(np.abs(ours - theirs.data).max())

    start = time.perf_counter()
    for path in flats:
        corrected = ccdproc.subtract_bias(CCDData.read(path, unit="adu"), theirs)
        corrected.data = corrected.data.astype(np.float32)
        corrected.write(root / f"corrected_{path.name}", overwrite=True)
    combine(
        [root / f"corrected_{path.name}" for path in flats],
        root / "flat_ccdproc.fits",
        method="median",
        scale=lambda a: 1 / np.median(a),
        sigma_clip_func=np.ma.median,
        sigma_clip_dev_func=mad_std,
    )
    seconds = time.perf_counter() - start
    rows[2] |= {"peer": "ccdproc", "peer_s": seconds, "ratio": seconds / rows[2]["ours_s"]}

    start = time.perf_counter()
    # ccdmask's sigma is half of one: its 16 is our 8.
    mask = ccdproc.ccdmask(CCDData(flat, unit="adu"), lsigma=16, hsigma=16)
    seconds = time.perf_counter() - start
    different = int(np.count_nonzero(mask ^ bad_in_flat(flat, 8.0)))
    rows[3] |= {
        "peer": "ccdproc",
        "peer_s": seconds,
        "ratio": seconds / rows[3]["ours_s"],
        "different_pixels": different,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON too")
    arguments = parser.parse_args()
    result = run(arguments.size, arguments.frames)
    if arguments.json:
        json.dump(result, sys.stdout)
