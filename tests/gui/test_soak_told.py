"""What the soak tells: its highest moment with the deed and the holders, and the stalls by where the window stood."""

from __future__ import annotations

from tests.tour.soak import GOING_ON, MOST_MB, Watched, places


def state(mb, stalls=(), *, held=None, **going):
    late = {"beats": 10, "p95_ms": 5.0, "worst_ms": 20.0, "stalls": list(stalls)}
    return {**dict.fromkeys(GOING_ON), **going, "memory": {"mb": mb, "held_mb": held or {}}, "late": late}


def stall(ms, cpu_ms, *at):
    return {"ms": ms, "cpu_ms": cpu_ms, "at": [list(at)] if at else []}


def watched(*moments):
    watched = Watched(28)
    for deed, told in moments:
        watched.doing = deed
        watched.hear(told)
        watched.memory_mb.append((len(watched.memory_mb) + 1.0, told["memory"]["mb"]))
        watched.threads.append(10)
        watched.widgets.append(100)
    return watched


def test_the_highest_moment_is_told_with_its_deed_what_else_went_on_and_who_held_what():
    told = watched(
        ("go", state(700.0)),
        ("blink", state(1200.0, held={"blink": 500.0}, running=True, step="cosmic")),
        ("judge", state(900.0)),
    ).report()["memory_mb"]["at most"]
    assert (told["mb"], told["deed"], told["held_mb"]) == (1200.0, "blink", {"blink": 500.0})
    assert told["going_on"] == {"running": True, "step": "cosmic"}


def test_a_moment_between_two_samples_breaks_the_bound_too():
    seen = watched(("go", state(700.0)), ("go", state(MOST_MB + 1.0)), ("go", state(700.0)))
    assert any(f"{MOST_MB + 1:.0f} MB" in line for line in seen.complaints())


def test_stalls_are_told_together_by_where_the_window_stood_first_where_it_computed_longest():
    told = places(
        [
            {**stall(200, 20, "socket.py:1 recv", "a.py:3 read"), "deed": "go"},
            {**stall(300, 250, "x.py:9 paint", "b.py:7 dress"), "deed": "theme or log"},
            {**stall(400, 150, "y.py:2 polish", "b.py:7 dress"), "deed": "judge"},
            {**stall(900, 0), "deed": "reduce"},
        ]
    )
    assert [(one["at"], one["stalls"], one["cpu_ms"]) for one in told] == [
        (["b.py:7 dress"], 2, 400),
        (["a.py:3 read"], 1, 20),
        (["between two looks"], 1, 0),
    ]
    assert (told[0]["worst_cpu_ms"], told[0]["worst_ms"]) == (250, 400)


def test_a_line_a_minute_says_how_it_stands():
    seen = watched(("go", state(700.0)), ("blink", state(1200.0, [stall(200, 180), stall(400, 3)])))
    line = seen.interim()
    assert "1200 at most (blink" in line
    assert "2 stalls, 1 of the window's own" in line
