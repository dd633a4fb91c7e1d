"""The cosmic-ray step judged on simulated frames, as a table: ``python -m tests.bench.cosmic_report --seeds 1 2``."""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from pipeline_core.science.cosmic import clean_cosmic_rays
from tests.core.cosmic_simulation import judge, simulate


class Field(NamedTuple):
    """One kind of simulated frame."""

    fwhm_px: float
    ring_px: float = 0.0
    """Radius of the rings that defocused stars are; 0 for stars in focus."""
    corner: float = 1.0
    """The flat's value in the corners, 1 in the middle."""

    def words(self) -> str:
        """Return what the field is, for the table."""
        ring = f", rings of {self.ring_px:g} px" if self.ring_px else ""
        return f"FWHM {self.fwhm_px:g} px{ring}" + (f", corners {self.corner:g}" if self.corner < 1 else "")


FIELDS = (
    *(Field(fwhm_px) for fwhm_px in (1.3, 1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 6.0)),
    *(Field(fwhm_px, corner=0.4) for fwhm_px in (1.3, 1.5, 2.5)),
    *(Field(fwhm_px, ring_px) for fwhm_px, ring_px in ((3.0, 8.0), (2.0, 4.0), (1.5, 3.0))),
)


def counted(field: Field, seeds: list[int]) -> np.ndarray:
    """Return events, found, their pixels, found, stars and lost, summed over the seeds."""
    total = np.zeros(6, int)
    for seed in seeds:
        sim = simulate(seed, field.fwhm_px, ring=field.ring_px, corner=field.corner)
        told = None if field.ring_px else field.fwhm_px
        result = clean_cosmic_rays(sim.image, sim.variance, sim.masked, fwhm_px=told)
        total += judge(sim, result, field.fwhm_px, field.ring_px)
    return total


def main() -> None:
    """Simulate, clean and judge the seeds that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    seeds = parser.parse_args().seeds
    print("goals: events ≥ 0.97, their pixels above 5 sigma ≥ 0.88, stars losing over 1 % at most 1 in 500")
    for field in FIELDS:
        events, found, pixels, pixels_found, stars, lost = counted(field, seeds)
        print(
            f"{field.words():32s} events {found / events:.4f} of {events}  pixels {pixels_found / pixels:.4f}  "
            f"stars lost {lost} of {stars}",
            flush=True,
        )


if __name__ == "__main__":
    main()
