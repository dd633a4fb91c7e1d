"""A person's hints for single frames are decisions like any other."""

import pytest

from pipeline_core.errors import UsageError
from pipeline_core.logbook import Logbook
from pipeline_core.solve_hints import hint_changes, solve_hints

HINT = {"ra_deg": 217.4, "dec_deg": -62.7, "scale_arcsec": 3.7, "radius_deg": 4.0}


def decide(logbook, hint):
    return logbook.decide_all(hint_changes("light/a.fits", hint), label="hints")


def test_hints_are_kept_undone_and_made_again(tmp_path):
    with Logbook.open(tmp_path / "out") as logbook:
        decide(logbook, HINT)
        assert solve_hints(logbook) == {"light/a.fits": HINT}
        logbook.undo()
        assert solve_hints(logbook) == {}
        logbook.redo()
    with Logbook.read_only(tmp_path / "out") as logbook:
        assert solve_hints(logbook) == {"light/a.fits": HINT}


def test_one_hint_alone_is_enough_and_none_takes_all_back(tmp_path):
    with Logbook.open(tmp_path / "out") as logbook:
        decide(logbook, {"scale_arcsec": 1.2})
        assert solve_hints(logbook) == {"light/a.fits": {"scale_arcsec": 1.2}}
        decide(logbook, {})
        assert solve_hints(logbook) == {}


def test_a_hint_beyond_the_sky_is_refused(tmp_path):
    with Logbook.open(tmp_path / "out") as logbook:
        with pytest.raises(UsageError, match="hint_dec_deg"):
            decide(logbook, {"ra_deg": 10.0, "dec_deg": -91.0})
        assert solve_hints(logbook) == {}


def test_other_decisions_are_no_hints(tmp_path):
    with Logbook.open(tmp_path / "out") as logbook:
        logbook.reject(["light/a.fits"], "cloud")
        assert solve_hints(logbook) == {}
