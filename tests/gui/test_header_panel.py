"""The header is read by one thread for all frames: a step to the next frame starts none."""

from __future__ import annotations

import threading

from astep_gui.widgets import header_panel
from pipeline_core.errors import DataError


def test_going_through_the_frames_starts_no_thread_and_ends_with_the_last_ones_header(qtbot, opened, monkeypatch):
    header, night = opened.header, opened.night
    qtbot.waitUntil(lambda: header.cards.topLevelItemCount() > 0, timeout=10_000)
    started, start = [], threading.Thread.start

    def note(thread):
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", note)
    shown = []
    monkeypatch.setattr(header, "_show", lambda path, cards: shown.append((path, len(cards))))
    paths = [frame.path for frame in night.frames if frame.unusable is None][1:6]
    for path in paths:
        night.select([path])
    qtbot.waitUntil(lambda: bool(shown) and shown[-1][0] == paths[-1], timeout=10_000)
    assert shown[-1][1] > 5
    assert not [name for name in started if "header" in name or name.startswith("look")]


def another_frame(opened):
    paths = [frame.path for frame in opened.night.frames if frame.unusable is None]
    return next(path for path in paths if path != opened.night.current)


def only_card(header):
    return header.cards.topLevelItem(0).text(1) if header.cards.topLevelItemCount() == 1 else ""


def test_a_header_that_fails_as_nobody_foresaw_is_told_as_a_header_and_reported_as_a_fault(qtbot, opened, monkeypatch):
    header, faults = opened.header, []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: faults.append((kind, str(error), trace)))

    def fail(_file):
        raise ValueError("odd card")

    monkeypatch.setattr(header_panel, "_cards", fail)
    opened.night.select([another_frame(opened)])
    qtbot.waitUntil(lambda: "odd card" in only_card(header), timeout=10_000)
    assert only_card(header).startswith("cannot read the header")
    assert "copy the report" in only_card(header)
    assert [fault[:2] for fault in faults] == [(ValueError, "odd card")]
    assert faults[0][2] is not None, "the report says where it was"


def test_a_file_that_cannot_be_read_is_told_in_its_place_and_is_no_fault(qtbot, opened, monkeypatch):
    faults = []
    monkeypatch.setattr("sys.excepthook", lambda *fault: faults.append(fault))

    def fail(_file):
        raise DataError("cannot read it", "the file is cut short", "copy it again")

    monkeypatch.setattr(header_panel, "_cards", fail)
    opened.night.select([another_frame(opened)])
    qtbot.waitUntil(lambda: "the file is cut short" in only_card(opened.header), timeout=10_000)
    assert not faults
