"""The command line ``astep``: parse, run one command, answer in words or in one JSON document."""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from pipeline_core.cli.leaving import leave
from pipeline_core.cli.stopping import EARLY_STOP
from pipeline_core.cli.talk import Talk
from pipeline_core.errors import AstepError
from pipeline_core.events import Cancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_OK = 0
EXIT_SOME_FAILED = 1
EXIT_NOTHING_DONE = 2
EXIT_CANCELLED = 130

_OBJECTS_BEFORE_COLLECTING = 50_000


def program() -> NoReturn:
    """Be the program ``astep``: run the command line and leave with its exit code."""
    EARLY_STOP.listen()
    # The objects of the libraries that a run needs all stay: looking for garbage at every 700th takes a tenth of a
    # second while they come in.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTING, *gc.get_threshold()[1:])
    try:
        code = main()
    except KeyboardInterrupt:  # a second one, while the first was answered
        code = EXIT_CANCELLED
    # Nothing is left to do: a stop from here on ends at once, not with a traceback out of Python's own end.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    leave(code, in_a_hurry=code == EXIT_CANCELLED)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process by default.

    Returns
    -------
    int
        0 all usable frames done, 1 finished with failed frames, 2 nothing could be done or wrong usage, 130 cancelled.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    # Known before the words are parsed, so that wrong usage is answered in the wanted form too.
    talk = Talk(json_wanted="--json" in words, quiet="--quiet" in words)
    try:
        from pipeline_core.cli.parser import make_parser  # noqa: PLC0415 - heavy: a stop is heard meanwhile

        arguments = make_parser().parse_args(words)
        code: int = arguments.run(arguments, talk)
    except AstepError as error:
        talk.error(error)
        return EXIT_NOTHING_DONE
    except (Cancelled, KeyboardInterrupt):
        talk.cancelled()
        return EXIT_CANCELLED
    except BrokenPipeError:  # `astep scan … | head` closes our stdout: not an error
        sys.stderr.close()
        return EXIT_OK
    except OSError as error:
        from pipeline_core.io.atomic import explained  # noqa: PLC0415

        talk.error(explained(error, error.filename or "a file"))
        return EXIT_NOTHING_DONE
    except Exception as error:  # noqa: BLE001 - a fault of the program must reach the person in words too
        return _unforeseen(error, words, talk)
    return code


def _unforeseen(error: Exception, words: Sequence[str], talk: Talk) -> int:
    if EARLY_STOP.was_asked:  # what a half-imported library makes of Ctrl-C is no fault of the program
        talk.cancelled()
        return EXIT_CANCELLED
    from pipeline_core.faults import note_fault  # noqa: PLC0415

    talk.error(note_fault(f"finish `astep {words[0]}`", error))
    return EXIT_NOTHING_DONE
