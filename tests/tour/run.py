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

from pipeline_core.demo.night import make_demo_night
from tests.tour import story
from tests.tour.program import program
from tests.tour.screen import missing, screen

if TYPE_CHECKING:
    from tests.tour.program import Program
    from tests.tour.screen import Screen

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "build" / "tour"
SIZES: dict[str, tuple[tuple[int, int], float]] = {
    "1600x1000": ((1600, 1000), 1), "1280x720": ((1280, 720), 1), "1.5x": ((2400, 1500), 1.5), "2x": ((3200, 2000), 2),
}  # fmt: skip
"""Name → pixels of the screen, and what a person sets for a screen that is so dense."""
OTHER_SIZES = tuple(SIZES)[1:]
PARTS = ("demo", "jason", "sky", *OTHER_SIZES, "readme")
"""The last is done only when it is asked for: it makes the README's pictures anew."""


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
    whole_night(p, shoot, night, remarks)
    story.helps(p, shoot)
    story.themes(p, shoot)


def jason_story(p: Program, shoot: story.Shoot, night: Path, remarks: list[str]) -> None:
    """The real night: its troubles, its dark step, its reduction."""
    story.opened(p, night)
    shoot("night", "A real night with cloud, weak darks and a filter without flat")
    whole_night(p, shoot, night, remarks)


def whole_night(p: Program, shoot: story.Shoot, night: Path, remarks: list[str]) -> None:
    """From the first judgement to the report."""
    story.judge(p, shoot)
    story.pictures(p, shoot)
    story.blink(p, shoot)
    story.brush(p, shoot)
    story.star(p, shoot)
    p.key("Escape")
    story.make_masters(p, shoot)
    story.steps(p, shoot)
    story.why(p, shoot)
    story.plan_and_settings(p, shoot)
    remarks.append(f"{night.name}: cancelled in {story.reduce_and_cancel(p, shoot):.1f} s")
    story.resume(p, shoot)
    file = story.report(p, shoot)
    remarks.append(f"{night.name}: report of {file.stat().st_size / 1e6:.2f} MB")


def sky_story(p: Program, shoot: story.Shoot, night: Path, _remarks: list[str]) -> None:
    """A night whose stars are those of the sky, reduced and solved: its dock, in every look."""
    story.opened(p, night)
    story.sky(p, shoot)
    story.hints(p, shoot)
    p.click("Dark", kind="StepButton")
    p.wait("the step", lambda s: s["step"] == "dark" and not s["steps_busy"])
    story.themes(p, shoot)


def other_size_story(p: Program, shoot: story.Shoot, night: Path, _remarks: list[str]) -> None:
    """What a smaller or denser screen must hold too."""
    story.opened(p, night)
    shoot("night", "The night, as it was left")
    story.brush(p, shoot)
    story.blink(p, shoot)
    story.steps(p, shoot)
    story.why(p, shoot)
    story.plan_and_settings(p, shoot)
    p.key("ctrl+4")
    p.wait("the results", lambda s: s["tab"] == "Results")
    p.still()
    shoot("results", "What came of the run, where there is less room")
    p.key("ctrl+2", "shift+s")
    p.still()
    shoot("sky", "The dock Sky, where there is less room")
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
        astep("demo", night)
    return night


def reduced_night(folder: Path) -> Path:
    """Return the demo night, reduced."""
    night = demo_night(folder)
    astep("reduce", night)
    return night


def told_night(folder: Path) -> Path:
    """Return the demo night as its own part left it; where that was not told, reduced."""
    night = demo_night(folder)
    return night if night.with_name(f"{night.name}_reduced").is_dir() else reduced_night(folder)


def sky_night(folder: Path) -> Path:
    """Return a demo night of real stars, reduced and solved where an index is at hand."""
    night = folder / "sky_night"
    if not night.is_dir():
        print("making a night of real stars", flush=True)
        make_demo_night(night, size=768, n_science=6, n_bias=5, n_dark=5, n_flat=4, events=(), scale_arcsec=7.44)
    if not night.with_name("sky_night_reduced").is_dir():
        astep("reduce", night)
    return night


def astep(*words: object) -> None:
    """Run the command line."""
    subprocess.run([sys.executable, "-m", "pipeline_core", *map(str, words), "--quiet"], check=True)


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
    parts = [
        ("demo", "1600x1000", demo_night, demo_story),
        ("jason", "1600x1000", jason_night, jason_story),
        ("sky", "1600x1000", sky_night, sky_story),
        *((size, size, told_night, other_size_story) for size in OTHER_SIZES),
        ("readme", "1600x1000", reduced_night, readme_story),
    ]
    album, remarks, failed = Album(OUT), [], 0
    for name, size, make_night, tell in parts:
        if name not in (chosen.only or PARTS[:-1]):
            continue
        night = make_night(nights)
        if night is None:
            remarks.append(f"{name}: left out, the real night is not here (ASTEP_REAL_DATA names its folder)")
            continue
        print(f"{name} at {size}", flush=True)
        begun = time.monotonic()
        (pixels, scale), home = SIZES[size], OUT / "home" / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        if name in {"demo", "jason"}:  # told from the beginning
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
