"""A toy night for the tests of running: a master is the sum of its raw files, a frame is raw minus master."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pipeline_core.errors import DataError
from pipeline_core.stage import Raw, Stage, Task


def make_master(settings, inputs, out, threads):
    time.sleep(settings.get("sleep_s", 0))
    total = sum(sum(Path(path).read_bytes()) for path in inputs.values())
    out.write_text(f"{total} {settings.get('clip', '')}")
    return {"total": total, "threads": threads, "pid": os.getpid()}


def make_frame(settings, inputs, out, threads):
    out.write_bytes(b"begun")
    time.sleep(settings.get("sleep_s", 0))
    if "bad" in settings:
        raise DataError("cannot use it", settings["bad"], "take it out")
    if "fault" in settings:
        raise ZeroDivisionError(settings["fault"])
    if "dies_unless" in settings and not Path(settings["dies_unless"]).exists():
        Path(settings["dies_unless"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if settings.get("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    text = inputs["master"].read_text() if "master" in inputs else ""
    out.write_bytes(inputs["raw"].read_bytes() * settings.get("times", 1) + text.encode())
    return {"size": out.stat().st_size, "threads": threads, "pid": os.getpid(), "ppid": os.getppid()}


def measure(settings, inputs, out, threads):
    return {"level": float(sum(inputs["raw"].read_bytes())), "offset": settings.get("offset", 0)}


def judge(settings, inputs, out, threads):
    return {"mean": sum(settings[name]["level"] for name in settings["frames"]) / len(settings["frames"])}


def forgets_its_file(settings, inputs, out, threads):
    return {}


def full_disk(settings, inputs, out, threads):
    import errno

    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out))


MASTER = Stage("master dark", 1, make_master, wide=True)
FRAME = Stage("science frames", 1, make_frame)
MEASURE = Stage("frame quality", 1, measure)
JUDGE = Stage("night quality", 1, judge)


class ToyNight:
    """Raw files and the tasks on them."""

    def __init__(self, folder: Path, frames: int = 4, darks: int = 3) -> None:
        self.root = folder / "night"
        self.output = folder / "night_reduced"
        self.root.mkdir(parents=True, exist_ok=True)
        for kind, n in (("dark", darks), ("sci", frames)):
            for i in range(n):
                file = self.root / f"{kind}_{i:03d}.fits"
                if not file.exists():
                    file.write_bytes(bytes([len(kind), i % 256]) * 100)

    def raw(self, name: str) -> Raw:
        path = self.root / name
        stat = path.stat()
        return Raw(path, name, stat.st_size, stat.st_mtime_ns)

    def master(self, **settings) -> Task:
        darks = {file.name: self.raw(file.name) for file in sorted(self.root.glob("dark*"))}
        return Task(MASTER, "masters/dark_90s.fits", settings, darks, "dark_90s")

    def frame(self, name: str, master: Task | None = None, **settings) -> Task:
        inputs = {"raw": self.raw(name)} | ({"master": master} if master else {})
        return Task(FRAME, f"calibrated/{Path(name).stem}_CAL.fits", settings, inputs, name)

    def frames(self, master: Task | None = None, special=None, **settings) -> list[Task]:
        names = [file.name for file in sorted(self.root.glob("sci*"))]
        return [self.frame(name, master, **(settings | (special or {}).get(name, {}))) for name in names]

    def parts(self) -> list[Path]:
        return list(self.output.rglob("*.part"))

    def products(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.output)): file.read_bytes()
            for file in sorted(self.output.rglob("*.fits"))
        }
