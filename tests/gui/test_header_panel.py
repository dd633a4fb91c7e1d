"""The header is read by one thread for all frames: a step to the next frame starts none."""

from __future__ import annotations

import threading


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
