"""The list of frames by keys: from frame to frame, past headings, over folded groups; and what a range means."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication

KEY, LEFT = Qt.Key, Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
BIASES, DARKS = ([f"{kind}_{k:03d}.fits" for k in range(3)] for kind in ("bias", "dark"))
SCIENCE, BIAS, DARK = 1, 2, 3
"""Numbers of groups: before them stands the one of unknown kind."""


@pytest.fixture
def listed(qtbot, opened):
    """The window with the focus in its list, on the last science frame: below it come the biases."""
    opened.table.tree.setFocus()
    go_to(opened, LIGHTS[-1])
    return opened


def go_to(window, path):
    window.night.select([path])


def press(qtbot, window, key, times=1, modifiers=Qt.KeyboardModifier.NoModifier):
    for _ in range(times):
        qtbot.keyClick(window.table.tree, key, modifiers)


def meant(window):
    return list(window.night.selection)


def heading(window, group):
    return window.table.model.index(group, 0)


def is_folded(window, group):
    return not window.table.tree.isExpanded(heading(window, group))


def click(qtbot, window, index, modifiers=Qt.KeyboardModifier.NoModifier):
    tree = window.table.tree
    tree.scrollTo(index)
    row = tree.visualRect(index)
    qtbot.mouseClick(tree.viewport(), LEFT, modifiers, QPoint(row.left() + 30, row.center().y()))
    QApplication.processEvents()


def test_down_and_up_go_from_frame_to_frame_past_the_headings(qtbot, listed):
    """Down stopped on each heading and selected all of its group, which X would have rejected."""
    order = listed.table.model.ordered()
    go_to(listed, order[0])
    walked = [order[0]]
    for _ in order[1:]:
        press(qtbot, listed, KEY.Key_Down)
        assert len(meant(listed)) == 1
        walked.append(listed.night.current)
    assert walked == order
    for path in order[-2::-1]:
        press(qtbot, listed, KEY.Key_Up)
        assert meant(listed) == [path] == [listed.night.current]


def test_at_both_ends_the_frame_stays_and_its_heading_comes_into_sight(qtbot, listed):
    order, tree = listed.table.model.ordered(), listed.table.tree
    go_to(listed, order[-1])
    press(qtbot, listed, KEY.Key_Down)
    assert meant(listed) == order[-1:]
    go_to(listed, order[0])
    press(qtbot, listed, KEY.Key_Up)
    assert meant(listed) == order[:1]
    assert tree.viewport().rect().contains(tree.visualRect(heading(listed, 0)))


@pytest.mark.parametrize(("key", "number"), [(KEY.Key_Home, 0), (KEY.Key_End, -1)])
def test_home_and_end_go_to_the_first_and_the_last_frame(qtbot, listed, key, number):
    press(qtbot, listed, key)
    assert meant(listed) == [listed.table.model.ordered()[number]]


@pytest.mark.parametrize("key", [KEY.Key_PageDown, KEY.Key_PageUp])
def test_a_page_further_a_frame_is_meant_whatever_row_it_ends_on(qtbot, listed, key):
    tree, order = listed.table.tree, listed.table.model.ordered()
    for height in range(60, 200, 24):
        tree.setFixedHeight(height)
        QApplication.processEvents()
        go_to(listed, order[0 if key == KEY.Key_PageDown else -1])
        for _ in range(4):
            press(qtbot, listed, key)
            assert len(meant(listed)) == 1


def test_x_on_the_first_frame_of_a_group_that_was_gone_to_by_down_rejects_that_one(qtbot, listed):
    press(qtbot, listed, KEY.Key_Down)
    press(qtbot, listed, KEY.Key_X)
    assert list(listed.night.rejected) == BIASES[:1]


def test_shift_and_down_across_groups_select_the_frames_that_were_passed_and_no_others(qtbot, listed):
    """It went to and fro between a heading, with all of its group, and the frame above it."""
    go_to(listed, LIGHTS[2])
    expected = [*LIGHTS[2:], *BIASES, *DARKS[:1]]
    for number in range(2, len(expected) + 1):
        press(qtbot, listed, KEY.Key_Down, modifiers=SHIFT)
        assert meant(listed) == expected[:number]
    for number in range(len(expected) - 1, 0, -1):
        press(qtbot, listed, KEY.Key_Up, modifiers=SHIFT)
        assert meant(listed) == expected[:number]
    press(qtbot, listed, KEY.Key_Up, modifiers=SHIFT)
    assert meant(listed) == LIGHTS[1:3]


def test_shift_and_up_across_groups_select_upwards(qtbot, listed):
    go_to(listed, BIASES[1])
    press(qtbot, listed, KEY.Key_Up, 3, SHIFT)
    assert meant(listed) == [*LIGHTS[2:], *BIASES[:2]]


def test_a_click_with_shift_in_another_group_selects_the_frames_between_and_not_the_rest_of_it(qtbot, listed):
    """The heading between stood for all of its group."""
    model = listed.table.model
    click(qtbot, listed, model.index_of(LIGHTS[2]))
    click(qtbot, listed, model.index_of(BIASES[1]), SHIFT)
    assert meant(listed) == [*LIGHTS[2:], *BIASES[:2]]


def test_a_range_begins_at_the_frame_that_was_gone_to_by_whatever_way(qtbot, listed):
    click(qtbot, listed, listed.table.model.index_of(LIGHTS[0]))
    press(qtbot, listed, KEY.Key_Right, 2)
    assert meant(listed) == LIGHTS[2:3]
    press(qtbot, listed, KEY.Key_Down, modifiers=SHIFT)
    assert meant(listed) == LIGHTS[2:]


def test_down_stops_on_a_folded_group_which_stays_folded_until_right_unfolds_it(qtbot, listed):
    """It was unfolded by going over it."""
    listed.table.tree.collapse(heading(listed, BIAS))
    press(qtbot, listed, KEY.Key_Down)
    assert listed.table.tree.currentIndex() == heading(listed, BIAS)
    assert is_folded(listed, BIAS)
    assert meant(listed) == BIASES, "it stands for its frames, as where it is clicked"
    assert listed.viewing.rail.reject.text() == "Reject 3"
    press(qtbot, listed, KEY.Key_Right)
    assert not is_folded(listed, BIAS)
    press(qtbot, listed, KEY.Key_Down)
    assert meant(listed) == BIASES[:1]


def test_down_and_up_go_on_over_a_folded_group(qtbot, listed):
    listed.table.tree.collapse(heading(listed, BIAS))
    press(qtbot, listed, KEY.Key_Down, 2)
    assert meant(listed) == DARKS[:1]
    press(qtbot, listed, KEY.Key_Up, 2)
    assert meant(listed) == LIGHTS[-1:]
    assert is_folded(listed, BIAS)


def test_a_range_over_a_folded_group_takes_its_frames_along(qtbot, listed):
    listed.table.tree.collapse(heading(listed, BIAS))
    press(qtbot, listed, KEY.Key_Down, 2, SHIFT)
    assert meant(listed) == [LIGHTS[-1], *BIASES, DARKS[0]]
    assert is_folded(listed, BIAS)


def test_from_a_frame_that_was_folded_away_down_and_up_leave_its_group(qtbot, listed):
    """The list jumped to its second row."""
    for key, path in ((KEY.Key_Down, DARKS[0]), (KEY.Key_Up, LIGHTS[-1])):
        listed.table.tree.expandAll()
        go_to(listed, BIASES[1])
        listed.table.tree.collapse(heading(listed, BIAS))
        press(qtbot, listed, key)
        assert meant(listed) == [path]


def test_left_and_right_fold_and_unfold_a_group_on_its_heading_and_change_frames_elsewhere(qtbot, listed):
    """A click on a heading put the cursor on its first frame, and ← and → always went to another frame."""
    click(qtbot, listed, heading(listed, BIAS))
    assert meant(listed) == BIASES
    press(qtbot, listed, KEY.Key_Left)
    assert is_folded(listed, BIAS)
    assert meant(listed) == BIASES
    press(qtbot, listed, KEY.Key_Right)
    assert not is_folded(listed, BIAS)
    press(qtbot, listed, KEY.Key_Down, 2)
    assert meant(listed) == BIASES[1:2]
    press(qtbot, listed, KEY.Key_Right)
    assert meant(listed) == BIASES[2:3]
    press(qtbot, listed, KEY.Key_Left, 2)
    assert meant(listed) == BIASES[:1]
    assert not is_folded(listed, BIAS)


def test_a_folded_group_that_is_clicked_is_meant_and_stays_folded_also_when_rows_are_made_anew(qtbot, listed):
    listed.table.tree.collapse(heading(listed, BIAS))
    click(qtbot, listed, heading(listed, BIAS))
    assert meant(listed) == BIASES
    assert is_folded(listed, BIAS)
    listed.table.model.rebuild()
    QApplication.processEvents()
    assert is_folded(listed, BIAS)
    assert meant(listed) == BIASES
    press(qtbot, listed, KEY.Key_Down)
    assert meant(listed) == DARKS[:1]


def test_a_flat_list_is_walked_and_ranged_over_frame_by_frame(qtbot, listed):
    listed.table.grouped.click()
    order = listed.table.model.ordered()
    go_to(listed, order[0])
    listed.table.tree.setFocus()
    press(qtbot, listed, KEY.Key_Down)
    assert meant(listed) == order[1:2]
    press(qtbot, listed, KEY.Key_Down, 2, SHIFT)
    assert meant(listed) == order[1:4]


def test_the_folded_masters_are_gone_over_and_leave_the_frame_that_is_seen(qtbot, opened_reduced):
    table = opened_reduced.table
    qtbot.waitUntil(lambda: table.model.groups[-1].is_masters, timeout=8000)
    last = len(table.model.groups) - 1
    table.tree.setFocus()
    table.tree.collapse(heading(opened_reduced, last))
    seen = table.model.ordered()[-1]
    go_to(opened_reduced, seen)
    press(qtbot, opened_reduced, KEY.Key_Down)
    assert table.tree.currentIndex() == heading(opened_reduced, last)
    assert opened_reduced.night.current == seen
    press(qtbot, opened_reduced, KEY.Key_Up)
    assert opened_reduced.night.current == seen
