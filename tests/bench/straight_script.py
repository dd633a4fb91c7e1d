"""A night with ccdproc and astroscrappy as their tutorials write it: the peer of ``astep reduce``.

    python -m tests.bench.straight_script NIGHT OUT [--science N] [--one-of-each]

Master bias, master darks, a flat per filter and its bad pixels, then every science frame: bias, dark,
flat, gain, cosmic rays, written. It does the work of ours in the plainest way that is right with these
libraries, on a night of 16-bit files with ``EXPTIME``, ``GAIN``, ``RDNOISE``, ``FILTER`` and ASTEP's
file names, and prints the seconds of each part as JSON. With ``--science N`` only so many frames are
done, with ``--one-of-each`` one dark and one flat instead of one of each exposure and filter (the same work again);
who calls it extrapolates, and says so.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import astropy.units as u
import ccdproc
import numpy as np
from astropy.io import fits
from astropy.nddata import CCDData

if TYPE_CHECKING:
    from collections.abc import Iterable

MEM_LIMIT = 2e9
SCIENCE_EXPOSURE_S, FLAT_EXPOSURE_S = 90.0, 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("night", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--science", type=int, default=None, metavar="N", help="do the first N science frames")
    parser.add_argument("--one-of-each", action="store_true", help="one dark and one flat stand for all")
    asked = parser.parse_args()
    print(json.dumps(reduce_night(asked.night, asked.out, asked.science, one_of_each=asked.one_of_each)))


def reduce_night(
    night: Path, out: Path, science_limit: int | None = None, *, one_of_each: bool = False
) -> dict[str, float]:
    """Reduce a night into ``out``.

    Returns
    -------
    dict
        ``bias_s``, ``dark_s``, ``flat_s``: of one master each, the flat with its bad pixels; ``darks``, ``flats``: how
        many the night has; ``masters_s`` of all that were made; ``science_s`` for ``science_done`` of ``science_all``
        frames.
    """
    warnings.simplefilter("ignore")  # as such scripts do: astropy remarks on units and headers of every file
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    masters, told = make_masters(night, out, one_of_each=one_of_each)
    masters_s = time.perf_counter() - start

    science = sorted(night.rglob("*_SCIENCE*.fits"))
    possible = [path for path in science if f"flat_{fits.getheader(path)['FILTER']}" in masters]
    chosen = possible[:science_limit]
    start = time.perf_counter()
    for path in chosen:
        calibrate(path, masters, out / f"{path.stem}_CAL.fits")
    return {
        **told,
        "masters_s": masters_s,
        "science_s": time.perf_counter() - start,
        "science_done": len(chosen),
        "science_all": len(science),
    }


def make_masters(night: Path, out: Path, *, one_of_each: bool = False) -> tuple[dict[str, CCDData], dict[str, float]]:
    """Return the masters by name (``bias``, ``dark_90``, ``dark_10``, ``flat_R``, …, each also written), and times."""
    start = time.perf_counter()
    masters = {"bias": made("bias", [read(path) for path in sorted(night.rglob("*_BIAS*.fits"))], out)}
    told = {"bias_s": time.perf_counter() - start}

    darks = by_card(night.rglob("*_DARK*.fits"), "EXPTIME")
    told["darks"] = len(darks)
    # The dark of the science frames: where one stands for all, it is subtracted from the flats too.
    chosen = {SCIENCE_EXPOSURE_S: darks[SCIENCE_EXPOSURE_S]} if one_of_each else darks
    for exposure_s, paths in chosen.items():
        start = time.perf_counter()
        group = [ccdproc.subtract_bias(read(path), masters["bias"]) for path in paths]
        masters[f"dark_{exposure_s:.0f}"] = made(f"dark_{exposure_s:.0f}", group, out)
        told["dark_s"] = time.perf_counter() - start
        del group

    flats = by_card(night.rglob("*_SKYFLAT*.fits"), "FILTER")
    told["flats"] = len(flats)
    flat_exposure_s = SCIENCE_EXPOSURE_S if one_of_each else FLAT_EXPOSURE_S
    for filter_name, paths in list(flats.items())[: 1 if one_of_each else None]:
        start = time.perf_counter()
        group = [dark_corrected(read(path), masters, flat_exposure_s) for path in paths]
        # ccdproc clips before it scales: the frames are brought to one level by hand, or all bright ones go.
        group = [frame.divide(float(np.median(frame.data)) * frame.unit) for frame in group]
        masters[f"flat_{filter_name}"] = made(f"flat_{filter_name}", group, out)
        del group
        ccdproc.ccdmask(masters[f"flat_{filter_name}"])
        told["flat_s"] = time.perf_counter() - start
    return masters, told


def by_card(paths: Iterable[Path], keyword: str) -> dict[Any, list[Path]]:
    """Sort files by the value of a card."""
    groups = defaultdict(list)
    for path in sorted(paths):
        groups[fits.getheader(path)[keyword]].append(path)
    return dict(groups)


def made(name: str, group: list[CCDData], out: Path) -> CCDData:
    """Combine a group and write the master."""
    master = combine(group)
    master.write(out / f"{name}.fits", overwrite=True)
    return master


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
