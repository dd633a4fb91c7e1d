"""A night in a sentence, and what it teaches: every word stands on a verdict, a flag or a warning of the plan."""

from dataclasses import replace

import pytest

from pipeline_core.config import Recipe
from pipeline_core.measures import NOT_JUDGED, Flag, QualityRow, ScienceMeasures
from pipeline_core.night_quality import dark_findings
from pipeline_core.night_told import told_night
from pipeline_core.plan import Choices, build_plan
from pipeline_core.science.dark_match import dark_flag
from tests.core.frames_helpers import frame, night, series

SHALLOW, DEEP = 0.3, -0.1


def row(path, *flags, loss=SHALLOW, **measured):
    measures = ScienceMeasures("final", "electron", stars=50, **measured)
    return QualityRow(path, measures, depth_loss_mag=loss, flags=flags)


def cloud(severity="bad"):
    return Flag("cloud", "cloud: depth loss +2.5 mag", severity)


def trailed(severity="bad"):
    return Flag("trailed", "trailed: ellipticity 0.4", severity)


def unjudged(words="not judged: 3 stars only, too few"):
    return Flag(NOT_JUDGED, words, "note")


def with_masters(*science):
    """A night with all that its frames in R of 90 s need."""
    return night(
        series("bias", 5), series("dark", 5), series("flat", 5), series("flatdark", 5, exposure_s=10.0), *science
    )


def told(the_night, rows, rejected=None, kept=frozenset(), calibration=None):
    plan = build_plan(the_night, Recipe(), Choices(rejected=rejected or {}))
    return told_night(rows, the_night, plan, rejected or {}, kept, calibration)


@pytest.fixture
def nine():
    """Nine science frames, science_000 to science_008."""
    return with_masters(series("science", 9))


def paths(the_night):
    return [f.path for f in the_night.frames if f.kind.value == "science"]


def test_the_sentence_counts_each_frame_once_names_the_deepest_and_says_what_the_others_were_lost_to(nine):
    p = paths(nine)
    rows = [
        row(p[0]), row(p[1], loss=DEEP), row(p[2], cloud("suspect")), row(p[3], cloud()), row(p[4], cloud()),
        row(p[5], trailed()), row(p[6], trailed(), cloud()), row(p[7], unjudged()), row(p[8], trailed()),
    ]  # fmt: skip
    words = told(nine, rows, {p[3]: "cloud", p[5]: "trailed", p[8]: "a cow on the dome"}).sentence
    assert words == (
        "Night: 9 science frames, 2 good, 1 suspect, 2 bad, 3 rejected, 1 not judged. Best: science 001, science 000. "
        "Lost to trailing (3 frames) and cloud (2)."
    )


def test_what_is_in_use_is_not_called_good_and_what_a_person_accepted_neither(nine):
    p = paths(nine)
    rows = [row(path, cloud()) for path in p]
    words = told(nine, rows, kept=frozenset(p[:2])).sentence
    assert words.startswith("Night: 9 science frames, 2 accepted by a person, 7 bad.")
    assert "Best" not in words, "something speaks against them all the same"
    assert told(nine, rows).sentence.startswith("Night: 9 science frames, none good, 9 bad.")


def test_a_frame_that_a_person_accepted_without_its_being_judged_counts_as_accepted_and_is_not_the_best(nine):
    """The sentence counted it as good, where the list said "accepted"."""
    p = paths(nine)
    rows = [row(p[0], unjudged(), loss=DEEP), row(p[1], loss=SHALLOW), *(row(path, loss=0.4) for path in p[2:])]
    words = told(nine, rows, kept=frozenset(p[:2])).sentence
    assert words.startswith("Night: 9 science frames, 7 good, 2 accepted by a person. Best: science 001, ")


def test_a_night_without_fault_says_so_and_teaches_nothing(nine):
    said = told(nine, [row(path) for path in paths(nine)])
    assert said.sentence.startswith("Night: 9 science frames, all good.")
    assert said.next_time == ()
    assert said.advice == ""


def test_a_night_without_science_frames_has_no_sentence():
    assert told(with_masters(), []) is None


def test_frames_that_nobody_measured_are_counted_as_such(nine):
    p = paths(nine)
    empty = QualityRow(p[0], ScienceMeasures("none", "ADU"))
    words = told(nine, [empty, *(row(path) for path in p[2:])], {p[0]: "clouds"}).sentence
    assert "7 good, 1 rejected, 1 not measured" in words


def test_frames_of_several_filters_each_have_their_own_best():
    the_night = with_masters(
        series("science", 3), [frame(f"science/science_{k}.fits", "science", filter="V") for k in (104, 105)]
    )
    rows = [row(f.path, loss=0.1 * k) for k, f in enumerate(the_night.frames) if f.kind.value == "science"]
    assert "Best: science 000 (R), science 104 (V)." in told(the_night, rows).sentence


def test_frames_of_several_fields_each_have_their_own_best():
    """Depth is counted from the clear frames of the same field: a figure of one says nothing of the other."""
    the_night = with_masters(
        series("science", 3, object="M 5"),
        [frame(f"science/science_{k}.fits", "science", object="M 13") for k in (104, 105)],
    )
    rows = [
        replace(row(f.path, loss=0.1 * k), extra={"group": int(f.object == "M 13")})
        for k, f in enumerate(the_night.frames)
        if f.kind.value == "science"
    ]
    assert "Best: science 000 (M 5 R), science 104 (M 13 R)." in told(the_night, rows).sentence


def test_where_nothing_is_lost_it_is_said_what_frames_are_suspect_of(nine):
    p = paths(nine)
    rows = [row(path, *([Flag("wind", "wind: long", "suspect")] if k < 2 else [])) for k, path in enumerate(p)]
    assert told(nine, rows).sentence.endswith("Suspect for wind (2 frames).")


def test_a_persons_own_words_for_a_rejection_are_kept_where_they_are_short(nine):
    p = paths(nine)
    rows = [row(path) for path in p]
    assert "Lost to dome light (1 frame)." in told(nine, rows, {p[0]: "dome light"}).sentence
    long = "somebody opened the dome while the lamps were on"
    assert "Lost to other reasons (1 frame)." in told(nine, rows, {p[0]: long}).sentence
    assert "Lost to other reasons (1 frame)." in told(nine, rows, {p[0]: "rule: fwhm_px > 3"}).sentence


def test_a_frame_that_was_rejected_before_it_was_measured_is_lost_to_its_reason_in_a_few_words(nine):
    p = paths(nine)
    rows = [row(path) for path in p[3:]]
    long = "somebody opened the dome while the lamps were on"
    rejected = {p[0]: "cloud: it came over", p[1]: long, p[2]: ""}
    assert "Lost to other reasons (2 frames) and cloud (1)." in told(nine, rows, rejected).sentence


def test_flats_that_were_missed_are_to_be_taken_next_time():
    the_night = with_masters(series("science", 3, filter="V"))
    said = told(the_night, [row(f) for f in paths(the_night)])
    assert said.next_time == ("take flats in V (3 frames have none)",)
    assert said.advice == "Next time: take flats in V (3 frames have none)."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"binning": (2, 2)}, "take flats in R binned 2×2 (2 frames have none)"),
        ({"shape": (48, 64)}, "of 64 × 48 pixels"),
    ],
)
def test_flats_that_were_missed_are_told_from_those_of_another_binning_or_size(changed, words):
    the_night = with_masters(series("science", 3))
    p = paths(the_night)
    other = [replace(f, **changed) if f.path in p[1:] else f for f in the_night.frames]
    said = told(replace(the_night, frames=tuple(other)), [row(path) for path in p]).next_time
    assert any(words in line for line in said), said


def test_a_frame_that_went_while_the_run_was_on_is_told_of_no_more():
    before = with_masters(series("science", 3, filter="V"))
    plan = build_plan(before, Recipe(), Choices())
    gone = paths(before)[-1]
    after = replace(before, frames=tuple(frame for frame in before.frames if frame.path != gone))
    said = told_night([row(path) for path in paths(before)], after, plan, {}, frozenset())
    assert said.sentence.startswith("Night: 2 science frames")
    assert said.next_time == ("take flats in V (2 frames have none)",)


def test_a_flat_that_is_there_and_that_a_person_declined_is_no_lesson(nine):
    p = paths(nine)
    plan = build_plan(nine, Recipe(), Choices(forced={path: {"flat": "none"} for path in p}))
    assert told_night([row(path) for path in p], nine, plan, {}, frozenset()).next_time == ()


@pytest.mark.parametrize("answer", [{"flat": "none"}, {"flat": "flat_R"}, {"flat": "flat_R", "dark": "none"}])
def test_what_was_missed_is_a_lesson_however_a_person_answered_for_this_night(answer):
    the_night = with_masters(series("science", 3, filter="V"))
    p = paths(the_night)
    plan = build_plan(the_night, Recipe(), Choices(forced=dict.fromkeys(p, answer)))
    assert {s.flat for s in plan.science} == {None if answer["flat"] == "none" else "flat_R"}
    said = told_night([row(path) for path in p], the_night, plan, {}, frozenset())
    (words,) = said.next_time
    assert words.startswith("take flats in V (3 frames have none")


def test_advice_of_flats_names_the_flat_of_another_filter_that_is_used_and_what_it_leaves():
    the_night = with_masters(series("science", 3, filter="V"))
    p = paths(the_night)

    def said(forced):
        plan = build_plan(the_night, Recipe(), Choices(forced=forced))
        return told_night([row(path) for path in p], the_night, plan, {}, frozenset()).next_time

    own = "take flats in V (3 frames have none of their own; flat_R is used"
    assert said({path: {"flat": "flat_R"} for path in p}) == (f"{own}, dust on the filter itself stays)",)
    assert said({p[0]: {"flat": "flat_R"}}) == (f"{own} for 1, dust on the filter itself stays)",)


def test_advice_of_flats_for_frames_without_a_filter_does_not_speak_of_their_filter():
    the_night = with_masters(series("science", 1, filter=None))
    p = paths(the_night)
    plan = build_plan(the_night, Recipe(), Choices(forced={p[0]: {"flat": "flat_R"}}))
    assert (
        told_night([row(p[0])], the_night, plan, {}, frozenset())
        .next_time[0]
        .endswith("(1 frame has none of its own; flat_R is used, dust on its filter comes in)")
    )


def test_darks_that_were_missed_are_a_lesson_where_a_person_went_without():
    the_night = night(series("bias", 5), series("flat", 5), series("science", 3, exposure_s=20.0))
    p = paths(the_night)
    rows = [row(path) for path in p]
    taught = told(the_night, rows).next_time
    assert any("take darks of" in words for words in taught)
    plan = build_plan(the_night, Recipe(), Choices(forced={path: {"dark": "none"} for path in p}))
    assert told_night(rows, the_night, plan, {}, frozenset()).next_time == taught


def test_darks_that_frames_and_their_flats_missed_stand_in_one_line():
    the_night = night(
        series("bias", 5), series("dark", 5), series("flat", 5, exposure_s=5.0),
        series("science", 2), series("science", 1, folder="short", exposure_s=20.0),
    )  # fmt: skip
    said = told(the_night, [row(f) for f in paths(the_night)])
    assert said.next_time == ("take darks of 5 and 20 s (1 frame has none, nor has flat_R)",)


def test_trails_are_told_with_their_length_and_the_way_they_agree_on(nine):
    p = paths(nine)
    rows = [
        row(path, trailed(), trail_px=length, ellipticity_angle_deg=angle)
        for path, length, angle in zip(p, (3.04, 4.0, 5.0), (178.0, 1.0, 3.0), strict=False)
    ]
    assert told(nine, rows).next_time == ("guide better (3 frames trailed, 3.0–5.0 px along 1°)",)
    rows[0] = replace(rows[0], measures=replace(rows[0].measures, ellipticity_angle_deg=90.0))
    rows[1] = replace(rows[1], measures=replace(rows[1].measures, ellipticity_angle_deg=45.0))
    assert told(nine, rows).next_time == ("guide better (3 frames trailed, by 3.0–5.0 px)",)


def test_a_lesson_of_lost_and_other_frames_says_how_many_are_which(nine):
    p = paths(nine)
    rows = [row(path, trailed("suspect"), trail_px=3.0) for path in p[:5]]
    said = told(nine, rows, dict.fromkeys(p[:3], "trailed"), kept=frozenset({p[4]}))
    assert "Lost to trailing (3 frames)." in said.sentence
    assert said.next_time == ("guide better (5 frames trailed, by 3.0 px; 3 lost, 1 suspect, 1 accepted)",)
    said = told(nine, rows, dict.fromkeys(p[:5], "trailed"))
    assert said.next_time == ("guide better (5 frames trailed, by 3.0 px)",)


def test_a_sky_that_is_bright_under_a_cloud_is_no_light_in_the_dome(nine):
    p = paths(nine)
    bright = Flag("bright sky", "bright sky: 3 times", "suspect")
    assert told(nine, [row(p[0], cloud(), bright)]).next_time == ()
    assert told(nine, [row(p[0], bright)]).next_time == (
        "look for light in the dome (1 frame brighter than Sun and Moon explain)",
    )


def test_a_dark_that_no_dark_can_mend_is_no_lesson_one_that_can_is(nine):
    p = paths(nine)
    weak = dark_flag(-0.26, 0.01)
    off = replace(row(p[0], weak), extra={"dark_residual": -0.26})
    assert told(nine, [off]).next_time == (
        "take darks in the same night, at the frames' temperature (the dark was 26 % off in 1 frame)",
    )
    traps = replace(off, extra={**off.extra, "dark_misfit_grows_with_sky": True})
    assert told(nine, [traps]).next_time == ()


def test_of_a_rejected_frame_no_dark_is_told_as_the_warnings_count_only_frames_in_use():
    the_night = with_masters(series("science", 4))
    *used, clouded = paths(the_night)
    weak = {path: replace(row(path, dark_flag(-0.26, 0.01)), extra={"dark_residual": -0.26}) for path in used}
    out = replace(row(clouded, cloud(), dark_flag(-0.26, 0.01)), extra={"dark_residual": -0.26})
    rejected = {clouded: "cloud"}
    plan = build_plan(the_night, Recipe(), Choices(rejected=rejected))
    assert [len(one.paths) for one in dark_findings([*weak.values()], the_night, plan)] == [3]
    (words,) = told(the_night, [*weak.values(), out], rejected).next_time
    assert words.endswith("(the dark was 26 % off in 3 frames)")


@pytest.mark.parametrize("celsius", [-30.0, 10.0])
def test_darks_of_another_temperature_are_told_whichever_way_it_lies(celsius):
    the_night = night(
        series("bias", 5), series("dark", 5, temperature_c=celsius), series("flat", 5),
        series("flatdark", 5, exposure_s=10.0), series("science", 2),
    )  # fmt: skip
    off = [replace(row(f, dark_flag(-0.26, 0.01)), extra={"dark_residual": -0.26}) for f in paths(the_night)]
    for rows in ([row(f) for f in paths(the_night)], off):  # what comes of it is no second lesson
        assert told(the_night, rows).next_time == ("take darks at the frames' temperature (2 frames have none of it)",)
    assert told(the_night, off, {off[0].path: "clouds"}).next_time == (
        "take darks at the frames' temperature (1 frame has none of it)",
    )


def test_frames_alone_in_their_group_ask_for_company_those_with_few_stars_for_nothing(nine):
    p = paths(nine)
    alone = unjudged("not judged: alone in its group: no other frame of its field, filter and exposure")
    rows = [row(p[0], alone), row(p[1], unjudged())]
    assert told(nine, rows).next_time == (
        "take two or more frames of each field, filter and exposure (1 frame is alone)",
    )


def test_flats_that_were_too_bright_are_to_be_exposed_shorter(nine):
    said = {"flat/flat_000.fits": (Flag("too bright", "too bright: 60,000 ADU", "bad"),)}
    assert told(nine, [row(f) for f in paths(nine)], calibration=said).next_time == (
        "expose flats shorter (1 too bright)",
    )


def test_two_biases_are_too_few_and_so_said():
    the_night = night(series("bias", 2), series("flat", 5), series("science", 2))
    words = told(the_night, [row(f) for f in paths(the_night)]).next_time
    assert "take three or more biases (2 cannot tell a hit from the pixel)" in words


def test_no_more_than_four_lines_and_those_of_most_frames_first():
    the_night = with_masters(series("science", 9, filter="V"), series("science", 1, folder="short", exposure_s=20.0))
    p = [path for path in paths(the_night) if path.startswith("science/")]
    causes = ("trailed", "trailed", "trailed", "wind", "wind", "frost", "saturated", "jump")
    rows = [row(path, Flag(cause, f"{cause}: x", "bad")) for path, cause in zip(p, causes, strict=False)]
    lines = told(the_night, rows).next_time
    assert [line.split(" (")[0] for line in lines] == [
        "take flats in V", "guide better", "guide better, or shield from the wind", "take darks of 20 s",
    ]  # fmt: skip


def test_an_unreadable_frame_is_counted():
    broken = frame("science/broken.fits", "science", unusable="it is cut short", layout=None)
    the_night = with_masters(series("science", 2), [broken])
    rows = [row(path) for path in paths(the_night) if path != broken.path]
    assert "2 good, 1 not to be read" in told(the_night, rows).sentence
