"""Medians of 5, 7 and 9 neighbours by sorting networks, a whole row at a time.

A network is a fixed list of "put these two in order" steps, so that one processor instruction does eight pixels at
once. The lists are those of Paeth (Graphics Gems, 1990) and Devillard (1998), pruned to the median. They return one of
the values they were given, never a mean of two: the result does not depend on the method.

Median of rows first, then of columns: this is the separable approximation that astroscrappy calls ``sepmed``.
"""

from __future__ import annotations

from pipeline_core.science.jit import kernel


@kernel
def _median5(r0, r1, r2, r3, r4, out):
    for i in range(out.size):
        p0 = r0[i]
        p1 = r1[i]
        p2 = r2[i]
        p3 = r3[i]
        p4 = r4[i]
        low = min(p1, p0)
        p1 = max(p0, p1)
        p0 = low
        low = min(p4, p3)
        p4 = max(p3, p4)
        p3 = low
        low = min(p3, p0)
        p3 = max(p0, p3)
        p0 = low
        low = min(p4, p1)
        p4 = max(p1, p4)
        p1 = low
        low = min(p2, p1)
        p2 = max(p1, p2)
        p1 = low
        low = min(p3, p2)
        p3 = max(p2, p3)
        p2 = low
        low = min(p2, p1)
        p2 = max(p1, p2)
        p1 = low
        out[i] = p2


@kernel
def _median7(r0, r1, r2, r3, r4, r5, r6, out):
    for i in range(out.size):
        p0 = r0[i]
        p1 = r1[i]
        p2 = r2[i]
        p3 = r3[i]
        p4 = r4[i]
        p5 = r5[i]
        p6 = r6[i]
        low = min(p5, p0)
        p5 = max(p0, p5)
        p0 = low
        low = min(p3, p0)
        p3 = max(p0, p3)
        p0 = low
        low = min(p6, p1)
        p6 = max(p1, p6)
        p1 = low
        low = min(p4, p2)
        p4 = max(p2, p4)
        p2 = low
        low = min(p1, p0)
        p1 = max(p0, p1)
        p0 = low
        low = min(p5, p3)
        p5 = max(p3, p5)
        p3 = low
        low = min(p6, p2)
        p6 = max(p2, p6)
        p2 = low
        low = min(p3, p2)
        p3 = max(p2, p3)
        p2 = low
        low = min(p6, p3)
        p6 = max(p3, p6)
        p3 = low
        low = min(p5, p4)
        p5 = max(p4, p5)
        p4 = low
        low = min(p4, p1)
        p4 = max(p1, p4)
        p1 = low
        low = min(p3, p1)
        p3 = max(p1, p3)
        p1 = low
        low = min(p4, p3)
        p4 = max(p3, p4)
        p3 = low
        out[i] = p3


@kernel
def _median9(r0, r1, r2, r3, r4, r5, r6, r7, r8, out):
    for i in range(out.size):
        p0 = r0[i]
        p1 = r1[i]
        p2 = r2[i]
        p3 = r3[i]
        p4 = r4[i]
        p5 = r5[i]
        p6 = r6[i]
        p7 = r7[i]
        p8 = r8[i]
        low = min(p2, p1)
        p2 = max(p1, p2)
        p1 = low
        low = min(p5, p4)
        p5 = max(p4, p5)
        p4 = low
        low = min(p8, p7)
        p8 = max(p7, p8)
        p7 = low
        low = min(p1, p0)
        p1 = max(p0, p1)
        p0 = low
        low = min(p4, p3)
        p4 = max(p3, p4)
        p3 = low
        low = min(p7, p6)
        p7 = max(p6, p7)
        p6 = low
        low = min(p2, p1)
        p2 = max(p1, p2)
        p1 = low
        low = min(p5, p4)
        p5 = max(p4, p5)
        p4 = low
        low = min(p8, p7)
        p8 = max(p7, p8)
        p7 = low
        low = min(p3, p0)
        p3 = max(p0, p3)
        p0 = low
        low = min(p8, p5)
        p8 = max(p5, p8)
        p5 = low
        low = min(p7, p4)
        p7 = max(p4, p7)
        p4 = low
        low = min(p6, p3)
        p6 = max(p3, p6)
        p3 = low
        low = min(p4, p1)
        p4 = max(p1, p4)
        p1 = low
        low = min(p5, p2)
        p5 = max(p2, p5)
        p2 = low
        low = min(p7, p4)
        p7 = max(p4, p7)
        p4 = low
        low = min(p2, p4)
        p2 = max(p4, p2)
        p4 = low
        low = min(p4, p6)
        p4 = max(p6, p4)
        p6 = low
        low = min(p2, p4)
        p2 = max(p4, p2)
        p4 = low
        out[i] = p4


@kernel
def separable_median5(source, between, out, y0, y1, x0, x1):
    """5×5 separable median on rows y0:y1, columns x0:x1; ``source`` must reach 2 pixels beyond."""
    for y in range(y0 - 2, y1 + 2):
        _median5(
            source[y, x0 - 2 : x1 - 2],
            source[y, x0 - 1 : x1 - 1],
            source[y, x0:x1],
            source[y, x0 + 1 : x1 + 1],
            source[y, x0 + 2 : x1 + 2],
            between[y, x0:x1],
        )
    for y in range(y0, y1):
        _median5(
            between[y - 2, x0:x1],
            between[y - 1, x0:x1],
            between[y, x0:x1],
            between[y + 1, x0:x1],
            between[y + 2, x0:x1],
            out[y, x0:x1],
        )


@kernel
def separable_median7(source, between, out, y0, y1, x0, x1):
    """7×7 separable median on rows y0:y1, columns x0:x1; ``source`` must reach 3 pixels beyond."""
    for y in range(y0 - 3, y1 + 3):
        _median7(
            source[y, x0 - 3 : x1 - 3],
            source[y, x0 - 2 : x1 - 2],
            source[y, x0 - 1 : x1 - 1],
            source[y, x0:x1],
            source[y, x0 + 1 : x1 + 1],
            source[y, x0 + 2 : x1 + 2],
            source[y, x0 + 3 : x1 + 3],
            between[y, x0:x1],
        )
    for y in range(y0, y1):
        _median7(
            between[y - 3, x0:x1],
            between[y - 2, x0:x1],
            between[y - 1, x0:x1],
            between[y, x0:x1],
            between[y + 1, x0:x1],
            between[y + 2, x0:x1],
            between[y + 3, x0:x1],
            out[y, x0:x1],
        )


@kernel
def separable_median9(source, between, out, y0, y1, x0, x1):
    """9×9 separable median on rows y0:y1, columns x0:x1; ``source`` must reach 4 pixels beyond."""
    for y in range(y0 - 4, y1 + 4):
        _median9(
            source[y, x0 - 4 : x1 - 4],
            source[y, x0 - 3 : x1 - 3],
            source[y, x0 - 2 : x1 - 2],
            source[y, x0 - 1 : x1 - 1],
            source[y, x0:x1],
            source[y, x0 + 1 : x1 + 1],
            source[y, x0 + 2 : x1 + 2],
            source[y, x0 + 3 : x1 + 3],
            source[y, x0 + 4 : x1 + 4],
            between[y, x0:x1],
        )
    for y in range(y0, y1):
        _median9(
            between[y - 4, x0:x1],
            between[y - 3, x0:x1],
            between[y - 2, x0:x1],
            between[y - 1, x0:x1],
            between[y, x0:x1],
            between[y + 1, x0:x1],
            between[y + 2, x0:x1],
            between[y + 3, x0:x1],
            between[y + 4, x0:x1],
            out[y, x0:x1],
        )
