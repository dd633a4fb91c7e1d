"""Frames with known stars: pixel-integrated Moffat or Gaussian images, rings, streaks."""

import numpy as np

_FINE = 5


def star_frame(
    *, shape=(512, 512), stars=60, fwhm=2.5, beta=3.0, ellipticity=0.0, angle_deg=0.0, sky=400.0, noise=20.0,
    flux=(8e3, 2e5), seed=1, ring=None, margin=30, spacing=None, random_angle=False, trail_px=0.0,
    through=1.0, shift=(0.0, 0.0), noise_seed=None,
):  # fmt: skip
    """Return (image in electrons, x, y, flux).

    ``beta=None`` is a Gaussian; ``ring=(inner, outer)`` are radii of defocus. Of one ``seed`` and ``spacing`` the same
    stars are seen through a sky that lets ``through`` a part, moved by ``shift`` px, with noise of another seed.
    """
    rng = np.random.default_rng(seed)
    ny, nx = shape
    spacing = spacing or max(20.0, 6 * fwhm)
    places = []
    for _ in range(100 * stars):
        place = rng.uniform([margin, margin], [nx - margin, ny - margin])
        if all(np.hypot(*(place - other)) > spacing for other in places):
            places.append(place)
        if len(places) == stars:
            break
    x, y = np.array(places).reshape(-1, 2).T + np.array(shift)[:, None]
    fluxes = through * np.exp(rng.uniform(np.log(flux[0]), np.log(flux[1]), len(x)))
    image = np.full(shape, float(sky))
    radius = int(np.ceil(max(6 * fwhm, 8 if ring is None else ring[1] + 4, trail_px / 2 + 4 * fwhm)))
    fine = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    for cx, cy, total in zip(x, y, fluxes, strict=True):
        turn = np.radians(rng.uniform(0, 180) if random_angle else angle_deg)
        ix, iy = round(cx), round(cy)
        grid = np.arange(-radius, radius + 1)
        gx = (grid[:, None] + fine).ravel() + ix - cx
        gy = (grid[:, None] + fine).ravel() + iy - cy
        dx, dy = np.meshgrid(gx, gy)
        u, v = dx * np.cos(turn) + dy * np.sin(turn), -dx * np.sin(turn) + dy * np.cos(turn)
        if trail_px:
            u = np.sign(u) * np.maximum(np.abs(u) - trail_px / 2, 0)
        q = np.sqrt(1 - ellipticity)
        r2 = (u * q) ** 2 + (v / q) ** 2
        if ring is not None:
            light = ((r2 >= ring[0] ** 2) & (r2 <= ring[1] ** 2)).astype(float)
        elif beta is None:
            light = np.exp(-4 * np.log(2) * r2 / fwhm**2)
        else:
            light = (1 + (2 ** (1 / beta) - 1) * 4 * r2 / fwhm**2) ** -beta
        n = 2 * radius + 1
        light = light.reshape(n, _FINE, n, _FINE).mean(axis=(1, 3))
        y0, y1, x0, x1 = max(iy - radius, 0), min(iy + radius + 1, ny), max(ix - radius, 0), min(ix + radius + 1, nx)
        cut = light[y0 - iy + radius : y1 - iy + radius, x0 - ix + radius : x1 - ix + radius]
        image[y0:y1, x0:x1] += total * cut / light.sum()
    rng = rng if noise_seed is None else np.random.default_rng(noise_seed)
    image += rng.normal(0, 1, shape) * np.sqrt(noise**2 + np.maximum(image - sky, 0))
    return image.astype(np.float32), x, y, fluxes


def add_streak(image, start, end, *, per_px, width=2.5):
    """Add a straight line of Gaussian cross-section (sigma ``width``/2.35) and ``per_px`` peak light."""
    ny, nx = image.shape
    y, x = np.mgrid[:ny, :nx].astype(np.float32)
    (x0, y0), (x1, y1) = start, end
    length = np.hypot(x1 - x0, y1 - y0)
    along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
    off = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length
    line = per_px * np.exp(-0.5 * (off / (width / 2.3548)) ** 2) * ((along >= 0) & (along <= length))
    return (image + line).astype(np.float32)
