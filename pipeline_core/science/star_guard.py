from __future__ import annotations
class StarGuard:
    stars = 0
    def __init__(self, fwhm): pass
    def tell(self, *a): import numpy as np; return np.ones(len(a[-1]), bool)
def measure_star_width(image, variance, masked): return None
