"""Frames rejected before a night was reduced keep the figures they were rejected for."""

import json
import re
from dataclasses import replace

import pytest
from astropy.table import Table

from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.errors import NightError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.io.database import Database
from pipeline_core.kept_looks import first_looks, keep_looks, kept_looks, last_known
from pipeline_core.kept_measures import keep_measures, kept_measures
from pipeline_core.logbook import Logbook
from pipeline_core.measured_places import measured_places
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures, to_look_at
from pipeline_core.plan import Choices, build_plan
from pipeline_core.quality_report import quality_report
from pipeline_core.quality_table import read_quality_table, write_quality_table
from pipeline_core.quick_company import COMPANY, company
from pipeline_core.quick_look import quick_look
from pipeline_core.report import write_report
from pipeline_core.report_pictures import chosen_frames
from pipeline_core.scan import scan_night
from pipeline_core.session import Place
from pipeline_core.stages import quality
from pipeline_core.tasks import quick_tasks
from pipeline_core.types import Frame, FrameKind, Night


def row(path, loss):
    return QualityRow(path, ScienceMeasures("final", "electron"), depth_loss_mag=loss)


def test_the_deepest_frames_of_the_group_come_along_and_no_more_than_ten():
    rows = [row(f"{k:02d}", 0.1 * k) for k in range(30)] + [row("other", 0.0), row("unknown", None)]
    groups = {"a": [*(f"{k:02d}" for k in range(30)), "unknown", "lost"], "b": ["other"]}
    assert company(groups, rows[::-1], {"lost"}) == [f"{k:02d}" for k in range(COMPANY)]
    assert company(groups, rows, set()) == []


def test_a_frame_that_was_alone_on_its_final_values_comes_along():
    assert company({"a": ["alone", "lost"]}, [row("alone", None)], {"lost"}) == ["alone"]


def reduction(place):
    return ["reduce", str(place.night), "-o", str(place.output), "--executor", "threads"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("company")
    assert main(["demo", str(root / "night"), "--size", "256", "--frames", "14", "--quiet"]) == 0
    made = Place(root / "night", root / "out")
    made.output.mkdir()
    Logbook.open(made.output, made.night).close()
    return made


@pytest.fixture(scope="module")
def figures(place):
    """Loss of each frame as the first look at all has it, and what it is when the three worst are rejected."""
    before = {r.path: r.depth_loss_mag for r in quality_report(place, RunContext()).rows}
    worst = sorted((path for path, loss in before.items() if loss is not None), key=lambda path: before[path])[-3:]
    with Logbook.open(place.output, place.night) as logbook:
        logbook.reject(worst, "cloud")
    assert main([*reduction(place), "--quiet"]) == 0
    return before, worst


def test_rejected_frames_are_as_bad_after_the_reduction_as_before_it(place, figures):
    before, worst = figures
    rows = {r.path: r for r in quality_report(place, RunContext()).rows}
    assert set(rows) == set(before)
    assert before[worst[0]] > 0.3
    for path in worst:
        assert rows[path].measures.state == "quick"
        assert rows[path].depth_loss_mag == pytest.approx(before[path], abs=0.1)
        assert any(flag.severity != "note" for flag in rows[path].flags)
    others = [r.measures.state for path, r in rows.items() if path not in worst]
    assert set(others) == {"final"}


def test_frames_rejected_before_the_reduction_lie_on_the_reference_of_the_reduced_ones(place, figures):
    _before, worst = figures
    night = scan_night(place.night, RunContext())
    rows = {r.path: r for r in quick_look(place, night, Recipe(), RunContext(), lambda _rows: None).rows}
    places = measured_places(rows)
    placed = [path for path in worst if path in places]
    assert placed
    for path in placed:
        alike = [p for p in rows if night.by_path[p].filter == night.by_path[path].filter and p not in worst]
        assert places[path].reference in {places[p].reference for p in alike if p in places}


def test_a_night_opened_anew_has_the_same_figures_and_tells_no_frame_twice(place, figures):
    before, worst = figures
    told, known = [], {}
    look = quick_look(place, scan_night(place.night, RunContext()), Recipe(), RunContext(), told.extend, known)
    rows = {r.path: r for r in look.rows}
    assert len(rows) == len(look.rows) == len(before)
    for path in worst:
        assert rows[path].depth_loss_mag == pytest.approx(before[path], abs=0.1)
    assert {r.path for r in told} <= set(worst)
    assert {path for path, r in rows.items() if r.measures.state == "quick"} == set(worst)


def test_what_is_known_needs_no_measuring_rejected_frames_have_their_words_and_figures(place, figures):
    _before, worst = figures
    night = scan_night(place.night, RunContext())
    look = quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    known = {row.path: row for row in last_known(place, night).rows}
    assert set(known) == {row.path for row in look.rows}
    for row in look.rows:
        assert known[row.path].flags == row.flags
        assert known[row.path].measures.state == ("quick" if row.path in worst else "final")
        assert known[row.path].depth_loss_mag == pytest.approx(row.depth_loss_mag, abs=1e-9)
    assert all(known[path].flags for path in worst)


def test_what_is_judged_already_is_not_told_unjudged_while_it_is_measured_anew(place, figures):
    night = scan_night(place.night, RunContext())
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    told = []
    quick_look(place, night, Recipe(), RunContext(), told.extend)
    assert told == []


def test_what_was_kept_of_a_frame_is_forgotten_when_its_file_is_another(place, figures):
    _before, worst = figures
    night = scan_night(place.night, RunContext())
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    other = replace(night, frames=tuple(replace(f, mtime_ns=1) if f.path == worst[0] else f for f in night.frames))
    with Logbook.read_only(place.output) as logbook:
        assert {row.path for row in kept_looks(logbook.database, night)} == set(worst)
        assert {row.path for row in kept_looks(logbook.database, other)} == set(worst[1:])


def measured_by(monkeypatch):
    """Return the list of paths that are measured from now on."""
    found = []

    def measure(settings, inputs, out, threads, make=quality.MEASURE_QUICK.make):
        found.append(inputs["raw"].name)
        return make(settings, inputs, out, threads)

    monkeypatch.setattr(quality, "MEASURE_QUICK", replace(quality.MEASURE_QUICK, make=measure))
    return found


def test_a_second_opening_measures_nothing_and_judges_the_same(place, figures, monkeypatch):
    night = scan_night(place.night, RunContext())
    first = quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    measured = measured_by(monkeypatch)
    assert quick_look(place, night, Recipe(), RunContext(), lambda _rows: None) == first
    assert measured == []


def test_another_file_and_other_settings_are_measured_anew(place, figures, monkeypatch):
    _before, worst = figures
    night = scan_night(place.night, RunContext())
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    measured = measured_by(monkeypatch)
    other = replace(night, frames=tuple(replace(f, mtime_ns=1) if f.path == worst[0] else f for f in night.frames))
    quick_look(place, other, Recipe(), RunContext(), lambda _rows: None)
    assert measured == [worst[0].rsplit("/", 1)[-1]]
    del measured[:]
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    assert len(measured) == 1, "as it was before"
    del measured[:]
    full = Recipe().model_copy(update={"calibrate": Recipe().calibrate.model_copy(update={"saturation_adu": 3e4})})
    quick_look(place, night, full, RunContext(), lambda _rows: None)
    assert len(measured) >= len(worst)


def test_what_was_measured_before_there_was_a_logbook_is_kept_once_there_is_one(place, figures, tmp_path, monkeypatch):
    night, known = scan_night(place.night, RunContext()), {}
    quick_look(Place(place.night, tmp_path), night, Recipe(), RunContext(), lambda _rows: None, known)
    assert len(known) == len(figures[0])
    with Logbook.open(place.output, place.night) as logbook:
        logbook.database.forget([name for name, _ in logbook.database.facts("measured quickly: ")])
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None, known)
    measured = measured_by(monkeypatch)
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    assert measured == []


def test_a_look_that_is_stopped_is_gone_on_with_by_the_next(place, figures, monkeypatch):
    night = scan_night(place.night, RunContext())
    with Logbook.open(place.output, place.night) as logbook:
        logbook.database.forget([name for name, _ in logbook.database.facts("measured quickly: ")])
    measured = measured_by(monkeypatch)
    context = RunContext()

    def check(before=RunContext.check):
        if len(measured) == 4:
            context.cancel()
        before(context)

    monkeypatch.setattr(context, "check", check)
    with pytest.raises(Cancelled):
        quick_look(place, night, Recipe(), context, lambda _rows: None)
    stopped = list(measured)
    del measured[:]
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    assert stopped
    assert measured
    assert set(measured).isdisjoint(stopped)


def test_of_frames_that_no_look_asks_for_any_more_nothing_is_kept(place, figures):
    _before, worst = figures
    night = scan_night(place.night, RunContext())
    tasks = quick_tasks(night, build_plan(night, Recipe(), Choices()), Recipe())
    made = {path: {"measures": {}, "stars": {}} for path in tasks}
    keep_measures(place, tasks, made, list(tasks))
    keep_measures(place, tasks, {}, worst)
    with Logbook.read_only(place.output) as logbook:
        assert set(kept_measures(logbook.database, tasks)) == set(worst)
        logbook_only = logbook.database.facts("measured quickly: ")
    assert len(logbook_only) == len(worst)
    with Logbook.open(place.output, place.night) as logbook:  # the frames themselves stay for the next test
        logbook.database.forget([name for name, _ in logbook_only])


def test_a_look_that_cannot_be_kept_has_its_answer_all_the_same(place, figures, monkeypatch):
    def full(*_):
        raise NightError("cannot write the logbook", "the disk is full", "free some space")

    night = scan_night(place.night, RunContext())
    expected = quick_look(place, night, Recipe(), RunContext(), lambda _rows: None)
    with Logbook.open(place.output, place.night) as logbook:
        logbook.database.remember("looked at quickly", "[]")
    monkeypatch.setattr(Database, "remember", full)
    monkeypatch.setattr(Database, "remember_all", full)
    assert quick_look(place, night, Recipe(), RunContext(), lambda _rows: None) == expected


def test_of_a_night_that_nobody_looked_at_nothing_is_known(place, tmp_path):
    assert last_known(Place(place.night, tmp_path), scan_night(place.night, RunContext())).rows == []


def frames(tmp_path, **kinds):
    """Return a night of empty frames of these kinds, and its output with a logbook."""
    found = tuple(Frame(f"{name}.fits", FrameKind(kind), 1, 2) for name, kind in kinds.items())
    place = Place(tmp_path / "night", tmp_path / "out")
    Logbook.open(place.output, place.night).close()
    return place, Night(place.night, found)


def test_what_a_program_with_other_fields_kept_is_left_and_the_rest_is_known(tmp_path):
    place, night = frames(tmp_path, a="science", b="science", c="science")
    keep_looks(place, [replace(row(f"{name}.fits", 0.1), flags=(Flag("cloud", "thick"),)) for name in "abc"], night, {})
    with Logbook.open(place.output, place.night) as logbook:
        kept = json.loads(logbook.database.fact("looked at quickly"))
        kept[0][1]["flags"][0]["a_new_field"] = 1
        del kept[1][1]["measures"]
        logbook.database.remember("looked at quickly", json.dumps(kept))
    assert [known.path for known in last_known(place, night).rows] == ["c.fits"]


def test_what_was_said_of_a_dark_is_not_known_of_a_frame_that_is_called_science_since(tmp_path):
    place, night = frames(tmp_path, a="dark", b="science")
    stars = (Flag("stars in dark", "30 star-like sources", "bad"),)
    write_quality_table(place.output / "quality.ecsv", [], calibration_flags={"a.fits": stars, "b.fits": stars})
    assert last_known(place, night).calibration_flags == {"a.fits": stars}


def test_one_count_of_suggestions_everywhere_and_an_accepted_frame_is_answered(place, figures, capsys):
    def counts():
        capsys.readouterr()
        assert main(["quality", str(place.output), "--quiet"]) == 0
        told = re.search(r"frames, (\d+) suggested", capsys.readouterr().out)
        page = write_report(place, RunContext()).read_text(encoding="utf-8")
        card = re.search(r"<b>(\d+)</b><span>suggested for a look", page)
        assert main(reduction(place)) == 0
        reduced = re.search(r"suggested for a look: (\d+) frame", "".join(capsys.readouterr()))
        return int(told[1]), int(card[1]), int(reduced[1])

    first = counts()
    assert len(set(first)) == 1
    report = quality_report(place, RunContext())
    asked = to_look_at(report.rows, report.rejected, report.kept)
    assert len(asked) == first[0] > 0
    assert not {row.path for row in asked} & set(figures[1])
    with Logbook.open(place.output, place.night) as logbook:
        logbook.accept([asked[0].path])
    assert counts() == (first[0] - 1,) * 3


def test_the_quality_table_has_a_row_for_every_science_frame_and_the_reason_of_the_rejected_ones(place, figures):
    before, worst = figures
    table = Table.read(place.output / "quality.ecsv")
    assert set(table["path"]) == set(before)
    assert {row["path"]: row["rejected"] for row in table if row["rejected"]} == dict.fromkeys(worst, "cloud")
    bare = table[[row["path"] in worst for row in table]]
    assert all(bare["fwhm_px"].mask)
    assert all("before the night was reduced" in notes for notes in bare["notes"])
    assert {r.measures.state for r in read_quality_table(place.output / "quality.ecsv")} == {"final", "none"}
    # One that is rejected after the reduction keeps its final figures, beside its reason.
    good = min(set(before) - set(worst), key=lambda path: before[path] or 9)
    with Logbook.open(place.output, place.night) as logbook:
        logbook.reject([good], "a test")
    assert main([*reduction(place), "--quiet"]) == 0
    row = next(row for row in Table.read(place.output / "quality.ecsv") if row["path"] == good)
    assert (row["rejected"], row["state"]) == ("a test", "final")


def test_a_run_that_only_judged_says_so_once(place, figures, capsys):
    def said():
        assert main(reduction(place)) == 0
        return "".join(capsys.readouterr())

    said()
    with Logbook.open(place.output, place.night) as logbook:
        logbook.accept(figures[0])
        logbook.reject([figures[1][0]], "cloud")
    said()  # calibrates those that were rejected
    with Logbook.open(place.output, place.night) as logbook:
        logbook.reject([figures[1][1]], "cloud")
    assert "frames judged anew" in said()
    assert "judged anew" not in said()


def test_no_rejected_frame_is_the_deepest_of_the_night(place, figures):
    report = quality_report(place, RunContext())
    deepest = min((r for r in report.rows if r.depth_loss_mag is not None), key=lambda r: r.depth_loss_mag)
    chosen = chosen_frames(replace(report, rejected={deepest.path: "a test"}), 20)
    best = [path for path, why in chosen if why == "the deepest of the night"]
    assert len(best) == 1
    assert best != [deepest.path]


def test_what_the_first_look_said_is_known_after_the_reduction_and_when_the_night_is_opened_again(tmp_path):
    place, night = frames(tmp_path, a="science", b="science", c="science")
    cloud = (Flag("cloud", "thick"),)
    looked = [
        replace(row(f"{name}.fits", 0.1), flags=flags) for name, flags in zip("abc", (cloud, (), ()), strict=True)
    ]
    keep_looks(place, looked, night, {})
    final = [replace(one, measures=replace(one.measures, state="final"), flags=()) for one in looked[:2]]
    write_quality_table(place.output / "quality.ecsv", final)
    assert last_known(place, night).first_said == {"a.fits": "cloud", "b.fits": "good"}, "c has no final values"
    with Logbook.read_only(place.output) as logbook:
        first = first_looks(logbook.database, night)
    keep_looks(place, looked[2:], night, first)  # the next look keeps the rows without final values only
    assert last_known(place, night).first_said == {"a.fits": "cloud", "b.fits": "good"}
    other = replace(night, frames=tuple(replace(f, mtime_ns=9) if f.path == "a.fits" else f for f in night.frames))
    assert last_known(place, other).first_said == {"b.fits": "good"}, "another file has that name now"


def test_a_look_before_there_is_a_logbook_is_kept_by_the_first_look_after_the_reduction(place, figures, tmp_path):
    night, first = scan_night(place.night, RunContext()), {}
    look = quick_look(Place(place.night, tmp_path), night, Recipe(), RunContext(), lambda _rows: None, {}, first)
    assert set(first) == {one.path for one in look.rows}
    assert "good" in first.values()
    quick_look(place, night, Recipe(), RunContext(), lambda _rows: None, {}, first)
    known = last_known(place, night)
    assert known.first_said == {one.path: first[one.path] for one in known.rows if one.measures.state == "final"}
    assert known.first_said
