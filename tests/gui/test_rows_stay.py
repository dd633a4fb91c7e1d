"""The frames never move under the cursor by themselves: neither the list's beginning nor the row that is looked at."""

import json
from dataclasses import replace

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QCursor, QFontMetrics
from PyQt6.QtWidgets import QPushButton, QStyleOptionViewItem

from astep_gui.main_window import MainWindow
from astep_gui.models.frame_columns import column_number
from astep_gui.models.frame_filter import FrameFilter
from astep_gui.models.frame_table_model import FILTER_MS
from astep_gui.models.needs import Need, Remedy
from astep_gui.widgets.frame_rows import ROW_PX
from pipeline_core.kept_looks import QuickLook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.nights import write_frame

PATIENCE_MS = 60_000
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def row_y(window, path):
    """Where a frame's row begins in the window, pixels."""
    tree = window.table.tree
    return tree.viewport().mapTo(window, tree.visualRect(window.table.model.index_of(path)).topLeft()).y()


def table_y(window):
    return window.table.mapTo(window, QPoint(0, 0)).y()


def places(window):
    return table_y(window), window.table.tree.mapTo(window, QPoint(0, 0)).y(), row_y(window, LIGHTS[1])


@pytest.fixture(params=[(1280, 720), (1600, 1000)])
def watched(qtbot, opened, request):
    """A night that is looked at; the pointer is over the image, so that nothing waits for it to leave."""
    opened.resize(*request.param)
    opened.night.select([LIGHTS[1]], LIGHTS[1])
    QCursor.setPos(opened.viewing.view.mapToGlobal(QPoint(5, 5)))
    qtbot.wait(100)
    return opened


def judge(window, cause="cloud", paths=LIGHTS):
    window.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU"), flags=(Flag(cause, f"{cause} was seen", "bad"),))
        for path in paths
    )
    window.night._ask_needs()


def test_verdicts_of_a_first_look_and_needs_that_come_and_go_move_no_row(qtbot, watched):
    before = places(watched)
    for causes in (("cloud",), ("cloud", "frost", "wind"), ("frost",)):
        for cause, path in zip(causes, LIGHTS, strict=False):
            judge(watched, cause, [path])
        qtbot.wait(50)
        assert places(watched) == before
    for number in (0, 12, 1):
        watched.night.needs = [Need(f"need {k}", "why", (), (Remedy("Show", "show"),)) for k in range(number)]
        watched.night.needs_changed.emit()
        qtbot.wait(50)
        assert places(watched) == before, f"{number} needs"


def test_a_need_that_is_settled_and_taken_back_moves_no_row(qtbot, watched):
    watched.decisions.set_field(LIGHTS[2:3], "filter", "V")
    missing = lambda: any("flat for filter V" in n.title for n in watched.night.needs)  # noqa: E731
    qtbot.waitUntil(missing, timeout=PATIENCE_MS)
    qtbot.wait(50)
    before = places(watched)
    button = next(b for b in watched.needs.findChildren(QPushButton) if b.text() == "Go without")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not missing(), timeout=PATIENCE_MS)
    qtbot.wait(50)
    assert places(watched) == before
    qtbot.keyClick(watched, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(missing, timeout=PATIENCE_MS)
    qtbot.wait(50)
    assert places(watched) == before


def test_a_run_moves_no_row(qtbot, watched):
    before, seen = places(watched), set()
    watched.run.changed.connect(lambda: seen.add(places(watched)))
    qtbot.keyClick(watched, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: watched.night.survey is not None and watched.night.survey.is_reduced, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not watched.run.is_running, timeout=PATIENCE_MS)
    qtbot.wait(300)
    assert seen | {places(watched)} == {before}
    assert watched.needs.heading.full_text


def test_a_folder_that_grows_moves_neither_the_list_nor_the_current_row(qtbot, watched, night_folder):
    """The new frame stands above the current one, and all rows are in sight: the list could only push it down."""
    before = places(watched)
    write_frame(night_folder / "aaa_before.fits", "light", number=27, FILTER="R", OBJECT="M 5")
    watched.night.refresh()
    qtbot.waitUntil(lambda: watched.table.model.index_of("aaa_before.fits").isValid(), timeout=PATIENCE_MS)
    model = watched.table.model
    assert model.ordered().index("aaa_before.fits") < model.ordered().index(LIGHTS[1])
    qtbot.wait(600)
    assert places(watched) == before


def test_the_row_under_the_pointer_stays_while_a_list_sorted_by_state_is_made_anew(qtbot, watched):
    table = watched.table
    table.tree.sortByColumn(column_number("state"), Qt.SortOrder.AscendingOrder)
    qtbot.wait(50)
    room = table.tree.viewport()
    QCursor.setPos(room.mapToGlobal(table.tree.visualRect(table.model.index_of(LIGHTS[3])).center()))
    qtbot.wait(50)
    assert table.model.is_pointed_at()
    before = row_y(watched, LIGHTS[3])
    judge(watched, "cloud", LIGHTS[:1] + LIGHTS[2:])
    qtbot.wait(50)
    assert row_y(watched, LIGHTS[3]) == before, "verdicts alone sort nothing"
    table.model.rebuild()  # as new masters do
    qtbot.wait(50)
    assert row_y(watched, LIGHTS[3]) == before


def test_found_rows_that_fit_no_more_stay_until_the_pointer_has_left_them(qtbot, watched):
    judge(watched)
    watched.actions_by_name["show_suspects"].trigger()
    table = watched.table
    room = table.tree.viewport()
    QCursor.setPos(room.mapToGlobal(table.tree.visualRect(table.model.index_of(LIGHTS[2])).center()))
    qtbot.wait(50)
    before = row_y(watched, LIGHTS[2])
    watched.decisions.reject([LIGHTS[0]], "cloud")
    qtbot.wait(FILTER_MS + 200)
    assert row_y(watched, LIGHTS[2]) == before
    QCursor.setPos(watched.viewing.view.mapToGlobal(QPoint(5, 5)))
    qtbot.waitUntil(lambda: LIGHTS[0] not in table.model.ordered(), timeout=PATIENCE_MS)


def test_found_rows_under_the_pointer_stay_when_the_folder_grows_too(qtbot, watched, night_folder):
    judge(watched)
    watched.actions_by_name["show_suspects"].trigger()
    table = watched.table
    room = table.tree.viewport()
    QCursor.setPos(room.mapToGlobal(table.tree.visualRect(table.model.index_of(LIGHTS[2])).center()))
    watched.decisions.reject([LIGHTS[0]], "cloud")
    qtbot.wait(FILTER_MS + 200)
    before = row_y(watched, LIGHTS[2])
    write_frame(night_folder / "zzz_after.fits", "light", number=27, FILTER="R", OBJECT="M 5")
    watched.night.refresh()
    qtbot.waitUntil(lambda: watched.night.frame("zzz_after.fits") is not None, timeout=PATIENCE_MS)
    qtbot.wait(FILTER_MS + 200)
    assert row_y(watched, LIGHTS[2]) == before
    QCursor.setPos(watched.viewing.view.mapToGlobal(QPoint(5, 5)))
    qtbot.waitUntil(lambda: LIGHTS[0] not in table.model.ordered(), timeout=PATIENCE_MS)


def measured(widths_px):
    return [
        QualityRow(path, replace(ScienceMeasures("final", "electron"), fwhm_px=width))
        for path, width in zip(LIGHTS, widths_px, strict=True)
    ]


@pytest.mark.parametrize("kept", [(5.0, 2.0, 4.0, 3.0), None])
def test_a_night_that_opens_in_an_order_by_width_stands_so_once_widths_are_known(qtbot, window, night_folder, kept):
    """From an earlier run, at once; those that are measured now, when rows are made anew: they had no place before."""
    window.table.tree.sortByColumn(column_number("fwhm"), Qt.SortOrder.AscendingOrder)
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    if kept is not None:
        window.night.looking.begun.emit(QuickLook(measured(kept)))
    else:
        window.night.looking.begun.emit(QuickLook([]))
        window.night._take_rows(measured((5.0, 2.0, 4.0, 3.0)))
        window.table.model.rebuild()  # as new masters do, or a folder that grows
    by_width = [LIGHTS[k] for k in (1, 3, 2, 0)]
    assert [path for path in window.table.model.ordered() if path in LIGHTS] == by_width
    window.night.looking.begun.emit(QuickLook(measured((2.0, 5.0, 3.0, 4.0))))
    assert [path for path in window.table.model.ordered() if path in LIGHTS] == by_width, "later values move no row"


def test_a_pointer_that_rests_on_found_rows_lets_nothing_be_searched_again_and_again(qtbot, watched, monkeypatch):
    judge(watched)
    watched.actions_by_name["show_suspects"].trigger()
    table, looked = watched.table, []
    QCursor.setPos(table.tree.viewport().mapToGlobal(table.tree.visualRect(table.model.index_of(LIGHTS[2])).center()))
    watched.decisions.reject([LIGHTS[0]], "cloud")
    qtbot.wait(FILTER_MS + 200)
    hold, news = FrameFilter.hold, []
    monkeypatch.setattr(FrameFilter, "hold", lambda *a, **how: looked.append(a) or hold(*a, **how))
    for signal in (watched.night.frames_changed, watched.night.quality_changed, watched.night.survey_changed):
        signal.connect(lambda *_: news.append(1))
    qtbot.wait(5 * FILTER_MS)
    assert len(looked) <= len(news) + 1 < 5, "only after something was said of the frames, once before the wait"
    assert LIGHTS[0] in table.model.ordered()


def test_the_first_rejected_frame_of_a_group_does_not_give_its_heading_another_line(qtbot, watched):
    dock = watched.docks["frames"]
    for width in range(300, 560, 13):
        watched.resizeDocks([dock], [width], Qt.Orientation.Horizontal)
        qtbot.wait(10)
        before = places(watched)
        watched.decisions.reject([LIGHTS[3]], "cloud")
        qtbot.wait(30)
        assert places(watched) == before
        watched.decisions.undo()
        qtbot.wait(30)


def test_a_heading_has_no_more_lines_than_its_words_and_the_count_of_the_rejected_stands_beside_them(qtbot, watched):
    tree, model = watched.table.tree, watched.table.model
    group = model.index_of(LIGHTS[0]).parent()
    room = QFontMetrics(tree.headings.font).lineSpacing()
    for width in range(300, 560, 13):
        watched.resizeDocks([watched.docks["frames"]], [width], Qt.Orientation.Horizontal)
        qtbot.wait(10)
        option = QStyleOptionViewItem()
        tree.rows.initStyleOption(option, group)
        lines = option.text.split("\N{LINE SEPARATOR}")
        assert tree.visualRect(group).height() == ROW_PX + (len(lines) - 1) * room
        assert "rejected" not in option.text
        place, advance = tree.visualRect(group), option.fontMetrics.horizontalAdvance
        said = tree.headings.count_words(group, 4, place.width())
        assert max(map(advance, lines)) + advance(said) < place.width()
    before = tree.viewport().grab().toImage()
    watched.decisions.reject([LIGHTS[3]], "cloud")
    qtbot.wait(50)
    after, place = tree.viewport().grab().toImage(), tree.visualRect(group)
    right = place.adjusted(place.width() - advance("✕ 9"), 0, 0, 0)
    assert after.copy(right) != before.copy(right), "it stands at the right of the heading"
    assert model.data(group, Qt.ItemDataRole.ToolTipRole).endswith("✕ 1 rejected")


def test_keys_move_both_handles_as_a_drag_does_and_what_they_chose_is_kept(qtbot, watched, remembered):
    keys = Qt.KeyboardModifier
    for upper, key, keyboard, grows in (
        (watched.needs, Qt.Key.Key_Down, keys.AltModifier | keys.ShiftModifier, True),
        (watched.needs, Qt.Key.Key_Up, keys.AltModifier | keys.ShiftModifier, False),
        (watched.viewing.strips, Qt.Key.Key_PageUp, keys.AltModifier, True),
        (watched.viewing.strips, Qt.Key.Key_PageDown, keys.AltModifier, False),
    ):
        before = upper.height()
        qtbot.keyClick(watched, key, keyboard)
        assert upper.height() == before + (24 if grows else -24)
    qtbot.keyClick(watched, Qt.Key.Key_Down, keys.AltModifier | keys.ShiftModifier)
    chosen = watched.needs.height()
    assert watched.panels.lists.by_hand is not None
    for _ in range(40):
        qtbot.keyClick(watched, Qt.Key.Key_Down, keys.AltModifier | keys.ShiftModifier)
    assert watched.needs.height() > chosen
    assert watched.table.height() >= watched.table.minimumHeight(), "the frames keep some rows"
    watched.panels.reset()


def drag_handle(qtbot, window, by):
    handle = window.panels.lists.handle(1)
    middle = handle.rect().center()
    qtbot.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(handle, middle + QPoint(0, by))
    qtbot.mouseRelease(handle, Qt.MouseButton.LeftButton, pos=middle)


def test_the_height_that_a_person_drags_is_kept_at_once_and_put_back_by_reset_layout(qtbot, watched, remembered):
    first = watched.needs.height()
    drag_handle(qtbot, watched, 60)
    chosen = watched.needs.height()
    assert chosen == pytest.approx(first + 60, abs=3)
    qtbot.waitUntil(lambda: not watched.keeper.is_waiting, timeout=5000)  # then a kill loses nothing
    assert json.loads(remembered.word("needs_height", "null")) == watched.panels.lists.by_hand
    again = MainWindow(remembered)
    qtbot.addWidget(again)
    assert again.panels.lists.by_hand == watched.panels.lists.by_hand
    again.close()
    qtbot.keyClick(watched, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.wait(50)
    assert watched.needs.height() == first


@pytest.mark.parametrize("height", [720, 1000, 1440, 2160])
def test_frames_have_the_greater_part_and_needs_a_few_whole_lines_at_first(qtbot, opened, height):
    opened.resize(1600, height)
    opened.night.needs = [Need(f"need {k}", "why", (), (Remedy("Show", "show"),)) for k in range(30)]
    opened.needs.show_needs()
    qtbot.wait(100)
    assert opened.table.height() > 1.5 * opened.needs.height()
    assert opened.needs._area.height() >= 2 * opened.needs._heights[0] - 10
    assert "more below" in opened.needs.more.text()
    assert opened.needs._area.verticalScrollBar().isVisible()
