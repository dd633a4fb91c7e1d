"""A screen of its own for the real program: Xvfb with a window manager, and a hand (xdotool) on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEEDED = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool", "import": "imagemagick", "convert": "imagemagick"}
"""Program → the Debian package that brings it."""

MAXIMISED = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
 <applications><application type="normal"><maximized>yes</maximized><focus>yes</focus></application></applications>
</openbox_config>
"""
"""The window manager gives the main window the whole screen; dialogs stay as large as they want to be."""


def missing() -> str:
    """Return the one line that brings what the system lacks; empty if it lacks nothing."""
    packages = sorted({package for program, package in NEEDED.items() if shutil.which(program) is None})
    return f"apt-get install -y --no-install-recommends {' '.join(packages)}" if packages else ""


FREE = """<?xml version="1.0"?>
<openbox_config xmlns="http://openbox.org/3.4/rc"></openbox_config>
"""
"""Windows have frames, and stay where they and a person put them."""


class Screen:
    """One X server of its own, with pictures and a hand."""

    def __init__(self, display: str, size: tuple[int, int]) -> None:
        self.display = display
        self.size = size
        self.environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        for name in ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
            self.environment.pop(name, None)

    def do(self, *words: object) -> str:
        """Let xdotool do something."""
        done = subprocess.run(
            ["xdotool", *map(str, words)], env=self.environment, capture_output=True, text=True, timeout=30, check=True
        )
        return done.stdout.strip()

    def point(self, x: float, y: float) -> None:
        """Move the pointer."""
        self.do("mousemove", round(x), round(y))

    def click(self, x: float, y: float, *, button: int = 1, times: int = 1, holding: str = "") -> None:
        """Click, perhaps while a key is held."""
        self.point(x, y)
        if holding:
            self.do("keydown", holding)
        self.do("click", "--repeat", times, "--delay", 60, button)
        if holding:
            self.do("keyup", holding)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 8) -> None:
        """Drag with the left button, in small steps as a hand does."""
        self.point(*start)
        self.do("mousedown", 1)
        for k in range(1, steps + 1):
            at = [a + (b - a) * k / steps for a, b in zip(start, end, strict=True)]
            self.point(*at)
        self.do("mouseup", 1)

    def key(self, *keys: str) -> None:
        """Press keys one after the other, by X's names ("ctrl+k")."""
        self.do("key", "--delay", 30, *keys)

    def type(self, words: str) -> None:
        """Type words."""
        self.do("type", "--delay", 15, words)

    def picture(self, file: Path) -> None:
        """Save what the screen shows."""
        file.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["import", "-window", "root", file], env=self.environment, timeout=60, check=True)


@contextmanager
def screen(size: tuple[int, int], folder: Path, manner: str = MAXIMISED) -> Iterator[Screen]:
    """Start an X server with a window manager of that manner; end both afterwards."""
    rules = folder / "openbox.xml"
    rules.write_text(manner, encoding="utf-8")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as said:
        number = said.readline().strip()  # the server names its display when it is ready
    if not number:
        raise RuntimeError("Xvfb did not start")
    here = Screen(f":{number}", size)
    keeper = subprocess.Popen(
        ["openbox", "--sm-disable", "--config-file", rules],
        env=here.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_manager(here)
        yield here
    finally:
        for process in (keeper, server):
            process.terminate()
            process.wait(10)


def _wait_for_manager(here: Screen) -> None:
    """Wait until a window manager has taken the screen."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            here.do("get_num_desktops")  # answered by window managers only
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("openbox did not start")
