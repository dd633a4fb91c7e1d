"""A demo night on disk: the telescope's folders, file names and headers, filled with a sky that is known.

The night is 2026-06-21 at Concordia: the Sun never rises, but at local noon it stands 8.5° under the
horizon and twilight passes through the middle of the sequence. Moonlight is not modelled.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline_core.demo.detector import (
    COSMICS_PER_MPX,
    FILTERS,
    GAIN_E_PER_ADU,
    READ_NOISE_E,
    CosmicHits,
    Detector,
    cosmic_hits,
    expose,
    make_detector,
)
from pipeline_core.demo.events import (
    ASTEROID_ARCSEC_PER_MIN,
    ASTEROID_FLUX_E,
    FROST_HALO_PER_LOSS,
    TWILIGHT_NOTED,
    TWILIGHT_PLAIN,
    DemoEvent,
    Planted,
    chosen_events,
    schedule,
)
from pipeline_core.demo.real_sky import DEC_DEG, RA_DEG, with_real_stars
from pipeline_core.demo.sky import (
    ALTITUDE_M,
    DARK_SKY_E,
    LATITUDE_DEG,
    LONGITUDE_DEG,
    PIXEL_SCALE_ARCSEC,
    SkyModel,
    Stars,
    expected_light,
    make_stars,
    sun_altitude_deg,
    twilight_e,
)
from pipeline_core.demo.truth import FrameTruth, Truth, save_truth
from pipeline_core.errors import UsageError
from pipeline_core.events import RunContext
from pipeline_core.types import FrameKind, Image

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

DATE = "2026-06-21"
LIGHTS = f"{DATE}-CAMS"
FLATS = f"{DATE}-CAMS_SKYFLAT"
NOON_UTC = datetime(2026, 6, 21, 3, 48, tzinfo=UTC)  # the Sun's highest at 123.3° E
SCIENCE_S, FLAT_S = 90.0, 10.0
FLAT_LEVELS_E = (16_000.0, 56_000.0)
TRUNCATED_TO = 0.6  # part of the file that was written before the disk went away
LEAK = 0.1  # part of the starlight that a stuck shutter lets into the dark


def make_demo_night(
    folder: Path,
    *,
    size: int = 1024,
    seed: int = 1,
    n_science: int = 60,
    n_bias: int = 10,
    n_dark: int = 10,
    n_flat: int = 8,
    fwhm_px: float = 2.5,
    events: Collection[str] | None = None,
    vignetting: float | None = None,
    cosmics_per_mpx: float = COSMICS_PER_MPX,
    scale_arcsec: float = PIXEL_SCALE_ARCSEC,
    workers: int | None = None,
    ctx: RunContext | None = None,
) -> Truth:
    """Write a raw night with known truth.

    Parameters
    ----------
    folder : Path
        The night; made if missing.
    size : int
        Pixels a side, 256 to 4096.
    seed : int
        Same seed and settings, same pixels.
    n_science : int
        90 s frames, R and V in turn; spread over eighteen hours, or every 100 s when there are more than 648.
    n_bias : int
    n_dark : int
        Of 90 s, and as many of 10 s beside the flats.
    n_flat : int
        Of each filter.
    fwhm_px : float
        Of the stars in focus, 1.3 to 6.
    events : names or None
        Trouble to plant, of :data:`~pipeline_core.demo.events.ALL_EVENTS`; None: all of it; empty: a perfect
        night.
    vignetting : float or None
        Light lost in the corners, every filter; None: 15 % in R, 22 % in V.
    cosmics_per_mpx : float
        Cosmic rays in 90 s on 2²⁰ pixels.
    scale_arcsec : float
        Side of a pixel on the sky, 0.1 to 30″.
    workers : int or None
        Threads; each needs about six frames of float32. None: two, or one on a single core.
    ctx : RunContext or None
        Hears the progress, can cancel.

    Returns
    -------
    Truth
        Also saved in ``folder/truth``.

    Raises
    ------
    UsageError
        If a size, a width or an event's name makes no sense.
    """
    if not 256 <= size <= 4096 or not 1.3 <= fwhm_px <= 6:
        raise UsageError(
            f"cannot make a demo night of {size} px with stars of {fwhm_px} px",
            "it knows 256 to 4096 px, and 1.3 to 6 px",
            "choose a size and a width inside these limits",
        )
    if min(n_science, n_bias, n_dark, n_flat) < 0 or n_science + n_bias + n_dark + n_flat == 0:
        raise UsageError("cannot make a demo night", "it would have no frame", "ask for at least one frame")
    if not 0.1 <= scale_arcsec <= 30:
        raise UsageError(
            f"cannot make a demo night of {scale_arcsec}″ a pixel", "it knows 0.1 to 30″", "choose another scale"
        )
    chosen = chosen_events(events)
    rng = np.random.default_rng([seed, 0])
    stars = with_real_stars(make_stars(size, rng), size, scale_arcsec)
    plan = _Plan(size, fwhm_px, chosen, rng, scale_arcsec)
    frames = [*plan.flats(n_flat), *plan.science(n_science), *plan.darks(n_dark, n_bias)]
    frames.sort(key=lambda frame: frame.start_utc)
    for name in (LIGHTS, FLATS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    detector = make_detector(size, seed, vignetting=vignetting)
    camera = _Camera(
        folder,
        seed,
        detector,
        stars,
        detector.bias_adu(),
        detector.dark_e_per_s(),
        cosmics_per_mpx,
        scale_arcsec,
        frozenset(row.path for row in plan.planted if row.event == "truncated"),
    )
    context = ctx or RunContext()
    cosmics: dict[str, CosmicHits] = {}
    threads = workers or min(2, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        try:
            made = pool.map(partial(_take, camera), range(len(frames)), frames)
            cosmics.update(context.track("demo night", made, total=len(frames)))
        finally:
            pool.shutdown(cancel_futures=True)
    truth = Truth(
        size, seed, fwhm_px, vignetting, tuple(frames), tuple(plan.planted), stars, cosmics, scale_arcsec=scale_arcsec
    )
    save_truth(truth, folder)
    return truth


class _Plan:
    """Which frames the night has, when, and what each sees."""

    def __init__(
        self, size: int, fwhm_px: float, chosen: frozenset[str], rng: np.random.Generator, scale_arcsec: float
    ) -> None:
        self.scale_arcsec = scale_arcsec
        self.size = size
        self.fwhm_px = fwhm_px
        self.chosen = chosen
        self.rng = rng
        self.planted: list[Planted] = []
        self.start = NOON_UTC
        self.end = NOON_UTC

    def science(self, number: int) -> Iterator[FrameTruth]:
        """Yield the sequence of 90 s frames."""
        cadence = timedelta(seconds=max(100.0, 64_800.0 / max(number, 1)))
        self.start = NOON_UTC - number * cadence / 2
        self.end = self.start + number * cadence
        trouble = schedule(number, self.chosen)
        for index in range(number):
            name = FILTERS[index % len(FILTERS)]
            start = self.start + index * cadence
            path = f"{LIGHTS}/{DATE}_{index:04d}_SCIENCE_{name}.fits"
            altitude = sun_altitude_deg(start + timedelta(seconds=SCIENCE_S / 2))
            model = self._ordinary(index, number, name, path, start)
            if index in trouble:
                event, strength = trouble[index]
                model = self._spoilt(model, event, strength, index)
                plain = strength >= event.plain
                self.planted.append(Planted(path, event.name, event.cause, strength, plain, event.kept, event.words))
            yield FrameTruth(path, FrameKind.SCIENCE, SCIENCE_S, start, name, altitude, model)
        if "truncated" in self.chosen and number:
            # The last frame that nothing else has spoilt: one trouble a frame can be judged, two cannot.
            index = next((i for i in range(number - 1, -1, -1) if i not in trouble), number - 1)
            path = f"{LIGHTS}/{DATE}_{index:04d}_SCIENCE_{FILTERS[index % len(FILTERS)]}.fits"
            self._plant(path, "truncated", "unreadable", TRUNCATED_TO)

    def _plant(self, path: str, event: str, cause: str, strength: float) -> None:
        """Note the trouble of a single file."""
        self.planted.append(Planted(path, event, cause, strength, plain=True, kept=False, words=event))

    def _ordinary(self, index: int, number: int, name: str, path: str, start: datetime) -> SkyModel:
        """Return what a frame sees when nothing is wrong: slow drift, a little jitter, twilight."""
        turn = 2 * np.pi * index / max(number, 1)
        altitude = sun_altitude_deg(start + timedelta(seconds=SCIENCE_S / 2))
        added = twilight_e(altitude, name) if "twilight" in self.chosen else 0.0
        risen = added / DARK_SKY_E[name]
        if risen > TWILIGHT_NOTED:
            words = "noon twilight: sky added, in units of the dark sky"
            self.planted.append(
                Planted(path, "twilight", "twilight", risen, risen >= TWILIGHT_PLAIN, kept=True, words=words)
            )
        return SkyModel(
            name,
            DARK_SKY_E[name] * float(self.rng.normal(1, 0.01)) + added,
            gradient=(0.010, 0.006),
            dx_px=float(3 * np.sin(turn) + self.rng.normal(0, 0.3)),
            dy_px=float(2 * np.cos(turn) + self.rng.normal(0, 0.3)),
            rotation_deg=float(0.02 * np.sin(turn / 2)),
            fwhm_px=self.fwhm_px * float(self.rng.normal(1, 0.015)),
            clear=float(1 - abs(self.rng.normal(0, 0.01))),
            asteroids=self._asteroids(start),
        )

    def _asteroids(self, start: datetime) -> tuple[tuple[float, float, float, float, float], ...]:
        """Return three slow asteroids at mid-exposure; the slowest crosses the middle at noon."""
        if "asteroids" not in self.chosen:
            return ()
        minutes = (start + timedelta(seconds=SCIENCE_S / 2) - NOON_UTC).total_seconds() / 60
        rows = []
        for number, (rate, flux) in enumerate(zip(ASTEROID_ARCSEC_PER_MIN, ASTEROID_FLUX_E, strict=True)):
            angle = np.deg2rad(25 + 130 * number)
            speed = rate / self.scale_arcsec  # px a minute
            ux, uy = float(np.cos(angle)), float(np.sin(angle))
            x = self.size * (0.5 + 0.08 * (number - 1)) + ux * speed * minutes
            y = self.size * (0.5 + 0.1 * (1 - number)) + uy * speed * minutes
            rows.append((x, y, ux * speed * SCIENCE_S / 60, uy * speed * SCIENCE_S / 60, flux))
        return tuple(rows)

    def _spoilt(self, model: SkyModel, event: DemoEvent, strength: float, index: int) -> SkyModel:
        """Return what the frame sees with the event in it."""
        size = self.size
        angle = float(self.rng.uniform(0, 180))
        # Two banks drifting to the right, a third of the frame between exposures.
        across = (0.33 * index) % 1.0
        banks = ((across, 0.35), ((across + 0.5) % 1.0, 0.75))
        streak_e = strength * float(np.sqrt(model.sky_e + READ_NOISE_E**2))
        changes: dict[str, dict[str, Any]] = {
            "trailed": {"trail_px": strength, "angle_deg": angle},
            "wind": {"elongation": strength, "angle_deg": angle},
            "patches": {"patches": tuple((x * size, y * size, 0.22 * size, strength) for x, y in banks)},
            "thick cloud": {"clear": model.clear * (1 - strength)},
            "aurora": {"aurora_e": strength * DARK_SKY_E[model.filter], "aurora_phase": float(index)},
            "satellite": {"streak": (0.5 * size, 0.45 * size, 20 + angle / 3, streak_e)},
            "defocus": {"fwhm_px": model.fwhm_px * strength},
            "frost": {"frost": strength, "halo": FROST_HALO_PER_LOSS * strength},
        }
        return replace(model, **changes[event.name])

    def flats(self, number: int) -> Iterator[FrameTruth]:
        """Yield the twilight flats of both filters: rising light, dithered stars, a little tilt."""
        levels = np.geomspace(*FLAT_LEVELS_E, max(number, 1))
        # In the twilight of the noon before.
        first = NOON_UTC - timedelta(hours=24)
        for index in range(len(FILTERS) * number):
            name, step = FILTERS[index // number], index % number
            path = f"{FLATS}/{DATE}_{index:04d}_SKYFLAT_{name}.fits"
            level = float(levels[step])
            if "saturated flat" in self.chosen and name == "V" and step == number - 1 and number > 3:
                level = 170_000.0
                self._plant(path, "saturated flat", "saturated", level)
            model = SkyModel(
                name,
                level,
                gradient=(float(self.rng.normal(0, 0.003)), float(self.rng.normal(0, 0.003))),
                dx_px=float(self.rng.uniform(-60, 60)),
                dy_px=float(self.rng.uniform(-60, 60)),
                fwhm_px=self.fwhm_px,
                clear=FLAT_S / SCIENCE_S,
            )
            start = first + timedelta(seconds=60 * index)
            yield FrameTruth(path, FrameKind.FLAT, FLAT_S, start, name, sun_altitude_deg(start), model)

    def darks(self, n_dark: int, n_bias: int) -> Iterator[FrameTruth]:
        """Yield darks of 90 s and 10 s and biases, after the last science frame."""
        start = self.end + timedelta(minutes=10)
        for index in range(n_dark):
            path = f"{LIGHTS}/{DATE}_{index:04d}_DARK.fits"
            model = None
            if "stars in dark" in self.chosen and n_dark > 3 and index == n_dark // 2:
                model = SkyModel("R", 0.0, fwhm_px=self.fwhm_px, clear=LEAK)
                self._plant(path, "stars in dark", "stars in dark", LEAK)
            yield FrameTruth(path, FrameKind.DARK, SCIENCE_S, start, None, sun_altitude_deg(start), model)
            start += timedelta(seconds=100)
        for index in range(n_dark):
            yield FrameTruth(
                f"{FLATS}/{DATE}_{index:04d}_DARK.fits",
                FrameKind.DARK,
                FLAT_S,
                start,
                None,
                sun_altitude_deg(start),
            )
            start += timedelta(seconds=20)
        for index in range(n_bias):
            yield FrameTruth(
                f"{LIGHTS}/{DATE}_{index:04d}_BIAS.fits",
                FrameKind.BIAS,
                0.0,
                start,
                None,
                sun_altitude_deg(start),
            )
            start += timedelta(seconds=10)


@dataclass(frozen=True)
class _Camera:
    """What taking a frame needs, made once a night."""

    folder: Path
    seed: int
    detector: Detector
    stars: Stars
    bias_adu: Image
    dark_e_per_s: Image
    cosmics_per_mpx: float
    scale_arcsec: float
    truncated: frozenset[str]


def _take(camera: _Camera, index: int, frame: FrameTruth) -> tuple[str, CosmicHits]:
    """Take one frame and write it. Its random numbers are its own: the order of taking does not matter."""
    rng = np.random.default_rng([camera.seed, 2, index])
    hits = cosmic_hits(camera.detector.size, frame.exposure_s, camera.cosmics_per_mpx, rng)
    light = None
    if frame.sky is not None:
        light = expected_light(frame.sky, camera.stars, camera.detector.size)
        light *= camera.detector.flats[frame.sky.filter]
    counts = expose(
        camera.detector,
        light,
        frame.exposure_s,
        hits,
        rng,
        bias_adu=camera.bias_adu,
        dark_e_per_s=camera.dark_e_per_s,
    )
    _write(camera, frame, counts)
    return frame.path, hits


def _write(camera: _Camera, frame: FrameTruth, counts: Any) -> None:
    """Write a raw file as the telescope's camera program does."""
    from astropy.io import fits  # noqa: PLC0415 - heavy: 0.3 s

    header = fits.Header()
    header["EXPTIME"] = (frame.exposure_s, "[s] exposure time")
    header["DATE-OBS"] = (_iso(frame.start_utc), "UTC start of exposure")
    header["TIMESYS"] = "UTC"
    header["ACQTYPE"] = (
        "SKYFLAT" if frame.kind is FrameKind.FLAT else frame.kind.upper(),
        "type of acquisition",
    )
    header["FILTER"] = (frame.filter or "R", "filter in the beam")
    header["GAIN"] = (GAIN_E_PER_ADU, "[e-/ADU] gain")
    header["RDNOISE"] = (READ_NOISE_E, "[e-] read noise")
    header["CCD-TEMP"] = (-35.0, "[degC] chip temperature")
    header["XBINNING"] = 1
    header["YBINNING"] = 1
    header["OBJECT"] = "DEMO-1" if frame.kind is FrameKind.SCIENCE else frame.kind.upper()
    header["RA"] = (RA_DEG, "[deg] pointing, J2000")
    header["DEC"] = (DEC_DEG, "[deg] pointing, J2000")
    header["PIXSCALE"] = (camera.scale_arcsec, "[arcsec/px] pixel scale")
    header["TELESCOP"] = "ASTEP 400"
    header["INSTRUME"] = "CAMS"
    header["OBSERVAT"] = ("P48", "MPC code of Concordia")
    header["SITELAT"] = (LATITUDE_DEG, "[deg] north positive")
    header["SITELONG"] = (LONGITUDE_DEG, "[deg] east positive")
    header["SITEALT"] = (ALTITUDE_M, "[m]")
    header["ORIGFILE"] = frame.path.rsplit("/", 1)[-1]
    header["BUNIT"] = "adu"
    header["SIMULATD"] = (True, "no telescope took this frame")
    target = camera.folder / frame.path
    fits.PrimaryHDU(counts, header).writeto(target, overwrite=True)
    if frame.path in camera.truncated:
        with target.open("r+b") as file:
            file.truncate(int(target.stat().st_size * TRUNCATED_TO))


def _iso(when: datetime) -> str:
    """Return a UTC time as FITS writes it."""
    return when.replace(tzinfo=None).isoformat(timespec="milliseconds")
