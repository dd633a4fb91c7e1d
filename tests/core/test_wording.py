"""Numbers and lists as the command line says them."""

from pipeline_core.cli.scan import all_problems
from pipeline_core.cli.talk import Talk
from pipeline_core.cli.wording import by_reason, without_common_part
from pipeline_core.events import Event
from pipeline_core.name_words import counted, named
from pipeline_core.plan import LeftOut
from tests.core.frames_helpers import frame


def test_one_frame_and_two_frames():
    assert [counted(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]


def test_few_frames_are_named_and_of_many_the_first_ones_which_is_no_range():
    assert named([]) == ""
    assert named(["a", "b", "c"]) == "a, b, c"
    assert named(["a", "b", "c", "d"]) == "a, b and 2 more"
    assert named(list("abcdefg"), most=6) == "a, b, c, d, e and 2 more"
    assert named(["a", "b"], most=1) == "a and 1 more"


def test_what_all_names_have_in_common_is_said_once():
    short, common = without_common_part(["n/lights/x_01_R.fits", "n/lights/x_02_V.fits"])
    assert (short, common) == (["01_R", "02_V"], "n/lights/x_….fits")
    assert without_common_part(["n/R/a.fits", "n/V/a.fit"]) == (["R/a.fits", "V/a.fit"], "n/…")
    assert without_common_part(["n/10.fits", "n/11.fits"]) == (["10", "11"], "n/….fits")
    assert without_common_part(["a", "b"]) == (["a", "b"], "")
    assert without_common_part(["n/a.fits"]) == (["n/a.fits"], "")
    assert without_common_part([]) == ([], "")


def test_frames_left_out_for_one_reason_are_one_line():
    items = [LeftOut("a", "dark"), LeftOut("b", "light"), LeftOut("c", "dark")]
    assert by_reason(items) == [("a, c", "dark"), ("b", "light")]
    many = [LeftOut(path, "dark" if path != "b" else "light") for path in "abcdef"]
    assert by_reason(many) == [("a, c and 3 more", "dark"), ("b", "light")], "b lies between them"


def plain_lines(capsys, *events):
    context = Talk(json_wanted=False, quiet=False).context()
    for event in events:
        context.emit(event)
    return capsys.readouterr().err.splitlines()


def test_a_job_that_is_over_at_once_is_not_worth_a_line(capsys):
    events = [Event("started", "reading headers", total=42)]
    events += [Event("progress", "reading headers", done=i + 1, total=42) for i in range(42)]
    assert plain_lines(capsys, *events, Event("finished", "reading headers", 42, 42)) == []


def test_a_job_that_takes_long_says_so_after_a_second(capsys, monkeypatch):
    clock = iter([0.0, 0.5, 1.5, 2.0])
    monkeypatch.setattr("pipeline_core.cli.talk.time.monotonic", lambda: next(clock))
    events = [Event("started", "reading headers", total=3)]
    events += [Event("progress", "reading headers", done=i + 1, total=3) for i in range(3)]
    assert plain_lines(capsys, *events) == ["reading headers: 3"]


def test_a_stage_of_the_run_is_named_when_it_starts_with_its_number_if_more_than_one(capsys):
    data = {"eta_s": None}
    events = [
        Event("started", "master bias", total=1, data=data),
        Event("started", "science frames", total=9, data=data),
    ]
    assert plain_lines(capsys, *events) == ["master bias", "science frames: 9"]


def test_a_file_that_cannot_be_used_says_so_once():
    words = "cannot be used: the file is cut short · copy it again"
    broken = frame("a.fits", "science", unusable="the file is cut short", problems=(words, "no filter"))
    assert all_problems(broken) == [words, "no filter"]
    assert all_problems(frame("a.fits", "science", unusable="gone")) == ["gone"]
