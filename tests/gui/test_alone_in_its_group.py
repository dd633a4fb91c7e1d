"""A science frame without another of its filter and exposure: nobody calls it good."""

from __future__ import annotations

import json
import shutil

from PyQt6.QtCore import Qt

PATIENCE_MS = 120_000  # a first call may compile kernels


def is_round(sky):
    return (
        sky["clear"] > 0.7
        and not (sky["trail_px"] or sky["halo"] or sky["frost"] or sky["patches"])
        and sky["elongation"] == 1
    )


def test_the_only_frame_of_its_group_is_not_judged_in_list_and_verdict(qtbot, reduced, window, tmp_path):
    night, _output, _science = reduced
    truth = json.loads((night.root / "truth" / "truth.json").read_text())["frames"]
    sound = next(f["path"] for f in truth if f["kind"] == "science" and is_round(f["sky"]))
    folder = tmp_path / "one"
    folder.mkdir()
    shutil.copy(night.file(sound), folder / "alone.fits")
    window.night.looks_quickly = True
    window.open_night(folder)
    state = window.night.state_of
    qtbot.waitUntil(lambda: window.night.frame("alone.fits") is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "alone.fits" in window.night.rows and state("alone.fits").rank < 9, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_Home)
    said = state(window.night.current or "")
    assert (said.mark, said.word) == ("?", "not judged")
    assert "alone in its group" in window.viewing.rail.verdict.full_text
    assert window.night.rows["alone.fits"].depth_loss_mag is None
