"""The hot loops that find round stars, measure their profile and fit it."""

from __future__ import annotations

import numpy as np

from pipeline_core.science.jit import kernel

BLOCK = 4  # px: blocks of three by three are about as wide as the stars
RING = 4  # blocks: the sky around them
TOLERANCES = (1.0, 0.5, 0.3, 0.15, 0.08, 0.05, 0.05)  # of the star's light, pass by pass: the centre settles first

SHIFTED = 8  # px: as far as a hit drags the block in which a star is looked for, or its centroid
TRUSTED = np.float32(0.7)  # of the median: a centre at which even the faint third is as bright needs no search
SKY_WITHIN = 10  # px: past the rim of the widest star


@kernel
def bright_blocks(image, variance, masked, light, wanted, sigmas, dropped):
    """Rows, columns and significance of places where 12×12 pixels hold more light than around them.

    What ``light`` explains is taken off; of each 4×4 block the brightest ``dropped`` pixels are left out (hits).
    Only blocks that are ``wanted`` are looked at.
    """
    ny, nx = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    sums = np.zeros((ny, nx), np.float32)
    block = np.empty(BLOCK * BLOCK, np.float32)
    for j in range(ny):
        for i in range(nx):
            if not wanted[j, i]:
                sums[j, i] = np.float32(np.nan)
                continue
            n = 0
            for y in range(j * BLOCK, (j + 1) * BLOCK):
                for x in range(i * BLOCK, (i + 1) * BLOCK):
                    if not masked[y, x]:
                        block[n] = image[y, x] - light[y, x]
                        n += 1
            total = np.float32(0)
            kept = n - dropped if dropped < n else n
            if kept < n:
                block[:n].sort()
            for k in range(kept):
                total += block[k]
            sums[j, i] = total / np.float32(kept) if kept else np.float32(np.nan)
    wide = np.zeros((ny, nx), np.float32)
    for j in range(ny):
        for i in range(nx):
            total = np.float32(0)
            n = 0
            for jj in range(max(0, j - 1), min(ny, j + 2)):
                for ii in range(max(0, i - 1), min(nx, i + 2)):
                    total += sums[jj, ii]
                    n += 1
            wide[j, i] = total / np.float32(n)
    rows = np.empty(ny * nx, np.int64)
    columns = np.empty(ny * nx, np.int64)
    heights = np.empty(ny * nx, np.float32)
    around = np.empty(8 * RING, np.float32)
    found = 0
    for j in range(ny):
        for i in range(nx):
            here = wide[j, i]
            if not np.isfinite(here) or not _tops(wide, j, i):
                continue
            n = 0
            for jj in range(max(0, j - RING), min(ny, j + RING + 1)):
                for ii in range(max(0, i - RING), min(nx, i + RING + 1)):
                    if max(abs(jj - j), abs(ii - i)) == RING and np.isfinite(sums[jj, ii]):
                        around[n] = sums[jj, ii]
                        n += 1
            if n < RING:
                continue
            sky = np.sort(around[:n])[n // 3]
            noise = np.sqrt(max(variance[j * BLOCK, i * BLOCK], np.float32(1))) / np.float32(3 * BLOCK)
            if here - sky > sigmas * noise:
                rows[found] = j * BLOCK + BLOCK // 2
                columns[found] = i * BLOCK + BLOCK // 2
                heights[found] = (here - sky) / noise
                found += 1
    return rows[:found].copy(), columns[:found].copy(), heights[:found].copy()


@kernel
def _tops(plane, j, i):
    """Tell whether no neighbour is higher."""
    for jj in range(max(0, j - 1), min(plane.shape[0], j + 2)):
        for ii in range(max(0, i - 1), min(plane.shape[1], i + 2)):
            if plane[jj, ii] > plane[j, i]:
                return False
    return True


@kernel
def _sky_around(image, masked, y, x, reach):
    """Lower third of the good pixels on a square ring: neighbours in it count for little."""
    ny, nx = image.shape
    values = np.empty(8 * reach, np.float32)
    n = 0
    for yy in range(max(0, y - reach), min(ny, y + reach + 1)):
        for xx in range(max(0, x - reach), min(nx, x + reach + 1)):
            if max(abs(yy - y), abs(xx - x)) == reach and not masked[yy, xx]:
                values[n] = image[yy, xx]
                n += 1
    if n == 0:
        return np.float32(0)
    ordered = np.sort(values[:n])
    return np.float32((ordered[n // 3] + ordered[n // 2]) / 2)


@kernel
def centred(image, variance, masked, rows, columns, reach):
    """Centre, rms radius and ellipticity of what lies around each place; NaN where nothing does."""
    out = np.full((rows.size, 4), np.nan)
    ny, nx = image.shape
    for k in range(rows.size):
        cy = float(rows[k])
        cx = float(columns[k])
        sky = _sky_around(image, masked, rows[k], columns[k], reach + 1)
        for _ in range(8):
            total = sy = sx = syy = sxx = sxy = 0.0
            py = int(np.floor(cy + 0.5))
            px = int(np.floor(cx + 0.5))
            for y in range(max(0, py - reach), min(ny, py + reach + 1)):
                for x in range(max(0, px - reach), min(nx, px + reach + 1)):
                    if masked[y, x] or (y - cy) ** 2 + (x - cx) ** 2 > reach * reach:
                        continue
                    light = image[y, x] - sky
                    if light * light < 9 * variance[y, x] or light < 0:
                        continue
                    total += light
                    sy += light * (y - cy)
                    sx += light * (x - cx)
                    syy += light * (y - cy) ** 2
                    sxx += light * (x - cx) ** 2
                    sxy += light * (y - cy) * (x - cx)
            if total <= 0:
                break
            my = sy / total
            mx = sx / total
            cy += my
            cx += mx
            if abs(my) + abs(mx) < 0.01:
                yy = syy / total - my * my
                xx = sxx / total - mx * mx
                xy = sxy / total - my * mx
                trace = yy + xx
                if trace > 0 and reach < cy < ny - reach - 1 and reach < cx < nx - reach - 1:
                    out[k, 0] = cy
                    out[k, 1] = cx
                    out[k, 2] = np.sqrt(trace / 2)
                    out[k, 3] = np.sqrt((yy - xx) ** 2 + 4 * xy * xy) / trace
                break
    return out


@kernel
def radial_samples(image, variance, masked, ys, xs, reach):
    """Distance from the centre and light over the star's flux, of every good pixel of every star."""
    side = 2 * reach + 1
    distances = np.empty(ys.size * side * side, np.float32)
    values = np.empty(ys.size * side * side, np.float32)
    n = 0
    for k in range(ys.size):
        py = int(np.floor(ys[k] + 0.5))
        px = int(np.floor(xs[k] + 0.5))
        sky = _sky_around(image, masked, py, px, reach + 1)
        flux = np.float32(0)
        for y in range(max(0, py - reach), min(image.shape[0], py + reach + 1)):
            for x in range(max(0, px - reach), min(image.shape[1], px + reach + 1)):
                light = image[y, x] - sky
                if not masked[y, x] and light * light > 4 * variance[y, x]:
                    flux += light
        if flux <= 0:
            continue
        for y in range(max(0, py - reach), min(image.shape[0], py + reach + 1)):
            for x in range(max(0, px - reach), min(image.shape[1], px + reach + 1)):
                if not masked[y, x]:
                    distances[n] = np.sqrt((y - ys[k]) ** 2 + (x - xs[k]) ** 2)
                    values[n] = (image[y, x] - sky) / flux
                    n += 1
    return distances[:n].copy(), values[:n].copy()


@kernel
def _at(profile, step, r):
    """Profile and its slope at a distance, between its steps."""
    at = r / step
    k = int(at)
    if k >= profile.size - 1:
        return 0.0, 0.0
    slope = (profile[k + 1] - profile[k]) / step
    return profile[k] + slope * (r - k * step), slope


@kernel
def fit_stars(image, variance, masked, rows, columns, profile, step, light):
    """Fit a star at each place, the brightest first, and add it to ``light``; returns how many there are."""
    ny, nx = image.shape
    reach = int(np.ceil(profile.size * step))
    count = 0
    for k in range(rows.size):
        cy = float(rows[k])
        cx = float(columns[k])
        cy, cx, flux = _best_guess(image, variance, masked, light, cy, cx, reach, profile, step)
        if flux <= 0:
            continue
        cy, cx, flux, error = _fitted(image, variance, masked, light, cy, cx, flux, reach, profile, step)
        if not flux > 6 * error:
            continue
        count += 1
        for y in range(max(0, int(cy) - reach), min(ny, int(cy) + reach + 2)):
            for x in range(max(0, int(cx) - reach), min(nx, int(cx) + reach + 2)):
                value, _ = _at(profile, step, np.sqrt((y - cy) ** 2 + (x - cx) ** 2))
                light[y, x] += np.float32(flux * value)
    return count


@kernel
def _best_guess(image, variance, masked, light, cy, cx, reach, profile, step):
    """Centre and flux to begin with: where the whole shape is lit, hits or neighbours beside it notwithstanding.

    The centroid is right for a star alone; a hit as bright as the star drags it away. A hit only adds light, so that
    at the right centre even the faint third of the shape's pixels is lit.
    """
    sky = _sky_around(image, masked, int(cy), int(cx), reach + 1)
    by, bx, flux = _first_guess(image, variance, masked, light, cy, cx, reach, profile, step)
    best = (
        _lit_third(image, masked, light, sky, by, bx, reach, profile, step, np.float32(0))
        if flux > 0
        else np.float32(0)
    )
    if flux > 0 and best > TRUSTED * flux:
        return by, bx, flux
    for spacing in (2, 1):
        span = SHIFTED if spacing == 2 else 1
        y0 = np.floor(cy + 0.5) if spacing == 2 else by
        x0 = np.floor(cx + 0.5) if spacing == 2 else bx
        for dy in range(-span, span + 1, spacing):
            for dx in range(-span, span + 1, spacing):
                third = _lit_third(image, masked, light, sky, y0 + dy, x0 + dx, reach, profile, step, best)
                if third > best:
                    best = third
                    by = y0 + dy
                    bx = x0 + dx
                    flux = third
    return by, bx, flux


@kernel
def _lit_third(image, masked, light, sky, cy, cx, reach, profile, step, least):
    """Flux of the star that the faint third of its bright pixels allows, were it here.

    0 with too few pixels, or where it is no more than ``least``: most places are settled by counting.
    """
    ny, nx = image.shape
    py = int(np.floor(cy + 0.5))
    px = int(np.floor(cx + 0.5))
    if not (0 <= py < ny and 0 <= px < nx):
        return np.float32(0)
    bright = 0.3 * profile.max()
    inner, outer = profile.size, 0
    for k in range(profile.size):
        if profile[k] > bright:
            inner = min(inner, k)
            outer = max(outer, k)
    inner2 = max(0.0, (inner - 1) * step) ** 2
    outer2 = ((outer + 1) * step) ** 2
    values = np.empty((2 * reach + 1) ** 2, np.float32)
    n = 0
    above = 0
    for y in range(max(0, py - reach), min(ny, py + reach + 1)):
        for x in range(max(0, px - reach), min(nx, px + reach + 1)):
            r2 = (y - cy) ** 2 + (x - cx) ** 2
            if r2 < inner2 or r2 > outer2 or masked[y, x]:
                continue
            value, _ = _at(profile, step, np.sqrt(r2))
            if value > bright:
                values[n] = (image[y, x] - sky - light[y, x]) / np.float32(value)
                above += values[n] > least
                n += 1
    if n < 6 or above < n - n // 3:
        return np.float32(0)
    return np.sort(values[:n])[n // 3]


@kernel
def _first_guess(image, variance, masked, light, cy, cx, reach, profile, step):
    """Centre and flux of what other stars leave here; bright pixels are cut, so that a hit does not pull."""
    ny, nx = image.shape
    sky = _sky_around(image, masked, int(cy), int(cx), reach + 1)
    seen = np.empty((2 * reach + 1) ** 2, np.float32)
    for _ in range(6):
        py = int(np.floor(cy + 0.5))
        px = int(np.floor(cx + 0.5))
        if not (0 <= py < ny and 0 <= px < nx):
            return cy, cx, np.float32(0)
        n = 0
        for y in range(max(0, py - reach), min(ny, py + reach + 1)):
            for x in range(max(0, px - reach), min(nx, px + reach + 1)):
                left = image[y, x] - sky - light[y, x]
                if not masked[y, x] and left > 0 and left * left > 4 * variance[y, x]:
                    seen[n] = left
                    n += 1
        if n < 3:
            return cy, cx, np.float32(0)
        cap = 3 * np.sort(seen[:n])[n // 2]
        total = sy = sx = 0.0
        for y in range(max(0, py - reach), min(ny, py + reach + 1)):
            for x in range(max(0, px - reach), min(nx, px + reach + 1)):
                left = image[y, x] - sky - light[y, x]
                if not masked[y, x] and left > 0 and left * left > 4 * variance[y, x]:
                    weight = min(left, cap)
                    total += weight
                    sy += weight * (y - cy)
                    sx += weight * (x - cx)
        cy += sy / total
        cx += sx / total
        if abs(sy) + abs(sx) < 0.05 * total:
            break
    py = int(np.floor(cy + 0.5))
    px = int(np.floor(cx + 0.5))
    if not (0 <= py < ny and 0 <= px < nx):
        return cy, cx, np.float32(0)
    # The median of light over profile where the star is bright: hits on less than half of it do not count.
    top = profile.max()
    n = 0
    for y in range(max(0, py - reach), min(ny, py + reach + 1)):
        for x in range(max(0, px - reach), min(nx, px + reach + 1)):
            value, _ = _at(profile, step, np.sqrt((y - cy) ** 2 + (x - cx) ** 2))
            if not masked[y, x] and value > 0.3 * top:
                seen[n] = (image[y, x] - sky - light[y, x]) / np.float32(value)
                n += 1
    return cy, cx, (np.sort(seen[:n])[n // 2] if n > 2 else np.float32(0))


@kernel
def _fitted(image, variance, masked, light, cy, cx, flux, reach, profile, step):
    """Centre, flux and its error by least squares that far-off pixels (hits, neighbours) hardly enter."""
    ny, nx = image.shape
    py = int(np.floor(cy + 0.5))
    px = int(np.floor(cx + 0.5))
    sky = float(_sky_around(image, masked, py, px, reach + 1))
    error = np.inf
    top = profile.max()
    for tolerance in TOLERANCES:
        m = np.zeros((3, 3))
        v = np.zeros(3)
        for y in range(max(0, py - reach), min(ny, py + reach + 1)):
            for x in range(max(0, px - reach), min(nx, px + reach + 1)):
                r = np.sqrt((y - cy) ** 2 + (x - cx) ** 2)
                value, slope = _at(profile, step, r)
                if masked[y, x] or value <= 0:
                    continue
                off = image[y, x] - sky - light[y, x] - flux * value
                wrong = tolerance * flux * max(value, 0.1 * top)
                # Cauchy's weight: what is far off counts for little.
                weight = 1 / (max(variance[y, x], np.float32(1)) + wrong * wrong + off * off / 6)
                away = 1 / max(r, 1e-3)
                g0 = value
                g1 = -flux * slope * (y - cy) * away
                g2 = -flux * slope * (x - cx) * away
                m[0, 0] += weight * g0 * g0
                m[0, 1] += weight * g0 * g1
                m[0, 2] += weight * g0 * g2
                m[1, 1] += weight * g1 * g1
                m[1, 2] += weight * g1 * g2
                m[2, 2] += weight * g2 * g2
                v[0] += weight * g0 * off
                v[1] += weight * g1 * off
                v[2] += weight * g2 * off
        m[1, 0] = m[0, 1]
        m[2, 0] = m[0, 2]
        m[2, 1] = m[1, 2]
        if not np.linalg.det(m) > 0:
            return cy, cx, np.float32(0), np.inf
        better = np.linalg.solve(m, v)
        error = np.sqrt(1 / m[0, 0])
        flux = max(np.float32(0), np.float32(flux + better[0]))
        cy += min(max(better[1], -1.0), 1.0)
        cx += min(max(better[2], -1.0), 1.0)
        if flux <= 0 or abs(cy - py) > reach / 2 or abs(cx - px) > reach / 2:
            return cy, cx, np.float32(0), np.inf
    return cy, cx, flux, error


@kernel
def too_bright(image, variance, light, rows, columns, clip, mismatch):
    """Tell which pixels stand out above the sky and the stars' light."""
    out = np.ones(rows.size, np.bool_)
    ny, nx = image.shape
    near = np.empty((2 * SKY_WITHIN + 1) ** 2, np.float32)
    for k in range(rows.size):
        y = rows[k]
        x = columns[k]
        # The brightest of the star beside the pixel: on a flank a hair's shift of the centre changes all.
        star = light[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max()
        if star * star < variance[y, x] / 4:
            continue
        n = 0
        for yy in range(max(0, y - SKY_WITHIN), min(ny, y + SKY_WITHIN + 1)):
            for xx in range(max(0, x - SKY_WITHIN), min(nx, x + SKY_WITHIN + 1)):
                if light[yy, xx] * light[yy, xx] < variance[yy, xx] / 4:
                    near[n] = image[yy, xx]
                    n += 1
        sky = np.sort(near[:n])[n // 2] if n else np.float32(0)
        off = image[y, x] - light[y, x] - sky
        out[k] = off > 0 and off * off > clip * clip * (variance[y, x] + (mismatch * star) ** 2)
    return out


@kernel
def blocks_near(rows, columns, ny, nx, distance):
    """Tell which blocks lie within a distance of the given pixels."""
    out = np.zeros((ny // BLOCK + 1, nx // BLOCK + 1), np.bool_)
    span = int(np.ceil(distance / BLOCK))
    for k in range(rows.size):
        j = rows[k] // BLOCK
        i = columns[k] // BLOCK
        out[max(0, j - span) : j + span + 1, max(0, i - span) : i + span + 1] = True
    return out
