"""Which frames an export takes: those that are not rejected, or good and accepted ones only; others are named."""

from dataclasses import replace

import pytest

from pipeline_core.handed_frames import handed_frames
from pipeline_core.measures import NOT_JUDGED, Flag, QualityRow, ScienceMeasures
from tests.core.frames_helpers import night, series

CLOUD = Flag("cloud", "cloud: depth loss +2.5 mag", "bad")
UNTOLD = Flag(NOT_JUDGED, "not judged: 3 stars only", "note")


@pytest.fixture
def ten():
    """Ten science frames, of a night with biases too."""
    return night(series("bias", 2), series("science", 10))


def paths(the_night):
    return [frame.path for frame in the_night.frames if frame.kind.value == "science"]


def chosen(the_night, flags, *, rejected=(), kept=(), only_good=True):
    """Choose among all, biases too; of a frame without an entry in ``flags`` nothing was measured."""
    rows = {path: QualityRow(path, ScienceMeasures("final", "ADU"), flags=said) for path, said in flags.items()}
    return handed_frames(the_night.frames, the_night, rows, rejected, kept, only_good=only_good)


def test_good_frames_and_those_a_person_accepted_go_and_the_others_are_named_with_their_reason(ten):
    p = paths(ten)
    flags = dict.fromkeys(p, ()) | {p[1]: (CLOUD,), p[2]: (CLOUD,), p[3]: (UNTOLD,), p[4]: (UNTOLD,)}
    del flags[p[5]]
    goes = chosen(ten, flags, kept={p[2], p[4]})
    assert goes.how == "5 good, 2 accepted by a person"
    assert goes.left_out == {p[1]: "cloud", p[3]: "not judged", p[5]: "not measured"}
    assert goes.left_words == (
        "3 frames left out: cloud (science 001), not judged (science 003), not measured (science 005)"
    )


def test_without_the_wish_for_good_ones_all_go_that_are_not_rejected(ten):
    p = paths(ten)
    goes = chosen(ten, dict.fromkeys(p, (CLOUD,)), rejected={p[0]: "wind"}, kept={p[1]}, only_good=False)
    assert list(goes.stands) == p[1:]
    assert goes.how == "1 accepted by a person, 8 bad"
    assert goes.left_words == ""


def test_of_many_frames_left_out_for_one_reason_the_first_are_named_and_the_most_frequent_reason_stands_first(ten):
    p = paths(ten)
    flags = {path: (UNTOLD,) if path == p[0] else (CLOUD,) for path in p}
    said = chosen(ten, flags).left_words
    assert said == (
        "10 frames left out: cloud (science 001, science 002, science 003 and 6 more), not judged (science 000)"
    )


def test_a_frame_without_a_time_is_left_out_of_every_export_and_named(ten):
    p = paths(ten)
    untimed = replace(ten, frames=tuple(replace(f, mid_utc=None) if f.path in p[:2] else f for f in ten.frames))
    flags = dict.fromkeys(p, ()) | {p[0]: (CLOUD,)}
    everything, good = (chosen(untimed, flags, only_good=only_good) for only_good in (False, True))
    assert everything.left_words == "2 frames left out: time not known (science 000, science 001)"
    assert everything.untimed == tuple(p[:2])
    assert good.left_words == "2 frames left out: cloud (science 000), time not known (science 001)"
    assert p[0] not in good.untimed, "one reason is enough"
