"""The benchmark's own frame: its table tells what was measured, its peer script really reduces a night."""

from __future__ import annotations

import io
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from rich.console import Console

from tests.bench import bench_night, bench_peers, frames, run, timing
from tests.bench.timing import Row

if TYPE_CHECKING:
    from pathlib import Path


def printed(rows: list[Row]) -> str:
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(run.as_table(rows, 64))
    return capture.get()


def test_the_ratio_says_how_many_times_faster_ours_is() -> None:
    assert Row("dark", ours_s=0.5, peer="ccdproc", peer_s=20.0).ratio == 40.0
    assert Row("dark", ours_s=0.5).ratio is None


def test_figures_a_benchmark_adds_are_kept_in_the_note() -> None:
    row = Row.from_mapping({"work": "mask", "ours_s": 0.1, "agreement": 0.99912345, "note": "on a flat"})
    assert row.note == "on a flat; agreement 0.999"


def test_the_table_shows_a_peer_that_is_not_installed_as_such() -> None:
    missing = bench_peers._row("dark of 20", "iraf", timing.ProcessTime(0.5, 300.0, ""), None)
    text = printed([missing])
    assert "iraf is not installed" in text
    assert "–" in text


def test_one_failing_benchmark_does_not_hide_the_others(monkeypatch, capsys) -> None:
    def run_one(name: str, size: int) -> list[Row]:
        if name == "bad":
            raise ValueError("no frames")
        return [Row("good work", 1.0, "peer", 2.0)]

    monkeypatch.setattr(run, "benchmark_names", lambda: ["bad", "good"])
    monkeypatch.setattr(run, "run_one", run_one)
    assert run.main(["--size", "64"]) == 1
    text = capsys.readouterr().out
    assert "failed: ValueError: no frames" in text
    assert "2.0×" in text


def test_every_benchmark_can_be_named_and_an_unknown_one_is_refused(capsys) -> None:
    assert run.main(["--list"]) == 0
    assert {"night", "peers"} <= set(capsys.readouterr().out.split())
    with pytest.raises(SystemExit):
        run.main(["--only", "nonsense"])
    assert "no benchmark named nonsense" in capsys.readouterr().err


def test_a_process_is_timed_with_the_memory_of_its_children(tmp_path: Path) -> None:
    child = "import time; block = bytearray(60_000_000); time.sleep(0.4)"
    run_child = f"subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    code = f"import subprocess, sys; {run_child}; print('over')"
    cost = timing.process_time([sys.executable, "-c", code], tmp_path)
    assert cost.output.strip() == "over"
    assert cost.seconds > 0.4
    assert 60 < cost.peak_mb < 200
    assert cost.cpu_s > 0


def test_work_is_repeated_as_long_as_there_is_time() -> None:
    assert len(timing.repeated(lambda: 1, most=3)) == 3
    assert len(timing.repeated(lambda: 1, within_s=0.0)) == 1


def test_what_the_script_did_not_do_is_counted_with_the_time_of_its_like(monkeypatch) -> None:
    told = {
        "bias_s": 10, "dark_s": 20, "flat_s": 100, "darks": 2, "flats": 3, "masters_s": 130, "science_s": 30,
        "science_done": 2, "science_all": 16,
    }  # fmt: skip
    monkeypatch.setattr(bench_night, "DONE_WHOLE", False)
    seconds, words = bench_night.script_s(told)
    assert seconds == 10 + 2 * 20 + 3 * 100 + 150 * 15
    assert "2 done" in words
    monkeypatch.setattr(bench_night, "DONE_WHOLE", True)
    assert bench_night.script_s(told)[0] == 160


def test_one_master_of_each_kind_stands_for_the_others_where_it_is_asked(tmp_path: Path) -> None:
    from tests.bench import straight_script

    night = frames.make_night(tmp_path / "night", 64, bias=3, dark=3, flats=3, science=3)
    told = straight_script.reduce_night(night, tmp_path / "out", 1, one_of_each=True)
    assert (told["darks"], told["flats"]) == (2, 2)
    assert told["science_done"] == 1
    assert min(told["bias_s"], told["dark_s"], told["flat_s"]) > 0
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"bias.fits", "dark_90.fits", "flat_R.fits", f"{frames.DATE}_0000_SCIENCE_CAL.fits"}


def test_a_failing_process_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="out of darks"):
        timing.process_time([sys.executable, "-c", "raise SystemExit('out of darks')"], tmp_path)


def test_the_time_of_sirils_stack_is_read_from_its_log() -> None:
    log = textwrap.dedent("""
        log: Execution time: 812.11 ms
        log: Execution time: 3.92 s
    """)
    assert bench_peers.siril_stack_s(log) == pytest.approx(3.92)
    assert bench_peers.siril_stack_s("log: Execution time: 1 min 03.50 s") == pytest.approx(63.5)
    assert bench_peers.siril_stack_s("nothing") is None


def test_the_straight_script_reduces_a_night_as_asked(tmp_path: Path) -> None:
    from tests.bench import straight_script

    night = frames.make_night(tmp_path / "night", 128, bias=4, dark=4, flats=4, science=3)
    told = straight_script.reduce_night(night, tmp_path / "out", science_limit=2)
    assert (told["science_done"], told["science_all"]) == (2, 3)
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"bias.fits", "dark_90.fits", "dark_10.fits", "flat_R.fits", "flat_V.fits"} < made

    sky = CCDData.read(tmp_path / "out" / f"{frames.DATE}_0000_SCIENCE_CAL.fits")
    assert sky.unit == "electron"
    # The master flat has median 1; the chip's own response, which the 400 e⁻ fell on, has median 0.96.
    assert np.median(sky.data) == pytest.approx(400 * 0.96, rel=0.03)
    raw = fits.getdata(night / f"{frames.DATE}-CAMS" / f"{frames.DATE}_0000_SCIENCE.fits")
    assert raw.dtype == np.uint16
