"""Whether kernels must be compiled first is known beforehand, and told of the source as it is now."""

import os
import subprocess
import sys

import pytest

from pipeline_core import science, warm_up
from pipeline_core.science import calibration_quality

AFTERWARDS = """
import sys
import numpy as np
from numba.core.dispatcher import Dispatcher
from pipeline_core.science.quality import quick_science
from pipeline_core.warm_up import warm_up_science

def compiled():
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("pipeline_core.science")]
    kernels = {id(it): it for module in modules for it in vars(module).values() if isinstance(it, Dispatcher)}
    return {(kernel.__qualname__, str(types)) for kernel in kernels.values() for types in kernel.signatures}

warm_up_science()
before = compiled()
raw = np.random.default_rng(3).normal(1000, 20, (640, 656)).astype(np.uint16)
raw[300:303, 200:203] += 4000
for frame in (raw, raw[:, 16:]):
    quick_science(frame, gain_e_per_adu=2.0, read_noise_e=9.0, saturation=60000.0, pixel_scale_arcsec=1.0)
assert before, "the kernels were found"
print(sorted(compiled() - before))
"""


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """A source of kernels, and a cache that holds nothing yet."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(science, "__path__", [str(tmp_path / "source")])
    (tmp_path / "source").mkdir()
    source = tmp_path / "source" / "hot.py"
    source.write_text("x = 1", encoding="utf-8")
    return source


def measured_nothing(*_args, **_more):
    """Stand for the measuring of calibration frames: only what is noted afterwards matters here."""


def test_it_is_the_first_time_until_all_kernels_were_called(kernels, monkeypatch):
    monkeypatch.setattr(calibration_quality, "measure_calibration", measured_nothing)
    assert warm_up.is_first_time(science=False)
    warm_up.warm_up_calibration()
    assert not warm_up.is_first_time(science=False)
    assert warm_up.is_first_time(science=True), "those of science frames are others"


def test_kernels_of_an_earlier_version_do_not_count(kernels, monkeypatch):
    monkeypatch.setattr(calibration_quality, "measure_calibration", measured_nothing)
    warm_up.warm_up_calibration()
    kernels.write_text("x = 22", encoding="utf-8")
    assert warm_up.is_first_time(science=False)


def test_a_compilation_that_failed_does_not_count(kernels, monkeypatch):
    def fails(*_args, **_more):
        raise MemoryError

    monkeypatch.setattr(calibration_quality, "measure_calibration", fails)
    with pytest.raises(MemoryError):
        warm_up.warm_up_calibration()
    assert warm_up.is_first_time(science=False)


def test_a_quick_look_finds_all_its_kernels_compiled():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", AFTERWARDS], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert (said.stdout.strip(), said.returncode) == ("[]", 0), said.stderr
