"""What stands beside a frame: "good" is said when its group was judged, and how surely."""

from dataclasses import replace

import pytest

from astep_gui.models.frame_state import frame_state, frame_tip
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.standing import standing
from pipeline_core.types import Frame, FrameKind

FRAME = Frame("a.fits", FrameKind.SCIENCE, 1, 1)
CLOUD = Flag("cloud", "stars are 0.84 mag fainter")


def state(values, *flags, **more):
    row = QualityRow("a.fits", ScienceMeasures(values, "ADU"), flags=flags)
    return frame_state(FRAME, {}, {}, {}, row, **more)


def test_a_frame_whose_group_is_not_judged_yet_is_not_called_good():
    measured = state("quick", is_unjudged=True)
    assert (measured.word, measured.tone) == ("first look", "dim")


def test_good_at_a_first_look_is_a_hollow_dim_mark_and_says_so():
    first = state("quick")
    assert (first.mark, first.word, first.tone) == ("○", "good", "dim")
    assert first.words.startswith("○ good (first look)")


def test_good_after_the_reduction_is_green():
    final = state("final")
    assert (final.mark, final.word, final.tone) == ("✓", "good", "good")
    assert "first look" not in frame_tip(FRAME, final)


def test_the_row_of_a_good_frame_with_a_remark_has_the_mark_of_a_good_one():
    """It had a "·" before "too still", as all of its night, and none of them looked good."""
    assert state("final", WEAK).brief == "✓ dark too weak"
    assert state("quick", WEAK).brief == "○ dark too weak"
    assert state("final", WEAK).verdict.startswith("· dark 26 % too weak for hot pixels (remark)"), (
        "what is remarked is no praise"
    )
    assert state("quick", WEAK, is_unjudged=True).brief == "· dark too weak", "its group may still speak against it"
    assert state("final", WEAK, FEW).brief == "? not judged"
    assert state("none", WEAK).brief == "· dark too weak"
    a_dark = replace(FRAME, kind=FrameKind.DARK)
    assert frame_state(a_dark, {}, {}, {}, None, (WEAK,)).brief == "· dark too weak", "nobody judges a dark good"


@pytest.mark.parametrize(("values", "is_first"), [("quick", True), ("final", False)])
def test_what_is_said_against_a_frame_tells_whether_it_rests_on_a_first_look(values, is_first):
    clouded = state(values, CLOUD)
    assert (clouded.mark, clouded.word) == ("△", "cloud")
    assert ("first look" in frame_tip(FRAME, clouded)) is is_first


FEW = Flag("not judged", "not judged: 2 stars only, too few to tell a good frame from a bad one: look at it", "note")
WEAK = Flag("dark too weak", "dark 26 % too weak for hot pixels: take darks of its temperature", "note")


def test_an_accepted_frame_says_what_its_final_values_say_where_the_first_look_spoke_against_it():
    kept = {"is_kept": True, "first_said": "trailed"}
    assert state("final", **kept).verdict == (
        "✓ accepted by a person; reduced, nothing speaks against it · the first look said: trailed"
    )
    assert state("final", FEW, **kept).words == f"✓ accepted by a person; reduced, it is {FEW.words}"
    assert state("final", CLOUD, **kept).words.startswith("✓ accepted in spite of: ")
    assert state("quick", is_kept=True).words == "✓ accepted by a person"


@pytest.mark.parametrize("values", ["quick", "final"])
def test_a_frame_of_two_stars_is_not_judged_and_says_so_with_a_mark_of_its_own(values):
    untold = state(values, FEW, WEAK)
    assert (untold.mark, untold.word) == ("?", "not judged")
    assert untold.verdict == f"? {FEW.words} · noted besides: dark 26 % too weak"
    assert "2 stars only" in frame_tip(FRAME, untold)


def test_a_remark_is_called_one_in_tip_and_verdict_and_is_no_reason_to_reject():
    noted = state("final", WEAK)
    assert (noted.mark, noted.word) == ("·", "dark too weak")
    assert noted.verdict == f"· {WEAK.words.replace('pixels:', 'pixels (remark):')}", "the cause first: the end is cut"
    assert "a remark, no reason to reject" in frame_tip(FRAME, noted).replace("\n", " ")


def test_where_something_speaks_against_a_frame_its_remarks_are_named_in_a_word_and_whole_in_the_tip():
    clouded = state("final", CLOUD, WEAK)
    assert clouded.verdict == f"△ cloud: {CLOUD.words} · noted besides: dark 26 % too weak"
    tip = frame_tip(FRAME, clouded).replace("\n", " ")
    assert f"△ cloud: {CLOUD.words}" in tip
    assert f"· dark too weak: {WEAK.words}" in tip
    assert "(▲ is bad, △ suspect, · a remark, no reason to reject)" in tip


def test_the_tip_lists_every_cause_by_name_the_gravest_first_also_of_a_rejected_frame():
    """The strongest cause hid the others in a row of half sentences."""
    wind = Flag("wind", "stars are drawn out by 3 px", "bad")
    many = state("final", CLOUD, WEAK, wind)
    for said in (many, state_of_rejected(CLOUD, WEAK, wind)):
        lines = frame_tip(FRAME, said).splitlines()
        marked = [line[: line.index(":")] for line in lines if line.startswith(("▲", "△", "·")) and ":" in line]
        assert marked == ["▲ wind", "△ cloud", "· dark too weak"]
    assert "✕ rejected" in frame_tip(FRAME, state_of_rejected(CLOUD, WEAK, wind))


def state_of_rejected(*flags):
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=flags)
    return frame_state(FRAME, {"a.fits": "aeroplane"}, {}, {}, row)


def test_a_rejected_frame_is_not_said_to_have_remarks_against_it():
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=(WEAK,))
    rejected = frame_state(FRAME, {"a.fits": "by hand"}, {}, {}, row)
    assert rejected.against == ""
    assert "said against it" not in frame_tip(FRAME, rejected)


def test_the_row_of_a_rejected_frame_names_what_it_was_rejected_for():
    """It said "✕ rejected" alone."""
    assert state_of_rejected(CLOUD).brief == "✕ aeroplane"
    assert frame_state(FRAME, {"a.fits": ""}, {}, {}, None).brief == "✕ rejected"
    by_many_words = frame_state(FRAME, {"a.fits": "cloud that came in from the west"}, {}, {}, None)
    assert by_many_words.brief == "✕ rejected", "the line over the image and the tip have room for them"
    assert state("final", CLOUD).brief == "△ cloud"


def test_a_reason_that_holds_the_word_of_remarks_is_told_as_a_reason():
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"))
    told = frame_state(FRAME, {"a.fits": "see my log (remark)"}, {}, {}, row)
    assert told.words == "✕ rejected: see my log (remark)"


def test_bad_and_suspect_are_told_apart_by_their_marks_and_not_by_colour_alone():
    marks = {severity: state("final", Flag("cloud", "cloud", severity)).mark for severity in ("bad", "suspect")}
    assert marks == {"bad": "▲", "suspect": "△"}
    both = state("final", CLOUD, Flag("wind", "wind: stars are drawn out", "bad"))
    assert (both.mark, both.word) == ("▲", "wind"), "by the gravest"


def test_a_reason_that_is_the_cause_itself_is_named_once():
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=(CLOUD,))
    by_cause = frame_state(FRAME, {"a.fits": "cloud"}, {}, {}, row)
    assert by_cause.verdict == f"✕ rejected · cloud: {CLOUD.words.removeprefix('cloud: ')}"
    assert frame_tip(FRAME, by_cause).count("cloud") == by_cause.verdict.count("cloud")
    by_hand = frame_state(FRAME, {"a.fits": "aeroplane"}, {}, {}, row)
    assert by_hand.verdict.startswith("✕ rejected: aeroplane · said against it: cloud: ")


def test_what_the_first_look_said_is_told_where_the_final_values_say_otherwise():
    mended, spoilt = state("final", first_said="cloud"), state("final", CLOUD, first_said="good")
    assert mended.verdict.startswith("✓ good")
    assert mended.verdict.endswith("the first look said: cloud")
    assert spoilt.verdict.endswith("the first look found nothing against it")  # its mark may have been a remark
    assert "the first look at the raw frame said: cloud" in frame_tip(FRAME, mended)
    assert "the first look at the raw frame found nothing against it" in frame_tip(FRAME, spoilt)
    assert state("final").verdict == ""


def test_a_frame_that_the_quick_look_has_not_come_to_says_that_its_verdict_follows():
    awaited = frame_state(FRAME, {}, {}, {}, None, is_awaited=True)
    assert awaited.word == "to be judged"
    assert "verdict follows" in awaited.why
    assert frame_state(FRAME, {}, {}, {}, None).word == "not measured"
    assert frame_state(Frame("b", FrameKind.BIAS, 1, 1), {}, {}, {}, None, is_awaited=True).word == "in use"


COMMAND = "an existing master: `astep set NIGHT kind=dark 'm.fits'` makes it serve"


@pytest.mark.parametrize("where", ["failed", "left_out", "flag", "note"])
def test_reasons_name_the_ways_of_the_window_and_no_commands(where):
    flag = Flag("cloud", COMMAND, "note" if where == "note" else "bad")
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=(flag,) if where in {"flag", "note"} else ())
    said = frame_state(
        FRAME,
        {},
        {"a.fits": COMMAND} if where == "left_out" else {},
        {"a.fits": COMMAND} if where == "failed" else {},
        row,
    )
    for words in (said.words, frame_tip(FRAME, said)):
        assert "“Set kind…” (K)" in words.replace("\n", " ")
        assert "astep" not in words


def test_what_was_said_against_a_rejected_frame_names_no_commands():
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=(Flag("cloud", COMMAND, "bad"),))
    said = frame_state(FRAME, {"a.fits": "cloud"}, {}, {}, row)
    assert "astep" not in said.verdict
    assert "“Set kind…” (K)" in said.against


RULE = [((), "good"), ((CLOUD,), "cloud"), ((FEW,), "not judged"), ((WEAK,), "dark too weak")]


@pytest.mark.parametrize(("flags", "word"), RULE)
@pytest.mark.parametrize("problems", [(), ("no gain in the header",)])
def test_the_list_and_the_nights_sentence_follow_one_rule(flags, word, problems):
    """A frame not judged whose header was odd was "see header" here and "not judged" there."""
    frame = replace(FRAME, problems=problems)
    row = QualityRow("a.fits", ScienceMeasures("final", "ADU"), flags=flags)
    told = frame_state(frame, {}, {}, {}, row).word
    stands = standing("a.fits", row, (), ())
    if stands == "good":
        assert told == ("see header" if problems else word)
    else:
        assert told == word
    assert stands == {"cloud": "suspect", "not judged": "not judged"}.get(word, "good")
    for decided, how in ({"is_kept": True}, "accepted"), ({"rejected": {"a.fits": "wind"}}, "rejected"):
        said = frame_state(frame, decided.get("rejected", {}), {}, {}, row, is_kept="is_kept" in decided)
        kept = {"a.fits"} if "is_kept" in decided else set()
        assert said.word == standing("a.fits", row, decided.get("rejected", {}), kept) == how


@pytest.mark.parametrize("row", [None, QualityRow("a.fits", ScienceMeasures("none", "ADU"))])
def test_a_science_frame_without_figures_is_not_measured_in_list_and_sentence_alike(row):
    """The list called it "not judged", as one that was measured with too few stars, or even good."""
    assert frame_state(FRAME, {}, {}, {}, row).word == standing("a.fits", row, (), ()) == "not measured"
    bias = Frame("a.fits", FrameKind.BIAS, 1, 1)
    assert frame_state(bias, {}, {}, {}, None).word == "in use"
