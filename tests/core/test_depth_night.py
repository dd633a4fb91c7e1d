"""The depth of a reduced night: measured against a catalogue, kept, joined to table and report."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.demo.night import make_demo_night
from pipeline_core.depth_night import CatalogueStars, known_depths, measure_depths
from pipeline_core.events import RunContext
from pipeline_core.io.profiles import load_profile
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.measures import StarList
from pipeline_core.night_quality import write_quality
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quality_table import read_quality_table
from pipeline_core.scan import scan_night
from pipeline_core.store import Store

ZP = 22.0


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("depth") / "night"
    make_demo_night(folder, size=256, n_science=4, n_bias=3, n_dark=3, n_flat=3, events=())
    out = folder.parent / "out"
    assert main(["reduce", str(folder), "-o", str(out), "--executor", "threads", "--quiet"]) == 0
    return folder, out


class Catalogue:
    """Stars where each frame lists them, with magnitudes that give the zero point ``ZP``."""

    def __init__(self, night, measured, *, dim=(), name="Gaia DR3", is_rough=False):
        self.night, self.measured, self.dim = night, measured, dim
        self.name, self.is_rough = name, is_rough
        self.version = "1"
        self.asked = 0

    @property
    def solved(self):
        return {path: self.version + path for path in self.measured}

    def __call__(self, path):
        self.asked += 1
        stars = StarList.from_lists(self.measured[path]["stars"])
        measures = self.measured[path]["measures"]
        whole = min(max(measures["aperture_correction"] or measures["halo_ratio"], 1.0), 1.5)
        flux = stars.flux * whole / self.night.by_path[path].exposure_s
        magnitude = ZP - 2.5 * np.log10(flux) - (1.0 if path in self.dim else 0.0)
        rng = np.random.default_rng(1)
        x, y = stars.x_px + rng.normal(0, 0.2, len(stars)), stars.y_px + rng.normal(0, 0.2, len(stars))
        nothing = np.full(len(stars), np.nan)
        return CatalogueStars(x, y, magnitude, nothing, self.name, "G", is_rough=self.is_rough)


def opened(folder, out):
    """Return what measuring a depth stands on; the run lock is the test's."""
    logbook = Logbook.open(out, folder)
    store = Store(out, logbook.database)
    night = logbook.apply(scan_night(folder))
    products = store.products("quality")
    return logbook, store, night, {p.label: p.made for p in products}, {p.label: p.key for p in products}


def test_zero_points_come_back_join_table_and_report_and_are_not_measured_twice(reduced, capsys):
    folder, out = reduced
    with RunLock(out):
        logbook, store, night, measured, keys = opened(folder, out)
        with logbook:
            dim = sorted(measured)[:1]
            catalogue = Catalogue(night, measured, dim=dim, name="Tycho-2", is_rough=True)
            depths = measure_depths(night, measured, keys, catalogue.solved, catalogue, store, RunContext())
            assert set(depths) == set(measured)
            for path, depth in depths.items():
                assert depth.zero_point_mag == pytest.approx(ZP - (path in dim), abs=0.02)
                assert depth.is_rough
            before = {p.name: p.when_utc for p in store.products("depth")}
            assert measure_depths(night, measured, keys, catalogue.solved, catalogue, store, RunContext()) == depths
            assert {p.name: p.when_utc for p in store.products("depth")} == before
            assert catalogue.asked == len(measured)
            assert known_depths(store) == depths
            plan = build_plan(night, Recipe(), Choices())
            write_quality(out, night, plan, measured, {}, Recipe(), logbook, keys, depths)
    capsys.readouterr()
    rows = {row.path: row for row in read_quality_table(out / "quality.ecsv")}
    for path, depth in depths.items():
        assert rows[path].zero_point_mag == pytest.approx(depth.zero_point_mag, abs=1e-4)
        assert rows[path].limiting_mag == pytest.approx(depth.limiting_mag, abs=1e-3)
        assert rows[path].extra["depth_rough"] is True
    assert main(["quality", str(out), "--json", "--quiet"]) == 0
    frames = {f["path"]: f for f in json.loads(capsys.readouterr().out)["frames"]}
    assert frames[dim[0]]["zero_point_mag"] == pytest.approx(ZP - 1, abs=0.02)
    assert frames[dim[0]]["depth_reference"] == "Tycho-2"
    # Of its filter's two frames this one lost a magnitude.
    assert frames[dim[0]]["transparency_absolute"] == pytest.approx(0.4, abs=0.03)


def test_a_depth_whose_solution_is_gone_is_forgotten(reduced):
    folder, out = reduced
    with RunLock(out):
        logbook, store, night, measured, keys = opened(folder, out)
        with logbook:
            one = dict(sorted(measured.items())[:1])
            every, few = Catalogue(night, measured), Catalogue(night, one)
            measure_depths(night, measured, keys, every.solved, every, store, RunContext())
            measure_depths(night, measured, keys, few.solved, few, store, RunContext())
            assert set(known_depths(store)) == set(one)
            measure_depths(night, measured, keys, {}, few, store, RunContext())
            assert known_depths(store) == {}


def test_other_stars_another_exposure_or_another_star_list_measure_anew(reduced):
    folder, out = reduced
    with RunLock(out):
        logbook, store, night, measured, keys = opened(folder, out)
        with logbook:
            catalogue = Catalogue(night, measured)
            first = measure_depths(night, measured, keys, catalogue.solved, catalogue, store, RunContext())
            path = min(first)
            frames = tuple(replace(f, exposure_s=2 * f.exposure_s) if f.path == path else f for f in night.frames)
            longer = measure_depths(
                replace(night, frames=frames), measured, keys, catalogue.solved, catalogue, store, RunContext()
            )
            assert longer[path].zero_point_mag == pytest.approx(
                first[path].zero_point_mag - 2.5 * np.log10(2), abs=1e-6
            )
            catalogue.version = "2"
            catalogue.dim = [path]
            again = measure_depths(night, measured, keys, catalogue.solved, catalogue, store, RunContext())
            assert again[path].zero_point_mag == pytest.approx(first[path].zero_point_mag - 1, abs=0.02)


def test_every_profile_has_a_place_for_colour_terms():
    for name in ("generic", "astep400"):
        photometry = load_profile(name).photometry
        assert photometry.colour_terms == {}
        assert 0 < photometry.extinction_mag < 0.5
