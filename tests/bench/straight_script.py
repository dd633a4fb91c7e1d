"""A night with ccdproc and astroscrappy as their tutorials write it: the peer of ``astep reduce``.

    python -m tests.bench.straight_script NIGHT OUT [--science N]

Master bias, master darks, a flat per filter and its bad pixels, then every science frame: bias, dark,
flat, gain, cosmic rays, written. It does the work of ours in the plainest way that is right with these
libraries, on a night of 16-bit files with ``EXPTIME``, ``GAIN``, ``RDNOISE``, ``FILTER`` and ASTEP's
file names, and prints the seconds of each part as JSON. With ``--science N`` only so many frames are
done; who calls it extrapolates, and says so.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from pathlib import Path

import astropy.units as u
import ccdproc
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData

MEM_LIMIT = 2e9
SCIENCE_EXPOSURE_S, FLAT_EXPOSURE_S = 90.0, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("night", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--science", type=int, default=None, metavar="N", help="do the first N science frames")
    asked = parser.parse_args()
    print(json.dumps(reduce_night(asked.night, asked.out, asked.science)))


def reduce_night(night: Path, out: Path, science_limit: int | None = None) -> dict[str, float]:
    """Reduce a night into ``out``.

    Returns
    -------
    dict
        ``masters_s``, ``science_s`` for ``science_done`` of ``science_all`` frames.
    """
    warnings.simplefilter("ignore")  # as such scripts do: astropy remarks on units and headers of every file
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    masters = make_masters(night, out)
    masters_s = time.perf_counter() - start

    science = sorted(night.rglob("*_SCIENCE*.fits"))
    chosen = science[:science_limit]
    start = time.perf_counter()
    for path in chosen:
        calibrate(path, masters, out / f"{path.stem}_CAL.fits")
    return {
        "masters_s": masters_s,
        "science_s": time.perf_counter() - start,
        "science_done": len(chosen),
        "science_all": len(science),
    }


def make_masters(night: Path, out: Path) -> dict[str, CCDData]:
    """Return the masters by name: ``bias``, ``dark_90``, ``dark_10``, ``flat_R``, …, each also written."""
    masters = {"bias": combine([read(path) for path in sorted(night.rglob("*_BIAS*.fits"))])}

    darks = defaultdict(list)
    for path in sorted(night.rglob("*_DARK*.fits")):
        frame = ccdproc.subtract_bias(read(path), masters["bias"])
        darks[f"dark_{frame.header['EXPTIME']:.0f}"].append(frame)
    while darks:
        name, group = darks.popitem()
        masters[name] = combine(group)
        del group

    by_filter = defaultdict(list)
    for path in sorted(night.rglob("*_SKYFLAT*.fits")):
        by_filter[fits.getheader(path)["FILTER"]].append(path)
    for filter_name, paths in by_filter.items():
        flats = [dark_corrected(read(path), masters, FLAT_EXPOSURE_S) for path in paths]
        # ccdproc clips before it scales: the frames are brought to one level by hand, or all bright ones go.
        level = [frame.divide(float(np.median(frame.data)) * frame.unit) for frame in flats]
        masters[f"flat_{filter_name}"] = combine(level)
        ccdproc.ccdmask(masters[f"flat_{filter_name}"])
    for name, master in masters.items():
        master.write(out / f"{name}.fits", overwrite=True)
    return masters


def calibrate(path: Path, masters: dict[str, CCDData], out: Path) -> None:
    """Take one science frame from raw counts to cleaned electrons on disk."""
    frame = dark_corrected(read(path), masters, SCIENCE_EXPOSURE_S)
    frame = ccdproc.flat_correct(frame, masters[f"flat_{frame.header['FILTER']}"])
    gain, read_noise = frame.header["GAIN"], frame.header["RDNOISE"]
    frame = ccdproc.gain_correct(frame, gain * u.electron / u.adu)
    frame = ccdproc.cosmicray_lacosmic(
        frame, sigclip=4.5, objlim=5, readnoise=read_noise, gain=1.0, gain_apply=False, sepmed=True
    )
    frame.data = frame.data.astype(np.float32)
    frame.write(out, overwrite=True)


def dark_corrected(frame: CCDData, masters: dict[str, CCDData], exposure_s: float) -> CCDData:
    frame = ccdproc.subtract_bias(frame, masters["bias"])
    return ccdproc.subtract_dark(
        frame, masters[f"dark_{exposure_s:.0f}"], exposure_time="EXPTIME", exposure_unit=u.second, scale=False
    )


def combine(group: list[CCDData]) -> CCDData:
    """Average a group after one clip at 3 sigma."""
    return ccdproc.combine(
        group,
        method="average",
        sigma_clip=True,
        sigma_clip_low_thresh=3,
        sigma_clip_high_thresh=3,
        mem_limit=MEM_LIMIT,
        dtype=np.float32,
    )


def read(path: Path) -> CCDData:
    frame = CCDData.read(path, unit="adu")
    frame.data = frame.data.astype(np.float32)
    return frame


if __name__ == "__main__":
    main()
