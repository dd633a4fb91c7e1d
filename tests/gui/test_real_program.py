"""The real program on a screen of its own: a short tour, a kill, and what the command line decides meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from pipeline_core.logbook import Logbook
from tests.gui.nights import small_night
from tests.tour import story
from tests.tour.program import program
from tests.tour.screen import missing, screen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing()), reason=f"needs a screen of its own: {missing()}"),
]
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


@pytest.fixture
def night(tmp_path):
    return small_night(tmp_path / "night")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with screen((1600, 1000), tmp_path_factory.mktemp("screen")) as display:
        yield display


def astep(*words):
    subprocess.run([sys.executable, "-m", "pipeline_core", *map(str, words)], check=True, capture_output=True)


def ready(p):
    """Wait until the night is open and looked at, and all that changed by itself is kept."""
    p.wait("the image", lambda s: s["planned"] and s["shown"] and not s["looking"])
    return p.wait("calm", lambda s: s["kept"])


def dock_width(p):
    return next(w["place"][2] for w in p.ask("widgets") if w["name"] == "frames" and "QDockWidget" in w["class"])


def test_a_short_tour_meets_no_fault(here, night, tmp_path):
    seen = []
    with program(here, tmp_path / "home") as p:
        story.begin(p, lambda name, _words: seen.append(name))
        story.open_by_dialog(p, lambda name, _words: seen.append(name), night)
        p.key("x")
        p.wait("the rejection", lambda s: list(s["rejected"]) == [LIGHTS[0]] and s["current"] == LIGHTS[1])
        p.key("ctrl+z")
        p.wait("undo", lambda s: not s["rejected"])
        story.helps(p, lambda name, _words: seen.append(name))
        story.themes(p, lambda name, _words: seen.append(name))
        p.no_faults()
    assert {"start", "open", "keys", "palette", "log", "theme_red"} <= set(seen)


def test_after_a_kill_the_window_opens_as_it_was(here, night, tmp_path):
    home = tmp_path / "home"
    with program(here, home, night) as p:
        ready(p)
        p.key("x", "Right")
        p.wait("the third frame", lambda s: s["current"] == LIGHTS[2])
        p.key("i")
        x, y, w, h = next(told["place"] for told in p.ask("widgets") if told["name"] == "frames")
        for _ in range(3):  # a busy machine may miss the press
            p.screen.drag((x + dock_width(p) + 2, y + h / 2), (x + dock_width(p) + 82, y + h / 2))
            p.still()
            if (width := dock_width(p)) > w + 20:
                break
        assert width > w + 20, "the hand moved the separator"
        before = p.wait("inverted and kept", lambda s: s["levels"]["inverted"] and s["kept"])
        workers = psutil.Process(p.process.pid).children(recursive=True)
        os.kill(p.process.pid, signal.SIGKILL)
        p.process.wait()
    psutil.wait_procs(workers, timeout=20)
    assert not [worker for worker in workers if worker.is_running()]
    astep("reject", f"{night}_reduced", LIGHTS[3], "--reason", "frost")
    with program(here, home) as p:  # no night is named: the one that was open comes back by itself
        after = ready(p)
        assert after["current"] == before["current"] == LIGHTS[2]
        assert after["rejected"] == {**before["rejected"], LIGHTS[3]: "frost"}
        assert after["levels"] == before["levels"]
        assert dock_width(p) == pytest.approx(width, abs=2)
        astep("reject", f"{night}_reduced", LIGHTS[1], "--reason", "cloud")
        p.wait("what the command line decided", lambda s: s["rejected"].get(LIGHTS[1]) == "cloud", 10)
        p.key("ctrl+z")
        p.wait("undo of it", lambda s: LIGHTS[1] not in s["rejected"])


def test_after_closing_in_good_order_the_start_page_comes_back(here, night, tmp_path):
    home = tmp_path / "home"
    with program(here, home, night) as p:
        ready(p)
        p.key("ctrl+q")
        p.process.wait(20)
    with program(here, home) as p:
        assert p.wait("the page", lambda s: s["painted"])["page"] == 0
        p.click(tip=str(night))
        ready(p)


def test_a_kill_in_the_middle_of_a_run_loses_no_decision_and_the_run_goes_on(here, tmp_path):
    night, home = small_night(tmp_path / "night", science=5), tmp_path / "home"
    with program(here, home, night) as p:
        p.wait("the first frame", lambda s: s["planned"] and s["shown"] and s["current"] == LIGHTS[0])
        p.key("x")
        p.wait("the rejection", lambda s: list(s["rejected"]) == [LIGHTS[0]])
        p.key("ctrl+r")
        told = p.wait("the run", lambda s: s["running"] and s["run_total"])
        assert told["run_done"] < told["run_total"], "it is in the middle"
        workers = psutil.Process(p.process.pid).children(recursive=True)
        os.kill(p.process.pid, signal.SIGKILL)
        p.process.wait()
    _gone, left = psutil.wait_procs(workers, timeout=30)
    assert not left, "a worker outlives the program that is dead"
    with program(here, home) as p:
        p.wait("the night", lambda s: s["planned"] and s["shown"])
        p.key("ctrl+r")
        p.wait("the run", lambda s: s["running"])
        p.wait("its end", lambda s: not s["running"])
        p.no_faults()
    with Logbook.open(tmp_path / "night_reduced", night) as logbook:
        assert list(logbook.rejected()) == [LIGHTS[0]]
    made = {file.name for file in (tmp_path / "night_reduced").rglob("*_CAL.fits*")}
    assert len(made) == 4
