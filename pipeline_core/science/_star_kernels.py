"""The hot loops that compare a peak with images of stars."""

from __future__ import annotations

import numpy as np

from pipeline_core.science.jit import kernel

MASKED, PROTECTED, JUDGED = 1, 2, 4  # bits of the "closed" plane; the last is taken back before it is left
MISMATCH = np.float32(0.08)  # of the model, one sigma: real stars are no Moffats, phases have steps
CAP = np.float32(9)  # chi-square of a pixel outside the inner 3×3: a neighbouring star must not decide
STAR_CREDIT = np.float32(5)  # chi-square: a faint peak that could be either is left alone
LIT_PEAK_SIGMAS = np.float32(50)  # of the sky's noise: what is fainter is told by its shape well enough
LIT_BESIDE, LIT_CORNER = np.float32(0.04), np.float32(0.01)  # of the peak: a hit's charge ends with its track
LIT_SIGMAS, LIT_PART = np.float32(3), np.float32(0.55)  # light two pixels off, on so many sides: no track is there
REACH = 12  # px; the wings of the brightest unsaturated star are below the noise there


@kernel
def protect_stars(image, variance, closed, hits, rows, columns, bank, wing_px):
    """Set PROTECTED around each suspect's peak that is better explained as a star; returns how many were."""
    ny, nx = image.shape
    stars = 0
    peak_rows = np.empty(rows.size, np.int32)
    peak_columns = np.empty(rows.size, np.int32)
    peaks = 0
    for k in range(rows.size):
        if closed[rows[k], columns[k]] & PROTECTED:
            continue
        y, x = _climb(image, closed, rows[k], columns[k])
        # A peak that a brighter neighbour's wing covers is judged too: its own flanks may reach out of that wing.
        if closed[y, x] & JUDGED or y < 3 or x < 3 or y >= ny - 3 or x >= nx - 3:
            continue
        closed[y, x] |= JUDGED
        peak_rows[peaks] = y
        peak_columns[peaks] = x
        peaks += 1
        height = _star_flux(image, variance, closed, hits, y, x, bank)
        if height > 0:
            stars += closed[y, x] & PROTECTED == 0
            # Moffat wings fall as r^-6: out to where they are below half the noise, the Laplacian must not bite.
            sigma = np.sqrt(variance[y, x - 3])
            reach = wing_px * (height / sigma) ** np.float32(1 / 6)
            _close_around(closed, y, x, min(REACH, max(2, int(reach))))
    for k in range(peaks):
        closed[peak_rows[k], peak_columns[k]] &= ~np.uint8(JUDGED)
    return stars


@kernel
def protect_lit_around(image, variance, closed, rows, columns, wing_px):
    """Set PROTECTED around each suspect's peak that has light on all its sides; returns how many peaks."""
    ny, nx = image.shape
    stars = 0
    for k in range(rows.size):
        if closed[rows[k], columns[k]] & PROTECTED:
            continue
        y, x = _climb(image, closed, rows[k], columns[k])
        if y < 3 or x < 3 or y >= ny - 3 or x >= nx - 3:
            continue
        flux = _flux_lit_around(image, variance, closed, y, x)
        if flux > 0:
            stars += 1
            reach = wing_px * (flux / np.sqrt(variance[y, x - 3])) ** np.float32(1 / 6)
            _close_around(closed, y, x, min(REACH, max(2, int(reach))))
    return stars


@kernel
def _flux_lit_around(image, variance, closed, y, x):
    """Light of the 5×5 pixels around a bright peak if it falls off to all sides as only optics make it; else 0."""
    sky = _ring_median(image, closed, y, x, 3)
    peak = image[y, x] - sky
    if peak <= 0 or peak * peak < LIT_PEAK_SIGMAS**2 * variance[y, x - 3]:
        return np.float32(0)
    flux = np.float32(0)
    outer = 0
    lit = 0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            if closed[y + dy, x + dx] & MASKED:
                continue
            light = image[y + dy, x + dx] - sky
            flux += light
            if max(abs(dy), abs(dx)) == 2:
                outer += 1
                lit += light > 0 and light * light > LIT_SIGMAS**2 * variance[y, x - 3]
            elif light < (LIT_BESIDE if dy == 0 or dx == 0 else LIT_CORNER) * peak:
                return np.float32(0)
    return flux if outer >= 8 and lit >= LIT_PART * np.float32(outer) else np.float32(0)


@kernel
def _climb(image, closed, y, x):
    """Walk to the local maximum among good pixels."""
    ny, nx = image.shape
    for _ in range(3):
        by, bx = y, x
        for yy in range(max(0, y - 1), min(ny, y + 2)):
            for xx in range(max(0, x - 1), min(nx, x + 2)):
                if image[yy, xx] > image[by, bx] and not closed[yy, xx] & MASKED:
                    by, bx = yy, xx
        if by == y and bx == x:
            break
        y, x = by, bx
    return y, x


@kernel
def _star_flux(image, variance, closed, hits, y, x, bank):
    """Flux of the star that explains the pixels better than hits do; 0 when hits do."""
    data = np.empty(25, np.float32)
    weight = np.empty(25, np.float32)
    sky = _ring_median(image, closed, y, x, 3)
    slope_y, slope_x = _slopes(image, closed, y, x, 3)
    seen = 0
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            k = (dy + 2) * 5 + dx + 2
            data[k] = image[y + dy, x + dx] - sky - slope_y * np.float32(dy) - slope_x * np.float32(dx)
            is_good = (closed[y + dy, x + dx] & MASKED) == 0
            # What slopes is curved too: as uncertain as the slope itself.
            uneven = (slope_y * np.float32(dy)) ** 2 + (slope_x * np.float32(dx)) ** 2
            noise2 = max(variance[y + dy, x + dx], np.float32(1)) + uneven
            weight[k] = np.float32(1) / noise2 if is_good else np.float32(0)
            seen += is_good and abs(dy) < 2 and abs(dx) < 2
    if seen < 5:
        return np.float32(0)  # too little of it can be seen to call it anything; the mask covers it
    width, phase, height = _best_star(data, weight, bank)
    if height <= 0:
        return np.float32(0)
    peak_chi = np.float32(0)
    as_star = np.float32(0)
    as_hit = np.float32(0)
    star = bank[width, phase]
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            k = (dy + 2) * 5 + dx + 2
            if weight[k] == 0:
                continue
            model = height * star[k]
            off = data[k] - model
            chi_star = off * off / (np.float32(1) / weight[k] + (MISMATCH * model) ** 2)
            chi_sky = data[k] * data[k] * weight[k]
            if max(abs(dy), abs(dx)) == 2:
                chi_star = min(chi_star, CAP)
                chi_sky = min(chi_sky, CAP)
            as_star += chi_star
            as_hit += _price(chi_sky) if hits[y + dy, x + dx] else chi_sky
            peak_chi = max(peak_chi, chi_sky)
    as_star += _price(peak_chi) - STAR_CREDIT
    return height if as_star < as_hit else np.float32(0)


@kernel
def _price(chi):
    """Chi-square that one free number must earn (Occam's factor): more, the finer the data fix it."""
    return np.float32(2) + np.log(max(chi, np.float32(1)))


@kernel
def _close_around(closed, y, x, reach):
    ny, nx = closed.shape
    for yy in range(max(0, y - reach), min(ny, y + reach + 1)):
        for xx in range(max(0, x - reach), min(nx, x + reach + 1)):
            if (yy - y) ** 2 + (xx - x) ** 2 <= reach * reach + 4:
                closed[yy, xx] |= PROTECTED


@kernel
def _best_star(data, weight, bank):
    """Star of the bank (width, phase) that fits best with a free height, and that height."""
    best = np.float32(-1)
    best_width = 0
    best_phase = 0
    height = np.float32(0)
    for i in range(bank.shape[0]):
        for j in range(bank.shape[1]):
            star = bank[i, j]
            along = np.float32(0)
            norm = np.float32(0)
            for k in range(data.size):
                t = star[k] * weight[k]
                along += t * data[k]
                norm += t * star[k]
            # Chi-square falls by along²/norm when the star is taken away.
            if along > 0 and norm > 0 and along * along > best * norm:
                best = along * along / norm
                best_width = i
                best_phase = j
                height = along / norm
    return best_width, best_phase, height


@kernel
def _ring_median(image, closed, y, x, radius):
    """Median of the good pixels on the square ring around a pixel; of all of them when none is good."""
    values = np.empty(8 * radius, np.float32)
    ny, nx = image.shape
    for accept_all in range(2):
        n = 0
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                yy = y + dy
                xx = x + dx
                if max(abs(dy), abs(dx)) < radius or yy < 0 or yy >= ny or xx < 0 or xx >= nx:
                    continue
                if accept_all or not closed[yy, xx] & MASKED:
                    values[n] = image[yy, xx]
                    n += 1
        if n:
            break
    ordered = np.sort(values[:n])
    return ordered[n // 2]


@kernel
def _slopes(image, closed, y, x, radius):
    """Slopes of the sky along y and x, from opposite sides of the ring: what a bright neighbour's wing makes."""
    side = 2 * radius + 1
    values = np.empty((4, side), np.float32)
    counts = np.zeros(4, np.int64)
    for along in range(-radius, radius + 1):
        for k in range(4):
            across = radius if k % 2 else -radius
            yy = y + (across if k < 2 else along)
            xx = x + (along if k < 2 else across)
            if not closed[yy, xx] & MASKED:
                values[k, counts[k]] = image[yy, xx]
                counts[k] += 1
    if counts.min() < radius:
        return np.float32(0), np.float32(0)
    medians = np.empty(4, np.float32)
    for k in range(4):
        medians[k] = np.sort(values[k, : counts[k]])[counts[k] // 2]
    width = np.float32(2 * radius)
    return (medians[1] - medians[0]) / width, (medians[3] - medians[2]) / width


@kernel
def isolated_peaks(image, variance, masked, sky, sigmas, half):
    """Rows and columns of pixels that top their window and stand ``sigmas`` above the sky, no masked pixel beside."""
    ny, nx = image.shape
    n = 0
    places = np.empty((2, 1024), np.int64)
    for y in range(half, ny - half):
        for x in range(half, nx - half):
            c = image[y, x]
            above = c - sky
            if above <= 0 or above * above <= sigmas * sigmas * variance[y, x] or c <= image[y, x + 1]:
                continue
            if _tops_window(image, masked, y, x, half):
                if n == places.shape[1]:
                    more = np.empty((2, 2 * n), np.int64)
                    more[:, :n] = places
                    places = more
                places[0, n] = y
                places[1, n] = x
                n += 1
    return places[0, :n].copy(), places[1, :n].copy()


@kernel
def _tops_window(image, masked, y, x, half):
    for yy in range(y - half, y + half + 1):
        for xx in range(x - half, x + half + 1):
            if masked[yy, xx]:
                # A lone bad pixel further out does no harm; a saturated star has its masked pixels beside its peak.
                if max(abs(yy - y), abs(xx - x)) < 2:
                    return False
            elif image[yy, xx] > image[y, x]:
                return False
    return True


@kernel
def best_widths(image, variance, masked, ys, xs, bank, half):
    """Index of the width that explains each peak, -1 where none does."""
    side = 2 * half + 1
    data = np.empty(side * side, np.float32)
    weight = np.empty(side * side, np.float32)
    closed = masked.view(np.uint8)
    out = np.full(ys.size, -1, np.int64)
    for i in range(ys.size):
        sky = _ring_median(image, closed, ys[i], xs[i], half)
        for dy in range(-half, half + 1):
            for dx in range(-half, half + 1):
                k = (dy + half) * side + dx + half
                data[k] = image[ys[i] + dy, xs[i] + dx] - sky
                is_good = not masked[ys[i] + dy, xs[i] + dx]
                weight[k] = np.float32(1) / max(variance[ys[i] + dy, xs[i] + dx], np.float32(1)) if is_good else 0
        width, phase, height = _best_star(data, weight, bank)
        chi = np.float32(0)
        for k in range(data.size):
            if weight[k] > 0:
                model = height * bank[width, phase, k]
                chi += (data[k] - model) ** 2 / (np.float32(1) / weight[k] + (MISMATCH * model) ** 2)
        # Three per pixel: sky that is not quite even and faint neighbours are allowed, tracks are far off.
        if height > 0 and chi < 3 * data.size and 0 < width < bank.shape[0] - 1:
            out[i] = width
    return out
