"""What is known of a demo night: every star, every hit, every trouble, and the noiseless light of any frame.

Saved in the night's ``truth`` folder as ``truth.json`` (frames, troubles, settings), ``stars.npz`` and
``cosmics.npz``; none of them is a frame. The chip itself is made again from the seed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.demo.detector import GAIN_E_PER_ADU, READ_NOISE_E, CosmicHits, Detector, make_detector
from pipeline_core.demo.events import Planted
from pipeline_core.demo.real_sky import demo_solution
from pipeline_core.demo.sky import PIXEL_SCALE_ARCSEC, Floats, SkyModel, Stars, expected_light, star_fluxes
from pipeline_core.errors import DataError, UsageError
from pipeline_core.types import FrameKind, Image, Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline_core.science.tan_sip import TanSip

FOLDER = "truth"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class FrameTruth:
    """One file of the night."""

    path: str
    """Relative to the night, with ``/``."""
    kind: FrameKind
    exposure_s: float
    start_utc: datetime
    filter: str | None = None
    sun_altitude_deg: float = 0.0
    sky: SkyModel | None = None
    """What it sees; None with the shutter closed."""

    @property
    def mid_utc(self) -> datetime:
        """Mid-exposure."""
        return self.start_utc + timedelta(seconds=self.exposure_s / 2)


@dataclass(frozen=True)
class Truth:
    """A whole demo night."""

    size: int
    """Pixels a side."""
    seed: int
    fwhm_px: float
    vignetting: float | None
    """Light lost in the corners of every filter; None: the usual."""
    frames: tuple[FrameTruth, ...]
    """In time order."""
    planted: tuple[Planted, ...]
    """Every trouble, frame by frame."""
    stars: Stars
    cosmics: Mapping[str, CosmicHits]
    """By path."""
    gain_e_per_adu: float = GAIN_E_PER_ADU
    read_noise_e: float = READ_NOISE_E
    scale_arcsec: float = PIXEL_SCALE_ARCSEC

    @cached_property
    def solution(self) -> TanSip:
        """Where the pixels of the reference pointing lie on the sky."""
        return demo_solution(self.size, self.scale_arcsec)

    @cached_property
    def detector(self) -> Detector:
        """The chip, made again from the seed."""
        return make_detector(self.size, self.seed, vignetting=self.vignetting)

    @cached_property
    def by_path(self) -> dict[str, FrameTruth]:
        """Frames by their path."""
        return {frame.path: frame for frame in self.frames}

    def frame(self, path: str) -> FrameTruth:
        """Return one frame.

        Raises
        ------
        UsageError
            If the night has no such frame.
        """
        if path not in self.by_path:
            raise UsageError(
                f"cannot tell the truth of {path}",
                "the demo night has no such frame",
                "give a path relative to the night",
            )
        return self.by_path[path]

    def troubles(self, path: str) -> tuple[Planted, ...]:
        """Return what was planted in one frame."""
        return tuple(row for row in self.planted if row.path == path)

    def good_science(self) -> tuple[str, ...]:
        """Return the science frames in which nothing was planted, in time order."""
        spoilt = {row.path for row in self.planted}
        return tuple(f.path for f in self.frames if f.kind is FrameKind.SCIENCE and f.path not in spoilt)


def expected_electrons(truth: Truth, path: str) -> Image:
    """Return the light of a frame as an evenly sensitive, dark-free chip would record it without noise.

    This is what a calibrated frame should be on average, where it is not saturated (full well and
    converter are not applied).

    Returns
    -------
    (ny, nx) float32, electrons

    Raises
    ------
    UsageError
        If the frame saw no light.
    """
    frame = truth.frame(path)
    if frame.sky is None:
        raise UsageError(
            f"cannot compute the light of {path}",
            f"a {frame.kind} has none",
            "ask for a science frame or a flat",
        )
    return expected_light(frame.sky, truth.stars, truth.size)


def expected_noise(truth: Truth, path: str) -> Image:
    """Return one sigma of a frame calibrated with noiseless masters: (ny, nx) float32, electrons."""
    frame = truth.frame(path)
    light = expected_electrons(truth, path)
    flat = truth.detector.flats[frame.filter or "R"]
    variance = (
        light * flat + truth.detector.dark_e_per_s() * np.float32(frame.exposure_s) + np.float32(truth.read_noise_e**2)
    )
    noise: Image = (np.sqrt(variance) / flat).astype(np.float32, copy=False)
    return noise


def star_positions(truth: Truth, path: str) -> tuple[Floats, Floats, Floats]:
    """Return x, y (px, 0-based) and the electrons arriving from every star in or just outside a frame."""
    frame = truth.frame(path)
    if frame.sky is None:
        raise UsageError(
            f"cannot place the stars of {path}",
            f"a {frame.kind} has none",
            "ask for a science frame or a flat",
        )
    return star_fluxes(frame.sky, truth.stars, truth.size)


def cosmic_pixels(truth: Truth, path: str) -> tuple[Mask, Image]:
    """Return where cosmic rays hit a frame, and the electrons they left (no flat divided out).

    Returns
    -------
    hit : (ny, nx) bool
    electrons : (ny, nx) float32
    """
    truth.frame(path)
    electrons = np.zeros(truth.size * truth.size, np.float32)
    hits = truth.cosmics.get(path)
    if hits is not None:
        np.add.at(electrons, hits.pixel, hits.electrons)
    plane = electrons.reshape(truth.size, truth.size)
    return plane > 0, plane


def save_truth(truth: Truth, folder: Path) -> None:
    """Write the truth beside the night in ``folder``."""
    where = folder / FOLDER
    where.mkdir(parents=True, exist_ok=True)
    document = {
        "format": FORMAT,
        "size": truth.size,
        "seed": truth.seed,
        "fwhm_px": truth.fwhm_px,
        "vignetting": truth.vignetting,
        "gain_e_per_adu": truth.gain_e_per_adu,
        "read_noise_e": truth.read_noise_e,
        "scale_arcsec": truth.scale_arcsec,
        "frames": [_plain(asdict(frame)) for frame in truth.frames],
        "planted": [asdict(row) for row in truth.planted],
    }
    (where / "truth.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    fluxes: dict[str, Any] = dict(truth.stars.flux_e)
    np.savez(where / "stars.npz", x_px=truth.stars.x_px, y_px=truth.stars.y_px, **fluxes)
    names = list(truth.cosmics)
    hits = [truth.cosmics[name] for name in names]
    np.savez_compressed(
        where / "cosmics.npz",
        paths=np.array(names, dtype=np.str_),
        counts=np.array([len(h.pixel) for h in hits], np.int64),
        pixel=_joined([h.pixel for h in hits], np.int64),
        electrons=_joined([h.electrons for h in hits], np.float32),
        event=_joined([h.event for h in hits], np.int32),
    )


def load_truth(folder: Path) -> Truth:
    """Read the truth of the demo night in ``folder``.

    Raises
    ------
    DataError
        If the folder holds no demo night, or one of another version.
    """
    where = folder / FOLDER
    try:
        document = json.loads((where / "truth.json").read_text(encoding="utf-8"))
        with np.load(where / "stars.npz") as table:
            stars = Stars(
                table["x_px"],
                table["y_px"],
                {name: table[name] for name in table.files if name not in {"x_px", "y_px"}},
            )
        with np.load(where / "cosmics.npz") as table:
            cosmics = _split(table)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot read the truth of {folder}", str(error), "make the night with `astep demo`") from error
    if document.get("format") != FORMAT:
        raise DataError(
            f"cannot read the truth of {folder}",
            "it was made by another version",
            "make the demo night again",
        )
    return Truth(
        document["size"],
        document["seed"],
        document["fwhm_px"],
        document["vignetting"],
        tuple(_frame(entry) for entry in document["frames"]),
        tuple(Planted(**row) for row in document["planted"]),
        stars,
        cosmics,
        document["gain_e_per_adu"],
        document["read_noise_e"],
        document.get("scale_arcsec", PIXEL_SCALE_ARCSEC),
    )


def _joined(parts: list[Any], dtype: Any) -> Any:
    """Return one array of all parts."""
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def _split(table: Any) -> dict[str, CosmicHits]:
    """Cut the joined arrays of ``cosmics.npz`` by frame."""
    ends = np.cumsum(table["counts"])[:-1]
    columns = [np.split(table[name], ends) for name in ("pixel", "electrons", "event")]
    return (
        {str(path): CosmicHits(*values) for path, *values in zip(table["paths"], *columns, strict=True)}
        if len(table["paths"])
        else {}
    )


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a frame as JSON has it."""
    return {**entry, "start_utc": entry["start_utc"].isoformat()}


def _frame(entry: dict[str, Any]) -> FrameTruth:
    """Return a frame from JSON."""
    sky = entry["sky"]
    if sky is not None:
        # JSON knows lists only; the model is compared and hashed with tuples.
        sky = {key: _tuples(value) for key, value in sky.items()}
    return FrameTruth(
        **{
            **entry,
            "kind": FrameKind(entry["kind"]),
            "start_utc": datetime.fromisoformat(entry["start_utc"]),
            "sky": None if sky is None else SkyModel(**sky),
        }
    )


def _tuples(value: Any) -> Any:
    """Return nested lists as nested tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
