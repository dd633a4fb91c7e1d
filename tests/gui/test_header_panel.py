"""The header is read by one thread for all frames: a step to the next frame starts none."""

from __future__ import annotations

import threading

from astep_gui.widgets import header_panel


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


def test_a_header_that_fails_as_nobody_foresaw_is_told_as_a_header(qtbot, opened, monkeypatch):
    header = opened.header

    def fail(_file):
        raise ValueError("odd card")

    monkeypatch.setattr(header_panel, "_cards", fail)
    paths = [frame.path for frame in opened.night.frames if frame.unusable is None]
    opened.night.select([next(path for path in paths if path != opened.night.current)])
    told = lambda: header.cards.topLevelItem(0).text(1) if header.cards.topLevelItemCount() == 1 else ""  # noqa: E731
    qtbot.waitUntil(lambda: "odd card" in told(), timeout=10_000)
    assert told().startswith("cannot read the header")
