"""A simulated frame with known stars and known cosmic rays, for the tests of the cosmic-ray step.

Frozen before anything was tuned on it: change a number here and every figure of the step must be measured again.
Stars: Moffat (beta 3) or rings, integrated over the pixels, anywhere within a pixel, fluxes up to 3000 times that of a
5 sigma star, so that a few saturate. Hits: straight tracks of 1 to 30 px, single pixels and winding worms, 150 to
6000 e a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BETA = 3.0
READ_NOISE_E = 9.0
GAIN = 2.0
FULL_WELL_E = 120_000.0


@dataclass
class Simulated:
    image: np.ndarray
    """(ny, nx) float32, electrons, flat-divided."""
    variance: np.ndarray
    masked: np.ndarray
    """Saturated before the hits came or by them."""
    clean: np.ndarray
    """The image without hits, with the same noise."""
    star_x: np.ndarray
    star_y: np.ndarray
    star_flux: np.ndarray
    struck: np.ndarray
    """Every pixel that a hit left charge in."""
    events: list[np.ndarray]
    """Of each hit, its (n, 2) pixels above 5 sigma: row, column."""


def light(fwhm, dy, dx, half, ring=0.0, steps=5):
    """Unit star on a (2 half + 1)² window; with ``ring`` (px, radius) a defocused ring of that width instead."""
    fine = (np.arange((2 * half + 1) * steps) + 0.5) / steps - half - 0.5
    r2 = (fine - dy)[:, None] ** 2 + (fine - dx)[None, :] ** 2
    if ring:
        value = np.exp(-0.5 * ((np.sqrt(r2) - ring) / (fwhm / 2.355)) ** 2)
    else:
        alpha = fwhm / (2 * np.sqrt(2 ** (1 / BETA) - 1))
        value = (1 + r2 / alpha**2) ** -BETA * (BETA - 1) / (np.pi * alpha**2)
    side = 2 * half + 1
    pixels = value.reshape(side, steps, side, steps).mean(axis=(1, 3))
    return pixels / pixels.sum() if ring else pixels


def simulate(seed, fwhm, size=512, stars=150, hits=120, sky=400.0, ring=0.0, corner=1.0):
    """One frame; ``corner`` is the flat's value in the corners (1 in the middle)."""
    rng = np.random.default_rng(seed)
    half = max(16, int(4 * fwhm + ring) + 4)
    y, x = np.mgrid[:size, :size]
    r2 = ((y - size / 2) ** 2 + (x - size / 2) ** 2) / (size**2 / 2)
    flat = 1 - (1 - corner) * r2
    scene = np.full((size + 2 * half, size + 2 * half), float(sky))
    star_x, star_y = rng.uniform(6, size - 7, (2, stars))
    area = max(4.0, 2.3 * fwhm**2 + 2 * np.pi * ring * fwhm)
    limit = 5 * np.sqrt((sky + READ_NOISE_E**2) * area)
    flux = limit * 10 ** np.minimum(rng.exponential(0.7, stars) + 0.3, 3.5)
    for sx, sy, f in zip(star_x, star_y, flux, strict=True):
        ix, iy = int(np.floor(sx + 0.5)), int(np.floor(sy + 0.5))
        window = (slice(iy, iy + 2 * half + 1), slice(ix, ix + 2 * half + 1))
        scene[window] += f * light(fwhm, sy - iy, sx - ix, half, ring)
    collected = rng.poisson(scene[half:-half, half:-half] * flat) + rng.normal(0, READ_NOISE_E, (size, size))
    without = np.minimum(collected, FULL_WELL_E)
    planted = []
    struck = np.zeros((size, size), bool)
    for _ in range(hits):
        pixels = _track(rng, size)
        charge = 150 * 40 ** rng.uniform(0, 1) * rng.uniform(0.7, 1.3, len(pixels))
        collected[pixels[:, 0], pixels[:, 1]] += charge
        struck[pixels[:, 0], pixels[:, 1]] = True
        planted.append((pixels, charge))
    raw = np.round(np.minimum(collected, FULL_WELL_E) / GAIN) * GAIN
    variance = ((np.maximum(raw, 0) + READ_NOISE_E**2) / flat**2).astype(np.float32)
    sigma = np.sqrt(np.maximum(without, 0) + READ_NOISE_E**2)
    events = [pixels[charge > 5 * sigma[pixels[:, 0], pixels[:, 1]]] for pixels, charge in planted]
    masked = raw >= 0.98 * FULL_WELL_E
    events = [e[~masked[e[:, 0], e[:, 1]]] for e in events]
    return Simulated(
        (raw / flat).astype(np.float32),
        variance,
        masked,
        (without / flat).astype(np.float32),
        star_x,
        star_y,
        flux,
        struck,
        [e for e in events if len(e)],
    )


def _track(rng, size):
    """Pixels of one hit, each once: a single pixel, a straight track or a worm."""
    kind = rng.choice(3, p=[0.3, 0.5, 0.2])
    length = 1 if kind == 0 else int(rng.integers(2, 31))
    at = rng.uniform(8, size - 9, 2)
    angle = rng.uniform(0, 2 * np.pi)
    pixels = []
    for _ in range(length):
        pixels.append(np.floor(at + 0.5).astype(int))
        if kind == 2:
            angle += rng.normal(0, 0.5)
        at += (np.sin(angle), np.cos(angle))
    pixels = np.unique(np.array(pixels), axis=0)
    inside = ((pixels >= 5) & (pixels < size - 5)).all(axis=1)
    return pixels[inside]


def judge(sim, result, fwhm, ring=0.0):
    """Events, events found, their pixels, pixels found, stars, stars that lost or won over 1 % of their flux."""
    found = [result.hits[e[:, 0], e[:, 1]] for e in sim.events]
    stars = lost = 0
    reach = int(np.ceil(1.5 * fwhm + ring)) + 1
    for x, y, flux in zip(sim.star_x, sim.star_y, sim.star_flux, strict=True):
        ix, iy = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
        window = (slice(max(0, iy - reach), iy + reach + 1), slice(max(0, ix - reach), ix + reach + 1))
        # A star under a hit or over full well is not the step's to spare.
        if sim.struck[window].any() or sim.masked[window].any():
            continue
        stars += 1
        lost += abs((result.cleaned[window] - sim.image[window]).sum()) > 0.01 * flux
    return (
        len(found),
        sum(f.any() for f in found),
        sum(map(len, found)),
        sum(int(f.sum()) for f in found),
        stars,
        lost,
    )
