"""``astep index``: index files of astrometry.net on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline_core.cli import EXIT_NOTHING_DONE, EXIT_OK
from pipeline_core.cli.stopping import stoppable
from pipeline_core.errors import UsageError
from pipeline_core.solving.add_index import add_indexes
from pipeline_core.solving.index_files import (
    DEBIAN_PACKAGES,
    find_indexes,
    folders,
    user_folder,
    what_is_missing,
)

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk
    from pipeline_core.events import RunContext
    from pipeline_core.io.index_file import IndexFile

_FIELD_ARCMIN = 63.5  # of ASTEP's camera


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """List, add or install index files."""
    if arguments.deed == "add":
        with stoppable(talk.context()) as context:
            return _add([Path(name) for name in arguments.names], talk, context)
    if arguments.deed == "install":
        return _install(arguments.names[0] if arguments.names else "08", talk)
    return _list(arguments, talk)


def _list(arguments: argparse.Namespace, talk: Talk) -> int:
    indexes, problems = find_indexes()
    field = arguments.field or _FIELD_ARCMIN
    missing = what_is_missing(indexes, field)
    talk.answer(
        {
            "indexes": [_document(index) for index in indexes],
            "searched": [str(place) for place in folders()],
            "problems": problems,
            "field_arcmin": field,
            "missing": missing or None,
        }
    )
    talk.table(
        ("index", "patterns", "stars", "sky", f"serves a field of {field:.0f}′", "folder"),
        [
            (
                index.name, f"{index.smallest_arcmin:.1f}′ to {index.largest_arcmin:.1f}′", f"{index.stars:,}",
                "all" if index.is_all_sky else f"tile {index.healpix}",
                "well" if index.serves_well(field) else ("yes" if index.serves(field) else "no"), index.path.parent,
            )
            for index in indexes
        ],
    )  # fmt: skip
    for words in problems:
        talk.say(f"  ! {words}")
    if missing:
        talk.say(f"  ! {missing}")
    talk.say("searched: " + ", ".join(str(place) for place in folders()))
    return EXIT_OK if indexes else EXIT_NOTHING_DONE


def _document(index: IndexFile) -> dict[str, Any]:
    return {
        "name": index.name,
        "path": str(index.path),
        "smallest_arcmin": round(index.smallest_arcmin, 2),
        "largest_arcmin": round(index.largest_arcmin, 2),
        "stars": index.stars,
        "all_sky": index.is_all_sky,
    }


def _add(files: list[Path], talk: Talk, context: RunContext) -> int:
    added = add_indexes(files, context)
    talk.answer({"added": [str(path) for path in added]})
    for path in added:
        talk.say(f"added: {path}")
    return EXIT_OK


def _install(scale: str, talk: Talk) -> int:
    if scale not in DEBIAN_PACKAGES:
        raise UsageError(
            f"cannot install {scale}", "there is no such scale", f"choose one of {', '.join(DEBIAN_PACKAGES)}"
        )
    package, megabytes = DEBIAN_PACKAGES[scale]
    line = f"apt-get install -y --no-install-recommends {package}"
    if shutil.which("apt-get") is None:
        words = (
            f"this system has no apt: load index-tycho2-{scale} ({megabytes} MB, part of Debian's package {package}, "
            f"https://packages.debian.org/{package}) or index-41{scale}.fits of https://data.astrometry.net/4100/ "
            f"and put it into {user_folder()}, or `astep index add FILE`"
        )
        talk.answer({"installed": False, "package": package, "megabytes": megabytes, "folder": str(user_folder())})
        talk.say(words)
        return EXIT_NOTHING_DONE
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        talk.answer({"installed": False, "package": package, "megabytes": megabytes, "command": f"sudo {line}"})
        talk.say(f"only root may install it; this line brings it ({megabytes} MB):\n    sudo {line}")
        return EXIT_NOTHING_DONE
    talk.say(f"+ {line}  ({megabytes} MB)")
    done = subprocess.run(  # noqa: S603 - a fixed line with a package from our own table
        line.split(), check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise UsageError(
            f"cannot install {package}", told[-1] if told else f"apt-get ended with code {done.returncode}",
            "run `apt-get update` first, or check the network",
        )  # fmt: skip
    talk.answer({"installed": True, "package": package, "megabytes": megabytes})
    talk.say(f"installed: {package}")
    return EXIT_OK
