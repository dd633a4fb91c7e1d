"""The end of the program: the last words are out, what was registered is done, and nothing more is waited for."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

LEFT_BEHIND = ("kernel compiler", "wide stage")
"""Threads that a cancelled run leaves to themselves."""

EXIT_UNTOLD = 2
"""What was found could not be written to where it was to be read."""


def leave(code: int, *, in_a_hurry: bool) -> NoReturn:
    """End this process; all files are closed by now.

    Parameters
    ----------
    code : int
        Exit code.
    in_a_hurry : bool
        A person asked the program to stop: what still works in the background is not waited for.

    Notes
    -----
    At its own end Python frees each object of the libraries that were loaded, 0.3 s for LLVM and astropy after a run:
    time in which nothing can happen any more. The operating system takes it all at once.
    """
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    in_a_hurry = in_a_hurry or any(thread.daemon and thread.name in LEFT_BEHIND for thread in others)
    if not in_a_hurry:
        if any(not thread.daemon for thread in others):
            sys.exit(code)  # Python's own way waits for them
        atexit._run_exitfuncs()  # noqa: SLF001 - what libraries put in order at the end
    os._exit(_flushed(code))


def _flushed(code: int) -> int:
    """Bring out the last words; return the exit code, another one if they could not be written.

    A stream that was closed before the program began (``astep … >&-``) is None: nobody wanted its words.
    """
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:  # `astep scan … | head` has read enough
        pass
    except OSError as error:
        code = EXIT_UNTOLD
        _tell(f"the answer could not be written: {error.strerror or error}\n")
    _tell("")
    return code


def _tell(words: str) -> None:
    """Write to standard error; if that cannot be written either there is no place left to say so."""
    with suppress(OSError):
        if sys.stderr is not None and not sys.stderr.closed:
            sys.stderr.write(words)
            sys.stderr.flush()
