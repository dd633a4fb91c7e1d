"""The real program on a screen of its own: started, asked what it shows, pressed where a person would press."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.tour.screen import Screen

State = dict[str, Any]
PATIENCE_S = 120.0
"""What a shared, busy machine may need for what takes a second on a quiet one."""
LOOK_S = 0.05


class StuckError(AssertionError):
    """What was waited for did not come."""


class Program:
    """One running window."""

    def __init__(self, here: Screen, process: subprocess.Popen[bytes], place: Path, started: float) -> None:
        self.screen = here
        self.process = process
        self._place = place
        self._socket: socket.socket | None = None
        self.started = started
        self.heard: Callable[[State], None] = lambda _state: None
        """Told each state that is asked for: it counts from the one before it."""

    # -- asking ----------------------------------------------------------------------------------------------

    def ask(self, *words: object) -> Any:
        """Ask the onlooker."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(PATIENCE_S)
            self._socket.connect(str(self._place))
            self._file = self._socket.makefile("rb")
        self._socket.sendall(" ".join(map(str, words)).encode() + b"\n")
        return json.loads(self._file.readline())

    @property
    def state(self) -> State:
        """What the program holds now."""
        state = self.ask("state")
        self.heard(state)
        return state

    def wait(self, what: str, holds: Callable[[State], object], patience_s: float = PATIENCE_S) -> State:
        """Wait until the state is as wanted, and return it; a fault of the program ends the wait."""
        end = time.monotonic() + patience_s
        while True:
            if self.process.poll() is not None:
                raise StuckError(f"waiting for {what}: the program ended with {self.process.returncode}")
            state = self.state
            if holds(state):
                return state
            if time.monotonic() > end:
                told = {key: state[key] for key in state if key not in {"threads", "faults"}}
                raise StuckError(f"{what} did not come in {patience_s:.0f} s\n{state['faults']}\n{json.dumps(told)}")
            time.sleep(LOOK_S)

    def still(self) -> None:
        """Wait until the screen shows what the program holds: two questions answered by an idle loop."""
        for _ in range(2):
            self.ask("state")
            time.sleep(0.15)

    def no_faults(self) -> None:
        """Fail if the program reported a fault of its own."""
        if faults := self.state["faults"]:
            raise StuckError(faults)

    # -- acting ----------------------------------------------------------------------------------------------

    def find(self, text: str = "", *, kind: str = "", window: str = "", tip: str = "") -> State:
        """Return the visible widget (or tab, or menu entry) with these words; the frontmost if several."""
        found = [
            told
            for told in self.ask("widgets")
            if (not text or told["text"].replace("&", "") == text)
            and kind in told["class"]
            and (not window or told["window"] == window)
            and tip in told["tip"]
        ]
        if not found:
            raise StuckError(f"nothing on the screen says {text or tip or kind!r}")
        return found[-1]

    def click(self, text: str = "", **how: str) -> None:
        """Click a button, tab or menu entry by its words."""
        self.screen.click(*middle(self.find(text, **how)["place"]))

    def click_row(self, path: str, *, holding: str = "", button: int = 1, times: int = 1) -> None:
        """Click a row of the frame table."""
        x, y, _w, h = self.ask("rows")[path]
        self.screen.click(x + 60, y + h / 2, holding=holding, button=button, times=times)

    def click_point(self, path: str) -> None:
        """Click a frame's point in the timeline."""
        self.screen.click(*self.ask("points")[path])

    def click_pixel(self, x: float, y: float, *, holding: str = "") -> None:
        """Click a pixel (0-based) of the image that is shown."""
        self.screen.click(*self.ask("pixel", x, y), holding=holding)

    def key(self, *keys: str) -> None:
        """Press keys."""
        self.screen.key(*keys)

    def run_action(self, words: str) -> None:
        """Do an action by the palette, as someone does who does not know its key."""
        self.key("ctrl+k")
        self.wait("the palette", lambda s: s["dialog"] == "CommandPalette")
        self.screen.type(words)
        self.key("Return")
        self.wait("the palette to go", lambda s: s["dialog"] != "CommandPalette")

    # -- watching --------------------------------------------------------------------------------------------

    def memory_mb(self) -> float:
        """Return the resident memory of the window's process."""
        return psutil.Process(self.process.pid).memory_info().rss / 1e6


@contextmanager
def program(here: Screen, folder: Path, *arguments: object, scale: float = 1, **more: str) -> Iterator[Program]:
    """Start ``astep-gui`` with settings and caches in a folder of their own; end it afterwards.

    Parameters
    ----------
    here : Screen
    folder : Path
        Holds settings and caches; kept between starts, it makes the second a warm one.
    arguments
        Of the command line.
    scale : float
        What a person sets for a dense screen.
    more
        Further environment variables.
    """
    for name in ("config", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    place = folder / "onlooker"
    environment = {
        **here.environment,
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "QT_SCALE_FACTOR": f"{scale:g}",
        "ASTEP_ONLOOKER": str(place),
        **more,
    }
    with (folder / "said.txt").open("ab") as said:
        started = time.time()
        process = subprocess.Popen(
            [sys.executable, "-m", "astep_gui", *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    running = Program(here, process, place, started)
    try:
        _meet(running, place)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _meet(running: Program, place: Path) -> None:
    """Wait for the window."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if running.process.poll() is not None:
            raise StuckError(f"the program ended with {running.process.returncode} before its window came")
        try:
            running.ask("state")
        except OSError:
            running._socket = None
            time.sleep(LOOK_S)
        else:
            return
    raise StuckError(f"no window in {PATIENCE_S:.0f} s ({place})")


def middle(place: list[float]) -> tuple[float, float]:
    """Return the middle of a rectangle."""
    x, y, w, h = place
    return x + w / 2, y + h / 2
