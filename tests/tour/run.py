"""``make tour``: the whole story on the real program, with pictures in ``build/tour`` and a page that shows them."""

from __future__ import annotations

import argparse
import html
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.tour import story
from tests.tour.program import program
from tests.tour.screen import missing, screen

if TYPE_CHECKING:
    from tests.tour.program import Program
    from tests.tour.screen import Screen

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "tour"
PARTS = ("demo", "jason", "1280x720", "2x", "readme")
"""The last is done only when it is asked for: it makes the README's pictures anew."""
SIZES = {"1600x1000": ((1600, 1000), 1), "1280x720": ((1280, 720), 1), "2x": ((3200, 2000), 2)}


class Album:
    """Pictures in order, with their captions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[tuple[str, str, str]] = []

    def of(self, here: Screen, group: str):
        """Return what saves a picture of a screen."""

        def shoot(name: str, caption: str) -> None:
            file = f"{group}_{name}.png"
            here.picture(self.folder / file)
            self.entries.append((group, file, caption))
            print(f"  {file}: {caption}", flush=True)

        return shoot

    def write(self, remarks: list[str]) -> Path:
        """Write the page."""
        parts = [
            "<!doctype html><meta charset='utf-8'><title>Tour of the window</title>",
            (
                "<style>body{font:15px/1.5 sans-serif;margin:2em auto;max-width:1100px}"
                "body{background:#171c23;color:#e4e9f0}"
                "img{width:100%;border:1px solid #56616f}figure{margin:0 0 2.5em}a{color:#74c3ec}</style>"
            ),
            "<h1>Tour of the window</h1><ul>",
            *(f"<li>{html.escape(words)}</li>" for words in remarks),
            "</ul>",
        ]
        for group, file, caption in self.entries:
            parts.append(
                f"<figure><a href='{file}'><img src='{file}' alt='' loading='lazy'></a>"
                f"<figcaption><b>{group}</b> · {html.escape(caption)}</figcaption></figure>"
            )
        page = self.folder / "index.html"
        page.write_text("\n".join(parts), encoding="utf-8")
        return page


def demo_story(p: Program, shoot: story.Shoot, night: Path, remarks: list[str]) -> None:
    """Everything, on the demo night."""
    story.begin(p, shoot)
    story.open_by_dialog(p, shoot, night)
    story.first_look(p, shoot)
    story.assign(p, shoot)
    story.judge(p, shoot)
    story.blink(p, shoot)
    story.brush(p, shoot)
    story.star(p, shoot)
    p.key("Escape")
    story.make_masters(p, shoot)
    story.steps(p, shoot)
    story.why(p, shoot)
    story.plan_and_settings(p, shoot)
    remarks.append(f"demo night: cancelled in {story.reduce_and_cancel(p, shoot):.1f} s")
    story.resume(p, shoot)
    file = story.report(p, shoot)
    remarks.append(f"demo night: report of {file.stat().st_size / 1e6:.2f} MB")
    story.helps(p, shoot)
    story.themes(p, shoot)


def jason_story(p: Program, shoot: story.Shoot, night: Path, remarks: list[str]) -> None:
    """The real night: its troubles, its dark step, its reduction."""
    story.opened(p, night)
    shoot("night", "A real night with cloud, weak darks and a filter without flat")
    story.judge(p, shoot)
    story.brush(p, shoot)
    story.star(p, shoot)
    p.key("Escape")
    story.make_masters(p, shoot)
    story.steps(p, shoot)
    story.why(p, shoot)
    story.plan_and_settings(p, shoot)
    remarks.append(f"Jason night: cancelled in {story.reduce_and_cancel(p, shoot):.1f} s")
    story.resume(p, shoot)
    file = story.report(p, shoot)
    remarks.append(f"Jason night: report of {file.stat().st_size / 1e6:.2f} MB")


def other_size_story(p: Program, shoot: story.Shoot, night: Path, _remarks: list[str]) -> None:
    """What a smaller or denser screen must hold too."""
    story.opened(p, night)
    shoot("night", "The night, as it was left")
    story.brush(p, shoot)
    story.blink(p, shoot)
    story.steps(p, shoot)
    story.why(p, shoot)
    story.plan_and_settings(p, shoot)
    story.helps(p, shoot)


def readme_story(p: Program, shoot: story.Shoot, night: Path, remarks: list[str]) -> None:
    """The README's pictures, small enough for it: of few colours, at four fifths of the size."""
    story.for_readme(p, shoot, night)
    for name in ("night", "judge"):
        made = ROOT / "resources" / "pictures" / f"window_{name}.png"
        words = ["convert", OUT / f"readme_{name}.png", "-resize", "80%", "-dither", "None", "-colors", "224"]
        subprocess.run([*words, "-strip", "-define", "png:compression-level=9", f"PNG8:{made}"], check=True)
        remarks.append(f"{made.name}: {made.stat().st_size / 1000:.0f} kB")


def demo_night(folder: Path) -> Path:
    """Return the demo night, made if it is not there."""
    night = folder / "demo_night"
    if not night.is_dir():
        print("making the demo night", flush=True)
        subprocess.run([sys.executable, "-m", "pipeline_core", "demo", night, "--quiet"], check=True)
    return night


def jason_night(folder: Path) -> Path | None:
    """Return a copy of the real night; None where it is not."""
    given = os.environ.get("ASTEP_REAL_DATA")
    data = (Path(given) if given else ROOT.parent / "shared" / "data") / "ssp_jason6063"
    night = folder / "jason"
    if not night.is_dir() and data.is_dir():
        shutil.copytree(data, night, copy_function=shutil.copyfile)
        for path in (night, *night.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return night if night.is_dir() else None


def main() -> int:
    """Run the chapters that are asked for."""
    parser = argparse.ArgumentParser(prog="make tour", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PARTS, help="these parts")
    chosen = parser.parse_args()
    if line := missing():
        print(f"The tour needs a screen of its own; this line brings it:\n    {line}", file=sys.stderr)
        return 2
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "kernels"))
    nights = OUT / "nights"
    nights.mkdir(parents=True, exist_ok=True)
    demo, jason = demo_night(nights), jason_night(nights)
    parts = [("demo", "1600x1000", demo, demo_story), ("jason", "1600x1000", jason, jason_story)]
    parts += [(size, size, demo, other_size_story) for size in ("1280x720", "2x")]
    parts += [("readme", "1600x1000", demo, readme_story)] if "readme" in (chosen.only or ()) else []
    album, remarks, failed = Album(OUT), [], 0
    for name, size, night, tell in parts:
        if chosen.only and name not in chosen.only:
            continue
        if night is None:
            remarks.append(f"{name}: left out, the real night is not here (ASTEP_REAL_DATA names its folder)")
            continue
        print(f"{name} at {size}", flush=True)
        begun = time.monotonic()
        (pixels, scale), home = SIZES[size], OUT / "home" / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if size == "1600x1000":
            shutil.rmtree(night.with_name(f"{night.name}_reduced"), ignore_errors=True)
        arguments = () if name == "demo" else (night,)
        try:
            with screen(pixels, home) as here, program(here, home, *arguments, scale=scale) as p:
                shoot = album.of(here, name)
                try:
                    tell(p, shoot, night, remarks)
                    p.no_faults()
                except Exception:
                    shoot("stuck", "Where the tour stopped")
                    raise
        except Exception as error:  # noqa: BLE001 - the other parts are told nonetheless
            failed += 1
            remarks.append(f"{name}: stopped: {error}")
            print(f"! {name}: {error}", file=sys.stderr, flush=True)
        remarks.append(f"{name}: {time.monotonic() - begun:.0f} s")
    print("\n".join(remarks))
    print(f"{len(album.entries)} pictures: {album.write(remarks)}")
    return int(bool(failed))


if __name__ == "__main__":
    raise SystemExit(main())
