"""``astep gui``: start the window as a program of its own; the core never imports it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.cli import EXIT_OK
from pipeline_core.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline_core.cli.talk import Talk


def run(arguments: argparse.Namespace, talk: Talk) -> int:
    """Start ``astep-gui`` and return at once."""
    if arguments.night is not None and not arguments.night.exists():  # the window could tell nobody at this terminal
        raise UsageError(f"cannot find {arguments.night}", "there is no such folder", "check the path")
    beside = Path(sys.executable).with_name("astep-gui")
    program = str(beside) if beside.is_file() else shutil.which("astep-gui")
    if program is None:
        raise UsageError(
            "cannot open the window",
            "the program astep-gui is not installed",
            'pip install "astep-harvest[gui]", or use the command line: `astep plan NIGHT`, `astep reduce NIGHT`',
        )
    command = [program] + ([str(arguments.night)] if arguments.night is not None else [])
    subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own program, and a path as one argument
    talk.answer({"started": program})
    return EXIT_OK
