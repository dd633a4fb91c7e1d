"""While a person looks for a night, what it will need is imported; an opening night is not kept waiting by that."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from astep_gui import warming
from astep_gui.warming import NEEDED, Warming


@pytest.fixture
def warm(qapp, monkeypatch):
    monkeypatch.setattr(warming, "AFTER_PAINT_MS", 0)
    warm = Warming()
    yield warm
    warm.close()


@pytest.fixture
def imported(monkeypatch):
    """The names that are imported, in their order; each takes a moment."""
    names = []

    def take(name):
        names.append((name, threading.current_thread() is threading.main_thread()))
        time.sleep(0.05)

    monkeypatch.setattr(warming.importlib, "import_module", take)
    return names


def test_all_that_a_night_needs_is_imported_and_not_in_the_windows_thread(qtbot, warm, imported):
    warm.start()
    qtbot.waitUntil(lambda: len(imported) == len(NEEDED), timeout=5000)
    assert imported == [(name, False) for name in NEEDED]


def test_it_begins_nothing_more_once_a_night_is_opened(qtbot, warm, imported):
    warm.start()
    qtbot.waitUntil(lambda: bool(imported), timeout=5000)
    warm.stop()
    warm.close()
    assert 1 <= len(imported) < len(NEEDED)


def test_stopped_before_it_began_it_imports_nothing(qtbot, warm, imported):
    warm.start()
    warm.stop()
    qtbot.wait(100)
    assert not imported


def test_after_the_warming_an_opening_night_imports_no_large_package():
    told = (
        "import sys, importlib; from astep_gui.warming import NEEDED\n"
        "[importlib.import_module(name) for name in NEEDED]\n"
        "before = set(sys.modules); import astep_gui.models.frame_loaders, pipeline_core.io.fits_file\n"
        "import pipeline_core.survey, pipeline_core.quick_look, pipeline_core.keogram\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    large = {"astropy", "numba", "llvmlite", "pydantic", "pydantic_core", "numpy", "scipy", "psutil", "sqlite3"}
    assert "astep_gui" in found.stdout
    assert not large & set(found.stdout.split())
