"""Demo nights judged against their truth, as a table: ``python -m tests.bench.truth_report --seeds 1 2 3``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.core.truth_run import NightReport, reduced_demo, report

HEAD = (
    "  seed FWHM   px  offset  worst   pull  worst    flux  R level  V level     hurt stars     events   (inner)"
    "  ray pixels   named missed  false stray"
)


def line(seed: int, fwhm: float, size: int, r: NightReport) -> str:
    """Return one night's figures as a line of the table."""
    red, visual = (r.levels.get(name, float("nan")) for name in ("R", "V"))
    all_events, inner = r.events_found / max(r.events, 1), r.inner_events_found / max(r.inner_events, 1)
    return (
        f"{seed:6d} {fwhm:4.1f} {size:4d} {r.offset_sigma:+7.3f} {r.worst_offset_sigma:6.3f} {r.pull_sigma:6.3f} "
        f"{r.worst_pull:6.3f} {r.flux_ratio:7.4f} {red:8.4f} {visual:8.4f} {r.hurt:4d} of {r.stars:6d} "
        f"{all_events:10.4f} {inner:9.4f} {r.pixels_found / max(r.pixels, 1):11.4f} {r.flags.named:7d} "
        f"{len(r.flags.missed):6d} {len(r.flags.false_alarms):2d}/{r.flags.good:<3d} {len(r.stray_notes):5d}"
    )


def main() -> None:
    """Make, reduce and judge the nights that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--fwhm", type=float, nargs="+", default=[2.5], help="px; each seed is made with each")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--vignetting", type=float, help="light lost in the corners, e.g. 0.4")
    wanted = parser.parse_args()
    print("goals: offset ±0.05 of the noise, pull 0.95–1.05, flux within 0.5 %, stars hurt ≤ 1 in 500,")
    print("cosmic-ray events ≥ 0.97 (inner: those not touching the outermost two pixels) and pixels ≥ 0.88,")
    print("no planted frame missed, false ≤ 2 %")
    print(HEAD)
    for seed in wanted.seeds:
        for fwhm in wanted.fwhm:
            with tempfile.TemporaryDirectory() as folder:
                settings = {"fwhm_px": fwhm, "vignetting": wanted.vignetting, "n_science": wanted.frames}
                truth, out = reduced_demo(Path(folder), size=wanted.size, seed=seed, **settings)
                found = report(truth, out, Path(folder) / "night")
            print(line(seed, fwhm, wanted.size, found), flush=True)
            for path, cause, strength in found.flags.missed:
                print(f"         missed: {path} {cause} {strength:.2f}")
            for path, wrong in (*found.flags.false_alarms, *found.stray_notes):
                print(f"         false: {path} {wrong}")


if __name__ == "__main__":
    main()
