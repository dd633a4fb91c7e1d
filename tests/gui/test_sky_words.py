"""How a frame stands on the sky, in words; and the numbers behind plots and marks. No widgets."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from astep_gui.models.frame_state import FrameState, frame_tip
from astep_gui.models.residuals import magnification, nice_length, residuals_of
from astep_gui.models.sky_model import as_map, as_solution, place_in
from astep_gui.models.sky_words import away_words, facts, night_words, sky_status, source_words
from astep_gui.models.sky_work import passed_words, stacked_words
from astep_gui.models.window_words import in_window
from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.depth import Depth
from pipeline_core.science.placement import Placement
from pipeline_core.science.tan_sip import TanSip
from pipeline_core.sky_state import NightSky
from pipeline_core.solving.index_files import SCALE_UNKNOWN
from pipeline_core.solving.result import FrameSolution
from pipeline_core.stack_night import NightStacks, Stack
from pipeline_core.types import Frame, FrameKind

SHAPE = (500, 600)
SOLUTION = TanSip(217.4, -62.7, 299.5, 249.5, 2.0 / 3600 * np.array([[-1.0, 0.0], [0.0, 1.0]]))


def frame(path="light/a.fits", kind=FrameKind.SCIENCE, unusable=None):
    return SimpleNamespace(path=path, kind=kind, unusable=unusable)


def solved(path="light/a.fits", **more):
    known = {"rms_arcsec": 0.057, "stars_matched": 74, "stars_found": 398, "reference": "Gaia DR3", "reportable": True}
    return FrameSolution(path, solved=True, solution=SOLUTION, shape=SHAPE, ra_deg=217.4, dec_deg=-62.7, **known | more)


def lost(reason, path="light/a.fits"):
    return FrameSolution(path, solved=False, reason=reason, shape=SHAPE)


def sky(*frames, alignment=None, hints=None, searched_with=None):
    calibrated = frozenset({"light/a.fits", "light/b.fits"})
    return NightSky({one.path: one for one in frames}, alignment, (), calibrated, hints or {}, searched_with or {})


def aligned(reference="light/b.fits", reason=None, shift=3.0):
    placement = None if reason else Placement.of(Alignment(1 + 0j, complex(shift, -1.0), matched=90), SHAPE)
    own = FrameAlignment("light/a.fits", "M 5", reference, placement, reason=reason)
    return NightAlignment((own, FrameAlignment("light/b.fits", "M 5", reference, Placement.identity(SHAPE, 100))))


def deeds(status):
    return [way.deed for way in status.ways]


def test_a_frame_that_was_not_reduced_offers_to_reduce():
    status = sky_status(frame(), NightSky())
    assert (status.word, deeds(status)) == ("not reduced", ["reduce"])


def test_a_dark_has_no_sky_and_offers_nothing():
    status = sky_status(frame(kind=FrameKind.DARK), sky())
    assert (status.word, status.ways) == ("no sky", ())


def test_a_frame_solved_against_gaia_may_be_reported():
    status = sky_status(frame(), sky(solved()))
    assert (status.mark, status.word, status.tone) == ("✓", "solved", "good")
    assert status.short == "✓ 0.06″"


def test_a_solved_frame_that_is_not_aligned_says_why():
    status = sky_status(frame(), sky(solved(), alignment=aligned(reason="too few of its stars are in the reference")))
    assert (status.word, status.tone) == ("solved", "good")
    assert status.why.endswith("; not aligned: too few of its stars are in the reference")
    assert "not aligned" not in sky_status(frame(), sky(solved(), alignment=aligned())).why


def test_a_stack_says_which_frames_had_to_stay_out_and_not_those_that_were_rejected():
    file = Path("stacks/a.fits")
    thick, moved = (
        ("light/c.fits", "too little light came through to add anything"),
        ("light/d.fits", "not aligned: jump"),
    )
    stack = Stack("M 5 · R", file, ("light/a.fits",), (("light/b.fits", "rejected: by hand"), thick, moved))
    empty = Stack("M 5 · V", None, reason="no frame of this group can be stacked")
    words = stacked_words(NightStacks((stack, empty), (Path("stacks/old.fits"),)))
    assert words.split("; ") == [
        "1 of 2 groups stacked",
        "without c.fits and 1 more: too little light came through to add anything",
        "M 5 · V: no frame of this group can be stacked",
        "removed old.fits: its group has no frame to stack any more",
    ]
    plain = Stack("M 5 · R", file, ("light/a.fits",), (("light/b.fits", "rejected: by hand"),))
    assert stacked_words(NightStacks((plain,))) == "1 of 1 groups stacked"


def test_a_coarse_reference_is_marked_not_for_reporting_with_why():
    status = sky_status(frame(), sky(solved(reportable=False, notes=("positions good to about 0.3″",))))
    assert status.word == "solved, not for reporting"
    assert status.tone == "warn"
    assert "0.3″" in status.why


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        ("a field of 25′ wants an index with patterns of 6′ to 19′; Tycho-2 is too thin for it", "index"),
        ("no index file was found; a field of 60′ wants …", "index"),
        (f"no pattern of its stars is in the index; {SCALE_UNKNOWN}", "hint"),
        ("a solution was found and refused: too few stars match the catalogue there", "hint"),
        ("only 4 stars were found, 8 are needed (cloud, or a closed shutter?)", "solve"),
    ],
)
def test_the_first_way_out_is_the_one_that_helps(reason, first):
    status = sky_status(frame(), sky(lost(reason)))
    assert (status.word, status.tone) == ("not solved", "bad")
    assert status.why == in_window(reason)
    assert deeds(status)[0] == first


def test_a_frame_aligned_to_a_solved_one_says_through_which():
    status = sky_status(frame(), sky(lost("cloud"), solved("light/b.fits"), alignment=aligned()))
    assert status.word == "aligned, not solved"
    assert "through b.fits" in status.why
    assert "cloud" in status.why


def test_a_frame_aligned_to_an_unsolved_one_says_that_nothing_there_is_solved():
    status = sky_status(frame(), sky(alignment=aligned()))
    assert "no frame there is solved" in status.why


def test_a_frame_neither_solved_nor_aligned_says_both():
    status = sky_status(frame(), sky(lost("few stars"), alignment=aligned(reason="too few stars in common")))
    assert "few stars" in status.why
    assert "Not aligned either: too few stars in common" in status.why


def test_a_frame_that_could_not_be_aligned_says_why_before_anybody_solves():
    reason = "only 2 stars: at least 3 are needed"
    status = sky_status(frame(), sky(alignment=aligned(reason=reason)))
    assert (status.word, status.short, status.tone) == ("not aligned", "not aligned", "warn")
    assert reason in status.why
    assert "nobody has looked where it points" in status.why
    assert deeds(status) == ["solve", "hint"]
    assert status.rank < sky_status(frame(), sky(alignment=aligned())).rank, "an aligned one needs a person less"


def test_the_tip_of_a_row_says_how_the_frame_stands_on_the_sky_and_why():
    shown = Frame("light/a.fits", FrameKind.SCIENCE, 0, 0)
    reason = "no other frame of its pointing shows the same stars"
    status = sky_status(shown, sky(alignment=aligned(reason=reason)))
    good = FrameState("✓", "good", "good", "final values: nothing speaks against it", 9)
    tip = " ".join(frame_tip(shown, good.with_sky(status)).split())
    assert f"on the sky: not aligned: {reason}" in tip
    assert "on the sky" not in frame_tip(shown, good)
    dark = sky_status(frame(kind=FrameKind.DARK), sky())
    assert "on the sky" not in frame_tip(shown, good.with_sky(dark)), "a dark shows none, which nobody asked"


def test_hints_in_force_can_be_taken_back():
    status = sky_status(frame(), sky(solved(), hints={"light/a.fits": {"scale_arcsec": 2.0}}))
    assert "plain" in deeds(status)
    assert "plain" not in deeds(sky_status(frame(), sky(solved())))


@pytest.mark.parametrize(
    ("now", "then", "words"),
    [
        ({}, {"scale_arcsec": 2.0}, "taken back since"),
        ({"scale_arcsec": 2.0}, {}, "hints were set since"),
        ({"scale_arcsec": 2.0}, {"scale_arcsec": 3.0}, "were changed since"),
    ],
)
@pytest.mark.parametrize("one", [solved(), lost("nothing fits")])
def test_an_answer_to_other_hints_says_so_and_offers_to_solve_again(one, now, then, words):
    path = "light/a.fits"
    status = sky_status(frame(), sky(one, hints={path: now} if now else {}, searched_with={path: then}))
    assert words in status.why
    assert deeds(status)[0] == "solve"
    assert status.tone in {"warn", "bad"}
    assert status.rank < 7, "its button is the one that stands out"


def test_an_answer_to_the_hints_in_force_is_no_old_one():
    hints = {"light/a.fits": {"scale_arcsec": 2.0}}
    assert sky_status(frame(), sky(solved(), hints=hints, searched_with=hints)).mark == "✓"
    assert sky_status(frame(), sky(solved(), searched_with={"light/a.fits": {}})).mark == "✓"
    assert sky_status(frame(), sky(solved(), hints=hints)).mark == "✓", "of before hints were noted: nothing is said"


def test_what_needs_a_person_sorts_first():
    order = [lost("cloud"), None, solved(reportable=False), solved()]
    ranks = [sky_status(frame(), sky(*([one] if one else []))).rank for one in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 4


def test_facts_give_the_residual_in_both_units_and_the_turn_with_its_parity():
    lines = {name: value for name, value, _tip in facts(solved())}
    assert lines["Residual rms"] == "0.057″ · 0.029 px"
    assert lines["Matched"] == "74 of 398 stars"
    assert lines["Rotation"].endswith("N up, E left")
    mirrored = TanSip(1.0, 2.0, 0.0, 0.0, 2.0 / 3600 * np.eye(2))
    lines = {name: value for name, value, _tip in facts(FrameSolution("a", solved=True, solution=mirrored))}
    assert lines["Rotation"].endswith("mirrored")


def test_facts_give_the_depth_where_it_is_known():
    depth = Depth(22.514, 0.02, 61, 0.05, 0.0, limiting_mag=17.26, reference="Tycho-2", band="MAG_VT", is_rough=True)
    lines = {name: (value, tip) for name, value, tip in facts(None, depth)}
    assert {name: value for name, (value, _tip) in lines.items()} == {
        "Zero point": "22.51 mag VT (rough)",
        "Limit": "17.26 mag",
    }
    assert "61 stars of Tycho-2" in lines["Zero point"][1]


def test_the_reference_is_not_said_to_have_moved():
    alignment = aligned()
    lines = {name: value for name, value, _tip in facts(None, None, alignment.by_path["light/b.fits"])}
    assert lines == {"Aligned to": "itself: the reference"}
    lines = {name: value for name, value, _tip in facts(None, None, alignment.by_path["light/a.fits"])}
    assert lines["Moved by"] == "+3.00 −1.00 px · +0.000°"
    one = alignment.by_path["light/a.fits"]
    unturned = replace(one, placement=Placement.of(Alignment(1 - 1e-7j, -1e-4 + 2j), (200, 240)))
    lines = {name: value for name, value, _tip in facts(None, None, unturned)}
    assert lines["Moved by"] == "+0.00 +2.00 px · +0.000°"
    assert "On the chip" not in lines
    hot = replace(alignment.by_path["light/a.fits"], on_chip=2)
    assert {name: value for name, value, _tip in facts(None, None, hot)}["On the chip"] == "2 sources"


def test_the_read_out_names_catalogue_and_residual():
    assert source_words(solved()) == "solved, Gaia DR3, rms 0.06″"


def test_a_direction_is_said_as_a_person_says_it():
    assert away_words(1.34, 44.0) == "1.3° NE"
    assert away_words(0.25, 350.0) == "15′ N"


def test_a_solution_survives_the_way_through_the_headers_form():
    a = np.zeros((4, 4))
    a[2, 0] = 1e-6
    with_sip = TanSip(10.0, 20.0, 5.0, 6.0, SOLUTION.matrix, a, a)
    again = as_solution(as_map(with_sip))
    assert again.to_sky(100.0, 200.0) == pytest.approx(with_sip.to_sky(100.0, 200.0), abs=1e-12)
    assert as_map(with_sip).sky(100.0, 200.0) == pytest.approx(with_sip.to_sky(100.0, 200.0), abs=1e-12)


def test_a_place_outside_of_the_frame_is_none_even_where_the_distortion_runs_away():
    a = np.zeros((4, 4))
    a[3, 0] = 1e-8
    wild = TanSip(217.4, -62.7, 299.5, 249.5, SOLUTION.matrix, a, a)
    assert place_in(wild, SHAPE, 217.4, -62.7) == pytest.approx((299.5, 249.5))
    assert place_in(wild, SHAPE, 100.0, -10.0) is None
    assert place_in(wild, SHAPE, 37.4, 62.7) is None  # behind


def view_of(east, north):
    east, north = np.asarray(east, float), np.asarray(north, float)
    number = np.arange(len(east))
    place = 50.0 + 10.0 * number
    return SimpleNamespace(
        frame=solved(), star=number, catalogue=number, reference_x_px=place, reference_y_px=place,
        east_arcsec=east, north_arcsec=north, dx_px=-east / 2, dy_px=north / 2,
    )  # fmt: skip


def test_a_chance_pair_does_not_count_as_a_residual():
    found = residuals_of(view_of([0.05, -0.04, 0.02, 3.0], [0.0, 0.05, -0.06, 1.0]))
    assert found.used.tolist() == [True, True, True, False]
    assert found.rms_arcsec == 0.057


def test_a_frame_without_pairs_has_no_residuals():
    assert residuals_of(view_of([], [])) is None


def test_residuals_are_magnified_by_a_round_number_to_a_visible_length():
    found = residuals_of(view_of([0.05, -0.04], [0.0, 0.05]))
    factor = magnification(found)
    assert factor in {m * 10**e for m in (1, 2, 5) for e in range(6)}
    # 1.4 × 0.057″ at 2 ″/px is 0.04 px: 5 to 20 px of 500 when magnified.
    assert 5 < 0.04 * factor <= 20.5


@pytest.mark.parametrize(("most", "length"), [(0.73, 0.5), (2.0, 2.0), (9.9, 5.0), (0.011, 0.01), (0.0, 1.0)])
def test_a_scale_has_a_round_length(most, length):
    assert nice_length(most) == pytest.approx(length)


def test_the_night_is_summed_up_without_rejected_frames():
    two = sky(solved(), lost("cloud", "light/b.fits"))
    assert night_words(NightSky(), ()) == "Night · nothing reduced yet"
    assert night_words(two, ()) == "Night · 1 of 2 solved · 0 aligned"
    assert night_words(two, {"light/b.fits"}) == "Night · 1 of 1 solved · 0 aligned · 1 rejected"
    assert night_words(two, {"light/a.fits"}) == "Night · 0 of 1 solved · 0 aligned · 1 rejected", "though it is solved"
    # Rejected before the reduction: in no count of calibrated frames, and rejected all the same.
    both = night_words(two, {"light/b.fits", "light/never_calibrated.fits"})
    assert both == "Night · 1 of 1 solved · 0 aligned · 2 rejected"


def test_a_rejected_frame_counts_as_aligned_no_more_than_as_solved():
    pair = sky(lost("cloud", "light/b.fits"), alignment=aligned())
    assert night_words(pair, ()) == "Night · 0 of 2 solved · 2 aligned"
    assert night_words(pair, {"light/a.fits"}) == "Night · 0 of 1 solved · 1 aligned · 1 rejected"


def test_a_frame_on_which_no_other_lies_is_alone_and_not_aligned():
    lonely = sky(alignment=NightAlignment((aligned().frames[1],)))
    status = sky_status(frame("light/b.fits"), lonely)
    assert (status.word, status.short) == ("alone in its field, not solved", "alone")
    assert night_words(lonely, ()) == "Night · 0 of 2 solved · 0 aligned"
    assert sky_status(frame("light/b.fits"), sky(alignment=aligned())).short == "aligned", "another one lies on it"


@pytest.mark.parametrize("alignment", [None, aligned(), aligned(reason="cloud")])
def test_why_the_run_solved_nothing_is_said_of_each_frame_as_the_results_say_it(alignment):
    why = "the pixel scale is not known: no header has it"
    known = sky(alignment=alignment)
    assert why not in sky_status(frame(), known).why
    status = sky_status(frame(), replace(known, why_none=why))
    assert why in status.why
    assert "not tried yet" not in status.why
    assert "nobody has looked" not in status.why
    assert deeds(status)[0] == "hint", "solving without it ends the same way"


def test_hints_that_were_given_since_the_run_are_to_be_tried():
    known = sky(alignment=aligned(), hints={"light/a.fits": {"scale_arcsec": 1.2}})
    status = sky_status(frame(), replace(known, why_none="the pixel scale is not known"))
    assert "it has hints now, and was not tried with them yet" in status.why
    assert deeds(status)[0] == "solve"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3599, "59 min 59 s"), (4800, "1 h 20 min")]
)
def test_the_time_that_passed_is_said_as_a_person_says_it(seconds, words):
    assert passed_words(seconds) == words
