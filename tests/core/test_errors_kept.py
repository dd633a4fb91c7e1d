"""An error that is kept says what it said, and holds nothing of the calls that it came through."""

import gc
import weakref

import pytest

from pipeline_core.errors import NightError, to_keep


class Frame:
    """Stands for the arrays of a frame."""


@pytest.fixture(autouse=True)
def no_search():
    """As in the window: what nobody can reach is searched for seldom."""
    gc.disable()
    yield
    gc.enable()


def read(frame):
    raise NightError("the master is not there", f"{type(frame).__name__} needs it", "make it")


def answer(keep):
    """Return what the frame's look came to, and whether the frame is still there."""
    frame = Frame()
    gone = weakref.ref(frame)
    try:
        read(frame)
    except NightError as error:
        found = keep(error)
    return found, gone


def test_what_the_calls_held_is_freed_with_them():
    error, gone = answer(to_keep)
    assert gone() is None
    assert (error.what, error.why, error.hint) == ("the master is not there", "Frame needs it", "make it")


def test_an_error_as_it_was_caught_holds_them():
    _error, gone = answer(lambda error: error)
    assert gone() is not None
    gc.collect()


def test_the_errors_that_led_to_it_let_go_too():
    frame = Frame()
    gone = weakref.ref(frame)

    def opened(_frame):
        try:
            open("/nowhere/master.fits")  # noqa: PTH123, SIM115 - it is not there
        except OSError as error:
            raise NightError("cannot read the master", str(error), "") from error

    try:
        opened(frame)
    except NightError as error:
        kept = to_keep(error)
    del frame
    assert gone() is None
    assert isinstance(kept.__cause__, OSError)


def test_so_does_the_one_that_was_being_handled_where_another_is_named_as_the_cause():
    frame = Frame()
    gone = weakref.ref(frame)

    def opened(_frame):
        try:
            read(_frame)
        except NightError:
            raise NightError("no step can be shown", "", "") from OSError("the disk is away")

    try:
        opened(frame)
    except NightError as error:
        kept = to_keep(error)
    del frame
    assert gone() is None
    assert isinstance(kept.__context__, NightError)
