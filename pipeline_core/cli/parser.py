"""What can be asked of ``astep`` and with which options. Nothing heavy is imported to answer ``--help``."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from pipeline_core import __version__
from pipeline_core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pipeline_core.cli.talk import Talk


class _Parser(argparse.ArgumentParser):
    """Says wrong usage as the rest of the program says its errors, in JSON too."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Take patterns behind an option too: ``astep reject NIGHT -o OUT PATTERN`` is as clear as the other order."""
        found, rest = self.parse_known_args(args, namespace)
        if rest and hasattr(found, "patterns") and not any(word.startswith("-") for word in rest):
            found.patterns += rest
        elif rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found

    def error(self, message: str) -> NoReturn:
        hint = f"see `{self.prog} --help`"
        unknown = re.match(r"argument COMMAND: invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if unknown:
            commands = re.findall(r"[a-z]+", unknown[2])
            message = f"there is no command {unknown[1]!r}"
            hint = f"{did_you_mean(unknown[1], commands)} {hint}".strip()
        raise UsageError(f"cannot understand the command: {message}", hint=hint)


Run = Callable[[argparse.Namespace, "Talk"], int]


def _lazily(module: str) -> Run:
    """Import a command's module only when it is asked for."""

    def run(arguments: argparse.Namespace, talk: Talk) -> int:
        command: Run = importlib.import_module(f"pipeline_core.cli.{module}").run
        return command(arguments, talk)

    return run


def memory_size(text: str) -> int:
    """Read "2GB", "1500MB" or a number of bytes."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "B": 1, "": 1}
    cleaned = text.strip().upper().replace("IB", "B")
    number = cleaned.rstrip("KMGB")
    unit = cleaned[len(number) :]
    try:
        size = float(number) * units[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write for instance 2GB or 1500MB") from None
    if not size >= 2e8:
        raise argparse.ArgumentTypeError(
            f"{text!r} is less than a frame needs; at least 200MB (a number alone is bytes)"
        )
    return int(size)


def executor_name(text: str) -> str:
    """Read where to run, before a folder is made for it."""
    scheduler, _, address = text.partition(":")
    # The address of slurm is a queue, and may be left to it.
    if text in {"processes", "threads"} or scheduler == "slurm" or (scheduler == "dask" and address):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no executor; use processes, threads, dask:ADDRESS or slurm")


def positive(text: str) -> int:
    """Read a number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return value


def make_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    parser = _Parser(
        prog="astep",
        description="ASTEP Harvest: from a raw night to calibrated, quality-checked frames. Raw data is never changed.",
        epilog="Begin with `astep scan NIGHT`, look at `astep plan NIGHT`, then `astep reduce NIGHT`.",
    )
    parser.add_argument("--version", action="version", version=f"astep {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, words: str, module: str | None = None) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(
            name, help=words, description=words[0].upper() + words[1:] + "."
        )
        made.set_defaults(run=_lazily(module or name))
        made.add_argument("--json", action="store_true", help="answer with one JSON document on standard output")
        made.add_argument("--quiet", action="store_true", help="no progress")
        return made

    _add_reducing(command)
    _add_sky(command)
    _add_looking(command)
    _add_deciding(command)
    return parser


class _Command(Protocol):
    def __call__(self, name: str, words: str, module: str | None = None) -> argparse.ArgumentParser: ...


def _add_reducing(command: _Command) -> None:
    """Commands that lead from a raw night to frames."""
    scan = command("scan", "list the frames of a night: kind, filter, exposure, time, problems")
    _night(scan)
    plan = command("plan", "show what will be done with a night, before anything is done")
    _night(plan)
    _output(plan)
    _recipe(plan)
    reduce_ = command("reduce", "calibrate a night: masters, science frames, masks, quality")
    _night(reduce_)
    _output(reduce_)
    _recipe(reduce_)
    _running(reduce_)
    reduce_.add_argument("--only", choices=("calibration-quality", "masters", "science"), help="stop after this stage")
    batch = command("batch", "reduce several nights, one after the other")
    batch.add_argument("nights", nargs="+", type=Path, metavar="NIGHT")
    batch.add_argument("--into", type=Path, metavar="DIR", help="put each <night>_reduced here, not beside its night")
    _recipe(batch)
    _running(batch)
    demo = command("demo", "make a demo night with known truth")
    demo.add_argument("folder", type=Path, metavar="DIR")
    demo.add_argument("--size", type=positive, default=None, metavar="PX", help="frame width and height, 256 to 4096")
    demo.add_argument("--frames", type=positive, default=None, metavar="N", help="science frames")
    demo.add_argument("--fwhm", type=float, default=None, metavar="PX", help="width of the stars, 1.3 to 6 px")
    demo.add_argument(
        "--scale", type=float, default=None, metavar="ARCSEC", help="side of a pixel (default: a field of 63.5' in all)"
    )
    demo.add_argument("--seed", type=int, default=1, metavar="N")


def _add_sky(command: _Command) -> None:
    """Commands that place frames on the sky."""
    solve = command("solve", "find where on the sky each calibrated frame looks, and write it into its header")
    solve.add_argument("output", type=Path, metavar="OUT")
    solve.add_argument("patterns", nargs="*", metavar="PATTERN", help="only these frames (globs as for reject)")
    solve.add_argument("--ra", type=float, metavar="DEG", help="look around here instead of where the header says")
    solve.add_argument("--dec", type=float, metavar="DEG")
    solve.add_argument("--scale", type=float, metavar="ARCSEC", help="pixel scale, instead of the header's")
    solve.add_argument("--offline", action="store_true", help="do not ask Gaia's archive")
    solve.add_argument("--workers", type=positive, metavar="N", help="worker processes (default: one per core)")
    solve.add_argument("--force", action="store_true", help="solve anew what is solved")
    index = command("index", "list, add or install the index files that solving needs")
    index.add_argument("deed", choices=("list", "add", "install"))
    index.add_argument(
        "names", nargs="*", metavar="FILE|SCALE", help="add: index files; install: 07, 08 (default), 09, 10-19"
    )
    index.add_argument("--field", type=float, metavar="ARCMIN", help="list: size of the field (default: ASTEP's 63.5)")
    catalogue = command("catalogue", "fetch the reference stars of a night, for work without a network")
    catalogue.add_argument("deed", choices=("fetch", "list"))
    catalogue.add_argument("night", nargs="?", type=Path, metavar="NIGHT", help="a night, or its output folder")
    catalogue.add_argument("--at", type=float, nargs=2, metavar=("RA", "DEC"), help="this place instead, degrees")
    catalogue.add_argument(
        "--radius", type=float, metavar="DEG", help="around each pointing (default: as its frames want)"
    )
    catalogue.add_argument("--faintest", type=float, metavar="MAG", help="down to this G (default: as the recipe, 17)")


def _add_looking(command: _Command) -> None:
    """Commands that show what was made, or hand it on."""
    status = command("status", "say how far an output folder is")
    status.add_argument("output", type=Path, metavar="OUT")
    quality = command("quality", "show how good each frame is, and what is suggested against it")
    quality.add_argument("output", type=Path, metavar="OUT")
    quality.add_argument("--plot", type=Path, metavar="PNG", help="draw the night into this picture")
    align = command("align", "place the frames of each pointing on one reference, by their stars")
    align.add_argument("output", type=Path, metavar="OUT")
    align.add_argument("--reference", metavar="PATTERN", help="the frame to place the others on (auto: the best one)")
    align.add_argument("--force", action="store_true", help="compute everything anew")
    stack = command("stack", "combine the accepted frames of each group, aligned, into one deeper frame")
    stack.add_argument("output", type=Path, metavar="OUT")
    stack.add_argument("--method", choices=("mean", "median"), help="mean of what agrees (default), or median")
    stack.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="groups whose name holds this; may be repeated"
    )
    stack.add_argument(
        "--fixed", choices=("sky", "chip"), default="sky", help="chip: not aligned, to show hot pixels (default sky)"
    )
    stack.add_argument("--force", action="store_true", help="make everything anew")
    report = command("report", "write the night into one HTML file: keogram, plots, thumbnails, decisions, recipe")
    report.add_argument("output", type=Path, metavar="OUT")
    report.add_argument("--small", action="store_true", help="at most 100 KB, for a thin link (default: at most 2 MB)")
    report.add_argument("--file", type=Path, metavar="HTML", help="write it here (default OUT/report.html)")
    export = command("export", "write the frames that are not rejected as another program reads them")
    export.add_argument("output", type=Path, metavar="OUT")
    export.add_argument("--for", dest="program", choices=("tycho", "astrometrica", "siril"), required=True)
    export.add_argument("folder", type=Path, metavar="DIR")
    export.add_argument(
        "--only-good", action="store_true", help="take good frames only, and those that a person accepted"
    )
    gui = command("gui", "open the window, when it is installed")
    gui.add_argument("night", nargs="?", type=Path, metavar="NIGHT")


def _add_deciding(command: _Command) -> None:
    """Commands by which a person decides; each is one line of the logbook, and can be taken back."""

    def decision(name: str, words: str) -> argparse.ArgumentParser:
        made = command(name, words, "decide")
        made.set_defaults(deed=name)
        made.add_argument("target", type=Path, metavar="TARGET", help="an output folder, or a night")
        _output(made)
        return made

    def frames(parser: argparse.ArgumentParser, metavar: str) -> None:
        words = "globs on the night-relative path, or on the file name when they have no /"
        parser.add_argument("patterns", nargs="*", metavar=metavar, help=words)
        parser.add_argument("--reason", default="", help="why, in a few words")

    fields = ("kind", "filter", "exposure_s", "gain_e_per_adu", "temperature_c", "time_offset_s")
    hints = {"ra": "hint_ra_deg", "dec": "hint_dec_deg", "scale": "hint_scale_arcsec", "radius": "hint_radius_deg"}
    words = f"{'=, '.join(fields)}=, bias=, dark=, flat=; where it is to be searched: {'=, '.join(hints.values())}="
    set_ = decision("set", f"decide what a frame is: {words}")
    frames(set_, "KEY=VALUE… PATTERN")
    for option, field in ({field.split("_", maxsplit=1)[0]: field for field in fields} | hints).items():
        set_.add_argument(f"--{option}", dest=field, metavar="VALUE", help=f"the same as {field}=VALUE")
    for name, words in (
        ("reject", "reject frames, with a reason; their products move to rejected/"),
        ("accept", "accept rejected frames again, or keep a set-aside calibration frame in its master"),
    ):
        verdict = decision(name, words)
        frames(verdict, "PATTERN")
        verdict.add_argument("--list", type=Path, metavar="FILE", help="also the frames named in this file, one a line")
    undo = decision("undo", "take the last decision back")
    undo.add_argument("-n", type=positive, default=1, metavar="N", help="how many decisions (default 1)")
    decision("redo", "make the decision that was taken back again")
    decision("decisions", "list every decision: when, what, old, new, reason")


def _night(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "night", type=Path, metavar="NIGHT", help="folder with the raw frames, searched with its subfolders"
    )


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="where products go (default NIGHT_reduced)")


def _recipe(parser: argparse.ArgumentParser) -> None:
    words = "TOML file of settings, or default (if absent: the recipe that the output was made with, else the default)"
    parser.add_argument("--recipe", type=Path, metavar="FILE", help=words)


def _running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workers", type=positive, metavar="N", help="worker processes (default: one per core)")
    parser.add_argument(
        "--memory", type=memory_size, metavar="SIZE", help="at most this much, e.g. 2GB (default: a quarter)"
    )
    parser.add_argument(
        "--executor",
        type=executor_name,
        default="processes",
        metavar="WHERE",
        help="processes (default), threads, dask:ADDRESS or slurm",
    )
    parser.add_argument("--force", action="store_true", help="make everything anew, even what is up to date")
