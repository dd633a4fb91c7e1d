"""Star lists of the real nights, extracted with sep from dark-subtracted frames: enough to judge by."""

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from pipeline_core.measures import ScienceMeasures, StarList
from pipeline_core.types import Frame, FrameKind

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("ASTEP_REAL_DATA", ROOT / ".." / "shared" / "data"))


def pixels(path):
    from astropy.io import fits

    with fits.open(path) as hdus:
        return hdus[1].data.astype(np.float32), dict(hdus[1].header)


def extracted(image):
    """Stars of an image (background, noise, list): round, wider than a hot pixel."""
    import sep

    image = np.ascontiguousarray(image)
    background = sep.Background(image, bw=64, bh=64)
    found = sep.extract(image - background, 5.0, err=background.globalrms, minarea=5)
    found = found[(found["b"] > 0.7) & (found["a"] < 8) & (found["peak"] < 50000) & (found["flag"] == 0)]
    fwhm = 2.3548 * np.sqrt((found["a"] ** 2 + found["b"] ** 2) / 2)
    width = float(np.median(fwhm)) if len(found) else np.nan
    flux = found["flux"]
    if len(found):
        flux, _, _ = sep.sum_circle(image - background, found["x"], found["y"], 1.5 * width)
    order = np.argsort(-flux)[:150]
    stars = StarList(found["x"][order].astype(float), found["y"][order].astype(float), flux[order], fwhm[order])
    ellipticity = float(np.median(1 - found["b"] / found["a"])) if len(found) else None
    measures = ScienceMeasures(
        "quick",
        "ADU",
        background=float(background.globalback),
        noise=float(background.globalrms),
        stars=len(found),
        fwhm_px=width if len(found) >= 3 else None,
        ellipticity=ellipticity,
    )
    return measures, stars


@cache
def jason_dark():
    folder = DATA / "ssp_jason6063" / "dark"
    return np.median([pixels(p)[0] for p in sorted(folder.iterdir())], axis=0)


def jason():
    """(6063) Jason: frames, measures, star lists."""
    folder = DATA / "ssp_jason6063"
    dark = jason_dark()
    frames, measures, stars = [], {}, {}
    for file in sorted((folder / "light").iterdir()):
        raw, header = pixels(file)
        measures[file.name], stars[file.name] = extracted(raw - dark)
        start = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
        frames.append(
            Frame(
                file.name,
                FrameKind.SCIENCE,
                1,
                1,
                filter=header["FILTER"].strip(),
                exposure_s=float(header["EXPTIME"]),
                mid_utc=start + timedelta(seconds=header["EXPTIME"] / 2),
                shape=raw.shape,
                gain_e_per_adu=2.2,
            )
        )
    frames.sort(key=lambda frame: frame.mid_utc)
    return frames, measures, stars


def lowell():
    """(5945) Roachapproach: frames, measures, star lists of the trimmed frames."""
    folder = DATA / "lowell5945"
    frames, measures, stars = [], {}, {}
    for file in sorted((folder / "science").iterdir()):
        raw, header = pixels(file)
        image = raw[:, 17:1382] - np.median(raw[:, 1387:])
        measures[file.name], stars[file.name] = extracted(image)
        start = datetime.fromisoformat(f"{header['DATE-OBS']}T{header['UTCSTART']}").replace(tzinfo=UTC)
        frames.append(
            Frame(
                file.name,
                FrameKind.SCIENCE,
                1,
                1,
                filter="VR",
                exposure_s=300.0,
                mid_utc=start + timedelta(seconds=150),
                shape=image.shape,
                gain_e_per_adu=4.95,
                ra_deg=124.625,
                dec_deg=25.33,
            )
        )
    return frames, measures, stars


def source_near(name, x, y, radius_px):
    """Centroid of the brightest source within some pixels of a place in a Jason light, or None."""
    import sep

    folder = DATA / "ssp_jason6063"
    dark = jason_dark()
    image = np.ascontiguousarray(pixels(folder / "light" / name)[0] - dark)
    # A window of the frame is enough, and deblending cannot run away.
    y0, x0 = max(int(y) - 60, 0), max(int(x) - 60, 0)
    window = np.ascontiguousarray(image[y0 : y0 + 120, x0 : x0 + 120])
    background = sep.Background(window, bw=40, bh=40)
    found = sep.extract(window - background, 3.0, err=background.globalrms, minarea=4)
    near = found[np.hypot(found["x"] + x0 - x, found["y"] + y0 - y) < radius_px]
    if not len(near):
        return None
    best = near[np.argmax(near["flux"])]
    return float(best["x"] + x0), float(best["y"] + y0)
