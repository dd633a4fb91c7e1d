"""``make soak``: the real program used at random for a long time, and watched: memory, threads, faults, stalls.

The choice of deeds is seeded, so that a run which found something can be made again (as far as timing allows).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.gui.nights import small_night
from tests.tour.program import StuckError, program
from tests.tour.run import OUT, ROOT, demo_night
from tests.tour.screen import missing, screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tour.program import Program, State

MOST_MB = 1500.0
"""What the window may take, its caches (images, steps, blinking, products) together with the program."""
HIGH_MB = 800.0
"""Above this each moment is kept with its holders."""
INTERIM_S = 60.0
"""So often a line says how it stands."""
OWN_MS = 75.0
"""A stall in which the window itself computed for so long is its own, and not the load of the machine."""
GOING_ON = ("running", "blinking", "playing", "comparing", "steps_busy", "looking", "star_busy", "sky_busy", "step")
"""Of the state: what may take memory while another thing is done."""
THREADS = 24
"""Pools of the models keep theirs; more than this means that threads are left."""


@dataclass
class Watched:
    """What was seen."""

    seed: int
    deeds: dict[str, int] = field(default_factory=dict)
    doing: str = "opening"
    """The deed that is being done."""
    memory_mb: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the begin, and the most since the sample before."""
    most: dict[str, Any] = field(default_factory=lambda: {"mb": 0.0})
    """The highest moment: what was done, who held what, which threads were at work."""
    since_mb: float = 0.0
    high: list[dict[str, Any]] = field(default_factory=list)
    """All moments above :data:`HIGH_MB`."""
    stalls: list[dict[str, Any]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    widgets: list[int] = field(default_factory=list)
    worst_ms: list[tuple[float, str]] = field(default_factory=list)
    p95_ms: list[float] = field(default_factory=list)
    faults: str = ""
    begun: float = field(default_factory=time.monotonic)
    told: float = 0.0

    def hear(self, state: State) -> None:
        """Take what the program tells of itself since it was last asked."""
        memory, late = state["memory"], state["late"]
        self.since_mb = max(self.since_mb, memory["mb"])
        if memory["mb"] > HIGH_MB:
            self.high.append({**memory, "deed": self.doing, "after_s": round(time.monotonic() - self.begun, 1)})
        doing = {name: state[name] for name in GOING_ON if state[name]}
        if memory["mb"] > self.most["mb"]:
            after_s = round(time.monotonic() - self.begun)
            self.most = {**memory, "deed": self.doing, "going_on": doing, "after_s": after_s}
        for stall in late["stalls"]:
            self.stalls.append({**stall, "deed": self.doing, "going_on": list(doing)})
        if late["beats"]:
            self.worst_ms.append((late["worst_ms"], self.doing))
            self.p95_ms.append(late["p95_ms"])

    def look(self, p: Program, after_s: float) -> None:
        """Take one sample."""
        state = p.state
        self.memory_mb.append((after_s, max(self.since_mb, p.memory_mb())))
        self.since_mb = 0.0
        self.threads.append(psutil.Process(p.process.pid).num_threads())
        self.widgets.append(state["widgets"])
        self.faults = state["faults"]
        if after_s - self.told >= INTERIM_S:
            self.told = after_s
            print(self.interim(), file=sys.stderr, flush=True)

    def interim(self) -> str:
        """Say in a line how it stands."""
        after_s, now = self.memory_mb[-1]
        minute = max(mb for at, mb in self.memory_mb if at >= after_s - INTERIM_S)
        own = sum(stall["cpu_ms"] > OWN_MS for stall in self.stalls)
        return (
            f"{after_s / 60:4.1f} min · {sum(self.deeds.values())} deeds · {now:.0f} MB, {minute:.0f} in this minute, "
            f"{self.most['mb']:.0f} at most ({self.most.get('deed')}; {self.most.get('held_mb')}; "
            f"arrays {self.most.get('arrays')}, small {self.most.get('small')}, freed {self.most.get('freed')}) · "
            f"{len(self.stalls)} stalls, {own} of the window's own"
        )

    def report(self) -> dict[str, Any]:
        """Return the sums."""
        third = max(1, len(self.memory_mb) // 3)
        early = max(mb for _, mb in self.memory_mb[:third])
        late = max(mb for _, mb in self.memory_mb[-third:])
        return {
            "seed": self.seed,
            "minutes": round(self.memory_mb[-1][0] / 60, 1),
            "deeds": self.deeds,
            "memory_mb": {
                "first": round(self.memory_mb[0][1]),
                "most of first third": round(early),
                "most of last third": round(late),
                "last": round(self.memory_mb[-1][1]),
                "at most": self.most,
            },
            "threads": {"first": self.threads[0], "most": max(self.threads), "last": self.threads[-1]},
            "widgets": {"first": self.widgets[0], "most": max(self.widgets), "last": self.widgets[-1]},
            "stalls_ms": {
                "median of p95": round(sorted(self.p95_ms)[len(self.p95_ms) // 2], 1),
                "worst": [[round(ms), deed] for ms, deed in sorted(self.worst_ms, reverse=True)[:5]],
                "above 150 ms": len(self.stalls),
                "of them computed by the window for 75 ms or more": sum(s["cpu_ms"] > OWN_MS for s in self.stalls),
                "where": places(self.stalls),
            },
            "faults": self.faults,
        }

    def complaints(self) -> list[str]:
        """Return what is not as it must be."""
        told = self.report()
        found = ["the program reported a fault"] if self.faults else []
        if (most := max(mb for _, mb in self.memory_mb)) > MOST_MB:
            found.append(f"the window took {most:.0f} MB")
        if told["threads"]["last"] > THREADS + told["threads"]["first"]:
            found.append(f"{told['threads']['last']} threads are left")
        return found


def places(stalls: list[dict[str, Any]], most: int = 25) -> list[dict[str, Any]]:
    """Return where the window stood while it stalled, those first where it computed longest.

    Parameters
    ----------
    stalls : list of dict
        Each with ``ms``, ``cpu_ms``, ``deed`` and ``at``, the innermost calls of the window's thread, as often seen.
    most : int
        Places that are told.
    """
    together: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for stall in stalls:
        own = next((tuple(at[1:4]) or tuple(at) for at in stall["at"] if at), ("between two looks",))
        together.setdefault(own, []).append(stall)
    found = [
        {
            "at": list(place),
            "inside": Counter(s["at"][0][0] for s in some if s["at"] and s["at"][0]).most_common(3),
            "stalls": len(some),
            "cpu_ms": sum(s["cpu_ms"] for s in some),
            "worst_cpu_ms": max(s["cpu_ms"] for s in some),
            "worst_ms": max(s["ms"] for s in some),
            "deeds": Counter(s["deed"] for s in some).most_common(3),
        }
        for place, some in together.items()
    ]
    return sorted(found, key=lambda one: -one["cpu_ms"])[:most]


def is_open(state: dict[str, Any]) -> bool:
    """Whether a night is there with its frame, or with why that one cannot be shown."""
    return state["planned"] and bool(state["shown"] or state["image_message"])


def deeds(p: Program, chance: random.Random, nights: list[Path]) -> dict[str, tuple[float, Callable[[], None]]]:
    """Return what may be done: name → weight, deed."""

    def open_other() -> None:
        p.key("ctrl+w")
        p.wait("the start page", lambda s: s["page"] == 0 or s["running"])
        if p.state["page"] == 0:
            p.click(tip=str(chance.choice(nights)))
            p.wait("a night", is_open)

    def go() -> None:
        p.key(*chance.choices(["Right", "Left"], [3, 1], k=chance.randint(1, 12)))

    def judge() -> None:
        p.key(*chance.choices(["x", "u", "ctrl+z", "ctrl+y"], [3, 1, 3, 1], k=chance.randint(1, 6)))

    def blink() -> None:
        p.key("b")
        time.sleep(chance.uniform(0.5, 3.0))
        p.key(*chance.choice([["Escape"], ["x", "Escape", "Escape"], ["b", "Right", "Escape"]]))
        p.still()
        if p.state["blinking"]:
            p.key("Escape")

    def reduce() -> None:
        if not p.state["running"]:
            p.key("ctrl+r")
            p.wait("the run", lambda s: s["running"] or s["dialog"])

    def cancel() -> None:
        if p.state["running"]:
            p.key("ctrl+period")
            p.wait("the end of the run", lambda s: not s["running"], 60)

    def look() -> None:
        p.key(*chance.sample(["f", "1", "i", "a", "c", "g", "m", "f"], 3))

    def click_image() -> None:
        shown = next((w["place"] for w in p.ask("widgets") if w["class"] == "ImageCanvas"), None)
        if shown is not None:
            x, y = shown[0] + chance.random() * shown[2], shown[1] + chance.random() * shown[3]
            p.screen.point(x, y)
            p.key(chance.choice(["w", "o", "c", "Escape"]))

    def timeline() -> None:
        places = list(p.ask("points").values())
        if places:
            p.screen.click(*chance.choice(places))

    def step() -> None:
        rail = [w for w in p.ask("widgets") if w["class"] == "StepButton"]
        if rail:
            place = chance.choice(rail)["place"]
            p.screen.click(place[0] + place[2] / 2, place[1] + place[3] / 2)

    def look_else() -> None:
        p.key("ctrl+t" if chance.random() < 0.3 else "ctrl+l")

    return {
        "open": (1, open_other), "go": (8, go), "judge": (5, judge), "blink": (3, blink), "reduce": (2, reduce),
        "cancel": (2, cancel), "look": (4, look), "point": (3, click_image), "timeline": (3, timeline),
        "step": (3, step), "theme or log": (1, look_else),
    }  # fmt: skip


def soak(p: Program, seed: int, minutes: float, nights: list[Path]) -> Watched:
    """Use the program at random."""
    chance, watched = random.Random(seed), Watched(seed)
    p.heard = watched.hear
    p.wait("the night", is_open)
    begun = watched.begun = time.monotonic()
    known = deeds(p, chance, nights)
    while (after := time.monotonic() - begun) < 60 * minutes:
        name = chance.choices(list(known), [weight for weight, _ in known.values()])[0]
        state = p.state
        if state["dialog"] or state["popup"]:  # a summary, a question
            p.key("Escape")
            p.still()
        watched.doing = name
        known[name][1]()
        watched.deeds[name] = watched.deeds.get(name, 0) + 1
        time.sleep(chance.uniform(0.0, 0.4))
        watched.look(p, after)
        if watched.faults:
            break
    return watched


def main() -> int:
    """Soak, and say what was seen."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, default=OUT.parent / "soak", help="a folder for all of it, made anew")
    chosen = parser.parse_args()
    if line := missing():
        print(f"The soak needs a screen of its own; this line brings it:\n    {line}", file=sys.stderr)
        return 2
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "kernels"))
    home = chosen.home
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (OUT / "nights").mkdir(parents=True, exist_ok=True)
    big = home / "demo_night"
    shutil.copytree(demo_night(OUT / "nights"), big)
    nights = [big, small_night(home / "small_night", science=40)]
    with screen((1600, 1000), home) as here:
        for night in reversed(nights):  # both are on the start page then
            with program(here, home, night) as p:
                p.wait("the night", lambda s: s["planned"] and s["kept"])
                p.key("ctrl+q")
                p.process.wait(30)
        with program(here, home, big) as p:
            try:
                watched = soak(p, chosen.seed, chosen.minutes, nights)
            except StuckError:
                here.picture(home / "stuck.png")
                raise
            here.picture(home / "end.png")
    told = watched.report()
    (home / "soak.json").write_text(
        json.dumps({**told, "memory": watched.memory_mb, "high": watched.high, "stalls": watched.stalls}, indent=1),
        encoding="utf-8",
    )
    print(json.dumps(told, indent=1, ensure_ascii=False))
    for complaint in watched.complaints():
        print(f"! {complaint}", file=sys.stderr)
    return int(bool(watched.complaints()))


if __name__ == "__main__":
    raise SystemExit(main())
