"""The demo night's real stars: where they are on the sky, and as many and as bright as the random ones they replace."""

import json

import numpy as np
import pytest

from pipeline_core.cli import main
from pipeline_core.demo.night import make_demo_night
from pipeline_core.demo.real_sky import DEC_DEG, NORTH_DEG, RA_DEG, demo_solution, with_real_stars
from pipeline_core.demo.sky import make_stars
from pipeline_core.demo.truth import load_truth
from pipeline_core.errors import UsageError
from pipeline_core.resources import resource_path


def catalogue():
    return np.loadtxt(resource_path("demo", "tycho2_stars.csv"), delimiter=",", skiprows=4).T


def test_the_brightest_stars_lie_where_real_ones_are():
    stars = make_stars(1024, np.random.default_rng(2))
    real = with_real_stars(stars, 1024, 3.72)
    ra, dec, magnitude = catalogue()
    x, y = demo_solution(1024, 3.72).to_pixel(ra, dec)
    inside = np.flatnonzero((x > 0) & (y > 0) & (x < 1024) & (y < 1024))
    assert len(inside) > 60
    brightest = np.argsort(-real.flux_e["R"])
    for k in inside:
        assert np.hypot(real.x_px - x[k], real.y_px - y[k]).min() < 1e-9
    first = inside[np.argmin(magnitude[inside])]
    assert np.hypot(real.x_px[brightest[:4]] - x[first], real.y_px[brightest[:4]] - y[first]).min() < 1e-9


def test_number_light_and_colour_are_those_of_the_random_field():
    stars = make_stars(512, np.random.default_rng(2))
    for scale in (0.93, 7.44):
        real = with_real_stars(stars, 512, scale)
        for band in ("R", "V"):
            assert np.array_equal(real.flux_e[band], stars.flux_e[band])
        moved = (real.x_px != stars.x_px).mean()
        assert moved <= 0.8


def test_the_field_points_where_the_headers_say_and_is_turned_a_little():
    solution = demo_solution(1024, 3.72)
    assert solution.centre((1024, 1024)) == pytest.approx((RA_DEG, DEC_DEG))
    assert solution.parity == 1
    assert solution.rotation_deg == pytest.approx(NORTH_DEG)
    assert solution.scale_arcsec == pytest.approx(3.72)


def test_the_command_gives_the_telescopes_field_and_the_truth_remembers_its_scale(tmp_path, capsys):
    assert main(["demo", str(tmp_path / "n"), "--size", "256", "--frames", "1", "--json", "--quiet"]) == 0
    json.loads(capsys.readouterr().out)
    truth = load_truth(tmp_path / "n")
    assert truth.scale_arcsec * 256 / 60 == pytest.approx(63.5, rel=1e-3)
    assert truth.solution.scale_arcsec == pytest.approx(truth.scale_arcsec)
    assert main(["demo", str(tmp_path / "m"), "--size", "256", "--frames", "1", "--scale", "0.93", "--quiet"]) == 0
    assert load_truth(tmp_path / "m").scale_arcsec == 0.93


def test_a_night_made_before_scales_were_kept_still_loads(tmp_path):
    make_demo_night(tmp_path, size=256, n_science=1, n_bias=1, n_dark=0, n_flat=0, events=())
    file = tmp_path / "truth" / "truth.json"
    document = json.loads(file.read_text("utf-8"))
    del document["scale_arcsec"]
    file.write_text(json.dumps(document), encoding="utf-8")
    assert load_truth(tmp_path).scale_arcsec == 0.93


def test_a_scale_beyond_reason_is_refused(tmp_path):
    with pytest.raises(UsageError, match="a pixel"):
        make_demo_night(tmp_path, size=256, scale_arcsec=100.0)
