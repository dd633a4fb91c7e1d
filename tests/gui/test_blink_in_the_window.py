"""A blink as a person uses it: in time, with the plot's cursor, aligned at rest, and with one frame judged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.blink_places import BlinkPlace
from astep_gui.theme import theme
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.test_workflow import LIGHTS, reduce

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000
SHIFTS = {path: (3.0 * k, -2.0 * k) for k, path in enumerate(LIGHTS)}


@pytest.fixture
def ready(qtbot, opened):
    """The window with frames whose places are known, and measured, on the second light."""
    opened.viewing.places = lambda paths, **_: {path: BlinkPlace(SHIFTS[path]) for path in paths if path in SHIFTS}
    flag = Flag("cloud", "stars are fainter", "suspect")
    rows = {path: QualityRow(path, ScienceMeasures("quick", "adu", fwhm_px=2.5), flags=(flag,)) for path in LIGHTS}
    opened.night.judgements.take_rows(rows.values())
    opened.night.quality_changed.emit()
    opened.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: len(opened.viewing.timeline_model.rows) == 4, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    return opened


def blink(qtbot, window, paths, *, rate=20.0):
    model = window.viewing.blink
    model.rate = rate
    window.night.select(paths, window.night.current if window.night.current in paths else None)
    qtbot.keyClick(window, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: model.frames and model.loaded == len(model.frames), timeout=PATIENCE_MS)
    return model


def paths_of(model):
    return [frame.key[1] for frame in model.frames]


# -- time ---------------------------------------------------------------------------------------------------------


def test_frames_go_by_in_time_in_whatever_order_they_were_chosen(qtbot, ready):
    model = blink(qtbot, ready, [LIGHTS[2], LIGHTS[0], LIGHTS[3], LIGHTS[1]])
    assert paths_of(model) == LIGHTS
    bar = ready.viewing.blink_bar
    qtbot.mouseClick(bar.play, LEFT)
    for direction, expected in ((bar.forth, 1), (bar.back, -1)):
        index = model.index
        qtbot.mouseClick(direction, LEFT)
        assert model.index == (index + expected) % 4
        time = ready.night.frame(LIGHTS[model.index]).mid_utc
        assert bar.count.text().removesuffix(" UTC") == f"{model.index + 1}/4 · {time:%H:%M:%S}"


def test_all_science_frames_of_the_night_are_blinked_by_one_key_whatever_is_selected(qtbot, ready):
    ready.decisions.set_field([LIGHTS[3]], "filter", "V")  # another group
    ready.night.select([LIGHTS[1]])
    qtbot.keyClick(ready, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert paths_of(ready.viewing.blink) == LIGHTS
    assert "Ctrl+Shift+B: all" in ready.actions_by_name["blink"].toolTip()


def test_it_begins_on_the_shown_frame_at_its_place_in_time(qtbot, ready):
    model = ready.viewing.blink
    model.rate = 1.0
    ready.night.select([LIGHTS[3], LIGHTS[2], LIGHTS[1]], LIGHTS[2])
    qtbot.keyClick(ready, Qt.Key.Key_B)
    assert paths_of(model) == LIGHTS[1:]
    assert model.index == 1
    assert ready.viewing.blink_bar.count.text().startswith("2/3 · ")


def test_there_and_back_turns_at_the_first_and_the_last_in_time(qtbot, ready):
    model = blink(qtbot, ready, LIGHTS[::-1], rate=30.0)
    qtbot.mouseClick(ready.viewing.blink_bar.ping_pong, LEFT)
    times = []
    model.frame_due.connect(lambda _small, frame, _offset: times.append(ready.night.frame(frame.key[1]).mid_utc))
    qtbot.waitUntil(lambda: len(times) > 9, timeout=PATIENCE_MS)
    turns = [b for a, b, c in zip(times, times[1:], times[2:], strict=False) if (a < b) != (b < c)]
    known = sorted(ready.night.frame(path).mid_utc for path in LIGHTS)
    assert turns
    assert set(turns) <= {known[0], known[-1]}


def test_frames_of_unknown_time_go_by_last(qtbot, ready, monkeypatch):
    from dataclasses import replace

    frame = ready.night.frame
    first = replace(frame(LIGHTS[0]), mid_utc=None)
    monkeypatch.setattr(ready.night, "frame", lambda path: first if path == LIGHTS[0] else frame(path))
    model = blink(qtbot, ready, LIGHTS)
    assert paths_of(model) == [*LIGHTS[1:], LIGHTS[0]]
    assert model.frames[-1].when == ""
    assert model.frames[0].when == f"{datetime(2026, 6, 21, 13, 2, 5, tzinfo=UTC):%H:%M:%S} UTC"


# -- what is said, and the cursor ----------------------------------------------------------------------------------


def test_the_cursors_of_plot_and_keogram_follow_the_frames_that_go_by(qtbot, ready):
    viewing = ready.viewing
    blink(qtbot, ready, LIGHTS, rate=8.0)
    seen = set()
    drawn = []
    qtbot.waitUntil(lambda: viewing.keogram_model.done == 4, timeout=PATIENCE_MS)
    qtbot.wait(200)  # the last column is shown with those before it
    viewing.keogram_model.changed.connect(lambda: drawn.append(1))

    def all_pointed_at():
        assert viewing.timeline_model.current == viewing.keogram_model.current
        seen.add(viewing.timeline_model.current)
        return seen == set(LIGHTS)

    qtbot.waitUntil(all_pointed_at, timeout=PATIENCE_MS)
    assert not drawn, "the picture is the same, it is not made anew"
    qtbot.keyClick(ready, Qt.Key.Key_Space)
    assert viewing.timeline_model.current == ready.night.current == viewing.blink.current.key[1]


def test_the_list_points_at_the_frame_that_goes_by_and_keeps_its_selection(qtbot, ready):
    tree, model = ready.table.tree, blink(qtbot, ready, LIGHTS, rate=8.0)
    chosen, current = ready.table.selected_paths(), tree.currentIndex()
    seen, pictures = set(), {}

    def all_pointed_at():
        assert tree.passing in {None, ready.viewing.timeline_model.current}
        if tree.passing is not None:
            seen.add(tree.passing)
            row = tree.visualRect(ready.table.model.index_of(tree.passing))
            pictures[tree.passing] = tree.viewport().grab().toImage().pixelColor(1, row.center().y()).name()
        return seen == set(LIGHTS)

    qtbot.waitUntil(all_pointed_at, timeout=PATIENCE_MS)
    assert set(pictures.values()) == {theme().colour("accent").name()}, "a bar stands before the row"
    assert (ready.table.selected_paths(), tree.currentIndex()) == (chosen, current)
    qtbot.keyClick(ready, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: tree.passing is None, timeout=PATIENCE_MS)
    assert ready.table.model.path_of(tree.currentIndex()) == model.current.key[1]


def test_the_row_of_the_frame_that_goes_by_is_brought_into_sight_but_not_under_the_pointer(qtbot, ready):
    tree = ready.table.tree
    bar, rows = tree.verticalScrollBar(), tree.viewport()
    ready.resize(1280, 560)
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=PATIENCE_MS)
    far = ready.table.model.ordered()[-1]
    bar.setValue(0)
    tree.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    tree.mark_passing(far)
    assert bar.value() == 0
    tree.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    tree.mark_passing(None)
    tree.mark_passing(far)
    assert rows.rect().contains(tree.visualRect(ready.table.model.index_of(far)))
    assert bar.value() > 0
    group = ready.table.model.index_of(far).parent()
    tree.collapse(group)
    tree.mark_passing(None)
    tree.mark_passing(far)
    assert not tree.isExpanded(group), "a folded group stays folded"


def test_the_cursor_moves_at_most_ten_times_a_second_however_fast_frames_go_by(qtbot, ready):
    viewing, moved = ready.viewing, []
    viewing.timeline_model.pointed.connect(lambda: moved.append(1))
    blink(qtbot, ready, LIGHTS, rate=30.0)
    moved.clear()
    qtbot.wait(1000)
    assert 2 <= len(moved) <= 10


def test_the_line_over_the_image_says_that_raw_frames_are_blinked(qtbot, ready):
    viewing = ready.viewing
    blink(qtbot, ready, LIGHTS)
    qtbot.waitUntil(viewing.view.head.state.isVisible, timeout=PATIENCE_MS)
    assert viewing.view.head.state.text() == "raw · aligned"
    assert "Blinking 4 raw frames of R" in viewing.rail.note.full_text
    qtbot.keyClick(ready, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not viewing.view.head.state.isVisible(), timeout=PATIENCE_MS)


def test_the_line_over_the_image_says_that_calibrated_frames_are_blinked(qtbot, ready):
    reduce(qtbot, ready)
    viewing = ready.viewing
    viewing.places = lambda _paths, **_: {}
    ready.night.select([LIGHTS[0]])
    qtbot.keyClick(ready, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    blink(qtbot, ready, LIGHTS[::-1])
    assert paths_of(viewing.blink) == LIGHTS
    said = viewing.view.head._title
    qtbot.waitUntil(lambda: viewing.is_blinking and said.full_text.endswith(" · calibrated"), timeout=PATIENCE_MS)
    assert ready.products.bar.words.full_text.startswith("4 frames go by; ")
    qtbot.keyClick(ready, Qt.Key.Key_Space)
    qtbot.wait(200)
    assert said.full_text.endswith(" · calibrated")
    assert "raw" not in viewing.view.head.state.text()


# -- at rest ------------------------------------------------------------------------------------------------------


def rest_on(qtbot, window, index):
    viewing = window.viewing
    viewing.blink.pause()
    while viewing.blink.index != index:
        qtbot.mouseClick(viewing.blink_bar.forth, LEFT)
    whole = lambda: viewing.view.shown.key[1] == LIGHTS[index] and not viewing.view.shown.is_small  # noqa: E731
    qtbot.waitUntil(whole, timeout=PATIENCE_MS)
    return viewing


def test_a_blink_at_rest_shows_the_whole_frame_where_it_lay_while_it_went_by(qtbot, ready):
    blink(qtbot, ready, LIGHTS)
    viewing = rest_on(qtbot, ready, 2)
    assert viewing.view._item.offset == (-6.0, 4.0)
    assert viewing.view.head.state.text() == "raw · aligned"
    at = viewing.view._to_screen(20.0, 30.0)
    assert (viewing.view._place_at(at).x(), viewing.view._place_at(at).y()) == pytest.approx((14 + 12, 34 - 8), abs=1)


def test_switching_alignment_off_at_rest_moves_the_frame_back_and_it_stays_sharp(qtbot, ready):
    blink(qtbot, ready, LIGHTS)
    viewing = rest_on(qtbot, ready, 2)
    qtbot.mouseClick(viewing.blink_bar.aligned, LEFT)
    qtbot.wait(100)
    assert viewing.view._item.offset == (0.0, 0.0)
    assert not viewing.view.shown.is_small
    assert viewing.view.head.state.text() == "raw"
    qtbot.mouseClick(viewing.blink_bar.aligned, LEFT)
    qtbot.wait(100)
    assert viewing.view._item.offset == (-6.0, 4.0)


def test_a_frame_without_a_place_says_at_rest_that_it_is_not_aligned(qtbot, ready):
    ready.viewing.places = lambda paths, **_: {path: BlinkPlace(SHIFTS[path]) for path in paths if path != LIGHTS[3]}
    blink(qtbot, ready, LIGHTS)
    viewing = rest_on(qtbot, ready, 3)
    assert viewing.view._item.offset == (0.0, 0.0)
    assert viewing.view.head.state.text() == "raw · not aligned"


def test_a_frame_that_is_alone_in_the_list_is_alone_in_the_blink_too(qtbot, ready):
    ready.viewing.places = lambda paths, **_: {path: BlinkPlace(SHIFTS[path]) for path in paths if path != LIGHTS[3]}
    ready.viewing.alone = lambda: {LIGHTS[3]}
    blink(qtbot, ready, LIGHTS)
    viewing = rest_on(qtbot, ready, 3)
    assert viewing.view.head.state.text() == "raw · alone in its field"
    assert viewing.blink_bar.notes.text() == "1 alone"


def test_of_a_dark_nobody_says_that_it_is_not_aligned(qtbot, ready):
    model = blink(qtbot, ready, [*LIGHTS, "dark_000.fits"])
    assert not ready.viewing.blink_bar.notes.isVisible()
    model.pause()
    model.go(next(k for k, frame in enumerate(model.frames) if frame.key[1] == "dark_000.fits"))
    assert ready.viewing.view.head.state.text() == "raw"


def test_after_the_blink_the_frame_lies_where_it_was_taken(qtbot, ready):
    blink(qtbot, ready, LIGHTS)
    viewing = rest_on(qtbot, ready, 2)
    qtbot.keyClick(ready, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: viewing.view._item.offset == (0.0, 0.0), timeout=PATIENCE_MS)
    assert viewing.view.title == LIGHTS[2]


# -- judging ------------------------------------------------------------------------------------------------------


def test_no_answer_is_offered_while_the_person_is_asked_which_frame_was_meant(qtbot, ready):
    viewing = ready.viewing
    assert viewing.rail.reject.isEnabled(), "something speaks against the frame that is shown"
    model = blink(qtbot, ready, LIGHTS)
    assert not viewing.rail.reject.isEnabled()
    qtbot.waitUntil(lambda: len(model._history) > 4, timeout=PATIENCE_MS)
    qtbot.keyClick(ready, Qt.Key.Key_X)
    choice = viewing.blink_bar.choice
    assert choice.isVisible()
    assert not viewing.rail.reject.isEnabled(), "it would speak of the frame after"
    qtbot.keyClick(choice.strip, Qt.Key.Key_Escape)
    assert viewing.rail.reject.isEnabled(), "of the frame on which the blink rests"


def test_after_x_the_frame_that_was_rejected_is_seen_with_its_words_and_no_offer(qtbot, ready):
    viewing = ready.viewing
    model = blink(qtbot, ready, LIGHTS)
    qtbot.waitUntil(lambda: len(model._history) > 4, timeout=PATIENCE_MS)
    qtbot.keyClick(ready, Qt.Key.Key_X)
    strip = viewing.blink_bar.choice.strip
    chosen = strip.currentItem().data(Qt.ItemDataRole.UserRole)[1]
    qtbot.keyClick(strip, Qt.Key.Key_X)
    assert list(ready.night.rejected) == [chosen]
    assert ready.night.current == chosen == model.current.key[1]
    assert viewing.view.title == chosen
    assert viewing.view.badge.startswith("REJECTED")
    assert not viewing.rail.reject.isEnabled()
    qtbot.mouseClick(viewing.blink_bar.forth, LEFT)
    assert viewing.view.badge is None
    assert viewing.rail.reject.isEnabled()
    assert ready.night.current != chosen


def test_x_while_frames_go_by_slowly_marks_that_frame_and_not_the_next(qtbot, ready):
    viewing = ready.viewing
    model = blink(qtbot, ready, LIGHTS, rate=2.0)
    path = model.current.key[1]
    qtbot.keyClick(ready, Qt.Key.Key_X)
    assert list(ready.night.rejected) == [path]
    assert viewing.view.badge.startswith("REJECTED")
    assert not viewing.rail.reject.isEnabled()
    assert model.is_playing
    qtbot.waitUntil(lambda: model.current.key[1] != path, timeout=PATIENCE_MS)
    assert viewing.view.badge is None


def test_u_while_frames_go_by_accepts_the_one_that_is_seen_and_stops_on_it(qtbot, ready):
    ready.decisions.reject(LIGHTS[:2], "cloud")
    model = blink(qtbot, ready, LIGHTS, rate=1.0)
    model.go(0)
    qtbot.keyClick(ready, Qt.Key.Key_U)
    assert list(ready.night.rejected) == [LIGHTS[1]]
    assert not model.is_playing
    assert ready.night.current == LIGHTS[0]


def test_u_while_frames_go_by_fast_only_stops_for_nobody_knows_which_was_meant(qtbot, ready):
    ready.decisions.reject(LIGHTS, "cloud")
    model = blink(qtbot, ready, LIGHTS, rate=20.0)
    qtbot.keyClick(ready, Qt.Key.Key_U)
    assert set(ready.night.rejected) == set(LIGHTS)
    assert not model.is_playing
    qtbot.keyClick(ready, Qt.Key.Key_U)
    assert set(ready.night.rejected) == set(LIGHTS) - {model.current.key[1]}


# -- without rejected frames ---------------------------------------------------------------------------------------


def goes_by(qtbot, model, seconds=0.6):
    """Return the frames that are seen within a while."""
    seen = set()
    model.frame_due.connect(lambda _small, frame, _offset: seen.add(frame.key[1]))
    qtbot.wait(round(1000 * seconds))
    return seen


def test_one_click_leaves_rejected_frames_out_and_another_shows_them_again(qtbot, ready):
    ready.decisions.reject(LIGHTS[:1], "cloud")
    model = blink(qtbot, ready, LIGHTS, rate=30.0)
    bar = ready.viewing.blink_bar
    assert goes_by(qtbot, model) == set(LIGHTS), "who judges sees them all at first"
    qtbot.mouseClick(bar.skip, LEFT)
    assert goes_by(qtbot, model) == set(LIGHTS[1:])
    assert bar.notes.text() == "1 rejected left out"
    assert LIGHTS[0] in bar.notes.toolTip()
    qtbot.mouseClick(bar.skip, LEFT)
    assert goes_by(qtbot, model) == set(LIGHTS)
    assert bar.notes.isHidden()


def test_a_frame_that_is_rejected_meanwhile_does_not_come_again_and_the_arrows_pass_over_it(qtbot, ready):
    model = blink(qtbot, ready, LIGHTS, rate=2.0)
    qtbot.keyClick(ready, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
    assert ready.viewing.blink_bar.skip.isChecked()
    qtbot.waitUntil(lambda: model.index == 2, timeout=PATIENCE_MS)
    qtbot.keyClick(ready, Qt.Key.Key_X)
    assert set(ready.night.rejected) == {LIGHTS[2]}
    qtbot.waitUntil(lambda: model.index != 2, timeout=PATIENCE_MS)
    model.set_rate(30.0)
    assert goes_by(qtbot, model) == {LIGHTS[0], LIGHTS[1], LIGHTS[3]}
    qtbot.keyClick(ready, Qt.Key.Key_Space)
    model.go(1)
    qtbot.mouseClick(ready.viewing.blink_bar.forth, LEFT)
    assert model.index == 3
    qtbot.mouseClick(ready.viewing.blink_bar.back, LEFT)
    assert model.index == 1


def test_a_blink_of_rejected_frames_only_stops_where_they_are_left_out(qtbot, ready):
    ready.decisions.reject(LIGHTS, "cloud")
    model = blink(qtbot, ready, LIGHTS)
    assert model.is_playing
    qtbot.mouseClick(ready.viewing.blink_bar.skip, LEFT)
    qtbot.waitUntil(lambda: not model.is_playing, timeout=PATIENCE_MS)
    assert "4 rejected left out" in ready.viewing.blink_bar.notes.text()
