"""Frames and nights made up for tests of planning: no files, no pixels."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline_core.types import Frame, FrameKind, ImageLayout, Night

PLAIN = ImageLayout(hdu=0, bitpix=16, bscale=1.0, bzero=32768.0, compressed=False, wrapped=False, data_offset=2880)
START = datetime(2026, 6, 21, 12, tzinfo=UTC)


def frame(path, kind, **facts):
    """A usable frame of 100×80 px with the facts that matter to a test."""
    defaults = {
        "size_bytes": 20_000,
        "mtime_ns": 1,
        "shape": (80, 100),
        "layout": PLAIN,
        "gain_e_per_adu": 2.0,
        "gain_source": "GAIN",
        "read_noise_e": 9.0,
        "saturation_adu": 65535.0,
        "temperature_c": -10.0,
    }
    if kind in {"science", "flat"}:
        defaults["filter"] = "R"
    defaults["exposure_s"] = {"bias": 0.0, "flat": 10.0}.get(kind, 90.0)
    return Frame(path=path, kind=FrameKind(kind), **{**defaults, **facts})


def series(kind, number, **facts):
    """Several frames of a kind, a minute and a half apart."""
    folder = facts.pop("folder", kind)
    return [
        frame(f"{folder}/{kind}_{i:03d}.fits", kind, mid_utc=START + timedelta(seconds=95 * i), **facts)
        for i in range(number)
    ]


def night(*groups):
    """A night of the given frames."""
    frames = tuple(sorted((f for group in groups for f in group), key=lambda f: f.path))
    return Night(root=Path("night"), frames=frames)


def full_night(**science):
    """Biases, matching darks, flats in R and some science frames."""
    return night(series("bias", 5), series("dark", 5), series("flat", 5), series("science", 4, **science))
