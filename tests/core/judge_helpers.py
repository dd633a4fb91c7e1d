"""A night of measures and star lists with known trouble, without a pixel: what the judges are tried on.

What is planted and how strongly stands here, before any threshold: an observer must call these frames by name. Natural
variation (seeing, guiding, photometric errors) is that of an ordinary site.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from pipeline_core.measures import ScienceMeasures, StarList
from pipeline_core.types import Frame, FrameKind, Site

DOME_C = Site(-75.10039, 123.32403, 3232.0, "Dome C")
LOWELL = Site(35.09675, -111.5355, 2206.0, "Lowell")
SIZE = 1024
READ_NOISE_E = 9.0
DARK_SKY_E = 400.0


@dataclass
class State:
    """What one frame suffers from."""

    clear: float = 1.0
    patches: tuple = ()
    frost: float = 0.0
    fwhm: float = 2.5
    ellipticity: float = 0.06
    coherence: float = 0.3
    halo: float = 1.10
    sky: float = DARK_SKY_E
    extra_noise: float = 1.0
    mesh: float = 0.3
    streaks: tuple = ()
    shift: tuple = (0.0, 0.0)
    rotation_deg: float = 0.0
    saturated: float = 1e-4


@dataclass
class Night:
    """Frames with their measures, stars, and what was planted."""

    frames: list = field(default_factory=list)
    measures: dict = field(default_factory=dict)
    stars: dict = field(default_factory=dict)
    causes: dict = field(default_factory=dict)
    """Path → planted cause, plain enough to be named."""
    weak: set = field(default_factory=set)
    """Paths whose trouble is too slight to count either way."""

    @property
    def groups(self):
        return [[frame.path for frame in self.frames]]


def ordinary_states(rng, n, drift_px=0.4):
    """Frames of a good night: seeing that wanders and scatters, slow drift."""
    slow = np.cumsum(rng.normal(0, 0.01, n))
    states = []
    for k in range(n):
        seeing = 2.5 * np.exp(slow[k] - slow.mean() + rng.normal(0, 0.04))
        states.append(
            State(fwhm=seeing, shift=(drift_px * k + rng.normal(0, 0.15), -0.5 * drift_px * k + rng.normal(0, 0.15)))
        )
    return states


def field_of(rng, n=400, size=SIZE):
    """Stars of a field with a margin, brightest first: x, y, electrons."""
    flux = np.sort(np.minimum(3000.0 * rng.pareto(0.9, n) + 3000.0, 1e6))[::-1]
    return rng.uniform(-40, size + 40, n), rng.uniform(-40, size + 40, n), flux


def measured(state, stars, rng, size=SIZE, listed=100):
    """Measure a frame in this state: its numbers and its star list."""
    x0, y0, flux = stars
    centre = complex((size - 1) / 2, (size - 1) / 2)
    z = (x0 + 1j * y0 - centre) * np.exp(1j * np.radians(state.rotation_deg)) + centre + complex(*state.shift)
    x, y = z.real, z.imag
    through = np.full(x.size, state.clear)
    for px, py, radius, lost in state.patches:
        through *= 1 - lost * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * radius**2))
    if state.frost:
        r2 = (x - 0.6 * size) ** 2 + (y - 0.45 * size) ** 2
        through *= 1 - state.frost * np.exp(-r2 / (2 * (0.35 * size) ** 2))
        through *= 1 - 0.5 * state.frost  # scattered out of the aperture into the halo
    noise = np.sqrt(state.sky + READ_NOISE_E**2) * state.extra_noise
    error = np.sqrt(7.07 * state.fwhm**2 * noise**2 + flux * through)
    seen = flux * through * rng.normal(1, 0.01, x.size) + error * rng.normal(0, 1, x.size)
    inside = (x > 8) & (x < size - 8) & (y > 8) & (y < size - 8)
    # 95 % pass as clean; five sigma to be found.
    kept = inside & (seen > 5 * error) & (rng.random(x.size) < 0.95)
    order = np.flatnonzero(kept)[np.argsort(-seen[kept])]
    jitter = 0.03 + 0.4 * state.fwhm * error[order] / seen[order]
    best = order[:listed]
    stars_here = StarList(
        x[best] + rng.normal(0, 1, best.size) * jitter[:listed],
        y[best] + rng.normal(0, 1, best.size) * jitter[:listed],
        seen[best],
        state.fwhm * rng.normal(1, 0.05, best.size),
    )
    n = len(order)
    some = n >= 3
    measures = ScienceMeasures(
        "final",
        "electron",
        background=float(state.sky * rng.normal(1, 0.005)),
        noise=float(noise * rng.normal(1, 0.005)),
        mesh_rms_percent=float(max(state.mesh + rng.normal(0, 0.05), 0.01)),
        stars=n,
        fwhm_px=float(state.fwhm * rng.normal(1, 0.01)) if some else None,
        ellipticity=float(abs(state.ellipticity + rng.normal(0, 0.015))) if some else None,
        ellipticity_angle_deg=float(rng.uniform(0, 180)) if some else None,
        ellipticity_coherence=state.coherence if some else None,
        saturated_fraction=state.saturated,
        streaks=state.streaks,
        halo_ratio=float((state.halo + 0.5 * state.frost) * rng.normal(1, 0.01)) if some else None,
    )
    return measures, stars_here


def build(
    states,
    rng,
    *,
    start=datetime(2024, 6, 20, 16, 0, tzinfo=UTC),
    cadence_s=120.0,
    size=SIZE,
    causes=None,
    weak=(),
    ra_deg=200.0,
    dec_deg=-60.0,
    stars=None,
):
    """Measure every state into a night; ``causes`` maps frame numbers to what was planted."""
    night = Night()
    sky_field = field_of(rng, size=size) if stars is None else stars
    for k, state in enumerate(states):
        path = f"f{k:03d}.fits"
        night.frames.append(
            Frame(
                path,
                FrameKind.SCIENCE,
                1,
                1,
                filter="R",
                exposure_s=90.0,
                mid_utc=start + timedelta(seconds=cadence_s * k),
                shape=(size, size),
                gain_e_per_adu=2.0,
                ra_deg=ra_deg,
                dec_deg=dec_deg,
            )
        )
        night.measures[path], night.stars[path] = measured(state, sky_field, rng, size)
    night.causes = {f"f{k:03d}.fits": cause for k, cause in (causes or {}).items()}
    night.weak = {f"f{k:03d}.fits" for k in weak}
    return night


def troubled_night(seed, n=100):
    """A whole night of troubles, as strong as those of the demo night."""
    rng = np.random.default_rng(seed)
    states = ordinary_states(rng, n)
    causes, weak = {}, set()

    def span(start, stop, first, last):
        low, high = round(start * (n - 1)), round(stop * (n - 1))
        yield from zip(range(low, high + 1), np.linspace(first, last, high - low + 1), strict=True)

    for k, _ in span(0.05, 0.05, 1, 1):
        states[k] = replace(states[k], ellipticity=0.6, coherence=0.95, fwhm=1.6 * states[k].fwhm)
        causes[k] = "trailed"
    for k, lost in span(0.12, 0.19, 0.7, 0.7):
        states[k] = replace(
            states[k], patches=tuple((*rng.uniform(0.1, 0.9, 2) * SIZE, 0.2 * SIZE, lost) for _ in range(2))
        )
        causes[k] = "cloud"
    for k, ratio in span(0.24, 0.24, 1.6, 1.6):
        states[k] = replace(states[k], ellipticity=1 - 1 / ratio, coherence=0.9)
        causes[k] = "wind"
    for k, lost in span(0.28, 0.31, 0.6, 0.7):
        states[k] = replace(states[k], clear=1 - lost)
        causes[k] = "cloud"
    for k, arcs in span(0.35, 0.38, 1.5, 1.0):
        states[k] = replace(states[k], sky=states[k].sky * (1 + 0.3 * arcs), mesh=10 * arcs)
        causes[k] = "aurora"
    for k, _ in span(0.58, 0.58, 1, 1):
        states[k] = replace(states[k], streaks=((0.0, 10.0, 1000.0, 300.0),))
        causes[k] = "streak"
    for k, ratio in span(0.64, 0.75, 1.1, 2.0):
        states[k] = replace(states[k], fwhm=ratio * states[k].fwhm)
        if ratio >= 1.4:
            causes[k] = "defocus"
        else:
            weak.add(k)
    for k, lost in span(0.82, 1.0, 0.05, 0.35):
        states[k] = replace(states[k], frost=lost)
        if lost >= 0.2:
            causes[k] = "frost"
        else:
            weak.add(k)
    return build(states, rng, causes=causes, weak=weak)
