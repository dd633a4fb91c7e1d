"""Frames of one field, each moved, turned, mirrored or distorted by a known map, with stars at known places."""

import numpy as np

from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement

_FINE = 5


def moved_field(rotation_deg=0.0, dx=0.0, dy=0.0, *, scale=1.0, mirrored=False, shape=(512, 512), bend=0.0):
    """Return the placement of a frame turned about the middle; ``bend`` adds third-order distortion, px at the edge."""
    ny, nx = shape
    centre = complex((nx - 1) / 2, (ny - 1) / 2)
    turn = scale * complex(np.exp(1j * np.radians(rotation_deg)))
    first = centre.conjugate() if mirrored else centre
    placed = Placement.of(Alignment(turn, centre + complex(dx, dy) - turn * first, mirrored), shape)
    if not bend:
        return placed
    # Radial: u (u² + v²), v (u² + v²).
    x = (*placed.x_terms, 0, 0, 0, bend, 0, bend, 0)
    y = (*placed.y_terms, 0, 0, 0, 0, bend, 0, bend)
    return Placement(placed.centre, placed.reach, x, y)


def star_places(rng, n, shape=(512, 512), margin=-40, apart=14.0):
    """Return places all over the field and beyond its edges, and fluxes, electrons, brightest first."""
    ny, nx = shape
    places = np.empty((0, 2))
    for _ in range(60 * n):
        place = rng.uniform([margin, margin], [nx - margin, ny - margin])
        if not len(places) or np.hypot(*(places - place).T).min() > apart:
            places = np.vstack([places, place])
        if len(places) == n:
            break
    flux = np.sort(np.minimum(4000 * (rng.pareto(1.0, len(places)) + 1), 3e5))[::-1]
    return places[:, 0], places[:, 1], flux


def render(x, y, flux, *, shape=(512, 512), fwhm=2.5, beta=3.0, sky=400.0, noise=12.0, rng=None, background=True):
    """Draw Moffat stars averaged over the pixels; ``rng=None`` leaves the noise away."""
    ny, nx = shape
    image = np.full(shape, float(sky) if background else 0.0)
    radius = int(np.ceil(8 * fwhm))
    grid = np.arange(-radius, radius + 1)
    fine = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    for cx, cy, total in zip(x, y, flux, strict=True):
        ix, iy = round(cx), round(cy)
        if not (-radius < ix < nx + radius and -radius < iy < ny + radius):
            continue
        gx = (grid[:, None] + fine).ravel() + ix - cx
        gy = (grid[:, None] + fine).ravel() + iy - cy
        r2 = gx[None, :] ** 2 + gy[:, None] ** 2
        light = (1 + (2 ** (1 / beta) - 1) * 4 * r2 / fwhm**2) ** -beta
        n = grid.size
        light = light.reshape(n, _FINE, n, _FINE).mean(axis=(1, 3))
        # The whole profile's light, not that of the stamp: (pi a²) / (beta - 1) with a from the width.
        a2 = fwhm**2 / 4 / (2 ** (1 / beta) - 1)
        light *= total * (beta - 1) / (np.pi * a2)
        y0, y1, x0, x1 = max(iy - radius, 0), min(iy + radius + 1, ny), max(ix - radius, 0), min(ix + radius + 1, nx)
        if y0 < y1 and x0 < x1:
            image[y0:y1, x0:x1] += light[y0 - iy + radius : y1 - iy + radius, x0 - ix + radius : x1 - ix + radius]
    if rng is not None:
        image += rng.normal(0, 1, shape) * np.sqrt(noise**2 + np.maximum(image, 0))
    return image.astype(np.float32)


def frame_of(placement, stars, *, rng, shape=(512, 512), through=1.0, **drawn):
    """Draw the field as a frame with this placement shows it."""
    x, y, flux = stars
    return render(*placement.moved(x, y), flux * through, shape=shape, rng=rng, **drawn)


def error_px(found, truth, shape=(512, 512)):
    """Return the largest distance between two placements over the frame (root mean square over a grid)."""
    ny, nx = shape
    x, y = np.meshgrid(np.linspace(0, nx - 1, 9), np.linspace(0, ny - 1, 9))
    off = np.hypot(*np.subtract(found.moved(x, y), truth.moved(x, y)))
    return float(np.sqrt(np.mean(off**2)))
