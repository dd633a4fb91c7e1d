"""The points of the timeline: drawn once, marked anew, and again only when what they say is another thing."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QImage, QPainter

from astep_gui.models.keogram_model import KeogramModel
from astep_gui.models.timeline_model import TimelineModel
from astep_gui.theme import theme
from astep_gui.widgets import timeline_plot, timeline_points
from astep_gui.widgets.timeline_plot import TimelinePlot
from astep_gui.widgets.timeline_points import BAD, DOOMED, GOOD, REJECTED, SUSPECT, UNTOLD, shown, signs_of, wild_of
from pipeline_core.measures import NOT_JUDGED, Flag, QualityRow, ScienceMeasures
from pipeline_core.types import Frame, FrameKind

START = datetime(2026, 6, 21, 0, 0, tzinfo=UTC)
PATHS = [f"f{k}.fits" for k in range(8)]


def night():
    rows = [
        QualityRow(
            path,
            ScienceMeasures("final", "electron", fwhm_px=2.5 + 0.1 * k),
            flags=(Flag("defocus", "twice the usual"),) if k == 5 else (),
        )
        for k, path in enumerate(PATHS)
    ]
    frames = {
        path: Frame(path, FrameKind.SCIENCE, 1, 1, mid_utc=START + timedelta(minutes=10 * k))
        for k, path in enumerate(PATHS)
    }
    return rows, frames


@pytest.fixture
def model(qapp):
    made = TimelineModel()
    made.set_night(*night(), {PATHS[1]: "cloud"})
    return made


@pytest.fixture
def plot(model, qtbot, monkeypatch):
    """A plot on the screen; ``drawn`` holds how many marks were drawn each time."""
    drawn = []
    draw = timeline_plot.draw_marks
    monkeypatch.setattr(timeline_plot, "draw_marks", lambda *what: (drawn.append(len(what[1])), draw(*what)))
    widget = TimelinePlot(model)
    widget.drawn = drawn
    qtbot.addWidget(widget)
    widget.resize(700, 160)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.grab()
    drawn.clear()
    return widget


def colours_about(picture, point, reach=8):
    x, y = round(point[0]), round(point[1])
    return {
        picture.pixelColor(QPoint(x + dx, y + dy)).name()
        for dx in range(-reach, reach + 1)
        for dy in range(-reach, reach + 1)
    }


def test_looking_at_other_frames_draws_no_point_again(model, plot):
    for path in PATHS:
        model.set_current(path)
        plot.grab()
    assert plot.drawn == []


def test_selected_frames_are_the_only_ones_drawn_again(model, plot):
    model.set_selection(PATHS[2:5])
    plot.grab()
    assert plot.drawn == [3]


def test_the_current_frame_has_its_line_and_the_one_before_has_none_any_more(model, plot):
    model.set_current(PATHS[3])
    first = plot.grab().toImage()
    model.set_current(PATHS[6])
    second = plot.grab().toImage()
    top = plot.area().top() + 2  # above all points
    at3, at6 = ((plot.points()[k][0], top) for k in (3, 6))
    assert len(colours_about(first, at3, 1)) > len(colours_about(second, at3, 1))
    assert len(colours_about(second, at6, 1)) > len(colours_about(first, at6, 1))


def test_a_selected_frame_stands_on_a_halo(model, plot):
    before = colours_about(plot.grab().toImage(), plot.points()[3])
    model.set_selection(PATHS[3:5])
    after = colours_about(plot.grab().toImage(), plot.points()[3])
    assert len(after - before) > 1
    assert theme().colour("plot_1").name() in after  # its own mark lies over the halo
    model.set_selection([])
    assert colours_about(plot.grab().toImage(), plot.points()[3]) == before


def test_a_rejection_is_drawn(model, plot):
    bad = theme().colour("bad").name()
    assert bad not in colours_about(plot.grab().toImage(), plot.points()[3], 4)
    model.set_rejected({PATHS[3]: "cloud"})
    assert bad in colours_about(plot.grab().toImage(), plot.points()[3], 4)


def test_decisions_that_are_those_it_knows_draw_nothing(model, plot, qtbot):
    rows, frames = night()
    model.set_night(rows, frames, {PATHS[1]: "cloud"})  # other rows: drawn
    plot.grab()
    plot.drawn.clear()
    with qtbot.assertNotEmitted(model.changed):
        model.set_rejected({PATHS[1]: "cloud"})
        model.set_night(rows[::-1], dict(frames), {PATHS[1]: "cloud"})
    plot.grab()
    assert plot.drawn == []


def test_the_same_rows_with_another_decision_are_told_and_frames_corrected_are_placed_anew(model, qtbot):
    rows, frames = night()
    model.set_night(rows, frames, {})
    with qtbot.waitSignal(model.changed):
        model.set_night(rows, frames, {PATHS[2]: "frost"})
    assert model.rejected == {PATHS[2]: "frost"}
    late = frames | {PATHS[0]: Frame(PATHS[0], FrameKind.SCIENCE, 1, 1, mid_utc=START + timedelta(hours=9))}
    with qtbot.waitSignal(model.changed):
        model.set_night(rows, late, {PATHS[2]: "frost"})
    assert model.rows[-1].path == PATHS[0]
    assert model.index_of(PATHS[0]) == len(PATHS) - 1


def test_values_are_those_of_the_rows_it_has_now(model):
    rows, frames = night()
    before = model.values()
    assert model.values() is before  # made out once
    model.set_night(rows[:3], frames, {})
    assert model.values().tolist() == pytest.approx([2.5, 2.6, 2.7])


def test_another_size_draws_the_picture_anew(plot):
    plot.resize(500, 140)
    plot.grab()
    assert plot.drawn == [len(PATHS)]


def test_marks_say_what_is_decided_proposed_and_suspected(model):
    model.set_threshold(3.15)
    assert signs_of(model).tolist() == [GOOD, REJECTED, GOOD, GOOD, GOOD, SUSPECT, GOOD, GOOD | DOOMED]


def test_arrows_are_due_beyond_what_is_held_and_nowhere_else():
    assert wild_of(np.array([0.5, 1.0, 2.0, 3.0, 9.0, np.nan]), 1.0, 3.0).tolist() == [1, 0, 0, 0, -1, 0]


def test_points_that_are_not_measured_or_out_of_sight_are_not_shown():
    points = np.array([[10.0, 5.0], [np.nan, 5.0], [50.0, np.nan], [120.0, 5.0], [99.0, 5.0]])
    assert shown(points, 0.0, 100.0).tolist() == [0, 4]


def test_a_click_goes_to_the_frame_that_is_drawn_there(model, plot, qtbot):
    with qtbot.waitSignal(model.frame_asked) as asked:
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPointF(*plot.points()[4]).toPoint())
    assert asked.args == [PATHS[4]]


@pytest.fixture
def keogram_model(qapp, monkeypatch):
    model = KeogramModel()
    monkeypatch.setattr(model._background, "ask", lambda *_: None)
    yield model
    model.close()


def is_drawn(model):
    return lambda: not model._drawing.is_busy


def test_a_decision_that_changes_no_column_and_no_group_leaves_the_keogram(keogram_model, qtbot):
    model = keogram_model
    frames = list(night()[1].values())
    groups = dict.fromkeys(PATHS, "R 90 s")
    model.set_night(None, None, frames, groups)
    qtbot.waitUntil(is_drawn(model))
    model.set_night(None, None, frames, {path: groups[path] for path in PATHS[1:]})
    assert is_drawn(model)(), "a rejected frame is in no group of the plan, its sky stays"
    with qtbot.waitSignal(model.changed):
        model.set_night(None, None, frames[1:], groups)
    with qtbot.waitSignal(model.changed):
        model.set_night(None, None, frames[1:], dict.fromkeys(PATHS, "V 90 s"))


@pytest.mark.parametrize("rejected", [0, 2, len(PATHS) - 1])
def test_a_rejected_frame_keeps_the_group_of_its_field_where_others_have_its_filter_too(keogram_model, qtbot, rejected):
    frames = list(night()[1].values())
    groups = {path: "M 5 R" if k < 4 else "NGC 1866 R" for k, path in enumerate(PATHS)}
    keogram_model.set_night(None, None, frames, groups)
    qtbot.waitUntil(is_drawn(keogram_model))
    rest = {path: name for path, name in groups.items() if path != PATHS[rejected]}
    keogram_model.set_night(None, None, frames, rest)
    assert is_drawn(keogram_model)(), "the same picture is not made again"


def test_the_keogram_stays_until_the_next_one_is_made(keogram_model, qtbot):
    model, frames = keogram_model, list(night()[1].values())
    model._columns = {(f.path, f.mtime_ns, f.size_bytes, None): np.full(8, 100.0 * k) for k, f in enumerate(frames)}
    model.set_night(None, None, frames, dict.fromkeys(PATHS, "R"))
    qtbot.waitUntil(is_drawn(model))
    before = model.codes(50)
    assert before.shape == (8, 50)
    model.set_mode("structure")
    assert np.array_equal(model.codes(50), before)
    qtbot.waitUntil(is_drawn(model))
    assert not np.array_equal(model.codes(50), before)


def test_pictures_that_columns_ask_for_do_not_push_each_other_aside(keogram_model, qtbot):
    model, frames = keogram_model, list(night()[1].values())
    model.set_night(None, None, frames, dict.fromkeys(PATHS, "R"))
    assert model._drawing.is_busy
    asked = model._drawing._number
    model._tell_in_turn()
    assert model._drawing._number == asked
    assert model._timer.isActive(), "it is made after the one that is being made"


@pytest.fixture
def slow_keogram(qapp, monkeypatch):
    """A keogram whose frames are read one by one, as the test says; and the paths that were begun."""
    begun, may_go_on = [], threading.Semaphore(0)

    def columns(_night, _plan, frames, context):
        for frame in frames:
            begun.append(frame.path)
            assert may_go_on.acquire(timeout=10)
            context.check()
            yield frame.path, np.zeros(4)

    monkeypatch.setattr("pipeline_core.keogram.night_columns", columns)
    model = KeogramModel()
    yield model, begun, may_go_on
    may_go_on.release(100)
    model.close()


def test_a_plan_that_changes_nothing_does_not_begin_the_reading_of_columns_anew(slow_keogram, qtbot):
    model, begun, may_go_on = slow_keogram
    frames = list(night()[1].values())
    model.set_night(None, None, frames[:3], {})
    qtbot.waitUntil(lambda: len(begun) == 1)
    for known in (frames[:3], frames[:3], frames[:2], frames[:5]):
        model.set_night(None, None, known, {})
    may_go_on.release(5)
    qtbot.waitUntil(lambda: model.done == 5)
    assert begun == PATHS[:5], "each is read once, those that came meanwhile too"


def test_another_night_does_not_wait_until_the_one_before_is_read(slow_keogram, qtbot):
    model, begun, may_go_on = slow_keogram
    frames = list(night()[1].values())
    model.set_night(None, None, frames[:3], {})
    qtbot.waitUntil(lambda: len(begun) == 1)
    model.set_night(None, None, frames[3:5], {})
    may_go_on.release(3)
    qtbot.waitUntil(lambda: model.done == 2)
    assert begun == [PATHS[0], *PATHS[3:5]]


def test_the_keogram_of_no_night_is_empty(keogram_model, qtbot):
    model, frames = keogram_model, list(night()[1].values())
    model.set_night(None, None, frames, dict.fromkeys(PATHS, "R"))
    with qtbot.waitSignal(model.changed):
        model.set_night(None, None, [], {})
    assert model.codes(50).size == 0
    assert model.done == 0


def test_a_bad_frame_is_filled_and_a_suspect_one_hollow_so_that_no_colour_need_tell_them_apart(qapp):
    image = QImage(60, 30, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    places = np.array([[15.0, 15.0], [45.0, 15.0]])
    timeline_points.draw_marks(painter, places, np.array([BAD, SUSPECT], np.int8), np.zeros(2, np.int8))
    painter.end()
    middle = [image.pixelColor(int(x), int(y)).value() for x, y in places]
    rim = [image.pixelColor(int(x), int(y) + 3).value() for x, y in places]
    assert middle[0] > 100
    assert middle[1] < 30
    assert min(rim) > 80, "both are drawn"


def test_a_frame_that_is_not_judged_is_a_hollow_dot_until_a_person_accepts_it(qapp):
    rows, frames = night()
    rows[2] = replace(rows[2], flags=(Flag(NOT_JUDGED, "alone in its group", "note"),))
    model = TimelineModel()
    model.set_night(rows, frames, {})
    assert signs_of(model).tolist()[1:4] == [GOOD, UNTOLD, GOOD]
    model.set_rejected({}, frozenset({PATHS[2]}))
    assert signs_of(model).tolist()[1:4] == [GOOD] * 3
    image = QImage(60, 30, QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    places = np.array([[15.5, 15.5], [45.5, 15.5]])
    timeline_points.draw_marks(painter, places, np.array([GOOD, UNTOLD], np.int8), np.zeros(2, np.int8))
    painter.end()
    middle = [image.pixelColor(int(x), int(y)).value() for x, y in places]
    rim = image.pixelColor(int(places[1, 0]) + 2, int(places[1, 1])).value()
    assert middle[0] > 100
    assert middle[1] < 60
    assert rim > 100
