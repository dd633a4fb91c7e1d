"""While nothing changes, the state of a frame is made out once."""

import pytest

from astep_gui.models.frame_state import FrameState
from astep_gui.models.moment_states import MomentStates


@pytest.fixture
def asked():
    return []


@pytest.fixture
def states(asked):
    return MomentStates(lambda path: (asked.append(path), FrameState("·", path, "dim", rank=len(asked)))[1])


def test_in_a_moment_without_changes_each_frame_is_asked_about_once(states, asked):
    with states.unchanged():
        found = [states.of(path) for path in "abab"]
    assert asked == ["a", "b"]
    assert [state.word for state in found] == ["a", "b", "a", "b"]


def test_before_and_after_it_is_asked_for_anew(states, asked):
    states.of("a")
    with states.unchanged():
        states.of("a")
    assert states.of("a").rank == 3


def test_a_moment_inside_another_knows_the_same(states, asked):
    with states.unchanged():
        states.of("a")
        with states.unchanged():
            states.of("a")
        states.of("a")
    assert asked == ["a"]


def test_a_fault_ends_the_moment(states, asked):
    def fails():
        with states.unchanged():
            states.of("a")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    states.of("a")
    assert asked == ["a", "a"]
